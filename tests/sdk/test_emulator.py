"""Microsoft's client against the emulator: its results equal the recordings.

The world here has the names of the recordings, so whole results are compared.
"""

import json
import re
import uuid
from datetime import datetime, timedelta, timezone
from itertools import groupby
from pathlib import Path

import pytest
from conftest import CLIENT, TENANT, Client, shown, users_of

AML, SYNAPSE = "00000000-1111-2222-3333-444444444444", "66666666-7777-8888-9999-000000000000"
WS = f"/subscriptions/{AML}/resourceGroups/rg-aml/providers/Microsoft.MachineLearningServices/workspaces/ws-aml"
POOL = f"/subscriptions/{SYNAPSE}/resourceGroups/rg-syn/providers/Microsoft.Synapse/workspaces/syn-ws/bigDataPools/sparkpool"
ZETA, ALPHA = USERS = [
    f"/subscriptions/{SYNAPSE}/resourceGroups/rg-id/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    for name in ("id-zeta", "id-alpha")
]


def recording(name):
    return json.loads((Path(__file__).parent / "recordings" / f"{name}.json").read_text())


@pytest.fixture
def ml(azure):
    """A client on an empty workspace."""
    if any(one["id"] == WS for one in azure.world()["workspaces"]):
        azure.control("DELETE", "resource", params={"id": WS})
    azure.seed(
        {
            "subscriptions": [{"id": AML, "tenantId": TENANT}, {"id": SYNAPSE, "tenantId": TENANT}],
            "workspaces": [{"id": WS, "location": "westeurope"}],
            "pools": [
                {
                    "id": POOL,
                    "sparkVersion": "3.4",
                    "nodeSize": "Small",
                    "nodeSizeFamily": "MemoryOptimized",
                    "nodeCount": 3,
                    "autoScale": {"enabled": True, "minNodeCount": 3, "maxNodeCount": 10},
                    "autoPause": {"enabled": True, "delayInMinutes": 15},
                }
            ],
            "identities": [{"id": one} for one in USERS],
        }
    )
    return Client(azure, AML, "rg-aml", "ws-aml")


class Wire:
    """What this client sends from now on."""

    def __init__(self, azure):
        self.azure, self.since = azure, azure.now()

    def all(self, *methods):
        return [one for one in self.azure.journal(self.since, CLIENT, methods or ("GET", "PUT", "PATCH", "POST", "DELETE")) if AML in one["path"]]

    def body(self):
        """The body of the one PUT."""
        (put,) = self.all("PUT")
        return put["body"]


@pytest.fixture
def wire(ml, azure):
    return Wire(azure)


def steps(requests):
    """The methods and paths, without those of operations, whose IDs and number of polls vary."""
    every = [(one["method"], re.sub(r"(?i)/computeOperationsStatus/.*", "/computeOperationsStatus/…", one["path"])) for one in requests]
    return [step for step, _ in groupby(every)]


def plain(result):
    """A result without the fields that differ each time, which are checked separately."""
    made = json.loads(json.dumps(result))
    for holder in (made, *made.get("identity", {}).get("user_assigned_identities", [])):
        holder["resource_id"] = holder["resource_id"].lower()
    made["id"] = made["id"].lower()
    made["created_on"] = type(datetime.fromisoformat(made["created_on"])).__name__
    for key in ("principal_id", "tenant_id"):
        if key in made.get("identity", {}):
            made["identity"][key] = type(uuid.UUID(made["identity"][key])).__name__
    return made


def is_new(result):
    return abs(datetime.now(timezone.utc) - datetime.fromisoformat(result["created_on"])) < timedelta(minutes=5)


def expected(name, identity, base="attach_no_identity"):
    """A recorded result under another name, with another identity."""
    result = json.loads(json.dumps(recording(base)["sdkResult"]).replace("syn-none", name))
    return {**result, "identity": identity} if identity else result


SYSTEM = {"principal_id": str(uuid.UUID(int=1)), "tenant_id": TENANT}
IN_ORDER = {"user_assigned_identities": [{"resource_id": ZETA}, {"resource_id": ALPHA}]}


@pytest.mark.parametrize(
    ("scenario", "more"),
    [
        ("attach_no_identity", {}),
        ("attach_system_assigned", {"kind": "SystemAssigned"}),
        ("attach_user_assigned_two", {"kind": "UserAssigned", "users": USERS}),
        ("attach_tags_description", {"kind": "SystemAssigned", "tags": {"team": "data", "Env": "Prod"}, "description": "prod spark pool"}),
    ],
)
def test_attach_is_as_recorded(ml, wire, scenario, more):
    recorded = recording(scenario)
    name = recorded["sdkResult"]["name"]

    result = ml.attach(ml.spark(name, POOL, **more))

    assert plain(result) == plain(recorded["sdkResult"])
    assert is_new(result)
    assert steps(wire.all()) == steps(recorded["requests"])
    (put,) = (one for one in recorded["requests"] if one["method"] == "PUT")
    # As text: the order of the identities counts.
    assert json.dumps(wire.body(), sort_keys=False) == json.dumps(put["body"], sort_keys=False)
    if more.get("kind") == "SystemAssigned":
        assert wire.body()["identity"] == {"type": "Systemassigned"}
        assert result["identity"]["tenant_id"] == TENANT
    # A GET afterwards returns the same.
    assert ml.get(name) == result


def test_attach_with_both_kinds_of_identity(ml, wire):
    result = ml.attach(ml.spark("syn-both", POOL, "SystemAssigned,UserAssigned", USERS))

    assert plain(result) == plain(expected("syn-both", {"type": "system_assigned,user_assigned", **SYSTEM, **IN_ORDER}))
    assert wire.body()["identity"]["type"] == "Systemassigned,Userassigned"
    assert list(wire.body()["identity"]["userAssignedIdentities"]) == USERS
    assert ml.get("syn-both") == result


LIST = "".join(f"\n    - resource_id: {one}" for one in USERS)


@pytest.mark.parametrize(
    ("name", "identity", "sent", "result"),
    [
        ("yaml-absent", "", None, None),
        ("yaml-none", "identity:\n  type: none", {"type": "None"}, None),
        ("yaml-system", "identity:\n  type: system_assigned", {"type": "SystemAssigned"}, {"type": "system_assigned", **SYSTEM}),
        (
            "yaml-user",
            f"identity:\n  type: user_assigned\n  user_assigned_identities:{LIST}",
            {"type": "UserAssigned", "userAssignedIdentities": {ZETA: {}, ALPHA: {}}},
            {"type": "user_assigned", **IN_ORDER},
        ),
        (
            "yaml-both",
            f"identity:\n  type: system_assigned, user_assigned\n  user_assigned_identities:{LIST}",
            {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": {ZETA: {}, ALPHA: {}}},
            {"type": "system_assigned,user_assigned", **SYSTEM, **IN_ORDER},
        ),
    ],
)
def test_attach_from_yaml(ml, wire, name, identity, sent, result):
    attached = ml.attach(ml.load(f"name: {name}\ntype: synapsespark\nresource_id: {POOL}\n{identity}\n"))

    assert plain(attached) == plain(expected(name, result))
    assert json.dumps(wire.body().get("identity")) == json.dumps(sent)


def test_get_is_as_recorded(ml):
    recorded = recording("get")["sdkResult"]
    ml.attach(ml.spark(recorded["name"], POOL, "UserAssigned", USERS))

    assert plain(ml.get(recorded["name"])) == plain(recorded)


def test_update_in_place(ml, wire, azure):
    before = ml.attach(ml.spark("inplace", POOL, "UserAssigned", USERS, tags={"team": "data"}))
    wire = Wire(azure)

    # The compute that was read is written back, as a user's script does: the identities with the case that Azure gave them.
    compute = ml.compute.get("inplace")
    compute.tags = {"team": "ml", "Env": "Prod"}
    compute.description = "now with a text"
    after = ml.update(compute)

    assert after == {**before, "tags": {"team": "ml", "Env": "Prod"}, "description": "now with a text"}
    assert users_of(after) == [one.lower() for one in USERS]
    put = "/computes/inplace"
    assert [(one["method"], one["path"].endswith(put)) for one in wire.all("PUT", "PATCH", "DELETE")] == [("PUT", True)]

    wire = Wire(azure)
    changed = ml.update(ml.spark("inplace", POOL, "SystemAssigned", tags={"team": "ml"}))
    assert plain(changed)["identity"] == plain(expected("inplace", {"type": "system_assigned", **SYSTEM}))["identity"]
    assert changed["tags"] == {"team": "ml"}
    assert "description" not in changed
    assert changed["created_on"] == before["created_on"]

    turned = ml.update(ml.spark("inplace", POOL, "UserAssigned", [ALPHA, ZETA]))
    assert users_of(turned) == [ALPHA.lower(), ZETA.lower()]

    none = ml.update(ml.load(f"name: inplace\ntype: synapsespark\nresource_id: {POOL}\nidentity:\n  type: none\n"))
    assert "identity" not in none
    assert not wire.all("DELETE")


def test_list_is_as_recorded(ml, azure):
    recorded = recording("list")
    pollers = [ml.compute.begin_attach(ml.spark(name, POOL)) for name in recorded["sdkResult"]]
    results = {poller.result().name for poller in pollers}
    assert results == set(recorded["sdkResult"])

    wire = Wire(azure)
    # As many on a page as in the recording.
    azure.settings(pageSize=2)
    try:
        listed = [shown(one) for one in ml.compute.list()]
    finally:
        azure.settings(pageSize=50)

    # In what order Azure lists is not known.
    assert sorted(one["name"] for one in listed) == sorted(recorded["sdkResult"])
    assert len(wire.all()) == len(recorded["requests"])
    for one in listed:
        assert plain(one) == plain(expected(one["name"], None))
    assert [one.name for one in ml.compute.list(compute_type="synapsespark")] == [one["name"] for one in listed]
    assert list(ml.compute.list(compute_type="AmlCompute")) == []


def test_detach_is_as_recorded(ml, azure):
    from azure.core.exceptions import ResourceNotFoundError

    recorded = recording("delete_detach")["requests"]
    ml.attach(ml.spark("syn-none", POOL))
    wire = Wire(azure)

    ml.detach("syn-none")

    assert steps(wire.all()) == steps(recorded)
    (sent,) = wire.all("DELETE")
    assert (sent["query"], sent["body"]) == (recorded[0]["query"], None)
    assert "underlyingResourceAction=Detach" in sent["query"].split("&")
    with pytest.raises(ResourceNotFoundError):
        ml.get("syn-none")
    assert POOL in [one["id"] for one in azure.world()["pools"]]


def test_get_of_a_missing_compute_is_as_recorded(ml):
    from azure.core import exceptions

    recorded = recording("get_missing")["sdkError"]
    with pytest.raises(exceptions.ResourceNotFoundError) as caught:
        ml.get("nope")

    kind = type(caught.value)
    assert f"{kind.__module__}.{kind.__qualname__}" == recorded["type"]
    # The recorded text is a placeholder; programs evaluate the code.
    assert str(caught.value).split()[0] == recorded["message"].split()[0] == "(ResourceNotFound)"
    assert caught.value.status_code == 404


def test_attach_of_a_missing_pool_fails(ml):
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError, match="UserError"):
        ml.attach(ml.spark("badpool", POOL.replace("sparkpool", "nosuchpool")))

    left = ml.get("badpool")
    assert left["provisioning_state"] == "ProvisioningState.FAILED"
    assert left["provisioning_errors"] == "UserError"
    assert "spark_version" not in left
    # What failed can be taken away again.
    ml.detach("badpool")
    assert list(ml.compute.list()) == []
