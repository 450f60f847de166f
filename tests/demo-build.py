"""Builds what the demo needs, three parts at once, and reports how far each is.

A fresh machine needs some minutes for it. Each part uses the cores while another one waits: for the
network, a linker or one large package. The output of each part is in target/demo/NAME.log; it is shown if the part fails.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "target/demo"
# Seconds between two lines of progress where the output is not a terminal.
INTERVAL = 15

# Name, command, and the last "N of M" or "N/M" of its output.
PARTS = (
    ("control plane", ["tests/control-plane/build", "demo"], re.compile(r"compiled (\d+) of (\d+) packages"), "packages"),
    (
        "operator and emulator",
        ["cargo", "build", "--package", "synapse-spark-operator", "--package", "azure-emulator", "--bins", "--features", "synapse-spark-operator/ui"],
        re.compile(r"\b(\d+)/(\d+)(?=[:\s])"),
        "crates",
    ),
    ("Microsoft's Python client", ["make", "--no-print-directory", "tests/sdk/.venv/ready"], None, None),
)


class Part:
    """One part of the build, as a process of its own."""

    def __init__(self, name, command, counter, unit):
        self.name, self.counter, self.unit = name, counter, unit
        self.log = LOGS / (re.sub(r"\W+", "-", name.lower()) + ".log")
        self.began, self.seconds = time.monotonic(), None
        # Cargo counts its crates only in its progress bar.
        environment = os.environ | {"CARGO_TERM_PROGRESS_WHEN": "always", "CARGO_TERM_PROGRESS_WIDTH": "80", "CARGO_TERM_COLOR": "never"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def stop(self):
        """Ends the process, and the compilers that it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()

    def has_ended(self):
        if self.seconds is None and self.process.poll() is not None:
            self.seconds = time.monotonic() - self.began
        return self.seconds is not None

    def progress(self):
        if self.has_ended():
            return f"{self.name}: ready after {minutes(self.seconds)}"
        counts = self.counter and self.counter.findall(self.log.read_text(errors="replace"))
        return f"{self.name}: {counts[-1][0]} of {counts[-1][1]} {self.unit}" if counts else f"{self.name}: begun"


def minutes(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02} min"


def wait(parts):
    """Waits until all parts have ended, or one has failed; returns the one that failed."""
    is_terminal, reported, at = sys.stdout.isatty(), None, time.monotonic()
    while True:
        ended = [part for part in parts if part.has_ended()]
        text = " · ".join(part.progress() for part in parts)
        if is_terminal:
            print(f"\r\x1b[K  {text[: os.get_terminal_size().columns - 3]}", end="", flush=True)
        elif text != reported and (reported is None or len(ended) == len(parts) or time.monotonic() - at >= INTERVAL):
            print(f"  {text}", flush=True)
            reported, at = text, time.monotonic()
        failed = next((part for part in ended if part.process.returncode), None)
        if failed or len(ended) == len(parts):
            print(end="\n" if is_terminal else "")
            return failed
        time.sleep(0.2)


def main():
    LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    print("== building what the demo needs; the first time it takes some minutes", flush=True)
    parts = [Part(*part) for part in PARTS]
    try:
        failed = wait(parts)
    finally:
        for part in parts:
            part.stop()
    if failed:
        print(failed.log.read_text(errors="replace"), flush=True)
        sys.exit(f"The build of the {failed.name} failed; its output is above.")
    print(f"== built in {minutes(time.monotonic() - began)}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
