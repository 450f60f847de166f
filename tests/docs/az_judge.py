"""Reads lines of JSON, each with the arguments of an `az` command, and answers with the result of the real Azure CLI's parser.

Run with the Python of .venv. Nothing is asked of Azure: the words are parsed, and that is all. The
extension `ml` is not on PyPI, so its commands are held against ML, which is what Microsoft's pages show:
https://learn.microsoft.com/azure/machine-learning/how-to-manage-synapse-spark-pool and
https://learn.microsoft.com/cli/azure/ml.
"""

import contextlib
import io
import json
import os
import sys
import tempfile

# As Azure CLI begins the message.
REQUIRED = "the following arguments are required"
COMPUTE = JOB = {"--name", "--resource-group", "--workspace-name"}
ML = {
    "ml compute attach": ({"--resource-group", "--workspace-name"}, {"--file", "--subscription"}),
    "ml compute detach": (COMPUTE, {"--subscription", "--yes"}),
    "ml compute list": ({"--resource-group", "--workspace-name"}, {"--subscription", "--output", "--query"}),
    "ml compute show": (COMPUTE, {"--subscription", "--output", "--query"}),
    "ml compute update": (COMPUTE, {"--subscription", "--identity", "--user-assigned-identities", "--set"}),
    "ml job cancel": (JOB, {"--subscription"}),
    "ml job create": ({"--file", "--resource-group", "--workspace-name"}, {"--subscription", "--output", "--query"}),
    "ml job show": (JOB, {"--subscription", "--output", "--query"}),
    "ml workspace show": ({"--name", "--resource-group"}, {"--subscription", "--output", "--query"}),
}


def ml(words):
    command = " ".join(words[:3])
    if command not in ML:
        is_group = any(one.startswith(f"{command} ") for one in ML)
        return f"{REQUIRED}: _subcommand" if is_group else f"{command}: not in the table of the extension ml"
    required, more = ML[command]
    given = {word for word in words[3:] if word.startswith("-")}
    if missing := required - given:
        return f"{REQUIRED}: {', '.join(sorted(missing))}"
    if unknown := given - required - more:
        return f"{command} does not know {', '.join(sorted(unknown))}"
    return None


class Parsed(Exception):
    """The arguments are accepted; next would be a request to Azure."""


def parsed(cli, words):
    from azure.cli.core.azclierror import AzCLIError
    from knack.util import CLIError

    said = io.StringIO()
    cli.invocation = cli.invocation_cls(cli_ctx=cli, parser_cls=cli.parser_cls, commands_loader_cls=cli.commands_loader_cls, help_cls=cli.help_cls)
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            cli.invocation.execute(words)
    except Parsed:
        return None
    except SystemExit:
        return said.getvalue() or "refused"
    except (AzCLIError, CLIError) as error:
        return str(error)
    except ImportError as error:
        return f"{error}: requirements.txt lacks what this command stands on"
    return "it was not parsed"


def main():
    from azure.cli.core import get_default_cli
    from knack.events import EVENT_INVOKER_POST_PARSE_ARGS

    def stop(*_, **__):
        raise Parsed

    # What others print must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    cli = get_default_cli()
    cli.register_event(EVENT_INVOKER_POST_PARSE_ARGS, stop)
    for line in sys.stdin:
        words = json.loads(line)
        verdict = ml(words) if words[0] == "ml" else parsed(cli, words)
        print(json.dumps(verdict), file=answers, flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"AZURE_CONFIG_DIR": folder, "AZURE_CORE_COLLECT_TELEMETRY": "no", "AZURE_CORE_USE_DYNAMIC_INSTALL": "no"}
        main()
