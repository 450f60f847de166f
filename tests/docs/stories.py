"""What the stage needs to know of a page beyond its text: how its story begins, and how it must have ended."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

LANGUAGES = {"console", "yaml", "json", "text", "hcl", "toml", "lua", "promql", "dockerfile"}

# Commands that are not run, by how they begin, and why.
NOT_RUN = {
    r"(\w+=\S+ )*make ": "the targets are tests and builds of their own",
    r"(docker|cosign|gh) ": "there is neither an engine nor a registry here, and no release",
    r"kubectl logs ": "there is no node here, so no pod that has logs; the test on a node reads them",
    r"terraform ": "Terraform is not to be had where the tests run; what its plan says is HashiCorp's documentation",
}

# Words that stand for the reader's own.
WORDS = {
    "NAME": "mysparkuser",
    "FILE": "examples/user-assigned.yaml",
}


CHART = "oci://ghcr.io/synapse-spark-operator/charts/synapse-spark-operator"
INSTALL = f"helm install synapse-spark-operator {CHART} --namespace synapse-spark-system --create-namespace"
ATTACHED = ("kubectl apply -f examples/user-assigned.yaml", "kubectl wait ssa --all --for=condition=Ready --timeout=60s")


@dataclass(frozen=True)
class Story:
    # Whether the operator is installed when it begins.
    installed: bool = True
    # What was done before the page begins.
    before: tuple[str, ...] = ATTACHED
    # What happens before a command of the page, named by its first line.
    scenes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # Commands, by their first line, that end with another code than 0.
    codes: dict[str, set[int]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    # What must be true when the page has ended.
    after: Callable | None = None


# `plan`, where it does not matter whether something is left to do.
PLANNED = {0, 2}
STUCK = (*ATTACHED, """kubectl patch ssa NAME --type merge -p '{"spec":{"suspend":true}}'""", "kubectl delete ssa NAME --wait=false")

STORIES = {}

WORKSPACE = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.MachineLearningServices/workspaces/yogi-aml-ws"
POOL = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool"
USER = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/yogi-managed-id"


def by_az_ml(name, identity):
    """Attached by Microsoft's own client, long before the operator came."""
    return (
        f"cat >attached.yaml <<'EOF'\nname: {name}\ntype: synapsespark\nresource_id: {POOL}\ndescription: nightly\ntags: {{team: data, cost: '42'}}\nidentity:\n{identity}\nEOF",
        "az ml compute attach --file attached.yaml --resource-group yogi-res-group --workspace-name yogi-aml-ws",
    )


def seeded(name, tags):
    """A compute that somebody else has put there."""
    compute = f'{{"id": "{WORKSPACE}/computes/{name}", "tags": {tags}, "identity": {{"type": "SystemAssigned"}}, "properties": {{"computeType": "SynapseSpark", "resourceId": "{POOL}", "provisioningState": "Succeeded"}}}}'
    return (
        f"""curl -sSf --cacert "$AZURE_CA_FILE" -X PUT -H 'content-type: application/json' "$AZURE_RESOURCE_MANAGER_ENDPOINT/_emulator/world" -d '{{"computes": [{compute}]}}'""",
    )


def renamed(name):
    return f"sed 's/name: mysparksystem/name: {name}/' examples/system-assigned.yaml | kubectl apply -f -"


def taken_over(name):
    """One PUT, and no detach in between or at the end."""

    def check(stage):
        assert stage.writes() == [("PUT", name)], stage.writes()
        tags = next(one for one in stage.azure.world()["computes"] if one["id"].endswith(name))["tags"]
        assert "synapse-spark-operator-owner" in tags, tags
        assert tags["cost"] == "42", "tags of others are kept"

    return check


def least_rights(stage):
    """The roles of the page are enough for all that the operator does, and it has no more."""
    stage.run("""kubectl patch ssa my-spark-pool --type merge -p '{"spec":{"tags":{"a":"b"}}}'""", Story(), "after the page")
    stage.run("kubectl wait ssa/my-spark-pool --for=jsonpath='{.status.observedGeneration}'=2 --timeout=60s", Story(), "after the page")
    stage.run("kubectl wait ssa/my-spark-pool --for=condition=Ready --timeout=60s", Story(), "after the page")
    stage.run("kubectl delete ssa my-spark-pool --timeout=60s", Story(), "after the page")
    assert [method for method, _ in stage.writes()] == ["PUT", "PUT", "DELETE"], stage.writes()
    made = json.loads((stage.state / "az.json").read_text())["identities"]["synapse-spark-operator"]
    assert sorted(action for right in made["rights"] for action in right["actions"]) == [
        "Microsoft.MachineLearningServices/locations/*/read",
        "Microsoft.MachineLearningServices/workspaces/computes/delete",
        "Microsoft.MachineLearningServices/workspaces/computes/read",
        "Microsoft.MachineLearningServices/workspaces/computes/write",
        "Microsoft.MachineLearningServices/workspaces/read",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/read",
    ]


def with_client_secret(stage):
    """The last values of the page, with the emulator's application in them, attach a pool."""
    stage.run("sed -i 's/tenantId: .*/tenantId: 72f988bf-0000-4000-8000-000000000001/; s/clientId: .*/clientId: 11111111-2222-3333-4444-555555555555/' values.yaml", Story(), "after the page")
    stage.run(f"helm upgrade synapse-spark-operator {CHART} --namespace synapse-spark-system --values values.yaml", Story(), "after the page")
    stage.run("kubectl apply -f examples/no-identity.yaml", Story(), "after the page")
    stage.run("kubectl wait ssa/mysparknone --for=condition=Ready --timeout=60s", Story(), "after the page")
    assert "client-secret" in stage.pod.tail(), stage.pod.tail()


def put_right(stage):
    """The owner of the compute changed its tag back."""
    stage.run("kubectl wait ssa/NAME --for=condition=Ready --timeout=60s", Story(), "after the page")
    assert stage.writes() == [("PUT", "mysparkuser")] * 2, stage.writes()
    assert next(one for one in stage.azure.world()["computes"] if one["id"].endswith("mysparkuser"))["tags"]["team"] == "data"


def upgraded(stage):
    """Nothing was written to Azure, and every attachment is still there."""
    assert stage.writes() == [], stage.writes()
    stage.run("kubectl wait ssa/NAME --for=condition=Ready --timeout=60s", Story(), "after the page")


def gone(stage):
    """What was let go is still attached, and nothing of the operator is left."""
    assert stage.writes()[-1][0] == "PUT", stage.writes()
    assert not stage.plane.kubectl("get", "crd", "-o", "name")


def freed(stage):
    stage.run("kubectl wait ssa/my-spark-pool --for=condition=Ready --timeout=60s", Story(), "after the page")
    assert stage.writes()[-1] == ("PUT", "my-spark-pool")


ANOTHER = '{"synapse-spark-operator-owner": "00000000-0000-0000-0000-00000000aaaa/default/my-spark-pool/00000000-0000-0000-0000-00000000bbbb", "cost": "42"}'
# Azure Service Operator's kind, as far as kubectl minds.
ASO = """kubectl apply -f - <<'EOF'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: workspacescomputes.machinelearningservices.azure.com}
spec:
  group: machinelearningservices.azure.com
  scope: Namespaced
  names: {kind: WorkspacesCompute, plural: workspacescomputes, singular: workspacescompute}
  versions:
    - name: v1api20240401
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
EOF"""
SYSTEM = "  type: system_assigned"

STORIES |= {
    "README.md": Story(
        installed=False,
        before=(),
        scenes={'kubectl annotate ssa NAME synapse-spark.dev/reconcile-requested-at="$(date +%s)" --overwrite': (*ATTACHED, "kubectl apply -f examples/", "kubectl wait ssa --all --for=condition=Ready --timeout=60s")},
        codes={"synapse-spark-operator plan -f examples/user-assigned.yaml": PLANNED, "synapse-spark-operator plan -f examples/user-assigned.yaml -o json": PLANNED},
        words={"my-spark-pool": "mysparkuser", "CLIENT_ID": "22222222-3333-4444-5555-666666666666"},
    ),
    "docs/upgrading.md": Story(after=upgraded),
    "docs/credentials.md": Story(
        before=(
            *ATTACHED,
            "printf 'azure:\\n  clientId: 22222222-3333-4444-5555-666666666666\\n' >values.yaml",
            "printf emulator-secret-not-a-real-one >client-secret",
            "az identity create --name synapse-spark-operator --resource-group yogi-res-group",
        ),
        codes={"synapse-spark-operator plan -f examples/no-identity.yaml": {2}},
        after=with_client_secret,
    ),
    "docs/deletion.md": Story(
        scenes={
            """kubectl get ssa NAME -o jsonpath='{.status.conditions[?(@.type=="Ready")].reason}: {.status.conditions[?(@.type=="Ready")].message}{"\\n"}'""": STUCK,
            """kubectl patch ssa NAME --type merge -p '{"spec":{"deletionPolicy":"Retain"}}'""": ("kubectl wait ssa/NAME --for=delete --timeout=60s", *STUCK),
            """kubectl patch ssa NAME --type merge -p '{"metadata":{"finalizers":null}}'""": ("kubectl wait ssa/NAME --for=delete --timeout=60s", *STUCK),
            "kubectl delete ssa --all --all-namespaces": ("kubectl wait ssa/NAME --for=delete --timeout=60s", *ATTACHED),
            "kubectl get ssa --all-namespaces -o jsonpath='{range .items[*]}{.metadata.namespace} {.metadata.name}{\"\\n\"}{end}' |": (
                f"{INSTALL} --set azure.clientId=22222222-3333-4444-5555-666666666666",
                *ATTACHED,
            ),
            "kubectl delete crd synapsesparkattachments.synapse-spark.dev": (
                "kubectl delete ssa --all --all-namespaces",
                "helm uninstall synapse-spark-operator --namespace synapse-spark-system",
            ),
        },
        after=gone,
    ),
    "docs/drift.md": Story(
        scenes={"kubectl annotate ssa NAME synapse-spark.dev/reconcile-requested-at=\"$(date +%s)\" --overwrite": (
            "az ml compute update --name NAME --resource-group yogi-res-group --workspace-name yogi-aml-ws --set tags.team=nobody",
        )},
        after=put_right,
    ),
    "docs/migrate-aso.md": Story(
        before=(*by_az_ml("mysparksystem", SYSTEM), ASO, "kubectl wait crd/workspacescomputes.machinelearningservices.azure.com --for=condition=Established", "printf 'apiVersion: machinelearningservices.azure.com/v1api20240401\\nkind: WorkspacesCompute\\nmetadata: {name: mysparksystem}\\n' | kubectl apply -f -"),
        codes={"synapse-spark-operator plan -f mysparksystem.yaml": {2}},
        after=taken_over("mysparksystem"),
    ),
    "docs/migrate-az-ml.md": Story(
        before=by_az_ml("mysparkuser", f"  type: user_assigned\n  user_assigned_identities:\n    - resource_id: {USER}"),
        codes={"synapse-spark-operator plan -f mysparkuser.yaml": {2}},
        after=taken_over("mysparkuser"),
    ),
    "docs/migrate-terraform.md": Story(
        before=by_az_ml("mysparksystem", SYSTEM),
        codes={"synapse-spark-operator plan -f mysparksystem.yaml": {2}},
        after=taken_over("mysparksystem"),
    ),
    "docs/ownership.md": Story(
        before=(*seeded("my-spark-pool", ANOTHER), renamed("my-spark-pool"), "kubectl wait ssa/my-spark-pool --for=jsonpath='{.status.conditions[0].reason}'=OwnedByAnother --timeout=60s"),
        scenes={'URL="https://management.azure.com/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.MachineLearningServices/workspaces/yogi-aml-ws/computes/my-spark-pool?api-version=2024-04-01"': (
            "kubectl wait ssa/my-spark-pool --for=condition=Ready --timeout=60s",
            "kubectl delete ssa my-spark-pool",
            *seeded("my-spark-pool", ANOTHER),
            renamed("my-spark-pool"),
            "kubectl wait ssa/my-spark-pool --for=jsonpath='{.status.conditions[0].reason}'=OwnedByAnother --timeout=60s",
        )},
        after=freed,
    ),
    "docs/quickstart-aks.md": Story(installed=False, before=(), after=least_rights),
    "docs/several-clusters.md": Story(before=("CLUSTER=yogi-aks", "az identity create --name synapse-spark-operator --resource-group yogi-res-group", "sed 's/name: mysparksystem/name: my-spark-pool/' examples/system-assigned.yaml >my-spark-pool.yaml", "kubectl apply -f my-spark-pool.yaml", "kubectl wait ssa --all --for=condition=Ready --timeout=60s")),
}
