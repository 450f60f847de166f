"""Microsoft's client together with the operator: each sees the changes of the other.

Each test has computes with names of its own, because all tests share one workspace.
"""

import json

import pytest
from conftest import OPERATOR_CLIENT, OWNER, POOL, TENANT, USERS, eventually, users_of

IN_ORDER = [{"resourceId": one} for one in USERS]
LOWER = [one.lower() for one in USERS]


@pytest.fixture(autouse=True)
def running(operator):
    """Every test here runs with the operator."""


def writes(azure, name, since=0, who=OPERATOR_CLIENT):
    return azure.journal(since, who, ("PUT", "PATCH", "DELETE"), f"/computes/{name}")


def kind_of(compute):
    return compute.get("identity", {}).get("type")


def get_or_none(client, name):
    from azure.core.exceptions import ResourceNotFoundError

    try:
        return client.get(name)
    except ResourceNotFoundError:
        return None


def owner_tag(plane, name):
    cluster = json.loads(plane.kubectl("get", "namespace", "kube-system", "-o", "json"))["metadata"]["uid"]
    meta = plane.get(name)["metadata"]
    return f"{cluster}/{meta['namespace']}/{name}/{meta['uid']}"


def settled(plane, name):
    """Ready, and nothing differs."""
    status = plane.get(name).get("status", {})
    return plane.condition(name, "Ready")["status"] == "True" and not status.get("drift") and status


# 1. What the operator attached, the client shows.


@pytest.mark.parametrize(
    ("name", "identity", "kind", "users", "tags"),
    [
        ("op-none", None, None, [], {}),
        ("op-system", {"type": "SystemAssigned"}, "system_assigned", [], {"team": "data"}),
        ("op-user", {"type": "UserAssigned", "userAssignedIdentities": IN_ORDER}, "user_assigned", LOWER, {"team": "data", "Env": "Prod"}),
        ("op-turned", {"type": "UserAssigned", "userAssignedIdentities": IN_ORDER[::-1]}, "user_assigned", LOWER[::-1], {}),
        (
            "op-both",
            {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": IN_ORDER},
            "system_assigned,user_assigned",
            LOWER,
            {"team": "data"},
        ),
    ],
)
def test_client_shows_what_the_operator_attached(azure, client, plane, name, identity, kind, users, tags):
    plane.apply(name, identity, tags=tags, description=f"of {name}")
    plane.wait(name)

    compute = client.get(name)

    assert (compute["name"], compute["type"], compute["location"]) == (name, "synapsespark", "eastus2")
    assert compute["provisioning_state"] == "ProvisioningState.SUCCEEDED"
    assert compute["resource_id"].lower() == POOL.lower()
    assert compute["description"] == f"of {name}"
    assert compute["tags"] == {**tags, OWNER: owner_tag(plane, name)}
    assert (kind_of(compute), users_of(compute)) == (kind, users)
    shown = {key: compute[key] for key in ("node_family", "node_size", "node_count", "spark_version")}
    assert shown == {"node_family": "MemoryOptimized", "node_size": "Small", "node_count": 3, "spark_version": "3.5"}
    assert compute["scale_settings"] == {"min_node_count": 3, "max_node_count": 10, "auto_scale_enabled": True}
    assert compute["auto_pause_settings"] == {"delay_in_minutes": 15, "auto_pause_enabled": True}
    # And kubectl shows the same.
    status = plane.get(name)["status"]
    pool = status["pool"]
    assert (pool["name"], pool["sparkVersion"], pool["nodeSize"], pool["nodeCount"]) == ("yogisparkpool", "3.5", "Small", 3)
    assert status.get("identity", {}).get("principalId") == compute.get("identity", {}).get("principal_id")
    if "system" in (kind or ""):
        assert compute["identity"]["tenant_id"] == TENANT
    assert [one["resourceId"].lower() for one in status.get("identity", {}).get("userAssigned", [])] == users
    assert [one["method"] for one in writes(azure, name)] == ["PUT"]
    assert name in [one.name for one in client.compute.list(compute_type="synapsespark")]


# 2. The operator corrects what the client changed.


def identity_type(client, name):
    changed = client.spark(name, kind="SystemAssigned", tags=client.get(name)["tags"], description="nightly")
    return client.compute.begin_update(changed), "identity.type", {}


def no_identity(client, name):
    # begin_create_or_update of an object without an identity: as an older script does.
    changed = client.spark(name, tags=client.get(name)["tags"], description="nightly")
    return client.compute.begin_create_or_update(changed), "identity.type", {}


def order(client, name):
    changed = client.spark(name, kind="UserAssigned", users=USERS[::-1], tags=client.get(name)["tags"], description="nightly")
    return client.compute.begin_create_or_update(changed), "identity.userAssignedIdentities", {}


def one_identity_less(client, name):
    changed = client.compute.get(name)
    changed.identity.user_assigned_identities = changed.identity.user_assigned_identities[:1]
    return client.compute.begin_update(changed), "identity.userAssignedIdentities", {}


def tag(client, name):
    changed = client.compute.get(name)
    changed.tags = {OWNER: changed.tags[OWNER], "costcenter": "4711"}
    return client.compute.begin_update(changed), "tags.team", {"costcenter": "4711"}


def every_tag(client, name):
    # The owner tag too.
    changed = client.compute.get(name)
    changed.tags = {"costcenter": "4711"}
    return client.compute.begin_create_or_update(changed), "tags.team", {"costcenter": "4711"}


def description(client, name):
    changed = client.compute.get(name)
    changed.description = "mine now"
    return client.compute.begin_update(changed), "description", {}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("drift-type", identity_type),
        ("drift-none", no_identity),
        ("drift-order", order),
        ("drift-fewer", one_identity_less),
        ("drift-tag", tag),
        ("drift-tags", every_tag),
        ("drift-text", description),
    ],
)
def test_operator_corrects_what_the_client_changed(azure, client, plane, name, change):
    plane.apply(name, {"type": "UserAssigned", "userAssignedIdentities": IN_ORDER}, tags={"team": "data"}, description="nightly")
    plane.wait(name)
    before, since = client.get(name), azure.now()
    assert (kind_of(before), users_of(before)) == ("user_assigned", LOWER)

    poller, field, theirs = change(client, name)
    poller.result()
    # The client's write went through: there was something to put right.
    (put,) = writes(azure, name, since, who=None)[:1]
    assert (put["method"], put["status"], put["principal"] != OPERATOR_CLIENT) == ("PUT", 201, True)

    eventually(lambda: writes(azure, name, since), f"the operator writes {name}")
    wanted = {**before, "tags": {**before["tags"], **theirs}}
    wanted["identity"] = {**before["identity"]}
    eventually(lambda: client.get(name) == wanted, f"{name} matches its spec and keeps the tags of others")
    eventually(lambda: settled(plane, name), f"{name} is Ready again")

    notes = eventually(lambda: plane.events(name, "Updating"), f"an event of {name}, Updating")
    assert any(f"{field}: want" in note for note in notes), notes
    assert client.get(name) == wanted
    # Put right with one write, and left alone since.
    assert [one["method"] for one in writes(azure, name, since)] == ["PUT"]


def test_tags_that_others_add_are_kept(azure, client, plane):
    plane.apply("others-tag", {"type": "SystemAssigned"}, tags={"team": "data"})
    plane.wait("others-tag")
    compute, since = client.compute.get("others-tag"), azure.now()

    compute.tags = {**compute.tags, "costcenter": "4711"}
    changed = client.update(compute)
    assert changed["tags"]["costcenter"] == "4711"

    plane.kubectl("patch", "ssa", "others-tag", "--type=merge", "-p", '{"spec":{"tags":{"team":"ml"}}}')
    eventually(lambda: client.get("others-tag")["tags"].get("team") == "ml", "the new tag")
    eventually(lambda: settled(plane, "others-tag"), "others-tag is Ready again")
    assert client.get("others-tag") == {**changed, "tags": {**changed["tags"], "team": "ml"}}
    # None for the tag of others, one for the new spec.
    assert len(writes(azure, "others-tag", since)) == 1


# 3. What the client attached, the operator adopts, or not.


def test_operator_adopts_what_the_client_attached(azure, client, plane):
    users = {"type": "UserAssigned", "userAssignedIdentities": IN_ORDER}
    theirs = client.attach(client.spark("adopted", kind="UserAssigned", users=USERS, tags={"costcenter": "4711"}, description="by hand"))

    plane.apply("adopted", users, tags={"team": "data"})
    plane.wait("adopted")

    # All of theirs stays, also the description, which the spec does not have.
    assert client.get("adopted") == {**theirs, "tags": {"costcenter": "4711", "team": "data", OWNER: owner_tag(plane, "adopted")}}
    assert [(one["method"], one["status"]) for one in writes(azure, "adopted")] == [("PUT", 201)]
    assert plane.events("adopted", "Adopting")


def reads(azure, since):
    return azure.journal(since, OPERATOR_CLIENT, ("GET",), "/computes") + azure.journal(since, OPERATOR_CLIENT, ("GET",), "/computes/not-ours")


def test_operator_does_not_touch_what_it_may_not_adopt(azure, client, plane):
    theirs = client.attach(client.spark("not-ours", kind="SystemAssigned", tags={"costcenter": "4711"}))

    plane.apply("not-ours", {"type": "SystemAssigned"}, tags={"team": "data"}, adoptionPolicy="Never")
    plane.wait("not-ours", "Stalled")

    assert plane.condition("not-ours", "Stalled")["reason"] == "AdoptionNotAllowed"
    assert plane.condition("not-ours", "Ready")["status"] == "False"
    since = azure.now()
    eventually(lambda: len(reads(azure, since)) >= 3, "three more reads")
    assert plane.condition("not-ours", "Stalled")["reason"] == "AdoptionNotAllowed"
    plane.kubectl("delete", "ssa", "not-ours", "--timeout=60s")
    assert writes(azure, "not-ours") == []
    assert client.get("not-ours") == theirs


# 4. and 5. Detached.


def test_deleting_the_object_detaches_only(azure, client, plane):
    from azure.core.exceptions import ResourceNotFoundError

    pools = azure.world()["pools"]
    plane.apply("to-delete", {"type": "SystemAssigned"})
    plane.wait("to-delete")
    assert client.get("to-delete")["name"] == "to-delete"

    plane.kubectl("delete", "ssa", "to-delete", "--timeout=60s")

    with pytest.raises(ResourceNotFoundError):
        client.get("to-delete")
    assert azure.world()["pools"] == pools
    assert POOL in [one["id"] for one in pools]
    (sent,) = (one for one in writes(azure, "to-delete") if one["method"] == "DELETE")
    assert "underlyingResourceAction=Detach" in sent["query"].split("&")
    deletes = azure.journal(methods=("DELETE",), who=OPERATOR_CLIENT)
    assert not [one for one in deletes if "underlyingresourceaction=delete" in one["query"].lower()]


def test_operator_attaches_again_what_the_client_detached(azure, client, plane):
    plane.apply("detached", {"type": "SystemAssigned"}, tags={"team": "data"})
    plane.wait("detached")
    before, since = client.get("detached"), azure.now()

    client.detach("detached")

    eventually(lambda: writes(azure, "detached", since), "the operator attaches")
    again = eventually(
        lambda: (seen := get_or_none(client, "detached")) and seen["provisioning_state"] == "ProvisioningState.SUCCEEDED" and seen,
        "attached again",
    )
    status = eventually(lambda: settled(plane, "detached"), "Ready again")
    # All as before, but Azure makes a new principal.
    fresh = {key: again[key] for key in ("created_on", "identity")}
    assert again == {**before, **fresh}
    assert again["created_on"] > before["created_on"]
    assert kind_of(again) == "system_assigned"
    assert again["identity"]["principal_id"] != before["identity"]["principal_id"]
    eventually(
        lambda: plane.get("detached")["status"]["identity"]["principalId"] == again["identity"]["principal_id"], "the status shows the new principal"
    )
    assert status["computeName"] == "detached"
    assert [one["method"] for one in writes(azure, "detached", since)] == ["PUT"]


def test_nothing_was_deleted_and_nothing_is_stuck(azure, plane):
    """The last test of the file: what must be true after all of it."""
    deletes = azure.journal(methods=("DELETE",))
    assert deletes
    assert not [one for one in deletes if "underlyingresourceaction=delete" in one["query"].lower()]
    objects = json.loads(plane.kubectl("get", "ssa", "-o", "json"))["items"]
    names = [one["metadata"]["name"] for one in objects]
    assert names
    for name in names:
        eventually(lambda name=name: settled(plane, name), f"{name} is Ready")
