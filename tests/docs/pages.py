"""Parses a page: its blocks, its commands, its links."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^( *)(```+)(\S*)\s*$")
LINK = re.compile(r"(?<!\!)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.*?) *#* *$")


@dataclass(frozen=True)
class Block:
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    line: int
    text: str
    output: tuple[str, ...]


def blocks(page: Path):
    """The fenced blocks, without their indentation."""
    lines = page.read_text().splitlines()
    at = 0
    while at < len(lines):
        opening = FENCE.match(lines[at])
        at += 1
        if not opening:
            continue
        start, (indent, fence, language) = at, opening.groups()
        while lines[at].strip() != fence:
            assert lines[at].startswith(indent) or not lines[at].strip(), f"{page}:{at + 1}: outside of its block"
            at += 1
        yield Block(start, language, "\n".join(line[len(indent) :] for line in lines[start:at]) + "\n")
        at += 1


def is_whole(text):
    """Whether the command is complete for bash."""
    return not text.rstrip(" ").endswith(("\\", "|")) and subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True).returncode == 0


def commands(block: Block):
    """The commands after each `$ `, and the expected output."""
    typed, output, at = [], [], 0
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            if typed:
                yield Command(at, "\n".join(typed), tuple(output))
            typed, output, at = [line[2:]], [], number
        elif typed and not is_whole("\n".join(typed)):
            typed.append(line)
        elif typed:
            output.append(line)
        else:
            raise AssertionError(f"line {number}: a console block begins with `$ `")
    if typed:
        yield Command(at, "\n".join(typed), tuple(output))


def without_blocks(page: Path):
    inside, fence = False, ""
    for line in page.read_text().splitlines():
        match = FENCE.match(line)
        if match and not inside:
            inside, fence = True, match.group(2)
        elif inside and line.strip() == fence:
            inside = False
        elif not inside:
            yield line


def anchors(page: Path):
    """Anchors, as GitHub derives them from headings."""
    seen = {}
    for line in without_blocks(page):
        if heading := HEADING.match(line):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).replace("`", "")
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            count = seen[slug] = seen.get(slug, -1) + 1
            yield slug if not count else f"{slug}-{count}"


def links(page: Path):
    for line in without_blocks(page):
        yield from LINK.findall(re.sub(r"`[^`]*`", "", line))


def sentences(page: Path):
    """The text between backticks."""
    for line in without_blocks(page):
        yield from re.findall(r"`([^`]+)`", line)
