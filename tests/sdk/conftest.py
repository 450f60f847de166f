"""Fixtures of the tests: the emulator, Microsoft's client, a control plane, the operator.

Each starts once, with the first test that asks for it, and ends with the session. All hang on a pipe
of this process, so that nothing outlives it, however it ends.
"""

import io
import json
import os
import subprocess
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
EMULATOR = ROOT / "target/debug/azure-emulator"
OPERATOR = ROOT / "target/debug/synapse-spark-operator"
BIN = ROOT / "tests/control-plane/bin"

TENANT = "72f988bf-0000-4000-8000-000000000001"
# Of tests/emulator/seeds/default.json.
CLIENT, SECRET = "11111111-2222-3333-4444-555555555555", "emulator-secret-not-a-real-one"
OPERATOR_CLIENT = "22222222-3333-4444-5555-666666666666"
# The owner tag of the operator.
OWNER = "synapse-spark-operator-owner"

SUBSCRIPTION, GROUP, WORKSPACE = "6560575d-fa06-4e7d-95fb-f962e74efd7a", "yogi-res-group", "yogi-aml-ws"
PROVIDERS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers"
POOL = f"{PROVIDERS}/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool"
# The alphabet would put them the other way round.
USERS = [f"{PROVIDERS}/Microsoft.ManagedIdentity/userAssignedIdentities/{name}" for name in ("yogi-second-id", "yogi-managed-id")]

LONG = 60


# All that a test can stand on.
STAGE = [EMULATOR, OPERATOR, *(BIN / name for name in ("control-plane", "etcd", "kube-apiserver", "kube-controller-manager", "kubectl"))]


def pytest_collection_finish(session):
    require(STAGE if any("plane" in item.fixturenames for item in session.items) else [EMULATOR])


def require(programs):
    if missing := [str(path.relative_to(ROOT)) for path in programs if not path.exists()]:
        pytest.exit(f"{', '.join(missing)}: not there. Run `make build` first.", returncode=1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and (operator := getattr(item, "funcargs", {}).get("operator")):
        report.sections.append(("the operator's log, its end", operator.tail()))
    return report


def eventually(look, what, timeout=LONG):
    """Polls until the result is truthy, and returns it."""
    end = time.monotonic() + timeout
    while not (seen := look()):
        if time.monotonic() > end:
            pytest.fail(f"not within {timeout} s: {what}")
        time.sleep(0.1)
    return seen


class Process:
    """A program that ends when its stdin does."""

    def __init__(self, log, command, env=None):
        self.log = log
        with open(log, "w") as stderr:
            self.process = subprocess.Popen(
                [str(word) for word in command], env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True
            )

    def line(self):
        """The line of JSON that it prints when it is ready."""
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(LONG)
            pytest.fail(f"{self.process.args[0]} did not start:\n{self.tail()}", pytrace=False)
        return json.loads(line)

    def tail(self):
        return "\n".join(self.log.read_text().splitlines()[-40:])

    def end(self):
        try:
            self.process.stdin.close()
            return self.process.wait(LONG)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()


class Azure:
    """The emulator, through its control API."""

    def __init__(self, ready):
        import requests

        self.endpoint, self.authority, self.synapse, self.ca = (ready[key] for key in ("endpoint", "authority", "synapse", "ca"))
        self.http = requests.Session()
        # Nothing of the environment: no proxy, no ~/.netrc.
        self.http.trust_env = False
        self.http.verify = self.ca

    def control(self, method, path, **more):
        answer = self.http.request(method, f"{self.endpoint}/_emulator/{path}", timeout=LONG, **more)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def seed(self, world):
        self.control("PUT", "world", json=world)

    def world(self):
        return self.control("GET", "world")

    def settings(self, **changes):
        self.control("PATCH", "settings", json=changes)

    def now(self):
        """The number of the last request so far."""
        return max((one["seq"] for one in self.journal()), default=0)

    def journal(self, since=0, who=None, methods=("GET", "PUT", "PATCH", "POST", "DELETE"), end=""):
        """What `who` asked after `since`, of paths that end so."""
        return [
            one
            for one in self.control("GET", "journal", params={"since": since})["requests"]
            if (who is None or one["principal"] == who)
            and one["method"] in methods
            and one["path"].lower().endswith(end.lower())
            and "/oauth2/" not in one["path"]
            and "/v2.0/" not in one["path"]
        ]


def endpoints(azure):
    """What leads the program to the emulator."""
    return {
        "AZURE_AUTHORITY_HOST": azure.authority,
        "AZURE_RESOURCE_MANAGER_ENDPOINT": azure.endpoint,
        "AZURE_SYNAPSE_ENDPOINT": azure.synapse,
        "AZURE_CA_FILE": azure.ca,
    }


def credential(azure, client=CLIENT, secret=SECRET):
    from azure.identity import ClientSecretCredential

    authority = azure.authority.removeprefix("https://")
    return ClientSecretCredential(TENANT, client, secret, authority=authority, disable_instance_discovery=True)


def roles_of(azure, synapse_workspace, endpoint=None, **who):
    """Microsoft's azure-synapse-accesscontrol, on one Synapse workspace."""
    from azure.synapse.accesscontrol import AccessControlClient

    return AccessControlClient(credential(azure, **who), endpoint or azure.synapse.replace("{workspace}", synapse_workspace))


class Client:
    """Microsoft's azure-ai-ml, on one workspace."""

    def __init__(self, azure, subscription=SUBSCRIPTION, group=GROUP, workspace=WORKSPACE):
        from azure.ai.ml import MLClient

        self.id = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces/{workspace}"
        ml = MLClient(credential(azure), subscription, group, workspace, enable_telemetry=False, show_progress=False)
        self.compute, self.jobs, self.datastores = ml.compute, ml.jobs, ml.datastores

    @staticmethod
    def identity(kind, users=()):
        """As Microsoft's documentation writes it: IdentityConfiguration(type="SystemAssigned")."""
        from azure.ai.ml.entities import IdentityConfiguration, ManagedIdentityConfiguration

        users = [ManagedIdentityConfiguration(resource_id=one) for one in users]
        return IdentityConfiguration(type=kind, user_assigned_identities=users or None)

    def spark(self, name, pool=POOL, kind=None, users=(), **more):
        from azure.ai.ml.entities import SynapseSparkCompute

        return SynapseSparkCompute(name=name, resource_id=pool, identity=self.identity(kind, users) if kind else None, **more)

    @staticmethod
    def load(text):
        from azure.ai.ml import load_compute

        return load_compute(io.StringIO(text))

    def attach(self, compute):
        return shown(self.compute.begin_attach(compute).result())

    def update(self, compute):
        return shown(self.compute.begin_update(compute).result())

    def get(self, name):
        return shown(self.compute.get(name))

    def detach(self, name):
        self.compute.begin_delete(name, action="Detach").result()


def shown(compute):
    """What `az ml compute show` prints of it, as plain JSON."""
    return json.loads(json.dumps(compute._to_dict(), default=str))


def users_of(compute):
    """The user-assigned identities, in order; Azure changes the case of their IDs."""
    return [one["resource_id"].lower() for one in compute.get("identity", {}).get("user_assigned_identities", [])]


@pytest.fixture(scope="session")
def azure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("azure")
    process = Process(folder / "log", [EMULATOR, "--dir", folder, "--operation-duration", "100ms", "--exit-with-stdin"])
    with pytest.MonkeyPatch.context() as patch:
        try:
            azure = Azure(process.line())
            # The client's poller waits 30 s otherwise; and an identity that is being deleted is in the way for minutes.
            azure.settings(operationRetryAfter=1, identityDeletion="2s")
            # Before azure.ai.ml is imported.
            patch.setenv("AZUREML_DEV_URL_MFE", azure.endpoint)
            patch.setenv("REQUESTS_CA_BUNDLE", azure.ca)
            patch.setenv("NO_PROXY", "127.0.0.1")
            patch.setenv("no_proxy", "127.0.0.1")
            yield azure
        finally:
            status = process.end()
    assert status == 0, process.tail()


@pytest.fixture(scope="session")
def client(azure):
    return Client(azure)


class Plane:
    """The control plane, through kubectl as its administrator."""

    def __init__(self, folder, ready):
        self.folder, self.ready = folder, ready
        self.env = {"PATH": os.environ["PATH"], "HOME": str(folder), "KUBECONFIG": ready["kubeconfig"]}

    def kubectl(self, *words, stdin=None):
        command = [self.ready["kubectl"], *(str(word) for word in words)]
        done = subprocess.run(command, env=self.env, input=stdin, capture_output=True, text=True, timeout=2 * LONG)
        assert done.returncode == 0, f"kubectl {' '.join(command[1:])}\n{done.stderr}"
        return done.stdout

    def credential(self, what, out, *more):
        account = ["--namespace", "synapse-spark-system", "--service-account", "synapse-spark-operator"]
        command = [BIN / "control-plane", what, "--admin", self.ready["kubeconfig"], *account, "--out", out, *more]
        subprocess.run(command, env=self.env, check=True, capture_output=True, timeout=LONG)

    def apply(self, name, identity=None, **spec):
        spec = {
            "workspace": {"subscriptionId": SUBSCRIPTION, "resourceGroup": GROUP, "name": WORKSPACE},
            **({} if "linkedService" in spec else {"resourceId": POOL}),
            **({"identity": identity} if identity else {}),
            **spec,
        }
        manifest = {"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment", "metadata": {"name": name}, "spec": spec}
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(manifest))

    def wait(self, name, condition="Ready"):
        self.kubectl("wait", f"ssa/{name}", f"--for=condition={condition}", f"--timeout={LONG}s")

    def get(self, name):
        return json.loads(self.kubectl("get", "ssa", name, "-o", "json"))

    def condition(self, name, kind):
        conditions = self.get(name).get("status", {}).get("conditions", [])
        return next((one for one in conditions if one["type"] == kind), {"status": "False", "reason": ""})

    def events(self, name, reason):
        """The texts of its events of this reason."""
        text = self.kubectl("get", "events", f"--field-selector=involvedObject.name={name},reason={reason}", "-o", "json")
        return [one["message"] for one in json.loads(text)["items"]]


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plane")
    process = Process(folder / "log", [BIN / "control-plane", "up", "--dir", folder / "state"])
    try:
        plane = Plane(folder, process.line())
        plane.kubectl("apply", "-f", ROOT / "deploy/install.yaml")
        plane.kubectl("wait", "--for=condition=Established", "crd/synapsesparkattachments.synapse-spark.dev", f"--timeout={LONG}s")
        yield plane
    finally:
        status = process.end()
    assert status == 0, process.tail()


@pytest.fixture(scope="session")
def operator(azure, plane):
    """The operator, as its ServiceAccount, with workload identity, and nothing of this environment."""
    kubeconfig, token = plane.folder / "operator.kubeconfig", plane.folder / "federated-token"
    plane.credential("kubeconfig", kubeconfig)
    plane.credential("token", token, "--audience", "api://AzureADTokenExchange")
    issuer = plane.ready["issuer"]
    subject = "system:serviceaccount:synapse-spark-system:synapse-spark-operator"
    federated = {"issuer": issuer, "subject": subject, "audience": "api://AzureADTokenExchange"}
    principal = {"tenantId": TENANT, "clientId": OPERATOR_CLIENT, "objectId": "22222222-3333-4444-5555-777777777777", "federated": [federated]}
    azure.seed({"issuers": [{"issuer": issuer, "jwks": json.loads(Path(plane.ready["jwks"]).read_text())}], "principals": [principal]})
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(plane.folder),
        "KUBECONFIG": str(kubeconfig),
        "AZURE_CLIENT_ID": OPERATOR_CLIENT,
        "AZURE_TENANT_ID": TENANT,
        "AZURE_FEDERATED_TOKEN_FILE": str(token),
        **endpoints(azure),
    }
    # It does not read its stdin, so a shell does: SIGTERM when the pipe closes, and its exit status.
    until_stdin_ends = '"$@" </dev/null & operator=$!; cat >/dev/null; kill "$operator"; wait "$operator"'
    run = [OPERATOR, "run", "--metrics-address", "127.0.0.1:0", "--resync-interval", "1"]
    process = Process(plane.folder / "operator.log", ["sh", "-c", until_stdin_ends, "sh", *run], env)
    try:
        yield process
    finally:
        status = process.end()
    assert status == 0, f"the operator ended with {status}:\n{process.tail()}"
