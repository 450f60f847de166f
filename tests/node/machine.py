"""What a node requires of the machine, and what must be unchanged afterwards."""

import os
import shutil
import subprocess
import time
from pathlib import Path

# Each program, and Debian's package of it.
PROGRAMS = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "ip": "iproute2",
    "openssl": "openssl",
    "unshare": "util-linux",
    "mount": "mount",
}
PLUGINS = ("/usr/lib/cni", "/opt/cni/bin")
CGROUPS = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
# What a kubelet would set for the whole machine. The node gets a view of its own, in which it is so already.
SYSCTLS = {
    "vm/overcommit_memory": 1,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}
# Folders that programs of a node write to in addition to the configured ones. In the node's mount namespace an overlay receives the writes.
WRITTEN = ("/etc", "/opt", "/usr/libexec", "/var/lib", "/var/log")
# Signs that one of them did so all the same.
OURS = ("kubepods", "synapse-node")
TRACES = ("/etc/cni", "/run/node", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods")
# What it takes of the kernel, tried in namespaces that end with the trial.
TRIALS = {
    "namespaces": "true",
    "bridges and veth pairs": "ip link add b0 type bridge && ip link add v0 type veth peer name v1",
    "nftables": "nft add table ip t && nft add chain ip t c '{ type nat hook prerouting priority 0; }'",
    "overlayfs": "mount -t tmpfs t /mnt && cd /mnt && mkdir l u w && mount -t overlay o -o lowerdir=l,upperdir=u,workdir=w l",
}
UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


def lacking():
    """What is missing here, after what apt could install has been installed."""
    if os.uname().sysname != "Linux":
        return ["Linux"]
    if os.geteuid() != 0:
        return ["root"]
    absent = {program: package for program, package in PROGRAMS.items() if not shutil.which(program)}
    if not plugins():
        absent[f"{PLUGINS[0]}/bridge"] = "containernetworking-plugins"
    if absent and shutil.which("apt-get"):
        packages = sorted(set(absent.values()))
        print("installing", *packages, flush=True)
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], check=False, **quiet)
        absent = {program: package for program, package in absent.items() if not shutil.which(program)}
    if absent:
        return [f"{program} (Debian's package {package})" for program, package in absent.items()]
    missing = []
    for what, trial in TRIALS.items():
        done = subprocess.run([*UNSHARE, "sh", "-c", trial], capture_output=True, text=True)
        if done.returncode:
            missing.append(f"{what}: {done.stderr.strip()}")
    try:
        make_cgroup("synapse-node-trial")
    except OSError as error:
        missing.append(f"cgroups: {error}")
    finally:
        remove_cgroup("synapse-node-trial")
    return missing


def plugins():
    """The folder of the CNI plugins."""
    return next((folder for folder in PLUGINS if shutil.which(f"{folder}/bridge")), None)


def hierarchies():
    """The roots of the cgroup trees: one in version 2, several in version 1."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [folder for folder in CGROUPS.iterdir() if (folder / "cgroup.procs").exists()]


def make_cgroup(name):
    """The cgroup that everything of a run is below."""
    if hierarchies() == [CGROUPS]:
        here = (CGROUPS / "cgroup.controllers").read_text().split()
    else:
        here = [controller for root in hierarchies() for controller in root.name.split(",")]
    if absent := set(CONTROLLERS) - set(here):
        raise OSError(f"no {', '.join(sorted(absent))} in {CGROUPS}")
    for root in hierarchies():
        (root / name).mkdir(exist_ok=True)


def remove_cgroup(name):
    """Removes it with all below. Its processes have ended, but the kernel may still be cleaning up."""
    deadline = time.monotonic() + 20
    for root in hierarchies():
        for folder, _, _ in os.walk(root / name, topdown=False):
            while True:
                try:
                    os.rmdir(folder)
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)


def state():
    """What a run could leave behind, as lines to compare, without effects of other programs of the machine."""
    lines = [f"{name} = {Path('/proc/sys', name).read_text().strip()}" for name in (*SYSCTLS, "net/ipv4/ip_forward")]
    lines += [f"cgroup {folder}" for root in hierarchies() for folder in root.iterdir() if folder.name.startswith(OURS)]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    lines += [f"mount {mount}" for mount in mounts if any(word in mount for word in ("/kubelet", "/node-run-"))]
    lines += [f"folder {folder}" for folder in TRACES if os.path.isdir(folder)]
    return set(lines)
