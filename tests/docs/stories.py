"""What the test of a page needs beyond its text: its start, what happens in between, and the expected end."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from ci import pull_requests
from conftest import sdk

LANGUAGES = {"console", "python", "yaml", "json", "text", "hcl", "toml", "lua", "promql", "dockerfile", "csv"}

# Commands that are not run, by how they begin, and why.
NOT_RUN = {
    r"(\w+=\S+ )*make ": "the targets are tests and builds of their own",
    r"(docker|cosign|gh) ": "there is neither an engine nor a registry here, and no release",
    r"kubectl (synapse )?logs": "there is no node here, so no pod that has logs; the test on a node reads them",
    r"kubectl (run|delete pod|port-forward) |helm test ": "there is no node here, so no pod; the test on a node runs the chart's",
    r"terraform ": "Terraform is not to be had where the tests run; what its plan says is HashiCorp's documentation",
}

# Placeholders of the pages.
WORDS = {
    "NAME": "mysparkuser",
    "NAMESPACE": "default",
    "COMPUTE": "mysparkuser",
    "WORKSPACE": "yogi-aml-ws",
    "SUBSCRIPTION": "6560575d-fa06-4e7d-95fb-f962e74efd7a",
    "GROUP": "yogi-res-group",
    "CLIENT_ID": "22222222-3333-4444-5555-666666666666",
    "FILE": "examples/user-assigned.yaml",
}

CHART = "oci://ghcr.io/synapse-spark-operator/charts/synapse-spark-operator"
RELEASE = "--namespace synapse-spark-system"
# Roles of Synapse.
ADMINISTRATOR, COMPUTE_OPERATOR = "6e4bf58a-b8e1-4cc3-bbf9-d73143322b78", "e3844cc7-4670-42cb-9349-9bdac1ee7881"
SPARK_ADMINISTRATOR = "c3a6d2f1-a26f-4810-9b0f-591308d5cbf1"
# The operator's identity, if a page does not create one.
CLIENT_ID = WORDS["CLIENT_ID"]
INSTALL = f"helm install synapse-spark-operator {CHART} {RELEASE} --create-namespace --set azure.clientId={CLIENT_ID}"
RENDERED = f"helm template synapse-spark-operator {CHART} {RELEASE} --set azure.clientId={CLIENT_ID}"
# The labels and annotations by which Helm recognises its objects.
FORGOTTEN = "kubectl annotate crd synapsesparkattachments.synapse-spark.dev meta.helm.sh/release-name- meta.helm.sh/release-namespace-"
UNINSTALL = f"helm uninstall synapse-spark-operator {RELEASE}"
READY = "kubectl wait ssa --all --for=condition=Ready --timeout=60s"
ATTACHED = ("kubectl apply -f examples/user-assigned.yaml", READY)


@dataclass(frozen=True)
class Story:
    # Whether the operator is installed when it begins.
    installed: bool = True
    # What was done before the page begins.
    before: tuple[str, ...] = ATTACHED
    # What happens before the first command of the page that begins so.
    scenes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # With which codes commands that begin so may end; with 0 where they are not named.
    codes: dict[str, set[int]] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    # What must be true when the page has ended.
    after: Callable | None = None


SOMETHING_TO_DO = {2}
TOLD = {0, 2}
# An object that is deleted and does not go.
STUCK = (*ATTACHED, """kubectl patch ssa NAME --type merge -p '{"spec":{"suspend":true}}'""", "kubectl delete ssa NAME --wait=false")
GONE = "kubectl wait ssa/NAME --for=delete --timeout=60s"

GROUP = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/yogi-aml-ws"
POOL = f"{GROUP}/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool"
# How a job is before it has ended.
UNDERWAY = {"NotStarted", "Queued", "Running", "Finalizing"}
# The principal of an identity that was created again.
ROTATED = "99999999-aaaa-4bbb-8ccc-000000000009"
# In its roles' scopes.
SYNAPSE = "workspaces/yogi-synapse-ws"
USER = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/yogi-managed-id"
AML = "--resource-group yogi-res-group --workspace-name yogi-aml-ws"
AZ_IDENTITY = "az identity create --name synapse-spark-operator --resource-group yogi-res-group"
SYSTEM_ASSIGNED = "  type: system_assigned"
USER_ASSIGNED = f"  type: user_assigned\n  user_assigned_identities:\n    - resource_id: {USER}"


def file(name, text):
    return f"cat >{name} <<'END'\n{text}\nEND"


def by_az_ml(name, identity):
    """Attached by Microsoft's own client, before the operator was installed."""
    text = f"name: {name}\ntype: synapsespark\nresource_id: {POOL}\ndescription: nightly\ntags: {{team: data, cost: '42'}}\nidentity:\n{identity}"
    return (file("attached.yaml", text), f"az ml compute attach --file attached.yaml {AML}")


def seeded(world):
    """Other resources in Azure."""
    return (
        file("world.json", json.dumps(world)),
        'curl -sSf --cacert "$AZURE_CA_FILE" -X PUT -d @world.json "$AZURE_RESOURCE_MANAGER_ENDPOINT/_emulator/world"',
    )


def by_another(name):
    """A compute with the tag of a cluster that no longer exists, and an object here that claims it."""
    compute = {
        "id": f"{WORKSPACE}/computes/{name}",
        "tags": {"synapse-spark-operator-owner": f"00000000-0000-0000-0000-00000000aaaa/default/{name}/00000000-0000-0000-0000-00000000bbbb"},
        "identity": {"type": "SystemAssigned"},
        "properties": {"computeType": "SynapseSpark", "resourceId": POOL, "provisioningState": "Succeeded"},
    }
    return (
        *seeded({"computes": [compute]}),
        f"{renamed(name)} | kubectl apply -f -",
        f"kubectl wait ssa/{name} --for=jsonpath='{{.status.conditions[0].reason}}'=OwnedByAnother --timeout=60s",
    )


def renamed(name):
    return f"sed 's/name: mysparksystem/name: {name}/' examples/system-assigned.yaml"


# A link from the days of SDK v1.
LINK = {
    "id": f"{WORKSPACE}/linkedServices/synapselink1",
    "linkedServiceResourceId": POOL.partition("/bigDataPools/")[0],
    "principalId": "77777777-aaaa-4bbb-8ccc-000000000007",
}
CLUSTER = {"id": f"{WORKSPACE}/computes/cpucluster", "properties": {"computeType": "AmlCompute", "resourceId": None}}
# Azure Service Operator's kind, as far as kubectl minds.
ASO = """
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
"""
ASO_OBJECT = f"""
apiVersion: machinelearningservices.azure.com/v1api20240401
kind: WorkspacesCompute
metadata:
  name: mysparksystem
  annotations: {{serviceoperator.azure.com/resource-id: {WORKSPACE}/computes/mysparksystem}}
spec:
  location: eastus2
  owner: {{name: yogi-aml-ws}}
  identity: {{type: SystemAssigned}}
  properties:
    synapseSpark:
      computeType: SynapseSpark
      resourceReference: {{armId: {POOL}}}
"""
# What Terraform would print of its state.
TERRAFORM = {
    "format_version": "1.0",
    "terraform_version": "1.9.5",
    "values": {
        "root_module": {
            "resources": [
                {
                    "address": "azurerm_machine_learning_synapse_spark.example",
                    "mode": "managed",
                    "type": "azurerm_machine_learning_synapse_spark",
                    "name": "example",
                    "values": {
                        "id": f"{WORKSPACE}/computes/mysparksystem",
                        "name": "mysparksystem",
                        "machine_learning_workspace_id": WORKSPACE,
                        "synapse_spark_pool_id": POOL,
                        "location": "eastus2",
                        "local_auth_enabled": True,
                        "description": "",
                        "identity": [{"type": "SystemAssigned", "identity_ids": []}],
                        "tags": {},
                    },
                }
            ]
        }
    },
}


def end(stage, *commands):
    for command in commands:
        stage.run(command, Story(), "after the page")


def compute(stage, name):
    return next(one for one in stage.azure.world()["computes"] if one["id"].endswith(f"/{name}"))


def taken_over(name):
    """One PUT, and no detach in between or at the end."""

    def check(stage):
        assert stage.writes() == [("PUT", name)], stage.writes()
        tags = compute(stage, name)["tags"]
        assert "synapse-spark-operator-owner" in tags, tags
        assert tags["cost"] == "42", "tags of others are kept"

    return check


def least_rights(stage):
    """The roles of the page are sufficient to attach, update and detach; with one more the operator can read the pool."""
    unseen = "kubectl wait ssa/my-spark-pool --for=jsonpath='{.status.conditions[?(@.type==\"PoolAvailable\")].reason}'=PoolUnreadable --timeout=60s"
    end(
        stage,
        unseen,
        """kubectl patch ssa my-spark-pool --type merge -p '{"spec":{"tags":{"a":"b"}}}'""",
        "kubectl wait ssa/my-spark-pool --for=jsonpath='{.status.observedGeneration}'=2 --timeout=60s",
        "kubectl wait ssa/my-spark-pool --for=condition=Ready --timeout=60s",
    )
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
    end(
        stage,
        "az role definition create --role-definition @deploy/azure/pool-reader-role.json",
        'az role assignment create --role "Synapse Spark Operator Pool Reader" --assignee-object-id "$PRINCIPAL_ID" '
        f"--assignee-principal-type ServicePrincipal --scope {POOL.partition('/bigDataPools/')[0]}",
        # It reads the pool every ten minutes, or on request.
        'kubectl annotate ssa my-spark-pool synapse-spark.dev/reconcile-requested-at="$(date +%s)"',
        "kubectl wait ssa/my-spark-pool --for=condition=PoolAvailable --timeout=60s",
        "kubectl delete ssa my-spark-pool --timeout=60s",
    )
    assert [method for method, _ in stage.writes()] == ["PUT", "PUT", "DELETE"], stage.writes()


def roles(stage, principal):
    """Synapse's roles of a principal: (role, scope)."""
    assignments = stage.azure.world()["roleAssignments"]
    return [(one["roleId"], one["scope"]) for one in assignments if one["principalId"] == principal]


def granted_by_hand(stage):
    """By hand the same role is assigned as by the operator; and if it may not assign it, the command in its message does."""
    principal = json.loads(stage.plane.kubectl("get", "ssa", "my-spark-role", "-o", "json"))["status"]["identity"]["principalId"]
    assert roles(stage, principal) == [(ADMINISTRATOR, f"{SYNAPSE}/bigDataPools/yogisparkpool")], roles(stage, principal)
    operator = json.loads((stage.state / "az.json").read_text())["identities"]["synapse-spark-operator"]["principalId"]
    assert roles(stage, operator) == [(ADMINISTRATOR, SYNAPSE)], roles(stage, operator)

    may_look = ["Microsoft.MachineLearningServices/*", "Microsoft.ManagedIdentity/*", "Microsoft.Synapse/workspaces/read"]
    stage.know_the_operator(rights=[{"scope": "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a", "actions": may_look}])
    begun = stage.azure.now()
    end(
        stage,
        """kubectl patch ssa my-spark-role --type merge -p '{"spec":{"synapseRole":{"name":"Synapse Compute Operator"}}}'""",
        "kubectl wait ssa/my-spark-role --for=jsonpath='{.status.conditions[?(@.type==\"Ready\")].reason}'=RoleAssignmentForbidden --timeout=60s",
        "kubectl get ssa my-spark-role -o jsonpath='{.status.conditions[?(@.type==\"Ready\")].message}' | grep -o 'az synapse [^`]*' >by-hand.sh",
        ". ./by-hand.sh",
        'kubectl annotate ssa my-spark-role synapse-spark.dev/reconcile-requested-at="$(date +%s)"',
        "kubectl wait ssa/my-spark-role --for=condition=Ready --timeout=60s",
    )
    assert (COMPUTE_OPERATOR, f"{SYNAPSE}/bigDataPools/yogisparkpool") in roles(stage, principal)
    stage.judge.hear(json.loads(stage.asked_of_az()[-1]))
    refused = stage.azure.journal(begun, CLIENT_ID, ("PUT",))
    assert {one["status"] for one in refused} == {403}, refused


def linked(stage):
    """The pool of the linked service is attached; the linked service's own identity has its role, and the linked service is unchanged."""
    assert compute(stage, "my-linked-pool")["properties"]["resourceId"] == POOL
    assert roles(stage, LINK["principalId"]) == [(SPARK_ADMINISTRATOR, SYNAPSE)], roles(stage, LINK["principalId"])
    (link,) = stage.azure.world()["linkedServices"]
    assert {key: link[key] for key in LINK} == LINK


def prepared_and_trained(stage):
    """Both pipelines have the same two steps, and both succeed: as the attachment's identity, with its role."""

    def ended():
        jobs = [one for one in stage.azure.world()["jobs"] if one["status"] not in UNDERWAY]
        return len(jobs) == 6 and jobs

    jobs = sdk.eventually(ended, "two pipelines of two steps have ended")
    assert {one["status"] for one in jobs} == {"Completed"}, jobs
    assert sorted(one["step"] for one in jobs if one["parent"]) == ["prepare", "prepare", "train", "train"]
    sent = [one["body"]["properties"] for one in stage.azure.journal(stage.begun, methods=("PUT",)) if "/jobs/" in one["path"]]
    for steps in (one["jobs"] for one in sent):
        assert steps["prepare"]["identity"]["identity_type"].lower() == "managed"
        assert steps["prepare"]["computeId"] == f"{WORKSPACE}/computes/mysparkrole"
        assert steps["prepare"]["args"] == "--data ${{inputs.data}} --prepared ${{outputs.prepared}}"


def with_client_secret(stage):
    """The last values of the page, with the emulator's application in them, attach a pool."""
    tenant, client = "72f988bf-0000-4000-8000-000000000001", "11111111-2222-3333-4444-555555555555"
    end(
        stage,
        f"sed -i 's/tenantId: .*/tenantId: {tenant}/; s/clientId: .*/clientId: {client}/' values.yaml",
        f"helm upgrade synapse-spark-operator {CHART} {RELEASE} --values values.yaml",
        "kubectl apply -f examples/no-identity.yaml",
        "kubectl wait ssa/mysparknone --for=condition=Ready --timeout=60s",
    )
    assert "client-secret" in stage.pod.tail(), stage.pod.tail()


def put_right(stage):
    """The log shows who changed the tag, and the tag is corrected."""
    end(stage, READY)
    assert stage.writes() == [("PUT", "mysparkuser")] * 2, stage.writes()
    assert compute(stage, "mysparkuser")["tags"]["team"] == "data"


def rotated(stage):
    """The compute was sent once with the new principal and once by force; then only the operator's identity is another one."""
    assert stage.writes() == [("PUT", "mysparkuser")] * 2, stage.writes()
    shown = json.loads(stage.plane.kubectl("get", "ssa", "mysparkuser", "-o", "json"))["status"]
    assert shown["identity"]["userAssigned"][0]["principalId"] == ROTATED, shown
    new = json.loads((stage.state / "az.json").read_text())["identities"]["synapse-spark-operator-2"]["clientId"]
    assert stage.azure.journal(end="/computes/mysparkuser")[-1]["principal"] == new


def upgraded(stage):
    """Nothing was written to Azure, and every attachment is still there."""
    end(stage, "kubectl wait ssa/NAME --for=condition=Ready --timeout=60s")
    assert stage.writes() == [], stage.writes()


def gone(stage):
    """What was released is still attached, and nothing of the operator is left."""
    assert stage.writes()[-1][0] == "PUT", stage.writes()
    assert not stage.plane.kubectl("get", "crd", "-o", "name")


def teams_are_apart(stage):
    """The namespace of the example is none of the two teams'; it is refused as soon as the API server has seen the policy."""
    end(
        stage,
        "while kubectl create --dry-run=server -f examples/no-identity.yaml; do :; done",
        # For the next page, to which the policy must no longer apply.
        f"helm rollback synapse-spark-operator {RELEASE}",
        "until kubectl create --dry-run=server -f examples/no-identity.yaml; do :; done",
    )


def as_the_team(stage):
    """Only the team's identity was used in Azure; and where it is required, no other attachment is reconciled."""
    team = json.loads((stage.state / "az.json").read_text())["identities"]["team-a"]["clientId"]
    asked = {one["principal"] for one in stage.azure.journal(end="/computes/team-a-spark")}
    assert asked == {team}, asked
    end(
        stage,
        f"helm upgrade synapse-spark-operator {CHART} {RELEASE} --reset-then-reuse-values --values values.yaml",
        "kubectl apply -f examples/no-identity.yaml",
        "kubectl wait ssa/mysparknone --for=jsonpath='{.status.conditions[0].reason}'=AuthenticationFailed --timeout=60s",
        "kubectl delete -f team-a.yaml --timeout=60s",
    )
    assert stage.writes() == [("PUT", "team-a-spark"), ("DELETE", "team-a-spark")], stage.writes()


def freed(stage):
    """Handed over, renamed and taken, each without a detach."""
    end(stage, "kubectl wait ssa/my-spark-pool ssa/my-new-name --for=condition=Ready --timeout=60s")
    writes = stage.writes()
    assert ("DELETE", "my-pool") not in writes, writes
    # Handed over and adopted; detached with its namespace; then another one is taken.
    of_pool = [method for method, compute in writes if compute == "my-spark-pool"]
    assert of_pool == ["PUT", "PUT", "DELETE", "PUT"], writes


def restored(stage):
    """Adopted as it was: never detached."""
    end(stage, READY)
    assert stage.writes() == [("PUT", "mysparkuser")], stage.writes()


def moved(stage):
    """The compute is in the workspace where it is now; and after a move with computes, the object of the same name adopts what came along."""
    moved_to = WORKSPACE.replace("yogi-res-group", "yogi-new-group")
    (attached,) = stage.azure.world()["computes"]
    assert attached["id"] == f"{moved_to}/computes/mysparkuser", attached
    back = [{**attached, "id": f"{WORKSPACE}/computes/mysparkuser"}]
    end(
        stage,
        *seeded({"workspaces": [{"id": WORKSPACE, "location": "eastus2"}], "computes": back}),
        f'curl -sSf --cacert "$AZURE_CA_FILE" -X DELETE "$AZURE_RESOURCE_MANAGER_ENDPOINT/_emulator/resource?id={moved_to}"',
        'kubectl annotate ssa NAME synapse-spark.dev/reconcile-requested-at="$(date +%s)"',
        "kubectl wait ssa/NAME --for=jsonpath='{.status.conditions[?(@.type==\"Ready\")].reason}'=WorkspaceNotFound --timeout=60s",
        "kubectl delete ssa NAME --timeout=60s",
        "kubectl apply -f examples/user-assigned.yaml",
        READY,
    )
    assert [method for method, _ in stage.writes()] == ["DELETE", "PUT", "PUT"], stage.writes()


def written(stage):
    """The ConfigMap belongs to the attachment: it goes with it."""
    end(stage, "kubectl delete ssa NAME --timeout=60s", "kubectl wait configmap/mysparkuser-outputs --for=delete --timeout=60s")


def taught(stage):
    """Argo CD has the check and the actions, and what it had before."""
    settings = json.loads(stage.plane.kubectl("get", "configmap", "argocd-cm", "-n", "argocd", "-o", "json"))["data"]
    kind = "synapse-spark.dev_SynapseSparkAttachment"
    assert {f"resource.customizations.{what}.{kind}" for what in ("health", "actions")} | {"url"} == set(settings), settings


STORIES = {
    "README.md": Story(
        installed=False,
        before=(),
        scenes={"kubectl get ssa": ("kubectl apply -f examples/", READY)},
        codes={"synapse-spark-operator plan": TOLD},
        words={"my-spark-pool": "mysparkuser"},
    ),
    "charts/synapse-spark-operator/README.md": Story(installed=False, before=()),
    "deploy/README.md": Story(),
    "docs/backup-and-restore.md": Story(
        scenes={
            "jq '.items[].spec.suspend": (
                """kubectl patch ssa NAME --type merge -p '{"spec":{"deletionPolicy":"Retain"}}'""",
                "kubectl delete ssa NAME --timeout=60s",
            ),
            "kubectl synapse plan NAME": (
                "kubectl wait ssa/NAME --for=jsonpath='{.status.conditions[?(@.type==\"Ready\")].reason}'=Suspended --timeout=60s",
            ),
            "az identity federated-credential delete": ("CLUSTER=yogi-aks",),
        },
        codes={"kubectl synapse plan": SOMETHING_TO_DO},
        after=restored,
    ),
    "docs/credentials.md": Story(
        before=(
            *ATTACHED,
            file("values.yaml", f"azure: {{clientId: {CLIENT_ID}}}"),
            "printf emulator-secret-not-a-real-one >client-secret",
            AZ_IDENTITY,
        ),
        codes={"synapse-spark-operator plan": SOMETHING_TO_DO},
        after=with_client_secret,
    ),
    "docs/deletion.md": Story(
        scenes={
            "kubectl patch ssa NAME --type merge -p '{\"spec\":{\"deletionGuard\"": ATTACHED,
            "kubectl get ssa NAME -o jsonpath=": STUCK,
            "kubectl patch ssa NAME --type merge -p '{\"spec\":{\"deletionPolicy\"": (GONE, *STUCK),
            "kubectl patch ssa NAME --type merge -p '{\"metadata\":{\"finalizers\"": (GONE, *STUCK),
            "kubectl delete ssa --all": (GONE, *ATTACHED),
            "kubectl get ssa --all-namespaces -o jsonpath=": (INSTALL, *ATTACHED),
            "kubectl annotate crd": ("kubectl delete ssa --all --all-namespaces", UNINSTALL),
        },
        after=gone,
    ),
    "docs/drift.md": Story(
        scenes={"kubectl annotate ssa NAME": (f"az ml compute update --name NAME {AML} --set tags.team=nobody",)},
        codes={"kubectl get ssa NAME -o yaml |": TOLD},
        after=put_right,
    ),
    "docs/gitops-argocd.md": Story(
        before=(
            "kubectl create namespace argocd",
            "kubectl create configmap argocd-cm --namespace argocd --from-literal=url=https://argocd.example",
        ),
        after=taught,
    ),
    "docs/import.md": Story(
        before=(*ATTACHED, *by_az_ml("byhand", SYSTEM_ASSIGNED)),
        scenes={"synapse-spark-operator import -f": (by_az_ml("byhand", SYSTEM_ASSIGNED)[0], "mv attached.yaml attached-by-az-ml.yaml")},
        codes={"synapse-spark-operator plan": SOMETHING_TO_DO},
    ),
    "docs/jobs.md": Story(codes={"kubectl synapse check": {0, 1}}),
    # The page has an attachment without a pool.
    "docs/kubectl-plugin.md": Story(
        codes={"kubectl synapse check mysparkuser --for-jobs": {0, 1}, "kubectl synapse status": TOLD, "kubectl synapse reconcile --all": TOLD, "kubectl synapse plan -f": SOMETHING_TO_DO}
    ),
    "docs/plan-in-ci.md": Story(
        codes={"kubectl synapse plan": SOMETHING_TO_DO}, after=lambda stage: pull_requests(stage, Story())
    ),
    "docs/linked-services.md": Story(before=(*ATTACHED, *seeded({"linkedServices": [LINK]})), after=linked),
    "docs/migrate-aso.md": Story(
        before=(
            *by_az_ml("mysparksystem", SYSTEM_ASSIGNED),
            file("aso.yaml", ASO),
            file("compute.yaml", ASO_OBJECT),
            "kubectl apply -f aso.yaml",
            "kubectl wait crd/workspacescomputes.machinelearningservices.azure.com --for=condition=Established",
            "kubectl apply -f compute.yaml",
        ),
        codes={"synapse-spark-operator plan": SOMETHING_TO_DO},
        after=taken_over("mysparksystem"),
    ),
    "docs/migrate-az-ml.md": Story(
        before=by_az_ml("mysparkuser", USER_ASSIGNED),
        codes={"synapse-spark-operator plan": SOMETHING_TO_DO},
        after=taken_over("mysparkuser"),
    ),
    "docs/migrate-terraform.md": Story(
        before=(*by_az_ml("mysparksystem", SYSTEM_ASSIGNED), file("state.json", json.dumps(TERRAFORM))),
        codes={"synapse-spark-operator plan": SOMETHING_TO_DO},
        after=taken_over("mysparksystem"),
    ),
    "docs/move-a-workspace.md": Story(
        before=(*ATTACHED, AZ_IDENTITY, "az role definition create --role-definition @deploy/azure/role.json"),
        after=moved,
    ),
    "docs/namespace-identity.md": Story(
        before=(
            "az role definition create --role-definition @deploy/azure/role.json",
            "az role definition create --role-definition @deploy/azure/operations-role.json",
        ),
        after=as_the_team,
    ),
    "docs/outputs.md": Story(after=written),
    "docs/ownership.md": Story(
        before=(
            f"{renamed('my-spark-pool')} >my-spark-pool.yaml",
            f"{renamed('my-old-name')} | sed 's/^spec:/spec:\\n  computeName: my-pool/' >my-old-name.yaml",
            "sed 's/name: my-old-name/name: my-new-name/' my-old-name.yaml >my-new-name.yaml",
            "kubectl apply -f my-spark-pool.yaml -f my-old-name.yaml",
            READY,
        ),
        scenes={
            # The compute that was handed over is detached; here is one of a cluster that no longer exists.
            "kubectl synapse transfer --take": (
                "kubectl delete namespace team-b --timeout=60s",
                *by_another("my-spark-pool"),
                *by_az_ml("my-other-pool", SYSTEM_ASSIGNED),
            ),
        },
        after=freed,
    ),
    "docs/pipelines.md": Story(before=(*ATTACHED, *seeded({"computes": [CLUSTER]})), after=prepared_and_trained),
    "docs/quickstart-aks.md": Story(installed=False, before=(), after=least_rights),
    "docs/rotate-identities.md": Story(
        before=(
            *ATTACHED,
            "az role definition create --role-definition @deploy/azure/role.json",
            "az role definition create --role-definition @deploy/azure/operations-role.json",
        ),
        # It is deleted and created again.
        scenes={"kubectl synapse reconcile NAME": seeded({"identities": [{"id": USER, "principalId": ROTATED}]})},
        after=rotated,
    ),
    "docs/security.md": Story(after=teams_are_apart),
    "docs/several-clusters.md": Story(
        before=("CLUSTER=yogi-aks", AZ_IDENTITY, f"{renamed('my-spark-pool')} >my-spark-pool.yaml", "kubectl apply -f my-spark-pool.yaml", READY)
    ),
    "docs/synapse-role.md": Story(
        before=(*ATTACHED, AZ_IDENTITY),
        # The section on assigning by hand is for an attachment without a role.
        scenes={
            """az synapse role assignment create --workspace-name yogi-synapse-ws \\\n    --role "Synapse Administrator" --item-type""": (
                """kubectl patch ssa my-spark-role --type json -p '[{"op":"remove","path":"/spec/synapseRole"}]'""",
                "kubectl wait ssa/my-spark-role --for=jsonpath='{.status.observedGeneration}'=2 --timeout=60s",
                "kubectl wait ssa/my-spark-role --for=condition=Ready --timeout=60s",
            )
        },
        after=granted_by_hand,
    ),
    "docs/upgrading.md": Story(
        # Objects that kubectl has applied, for Helm to adopt.
        scenes={"helm upgrade --install": (UNINSTALL, FORGOTTEN, f"{RENDERED} | kubectl apply -f -")},
        after=upgraded,
    ),
}
