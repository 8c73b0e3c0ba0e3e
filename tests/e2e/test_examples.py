"""Every example of README.md, of docs and of the manual pages does what it is shown for.

A block says by its info string what it is. Jobs, and pieces of jobs, pass `check` and fit the schema; of commands
and of what they print, COVERED tells which test runs them.
"""

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import jobfile
import pytest
from conftest import COMMANDS
from snippets import PAGES, SOURCE, all_blocks, displays, fences, like, session, settings, spoken_commands

BLOCKS = all_blocks()
JOBS = [block for block in BLOCKS if block.info == "cfg"]
SCHEMA = jobfile.Schema(json.loads((SOURCE / "docs/job.schema.json").read_text()))

# By page and first line: the test that runs it, or why none does.
COVERED = {
    ("README.md", "./quickstart demo"): "test_demo.py; and that of the whole suite is the suite",
    ("README.md", "== towpath run audience.cfg"): "test_demo.py",
    ("README.md", "towpath init csv file"): "test_guide.py",
    ("docs/bench/README.md", "make bench"): "test_examples.py: its targets and variables",
    ("docs/first-job.md", "$ "): "test_examples.py",
    ("docs/lytics.md", "$ ./quickstart sandbox"): "test_examples.py",
    ("docs/lytics.md", '{"fields":'): "test_examples.py",
    ("docs/lytics.md", "$ export U="): "test_examples.py",
    ("docs/operate.md", "./quickstart build"): "packaging/try-deb.sh; it takes minutes",
    ("docs/operate.md", "./configure --prefix=/usr"): "it installs into the system, as root",
    ("docs/operate.md", "install -d"): "it installs into the system, as root",
    ("docs/operate.md", "curl -X POST"): "test_daemon_http.py; systemd is not where tests run",
    ("docs/operate.md", "docker build"): "docker is not among what the tests need",
    ("docs/operate.md", "[Service]"): "test_service.py",
    ("docs/operate.md", "sqlite3 /var/lib/towpath/state.db"): "test_examples.py",
    ("docs/operate.md", 'sqlite3 state.db "BEGIN;'): "test_examples.py",
    ("docs/operate.md", "towpath jobs"): "test_examples.py",
    ("docs/plugin-guide.md", "cc -std=gnu11"): "test_install.py",
    ("docs/plugin-guide.md", "gdb "): "gdb is not among what the tests need",
    ("docs/hacking.md", "make -C build -s -j2"): "test_hacking.py: targets",
    ("docs/hacking.md", "./quickstart check   "): "test_hacking.py: targets and scripts",
    ("docs/hacking.md", "mkdir -p build-static"): "packaging/try-preloaded.sh",
    ("docs/hacking.md", "gdb "): "gdb is not among what the tests need",
    ("docs/hacking.md", "mkdir -p build-asan"): "./quickstart check",
    ("docs/hacking.md", "mkdir -p build-tsan"): "./quickstart check",
    ("docs/hacking.md", "tests/long/fuzz.sh"): "make long; clang is not among what the tests need",
    ("docs/hacking.md", "# A release is tried"): "test_hacking.py: scripts; they take minutes",
    ("docs/towpath.1", "towpath init csv file"): "test_examples.py",
}


def entry(block):
    return next((key for key in COVERED if key[0] == block.page and block.first.startswith(key[1])), None)


def block_of(page, first):
    (found,) = [block for block in BLOCKS if block.page == page and block.first.startswith(first)]
    return found


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page}:{block.line}")
def test_a_block_says_what_it_is_and_some_test_runs_it(block):
    assert block.info in ("cfg", "sh", "console", "ini", "json", "text"), "give it an info string, or a test to a new one"
    assert (block.info == "cfg") != bool(entry(block)), "COVERED has to name what runs it"


@pytest.mark.parametrize("block", [one for one in BLOCKS if one.info == "json"], ids=lambda block: f"{block.page}:{block.line}")
def test_json_is_json(block):
    json.loads(block.text)


def test_nothing_is_covered_that_is_not_there():
    assert {entry(block) for block in BLOCKS} - {None} == set(COVERED)
    for reason in COVERED.values():
        for test in re.findall(r"test_\w+\.py", reason):
            assert (SOURCE / "tests/e2e" / test).exists(), test


# -- jobs ------------------------------------------------------------------------------------------

CONNECTIONS = """connections = { lakehouse = { host = "adb-123.4.azuredatabricks.net";
  http_path = "/sql/1.0/warehouses/0123456789abcdef"; token = "${env:DATABRICKS_TOKEN}"; }; };
"""
# For jobs that leave it to the environment where Databricks is.
AT_HOME = {
    "DATABRICKS_HOST": "adb-123.4.azuredatabricks.net",
    "DATABRICKS_WAREHOUSE_ID": "0123456789abcdef",
    "DATABRICKS_TOKEN": "dapi-1",
}
LACKING = {"source": 'source = { plugin = "csv"; path = "in.csv"; };', "sink": 'sink = { plugin = "null"; };'}


def whole_jobs(text):
    """A job as it stands. A piece of one with what it lacks; where a section is there twice, these are alternatives."""
    parts = settings(text)
    names = [name for name, _ in parts]
    if "version" in names:
        return [text]
    groups = [parts] if len(set(names)) == len(names) else [[part] for part in parts]
    jobs = []
    for group in groups:
        lacking = [more for name, more in LACKING.items() if name not in dict(group)]
        body = "\n".join([*(piece for _, piece in group), *lacking])
        jobs.append(f'version = 1;\n@include "connections.cfg"\njob = {{ name = "example";\n{body}\n}};\n')
    return jobs


def write_input(tow, job):
    """Files as the job's source wants them, with the columns that it uses."""
    source = job["source"]
    if source["plugin"] != "csv" or "connection" in source:
        return
    path = source["path"].replace("*", "a") + ("a.csv" if source["path"].endswith("/") else "")
    used = [one.get("from", one["name"]) for one in job.get("columns", []) if "value" not in one]
    header = ",".join(used or ["id", "stream", "data"])
    if path.endswith(".gz"):
        done = subprocess.run(["gzip"], input=f"{header}\n".encode(), stdout=subprocess.PIPE, check=True, timeout=60)
        tow.write(path, "")
        (tow.folder / path).write_bytes(done.stdout)
    else:
        tow.write(path, f"{header}\n")


@pytest.mark.parametrize("block", JOBS, ids=lambda block: f"{block.page}:{block.line}")
def test_a_job_passes_check_without_a_warning_and_fits_the_schema(tow, block):
    tow.write("connections.cfg", CONNECTIONS)
    for number, text in enumerate(whole_jobs(block.text)):
        path = tow.write(f"example{number}.cfg", text)
        read = jobfile.read(path)
        write_input(tow, read["job"])
        names = re.findall(r"\$\{env:(\w+)\}", text)
        env = {name: "https://hooks.example.com" if name.endswith("_URL") else f"value-of-{name}" for name in names}
        said = tow.run("check", path, env={**(AT_HOME if "client_id" not in text else {}), **env})
        assert " 0 warnings" in said.stdout, said.stderr
        assert list(SCHEMA.faults(read)) == []


def test_a_job_that_is_wrong_would_be_found(tow):
    (job,) = whole_jobs('source = { plugin = "csv"; pth = "in.csv"; };')
    tow.write("connections.cfg", CONNECTIONS)
    assert 'plugin csv has no key "pth"' in tow.run("check", tow.write("job.cfg", job), code=2).stderr
    assert len(whole_jobs('schedule = { every = "1m"; };\nschedule = { cron = "@daily"; };  # or so\n')) == 2


# -- commands --------------------------------------------------------------------------------------


class Shell:
    """Runs lines as they stand in a page, the program among them. What a machine may lack is stood in for."""

    def __init__(self, tow):
        self.tow = tow
        tools = tow.folder / "tools"
        tools.mkdir()
        (tools / "towpath").symlink_to(tow.program)
        stand_ins = Path(__file__).with_name("stand_ins.py")
        for name in ("curl", "sqlite3", "rsync", "journalctl"):
            tool = tools / name
            tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{stand_ins}" {name} "$@"\n')
            tool.chmod(0o755)
        self.env = {**tow.env, "PATH": f"{tools}:{os.environ['PATH']}"}

    def run(self, script, code=0, **env):
        done = subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=self.tow.folder,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, (script, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture
def shell(tow):
    return Shell(tow)


def test_lytics_can_be_tried_without_accounts(shell, sandbox):
    address = "http://127.0.0.1:41873"
    ((_, (about,)),) = session(block_of("docs/lytics.md", "$ ./quickstart sandbox"))
    assert like(json.dumps({"url": address, "storage_url": ""}), about)
    shutil.copytree(SOURCE / "conf", shell.tow.folder / "conf")
    shell.tow.write("seed.json", block_of("docs/lytics.md", '{"fields":').text)
    steps = session(block_of("docs/lytics.md", "$ export U="))
    script, (shown,) = "\n".join(typed for typed, _ in steps), steps[-1][1]
    assert address in script
    for said in (sandbox.token, sandbox.http_path, sandbox.lytics_token):
        assert said in script, "the page has what the sandbox always says"
    said = shell.run(script.replace(address, sandbox.url)).splitlines()[-1]
    assert like(said, shown)
    assert len(json.loads(said)["streams"]["databricks_main_lytics_lytics_user_vip"]) == 2


def test_the_first_job_goes_as_its_page_says(shell):
    """All its sessions one after the other, in one shell, and what comes back on the terminal."""
    home = f"{shell.tow.folder}/home"
    steps = [step for block in fences(SOURCE / "docs/first-job.md") for step in session(block)]
    assert len(steps) > 12
    mark = "-- step --"
    script = "\n".join(f"echo '{mark}'\n{typed}" for typed, _ in steps).replace("/home/you", home)
    said = shell.run(f"set +e; exec 2>&1\n{script}").replace(home, "/home/you").split(f"{mark}\n")[1:]
    for (typed, shown), lines in zip(steps, said, strict=True):
        assert len(lines.splitlines()) == len(shown), (typed, lines)
        for line, wanted in zip(lines.splitlines(), shown):
            assert like(line, wanted), (typed, lines)


def test_the_first_job_of_the_manual_runs(shell):
    shell.tow.write("in.csv", "id,name\n1,Ann\n")
    (block,) = displays(SOURCE / "docs/towpath.1")
    shell.run(block.text)
    assert [run["status"] for run in shell.tow.json("runs")] == ["ok"]


@pytest.fixture
def operated(shell):
    """A job that has read a file and rejected a row, for an operator."""
    tow = shell.tow
    tow.write("in.csv", "id\n1\nx\n")
    tow.job(
        name="old",
        file="jobs.d/old.cfg",
        source='plugin = "csv"; path = "../in.csv"; incremental = "file";',
        sink='plugin = "file"; path = "../out-{load}.csv";',
        more='columns = ( { name = "id"; type = "int64"; } );',
    )
    tow.run("run", "jobs.d/old.cfg")
    return shell


def paths(shell, text):
    """The page's commands with the paths of this test."""
    (shell.tow.folder / "backup").mkdir(exist_ok=True)
    text = text.replace("/var/lib/towpath", str(shell.tow.state.parent)).replace("/backup", f"{shell.tow.folder}/backup")
    return re.sub(r"(?<![/\w])state\.db", str(shell.tow.state), text)


def test_a_backup_can_be_restored(operated):
    tow = operated.tow
    operated.run(paths(operated, block_of("docs/operate.md", "sqlite3 /var/lib/towpath").text))
    (copy,) = (tow.folder / "backup").glob("state-*.db")
    assert (tow.folder / "backup/state.rejects/old/1.ndjson").exists()
    tow.run("state", "reset", "old", "--ledger", "--yes")
    for name in ("state.db-wal", "state.db-shm"):
        (tow.state.parent / name).unlink(missing_ok=True)
    shutil.copyfile(copy, tow.state)
    tow.state.chmod(0o600)
    assert [run["run"] for run in tow.json("runs")] == [1]
    assert tow.json("run", "jobs.d/old.cfg")["rows"]["read"] == 0


def test_a_job_can_be_moved_to_another_name(operated):
    """Every table that names jobs is named there, and the job goes on where it was."""
    tow = operated.tow
    script = block_of("docs/operate.md", 'sqlite3 state.db "BEGIN;').text
    with sqlite3.connect(tow.state) as state:
        tables = [row[0] for row in state.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        named = {one for one in tables if "job" in {row[1] for row in state.execute(f"PRAGMA table_info({one})")}}
    assert named - {"runs", "locks", "alerts"} == set(re.findall(r"UPDATE (\w+)", script))
    operated.run(paths(operated, script))
    job = (tow.folder / "jobs.d/old.cfg").read_text().replace('name = "old"', 'name = "new"')
    tow.write("jobs.d/new.cfg", job)
    assert tow.json("run", "jobs.d/new.cfg")["rows"]["read"] == 0


def test_old_runs_may_be_deleted(operated):
    text = (SOURCE / "docs/operate.md").read_text()
    (sql,) = re.findall(r'"(DELETE FROM runs WHERE end_us < )\.\.\."', text)
    with sqlite3.connect(operated.tow.state) as state:
        state.execute(f"{sql}0")


def test_a_failed_run_is_read_by_the_commands_of_the_page(operated):
    script = block_of("docs/operate.md", "towpath jobs").text
    said = operated.run(re.sub(r"  +[a-z].*$", "", script, flags=re.M).replace("JOB", "old").replace("4711", "1"))
    assert "bad_int64" in said


def test_the_bench_knows_its_variables_and_the_tree_its_targets():
    makefiles = "".join(path.read_text() for path in SOURCE.rglob("Makefile.inc"))
    rules = set(re.findall(r"^([a-z][\w-]*):", makefiles, re.M)) | {"check", "install", "dist", "distcheck"}
    texts = "".join(path.read_text() for path in (SOURCE / "tests/bench").iterdir() if path.is_file())
    read = (SOURCE / "docs/bench/README.md").read_text()
    for name in set(re.findall(r"\bBENCH_\w+", read)):
        assert name in texts + makefiles, name
    for block in BLOCKS:
        for target in re.findall(r"^make ([a-z][a-z-]*)", block.text, re.M):
            assert target in rules, (block.page, target)


def test_configure_knows_the_switches_that_pages_name():
    known = set(re.findall(r"^ +(--[\w-]+)", (SOURCE / "configure").read_text(), re.M))
    assert "--enable-asan" in known
    for page in PAGES:
        for switch in re.findall(r"--(?:with|enable|disable)-[a-z][\w-]*", page.read_text()):
            assert switch in known or switch.replace("disable", "enable") in known, (page, switch)


# -- commands in the middle of text ----------------------------------------------------------------

HELP = {}


def help_of(tow, *command):
    if command not in HELP:
        HELP[command] = tow.run(*command, "--help").stdout
    return HELP[command]


def command_of(words):
    """The command that the words name, and the rest."""
    for count in (2, 1):
        if " ".join(words[1 : 1 + count]) in [*COMMANDS, "help"]:
            return words[1 : 1 + count], words[1 + count :]
    if words[1:2] in (["plugins"], ["state"], ["setup"]):
        return words[1:2], words[2:]
    return None, words[1:]


def shown_in_help(tow):
    """The examples of --help, as (command, words)."""
    for command in COMMANDS:
        _, _, examples = help_of(tow, *command.split()).partition("\nExample:\n")
        for line in examples.splitlines():
            if line.startswith("  towpath "):
                yield command, shlex.split(line.split("  #")[0])


def test_commands_in_the_text_are_commands_with_options_of_theirs(tow):
    seen = 0
    for page, words in [*spoken_commands(), *shown_in_help(tow)]:
        if words[1].isupper():  # NAME WORD, of any plugin
            continue
        while len(words) > 2 and words[1] in ("--state", "--plugin-path"):
            words = [words[0], *words[3:]]
        command, rest = command_of(words)
        if command is None:  # a plugin's own word: towpath zerobus proto
            shown = tow.json("plugins", "show", words[1])
            known = {f"--{option['name']}" for option in shown["options"]} | {"--output", "-o"}
        else:
            known = set(re.findall(r"(?<![\w-])(-\w|--[\w-]+)", help_of(tow, *command)))
            if command == ["plugins", "show"] and rest and rest[0].islower():
                known |= {f"--{option['name']}" for option in tow.json("plugins", "show", rest[0])["options"]}
        for word in rest:
            if word.startswith("-") and len(word) > 1:
                assert word.split("=")[0] in known, (page, words)
        seen += 1
    assert seen > 60
