"""Tests of the documents: every command of every page is run, or listed here with the reason why not.

Run it with `make docs`. README.md says what is judged, and what is not.
"""

import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import HELM, HERE, NAMES, ROOT, SECONDS, sdk
from pages import anchors, blocks, commands, links, sentences
from stories import ATTACHED, CHART, INSTALL, LANGUAGES, NOT_RUN, STORIES, WORDS, Story

PAGES = [ROOT / "README.md", *(page for folder in ("charts", "deploy", "docs") for page in sorted((ROOT / folder).rglob("*.md")))]
LINKED = sorted({*PAGES, *ROOT.glob("*.md"), *ROOT.glob("tests/*/README.md")})
KUBERNETES_OWN = {"default", "kube-system", "kube-public", "kube-node-lease"}
OURS = "synapsesparkattachments.synapse-spark.dev"


def name(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", LINKED, ids=name)
def test_links_have_a_target(page):
    for link in links(page):
        if re.match(r"(https?|mailto):", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no such file"
        assert not anchor or anchor in set(anchors(target)), f"{link}: {name(target)} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_are_valid_in_their_language(page, plane):
    attachments = []
    for block in blocks(page):
        at = f"{name(page)}:{block.line}"
        assert block.language in LANGUAGES, f"{at}: a block of an unknown language, {block.language!r}"
        if block.language == "json":
            json.loads(block.text)
        if block.language == "python":
            compile(block.text, at, "exec")
        if block.text.startswith("# values.yaml\n"):
            rendered = [HELM, "template", ROOT / "charts/synapse-spark-operator", "--values", "-"]
            subprocess.run(rendered, input=block.text, text=True, check=True, stdout=subprocess.DEVNULL)
        documents = [one for one in yaml.safe_load_all(block.text) if isinstance(one, dict)] if block.language == "yaml" else []
        # Without a spec it is an excerpt.
        attachments += [one for one in documents if one.get("kind") == "SynapseSparkAttachment" and "spec" in one]
    if attachments:
        plane.kubectl("apply", "-f", ROOT / "crds")
        plane.kubectl("wait", "--for=condition=Established", f"crd/{OURS}", f"--timeout={SECONDS}s")
    for attachment in attachments:
        attachment["metadata"].pop("namespace", None)
        plane.kubectl("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(attachment))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_azure_cli_accepts_the_commands_in_sentences(page, judge):
    for command in sentences(page):
        if command.startswith("az ") and " --" in command and "…" not in command:
            judge.hear(shlex.split(command)[1:])


# Those that begin alike stand together: then the stage is set once for all of them.
@pytest.mark.parametrize("page", sorted(PAGES, key=lambda page: (name(page) in STORIES, name(page))), ids=name)
def test_commands_do_what_the_page_says(page, stage):
    story = STORIES.get(name(page), Story())
    if not any(to_run(block) for block in blocks(page)):
        return
    stage.set(story)
    scenes = dict(story.scenes)
    for block in blocks(page):
        if file := re.match(r"# (\S+\.(?:yaml|py))\n", block.text):
            path = stage.folder / file.group(1)
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text)
        for command in to_run(block):
            at = f"{name(page)}:{command.line}"
            if scene := next((begins for begins in scenes if command.text.startswith(begins)), None):
                for direction in scenes.pop(scene):
                    stage.run(direction, story, f"{at}, before it")
            output = stage.run(command.text, story, at)
            for line in command.output:
                wanted = ".*".join(re.escape(part) for part in re.sub(r"\s+", " ", line).split("…"))
                assert re.search(wanted, re.sub(r"[^\S\n]+", " ", output)), f"{at}: the page shows\n{line}\nand there was\n{output}"
    assert not scenes, f"no command of the page begins so: {[*scenes]}"
    for line in stage.asked_of_az():
        stage.judge.hear(json.loads(line))
    if story.after:
        story.after(stage)


def to_run(block):
    """Its commands, without those that are named with a reason."""
    typed = commands(block) if block.language == "console" else ()
    return [command for command in typed if not any(re.match(pattern, command.text) for pattern in NOT_RUN)]


class Stage:
    """A reader's terminal in a checkout, with a cluster, Azure and an operator."""

    def __init__(self, plane, azure, pod, judge, folder):
        self.plane, self.azure, self.pod, self.judge, self.folder = plane, azure, pod, judge, folder
        self.state = folder / "stage"
        self.shell = self.installed = self.begun_with = self.kept = None

    def set(self, story):
        """Resets everything, then applies the start of the page. What no page has changed is kept."""
        self.end_shell()
        self.clean_folder()
        kept = self.begun_with == story.before and self.kept == self.as_it_is()
        installed = kept or (story.installed and self.installed is not None and self.installed == self.install_as_it_is())
        if not kept:
            self.clear(installed)
            self.know_the_operator()
        self.start_shell()
        if story.installed and not installed:
            self.run(INSTALL, Story(), "the install")
            self.installed = self.install_as_it_is()
        if not kept:
            for command in story.before:
                self.run(command, story, "the story's beginning")
            # What other stories begin with may be in the shell or in the folder, too.
            self.begun_with = story.before if story.installed and story.before == ATTACHED else None
            self.kept = self.as_it_is()
        self.begun = self.azure.now()

    def clean_folder(self):
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        self.state.mkdir()
        for path in ("charts", "crds", "deploy", "examples"):
            shutil.copytree(ROOT / path, self.folder / path)
        programs = self.folder / "bin"
        programs.mkdir()
        for program, path in {
            "helm": HELM,
            "kubectl": self.plane.ready["kubectl"],
            "kubectl-synapse": sdk.OPERATOR,
            "synapse-spark-operator": sdk.OPERATOR,
        }.items():
            (programs / program).symlink_to(path)
        for program in ("az", "python"):
            (programs / program).write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / program}.py "$@"\n')
            (programs / program).chmod(0o755)
        issuer = {"issuer": self.plane.ready["issuer"], "jwks": json.loads(Path(self.plane.ready["jwks"]).read_text())}
        (self.state / "issuer.json").write_text(json.dumps(issuer))
        azure = {key: getattr(self.azure, key) for key in ("endpoint", "authority", "synapse", "ca")}
        who = {"tenant": sdk.TENANT, "client": sdk.CLIENT, "secret": sdk.SECRET, "subscription": sdk.SUBSCRIPTION}
        (self.state / "azure.json").write_text(json.dumps(azure | who))

    def clear(self, keep):
        kubectl = self.plane.kubectl
        crds = {one["metadata"]["name"] for one in self.get("crd")}
        for one in self.get("ssa") if OURS in crds else ():
            who = ("ssa", one["metadata"]["name"], "-n", one["metadata"]["namespace"])
            kubectl("patch", *who, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
            kubectl("delete", *who, "--ignore-not-found")
        namespaces = {one["metadata"]["name"] for one in self.get("namespaces")} - KUBERNETES_OWN
        if not keep:
            self.pod.stop()
            kubectl("delete", "clusterrole,clusterrolebinding", "-l", NAMES)
            self.installed = None
        else:
            crds, namespaces = crds - {OURS}, namespaces - {"synapse-spark-system"}
        elsewhere = ("-l", NAMES.replace("=", "!=")) if keep else ("--all",)
        kubectl("delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", *elsewhere)
        if OURS in crds:
            # The policy that is gone may be in force for a moment yet.
            kubectl("annotate", "crd", OURS, "--overwrite", "synapse-spark.dev/allow-delete=true")
        for kind, names in (("crd", crds), ("namespace", namespaces)):
            if names:
                kubectl("delete", kind, *names)
        self.azure.control("DELETE", "resource", params={"id": f"/subscriptions/{sdk.SUBSCRIPTION}"})
        self.azure.seed(json.loads((ROOT / "tests/emulator/seeds/default.json").read_text()))

    def get(self, kinds, *more):
        return json.loads(self.plane.kubectl("get", kinds, "--all-namespaces", "-o", "json", *more))["items"]

    def install_as_it_is(self):
        """All objects of the install, without fields that change by themselves."""
        kinds = "deployment,serviceaccount,crd,clusterrole,clusterrolebinding,role,rolebinding"
        found = self.get(f"{kinds},validatingadmissionpolicy,validatingadmissionpolicybinding", "-l", NAMES)
        for one in found:
            one.pop("status", None)
            del one["metadata"]["resourceVersion"]
        return found

    def as_it_is(self):
        """These objects, and what else a page can change: attachments, other objects, and Azure."""
        crds = [one["metadata"]["name"] for one in self.get("crd")]
        besides = [one["metadata"]["name"] for one in self.get("namespace,validatingadmissionpolicy,validatingadmissionpolicybinding")]
        return self.install_as_it_is(), crds, besides, self.get("ssa") if OURS in crds else [], self.azure.world()

    def know_the_operator(self, **rights):
        """An identity with all permissions, or the given ones; for pages that do not create one."""
        subject = "system:serviceaccount:synapse-spark-system:synapse-spark-operator"
        federated = {"issuer": self.plane.ready["issuer"], "subject": subject, "audience": "api://AzureADTokenExchange"}
        principal = {"tenantId": sdk.TENANT, "clientId": sdk.OPERATOR_CLIENT, "objectId": sdk.OPERATOR_CLIENT, "federated": [federated], **rights}
        self.azure.seed({"issuers": [json.loads((self.state / "issuer.json").read_text())], "principals": [principal]})

    def start_shell(self):
        told, self.tell = os.pipe()
        self.told = os.fdopen(told)
        env = {
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "KUBECONFIG": self.plane.ready["kubeconfig"],
            "DOCS_STAGE": str(self.state),
            # `plan` as a user who is logged in; the pages have `az login`.
            "AZURE_CREDENTIAL": "client-secret",
            "AZURE_TENANT_ID": sdk.TENANT,
            "AZURE_CLIENT_ID": sdk.CLIENT,
            "AZURE_CLIENT_SECRET": sdk.SECRET,
            **sdk.endpoints(self.azure),
            "AZUREML_DEV_URL_MFE": self.azure.endpoint,
            "REQUESTS_CA_BUNDLE": self.azure.ca,
            "NO_PROXY": "127.0.0.1",
            "PYTHONWARNINGS": "ignore",
        }
        self.shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=self.folder,
            env=env,
            text=True,
            stdin=subprocess.PIPE,
            pass_fds=(self.tell,),
            start_new_session=True,
        )
        # An empty result is valid, too, if a page searches objects.
        self.shell.stdin.write('set -o pipefail; look_for() { grep "$@" || [ $? = 1 ]; }\n')

    def end_shell(self):
        if self.shell:
            self.shell.stdin.close()
            os.killpg(self.shell.pid, signal.SIGKILL)
            self.shell.wait()
            self.told.close()
            os.close(self.tell)
            self.shell = None

    def run(self, typed, story, at):
        text = typed.replace(CHART, "charts/synapse-spark-operator").replace("localhost:8080", self.pod.address)
        if text.startswith(("kubectl get ", "kubectl events ")):
            text = text.replace("| grep ", "| look_for ")
        for word, stands_for in (WORDS | story.words).items():
            text = re.sub(rf"(?<![$\w{{]){word}\b(?!=)", lambda _, it=stands_for: it, text)
        (self.state / "command").write_text(text + "\n")
        said = self.state / "output"
        self.shell.stdin.write(f". {self.state / 'command'} >{said} 2>&1 </dev/null; echo $? >&{self.tell}\n")
        self.shell.stdin.flush()
        ended, _, _ = select.select([self.told], [], [], SECONDS)
        output = said.read_text()
        status = int(self.told.readline()) if ended else f"nothing in {SECONDS} s"
        if status not in next((codes for begins, codes in story.codes.items() if typed.startswith(begins)), {0}):
            pytest.fail(f"{at}: {text}\nended with {status}:\n{output}\nthe operator:\n{self.pod.tail()}", pytrace=False)
        if re.search(r"\b(kubectl|helm)\b", text):
            self.pod.settle()
        return output

    def asked_of_az(self):
        journal = self.state / "az.jsonl"
        return journal.read_text().splitlines() if journal.exists() else []

    def writes(self):
        """The writes to computes in Azure since the start of the page."""
        written = [(one["method"], one["path"]) for one in self.azure.journal(self.begun, methods=("PUT", "DELETE"))]
        return [(method, path.rsplit("/", 1)[-1]) for method, path in written if "/computes/" in path]

    def end(self):
        self.end_shell()
        self.pod.stop()


@pytest.fixture(scope="module")
def stage(plane, azure, pod, judge, tmp_path_factory):
    stage = Stage(plane, azure, pod, judge, tmp_path_factory.mktemp("checkout"))
    try:
        yield stage
    finally:
        stage.end()
