"""A substitute for Azure CLI in the tests of the documents.

What it is asked for is written down, for the real Azure CLI to judge. What the pages rest on is done at
the emulator: identities, federated credentials, roles, `az rest`, Synapse's roles by
azure-synapse-accesscontrol, and `az ml` by azure-ai-ml, which the extension ml is made of. A command
that it does not know fails.
"""

import json
import os
import re
import sys
import uuid
from pathlib import Path

STAGE = Path(os.environ["DOCS_STAGE"])
STATE = STAGE / "az.json"
USERS = "Microsoft.ManagedIdentity/userAssignedIdentities"
# A role of Azure's own, the part of it that matters here.
BUILT_IN = {"Managed Identity Operator": [f"{USERS}/read", f"{USERS}/assign/action"], "Reader": ["*/read"]}


def main():
    words = sys.argv[1:]
    with open(STAGE / "az.jsonl", "a") as journal:
        journal.write(json.dumps(words) + "\n")
    at = next((number for number, word in enumerate(words) if word.startswith("-")), len(words))
    command, options = " ".join(words[:at]), read(words[at:])
    if command not in COMMANDS:
        sys.exit(f"the stand-in of az does not know: az {command}")
    answer = COMMANDS[command](options)
    if answer is not None:
        for key in options.get("query", "").split("."):
            answer = answer[key] if key else answer
        print(answer if options.get("output") == "tsv" else json.dumps(answer, indent=2))


def read(words):
    """--name value, --flag; of several values the first."""
    options, name = {}, None
    for word in words:
        if word.startswith("-"):
            name = word.lstrip("-")
            options[name] = ""
        elif name and not options[name]:
            options[name] = word
    return options


def emulator(method, path, body=None):
    import requests

    session = requests.Session()
    session.trust_env = False
    ready = azure()
    answer = session.request(method, ready["endpoint"] + path, json=body, verify=ready["ca"])
    if not answer.ok:
        sys.exit(answer.text)
    return answer.json() if answer.content else None


def state(change=None):
    kept = json.loads(STATE.read_text()) if STATE.exists() else {"identities": {}, "roles": dict(BUILT_IN)}
    if change:
        change(kept)
        STATE.write_text(json.dumps(kept))
    return kept


def tell(identity):
    """Configures an identity in Entra and Azure RBAC."""
    principal = {key: identity[key] for key in ("tenantId", "clientId", "federated", "rights")} | {"objectId": identity["principalId"]}
    emulator("PUT", "/_emulator/world", {"issuers": [issuer()], "principals": [principal]})


def issuer():
    return json.loads((STAGE / "issuer.json").read_text())


def azure():
    return json.loads((STAGE / "azure.json").read_text())


def login():
    from azure.identity import ClientSecretCredential

    ready = azure()
    authority = ready["authority"].removeprefix("https://")
    return ClientSecretCredential(ready["tenant"], ready["client"], ready["secret"], authority=authority, disable_instance_discovery=True)


def identity_create(options):
    made = {"tenantId": azure()["tenant"], "clientId": str(uuid.uuid4()), "principalId": str(uuid.uuid4()), "federated": [], "rights": []}
    identity = state(lambda kept: kept["identities"].setdefault(options["name"], made))["identities"][options["name"]]
    tell(identity)
    return identity


def identity_show(options):
    if "ids" in options:
        # One that the page did not create is of the stage.
        known = emulator("GET", "/_emulator/world")["identities"]
        return next((one for one in known if one["id"].casefold() == options["ids"].casefold()), {"id": options["ids"]})
    return state()["identities"][options["name"]]


def federated_create(options):
    one = {"issuer": options["issuer"], "subject": options["subject"], "audience": options["audiences"]}
    tell(state(lambda kept: kept["identities"][options["identity-name"]]["federated"].append(one))["identities"][options["identity-name"]])


def role_definition_create(options):
    text = options["role-definition"].removeprefix("@")
    role = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text())
    state(lambda kept: kept["roles"].update({role["Name"]: role["Actions"]}))


def role_assignment_create(options):
    def assign(kept):
        right = {"scope": options["scope"], "actions": kept["roles"][options["role"]]}
        next(one for one in kept["identities"].values() if one["principalId"] == options["assignee-object-id"])["rights"].append(right)

    for one in state(assign)["identities"].values():
        tell(one)


def synapse_roles(options):
    """The data plane of a Synapse workspace, and the filter that the options are."""
    from azure.synapse.accesscontrol import AccessControlClient

    workspace, role = options["workspace-name"], options.get("role")
    client = AccessControlClient(login(), azure()["synapse"].replace("{workspace}", workspace))
    if role and not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", role):
        role = {one.name: one.id for one in client.role_definitions.list_role_definitions()}[role]
    item = f"workspaces/{workspace}/{options['item-type']}/{options['item']}" if "item" in options else None
    return client.role_assignments, {"role_id": role, "principal_id": options.get("assignee-object-id"), "scope": options.get("scope", item)}


def synapse_role_assignment_create(options):
    roles, wanted = synapse_roles(options)
    scope = wanted.pop("scope") or f"workspaces/{options['workspace-name']}"
    uuid.UUID(wanted["principal_id"])
    kind = options["assignee-principal-type"]
    return roles.create_role_assignment(str(uuid.uuid4()), scope=scope, principal_type=kind, **wanted).as_dict()


def synapse_role_assignment_list(options):
    roles, wanted = synapse_roles(options)
    return [one.as_dict() for one in roles.list_role_assignments(**wanted).value]


def synapse_role_assignment_delete(options):
    roles, wanted = synapse_roles(options)
    every = [one.id for one in roles.list_role_assignments(**wanted).value]
    if "ids" in options and options["ids"] not in every:
        sys.exit(f"role assignment id:'{options['ids']}' doesn't exist.")
    for one in [options["ids"]] if "ids" in options else every:
        roles.delete_role_assignment_by_id(one)


def rest(options):
    import requests

    ready = azure()
    url = options["url"].replace("https://management.azure.com", ready["endpoint"])
    body = json.loads(Path(options["body"].removeprefix("@")).read_text()) if "body" in options else None
    headers = {"authorization": "Bearer " + login().get_token(ready["endpoint"] + "/.default").token}
    answer = requests.request(options["method"], url, json=body, headers=headers, verify=ready["ca"])
    answer.raise_for_status()
    return answer.json()


def resource_move(options):
    """A workspace in another resource group. Azure moves none that has computes."""
    source = options["ids"]
    computes = [one["id"] for one in emulator("GET", "/_emulator/world")["computes"]]
    if any(one.startswith(source + "/") for one in computes):
        sys.exit(f"a workspace with computes is not moved: {computes}")
    group = source.partition("/providers/")[0]
    target = group.rpartition("/")[0] + "/" + options["destination-group"]
    emulator("PUT", "/_emulator/world", {"workspaces": [{"id": source.replace(group, target), "location": "eastus2"}]})
    emulator("DELETE", f"/_emulator/resource?id={source}")


def group_create(options):
    subscription = azure()["subscription"]
    emulator("PUT", "/_emulator/world", {"resourceGroups": [f"/subscriptions/{subscription}/resourceGroups/{options['name']}"]})


def ml(verb):
    def run(options):
        from azure.ai.ml import load_compute

        compute = client(options).compute
        if verb == "attach":
            return compute.begin_attach(load_compute(options["file"])).result()._to_dict()
        if verb == "detach":
            return compute.begin_delete(options["name"], action="Detach").result()
        if verb == "list":
            return [one._to_dict() for one in compute.list()]
        found = compute.get(options["name"])
        if verb == "update":
            key, value = options["set"].split("=")
            found.tags[key.removeprefix("tags.")] = value
            found = compute.begin_update(found).result()
        return json.loads(json.dumps(found._to_dict(), default=str))

    return run


def leave_out_uploads():
    """There is no storage account here: a folder of code counts as uploaded."""
    from azure.ai.ml.operations._code_operations import CodeOperations

    def uploaded(workspace, code):
        if not Path(code.base_path, code.path).is_dir():
            sys.exit(f"{code.path}: there is no such folder of code")
        group = f"/subscriptions/{workspace._subscription_id}/resourceGroups/{workspace._resource_group_name}"
        code._id = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{workspace._workspace_name}/codes/code/versions/1"
        return code

    CodeOperations.create_or_update = uploaded


def client(options):
    """Microsoft's azure-ai-ml, as a user who is logged in."""
    from azure.ai.ml import MLClient

    leave_out_uploads()
    where = (options.get("subscription", azure()["subscription"]), options["resource-group"], options["workspace-name"])
    return MLClient(login(), *where, enable_telemetry=False, show_progress=False)


def job_create(options):
    from azure.ai.ml import load_job

    return described(client(options).jobs.create_or_update(load_job(options["file"])))


def job_show(options):
    return described(client(options).jobs.get(options["name"]))


def described(job):
    return {"name": job.name, "display_name": job.display_name, "status": job.status}


def nothing(options):
    """Changes nothing that the tests observe."""


COMMANDS = {
    "account set": nothing,
    "aks get-credentials": nothing,
    "aks show": lambda options: {"oidcIssuerProfile": {"issuerUrl": issuer()["issuer"]}},
    "aks update": nothing,
    "group create": group_create,
    "identity create": identity_create,
    "identity federated-credential create": federated_create,
    "identity federated-credential delete": nothing,
    "identity show": identity_show,
    "login": nothing,
    "ml compute attach": ml("attach"),
    "ml compute detach": ml("detach"),
    "ml compute list": ml("list"),
    "ml compute show": ml("show"),
    "ml compute update": ml("update"),
    "ml job create": job_create,
    "ml job show": job_show,
    "ml workspace show": nothing,
    "monitor activity-log list": nothing,
    "provider register": nothing,
    "resource move": resource_move,
    "rest": rest,
    "role assignment create": role_assignment_create,
    "role definition create": role_definition_create,
    "synapse role assignment create": synapse_role_assignment_create,
    "synapse role assignment delete": synapse_role_assignment_delete,
    "synapse role assignment list": synapse_role_assignment_list,
    "synapse spark pool show": nothing,
}

if __name__ == "__main__":
    main()
