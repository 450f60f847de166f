"""The part of a run inside of the namespaces: starts everything and runs the tests."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from azure import Azure
from node import Failed, Node, Refused, tail
from story import Story

ROOT = Path(__file__).resolve().parents[2]


def main(settings):
    """Returns the exit code."""
    work = Path(settings["work"])
    asked = threading.Event()
    threading.Thread(target=end_with_stdin, args=(asked, settings["keep"]), daemon=True).start()
    node = Node(work, ROOT / "tests/control-plane/bin", settings["cgroup"])
    now, began = "the stage", time.monotonic()
    passed = failed = 0
    figures = {}
    try:
        node.enter()
        node.network()
        node.control_plane()
        azure = Azure(node, settings["emulator"])
        node.join(work / "pause", settings["image"])
        print(f"== the node is Ready after {time.monotonic() - began:.1f} s", flush=True)
        story = Story(node, azure, ROOT, settings["weights"], figures)
        for now, step in story.steps():
            begins = time.monotonic()
            step()
            passed += 1
            print(f"ok {time.monotonic() - begins:6.1f} s  {now}", flush=True)
    except (Failed, Refused, OSError) as error:
        failed = 1
        print(f"FAILED: {now}\n{error}", flush=True)
        print_diagnostics(node)
    print("== figures", *(f"{what}: {figure}" for what, figure in figures.items()), sep="\n", flush=True)
    if settings["keep"]:
        print("== it stays until Enter", flush=True)
        asked.wait()
    print(f"node: {passed} passed, {failed} failed", flush=True)
    return failed


def end_with_stdin(asked, keep):
    """Runs until its standard input is closed."""
    sys.stdin.buffer.read()
    asked.set()
    if not keep:
        os._exit(130)


def print_diagnostics(node):
    """The most important logs and objects after a failure."""
    for words in (
        "get pods -A -o wide",
        "get ssa -A -o wide",
        "get events -A --sort-by=.lastTimestamp",
        "logs -n synapse-spark-system -l app.kubernetes.io/name=synapse-spark-operator --prefix --tail=40",
    ):
        command = [node.programs / "kubectl", "--kubeconfig", node.kubeconfig, *words.split()]
        done = subprocess.run(command, capture_output=True, text=True)
        print(f"-- kubectl {words}\n{done.stdout}{done.stderr}", flush=True)
    log = node.work / "logs/kubelet"
    print(f"-- kubelet\n{tail(log) if log.exists() else ''}", flush=True)


if __name__ == "__main__":
    code = main(json.loads(sys.argv[1]))
    sys.stdout.flush()
    # The end of this process is the end of all others of its namespace, and of the namespaces.
    os._exit(code)
