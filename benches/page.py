"""The parts of page.sh that speak with the API server and with the page. Standard library only."""

import base64
import concurrent.futures
import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse

OBJECTS = int(os.environ["OBJECTS"])
PROGRAM = os.environ["OPERATOR_BINARY"]
PATH = "/apis/synapse-spark.dev/v1alpha1/namespaces/default/synapsesparkattachments"
GROUP = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group"
SINCE = "2026-01-01T00:00:00Z"

config = json.load(open(os.environ["KUBECONFIG"]))
server, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
tls = ssl.create_default_context(cadata=base64.b64decode(server["certificate-authority-data"]).decode())
connections = threading.local()


def kube(path, method, body):
    if not hasattr(connections, "own"):
        connections.own = http.client.HTTPSConnection(urllib.parse.urlsplit(server["server"]).netloc, context=tls)
    headers = {"content-type": "application/json", "authorization": f"Bearer {user['token']}"}
    connections.own.request(method, path, json.dumps(body), headers)
    answer = connections.own.getresponse()
    content = answer.read()
    if answer.status >= 300:
        raise SystemExit(f"{method} {path}: {content.decode()}")
    return json.loads(content)


def create(number):
    """An attachment with the status that the operator writes. Every hundredth is stalled."""
    name = f"pool{number:05}"
    identity = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{number % 200}"
    spec = {
        "workspace": {"subscriptionId": GROUP.split("/")[2], "resourceGroup": "yogi-res-group", "name": f"ml-{number % 100}"},
        "resourceId": f"{GROUP}/providers/Microsoft.Synapse/workspaces/synapse-{number % 20}/bigDataPools/pool{number % 400}",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": identity}]},
    }
    one = kube(PATH, "POST", {"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment", "metadata": {"name": name}, "spec": spec})
    stalled = number % 100 == 0
    reason = "PoolNotFound" if stalled else "Attached"
    message = f"The Spark pool {spec['resourceId']} does not exist." if stalled else f"Compute {name} in workspace {spec['workspace']['name']} is attached and in sync"
    conditions = [("Ready", not stalled), ("Reconciling", False), ("Stalled", stalled)]
    one["status"] = {
        "observedGeneration": one["metadata"]["generation"],
        "conditions": [
            {"type": kind, "status": str(value), "reason": reason, "message": message, "lastTransitionTime": SINCE, "observedGeneration": 1}
            for kind, value in conditions
        ],
    }
    kube(f"{PATH}/{name}/status", "PUT", one)


class Page:
    """The page, as its script uses it."""

    def __init__(self, link):
        address = urllib.parse.urlsplit(link)
        self.host, self.headers = address.netloc, {}
        headers = {"content-type": "application/json", "origin": f"http://{self.host}"}
        answer = self.send("/session", "POST", json.dumps({"token": address.fragment}), headers)
        self.headers = {"authorization": f"Bearer {json.loads(answer.read())['bearer']}"}

    def send(self, path, method="GET", body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, timeout=120)
        connection.request(method, path, body, headers or self.headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status}")
        return answer

    def until_listed(self):
        """Follows the list until it has all."""
        for line in self.send("/views/list/stream"):
            if f" of {OBJECTS}<" in line.decode() and b"Reading the attachments" not in line:
                return

    def size(self, path):
        return len(self.send(path).read())

    def duration(self, path):
        """In milliseconds: the median of 20, after one."""
        self.size(path)
        times = []
        for _ in range(20):
            start = time.monotonic()
            self.size(path)
            times.append(1000 * (time.monotonic() - start))
        return statistics.median(times)


def memory(process, key):
    return int(next(line for line in open(f"/proc/{process}/status") if line.startswith(key)).split()[1]) / 1024


def measure():
    started = time.monotonic()
    process = subprocess.Popen([PROGRAM, "ui", "--no-open"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        page = Page(process.stdout.readline().strip())
        linked = time.monotonic() - started
        page.until_listed()
        listed = time.monotonic() - started
        frame = page.send("/list").read().decode()
        assets = [part.split('"')[0] for part in frame.replace('href="/assets', 'src="/assets').split('src="')[1:]]
        rows = [
            ("from the start to the link", f"{linked:.2f} s"),
            (f"from the start to the list of all {OBJECTS:,}", f"{listed:.2f} s"),
            ("the list, for a filter or the next rows", f"{page.duration('/views/list/table'):.0f} ms"),
            ("the list, filtered by an identity", f"{page.duration('/views/list/table?identity=id-7'):.0f} ms"),
            ("the map", f"{page.duration('/views/map/content'):.0f} ms"),
            ("frame, scripts and style", f"{len(frame.encode()) + sum(map(page.size, assets)):,} bytes"),
            ("the list, 50 rows", f"{page.size('/views/list'):,} bytes"),
            ("the map, picture and table", f"{page.size('/views/map'):,} bytes"),
            ("memory of the program (VmRSS)", f"{memory(process.pid, 'VmRSS'):.0f} MiB"),
            ("at most so far (VmHWM)", f"{memory(process.pid, 'VmHWM'):.0f} MiB"),
        ]
        print("| what | figure |\n|---|---|")
        for what, figure in rows:
            print(f"| {what} | {figure} |")
    finally:
        process.terminate()
        process.wait()


if sys.argv[1] == "create":
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(threads.map(create, range(OBJECTS)))
else:
    measure()
