"""What docs/security.md promises: secrets that are found nowhere, memory that nobody gets, files of others that are not trusted."""

import os
import resource
import shlex
import shutil
import signal
import subprocess
import zlib
from pathlib import Path
from urllib.parse import quote

import pytest
from far_ends import CONNECTORS, LAKE, QUICK, far, secrets  # noqa: F401
from helpers import columns, is_running, until
from sandbox import sandbox, sandbox_process  # noqa: F401

def everything_said(tow):
    """What every command that looks at a job or its runs has to say."""
    said = ""
    for command in (["check", "job.cfg"], ["plan", "job.cfg"], ["runs"], ["runs", "show", 1], ["state", "show", "job"], ["rejects", 1]):
        for form in ([], ["--json"], ["-v"]):
            done = tow.run(*command, *form, code=None)
            said += done.stdout + done.stderr
    return said


def run_watched(tow, *args):
    """A run's exit code and all it said; with that, the argument lists of the process and of its children."""
    process = tow.start("run", "job.cfg", "-v", "--log-format", "json", *args, stdin=subprocess.DEVNULL, start_new_session=True)
    seen = set()
    while process.poll() is None:
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.getpgid(int(entry.name)) == process.pid:
                    seen.add((entry / "cmdline").read_bytes())
            except OSError:
                continue
    out, err = process.communicate()
    return process.returncode, (out + err + b"".join(seen)).decode()


@pytest.mark.parametrize("name", CONNECTORS)
@pytest.mark.parametrize("day", ["good", "refused"])
def test_no_secret_is_left_behind(tow, far, name, day):
    """Marked secrets are in nothing that a run has said or left: whether it went well, or the far end
    refused it."""
    source, sink, more = CONNECTORS[name]
    tow.job(source=source or "", sink=sink or "", more=more + QUICK)
    if day == "refused":
        far.faults([{"do": "answer", "path": ".*", "status": 401, "body": "who are you?", "times": 1000}])
    code, said = run_watched(tow)
    assert code == 0 or (day == "refused" and code in (2, 3)) or (day == "good" and code == 4), said
    said += everything_said(tow)
    kept = [path for path in tow.folder.rglob("*") if path.is_file()]
    assert tow.state in kept
    for secret in secrets(far):
        assert secret not in said
        assert not [path for path in kept if secret.encode() in path.read_bytes()]


# ---- memory -------------------------------------------------------------------------------------


def unlimited_core():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def dumps_core(process):
    """Kills it as a crash would: 1 where the kernel made a core file."""
    process.send_signal(signal.SIGSEGV)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -signal.SIGSEGV
    return os.WCOREDUMP(status)


def test_a_run_that_crashes_leaves_no_core_file(tow):
    other = subprocess.Popen(["sleep", "60"], cwd=tow.folder, preexec_fn=unlimited_core)
    until(lambda: Path(f"/proc/{other.pid}/comm").read_text() == "sleep\n")
    if not dumps_core(other):
        pytest.skip("this machine writes no core files at all")
    tow.job(source='plugin = "csv"; path = "-";')
    process = tow.start("run", "job.cfg", preexec_fn=unlimited_core)
    process.stdin.write(b"a\n1\n")
    process.stdin.flush()
    until(lambda: is_running(tow))
    assert not dumps_core(process)


# Blocks do not begin with what another left behind.
FRESH = "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0"


@pytest.mark.skipif("address" in os.environ.get("SANITIZERS", ""), reason="its allocator is another one")
@pytest.mark.parametrize("name", CONNECTORS)
def test_secrets_are_wiped_before_their_memory_goes(tow, far, name):
    """By all that is ours; libcurl, whose own copies docs/security.md owns up to, shows that the watch sees them."""
    source, sink, more = CONNECTORS[name]
    tow.job(source=source or "", sink=sink or "", more=more + QUICK)
    told = tow.folder / "wiped"
    watch = Path(os.environ["TOWPATH_BUILD"]) / ".libs" / "wiped.so"
    watched = "|".join(secrets(far)[:-1])
    tow.env.update(LD_PRELOAD=str(watch), GLIBC_TUNABLES=FRESH, WIPED_SECRETS=watched, WIPED_TO=str(told))
    tow.run("run", "job.cfg", code=None)
    modules = {Path(line).name for line in told.read_text().splitlines()} if told.exists() else set()
    assert not {module for module in modules if not module.startswith("lib")}
    assert any(module.startswith("libcurl") for module in modules) or name == "events"  # whose keys only sign


# ---- system calls -------------------------------------------------------------------------------

EPERM = 1


def is_confined(process):
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return (status["Seccomp"].strip(), status["NoNewPrivs"].strip()) == ("2", "1")


@pytest.fixture
def confines(tow):
    """Whether this machine and this build offer it."""
    tow.job(source='plugin = "fault"; at = "read"; how = "call";', sink='plugin = "null";')
    said = tow.run("run", "job.cfg", "-vv").stderr
    if "system calls are not filtered" in said:
        pytest.skip(said)
    assert "system calls are filtered" in said
    return said


def test_a_run_is_kept_from_what_moving_rows_does_not_need(tow, confines):
    """A plugin that tries them is told that it may not: a program, another process, a mount, a part of the kernel."""
    assert f"execve {EPERM}, ptrace {EPERM}, mount {EPERM}, bpf {EPERM}" in confines
    tow.job(source='plugin = "csv"; path = "-";', sink='plugin = "null";')
    process = tow.start("run", "job.cfg")
    process.stdin.write(b"a\n1\n")
    process.stdin.flush()
    until(lambda: is_running(tow))
    assert is_confined(process)
    # Nor can others of its user read what it was given; root can.
    if os.getuid() != 0:
        assert (Path("/proc") / str(process.pid) / "environ").stat().st_uid == 0


def test_a_job_may_let_its_plugins_start_programs(tow, confines):
    tow.job(source='plugin = "fault"; at = "read"; how = "call";', sink='plugin = "null";', more="  allow_programs = true;")
    said = tow.run("run", "job.cfg", "-vv").stderr
    assert "execve 0, ptrace" in said
    assert "system calls are not filtered: the job starts programs" in said
    tow.job(source='plugin = "csv"; path = "in.csv";', sink='plugin = "null";', more='  allow_programs = "yes";')
    assert "allow_programs: is of type string, must be of type boolean" in tow.run("check", "job.cfg", code=2).stderr


def test_an_option_that_names_a_program_is_enough(tow, far, confines):
    far.sql("CREATE TABLE main.crm.empty (id BIGINT, name STRING)")
    tow.write("login.sh", "#!/bin/sh\ntouch called\n").chmod(0o755)
    sink = 'plugin = "zerobus"; endpoint = "${env:ZEROBUS_URL}"; workspace_id = "1"; table = "main.crm.empty"; proxy = "";'
    tow.job(sink=f'{sink} headers_command = ["{tow.folder}/login.sh"]; schema = "columns";', more=QUICK + CONNECTORS["zerobus"][2])
    said = tow.run("run", "job.cfg", "-vv", code=None).stderr
    assert "system calls are not filtered: the job starts programs" in said
    assert (tow.folder / "called").exists(), said


# ---- command lines ------------------------------------------------------------------------------


def test_the_way_to_go_on_does_not_repeat_secrets(tow, far):
    tow.job(source='plugin = "csv"; path = "-";', sink=CONNECTORS["lytics"][1])
    secret = far.lytics_token
    process = tow.start("run", "job.cfg", "--set", "job.sink.token=" + secret, "--set", "sink.stream=t")
    process.stdin.write(b"a\n1\n")
    process.stdin.flush()
    until(lambda: is_running(tow))
    process.send_signal(signal.SIGTERM)
    text, said = tow.finish_open(process, 143)
    hint = next(line for line in text.splitlines() if line.startswith("go on "))
    assert shlex.split(hint)[5:] == ["--set", "job.sink.token=***", "--set", "sink.stream=t"]
    assert secret not in text + said


# ---- files of others ----------------------------------------------------------------------------


def test_a_job_file_that_others_can_write_is_a_warning(tow):
    tow.write("in.csv", "id\n1\n")
    tow.job().chmod(0o666)
    for command in ("check", "run"):
        said = tow.run(command, "job.cfg").stderr
        assert "job.cfg: warning: every user can write it (mode 0666), and so decides what runs; chmod go-w it" in said
    assert len(tow.rows()) == 1
    (tow.folder / "job.cfg").chmod(0o644)
    assert "warning" not in tow.run("check", "job.cfg").stderr


def test_a_plugin_that_others_can_write_is_not_loaded(tow):
    folder = tow.folder / "plugins"
    folder.mkdir()
    source = next(Path(place) / "csv.so" for place in os.environ["TOWPATH_PLUGIN_PATH"].split(":") if (Path(place) / "csv.so").exists())
    shutil.copyfile(source, folder / "csv.so")
    (folder / "csv.so").chmod(0o666)
    tow.write("in.csv", "id\n1\n")
    tow.job()
    said = tow.run("run", "job.cfg", "--plugin-path", folder, code=3).stderr
    assert f"plugin {folder}/csv.so is not loaded: every user can write it (mode 0666)" in said
    (folder / "csv.so").chmod(0o644)
    tow.run("run", "job.cfg", "--plugin-path", folder)


# ---- links in the way -----------------------------------------------------------------------------

EVERYWHERE = {
    "sink": 'plugin = "file"; path = "out.ndjson";',
    "more": '''  columns = ( { name = "id"; type = "int64"; } );
  results = { plugin = "file"; path = "results.ndjson"; };
  history = { plugin = "file"; path = "history.ndjson"; };
  pipeline = { checkpoint = "1ms"; };
''',
}
CHANGES = 'plugin = "lytics_audience_changes"; audiences = ["vip"]; id_field = "email"; spool = "spool"; listen = "127.0.0.1:0";'
OWN = ("job.cfg", "state/state.db", "state/state.db-wal", "state/state.db-shm")  # a folder of others' is refused for these


def run_from_input(tow, held=None):
    """A run that reads rows until it is let go, looked at meanwhile; one that nobody looks at may end before it reads."""
    process, rows = tow.start("run", "job.cfg"), b"id\n1\nx\n"
    if held:
        process.stdin.write(rows)
        process.stdin.flush()
        rows = None
        until(lambda: is_running(tow))
        until(held)
    process.communicate(rows)
    return process.returncode


def run_until_it_listens(tow, held=None):
    process = tow.start("run", "job.cfg", stdin=subprocess.DEVNULL)
    until(lambda: b"listening on port" in process.stderr.readline() or process.poll() is not None)
    if held:
        held()
    process.send_signal(signal.SIGTERM)
    process.communicate()
    return process.returncode


@pytest.mark.parametrize("run", [run_from_input, run_until_it_listens])
def test_planted_links_lead_nowhere(tow, run):
    """Wherever a run has made a file, a link stands in the next one's way: what it leads to stays as it was."""

    def files():
        return {str(path.relative_to(tow.folder)) for path in tow.folder.rglob("*") if path.is_file() or path.is_symlink()}

    def hold():
        seen.update(files())
        return run is run_until_it_listens or {".out.ndjson.tmp", ".results.ndjson.tmp"} <= seen

    if run is run_from_input:
        tow.job(source='plugin = "csv"; path = "-";', **EVERYWHERE)
    else:
        tow.job(source=CHANGES, sink='plugin = "null";')
    seen = set()
    assert run(tow, hold) in (0, 128 + signal.SIGTERM)
    seen |= files()
    assert len(seen - set(OWN)) > 1
    outside = tow.folder.parent / f"{tow.folder.name}-outside"
    outside.mkdir()
    for name in sorted(seen - set(OWN)):
        for victim in ("victim", "absent"):
            (outside / "victim").write_text("as it was")
            for path in tow.folder.iterdir():
                if path.name != "job.cfg":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            place = tow.folder / name
            for folder in reversed(place.relative_to(tow.folder).parents[:-1]):
                (tow.folder / folder).mkdir(mode=0o700)
            place.symlink_to(outside / victim)
            assert run(tow) in (0, 2, 3, 128 + signal.SIGTERM), name
            assert (outside / "victim").read_text() == "as it was", name
            assert [path.name for path in outside.iterdir()] == ["victim"], name


# ---- hostile values -----------------------------------------------------------------------------

HOSTILE = "a/../b?c=d&e=f#g%2e%00 \r\nX-Evil: 1"
IN_A_FILE = HOSTILE.replace("\r\n", "\\r\\n")
IN_A_PATH = quote(HOSTILE, safe="")
QUOTES = "x'; DROP TABLE main.crm.people; --`"


def test_a_hostile_stream_is_one_part_of_a_path(tow, far):
    """Nothing of it leads elsewhere, becomes a parameter or a header."""
    tow.job(sink=CONNECTORS["lytics"][1].replace('stream = "s"', f'stream = "{IN_A_FILE}"'), more=QUICK)
    tow.run("run", "job.cfg", code=None)
    came = [entry for entry in far.log("collect")]
    assert came
    assert {entry["path"] for entry in came} == {f"/bulk/collect/bulk/{IN_A_PATH}"}
    assert not [entry for entry in came if "c=d" in entry["query"]]


def test_a_hostile_audience_is_one_part_of_a_path(tow, far):
    tow.job(source=CONNECTORS["lytics_audience"][0].replace('"vip"', f'"{IN_A_FILE}"'), more=QUICK)
    said = tow.run("run", "job.cfg", code=2).stderr
    assert "\r" not in said and "X-Evil" in said
    assert [entry["path"] for entry in far.log("/v2/")] == [f"/v2/segment/{IN_A_PATH}"]


@pytest.mark.parametrize("option", ["table", "cursor", "columns"])
def test_sql_takes_names_as_names(tow, far, option):
    source = {
        "table": f'table = "main.crm.{QUOTES}";',
        "cursor": f'table = "main.crm.people"; cursor = "{QUOTES}";',
        "columns": f'table = "main.crm.people"; columns = ["{QUOTES}"];',
    }[option]
    tow.job(source=f'plugin = "databricks"; {source}', more=QUICK)
    assert tow.run("run", "job.cfg", code=None).returncode in (2, 3)
    assert far.sql("SELECT count(*) FROM main.crm.people") == [["2"]]
    for text in far.statements():
        assert "DROP TABLE" not in text or "`x'; DROP TABLE" in text


def test_values_of_rows_stay_values(tow, far):
    tow.write("in.csv", f'id,name\n1,"{QUOTES}"\n2,"\\\' OR 1=1 --"\n')
    tow.job(sink=LAKE.format("copied"), more=columns('name = "id"; type = "int64"', 'name = "name"') + QUICK)
    tow.run("run", "job.cfg")
    assert far.sql("SELECT name FROM main.crm.copied ORDER BY id") == [[QUOTES], ["\\' OR 1=1 --"]]
    assert far.sql("SELECT count(*) FROM main.crm.people") == [["2"]]


# ---- bombs --------------------------------------------------------------------------------------

BOMB = 512 << 20  # bytes that come out


def gzip_bomb(block):
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(block) for _ in range(BOMB // len(block))) + packer.flush()


def zstd_bomb(block):
    pyarrow = pytest.importorskip("pyarrow")
    frame = pyarrow.compress(block, codec="zstd", asbytes=True)
    return frame * (BOMB // len(block))


@pytest.mark.parametrize("pack", [gzip_bomb, zstd_bomb])
@pytest.mark.parametrize("text", [b"0", b"1,x\n"])
def test_a_bomb_takes_no_memory(tow, pack, text):
    """Half a GiB out of less than 4 MiB: one line that never ends, or lines without end."""
    data = pack(text * ((1 << 20) // len(text)))
    assert len(data) < 4 << 20
    (tow.folder / "bomb.csv").write_bytes(b"" + data)
    tow.job(source='plugin = "csv"; path = "bomb.csv"; header = false; columns = ["a", "b"];', sink='plugin = "null";')
    process = tow.start("run", "job.cfg", "--limit", 3_000_000, stdin=subprocess.DEVNULL)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 3, 4), (out, err)
    assert usage.ru_maxrss < (BOMB >> 10) // 2, usage.ru_maxrss


def test_a_zstd_window_that_is_too_large_is_refused(tow):
    """A frame of one block of 13 bytes whose header asks for 256 MiB."""
    frame = b"\x28\xb5\x2f\xfd\x00\x90" + (13 << 3 | 1).to_bytes(3, "little") + b"id,name\n1,An\n"
    (tow.folder / "in.csv").write_bytes(frame)
    tow.job()
    assert "window" in tow.run("run", "job.cfg", code=3).stderr.lower()
