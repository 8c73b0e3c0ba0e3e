"""Plugins of other times and languages: one built against the header of ABI 1.0, one in C++, one in Rust."""

import hashlib
import json
import os
import shutil
import subprocess

import pytest
from snippets import SOURCE

ABI = SOURCE / "tests/abi"
CC = (os.environ.get("CC") or "cc").split()
JOB = """version = 1;
job = {{ name = "abi"; source = {{ plugin = "{plugin}"; rows = {rows}; }};
         sink = {{ plugin = "file"; path = "out.ndjson"; }}; }};
"""

# Of the header of 1.0, comments and all: it is frozen.
FROZEN = {
    "plugin.h": "2e95ed6bda1b21ee8d45cbf8403264be8e81d5f7523a65a2aa0b8e0a6ee4c923",
    "arrow.h": "d3b529554e01b3634a7d9f83c49278b825d2ef6b6d9801ccec2e1e9424ea99e5",
    "error.h": "1666a81fdd6bda08f3383a2db91373f1d1b04f4ffaa99dec8fef60eb6dbef186",
}


def build(tow, name, *command):
    done = subprocess.run(
        [*command, "-o", tow.folder / f"{name}.so"], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr


def keeps_its_promises(tow, name, *options):
    out = tow.run("plugins", "test", f"./{name}.so", *options).stdout
    assert " 0 failed" in out.splitlines()[-1], out


def hands_out(tow, name, rows=25_000):
    tow.write("job.cfg", JOB.format(plugin=name, rows=rows))
    tow.run("run", "job.cfg", "--plugin-path", tow.folder)
    found = [json.loads(line) for line in open(tow.folder / "out.ndjson")]
    assert [row["n"] for row in found] == list(range(rows))
    return found


@pytest.mark.parametrize("name", FROZEN)
def test_the_header_of_1_0_is_frozen(name):
    text = (ABI / "1.0/towpath" / name).read_bytes()
    assert hashlib.sha256(text).hexdigest() == FROZEN[name]


def test_a_plugin_of_1_0_goes_on_working(tow):
    build(tow, "elder", *CC, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden",
          "-Wl,-z,defs", f"-I{ABI / '1.0'}", ABI / "elder.c")
    keeps_its_promises(tow, "elder")
    hands_out(tow, "elder")
    tow.write("in.csv", "a\n1\n2\n3\n")
    tow.job(sink='plugin = "elder"; path = "count.txt";')
    tow.run("run", "job.cfg", "--plugin-path", tow.folder)
    assert (tow.folder / "count.txt").read_text() == "3\n"


@pytest.mark.skipif(not shutil.which("g++"), reason="no g++")
@pytest.mark.skipif(not os.environ.get("TOWPATH_BUILD"), reason="TOWPATH_BUILD is not given")
@pytest.mark.skipif(bool(os.environ.get("SANITIZERS")), reason="the kit needs a sanitizer's runtime")
def test_a_plugin_in_cpp(tow):
    kit = os.path.join(os.environ["TOWPATH_BUILD"], "libtowpath-kit.a")
    build(tow, "plus", "g++", "-std=c++17", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden",
          "-Wl,-z,defs", f"-I{SOURCE / 'core'}", ABI / "plus.cpp", kit)
    keeps_its_promises(tow, "plus")
    assert hands_out(tow, "plus")[7] == {"n": 7, "square": 49}


@pytest.mark.skipif(not shutil.which("rustc"), reason="no rustc")
@pytest.mark.skipif(bool(os.environ.get("SANITIZERS")), reason="Rust's allocator is not the sanitizer's")
def test_a_plugin_in_rust(tow):
    build(tow, "crab", "rustc", "--edition", "2021", "-O", "-D", "warnings", "--crate-type", "cdylib", ABI / "crab.rs")
    keeps_its_promises(tow, "crab")
    hands_out(tow, "crab")
