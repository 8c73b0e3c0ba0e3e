"""`towpath plugins test` over plugins that do not return; tests/unit/test_conformance.c has the others."""

import os
from pathlib import Path

import pytest


def module(name):
    folders = os.environ["TOWPATH_PLUGIN_PATH"].split(":")
    return next(path for path in (Path(f) / f"{name}.so" for f in folders) if path.exists())


@pytest.mark.parametrize(
    "name, line",
    [
        ("deaf", "FAIL  read ends within a second of a stop: it has not returned"),
        ("stubborn", "FAIL  write ends within a second of a stop: it has not returned"),
    ],
)
def test_a_call_that_hangs_does_not_hang_the_suite(tow, name, line):
    done = tow.run("plugins", "test", module(f"unruly_{name}"), code=2)
    assert [out for out in done.stdout.splitlines() if out.startswith("FAIL")] == [line]
    assert "1 of " in done.stderr and "checks failed" in done.stderr


def test_a_plugin_that_keeps_its_promises_passes(tow):
    out = tow.run("plugins", "test", module("unruly_none")).stdout
    assert out.splitlines()[-1].endswith(" passed, 0 failed, 0 skipped")
