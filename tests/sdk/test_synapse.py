"""Microsoft's clients against Synapse's side of the emulator: roles, pools, and jobs on an attached pool."""

import json
import socket
import uuid

import pytest
from conftest import TENANT, Client, credential, roles_of
from jobs import dynamic, identities, pipeline, spark, steps, submit

AML, SYN = "aaaaaaaa-1111-4222-8333-444444444444", "bbbbbbbb-7777-4888-8999-000000000000"
ML = f"/subscriptions/{AML}/resourceGroups/rg-jobs/providers/Microsoft.MachineLearningServices/workspaces/ws-jobs"
SYNAPSE = f"/subscriptions/{SYN}/resourceGroups/rg-roles/providers/Microsoft.Synapse/workspaces"
WORKSPACE = f"{SYNAPSE}/syn-roles"
POOL = f"{WORKSPACE}/bigDataPools/sparkpool"
IDENTITIES = f"/subscriptions/{SYN}/resourceGroups/rg-roles/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
STORAGE = f"/subscriptions/{AML}/resourceGroups/rg-jobs/providers/Microsoft.Storage/storageAccounts/jobstorage"
SCOPE = "workspaces/syn-roles/bigDataPools/sparkpool"

ADMINISTRATOR, OPERATOR = "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78", "e3844cc7-4670-42cb-9349-9bdac1ee7881"
ONE, OTHER = str(uuid.UUID(int=1, version=4)), str(uuid.UUID(int=2, version=4))


@pytest.fixture
def world(azure):
    """A Synapse workspace without roles, and a Machine Learning workspace with a cluster only."""
    there = azure.world()
    for one in (WORKSPACE, ML):
        if any(known["id"] == one for known in there["workspaces"] + there["synapseWorkspaces"]):
            azure.control("DELETE", "resource", params={"id": one})
    azure.seed(
        {
            "subscriptions": [{"id": AML, "tenantId": TENANT}, {"id": SYN, "tenantId": TENANT}],
            "workspaces": [{"id": ML, "location": "westeurope"}],
            "synapseWorkspaces": [{"id": WORKSPACE, "location": "westeurope"}, {"id": f"{SYNAPSE}/syn-second", "location": "westeurope"}],
            "pools": [{"id": POOL, "tags": {"team": "data"}}, {"id": f"{WORKSPACE}/bigDataPools/second"}],
            "identities": [{"id": f"{IDENTITIES}/{name}", "principalId": principal} for name, principal in (("one", ONE), ("other", OTHER))],
            "computes": [{"id": f"{ML}/computes/cpucluster", "properties": {"computeType": "AmlCompute", "resourceId": None}}],
        }
    )
    return azure


def access(azure, endpoint=None, **who):
    return roles_of(azure, "syn-roles", endpoint, **who)


def assign(roles, role, principal, scope=SCOPE):
    return roles.role_assignments.create_role_assignment(str(uuid.uuid4()), role, principal, scope, principal_type="ServicePrincipal")


# Roles: azure-synapse-accesscontrol


def test_a_role_is_assigned_shown_and_revoked(world):
    from azure.core.exceptions import ResourceNotFoundError

    roles = access(world).role_assignments
    made = roles.create_role_assignment(OTHER, OPERATOR, ONE, SCOPE, principal_type="ServicePrincipal")
    assert (made.id, made.role_definition_id, made.principal_id, made.scope, made.principal_type) == (OTHER, OPERATOR, ONE, SCOPE, "ServicePrincipal")
    assert roles.get_role_assignment_by_id(OTHER) == made
    assert world.world()["roleAssignments"] == [
        {"workspace": WORKSPACE, "id": OTHER, "roleId": OPERATOR, "principalId": ONE, "principalType": "ServicePrincipal", "scope": SCOPE}
    ]
    roles.delete_role_assignment_by_id(OTHER, scope=SCOPE)
    # 204, when it is gone.
    roles.delete_role_assignment_by_id(OTHER)
    with pytest.raises(ResourceNotFoundError):
        roles.get_role_assignment_by_id(OTHER)


def test_the_same_role_twice_is_refused(world):
    from azure.core.exceptions import ResourceExistsError

    roles = access(world)
    assign(roles, ADMINISTRATOR, ONE)
    # Under another GUID.
    with pytest.raises(ResourceExistsError, match="RoleAssignmentAlreadyExists"):
        assign(roles, ADMINISTRATOR, ONE)


def test_roles_are_listed_by_filter_and_page_by_page(world):
    roles = access(world)
    made = {(role, who): assign(roles, role, who).id for role in (ADMINISTRATOR, OPERATOR) for who in (ONE, OTHER)}

    def ids(**filters):
        """The client leaves the pages to its caller: the continuation is in the headers."""
        found, pages, token = [], 0, None
        while True:
            page, headers = roles.role_assignments.list_role_assignments(
                continuation_token_parameter=token, cls=lambda response, page, headers: (page, headers), **filters
            )
            assert page.count == len(page.value)
            found, pages, token = found + [one.id for one in page.value], pages + 1, headers["x-ms-continuation"]
            if not token:
                return set(found), pages

    world.settings(pageSize=3)
    try:
        assert ids() == (set(made.values()), 2)
        assert ids(role_id=OPERATOR) == ({made[OPERATOR, ONE], made[OPERATOR, OTHER]}, 1)
        assert ids(role_id=OPERATOR, principal_id=ONE, scope=SCOPE) == ({made[OPERATOR, ONE]}, 1)
        assert ids(scope="workspaces/syn-roles") == (set(), 1)
    finally:
        world.settings(pageSize=50)


def test_a_missing_permission_is_reported(world):
    from azure.core.exceptions import HttpResponseError

    who = {"client": str(uuid.uuid4()), "secret": "another-secret-not-a-real-one"}
    principal = {"tenantId": TENANT, "clientId": who["client"], "objectId": OTHER, "secret": who["secret"], "rights": []}
    world.seed({"principals": [principal]})
    for action, call in [
        ("roleAssignments/write", lambda roles: assign(roles, OPERATOR, ONE)),
        ("roleAssignments/delete", lambda roles: roles.role_assignments.delete_role_assignment_by_id(ONE)),
        ("read", lambda roles: roles.role_assignments.list_role_assignments()),
    ]:
        with pytest.raises(HttpResponseError) as caught:
            call(access(world, **who))
        assert caught.value.status_code == 403
        assert (caught.value.model.error.code, OTHER in caught.value.model.error.message) == ("Unauthorized", True)
        assert f"Action: Microsoft.Synapse/workspaces/{action}," in caught.value.model.error.message


def test_role_definitions_are_read(world):
    definitions = access(world).role_definitions
    every = {one.id: one for one in definitions.list_role_definitions()}
    assert len(every) == 10
    assert every[ADMINISTRATOR].name == "Synapse Administrator"
    assert "workspaces/{workspaceName}/bigDataPools/{bigDataPoolName}" in every[ADMINISTRATOR].scopes
    assert definitions.get_role_definition_by_id(ADMINISTRATOR) == every[ADMINISTRATOR]
    assert "workspaces/{workspaceName}" in definitions.list_scopes()


def test_access_is_checked(world):
    from azure.synapse.accesscontrol.models import RequiredAction, SubjectInfo

    roles = access(world)
    made = assign(roles, OPERATOR, ONE)
    use = RequiredAction(id="Microsoft.Synapse/workspaces/bigDataPools/useCompute/action", is_data_action=True)

    def decision(who):
        subject = SubjectInfo(principal_id=who)
        seen, answered = roles.role_assignments.check_principal_access(
            subject, [use], SCOPE, cls=lambda response, seen, headers: (seen, json.loads(response.http_response.text()))
        )
        # Azure was recorded to return AccessDecisions; this client reads accessDecisions, and so finds nothing.
        assert seen.access_decisions is None
        (one,) = answered["AccessDecisions"]
        return one

    assert (decision(ONE)["accessDecision"], decision(ONE)["roleAssignment"]["id"]) == ("Allowed", made.id)
    assert decision(OTHER)["accessDecision"] == "NotAllowed"


@pytest.mark.parametrize("suffix", ["dev.azuresynapse.net", "dev.azuresynapse.azure.cn", "dev.azuresynapse.usgovcloudapi.net"])
def test_a_workspace_is_reached_by_its_real_name(world, monkeypatch, suffix):
    host, port = f"syn-roles.{suffix}", world.endpoint.rsplit(":", 1)[1]
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, *more, **words: resolve("127.0.0.1" if name == host else name, *more, **words))
    monkeypatch.setenv("NO_PROXY", f"127.0.0.1,{host}")
    monkeypatch.setenv("no_proxy", f"127.0.0.1,{host}")
    since = world.now()
    made = assign(access(world, f"https://{host}:{port}"), OPERATOR, ONE)
    (put,) = world.journal(since, methods=("PUT",))
    assert (put["host"], put["path"]) == (f"{host}:{port}", f"/roleAssignments/{made.id}")


# Pools: azure-mgmt-synapse


@pytest.fixture
def management(world):
    from azure.mgmt.synapse import SynapseManagementClient

    return SynapseManagementClient(credential(world), SYN, base_url=world.endpoint)


def test_pools_are_shown_and_listed(world, management):
    from azure.core.exceptions import ResourceNotFoundError

    pool = management.big_data_pools.get("rg-roles", "syn-roles", "sparkpool")
    assert (pool.id, pool.name, pool.location, pool.tags, pool.provisioning_state) == (POOL, "sparkpool", "westeurope", {"team": "data"}, "Succeeded")
    assert (pool.spark_version, pool.node_size, pool.node_size_family, pool.node_count) == ("3.4", "Small", "MemoryOptimized", 3)
    assert (pool.auto_scale.enabled, pool.auto_scale.min_node_count, pool.auto_scale.max_node_count) == (True, 3, 10)
    assert (pool.auto_pause.enabled, pool.auto_pause.delay_in_minutes) == (True, 15)
    assert pool.creation_date.year >= 2024
    assert pool.dynamic_executor_allocation.enabled is False

    world.control("PATCH", "pool", params={"id": POOL}, json={"provisioningState": "Failed", "sparkVersion": "3.5", "nodeCount": 9})
    changed = management.big_data_pools.get("rg-roles", "syn-roles", "sparkpool")
    assert (changed.provisioning_state, changed.spark_version, changed.node_count) == ("Failed", "3.5", 9)

    world.settings(pageSize=1)
    try:
        assert {one.name for one in management.big_data_pools.list_by_workspace("rg-roles", "syn-roles")} == {"sparkpool", "second"}
    finally:
        world.settings(pageSize=50)
    with pytest.raises(ResourceNotFoundError, match="ResourceNotFound"):
        management.big_data_pools.get("rg-roles", "syn-roles", "none")
    with pytest.raises(ResourceNotFoundError, match="ParentResourceNotFound"):
        management.big_data_pools.get("rg-roles", "none", "sparkpool")


def test_workspaces_are_listed(world, management):
    world.settings(pageSize=1)
    try:
        assert {one.name for one in management.workspaces.list()} == {"syn-roles", "syn-second"}
        assert {one.name for one in management.workspaces.list_by_resource_group("rg-roles")} == {"syn-roles", "syn-second"}
    finally:
        world.settings(pageSize=50)
    one = management.workspaces.get("rg-roles", "syn-roles")
    assert (one.id, one.location, one.provisioning_state) == (WORKSPACE, "westeurope", "Succeeded")
    assert one.connectivity_endpoints["dev"] == "https://syn-roles.dev.azuresynapse.net"


def test_a_workspace_shows_its_storage_and_its_network(world, management):
    world.seed(
        {
            "synapseWorkspaces": [
                {
                    "id": WORKSPACE,
                    "location": "westeurope",
                    "defaultDataLakeStorage": {"resourceId": STORAGE, "filesystem": "lake"},
                    "managedVirtualNetwork": "default",
                    "preventDataExfiltration": True,
                    "publicNetworkAccess": "Disabled",
                }
            ],
            "firewallRules": [{"id": f"{WORKSPACE}/firewallRules/{name}", "startIpAddress": "10.0.0.1", "endIpAddress": "10.0.0.9"} for name in "ab"],
        }
    )
    one = management.workspaces.get("rg-roles", "syn-roles")
    assert (one.default_data_lake_storage.account_url, one.default_data_lake_storage.filesystem) == ("https://jobstorage.dfs.core.windows.net", "lake")
    assert (one.managed_virtual_network, one.managed_virtual_network_settings.prevent_data_exfiltration) == ("default", True)
    assert one.public_network_access == "Disabled"
    rules = list(management.ip_firewall_rules.list_by_workspace("rg-roles", "syn-roles"))
    assert [(rule.name, rule.start_ip_address, rule.end_ip_address) for rule in rules] == [("a", "10.0.0.1", "10.0.0.9"), ("b", "10.0.0.1", "10.0.0.9")]


# Jobs: azure-ai-ml

@pytest.fixture
def ml(world):
    return Client(world, AML, "rg-jobs", "ws-jobs")


@pytest.fixture
def principal(ml):
    """That of the attached pool `spark`."""
    return ml.attach(ml.spark("spark", POOL, "SystemAssigned"))["identity"]["principal_id"]


def test_a_job_runs_as_the_pools_identity_when_that_has_a_role(ml, world, principal):
    managed, _ = identities()
    failed = submit(ml, spark(ml, identity=managed))
    assert failed.status == "Failed"
    assert f"The principal '{principal}' does not have the required Synapse RBAC permission" in failed.properties["error"]

    assign(access(world), ADMINISTRATOR, principal)
    since = world.now()
    done = submit(ml, spark(ml, identity=managed))
    assert (done.status, done.properties) == ("Completed", {})
    (put,) = world.journal(since, methods=("PUT",))
    sent = put["body"]["properties"]
    assert (sent["jobType"], sent["identity"], sent["codeId"]) == ("Spark", {"identityType": "Managed"}, f"{ML}/codes/code/versions/1")
    assert sent["computeId"] == f"{ML}/computes/spark"
    assert sent["conf"]["spark.executor.instances"] == "2"
    # Without an identity the client sends the managed one.
    assert submit(ml, spark(ml)).status == "Completed"
    assert {one.status for one in ml.jobs.list()} == {"Completed", "Failed"}


def test_a_job_runs_as_the_user(ml, world, principal):
    _, user = identities()
    since = world.now()
    assert submit(ml, spark(ml, identity=user)).status == "Completed"
    (put,) = world.journal(since, methods=("PUT",))
    assert put["body"]["properties"]["identity"] == {"identityType": "UserIdentity"}


def test_a_job_needs_a_role_on_the_storage_of_its_datastore(ml, world, principal):
    world.seed({"workspaces": [{"id": ML, "location": "westeurope", "storageAccount": STORAGE}], "storageAccounts": [{"id": STORAGE}]})
    default = ml.datastores.get_default()
    assert (default.name, default.account_name, default.credentials.account_key) == ("workspaceblobstore", "jobstorage", None)
    assert {one.name for one in ml.datastores.list()} > {"workspaceblobstore", "workspaceartifactstore"}

    assign(access(world), ADMINISTRATOR, principal)
    failed = submit(ml, spark(ml))
    assert (failed.status, failed.properties["error"].split(":")[0]) == ("Failed", "AuthorizationPermissionMismatch")
    world.seed({"azureRoleAssignments": [{"scope": STORAGE, "roleId": "Storage Blob Data Contributor", "principalId": principal}]})
    assert submit(ml, spark(ml)).status == "Completed"


def test_a_job_with_dynamic_allocation(ml, world, principal):
    from azure.core.exceptions import HttpResponseError

    assign(access(world), ADMINISTRATOR, principal, "workspaces/syn-roles")
    limits = dynamic(1, 4)
    assert submit(ml, spark(ml, **limits)).status == "Completed"
    # What the client does not check itself.
    job = spark(ml, **limits)
    job.driver_memory = "plenty"
    with pytest.raises(HttpResponseError, match="UserError.*spark.driver.memory"):
        submit(ml, job)


def test_a_job_on_a_missing_compute_is_refused(ml, world):
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError, match="UserError.*'spark' was not found"):
        submit(ml, spark(ml))


def test_a_job_is_canceled(ml, world, principal):
    assign(access(world), ADMINISTRATOR, principal)
    world.settings(jobDuration="1h")
    try:
        made = ml.jobs.create_or_update(spark(ml), skip_validation=True)
        ml.jobs.begin_cancel(made.name).result()
    finally:
        world.settings(jobDuration=None)
    assert ml.jobs.get(made.name).status == "CancelRequested"


def test_a_pipeline_starts_on_the_pool(ml, world, principal):
    failed = submit(ml, pipeline(ml))
    assert failed.status == "Failed"
    assert "does not have the required Synapse RBAC permission" in failed.properties["error"]
    assert steps(world, failed.name) == {"prepare": "Failed", "train": "Canceled"}

    assign(access(world), ADMINISTRATOR, principal)
    since = world.now()
    done = submit(ml, pipeline(ml))
    assert done.status == "Completed"
    assert steps(world, done.name) == {"prepare": "Completed", "train": "Completed"}
    *components, put = world.journal(since, methods=("PUT",))
    assert [one["path"].rsplit("/", 2)[0] for one in components] == [f"{ML}/components/azureml_anonymous"] * 2
    sent = put["body"]["properties"]["jobs"]
    assert sent["prepare"]["identity"] == {"identity_type": "Managed"}
    assert sent["train"]["inputs"]["data"]["value"] == "${{parent.jobs.prepare.outputs.prepared}}"
