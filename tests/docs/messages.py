"""Finds the commands of Azure CLI in the text that the program can print: in the string literals of its code."""

import re
import shlex
from pathlib import Path

# A comment, a literal without escapes, a literal, or a character: whichever begins first.
LEXEME = re.compile(r"""//[^\n]*|r(#*)"(?P<raw>.*?)"\1|"(?P<text>(?:[^"\\]|\\.)*)"|'(?:[^'\\]|\\.)'""", re.DOTALL)
TESTS = re.compile(r"^#\[cfg\(test\)\]\nmod \w+ \{", re.MULTILINE)
COMMAND = re.compile(r"\baz (?=[a-z])")
WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'`])+""")
# What ends a command in the middle of a sentence.
END = re.compile(r"[.,:;)]+$")
# What stands in for a value that the program inserts.
VALUE = "value"


def literals(source: Path):
    """The text of each string literal, as it is printed, outside of unit tests."""
    if source.name == "tests.rs":
        return
    for match in LEXEME.finditer(TESTS.split(source.read_text())[0]):
        if match["raw"] is not None:
            yield match["raw"]
        elif match["text"] is not None:
            text = re.sub(r"\\\n\s*", "", match["text"])
            yield re.sub(r"\\(.)", lambda escaped: {"n": "\n", "t": "\t"}.get(escaped[1], escaped[1]), text)


def printed(text):
    """The text with a value in place of each `{…}`, as `format!` inserts it. Only identifiers and formats stand in braces there."""
    text = re.sub(r"(?<!\{)\{[\w.:?#]*\}(?!\})", VALUE, text)
    return text.replace("{{", "{").replace("}}", "}")


def commands(text):
    """The words of each command in a text, without `az`."""
    for match in COMMAND.finditer(text):
        yield words(text[match.end() :], is_whole=match.start() == 0)


def words(text, is_whole):
    """The words of the command that a text begins with. It ends with the text, or in a sentence where no option can follow."""
    found = []
    for match in WORD.finditer(text):
        word = match[0]
        end = END.search(word) if not is_whole and word[-1] not in "\"'" else None
        word = word[: end.start()] if end else word
        is_value = len(found) > 1 and found[-1].startswith("--")
        has_options = any(one.startswith("--") for one in found)
        if not is_whole and not word.startswith("--") and not is_value and (has_options or not re.fullmatch(r"[a-z-]+", word)):
            break
        found.extend(shlex.split(word))
        if end or (not is_whole and text[match.end() : match.end() + 1] == "`"):
            break
    return found
