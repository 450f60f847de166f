"""Jobs on an attached pool, as in Microsoft's documentation."""

import uuid

from conftest import eventually

CSV = "azureml://datastores/workspaceblobstore/paths/x.csv"
OUT = "azureml://datastores/workspaceblobstore/paths/out/"
ENDED = ("Completed", "Failed", "Canceled")


def identities():
    from azure.ai.ml.entities import ManagedIdentityConfiguration, UserIdentityConfiguration

    return ManagedIdentityConfiguration(), UserIdentityConfiguration()


def size(**executors):
    return {"driver_cores": 1, "driver_memory": "2g", "executor_cores": 2, "executor_memory": "2g", **(executors or {"executor_instances": 2})}


def dynamic(least, most):
    return {"dynamic_allocation_enabled": True, "dynamic_allocation_min_executors": least, "dynamic_allocation_max_executors": most}


def spark(ml, compute="spark", identity=None, **executors):
    from azure.ai.ml import Input, Output
    from azure.ai.ml import spark as job

    return job(
        name=f"job-{uuid.uuid4()}",
        compute=compute,
        # With an ID nothing is uploaded.
        code=f"{ml.id}/codes/code/versions/1",
        entry={"file": "main.py"},
        identity=identity,
        inputs={"data": Input(type="uri_file", path=CSV, mode="direct")},
        outputs={"prepared": Output(type="uri_folder", path=OUT, mode="direct")},
        args="--data ${{inputs.data}} --prepared ${{outputs.prepared}}",
        **size(**executors),
    )


def pipeline(ml, compute="spark"):
    """Spark prepares the data on the attached pool, then a cluster trains with the result."""
    from azure.ai.ml import Input, Output, command, dsl
    from azure.ai.ml import spark as node

    prepare = node(
        name="prepare",
        compute=compute,
        code=f"{ml.id}/codes/code/versions/1",
        entry={"file": "main.py"},
        identity=identities()[0],
        inputs={"data": Input(type="uri_file", mode="direct")},
        outputs={"prepared": Output(type="uri_folder", mode="direct")},
        args="--data ${{inputs.data}} --prepared ${{outputs.prepared}}",
        **size(),
    )
    train = command(
        name="train",
        compute="cpucluster",
        code=f"{ml.id}/codes/code/versions/1",
        command="python train.py --data ${{inputs.data}}",
        environment=f"{ml.id}/environments/sklearn/versions/1",
        inputs={"data": Input(type="uri_folder")},
    )

    @dsl.pipeline(name=f"pipeline-{uuid.uuid4()}")
    def two_steps(csv):
        first = prepare(data=csv)
        first.outputs.prepared = Output(type="uri_folder", path=OUT, mode="direct")
        train(data=first.outputs.prepared)

    return two_steps(csv=Input(type="uri_file", path=CSV, mode="direct"))


def submit(ml, job):
    """Submits a job, and waits for its end."""
    made = ml.jobs.create_or_update(job, skip_validation=True)
    assert made.status == "NotStarted"
    return eventually(lambda: (one := ml.jobs.get(made.name)).status in ENDED and one, "the job has ended")


def steps(azure, name):
    """The states of the steps of a pipeline; azure-ai-ml would read them from the run history."""
    return {one["step"]: one["status"] for one in azure.world()["jobs"] if one["parent"] == name}
