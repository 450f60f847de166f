"""What SDK v1 attached through a linked service, the operator takes over."""

import pytest
from conftest import PRINCIPAL, SYNAPSE, sdk

LINK = {"name": "one", "poolName": "yogisparkpool"}


@pytest.fixture(autouse=True)
def running(operator, links):
    """Every test here runs while the operator runs, in a workspace with linked services."""


def writes(azure, since):
    """What the operator has written to Azure since."""
    return azure.journal(since, sdk.OPERATOR_CLIENT, ("PUT", "PATCH", "DELETE"))


def test_operator_adopts_what_is_attached_through_a_linked_service(azure, plane, workspace, attach):
    theirs = attach("one", "from-v1")
    since = azure.now()

    plane.apply("from-v1", linkedService=LINK)
    plane.wait("from-v1")

    assert plane.get("from-v1")["status"]["linkedService"] == {"name": "one", "resourceId": SYNAPSE, "principalId": PRINCIPAL}
    # One write, the owner tag; for SDK v1 it is the compute that it was.
    (put,) = writes(azure, since)
    assert (put["method"], put["path"].rsplit("/", 1)[-1], put["body"]["properties"]["resourceId"]) == ("PUT", "from-v1", sdk.POOL)
    assert list(put["body"]["tags"]) == [sdk.OWNER]
    now = workspace.compute_targets["from-v1"]
    kept = ("name", "type", "cluster_resource_id", "created_on", "provisioning_state", "spark_version", "node_size")
    assert {key: getattr(now, key) for key in kept} == {key: getattr(theirs, key) for key in kept}

    plane.kubectl("delete", "ssa", "from-v1", "--timeout=60s")
    assert list(workspace.compute_targets) == []
    # The operator does not remove the linked service.
    assert not [one for one in writes(azure, since) if "linkedservices" in one["path"].lower()]


def test_operator_attaches_through_a_linked_service(azure, client, plane, workspace):
    plane.apply("link-op", linkedService=LINK)
    plane.wait("link-op")
    shown = workspace.compute_targets["link-op"]
    assert (shown.type, shown.cluster_resource_id) == ("SynapseSpark", sdk.POOL)
    assert {one.name for one in client.LinkedService.list(workspace)} == {"one", "two"}
    plane.kubectl("delete", "ssa", "link-op", "--timeout=60s")


def test_operator_names_the_existing_linked_services(azure, client, plane, workspace):
    client.LinkedService.get(workspace, "two").unregister()
    since = azure.now()

    plane.apply("link-gone", linkedService={**LINK, "name": "two"})
    plane.wait("link-gone", "Stalled")

    stalled = plane.condition("link-gone", "Stalled")
    assert (stalled["reason"], " one" in stalled["message"]) == ("LinkedServiceNotFound", True), stalled
    plane.kubectl("delete", "ssa", "link-gone", "--timeout=60s")
    assert writes(azure, since) == []
