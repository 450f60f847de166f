"""The environment for the tests of the documents.

The control plane, the emulator and their handles are those of tests/sdk. There is no node: a process
stands in for the operator's pod, run as its Deployment and its ServiceAccount say.
"""

import base64
import importlib.util
import json
import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from az_judge import REQUIRED

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests/docs"
AZ_PYTHON = HERE / ".venv/bin/python"
HELM = ROOT / "tests/gotools/bin/helm4"

spec = importlib.util.spec_from_file_location("sdk_stage", ROOT / "tests/sdk/conftest.py")
sdk = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sdk)

NAMES = "app.kubernetes.io/name=synapse-spark-operator"
SECONDS = 60


def pytest_sessionstart(session):
    sdk.require(sdk.STAGE)
    if missing := [str(path.relative_to(ROOT)) for path in (AZ_PYTHON, HELM) if not path.exists()]:
        pytest.exit(f"{', '.join(missing)}: not there. `make docs` gets what the documents need.", returncode=1)


class Pod:
    """Acts as the node for the operator's Deployment: runs it, reports it as ready, and restarts it when it changes."""

    def __init__(self, plane, azure, folder):
        self.plane, self.azure, self.folder = plane, azure, folder
        self.process = self.of = None
        self.starts, self.address = 0, ""

    def settle(self):
        found = json.loads(self.plane.kubectl("get", "deployments", "--all-namespaces", "-l", NAMES, "-o", "json"))["items"]
        deployment = found[0] if found else None
        if not deployment or not deployment["spec"]["replicas"]:
            self.stop()
            # Its permissions were deleted before it could release its Lease; the tests do not wait until that expires.
            leases = json.loads(self.plane.kubectl("get", "leases", "--all-namespaces", "-l", "synapse-spark.dev/scope=cluster", "-o", "json"))
            for lease in leases["items"]:
                where = lease["metadata"]["namespace"]
                self.plane.kubectl("delete", "lease", lease["metadata"]["name"], "-n", where, "--ignore-not-found")
            return None
        namespace, pod = deployment["metadata"]["namespace"], deployment["spec"]["template"]
        account = json.loads(self.plane.kubectl("get", "serviceaccount", "-n", namespace, pod["spec"]["serviceAccountName"], "-o", "json"))
        of = (deployment["metadata"]["uid"], account["metadata"]["uid"], json.dumps(pod, sort_keys=True))
        if of == self.of and self.process.process.poll() is None:
            return None
        self.stop()
        self.start(namespace, pod, account["metadata"])
        self.of = of
        replicas = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), deployment["spec"]["replicas"])
        status = {"status": {"observedGeneration": deployment["metadata"]["generation"], **replicas}}
        name = deployment["metadata"]["name"]
        self.plane.kubectl("patch", "deployment", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", json.dumps(status))

    def start(self, namespace, pod, account):
        self.starts += 1
        folder = self.folder / str(self.starts)
        folder.mkdir()
        container = pod["spec"]["containers"][0]
        mounts = {mount["name"]: mount["mountPath"] for mount in container.get("volumeMounts", [])}
        # A pod's files, below a folder of our own: what a path begins with in the pod, and here.
        files = []
        for volume in pod["spec"].get("volumes", []):
            if volume["name"] in mounts:
                kept = folder / volume["name"]
                kept.mkdir()
                files.append((mounts[volume["name"]], str(kept)))
                self.fill(kept, volume, namespace, account["name"])

        def here(text):
            for there, kept in files:
                text = text.replace(there, kept)
            return text

        fields = {"metadata.name": "pod-0", "metadata.namespace": namespace}
        env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        for one in container.get("env", []):
            env[one["name"]] = here(one["value"]) if "value" in one else fields[one["valueFrom"]["fieldRef"]["fieldPath"]]
        self.credential("kubeconfig", namespace, account["name"], folder / "kubeconfig")
        # What the webhook of workload identity adds.
        if pod["metadata"]["labels"].get("azure.workload.identity/use") == "true":
            self.credential("token", namespace, account["name"], folder / "token", "--audience", "api://AzureADTokenExchange")
            client = account.get("annotations", {}).get("azure.workload.identity/client-id", "")
            env |= {"AZURE_CLIENT_ID": client, "AZURE_TENANT_ID": sdk.TENANT, "AZURE_FEDERATED_TOKEN_FILE": str(folder / "token")}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        env |= {
            "KUBECONFIG": str(folder / "kubeconfig"),
            **sdk.endpoints(self.azure),
            "RESYNC_INTERVAL": "1",
            "METRICS_ADDRESS": self.address,
        }
        # It does not read its stdin, so a shell does: SIGTERM when the pipe closes.
        until_stdin_ends = '"$@" </dev/null & pod=$!; cat >/dev/null; kill "$pod"; wait "$pod"'
        self.process = sdk.Process(folder / "log", ["sh", "-c", until_stdin_ends, "sh", sdk.OPERATOR, *map(here, container["args"])], env)
        self.await_ready(f"http://{self.address}/readyz")

    def fill(self, kept, volume, namespace, account):
        if "secret" in volume:
            secret = json.loads(self.plane.kubectl("get", "secret", "-n", namespace, volume["secret"]["secretName"], "-o", "json"))
            for key, value in secret["data"].items():
                (kept / key).write_bytes(base64.b64decode(value))
        for source in volume.get("projected", {}).get("sources", []):
            token = source["serviceAccountToken"]
            self.credential("token", namespace, account, kept / token["path"], "--audience", token["audience"])

    def await_ready(self, url):
        end = time.monotonic() + SECONDS
        while (answer := self.look(url)) != 200:
            assert time.monotonic() < end, f"{url}: {answer}\n{self.process.tail()}"
            time.sleep(0.05)

    def look(self, url):
        import requests

        try:
            return requests.get(url, timeout=SECONDS).status_code
        except requests.ConnectionError as error:
            return error

    def credential(self, what, namespace, account, out, *more):
        who = ("--namespace", namespace, "--service-account", account)
        command = [sdk.BIN / "control-plane", what, "--admin", self.plane.ready["kubeconfig"], *who, "--out", out, *more]
        subprocess.run(command, env=self.plane.env, check=True, capture_output=True, timeout=SECONDS)

    def stop(self):
        if self.process:
            self.process.end()
        self.process = self.of = None

    def tail(self):
        return self.process.tail() if self.process else "no pod runs"


# Fixtures of tests/sdk.
azure = sdk.azure


@pytest.fixture(scope="session")
def plane(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plane")
    process = sdk.Process(folder / "log", [sdk.BIN / "control-plane", "up", "--dir", folder / "state"])
    try:
        yield sdk.Plane(folder, process.line())
    finally:
        status = process.end()
    assert status == 0, process.tail()


@pytest.fixture(scope="session")
def pod(plane, azure, tmp_path_factory):
    pod = Pod(plane, azure, tmp_path_factory.mktemp("pods"))
    try:
        yield pod
    finally:
        pod.stop()


class Judge:
    """The parser of the real Azure CLI, started with the first command."""

    def __init__(self):
        self.process = None

    def hear(self, words, is_name=False):
        """Fails if it refuses the command. One that is only named, in a sentence, may lack what it requires."""
        if not self.process:
            self.process = subprocess.Popen([AZ_PYTHON, HERE / "az_judge.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        verdict = json.loads(self.process.stdout.readline())
        if verdict is not None and not (is_name and verdict.startswith(REQUIRED)):
            pytest.fail(f"az {' '.join(words)}\n{verdict}", pytrace=False)

    def end(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait(SECONDS)
            self.process.stdout.close()


@pytest.fixture(scope="session")
def judge():
    judge = Judge()
    try:
        yield judge
    finally:
        judge.end()
