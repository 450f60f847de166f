"""The plugin of k9s is valid by k9s' own schemas, and its commands exist. jsonschema comes with azure-ai-ml."""

import json
import os
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml
from conftest import ROOT

# A module of Go: its source has the schemas. Nothing of it is built.
K9S = "github.com/derailed/k9s@v0.50.9"
PLUGINS = yaml.safe_load((ROOT / "deploy/k9s/plugins.yaml").read_text())
# What k9s puts in the place of its variables.
VARIABLES = {"$NAME": "nightly", "$NAMESPACE": "team-a", "$CONTEXT": "here"}
PROGRAM = ROOT / "target/debug/synapse-spark-operator"


@pytest.fixture(scope="module")
def schemas():
    module = subprocess.run(["go", "mod", "download", "-json", K9S], cwd=ROOT / "tests/gotools", check=True, capture_output=True)
    return Path(json.loads(module.stdout)["Dir"]) / "internal/config/json/schemas"


def test_plugins_are_valid_by_the_schemas_of_k9s(schemas):
    def schema(name):
        return json.loads((schemas / name).read_text())

    jsonschema.validate(PLUGINS, schema("plugins.json"))
    # The schema of a single plugin refuses unknown fields, too.
    for plugin in PLUGINS["plugins"].values():
        jsonschema.validate(plugin, schema("plugin.json"))


def test_each_shortcut_is_used_once_and_is_one_that_k9s_knows():
    keys = [plugin["shortCut"] for plugin in PLUGINS["plugins"].values()]
    assert len(keys) == len(set(keys))
    # k9s sorts a table by name, age and namespace with these.
    assert not set(keys) & {"Shift-N", "Shift-A", "Shift-P"}
    assert all(re.fullmatch("Shift-[A-Z]", key) for key in keys), keys


@pytest.mark.parametrize("plugin", PLUGINS["plugins"])
def test_commands_are_those_of_the_program(plugin, tmp_path):
    """The arguments are understood: nothing but the cluster is missing."""
    shell, script, _, *args = PLUGINS["plugins"][plugin]["args"]
    link = tmp_path / "kubectl-synapse"
    link.symlink_to(PROGRAM)
    # kubectl would start the plugin so; and less may be missing.
    for name, script_of in {"kubectl": 'shift\nexec kubectl-synapse "$@"', "less": "exec cat"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script_of}\n")
        (tmp_path / name).chmod(0o755)
    words = [VARIABLES.get(arg, arg) for arg in args]
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "KUBECONFIG": "/nowhere"}
    done = subprocess.run(["sh", shell, script, "synapse", *words], env=environment, capture_output=True, text=True)
    assert "cannot load a kubeconfig" in done.stdout, done
