"""The manual pages know what the program knows: commands, options, exit codes, job keys."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import COMMANDS

DOCS = Path(__file__).resolve().parents[2] / "docs"


def page(name):
    return (DOCS / name).read_text()


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not here")
@pytest.mark.parametrize("path", sorted([*DOCS.glob("*.[1-8]"), *DOCS.glob("man7/*.7")]), ids=lambda path: path.name)
def test_mandoc_has_nothing_to_say_of_a_page(path):
    """But for pages of other packages, which may not be installed."""
    done = subprocess.run(["mandoc", "-Tlint", "-Wstyle", path], capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in done.stdout.splitlines() if "referenced manual not found" not in line]
    assert said == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_in_the_manual(tow, command):
    text = tow.run(*command.split(), "--help").stdout
    options = set(re.findall(r"^ +(?:-\w, +)?--([a-z-]+)", text, re.M)) - {"help", "version"}
    assert options
    known = set(re.findall(r"(?:Fl|,) -([a-z-]+)", page("towpath.1")))
    known |= {"output"}  # the manual has it as -o
    assert options <= known, options - known


@pytest.mark.parametrize("command", COMMANDS)
def test_the_synopsis_of_a_command_has_its_options(tow, command):
    synopsis = page("towpath.1").split(".Sh SYNOPSIS\n")[1].split(".Sh DESCRIPTION")[0]
    lines = [
        form
        for form in synopsis.split(".Nm\n")
        if all(re.search(rf"^\.Cm {word}\b", form, re.M) for word in command.split())
    ]
    assert lines, command
    _, _, options = tow.run(*command.split(), "--help").stdout.partition("\nOptions:\n")
    for short, long in re.findall(r"^ +(?:-(\w), +)?--([a-z-]+)", options.partition("\nOptions of all")[0], re.M):
        named = rf"(?:Fl|\|) -{long}\b" + (rf"|Fl {short}\b" if short else "")
        assert any(re.search(named, form) for form in lines), (command, long)


def test_every_command_is_in_the_manual(tow):
    listed = set(re.findall(r"^  ([a-z]+) .*  ", tow.run("help").stdout, re.M))
    assert {"run", "check", "replay"} <= listed
    for command in listed:
        assert re.search(rf"^\.Cm .*\b{command}\b", page("towpath.1"), re.M), command


def test_exit_codes_of_help_and_manual_agree(tow):
    text = tow.run("run", "--help").stdout
    codes = set(re.findall(r"^  (\d+)(?:,(\d+))?  ", text.split("Exit codes:")[1], re.M))
    helped = {code for pair in codes for code in pair if code}
    manual = page("towpath.1").split(".Sh EXIT STATUS")[1].split(".Sh EXAMPLES")[0]
    documented = set(re.findall(r"\d+", " ".join(re.findall(r"^\.It (.*)$", manual, re.M))))
    assert helped == documented


def test_every_key_of_a_job_file_is_in_the_manual(tow):
    """A wrong key makes `check` name the nearest; so each documented key must be taken."""
    manual = page("towpath-job.5")
    keys = {
        "rejects": ["max", "max_percent"],
        "retry": ["base", "cap", "budget", "tries"],
        "pipeline": [
            "batch_rows",
            "batch_bytes",
            "queue_batches",
            "queue_bytes",
            "workers",
            "checkpoint",
            "drain",
        ],
        "schedule": [
            "every",
            "cron",
            "frequency",
            "at",
            "day_of_week",
            "day_of_month",
            "timezone",
            "jitter",
            "timeout",
            "overlap",
            "catch_up",
            "keep_updated",
            "first_run",
            "tries",
            "retry_wait",
        ],
    }
    tow.write("in.csv", "a\n1\n")
    for section, names in keys.items():
        for name in names:
            assert re.search(rf"^\.(It )?Ic {name}\b", manual, re.M), name
            job = tow.job(more=f"  {section} = {{ {name} = ( ); }};")
            found = tow.run("check", job, code=2).stderr
            assert "unknown" not in found, found
