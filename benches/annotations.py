"""The parts of annotations.sh that speak with the API server. Standard library only."""

import base64
import json
import os
import ssl
import sys
import time
import urllib.request

OBJECTS = int(os.environ["OBJECTS"])
PATH = "/apis/synapse-spark.dev/v1alpha1/namespaces/default/synapsesparkattachments"
GROUP = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group"
FIGURES = os.path.join(os.path.dirname(os.environ["KUBECONFIG"]), "annotations.json")
# At rest, and at most until then. The first two bounds of the test that runs in `make test`, in MiB.
BOUNDS = {"VmRSS": 10, "VmHWM": 32}

config = json.load(open(os.environ["KUBECONFIG"]))
cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())


def kube(path, method="GET", body=None, kind="application/json"):
    request = urllib.request.Request(cluster["server"] + path, method=method, data=json.dumps(body).encode() if body else None)
    request.add_header("content-type", kind)
    request.add_header("authorization", f"Bearer {user['token']}")
    with urllib.request.urlopen(request, context=tls) as answer:
        return json.load(answer)


def name(number):
    return f"huge{number:04}x"


def create():
    for number in range(OBJECTS):
        spec = {
            "workspace": {"subscriptionId": GROUP.split("/")[2], "resourceGroup": "yogi-res-group", "name": "yogi-aml-ws"},
            "resourceId": f"{GROUP}/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool",
            "suspend": True,
        }
        kind = {"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment"}
        kube(PATH, "POST", kind | {"metadata": {"name": name(number)}, "spec": spec})
    until_reported()


def annotate():
    patch = {"metadata": {"annotations": {"example.com/huge": "x" * 250 * 1024}}}
    for number in range(OBJECTS):
        kube(f"{PATH}/{name(number)}", "PATCH", patch, "application/merge-patch+json")


def until_reported():
    """Waits until every object has its status, so that nothing is written any longer."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        statuses = [kube(f"{PATH}/{name(number)}").get("status", {}) for number in (0, OBJECTS // 2, OBJECTS - 1)]
        items = kube(PATH + "?limit=1")["metadata"].get("remainingItemCount", 0)
        if all(status.get("conditions") for status in statuses) and items + 1 == OBJECTS:
            return time.sleep(10)
        time.sleep(0.5)
    sys.exit("not all were reported within 300 s")


def figure(operator, key):
    return int(next(line for line in open(f"/proc/{operator}/status") if line.startswith(key)).split()[1]) / 1024


def weigh(operator, case):
    """Waits until the process neither grows nor computes any longer: all objects are listed and reconciled then."""
    def computed():
        return sum(map(int, open(f"/proc/{operator}/stat").read().rsplit(")", 1)[1].split()[11:13]))

    time.sleep(5)
    before = -1
    while computed() - before > 5:
        before = computed()
        time.sleep(3)
    figures = json.load(open(FIGURES)) if os.path.exists(FIGURES) else {}
    figures[case] = {key: figure(operator, key) for key in BOUNDS}
    print(f"{case} annotations: " + ", ".join(f"{key} {value:.1f} MiB" for key, value in figures[case].items()))
    json.dump(figures, open(FIGURES, "w"))


def compare():
    figures = json.load(open(FIGURES))
    for key, bound in BOUNDS.items():
        more = figures["with"][key] - figures["without"][key]
        print(f"{key}: {more:.1f} MiB more, of {bound} MiB at most")
        if more >= bound:
            sys.exit("too much")


{"create": create, "annotate": annotate, "weigh": lambda: weigh(*sys.argv[2:4]), "compare": compare}[sys.argv[1]]()
