"""Azure CLI accepts the commands that the program prints."""

import re

import pytest
from conftest import ROOT
from messages import commands, literals, printed

SOURCES = {source: found for source in sorted((ROOT / "src").rglob("*.rs")) if (found := [c for text in literals(source) for c in commands(printed(text))])}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT)))
def test_azure_cli_accepts_the_commands_in_messages(source, judge):
    for words in SOURCES[source]:
        # Without options it is the name of a command in a sentence, or of a group of commands.
        judge.hear(words, is_name=not any(word.startswith("-") for word in words))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("az lock delete --name {name}", [["lock", "delete", "--name", "value"]]),
        ('az a b --role "Reader and more" --scope {}', [["a", "b", "--role", "Reader and more", "--scope", "value"]]),
        ("az a --name {}-{group} --file '{{\"id\": \"{to}\"}}'", [["a", "--name", "value-value", "--file", '{"id": "value"}']]),
        ("az a --one x y --two z", [["a", "--one", "x", "y", "--two", "z"]]),
        ("Remove it with az lock delete, on its scope; az lock list shows it.", [["lock", "delete"], ["lock", "list", "shows", "it"]]),
        ("a GUID, as az account show --query id prints it", [["account", "show", "--query", "id"]]),
        ("Register it (az provider register --namespace NAMESPACE). Then wait", [["provider", "register", "--namespace", "NAMESPACE"]]),
        ("run: `az a --yes`; or `az b`.", [["a", "--yes"], ["b"]]),
        ("gaz pipeline, az, AZ", []),
    ],
)
def test_commands_are_found_in_messages(text, found):
    assert [*commands(printed(text))] == found


def test_literals_are_found_in_code(tmp_path):
    source = tmp_path / "one.rs"
    source.write_text('// az no\nlet a = "az \\"x\\" \\\n    b"; let b = r#"az "c""#; let d = \'"\';\n#[cfg(test)]\nmod tests {\n"az no"\n}\n')
    assert [*literals(source)] == ['az "x" b', 'az "c"']


def test_no_command_is_put_together_from_parts():
    """Each command stands in one literal, so that the first test finds all of it."""
    parts = re.compile(r"(^|\s)az $")
    for source in SOURCES:
        assert not [text for text in literals(source) if parts.search(text)], source
