"""Runs the shell steps of deploy/ci as a runner does, and serves the API that gets their comments."""

import json
import re
import shlex
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml
from conftest import AZ_PYTHON, ROOT

TOKEN = "token-of-the-run"
MARKER = "<!-- synapse-spark-plan -->\n"
# A program in the reader's PATH: the image has the program at this path.
DOCKER = """#!/bin/sh
case $1 in
  create) exit 0 ;;
  cp) [ "$2" = synapse:/usr/local/bin/synapse-spark-operator ] && cp "$(command -v synapse-spark-operator)" "$3" ;;
  *) exit 64 ;;
esac
"""
# What GitHub makes of a comment, before it removes what is not allowed.
RENDER = "import sys; from cmarkgfm import cmark; print(cmark.markdown_to_html_with_extensions(sys.stdin.read(), cmark.Options.CMARK_OPT_UNSAFE, ['table', 'autolink', 'strikethrough', 'tagfilter']))"
OURS = {"h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "details", "summary", "pre"}
HOSTILE = "``` @all </details> <img src=https://evil.example/a.png> [a](https://evil.example)"
WEEKLY = (ROOT / "examples/no-identity.yaml").read_text()


class GitHub:
    """Comments of issue 7 of a repository. Source: https://docs.github.com/rest/issues/comments."""

    file = "github-actions.yaml"
    place = "/repos/o/r/issues"

    def environment(self, url, folder):
        return {
            "RUNNER_TEMP": folder,
            "GITHUB_API_URL": url,
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_STEP_SUMMARY": f"{folder}/summary",
            "GITHUB_TOKEN": TOKEN,
            "PULL_REQUEST": "7",
        }

    def steps(self, document):
        (job,) = document["jobs"].values()
        return [("bash --noprofile --norc -eo pipefail", step["run"]) for step in job["steps"] if "run" in step]

    def answer(self, kept, method, path, body):
        # A reviewer may quote the comment.
        others = [{"id": 1, "body": f"{MARKER}mine", "user": {"type": "User"}}]
        shown = [{"id": 2 + at, "body": text, "user": {"type": "Bot"}} for at, text in enumerate(kept)]
        match method, path.partition("?")[0]:
            case "GET", p if p == f"{self.place}/7/comments":
                return others + shown
            case "POST", p if p == f"{self.place}/7/comments":
                kept.append(body["body"])
                return {}
            case "PATCH", p if (found := re.fullmatch(rf"{self.place}/comments/(\d+)", p)):
                kept[int(found[1]) - 2] = body["body"]
                return {}
        return None


class AzureDevOps:
    """Threads of pull request 7. Source: https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads."""

    file = "azure-pipelines.yaml"
    place = "/org/project/_apis/git/repositories/repo/pullRequests/7/threads"

    def environment(self, url, folder):
        return {
            "AGENT_TEMPDIRECTORY": folder,
            "SYSTEM_COLLECTIONURI": f"{url}/org/",
            "SYSTEM_TEAMPROJECTID": "project",
            "BUILD_REPOSITORY_ID": "repo",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
            "SYSTEM_ACCESSTOKEN": TOKEN,
        }

    def steps(self, document):
        scripts = [step.get("bash") or step.get("inputs", {}).get("inlineScript") for step in document["steps"]]
        return [("bash --noprofile --norc", script) for script in scripts if script]

    def answer(self, kept, method, path, body):
        path, _, query = path.partition("?")
        if query != "api-version=7.1":
            return None
        # A push has a thread of its own, and its comment may have no text.
        others = [{"id": 4, "comments": [{"id": 1, "commentType": "system"}]}, {"id": 5, "isDeleted": True, "comments": []}]
        match method, path:
            case "GET", self.place:
                return {"value": others + [{"id": 10 + at, "comments": [{"id": 3, "content": text}]} for at, text in enumerate(kept)]}
            case "POST", self.place:
                assert (body["status"], body["comments"][0]["parentCommentId"], body["comments"][0]["commentType"]) == (4, 0, 1), body
                kept.append(body["comments"][0]["content"])
                return {}
            case "PATCH", p if (found := re.fullmatch(rf"{self.place}/(\d+)/comments/3", p)):
                kept[int(found[1]) - 10] = body["content"]
                return {}
        return None


@contextmanager
def api(host):
    """Serves the API; gives its URL, the comments, and the writes so far."""
    kept, writes, wrong = [], [], []

    class Handler(BaseHTTPRequestHandler):
        def do(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = None
            try:
                assert self.headers["Authorization"] == f"Bearer {TOKEN}", "no token"
                answer = host.answer(kept, self.command, self.path, json.loads(body) if body else None)
                assert answer is not None, "there is no such thing"
            except (AssertionError, LookupError, TypeError, ValueError) as error:
                wrong.append(f"{self.command} {self.path}: {error!r}")
            if self.command != "GET":
                writes.append(self.command)
            self.send_response(404 if answer is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = do_PATCH = do

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kept, writes
        assert not wrong, wrong
    finally:
        server.shutdown()
        server.server_close()


def elements(comment):
    """The names of all elements that a comment is rendered to."""
    html = subprocess.run([AZ_PYTHON, "-c", RENDER], input=comment, text=True, check=True, capture_output=True).stdout
    return set(re.findall(r"<(\w+)", html))


def pull_requests(stage, story):
    """Both pipelines, as a pull request is opened, changed, merged, and spoilt."""
    docker = stage.folder / "bin/docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    attachments = stage.folder / "attachments"
    attachments.mkdir()
    (attachments / "mysparkuser.yaml").write_text((ROOT / "examples/user-assigned.yaml").read_text())
    for number, host in enumerate((GitHub(), AzureDevOps())):
        with api(host) as (url, kept, writes):
            folder = stage.folder / f"runner{number}"
            folder.mkdir()
            steps = host.steps(yaml.safe_load((stage.folder / "deploy/ci" / host.file).read_text()))
            assert len(steps) == 3, steps
            environment = host.environment(url, str(folder))

            def run(plan_fails=False, steps=steps, environment=environment, folder=folder, name=host.file):
                for at, (shell, script) in enumerate(steps):
                    exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in environment.items())
                    (folder / f"step{at}").write_text(exports + script)
                    fails = plan_fails and at == 1
                    stage.run(f"{'! ' if fails else ''}{shell} {folder}/step{at}", story, f"deploy/ci/{name}, step {at + 1}")

            weekly = attachments / "weekly.yaml"
            weekly.write_text(WEEKLY.replace("spec:\n", f"spec:\n  description: 'run {number} {HOSTILE}'\n"))
            run()
            assert writes == ["POST"] and kept[0].startswith(MARKER), (writes, kept)
            assert "\nNot in sync with Azure: 1 of 2 attachments.\n" in kept[0], kept[0]
            assert f"run {number} {HOSTILE}" in kept[0] and elements(kept[0]) == OURS, kept[0]
            stage.run("kubectl apply -f attachments", story, "the merge")
            stage.run("kubectl synapse reconcile --all", story, "the merge")
            run()
            assert (writes, len(kept)) == (["POST", "PATCH"], 1) and "all 2 attachments are in sync" in kept[0], (writes, kept)
            weekly.write_text(weekly.read_text().replace("yogi-aml-ws", "no-such-workspace"))
            run(plan_fails=True)
            assert "no usable answer" in kept[0] and "WorkspaceNotFound" in kept[0], kept[0]
            weekly.write_text("kind: [")
            run(plan_fails=True)
            assert kept[0] == MARKER + "The attachments have no plan: the log of the pipeline has the error.\n", kept[0]
            assert writes == ["POST", "PATCH", "PATCH", "PATCH"], writes
            weekly.unlink()
