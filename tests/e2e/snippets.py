"""The examples of README.md, of docs and of the manual pages, for the tests that hold them to their word.

TOWPATH_SOURCE names the source tree; without it, the one that these tests lie in.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

import jobfile

SOURCE = Path(os.environ.get("TOWPATH_SOURCE") or Path(__file__).resolve().parents[2])
GUIDE = SOURCE / "docs" / "plugin-guide.md"
README = SOURCE / "README.md"
PAGES = [README, *sorted((SOURCE / "docs").rglob("*.md"))]
MANUAL = sorted((SOURCE / "docs").glob("*.[1-8]"))
PLUGIN_PAGES = sorted((SOURCE / "docs/man7").glob("*.7"))


class Block(NamedTuple):
    """What stands between two fences, or, in a manual page, in a literal display."""

    page: str
    line: int
    info: str
    text: str

    @property
    def first(self):
        return self.text.split("\n", 1)[0]


def name(page):
    return str(page.relative_to(SOURCE))


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def fences(page):
    text = page.read_text()
    for found in re.finditer(r"^( *)```(.*)\n((?:.*\n)*?)\1```$", text, re.M):
        yield Block(name(page), line_of(text, found.start()), found[2], found[3])


def displays(page):
    """Jobs and commands of a manual page; what a display is, it does not say."""
    text = page.read_text()
    for found in re.finditer(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", text, re.M):
        body = re.sub(r"^\\&", "", found[1], flags=re.M).replace("\\e", "\\")
        yield Block(name(page), line_of(text, found.start()), "sh" if body.startswith("towpath ") else "cfg", body)


def all_blocks():
    return [block for page in PAGES for block in fences(page)] + [block for page in MANUAL for block in displays(page)]


def blocks(page):
    """What stands between the fences of a page."""
    return [block.text for block in fences(page)]


def jobs(page):
    return [block for block in blocks(page) if block.startswith("version = 1;")]


def commands(page, first):
    """The commands of a page that begin with the word, without comments; \\ joins lines."""
    lines = [line for block in blocks(page) for line in block.replace("\\\n", " ").splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.startswith(first + " ")]


def spoken_commands():
    """Commands of towpath in the middle of text, as (page, words)."""
    for page in PAGES:
        text = re.sub(r"^ *```.*\n(?:.*\n)*?^ *```$", "", page.read_text(), flags=re.M)
        for found in re.findall(r"`(towpath [^`]*)`", text):
            yield name(page), found.split()
    for page in MANUAL:
        for found in re.findall(r"^\.Li (towpath .*)$", page.read_text(), re.M):
            yield name(page), found.split()


def settings(text):
    """The settings of a piece of a job file, one by one: (name, its text)."""
    depth, start, found = 0, 0, []
    for token in jobfile.TOKEN.finditer(text):
        if token["mark"] and token["mark"] in "{(":
            depth += 1
        elif token["mark"] and token["mark"] in "})":
            depth -= 1
        elif token["mark"] == ";" and depth == 0:
            piece = text[start : token.end()]
            found.append((re.search(r"([A-Za-z_]+)\s*[=:]", piece)[1], piece))
            start = token.end()
    assert depth == 0 and not re.sub(r"#.*|\s", "", text[start:]), text
    return found


NUMBER = r"[\d.]+ ([kM] ?)?"


def like(said, shown):
    """Whether what was said is what a page shows: that has `...` for the rest of a line, and times of another run.
    Where a line of a generated job file stands follows from the options that plugins have."""
    said, shown = (re.sub(r"^(\w+\.cfg:)\d+:", r"\1N:", text) for text in (said, shown))
    if re.match(r"(duration|rate) ", shown):
        return re.sub(NUMBER, "", said) == re.sub(NUMBER, "", shown)
    return said.startswith(shown[:-3].rstrip()) if shown.endswith("...") else said == shown


def session(block):
    """What is typed, command by command, each with the lines that come back."""
    steps = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            steps.append(([line[2:]], []))
        elif line.startswith("> ") or (steps[-1][0][-1].endswith("\\") and not steps[-1][1]):
            steps[-1][0].append(line.removeprefix("> "))
        else:
            steps[-1][1].append(line)
    return [("\n".join(typed), shown) for typed, shown in steps]
