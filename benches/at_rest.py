"""Measures the operator beside a real API server and the stand-in of Azure; see at_rest.sh. Standard library only."""

import base64
import json
import os
import ssl
import statistics
import sys
import time
import urllib.request
from datetime import datetime

KUBECONFIG, AZURE, CA, OPERATOR = sys.argv[1:5]
ATTACHMENTS = int(os.environ.get("ATTACHMENTS", "200"))
APPLIES = int(os.environ.get("APPLIES", "100"))
REST_SECONDS = int(os.environ.get("REST_SECONDS", "600"))
GROUP = "/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group"
OBJECTS = "/apis/synapse-spark.dev/v1alpha1/namespaces/default/synapsesparkattachments"

config = json.load(open(KUBECONFIG))
cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
kube_tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
azure_tls = ssl.create_default_context(cafile=CA)


def ask(url, tls, method="GET", body=None, token=None):
    request = urllib.request.Request(url, method=method, data=json.dumps(body).encode() if body is not None else None)
    request.add_header("content-type", "application/json")
    if token:
        request.add_header("authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, context=tls) as answer:
        return json.load(answer)


def kube(path, method="GET", body=None):
    return ask(cluster["server"] + path, kube_tls, method, body, user["token"])


def azure(path, method="GET", body=None):
    return ask(f"{AZURE}/_emulator/{path}", azure_tls, method, body)


def attach(name):
    spec = {
        "workspace": {"subscriptionId": GROUP.split("/")[2], "resourceGroup": "yogi-res-group", "name": "yogi-aml-ws"},
        "resourceId": f"{GROUP}/providers/Microsoft.Synapse/workspaces/yogi-synapse-ws/bigDataPools/yogisparkpool",
        "identity": {"type": "SystemAssigned"},
    }
    kube(OBJECTS, "POST", {"apiVersion": "synapse-spark.dev/v1alpha1", "kind": "SynapseSparkAttachment", "metadata": {"name": name}, "spec": spec})


def is_ready(item):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in item.get("status", {}).get("conditions", []))


def wait_ready(count):
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        ready = sum(is_ready(item) for item in kube(OBJECTS)["items"])
        print(f"\r  ready: {ready} of {count} ", end="", flush=True)
        if ready == count:
            return print()
        time.sleep(0.5)
    sys.exit("\nnot all became Ready within 300 s")


def memory(key):
    return int(next(line for line in open(f"/proc/{OPERATOR}/status") if line.startswith(key)).split()[1]) / 1024


def shown():
    return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in kube(OBJECTS)["items"]}


def seconds(text):
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp()


print(f"machine: {os.cpu_count()} cores")
print(f"operator, idle, no object:  RSS {memory('VmRSS'):.1f} MiB, anonymous {memory('RssAnon'):.1f} MiB")
# ARM's token buckets would make the setting-up slow, and are not what is measured here.
azure("settings", "PATCH", {"throttling": False, "operationDuration": "1s"})
for number in range(ATTACHMENTS):
    attach(f"rest{number:04}x")
wait_ready(ATTACHMENTS)
print(f"operator, {ATTACHMENTS} at rest:       RSS {memory('VmRSS'):.1f} MiB, anonymous {memory('RssAnon'):.1f} MiB")

applied = {}
for number in range(APPLIES):
    name = f"new{number:04}x"
    applied[name] = time.time()
    attach(name)
    time.sleep(0.05)
wait_ready(ATTACHMENTS + APPLIES)
first = {}
for one in azure("journal")["requests"]:
    if one["method"] == "PUT":
        first.setdefault(one["path"].rsplit("/", 1)[-1], seconds(one["at"]))
took = sorted((first[name] - at) * 1000 for name, at in applied.items())
print(f"apply -> first PUT on the wire, {APPLIES} applies, {ATTACHMENTS} at rest: "
      f"p50 {statistics.median(took):.1f} ms, p99 {took[int(len(took) * 0.99) - 1]:.1f} ms, most {took[-1]:.1f} ms")

# Events and statuses of the last ones are still on their way for a moment.
time.sleep(5)
before, sequence = shown(), max(one["seq"] for one in azure("journal")["requests"])
end = time.monotonic() + REST_SECONDS
while time.monotonic() < end:
    time.sleep(min(10, max(0, end - time.monotonic())))
    print(f"\r  at rest for {REST_SECONDS - max(0, end - time.monotonic()):.0f} s ", end="", flush=True)
print()
requests = [one for one in azure(f"journal?since={sequence}")["requests"]]
writes = [one for one in requests if one["method"] in ("PUT", "DELETE")]
changed = [name for name, version in shown().items() if before.get(name) != version]
print(f"{REST_SECONDS} s at rest, {len(before)} attachments: {len(requests)} requests to Azure, of them {len(writes)} writes; "
      f"{len(changed)} objects written in Kubernetes; RSS {memory('VmRSS'):.1f} MiB")
if writes or changed:
    sys.exit("something was written at rest")
