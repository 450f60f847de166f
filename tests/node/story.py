"""The tests of the operator as a pod, in order: each step continues from the state that the previous one left."""

import json
import os
import re
import shutil
import signal
import time
import urllib.request
from pathlib import Path

from azure import AUDIENCE, CLIENT
from node import Failed, Refused, condition, run

NAMESPACE = "synapse-spark-system"
NAME = "synapse-spark-operator"
ATTACHMENTS = "/apis/synapse-spark.dev/v1alpha1/synapsesparkattachments"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/synapsesparkattachments.synapse-spark.dev"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app.kubernetes.io/name={NAME}"
MEGABYTE = 1_000_000
# What the project promises of its image and of its program.
IMAGE_LIMIT, PROGRAM_LIMIT = 25 * MEGABYTE, 20 * MEGABYTE
# A Lease that is not renewed expires after 15 s. A released Lease is acquired sooner.
LEASE = 15


def check(holds, what):
    if not holds:
        raise Failed(what)


class Story:
    """One release of the chart, from its install to its end."""

    def __init__(self, node, azure, root, weights, figures):
        self.node, self.azure, self.root, self.weights, self.figures = node, azure, root, weights, figures
        self.chart = root / "charts" / NAME
        self.values = root / "tests/node/values.yaml"

    def steps(self):
        return (
            ("image and program are no larger than promised", self.weighs),
            ("the namespace enforces Pod Security restricted", self.namespace),
            ("Entra trusts the operator's ServiceAccount, and no other", self.federation),
            ("helm install --wait", self.install),
            ("four attachments get Ready, one with its role in Synapse", self.attach),
            ("Azure was asked with the pod's own token, and there is no secret", self.identity),
            ("the processes are as restricted as the pods say", self.restricted),
            ("the probes answer, by pod and by Service", self.probes),
            ("helm test reports whether Microsoft Entra ID trusts the pod", self.helm_test),
            ("limits hold, and at rest a pod needs no more than it requests", self.memory),
            ("a deleted attachment is detached, its pool stays", self.detach),
            ("the leader's pod is deleted: the other takes over at once", self.delete_leader),
            ("the leader's container is killed: there is a leader again", self.kill_leader),
            ("the leader hangs: the other takes over, and the first writes nothing when it wakes", self.freeze_leader),
            ("helm upgrade, with another value and another CRD, keeps every attachment", self.upgrade),
            ("helm uninstall leaves CRD, attachments and computes", self.uninstall),
            ("reinstalled with Helm 3, it continues where it stopped, and detaches the rest", self.end),
        )

    # What there is.

    def pods(self):
        """The operator's pods, by name, without those that are terminating."""
        pods = self.node.kube(PODS)["items"]
        return {pod["metadata"]["name"]: pod for pod in pods if "deletionTimestamp" not in pod["metadata"]}

    def settled(self):
        """The pods, once there are two, and both are ready."""

        def ready():
            pods = self.pods()
            return pods if len(pods) == 2 and all(condition(pod, "Ready") == "True" for pod in pods.values()) else None

        return self.node.wait("two pods are ready", ready, 120)

    def holder(self):
        """The holder of the Lease: the identity of one process."""
        return self.node.kube(f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{NAME}")["spec"]["holderIdentity"]

    def leader(self):
        """Its pod, if it is one of those that are to stay."""
        holder = self.holder()
        return next((name for name in self.pods() if holder.startswith(name)), None)

    def process(self, pod):
        """The operator's process in a pod."""
        container = self.pods()[pod]["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
        return int(re.search(rf"^{container}\s+(\d+)", self.node.ctr("tasks", "list"), re.MULTILINE)[1])

    def restarts(self, pod):
        return self.pods()[pod]["status"]["containerStatuses"][0]["restartCount"]

    def attachments(self):
        """By name."""
        return {item["metadata"]["name"]: item for item in self.node.kube(ATTACHMENTS)["items"]}

    def ready(self):
        """The names of those that are Ready."""
        return {name for name, item in self.attachments().items() if condition(item, "Ready") == "True"}

    def uids(self):
        """Those that are not deleted."""
        items = self.attachments().items()
        return {name: item["metadata"]["uid"] for name, item in items if "deletionTimestamp" not in item["metadata"]}

    def get(self, address):
        """What one of the operator's addresses answers."""
        with urllib.request.urlopen(f"http://{address}", timeout=5) as answer:
            return answer.read().decode()

    # What is done.

    def helm(self, *arguments, program="helm4"):
        # Its own HOME: a user's plugins and repositories are no part of this.
        env = {**os.environ, "HOME": str(self.node.work), "KUBECONFIG": str(self.node.kubeconfig)}
        return run(self.root / "tests/gotools/bin" / program, "--namespace", NAMESPACE, *arguments, env=env)

    def trust(self, account):
        """Configures Entra to trust only this ServiceAccount."""
        self.azure.federate(self.node.kube("/openid/v1/jwks"), f"system:serviceaccount:{NAMESPACE}:{account}")

    def change(self, text):
        """Changes the description of an attachment, and waits until Azure has it, from one PUT."""
        before = self.azure.last()
        patch = json.dumps({"spec": {"description": text}})
        self.node.kubectl("patch", "ssa", "mysparkuser", "--type", "merge", "--patch", patch)
        self.node.wait(f"Azure hears of {text!r}", lambda: self.azure.writes(before))
        generation = self.attachments()["mysparkuser"]["metadata"]["generation"]
        for sign in (f"jsonpath={{.status.observedGeneration}}={generation}", "condition=Ready"):
            self.node.kubectl("wait", "ssa/mysparkuser", f"--for={sign}", "--timeout=60s")
        writes = self.azure.writes(before)
        found = [(write["method"], (write["body"] or {}).get("properties", {}).get("description")) for write in writes]
        check(found == [("PUT", text)], f"one PUT should send {text!r} to Azure; there were {found}")

    # The steps.

    def weighs(self):
        image, compressed, program = (self.weights[what] / MEGABYTE for what in ("image", "compressed", "program"))
        self.figures["image"] = f"{image:.1f} MB, {compressed:.1f} MB compressed"
        self.figures["program"] = f"{program:.1f} MB"
        check(0 < self.weights["program"] < PROGRAM_LIMIT, f"the program has {program:.1f} MB")
        check(self.weights["image"] < IMAGE_LIMIT, f"the image has {image:.1f} MB")

    def namespace(self):
        kubectl = self.node.kubectl
        kubectl("create", "namespace", NAMESPACE)
        kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
        self.node.wait("its ServiceAccount", lambda: self.node.kube(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/default"))
        try:
            kubectl("run", "lax", "--image", "lax", "--namespace", NAMESPACE, "--dry-run=server")
        except Refused as refused:
            check('violates PodSecurity "restricted' in str(refused), f"a lax pod is refused for another reason: {refused}")
        else:
            raise Failed("a lax pod is not refused")

    def federation(self):
        self.trust(NAME)
        other = self.node.kubectl("create", "token", "default", "--namespace", NAMESPACE, "--audience", AUDIENCE)
        answer = self.azure.exchange(other.strip())
        check(answer == 700213, f"another ServiceAccount's token should be refused with 700213; the answer is {answer}")

    def install(self):
        self.node.kubectl("create", "configmap", "azure-ca", "--namespace", NAMESPACE, f"--from-file=ca.pem={self.azure.ca}")
        self.began = time.monotonic()
        self.helm("install", NAME, self.chart, "--values", self.values, "--wait", "--timeout", "3m")
        self.figures["helm install --wait"] = f"{time.monotonic() - self.began:.1f} s"

    def attach(self):
        self.node.kubectl("apply", "-f", self.root / "examples")
        self.node.wait("a first attachment is Ready", self.ready)
        self.figures["from helm install to the first Ready"] = f"{time.monotonic() - self.began:.1f} s, of which Azure took 2 s"
        self.node.wait("four attachments are Ready", lambda: len(self.ready()) == 4)
        check(self.azure.computes() == set(self.attachments()), f"attached are {self.azure.computes()}")
        check(len(self.azure.roles()) == 1, f"granted are {self.azure.roles()}")

    def identity(self):
        asked = self.azure.journal()
        tokens = [request["status"] for request in asked if "/oauth2/" in request["path"] and request["principal"] == CLIENT]
        check(200 in tokens, f"Entra's answers to the operator's token are {tokens}")
        clients = {write["principal"] for write in self.azure.writes()}
        check(clients == {CLIENT}, f"Azure was written to by {clients}")
        for name, pod in self.settled().items():
            volumes, (container,) = pod["spec"]["volumes"], pod["spec"]["containers"]
            sources = [source for volume in volumes for source in volume.get("projected", {}).get("sources", [])]
            audiences = [source["serviceAccountToken"].get("audience") for source in sources if "serviceAccountToken" in source]
            check(AUDIENCE in audiences, f"{name} has tokens for {audiences}")
            # In volumes, projections, variables and envFrom; paths may well be called so.
            found = json.dumps([volumes, container.get("env"), container.get("envFrom")])
            secret = re.search(r'"(secret|secretKeyRef|secretRef)":|CLIENT_SECRET', found)
            check(not secret, f"{name} uses a secret: {found}")

    def restricted(self):
        wanted = {
            "Uid": "65532 65532 65532 65532",
            "Gid": "65532 65532 65532 65532",
            **{f"Cap{kind}": "0000000000000000" for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")},
            "NoNewPrivs": "1",
            # A filter: the runtime's default profile.
            "Seccomp": "2",
        }
        for name in self.settled():
            proc = Path(f"/proc/{self.process(name)}")
            status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
            seen = {key: " ".join(status[key].split()) for key in wanted}
            check(seen == wanted, f"{name}: {seen}, not {wanted}")
            root = next(line.split() for line in (proc / "mountinfo").read_text().splitlines() if line.split()[4] == "/")
            check("ro" in root[5].split(","), f"{name}: its root is mounted {root[5]}")

    def probes(self):
        for name, pod in self.settled().items():
            container, address = pod["spec"]["containers"][0], f"{pod['status']['podIP']}:8080"
            for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
                get = container[probe]["httpGet"]
                check((get["path"], get["port"]) == (path, "metrics"), f"{name}: its {probe} asks {get}")
                check(self.get(address + path), f"{name}: no answer to {path}")
        (service,) = self.node.kube(f"/api/v1/namespaces/{NAMESPACE}/services")["items"]
        (port,) = (port["port"] for port in service["spec"]["ports"] if port["name"] == "metrics")
        metrics = self.node.wait("the Service answers", lambda: self.get(f"{service['spec']['clusterIP']}:{port}/metrics"))
        check("synapse_spark_operator_" in metrics, "the Service shows other metrics")

    def helm_test(self):
        self.helm("test", NAME, "--timeout", "2m")
        left = self.node.kubectl("get", "pods", "--namespace", NAMESPACE, "--output", "name")
        check(f"{NAME}-check" not in left, f"helm test leaves a pod: {left}")
        self.trust("another")
        try:
            self.helm("test", NAME, "--timeout", "2m")
        except Refused:
            said = self.node.kubectl("logs", f"{NAME}-check", "--namespace", NAMESPACE)
            check("AADSTS700213" in said, f"helm test fails for another reason: {said}")
        else:
            raise Failed("helm test finds nothing missing where Entra refuses the pod's token")
        self.trust(NAME)

    def memory(self):
        for name, pod in self.settled().items():
            resources = pod["spec"]["containers"][0]["resources"]
            limit, used = memory_of(self.process(name))
            check(limit == size(resources["limits"]["memory"]), f"{name}: its limit is {limit}, not that of {resources}")
            check(used < size(resources["requests"]["memory"]), f"{name}: at rest it uses {used} bytes, and requests {resources}")
            role = "the leader" if name == self.leader() else "the standby"
            status = Path(f"/proc/{self.process(name)}/status").read_text()
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024
            self.figures[f"memory at rest, {role}"] = f"{used / MEGABYTE:.1f} MB; {resident / MEGABYTE:.1f} MB resident"

    def detach(self):
        before = self.azure.last()
        self.node.kubectl("delete", "ssa", "mysparknone", "--timeout=60s")
        asked = [f"{write['method']} {write['query']}" for write in self.azure.writes(before)]
        is_detach = len(asked) == 1 and re.match("DELETE .*underlyingResourceAction=Detach", asked[0])
        check(is_detach, f"Azure was asked {asked}")
        check(self.azure.computes() == {"mysparkrole", "mysparksystem", "mysparkuser"}, f"attached are {self.azure.computes()}")
        check("yogisparkpool" in self.azure.pools(), "the pool is gone")

    def delete_leader(self):
        self.settled()
        leader, began = self.leader(), time.monotonic()
        self.node.kubectl("delete", "pod", leader, "--namespace", NAMESPACE, "--wait=false")
        self.node.wait("another pod leads", self.leader)
        took = time.monotonic() - began
        check(took < LEASE - 5, f"it took {took:.1f} s, as if the Lease had to run out")
        self.figures["hand-over, the leader's pod deleted"] = f"{took:.1f} s"
        self.change("after the leader's pod was deleted")

    def kill_leader(self):
        self.settled()
        leader, holder, began = self.leader(), self.holder(), time.monotonic()
        restarts = self.restarts(leader)
        os.kill(self.process(leader), signal.SIGKILL)
        self.node.wait("another process leads", lambda: self.holder() != holder and self.leader(), 2 * LEASE)
        self.figures["hand-over, the leader's container killed"] = f"{time.monotonic() - began:.1f} s"
        self.change("after the leader's container was killed")
        self.settled()
        check(self.restarts(leader) == restarts + 1, f"{leader} was not restarted")

    def freeze_leader(self):
        self.settled()
        leader, began = self.leader(), time.monotonic()
        restarts, process = self.restarts(leader), self.process(leader)
        os.kill(process, signal.SIGSTOP)
        try:
            self.node.wait("another pod leads", lambda: self.leader() not in (leader, None), 2 * LEASE)
            self.figures["hand-over, the leader hangs"] = f"{time.monotonic() - began:.1f} s"
            self.node.wait("its readiness probe sees it", lambda: condition(self.pods()[leader], "Ready") == "False")
            self.change("while the first leader hangs")
            before = self.azure.last()
        finally:
            os.kill(process, signal.SIGCONT)
        self.node.wait("it has ended, and was restarted", lambda: self.restarts(leader) == restarts + 1)
        self.settled()
        check(not self.azure.writes(before), f"it wrote {self.azure.writes(before)}")

    def upgrade(self):
        uids, before = self.uids(), self.azure.last()
        chart = self.node.work / "chart"
        shutil.copytree(self.chart, chart)
        (definition,) = (file for file in chart.rglob("*.yaml") if "- ssa\n" in file.read_text())
        changed = re.sub(r"^( *)- ssa\n", r"\1- ssa\n\1- sparkattachment\n", definition.read_text(), flags=re.MULTILINE)
        definition.write_text(changed)
        self.helm("upgrade", NAME, chart, "--values", self.values, "--set", "resyncInterval=45", "--wait", "--timeout", "3m")
        names = self.node.kube(DEFINITION)["spec"]["names"]["shortNames"]
        check(names == ["ssa", "sparkattachment"], f"the CRD's short names are {names}")
        for name in self.settled():
            proc = Path(f"/proc/{self.process(name)}")
            found = (proc / "environ").read_text() + (proc / "cmdline").read_text()
            check(re.search(r"resync.interval\W45\b", found, re.IGNORECASE), f"{name} has the old value")
        self.node.wait("a pod leads", self.leader, 2 * LEASE)
        check(self.uids() == uids, f"attachments are {self.uids()}, not {uids}")
        check(self.ready() == set(uids), f"Ready are {self.ready()}")
        check(not self.azure.writes(before), f"Azure was asked {self.azure.writes(before)}")
        self.change("after the upgrade")

    def uninstall(self):
        uids, computes, before = self.uids(), self.azure.computes(), self.azure.last()
        self.helm("uninstall", NAME, "--wait", "--timeout", "3m")
        self.node.wait("the pods are gone", lambda: not self.node.kube(PODS)["items"])
        check(condition(self.node.kube(DEFINITION), "Established") == "True", "the CRD is gone")
        check(self.uids() == uids, f"attachments are {self.uids()}, not {uids}")
        check(self.azure.computes() == computes, f"attached are {self.azure.computes()}, not {computes}")
        check(not self.azure.writes(before), f"Azure was asked {self.azure.writes(before)}")

    def end(self):
        uids = self.uids()
        self.helm("install", NAME, self.chart, "--values", self.values, "--wait", "--timeout", "3m", program="helm3")
        check(self.uids() == uids, f"attachments are {self.uids()}, not {uids}")
        self.node.wait("a pod leads", self.leader, 2 * LEASE)
        self.change("after the uninstall")
        self.node.kubectl("delete", "ssa", "--all", "--timeout=60s")
        check(not self.azure.computes(), f"attached are {self.azure.computes()}")
        check(not self.azure.roles(), f"granted are {self.azure.roles()}")


def memory_of(process):
    """The limit of its cgroup, and its use: as a kubelet counts, without files that can be dropped."""
    for line in Path(f"/proc/{process}/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        folder = Path("/sys/fs/cgroup") / controllers / path.lstrip("/")
        if controllers == "memory":
            files = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            break
        if number == "0" and (folder / "memory.max").exists():
            files = ("memory.max", "memory.current", "inactive_file")
            break
    else:
        raise Failed(f"process {process} is in no cgroup of the memory controller")
    limit, used = (int((folder / name).read_text()) for name in files[:2])
    droppable = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())[files[2]]
    return limit, used - int(droppable)


def size(quantity):
    """Bytes of a Kubernetes quantity in Mi, as the chart writes it."""
    return int(quantity.removesuffix("Mi")) << 20
