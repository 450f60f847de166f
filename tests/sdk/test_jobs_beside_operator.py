"""Jobs of Microsoft's client on what the operator attached: they run once it has assigned the role."""

import json
import os
import subprocess

import pytest
import yaml
from conftest import (
    CLIENT,
    LONG,
    OPERATOR,
    OPERATOR_CLIENT,
    OWNER,
    POOL,
    SECRET,
    SUBSCRIPTION,
    TENANT,
    USERS,
    Client,
    endpoints,
    eventually,
    roles_of,
    users_of,
)
from jobs import dynamic, identities, pipeline, spark, steps, submit

ADMINISTRATOR = "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78"
SCOPE = "workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool"
ROLE = {"name": "Synapse Administrator"}
REFUSED = "The principal '{}' does not have the required Synapse RBAC permission"


@pytest.fixture(autouse=True)
def running(operator):
    """Every test here runs with the operator."""


@pytest.fixture
def roles(azure):
    return roles_of(azure, "yogi-synapse-ws").role_assignments


@pytest.fixture
def attached(plane):
    """Attaches with a role, and detaches when the test has ended."""
    made = []

    def attach(name, identity=None, role=ROLE):
        made.append(name)
        plane.apply(name, identity or {"type": "SystemAssigned"}, **({"synapseRole": role} if role else {}))
        if role:
            plane.wait(name, "RoleAssigned")
        plane.wait(name)
        return plane.get(name)["status"]

    yield attach
    for name in made:
        plane.kubectl("delete", "ssa", name, "--ignore-not-found", f"--timeout={LONG}s")


def held(roles, principal):
    return {(one.id, one.role_definition_id, one.scope) for one in roles.list_role_assignments(principal_id=principal).value}


# As whom it runs


def test_a_job_fails_until_the_operator_has_assigned_the_role(azure, client, plane, roles, attached):
    managed, _ = identities()
    principal = attached("job-role", role=None)["identity"]["principalId"]
    assert principal == client.get("job-role")["identity"]["principal_id"]
    failed = submit(client, spark(client, "job-role", managed))
    assert failed.status == "Failed"
    assert REFUSED.format(principal) in failed.properties["error"]
    assert held(roles, principal) == set()

    since = azure.now()
    plane.kubectl("patch", "ssa", "job-role", "--type=merge", "-p", json.dumps({"spec": {"synapseRole": ROLE}}))
    plane.wait("job-role", "RoleAssigned")
    plane.wait("job-role")

    assert submit(client, spark(client, "job-role", managed)).status == "Completed"
    (granted,) = held(roles, principal)
    assert granted[1:] == (ADMINISTRATOR, SCOPE)
    assert [one["assignmentId"] for one in plane.get("job-role")["status"]["roleAssignments"]] == [granted[0]]
    # The role is all that it needed: the compute was left alone.
    writes = azure.journal(since, OPERATOR_CLIENT, ("PUT", "PATCH", "DELETE"))
    assert [one["path"] for one in writes] == [f"/synapse/yogi-synapse-ws/roleAssignments/{granted[0]}"]


def test_a_job_runs_as_the_first_user_assigned_identity(azure, client, attached, roles):
    users = {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": one} for one in USERS]}
    first, second = (one["principalId"] for one in attached("job-first", users)["identity"]["userAssigned"])
    assert users_of(client.get("job-first")) == [one.lower() for one in USERS]
    assert [one[1:] for one in held(roles, first)] == [(ADMINISTRATOR, SCOPE)]
    assert held(roles, second) == set()
    assert submit(client, spark(client, "job-first")).status == "Completed"


def test_a_job_runs_as_the_user_without_a_role(azure, client, attached):
    _, user = identities()
    attached("job-user", role=None)
    since = azure.now()
    assert submit(client, spark(client, "job-user", user)).status == "Completed"
    (put,) = azure.journal(since, CLIENT, ("PUT",))
    assert put["body"]["properties"]["identity"] == {"identityType": "UserIdentity"}
    # It is not the attachment's identity that lets it run: as that it fails.
    assert submit(client, spark(client, "job-user")).status == "Failed"




# What it runs


def test_a_job_with_dynamic_allocation(azure, client, attached):
    attached("job-dynamic")
    since = azure.now()
    assert submit(client, spark(client, "job-dynamic", **dynamic(1, 4))).status == "Completed"
    (put,) = azure.journal(since, CLIENT, ("PUT",))
    sent = put["body"]["properties"]
    assert sent["computeId"] == f"{client.id}/computes/job-dynamic"
    limits = {key: str(value) for key, value in sent["conf"].items() if key.startswith("spark.dynamicAllocation.")}
    assert limits == {
        "spark.dynamicAllocation.enabled": "True",
        "spark.dynamicAllocation.minExecutors": "1",
        "spark.dynamicAllocation.maxExecutors": "4",
    }


def test_a_pipeline_prepares_its_data_on_the_pool(azure, client, attached):
    azure.seed({"computes": [{"id": f"{client.id}/computes/cpucluster", "properties": {"computeType": "AmlCompute", "resourceId": None}}]})
    attached("job-steps")
    since = azure.now()
    done = submit(client, pipeline(client, "job-steps"))
    assert done.status == "Completed"
    assert steps(azure, done.name) == {"prepare": "Completed", "train": "Completed"}
    sent = azure.journal(since, CLIENT, ("PUT",), f"/jobs/{done.name}")[0]["body"]["properties"]["jobs"]
    assert {name: one["computeId"] for name, one in sent.items()} == {
        "prepare": f"{client.id}/computes/job-steps",
        "train": f"{client.id}/computes/cpucluster",
    }
    assert sent["train"]["inputs"]["data"]["value"] == "${{parent.jobs.prepare.outputs.prepared}}"


# And the end


def test_deleting_the_object_revokes_its_role_and_jobs_fail(azure, client, plane, roles, attached):
    from azure.core.exceptions import HttpResponseError

    principal = attached("job-end")["identity"]["principalId"]
    assert [one[1:] for one in held(roles, principal)] == [(ADMINISTRATOR, SCOPE)]
    assert submit(client, spark(client, "job-end")).status == "Completed"

    plane.kubectl("delete", "ssa", "job-end", f"--timeout={LONG}s")

    assert held(roles, principal) == set()
    with pytest.raises(HttpResponseError, match="UserError.*'job-end' was not found"):
        submit(client, spark(client, "job-end"))


def test_a_pool_that_is_attached_again_gets_its_role_again(azure, client, plane, roles, attached):
    before = attached("job-anew")["identity"]["principalId"]
    client.detach("job-anew")

    def renewed():
        now = plane.get("job-anew")["status"].get("identity", {}).get("principalId")
        return now not in (None, before) and plane.condition("job-anew", "RoleAssigned")["status"] == "True" and now

    now = eventually(renewed, "another principal, with the role")
    assert [one[1:] for one in held(roles, now)] == [(ADMINISTRATOR, SCOPE)]
    eventually(lambda: held(roles, before) == set(), "the old principal's role is taken back")
    plane.wait("job-anew")
    assert submit(client, spark(client, "job-anew")).status == "Completed"


# What the client attached, printed as manifests


def imported(azure, folder, workspace):
    """`import --workspace` as a user who is logged in; its standard output, and its standard error."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **endpoints(azure)}
    env |= {"AZURE_CREDENTIAL": "client-secret", "AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": SECRET}
    command = [OPERATOR, "import", "--workspace", workspace]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LONG)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_import_prints_the_manifest_of_a_compute_that_the_client_attached(azure, plane, tmp_path):
    workspace = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/import-group/providers/Microsoft.MachineLearningServices/workspaces/import-ws"
    azure.seed({"workspaces": [{"id": workspace, "location": "eastus2"}]})
    azure.seed({"computes": [{"id": f"{workspace}/computes/cpucluster", "properties": {"computeType": "AmlCompute", "resourceId": None}}]})
    theirs = Client(azure, SUBSCRIPTION, "import-group", "import-ws")
    one = theirs.attach(theirs.spark("Nightly1", kind="UserAssigned", users=USERS, tags={"costcenter": "4711"}, description="by hand"))
    theirs.attach(theirs.spark("plain"))

    since = azure.now()
    printed, said = imported(azure, tmp_path, f"{SUBSCRIPTION}/import-group/import-ws")

    assert not azure.journal(since, methods=("PUT", "PATCH", "DELETE"))
    manifests = {one["metadata"]["name"]: one["spec"] for one in yaml.safe_load_all(printed)}
    assert set(manifests) == {"nightly1", "plain"}, said
    spec = manifests["nightly1"]
    where = {"subscriptionId": SUBSCRIPTION, "resourceGroup": "import-group", "name": "import-ws"}
    assert (spec["computeName"], spec["workspace"], spec["resourceId"]) == ("Nightly1", where, POOL)
    assert (spec["tags"], spec["description"]) == ({"costcenter": "4711"}, "by hand")
    assert [one["resourceId"].lower() for one in spec["identity"]["userAssignedIdentities"]] == [one.lower() for one in USERS]

    # Applying it changes only the owner tag.
    plane.kubectl("apply", "-f", "-", stdin=next(one for one in printed.split("---\n") if "name: nightly1" in one))
    try:
        plane.wait("nightly1")
        now = theirs.get("Nightly1")
        assert {**now["tags"], OWNER: ""} == {"costcenter": "4711", OWNER: ""}
        assert now == {**one, "tags": now["tags"]}
        writes = azure.journal(since, OPERATOR_CLIENT, ("PUT", "PATCH", "DELETE"))
        assert [(one["method"], one["path"].rsplit("/", 1)[-1]) for one in writes] == [("PUT", "Nightly1")]
        # Now it has an owner.
        printed, said = imported(azure, tmp_path, f"{SUBSCRIPTION}/import-group/import-ws")
        assert [one["metadata"]["name"] for one in yaml.safe_load_all(printed)] == ["plain"]
        assert f"compute Nightly1: skipped: it belongs to {now['tags'][OWNER]}" in said
    finally:
        plane.kubectl("delete", "ssa", "nightly1", f"--timeout={LONG}s")
