"""SDK v1's pipeline to its end, on a pool that the operator attached through a linked service: data preparation on Spark, then training."""

import json

import pytest
import yaml
from conftest import PRINCIPAL, WORKSPACE, sdk

LINK = {"name": "one", "poolName": "yogisparkpool"}
NAME = "link1-spark01"
CSV = "name,age\nAnna,31\nBert,44\n"


@pytest.fixture
def cluster(azure):
    """The name of a cluster that a test makes."""
    azure.settings(jobDuration="200ms")
    yield "cpucluster"
    azure.settings(jobDuration=None)
    azure.control("DELETE", "resource", params={"id": f"{WORKSPACE}/computes/cpucluster"})


@pytest.fixture
def pipeline(client, workspace, cluster, tmp_path, monkeypatch):
    """The calls of Microsoft's article about Spark in a pipeline of SDK v1, up to the pipeline."""
    from azureml.core import Dataset
    from azureml.core.compute import AmlCompute, ComputeTarget
    from azureml.core.environment import Environment
    from azureml.data import HDFSOutputDatasetConfig
    from azureml.pipeline.core import Pipeline
    from azureml.pipeline.steps import PythonScriptStep, SynapseSparkStep

    for name, text in {"data/people.csv": CSV, "code/prepare.py": "print('prepared')\n", "code/train.py": "print('trained')\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)

    datastore = workspace.get_default_datastore()
    datastore.upload_files(["data/people.csv"], overwrite=True, show_progress=False)
    # Reads the first lines, to find the types of the columns.
    table = Dataset.Tabular.from_delimited_files(path=[(datastore, "people.csv")]).as_named_input("table")
    files = Dataset.File.from_files(path=[(datastore, "people.csv")]).as_named_input("files").as_hdfs()
    prepared = HDFSOutputDatasetConfig(destination=(datastore, "prepared")).register_on_complete(name="prepared")
    environment = Environment(name="own")
    environment.python.conda_dependencies.add_pip_package("azureml-core>=1.20.0")
    on_spark = SynapseSparkStep(
        name="prepare",
        file="prepare.py",
        source_directory="code",
        inputs=[table, files],
        outputs=[prepared],
        arguments=["--table", table, "--files", files, "--prepared", prepared],
        compute_target=NAME,
        driver_memory="7g",
        driver_cores=4,
        executor_memory="7g",
        executor_cores=2,
        num_executors=1,
        environment=environment,
    )
    assert cluster not in workspace.compute_targets
    wanted = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=1)
    ComputeTarget.create(workspace, cluster, wanted).wait_for_completion(show_output=True)
    read = prepared.as_input("prepared").as_download()
    training = PythonScriptStep(
        script_name="train.py", arguments=[read], inputs=[read], compute_target=cluster, source_directory="code", allow_reuse=False
    )
    return Pipeline(workspace=workspace, steps=[on_spark, training])


@pytest.fixture
def attached(operator, links, plane):
    plane.apply(NAME, linkedService=LINK)
    plane.wait(NAME)
    yield
    plane.kubectl("delete", "ssa", NAME, "--ignore-not-found", f"--timeout={sdk.LONG}s")


def steps(run):
    """The state of each step in the words of the pipelines service, and in those of the run history."""
    return {step.name: (step.get_status(), step.get_details()["status"]) for step in run.get_steps()}


def test_a_pipeline_runs_on_what_the_operator_attached_once_the_linked_service_has_its_role(azure, attached, pipeline, plane, workspace):
    from azureml.exceptions import ActivityFailedException

    assert sdk.OWNER in workspace.compute_targets[NAME].tags
    # The client found these types in the data that it had uploaded.
    table, _ = (json.loads(sent["body"]["dataflowJson"])["meta"]["RsDataflow"] for sent in azure.journal(end="/saveddatasets"))
    types = yaml.safe_load(table)["transformations"][-1]["convert_column_types"]
    assert {one["columns"]: one["column_type"] for one in types} == {"name": "string", "age": "int"}

    # The linked service's identity, as which the step runs, has no role in Synapse.
    run = pipeline.submit("people", regenerate_outputs=True)
    with pytest.raises(ActivityFailedException, match="does not have the required Synapse RBAC permission") as failed:
        run.wait_for_completion(show_output=False)
    assert f"The step 'prepare' failed: The principal '{PRINCIPAL}'" in str(failed.value)
    assert run.get_status() == "Failed"
    assert steps(run) == {"prepare": ("Failed", "Failed"), "train.py": ("Canceled", "Canceled")}

    role = {"identity": {"type": "SystemAssigned"}, "synapseRole": {"name": "Synapse Administrator", "linkedService": True}}
    plane.kubectl("patch", "ssa", NAME, "--type=merge", "-p", json.dumps({"spec": role}))
    plane.wait(NAME, "RoleAssigned")
    plane.wait(NAME)

    since = azure.now()
    run = pipeline.submit("people", regenerate_outputs=True)
    # Shows each step while it runs, as it does in a notebook.
    assert run.wait_for_completion() == "Finished"
    assert steps(run) == {"prepare": ("Finished", "Completed"), "train.py": ("Finished", "Completed")}
    assert {step.name: step.get_details()["target"] for step in run.get_steps()} == {"prepare": NAME, "train.py": "cpucluster"}
    # The operator had no part in it.
    assert azure.journal(since, sdk.OPERATOR_CLIENT, ("PUT", "PATCH", "DELETE")) == []
