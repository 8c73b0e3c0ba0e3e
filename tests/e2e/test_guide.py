"""README.md and docs/plugin-guide.md: their plugins, jobs and commands do what is said of them.

The plugins are those of the suite's build; test_install.py builds them as the guide says.
"""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from snippets import GUIDE, README, SOURCE, commands, jobs

ROWS = 10_000_000


def module(name):
    folders = os.environ["TOWPATH_PLUGIN_PATH"].split(":")
    return next(path for path in (Path(f) / f"{name}.so" for f in folders) if path.exists())


def test_counter_is_as_short_as_it_is_said_to_be():
    lines = len((SOURCE / "docs/guide/counter.c").read_text().splitlines())
    assert lines < 60
    for page in (GUIDE, README):
        said = re.findall(r"\b(\d+) lines", page.read_text())
        assert said and set(said) == {str(lines)}, page


@pytest.mark.parametrize("name, options", [("counter", []), ("tally", ["path=count.txt"])])
def test_plugins_of_the_guide_pass_the_conformance_suite(tow, name, options):
    given = [word for option in options for word in ("--option", option)]
    out = tow.run("plugins", "test", module(name), *given).stdout
    assert re.search(r"^\d+ passed, 0 failed", out, re.M), out


def test_the_job_of_the_guide_counts(tow):
    (job,) = jobs(GUIDE)
    tow.write("count.cfg", job)
    tow.run("check", "count.cfg")
    tow.run("run", "count.cfg", "--quiet")
    wanted = ["n", *map(str, range(100_000))]
    assert (tow.folder / "numbers.csv").read_text().split() == wanted


def has_token(tow):
    """The job has a checkpoint in the middle of a load."""
    shown = tow.run("state", "show", "count", "--json", code=None)
    return shown.returncode == 0 and re.search(r'"tokens": \[\s*[^\s\]]', shown.stdout)


def test_a_killed_count_goes_on_and_counts_each_row_once(tow):
    job = tow.job(
        name="count",
        source=f'plugin = "counter"; rows = {ROWS};',
        sink=f'plugin = "tally"; path = "count.txt"; max_rows = {ROWS};',
        more='  pipeline = { checkpoint = "5ms"; };',
    )
    process = tow.start("run", job, "--quiet")
    while not has_token(tow):
        assert process.poll() is None, "the run ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tow.folder / "count.txt").exists()

    report = tow.json("run", job, "--quiet")
    assert 0 < report["rows"]["read"] < ROWS
    counted = (tow.folder / "count.txt").read_text()
    assert counted == f"rows {ROWS}\nnulls in column 1: 0\n"


def test_jobs_of_the_readme_pass_check(tow):
    shutil.copy(SOURCE / "conf/demo/audience.csv", tow.folder)
    for job in jobs(README):
        tow.write("audience.cfg", job)
        tow.run("check", "audience.cfg")


def test_commands_of_the_readme_work_one_after_another(tow):
    """With the demo's job, in the order in which they are written."""
    for name in ("audience.cfg", "audience.csv"):
        shutil.copy(SOURCE / "conf/demo" / name, tow.folder)
    program = Path(tow.program).parent
    env = {**tow.env, "PATH": f"{program}:{os.environ['PATH']}"}
    lines = commands(README, "towpath")
    assert len(lines) >= 7
    for line in lines:
        done = subprocess.run(
            line,
            shell=True,
            cwd=tow.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (line, done.stderr)
