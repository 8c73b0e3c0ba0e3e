"""`towpath plugins test` over plugins that end the process, do not return, or leave something behind.

tests/unit/test_conformance.c has those that break a rule of the calls.
"""

import os
import re
from pathlib import Path

import pytest
from helpers import SANITIZED, keeps_its_promises


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
    keeps_its_promises(out)

ENDS = "FAIL  each call returns: read of the source ended the process: "
RESUMES = "FAIL  every position resumes without gap or repeat: "
FITS = "FAIL  the data fit the schema: "

BROKEN = {
    # A sanitizer ends the process itself, where it meets such a signal.
    "crash": ENDS + ("exit code " if SANITIZED else "signal 11, Segmentation fault"),
    "abort": ENDS + "signal 6, Aborted",
    "exit": ENDS + "exit code 0",
    "frozen": "FAIL  each call returns: open of the source has not, within 0.5 s",
    "silent": FITS + "source broken: read failed (env) and gave no reason",
    "odd": FITS + "source broken: read returned -99, which means nothing here",
    "gives_up": FITS + "source broken: read was cancelled, but nobody asked for that",
    "mute": FITS + "source broken: read: a row was rejected without code and message",
    "type": FITS + "column \"n\": ",
    "length": FITS + "column \"n\": ",
    "stuck": RESUMES + "after row 100, 250 rows are left and 343 came; another batch has the same position",
    "blank": RESUMES + "after row 100, 250 rows are left and 350 came; its position is empty, which stands for the start",
    "endless": RESUMES + "after row 100, other rows came; another batch has the same position",
    "chatty": "FAIL  nothing is written to standard output: ",
    "signal": "FAIL  signals, locale and working folder stay as they are: the action of signal 1 (Hangup) is another",
    "moves": "FAIL  signals, locale and working folder stay as they are: the folder was ",
    "leak": "FAIL  a closed instance leaves no memory behind: each of 3 does, the last one ",
}


@pytest.mark.parametrize("way", BROKEN)
def test_what_is_wrong_is_said_in_one_line(tow, way):
    if way == "leak" and SANITIZED:
        pytest.skip("the sanitizer counts memory itself")
    timeout = "500ms" if way == "frozen" else "30s"
    words = ["plugins", "test", module("broken"), "--option", f"way={way}", "--timeout", timeout]
    done = tow.run(*words, code=2)
    lines = done.stdout.splitlines()
    (failed,) = [line for line in lines if line.startswith("FAIL")]
    assert failed.startswith(BROKEN[way])
    assert re.match(r"\d+ passed, 1 failed, \d+ skipped", lines[-1])
    assert re.search(r"broken.so: 1 of \d+ checks failed", done.stderr)


def test_what_a_plugin_writes_is_not_part_of_the_report(tow):
    out = tow.run("plugins", "test", module("broken"), "--option", "way=chatty", code=2).stdout
    assert "beginning with \"reading on\"; use host->log" in out
    assert not [line for line in out.splitlines() if line.startswith("reading on")]


def test_a_timeout_must_be_a_duration(tow):
    assert "--timeout: " in tow.run("plugins", "test", module("broken"), "--timeout", "soon", code=2).stderr
