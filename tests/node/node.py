"""A Kubernetes node, and the control plane that it needs, in separate namespaces.

To be used inside of them: what is mounted, set and started here ends with them.
"""

import base64
import hashlib
import io
import json
import os
import secrets
import shutil
import ssl
import subprocess
import tarfile
import threading
import time
import urllib.request
from pathlib import Path

import machine
import names

HERE = Path(__file__).parent
ADDRESS = "10.250.0.1"
PORT = 6443
SERVICES = "10.96.0.0/24"
NAME = "node"
PAUSE = "registry.k8s.io/pause:3.10"
ISSUER = "https://kubernetes.default.svc"
# Whether the kernel applies iptables' rules, by which pods reach services, to frames of a bridge.
BRIDGED = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


class Failed(Exception):
    """A check failed; the text names it."""


class Refused(Exception):
    """A program ended with an error, or a server answered with one."""


def until(what, probe, seconds=60):
    """Polls until the result is true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        problem = ""
        try:
            if answer := probe():
                return answer
        except (OSError, Refused, LookupError, TypeError) as error:
            problem = f": {error!r}"
        if time.monotonic() > deadline:
            raise Failed(f"not within {seconds} s: {what}{problem}")
        time.sleep(0.1)


def run(*command, **options):
    """Runs a program, and returns its output."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise Refused(f"{' '.join(map(str, command))}\nended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def tail(file, count=25):
    return "\n".join(file.read_text(errors="replace").splitlines()[-count:])


class Node:
    """The programs, and their clients."""

    def __init__(self, work, programs, cgroup):
        self.work, self.programs, self.cgroup = work, programs, cgroup
        self.kubeconfig = work / "kubeconfig"
        self.started = {}
        for folder in ("logs", "cni", "kubelet"):
            (work / folder).mkdir()

    # Namespaces.

    def enter(self):
        """Makes a folder of this mount namespace writable for the node."""
        run("mount", "--make-rshared", "/")
        for name, value in machine.SYSCTLS.items():
            fake = self.work / name.replace("/", ".")
            fake.write_text(f"{value}\n")
            run("mount", "--bind", fake, f"/proc/sys/{name}")
        run("mount", "-t", "tmpfs", "node", "/run")
        os.makedirs("/run/node")
        for folder in filter(os.path.isdir, machine.WRITTEN):
            layers = self.work / "layers" / folder.strip("/").replace("/", "-")
            for layer in ("upper", "work"):
                (layers / layer).mkdir(parents=True)
            options = f"lowerdir={folder},upperdir={layers}/upper,workdir={layers}/work"
            run("mount", "-t", "overlay", "node", "-o", options, folder)

    def network(self):
        """A network of one machine, without a route out of it."""
        for command in (
            "link set lo up",
            f"link add {NAME} type bridge",
            f"address add {ADDRESS}/24 dev {NAME}",
            f"link set {NAME} up",
            # Without a route, what the node itself sends to a service would never meet kube-proxy's rules.
            f"route add {SERVICES} dev {NAME}",
        ):
            run("ip", *command.split())
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        if BRIDGED.exists():
            BRIDGED.write_text("1")
        threading.Thread(target=names.serve, args=(ADDRESS,), daemon=True).start()

    # Programs.

    def start(self, name, *arguments):
        """Starts a program that runs as long as the node."""
        # Built for this, or the machine's.
        program = self.programs / name
        command = [str(program if program.exists() else shutil.which(name)), *map(str, arguments)]
        name = program.name
        with (self.work / "logs" / name).open("wb") as log:
            self.started[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.work)

    def wait(self, what, probe, seconds=60):
        """As `until`; and fails at once if one of the programs has ended."""

        def alive():
            for name, process in self.started.items():
                if process.poll() is not None:
                    raise Failed(f"{name} ended by itself with {process.returncode}:\n{tail(self.work / 'logs' / name)}")
            return probe()

        return until(what, alive, seconds)

    def control_plane(self):
        """etcd, API server, controller manager and scheduler."""
        work = self.work
        run("openssl", "genrsa", "-out", work / "sa.key", "2048")
        run("openssl", "rsa", "-in", work / "sa.key", "-pubout", "-out", work / "sa.pub")
        self.token = secrets.token_hex(32)
        (work / "tokens.csv").write_text(f"{self.token},admin,admin,system:masters\n")
        etcd, peers = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
        self.start(
            "etcd",
            *("--data-dir", work / "etcd", "--unsafe-no-fsync"),
            *("--listen-client-urls", etcd, "--advertise-client-urls", etcd, "--listen-peer-urls", peers),
        )
        self.start(
            "kube-apiserver",
            *("--etcd-servers", etcd),
            *("--bind-address", ADDRESS, "--advertise-address", ADDRESS, "--secure-port", PORT),
            *("--cert-dir", work / "certs", "--token-auth-file", work / "tokens.csv", "--authorization-mode", "RBAC"),
            *("--service-account-issuer", ISSUER),
            *("--service-account-key-file", work / "sa.pub", "--service-account-signing-key-file", work / "sa.key"),
            *("--service-cluster-ip-range", SERVICES, "--kubelet-preferred-address-types", "InternalIP"),
        )
        # It writes its own certificate, and then that of the authority that signed it.
        bundle, begin = work / "certs/apiserver.crt", "-----BEGIN"
        authority = begin + self.wait("the API server's certificate", lambda: bundle.read_text().split(begin)[2])
        (work / "ca.crt").write_text(authority)
        self.tls = ssl.create_default_context(cadata=authority)
        self.kubeconfig.write_text(json.dumps(kubeconfig(authority, self.token)))
        self.wait("the API server", lambda: self.kube("/readyz", decode=bytes.decode) == "ok")
        own = ("--kubeconfig", self.kubeconfig, "--leader-elect=false", "--secure-port", 0)
        keys = ("--service-account-private-key-file", work / "sa.key", "--root-ca-file", work / "ca.crt")
        self.start("kube-controller-manager", *own, *keys)
        self.start("kube-scheduler", *own)

    def join(self, pause, image):
        """containerd with its images, kubelet and kube-proxy. When it returns, the node is Ready."""
        self.fill_in("containerd.toml", self.work / "containerd.toml")
        self.fill_in("pods.conflist", self.work / "cni/pods.conflist")
        self.fill_in("kubelet.yaml", self.work / "kubelet.yaml")
        (self.work / "resolv.conf").touch()
        write_archive(self.work / "pause.tar", PAUSE, pause)
        self.start("containerd", "--config", self.work / "containerd.toml")
        self.wait("containerd", lambda: self.ctr("version"))
        for archive in (self.work / "pause.tar", image):
            self.ctr("images", "import", archive)
        own = ("--kubeconfig", self.kubeconfig, "--hostname-override", NAME)
        self.start(
            "kubelet",
            *own,
            *("--config", self.work / "kubelet.yaml", "--node-ip", ADDRESS),
            *("--root-dir", self.work / "kubelet", "--cert-dir", self.work / "kubelet/pki"),
        )
        self.start(
            "kube-proxy",
            *own,
            *("--proxy-mode", "nftables", "--cluster-cidr", "10.244.0.0/16"),
            # These are the machine's, and stay as they are.
            *("--conntrack-max-per-core", 0),
            *("--conntrack-tcp-timeout-established", 0, "--conntrack-tcp-timeout-close-wait", 0),
        )
        self.wait("the node is Ready", lambda: condition(self.kube(f"/api/v1/nodes/{NAME}"), "Ready") == "True")
        self.wait("a first ServiceAccount", lambda: self.kube("/api/v1/namespaces/default/serviceaccounts/default"))

    def fill_in(self, name, file):
        """Writes a configuration of this folder, with this run's values in it."""
        text = (HERE / name).read_text()
        for key, value in {
            "WORK": self.work,
            "PAUSE": PAUSE,
            "CNI": machine.plugins(),
            "RUNC": shutil.which("runc"),
            "CGROUP": f"/{self.cgroup}",
            "ADDRESS": ADDRESS,
        }.items():
            text = text.replace(f"@{key}@", str(value))
        file.write_text(text)

    # Ways to talk.

    def kube(self, path, decode=json.loads):
        """A GET of the API server."""
        request = urllib.request.Request(f"https://{ADDRESS}:{PORT}{path}", headers={"authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, context=self.tls, timeout=10) as answer:
            return decode(answer.read())

    def kubectl(self, *arguments, **options):
        return run(self.programs / "kubectl", "--kubeconfig", self.kubeconfig, *arguments, **options)

    def ctr(self, *arguments):
        return run("ctr", "--address", "/run/node/containerd.sock", "--namespace", "k8s.io", *arguments)


def condition(item, kind):
    """The status of one of its conditions."""
    return next((c["status"] for c in item.get("status", {}).get("conditions", []) if c["type"] == kind), None)


def kubeconfig(authority, token):
    """Of the administrator. JSON is YAML, too."""
    cluster = {
        "server": f"https://{ADDRESS}:{PORT}",
        "certificate-authority-data": base64.b64encode(authority.encode()).decode(),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": NAME,
        "clusters": [{"name": NAME, "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": "admin"}}],
    }


def write_archive(file, image, program):
    """An image of one static program, as `docker save` writes it."""

    def add(archive, name, data, mode=0o644):
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), mode
        archive.addfile(entry, io.BytesIO(data))

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as files:
        add(files, program.name, program.read_bytes(), 0o755)
    config = {
        "os": "linux",
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
        "config": {"Entrypoint": [f"/{program.name}"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer.getvalue()).hexdigest()}"]},
    }
    with tarfile.open(file, "w") as archive:
        add(archive, "config.json", json.dumps(config).encode())
        add(archive, "layer.tar", layer.getvalue())
        manifest = [{"Config": "config.json", "RepoTags": [image], "Layers": ["layer.tar"]}]
        add(archive, "manifest.json", json.dumps(manifest).encode())
