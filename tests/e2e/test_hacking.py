"""docs/hacking.md: the paths, make targets and configure options that it names are there."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from snippets import SOURCE, blocks

HACKING = SOURCE / "docs/hacking.md"
PAGE = HACKING.read_text()
BUILD = Path(os.environ.get("TOWPATH_BUILD") or "/nowhere")
# Made while it is worked on, or standing for some name.
MADE = re.compile(r"^build|NAME|^new$|job\.cfg|in\.csv|state\.db|_\*|\.so$|libFuzzer")


def test_each_path_is_there():
    words = re.findall(r"`([^`\s]+)`", PAGE) + [word for block in blocks(HACKING) for word in block.split()]
    paths = {word.removeprefix("../") for word in words if re.match(r"^(\.\./)?[\w.]+(/[\w.-]+)+$", word)}
    paths = {path for path in paths if not MADE.search(path)}
    assert len(paths) > 15
    built = {path for path in paths if re.match(r"tests/(unit|fuzz)/(test|fuzz)_\w+$", path)}
    there = {path for path in paths if (SOURCE / (f"{path}.c" if path in built else path)).exists()}
    assert paths - there == set()


def test_each_script_can_be_run():
    scripts = {word for block in blocks(HACKING) for word in block.split() if word.startswith("packaging/")}
    assert len(scripts) >= 4
    for script in scripts:
        assert os.access(SOURCE / script, os.X_OK), script


@pytest.mark.skipif(not (BUILD / "Makefile").is_file(), reason="TOWPATH_BUILD is not given")
def test_each_target_of_make_is_there():
    rules = (BUILD / "Makefile").read_text()
    lines = [line.split("#")[0] for block in blocks(HACKING) for line in block.splitlines() if re.match(r"make\b", line)]
    targets = set()
    for line in lines:
        words = re.sub(r"\w+='[^']*'|-C \S+|&&.*", "", line).split()[1:]
        targets |= {word for word in words if not word.startswith("-") and "=" not in word}
    assert {"e2e", "long", "check-threads", "check-valgrind"} <= targets
    for target in targets - {"towpath"}:
        assert re.search(rf"^([\w./-]+ )*{re.escape(target)}(\$\(EXEEXT\))?( [\w./-]+)*:", rules, re.M), target


def test_no_variable_of_a_target_is_one_that_make_has_itself():
    lines = [line.split("#")[0] for block in blocks(HACKING) for line in block.splitlines() if re.match(r"make\b", line)]
    ours = {name for line in lines for name in re.findall(r"\b([A-Z_]+)=", line) if name not in ("DESTDIR", "TESTS")}
    ours |= set(re.findall(r"or ([A-Z]+)=", PAGE))
    assert {"ARGS", "CAMPAIGNS", "LINTERS"} <= ours
    told = subprocess.run(["make", "-p", "-f", "/dev/null"], capture_output=True, text=True, timeout=60, check=False).stdout
    builtin = set(re.findall(r"^([A-Z_]+) =", told, re.M))
    assert "LINT" in builtin and not ours & builtin


def test_each_option_of_configure_is_explained():
    text = subprocess.run([SOURCE / "configure", "--help"], capture_output=True, text=True, timeout=60, check=True).stdout
    general = {"option-checking", "FEATURE", "PACKAGE", "silent-rules", "dependency-tracking", "shared", "static", "pic", "fast-install", "aix-soname", "gnu-ld", "sysroot", "libtool-lock", "pkgconfigdir"}
    ours = {
        option
        for option, name in re.findall(r"^  (--(?:enable|disable|with|without)-([\w-]+))", text, re.M)
        if name not in general and name != "dlopen"
    }
    said = set(re.findall(r"(--(?:enable|disable|with|without)-[\w-]+)", PAGE.split("### One program")[0]))
    assert ours and ours == said
