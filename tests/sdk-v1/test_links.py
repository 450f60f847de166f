"""SDK v1 against the emulator: it attaches a pool through a linked service."""

import pytest
from conftest import PRINCIPAL, SYNAPSE, sdk


def test_links_are_listed_shown_and_removed(client, workspace, links, azure):
    from azureml._base_sdk_common.workspace.models import MachineLearningServiceErrorException as Refused

    since = azure.now()
    assert {one.name for one in client.LinkedService.list(workspace)} == {"one", "two"}
    one = client.LinkedService.get(workspace, "one")
    assert (one.name, one.linked_service_resource_id, one.system_assigned_identity_principal_id) == ("one", SYNAPSE, PRINCIPAL)
    listed, shown = azure.journal(since, end="/linkedServices") + azure.journal(since, end="/one")
    assert [sent["query"] for sent in (listed, shown)] == ["api-version=2020-04-01-preview"] * 2

    one.unregister()
    assert [left.name for left in client.LinkedService.list(workspace)] == ["two"]
    with pytest.raises(Refused, match="ResourceNotFound"):
        client.LinkedService.get(workspace, "one")


def test_a_link_is_made_only_if_azure_still_makes_them(client, workspace, links, azure):
    from azureml._base_sdk_common.workspace.models import MachineLearningServiceErrorException as Refused

    subscription, group, name = SYNAPSE.split("/")[2], SYNAPSE.split("/")[4], SYNAPSE.split("/")[-1]
    wanted = client.SynapseWorkspaceLinkedServiceConfiguration(subscription_id=subscription, resource_group=group, name=name)
    with pytest.raises(Refused, match="no longer supported"):
        client.LinkedService.register(workspace, "three", wanted)
    azure.settings(linkedServicesCreatable=True)
    try:
        made = client.LinkedService.register(workspace, "three", wanted)
    finally:
        azure.settings(linkedServicesCreatable=False)
    # The client itself writes it in small letters.
    assert made.linked_service_resource_id == SYNAPSE.replace("resourceGroups", "resourcegroups")
    assert client.LinkedService.get(workspace, "three").system_assigned_identity_principal_id == made.system_assigned_identity_principal_id


def test_a_pool_is_attached_through_a_link_and_detached(workspace, links, attach, azure):
    since = azure.now()
    compute = attach("one", "link-spark01")
    assert (compute.provisioning_state, compute.cluster_resource_id, compute.spark_version) == ("Succeeded", sdk.POOL, "3.5")
    (put,) = azure.journal(since, methods=("PUT",))
    assert put["path"].startswith("//subscriptions/")
    assert put["body"]["properties"]["resourceId"] == sdk.POOL
    assert "identity" not in put["body"]
    reads = azure.journal(since, methods=("GET",), end="/computes/link-spark01")
    assert reads and all(one["path"].startswith("/rp/workspaces/") for one in reads)

    assert list(workspace.compute_targets) == ["link-spark01"]
    compute.detach()
    assert list(workspace.compute_targets) == []
    (sent,) = azure.journal(since, methods=("DELETE",))
    assert "underlyingResourceAction=detach" in sent["query"]


def test_what_an_attach_that_takes_time_leaves_empty_is_there_when_the_compute_is_read_again(workspace, links, attach, azure):
    fields = (
        *("spark_version", "node_count", "node_size_family", "node_size", "auto_scale_enabled"),
        *("max_node_count", "min_node_count", "auto_pause_enabled", "auto_pause_in_minutes"),
    )
    azure.settings(operationDuration="2s")
    try:
        compute = attach("one", "link-spark02")
        # The client fills these from the answer to its PUT, when Azure doesn't know them yet; refreshing the state doesn't read them.
        assert compute.provisioning_state == "Succeeded"
        assert [getattr(compute, field) for field in fields] == [None] * 9
        fresh = workspace.compute_targets["link-spark02"]
        assert [field for field in fields if getattr(fresh, field) is None] == []
        assert (fresh.spark_version, fresh.node_size) == ("3.5", "Small")
    finally:
        azure.settings(operationDuration="0ms")
    fresh.detach()
    assert "link-spark02" not in workspace.compute_targets
