"""The workflows cannot run here. What can be known of them is looked at: that they call what is there, and nothing that may change under them."""

import re

import pytest
import yaml
from conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
TARGETS = {target for line in re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE) for target in line.split()}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_a_commit(workflow):
    for used in re.findall(r"uses: (.*)", workflow.read_text()):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_steps_call_targets_that_are_there(workflow):
    for job in yaml.safe_load(workflow.read_text())["jobs"].values():
        for run in (step["run"] for step in job["steps"] if "run" in step):
            if make := re.match(r"make ([a-z-]+)", run):
                assert make.group(1) in TARGETS, f"make {make.group(1)}: there is no such target"
            else:
                assert re.match(r"rustup toolchain install$|cat target/release-files/digests |sudo \S+ \.ci/run$", run), f"a step of its own: {run}"


def test_dependabot_looks_at_folders_that_are_there():
    for update in yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]:
        for folder in update.get("directories", [update.get("directory")]):
            assert folder == "/" or list(ROOT.glob(folder.removeprefix("/"))), folder
