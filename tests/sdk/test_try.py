"""`kubectl synapse try` beside Microsoft's client: the same job, submitted with the same requests."""

import json
import os
import subprocess
import uuid

import pytest
from conftest import CLIENT, OPERATOR, SECRET, TENANT, endpoints, eventually
from jobs import ENDED, identities

ROLE = {"name": "Synapse Administrator"}
# What differs between two jobs: names of people's choice, and the version of the code.
OWN = ("displayName", "experimentName", "codeId")


@pytest.fixture(autouse=True)
def running(operator):
    """Every test here runs with the operator."""


def the_same(ml, compute, output):
    """The job, as somebody writes it with azure-ai-ml."""
    from azure.ai.ml import Output, spark

    return spark(
        name=f"job-{uuid.uuid4()}",
        compute=compute,
        # With an ID nothing is uploaded.
        code=f"{ml.id}/codes/code/versions/1",
        entry={"file": "main.py"},
        identity=identities()[0],
        outputs={"output": Output(type="uri_folder", path=output, mode="direct")},
        args="--output ${{outputs.output}}",
        driver_cores=1,
        driver_memory="2g",
        executor_cores=2,
        executor_memory="2g",
        executor_instances=1,
    )


def test_the_requests_are_those_of_azure_ai_ml(azure, client, plane):
    from azure.ai.ml._restclient.arm_ml_service.models import PendingUploadRequestDto
    from azure.ai.ml.entities._assets import Code

    plane.apply("job-try", {"type": "SystemAssigned"}, synapseRole=ROLE)
    plane.wait("job-try", "RoleAssigned")
    plane.wait("job-try")
    since = azure.now()
    env = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": plane.env["KUBECONFIG"],
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_CLIENT_SECRET": SECRET,
        **endpoints(azure),
    }
    done = subprocess.run([OPERATOR, "try", "job-try", "--yes", "-o", "json"], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"] == "proven"
    (start,) = azure.journal(since, CLIENT, ("POST",), "startPendingUpload")
    assert start["body"] == PendingUploadRequestDto(pending_upload_type="TemporaryBlobReference").as_dict()
    code, ours = azure.journal(since, CLIENT, ("PUT",))
    version = Code(path=code["body"]["properties"]["codeUri"], name="code", version="1")
    version._is_anonymous = True
    assert code["body"] == version._to_rest_object().as_dict()

    since = azure.now()
    made = client.jobs.create_or_update(the_same(client, "job-try", ours["body"]["properties"]["outputs"]["output"]["uri"]), skip_validation=True)
    (theirs,) = azure.journal(since, CLIENT, ("PUT",))
    ours, theirs = ours["body"]["properties"], theirs["body"]["properties"]
    assert all(ours[key] for key in OWN)
    assert {key: value for key, value in ours.items() if key not in OWN} == {key: value for key, value in theirs.items() if key not in OWN}
    eventually(lambda: client.jobs.get(made.name).status in ENDED, "the job has ended")
    plane.kubectl("delete", "ssa", "job-try", "--timeout=60s")
