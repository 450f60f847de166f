"""The workflows cannot run here. The tests check that they call existing targets, and only pinned actions,
and that a release fails if something that it needs is missing. `ci.py` runs the steps of the recipes of deploy/ci."""

import os
import re
import subprocess

import pytest
import yaml
from conftest import HERE, ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
RECIPES = ROOT / "deploy/ci"
TARGETS = {target for line in re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE) for target in line.split()}


@pytest.mark.parametrize("workflow", [*WORKFLOWS, RECIPES / "github-actions.yaml"], ids=lambda path: path.name)
def test_actions_are_pinned_to_a_commit(workflow):
    for used in re.findall(r"uses: (.*)", workflow.read_text()):
        if used.startswith("./"):
            assert (ROOT / used).is_file(), used
            continue
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_steps_call_existing_targets(workflow):
    for job in yaml.safe_load(workflow.read_text())["jobs"].values():
        for run in (step["run"] for step in job.get("steps", []) if "run" in step):
            if make := re.match(r"make ([a-z-]+)", run):
                assert make.group(1) in TARGETS, f"make {make.group(1)}: there is no such target"
            else:
                assert re.match(r'rustup toolchain install$|cat target/release-files/digests |sudo env "PATH=\$PATH" "HOME=\$HOME" \.ci/run$', run), f"a step of its own: {run}"


@pytest.mark.parametrize(("recipe", "schema"), [("github-actions", "github-workflows"), ("azure-pipelines", "azure-pipelines")])
def test_recipes_are_valid_in_the_schema_of_their_product(recipe, schema):
    check = [HERE / ".venv/bin/check-jsonschema", "--builtin-schema", f"vendor.{schema}", RECIPES / f"{recipe}.yaml"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


def test_nothing_is_released_before_the_tests_have_passed():
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yaml").read_text())["jobs"]

    def comes_before(name):
        needs = jobs[name].get("needs", [])
        return {before for need in ([needs] if isinstance(needs, str) else needs) for before in {need} | comes_before(need)}

    (test,) = (name for name, job in jobs.items() if job.get("uses") == "./.github/workflows/test.yaml")
    assert all(test in comes_before(name) for name in jobs if name != test)


def test_no_image_on_a_substitute_base_is_pushed(tmp_path):
    said = tmp_path / "said"
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >>"{said}"\n[ "$1" != pull ]\n')
    docker.chmod(0o755)
    settings = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ARCHITECTURE": "amd64"}
    done = subprocess.run([ROOT / ".ci/release", "image"], env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "cannot be pulled: docker.io/library/rust:" in done.stderr
    assert {line.split()[0] for line in said.read_text().splitlines()} == {"pull"}


def test_a_failed_push_of_the_chart_ends_the_release():
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": "", "PUSH": "1"}
    done = subprocess.run([ROOT / ".ci/release", "chart"], env=os.environ | nowhere, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "127.0.0.1:9" in done.stderr


def test_dependabot_checks_existing_folders():
    for update in yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]:
        for folder in update.get("directories", [update.get("directory")]):
            assert folder == "/" or list(ROOT.glob(folder.removeprefix("/"))), folder


def test_dependabot_checks_every_module():
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    for ecosystem, file in {"gomod": "go.mod", "pip": "requirements.txt", "npm": "package.json"}.items():
        named = [folder for update in updates if update["package-ecosystem"] == ecosystem for folder in update["directories"]]
        seen = {path for folder in named for path in ROOT.glob(f"{folder.removeprefix('/')}/{file}")}
        folders = ("tests/*", "tests/*/*", "src/cli/ui/assets")
        assert seen == {path for folder in folders for path in ROOT.glob(f"{folder}/{file}")}, ecosystem
