"""Runs the operator's image on a real node. See README.md.

    python3 tests/node              needs root, Linux, containerd, runc; without them it prints what is missing and exits with 0
    python3 tests/node --require    … and ends badly
    python3 tests/node --keep       leaves it running until Enter
    python3 tests/node --build      builds the image only
"""

import argparse
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import machine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
CGROUP = "synapse-node"
EMULATOR = TARGET / "debug/azure-emulator"
KUBERNETES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubectl")
# What is built, and by what.
PROGRAMS = {
    EMULATOR: "cargo build --workspace",
    **{ROOT / "tests/control-plane/bin" / name: "tests/control-plane/build node" for name in KUBERNETES},
    **{ROOT / "tests/gotools/bin" / name: f"tests/gotools/build {name}" for name in ("helm3", "helm4")},
}


def main():
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="tests/node", description="Runs the operator's image on a real node.")
    parser.add_argument("--require", action="store_true", help="fail where the machine cannot hold a node")
    parser.add_argument("--keep", action="store_true", help="leave it running until Enter")
    parser.add_argument("--build", action="store_true", help="build the image only, so that the next run need not")
    parser.add_argument("--image", type=Path, metavar="FILE", help="an image, as `docker save` writes it, instead of building it")
    options = parser.parse_args()
    # Clean up on SIGTERM, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    if lacking := machine.lacking():
        print("*" * 80)
        print("NOT RUN: the operator on a real node. This machine lacks")
        print(*(f"  {what}" for what in lacking), sep="\n")
        print("*" * 80, flush=True)
        return 1 if options.require else 0
    if absent := [f"{program}: not there; `{command}` makes it" for program, command in PROGRAMS.items() if not program.exists()]:
        print(*absent, sep="\n")
        return 1
    TARGET.mkdir(exist_ok=True)
    with (TARGET / "node.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # What a run that was killed could not remove.
        machine.remove_cgroup(CGROUP)
        for work in TARGET.glob("node-run-*"):
            shutil.rmtree(work)
        before = machine.state()
        code = 1
        work = Path(tempfile.mkdtemp(prefix="node-run-", dir=TARGET))
        try:
            code = run(options, work)
        except KeyboardInterrupt:
            code = 130
        finally:
            machine.remove_cgroup(CGROUP)
            shutil.rmtree(work)
        if left := before ^ machine.state():
            print("FAILED: the machine is not as it was:", *(f"  {line}" for line in sorted(left)), sep="\n")
            code = 1
    return code


def run(options, work):
    """Builds what is missing, and runs the tests in separate namespaces, unless only a build is requested."""
    image = options.image
    if not image:
        image = work / "image.tar"
        subprocess.run([ROOT / "image/build", "--archive", image], check=True)
    if options.build:
        return 0
    weights = json.loads(subprocess.run([ROOT / "image/weigh", image, "--json"], check=True, capture_output=True).stdout)
    pause = ["go", "build", "-trimpath", "-gcflags=all=-dwarf=false -l", "-ldflags", "-s -w", "-o", work / "pause", HERE / "pause/main.go"]
    subprocess.run(pause, check=True, env={**os.environ, "CGO_ENABLED": "0"})
    settings = {
        "work": str(work),
        "cgroup": CGROUP,
        "emulator": str(EMULATOR),
        "image": str(image.resolve()),
        "weights": weights,
        "keep": options.keep,
    }
    machine.make_cgroup(CGROUP)
    # In a session of its own, so that a Ctrl-C of the terminal comes here only, and this ends it in order.
    command = [*machine.UNSHARE, sys.executable, HERE / "inside.py", json.dumps(settings)]
    inside = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        if options.keep:
            enter = f"nsenter --target $(pgrep -P {inside.pid}) --net --mount"
            kubectl = f"{ROOT}/tests/control-plane/bin/kubectl --kubeconfig {work}/kubeconfig"
            print(f"in another terminal:\n  {enter} {kubectl} get pods -A", flush=True)
            sys.stdin.readline()
            inside.stdin.close()
        return inside.wait()
    finally:
        # It ends with its standard input, and everything in the namespaces with it.
        inside.stdin.close()
        inside.wait()


if __name__ == "__main__":
    sys.exit(main())
