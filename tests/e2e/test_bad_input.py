"""Whatever can be wrong: a clear message, the right exit code, nothing lost, the state as it was.

`check` and `run` are both put before each broken job file: what `check` passes, `run` must not
refuse for a reason that could be known offline, and both must say the same.
"""

import gzip
import json
import os
import resource
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from helpers import CSV, IN, checkpoint, columns, contents, counts, ids, is_running, launch
from helpers import numbered, put, until

FILE = 'plugin = "file"; path = "out.ndjson";'
HEAD = 'version = 1;\njob = {\n  name = "job";\n'
NOBODY = 65534


# ---- helpers -------------------------------------------------------------------------------------


@pytest.fixture
def stranger(tow):
    """The program in a folder of a user who is not root, and what starts it as that user."""
    if os.geteuid() != 0:
        yield tow, {}
        return
    folder = Path(tempfile.mkdtemp(prefix="towpath-test-"))
    (folder / "plugins").mkdir()
    for place in os.environ.get("TOWPATH_PLUGIN_PATH", "").split(":"):
        for plugin in ("csv.so", "file.so"):
            if (Path(place) / plugin).exists():
                shutil.copy(Path(place) / plugin, folder / "plugins")
    tow.program = shutil.copy(tow.program, folder / "program")
    tow.folder = folder / "work"
    tow.folder.mkdir()
    tow.state = tow.folder / "state" / "state.db"
    tow.env.update(
        HOME=str(tow.folder), TOWPATH_STATE=str(tow.state), TOWPATH_PLUGIN_PATH=f"{folder}/plugins"
    )
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o755)
    yield tow, {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    shutil.rmtree(folder)


# ---- job files that are wrong --------------------------------------------------------------------


def wrong(name, *words, line=4, run=2, check=2, **parts):
    """A job file that is refused: `words` stand in the messages, `line` is where it is wrong."""
    return pytest.param(
        {"words": words, "line": line, "run": run, "check": check, "parts": parts}, id=name
    )


def misfit(name, *words):
    return wrong(f"plugin {name}", name, *words, source=f'plugin = "{name}";')


WRONG = [
    # What is called otherwise.
    wrong(
        "plugin",
        'no plugin "cvs"',
        'did you mean "csv"?',
        source='plugin = "cvs"; path = "in.csv";',
    ),
    wrong(
        "kind of plugin", 'plugin "file" is no source', source='plugin = "file"; path = "in.csv";'
    ),
    wrong(
        "results plugin", 'no plugin "fil"', '"file"', line=6, more='results = { plugin = "fil"; };'
    ),
    wrong(
        "transform plugin",
        'no plugin "csw"',
        '"csv"',
        line=6,
        more='transforms = ( { plugin = "csw"; } );',
    ),
    wrong("source option", 'csv has no key "hedder"', '"header"', source=CSV + " hedder = true;"),
    wrong("sink option", 'file has no key "leval"', '"level"', line=5, sink=FILE + " leval = 1;"),
    wrong(
        "results option",
        'file has no key "pth"',
        '"path"',
        line=6,
        more='results = { plugin = "file"; pth = "r.csv"; };',
    ),
    wrong(
        "column",
        "column who",
        'no column "nmae"',
        '"name"',
        line=6,
        more=columns('name = "who"; from = "nmae";'),
    ),
    wrong(
        "key of a column",
        'no key "frm"',
        '"from"',
        line=6,
        more=columns('name = "id"; frm = "id";'),
    ),
    wrong(
        "key of rejects",
        'rejects has no key "maxx"',
        '"max"',
        line=6,
        more="rejects = { maxx = 1; };",
    ),
    wrong(
        "key of retry",
        'retry has no key "trise"',
        '"tries"',
        line=6,
        more="retry = { trise = 1; };",
    ),
    wrong(
        "key of pipeline",
        'pipeline has no key "batch_row"',
        '"batch_rows"',
        line=6,
        more="pipeline = { batch_row = 1; };",
    ),
    wrong("key of the job", 'job has no key "sorce"', '"source"', line=6, more="sorce = { };"),
    wrong(
        "key of the file",
        'no key "verson"',
        '"version"',
        line=1,
        text='verson = 1;\nversion = 1;\njob = { name = "job"; source = { %s }; sink = { %s }; };\n'
        % (CSV, FILE),
    ),
    wrong(
        "connection",
        'no connection "hree"',
        '"here"',
        line=4,
        text='version = 1;\nconnections = { here = { path = "in.csv"; }; };\n'
        'job = { name = "job";\nsource = { plugin = "csv"; connection = "hree"; };\n'
        "sink = { %s }; };\n" % FILE,
    ),
    # Values.
    wrong("type of an option", "header", "string", "boolean", source=CSV + ' header = "yes";'),
    wrong(
        "bounds",
        "level",
        "10",
        "0 .. 9",
        line=5,
        sink='plugin = "file"; path = "out.csv.gz"; level = 10;',
    ),
    wrong("choice", "column_count", '"stict"', '"strict"', source=CSV + ' column_count = "stict";'),
    wrong("size", "max_row_bytes", "16XB", source=CSV + ' max_row_bytes = "16XB";'),
    wrong(
        "duration",
        "checkpoint",
        "5 parsecs",
        line=6,
        more='pipeline = { checkpoint = "5 parsecs"; };',
    ),
    wrong(
        "type of a column",
        '"int63"',
        '"int64"',
        line=6,
        more=columns('name = "id"; type = "int63";'),
    ),
    wrong(
        "default",
        "column id",
        '"x"',
        "int32",
        line=6,
        more=columns('name = "id"; type = "int32"; default = "x";'),
    ),
    wrong(
        "value and from",
        '"value" and "from"',
        line=6,
        more=columns('name = "id"; from = "id"; value = "x";'),
    ),
    wrong(
        "name of the job",
        '"a job"',
        line=3,
        text=HEAD.replace('"job"', '"a job"')
        + f"source = {{ {CSV} }};\nsink = {{ {FILE} }};\n}};\n",
    ),
    wrong(
        "version",
        "version is 2",
        line=1,
        text=HEAD.replace("= 1", "= 2") + f"source = {{ {CSV} }};\nsink = {{ {FILE} }};\n}};\n",
    ),
    wrong("syntax", "never closed", "'}'", line=2, text=HEAD),
    # Integers that libconfig would wrap.
    wrong("integer", "skip_lines", "32 bits", "an L", source=CSV + " skip_lines = 2147483648;"),
    wrong(
        "hexadecimal integer",
        "skip_lines",
        "32 bits",
        "an L",
        source=CSV + " skip_lines = 0xFFFFFFFF;",
    ),
    wrong(
        "negative integer",
        "skip_lines",
        "32 bits",
        "an L",
        source=CSV + " skip_lines = -2147483649;",
    ),
    wrong(
        "integer beyond 64 bits",
        "max_rows",
        "64 bits",
        line=5,
        sink='plugin = "file"; path = "{part}.csv"; max_rows = 99999999999999999999L;',
    ),
    wrong(
        "included integer",
        "more.cfg:2: error: ",
        "skip_lines",
        "32 bits",
        "an L",
        line=None,
        text='version = 1;\n@include "more.cfg"\njob = { name = "job";\n'
        'source = { plugin = "csv"; connection = "x"; }; sink = { %s }; };\n' % FILE,
        files={
            "more.cfg": 'connections = { x = { path = "in.csv";\nskip_lines = 4294967296; }; };\n'
        },
    ),
    # Variables and files.
    wrong(
        "variable",
        "delimiter",
        "${env:TOW_ABSENT}",
        "not set",
        source=CSV + ' delimiter = "${env:TOW_ABSENT}";',
    ),
    wrong(
        "file",
        "delimiter",
        "${file:/nowhere/x}",
        "No such file",
        source=CSV + ' delimiter = "${file:/nowhere/x}";',
    ),
    wrong("reference", "delimiter", "${env:NAME}", source=CSV + ' delimiter = "${enf:X}";'),
    wrong(
        "include",
        "absent.cfg",
        "No such file",
        line=2,
        text='version = 1;\n@include "absent.cfg"\njob = { name = "job";\n'
        "source = { %s }; sink = { %s }; };\n" % (CSV, FILE),
    ),
    # Names that stand twice.
    wrong(
        "column of the file twice",
        "in.csv",
        "columns 1 and 3",
        '"id"',
        files={"in.csv": "id,name,id\n1,a,2\n"},
    ),
    wrong(
        "column of the job twice",
        "two columns",
        '"x"',
        line=6,
        more=columns('name = "x"; from = "id";', 'name = "x"; from = "name";'),
    ),
    wrong(
        "column without a name",
        "in.csv",
        "column 2 of 3",
        "no name",
        files={"in.csv": "id,,x\n1,a,2\n"},
    ),
    # Input and output.
    wrong(
        "input missing",
        "absent.csv",
        "No such file",
        run=3,
        source='plugin = "csv"; path = "absent.csv";',
    ),
    wrong("input empty", "in.csv", "no file with a header", run=3, files={"in.csv": ""}),
    wrong(
        "folder without files",
        "void",
        "no file with a header",
        run=3,
        source='plugin = "csv"; path = "void";',
        files={"void": None},
    ),
    wrong(
        "pattern without files",
        "no*.csv",
        "no file with a header",
        run=3,
        source='plugin = "csv"; path = "no*.csv";',
    ),
    wrong(
        "header broken off",
        "in.csv",
        "middle of a gzip member",
        "offset 12",
        run=3,
        files={"in.csv": gzip.compress(IN.encode())[:12]},
    ),
    wrong(
        "columns otherwise",
        "b.csv",
        "lacks",
        '"name"',
        '"nome"',
        run=3,
        check=0,
        source='plugin = "csv"; path = "many";',
        files={"many/a.csv": IN, "many/b.csv": "id,nome\n3,x\n"},
    ),
    wrong(
        "output is a folder", "out.ndjson", "is a folder", line=5, run=3, files={"out.ndjson": None}
    ),
    wrong(
        "output folder missing",
        "/none",
        "No such file",
        line=5,
        run=3,
        sink='plugin = "file"; path = "none/out.csv";',
    ),
    wrong(
        "output without a name",
        "names a folder",
        line=5,
        sink='plugin = "file"; path = "out/"; format = "csv";',
        files={"out": None},
    ),
    wrong(
        "format unknown",
        "out.dat",
        ".ndjson",
        "format",
        line=5,
        sink='plugin = "file"; path = "out.dat";',
    ),
    wrong(
        "part without need",
        "max_rows",
        "{part}",
        "out.csv",
        line=5,
        sink='plugin = "file"; path = "out.csv"; max_rows = 3;',
    ),
    wrong(
        "part of a folder",
        "{part}",
        "file name only",
        line=5,
        sink='plugin = "file"; path = "{part}/out.csv"; max_rows = 3;',
    ),
    wrong(
        "part twice",
        "{part} twice",
        line=5,
        sink='plugin = "file"; path = "{part}{part}.csv"; max_rows = 3;',
    ),
    wrong(
        "option of the other format",
        "omit_nulls",
        "ndjson",
        "csv",
        line=5,
        sink='plugin = "file"; path = "out.csv"; omit_nulls = true;',
    ),
    # Plugins that do not fit.
    misfit("misfit_major", "ABI 2.2", "1.2"),
    misfit("misfit_short", "32 bytes", "smallest"),
    misfit("misfit_library", "misfit_absent_function"),
    misfit("misfit_noentry", "misfit_noentry_LTX_tow_plugin_entry"),
    misfit("misfit_minor", "ABI 1.3", "1.2"),
    misfit("misfit_name", '"somebody_else"'),
    misfit("misfit_member", "`read`"),
    # Only a run can know.
    wrong(
        "data broken off",
        "in.csv",
        "middle of a gzip member",
        run=3,
        check=0,
        files={"in.csv": gzip.compress(numbered(20000).encode())[:50000]},
    ),
    wrong(
        "data refused",
        "rejects.max is 0",
        run=5,
        check=0,
        more=columns('name = "name"; type = "int8";') + " rejects = { max = 0; };",
    ),
    wrong(
        "too much refused",
        "max_percent",
        "100",
        run=5,
        check=0,
        more=columns('name = "name"; type = "int8";') + " rejects = { max_percent = 50.0; };",
    ),
]


def write_case(tow, parts):
    put(tow.folder, {"in.csv": IN, **parts.get("files", {})})
    if "text" in parts:
        tow.write("job.cfg", parts["text"])
    else:
        tow.job(
            source=parts.get("source", CSV),
            sink=parts.get("sink", FILE),
            more=parts.get("more", ""),
        )
    plugin = re.search(r"misfit_\w+", parts.get("source", ""))
    if plugin and plugin[0] not in [each["name"] for each in tow.json("plugins", "list")]:
        pytest.skip(f"{plugin[0]} is not built")


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_alike_by_check_and_run(tow, case):
    write_case(tow, case["parts"])
    before = contents(tow.folder)
    check = tow.run("check", "job.cfg", code=case["check"])
    assert contents(tow.folder) == before and not tow.state.exists()
    run = tow.run("run", "job.cfg", "-q", code=case["run"])
    for word in case["words"]:
        assert word in run.stderr
    if case["check"] == 0:
        return
    first = check.stderr.splitlines()[0]
    if case["line"]:
        assert first.startswith(f"job.cfg:{case['line']}: error: ")
    for word in case["words"]:
        assert word in check.stderr
    assert first.partition(" error: ")[2] in run.stderr
    # Nothing was begun: neither output nor state, save the record of a run that failed.
    assert contents(tow.folder) == before
    assert not tow.state.exists() or checkpoint(tow) is None


def test_integers_in_strings_and_comments_are_nothing(tow):
    tow.write("in.csv", "2147483648,4294967296\n1,2\n")
    tow.job(
        source=CSV + ' null_values = ("9999999999", "0xFFFFFFFFFF");',
        more="# 4294967296\n// 99999999999\n/* skip_lines = 3000000000; */\n"
        + columns('name = "2147483648"; # 2147483648\n', 'name = "4294967296";'),
    )
    tow.run("check", "job.cfg")
    tow.run("run", "job.cfg")
    assert tow.rows() == [{"2147483648": "1", "4294967296": "2"}]


def test_a_part_number_without_a_maximum_makes_one_part(tow):
    tow.write("in.csv", IN)
    tow.job(sink='plugin = "file"; path = "out-{part}.ndjson";')
    tow.run("check", "job.cfg")
    tow.run("run", "job.cfg")
    assert len(tow.rows("out-00001.ndjson")) == 2


def test_folders_are_made_where_that_is_wanted(tow):
    tow.write("in.csv", IN)
    tow.job(sink='plugin = "file"; path = "a/b/out.ndjson"; mkdirs = true;')
    tow.run("check", "job.cfg")
    assert not (tow.folder / "a").exists()
    tow.run("run", "job.cfg")
    assert len(tow.rows("a/b/out.ndjson")) == 2


def test_a_job_that_breaks_leaves_what_was_done(tow):
    tow.write("in.csv", IN)
    tow.job(source=CSV + ' incremental = "file";')
    tow.run("run", "job.cfg")
    before, state = contents(tow.folder), checkpoint(tow)
    for broken in (CSV + " hedder = true;", 'plugin = "csv"; path = "gone.csv";'):
        tow.job(source=broken)
        tow.run("run", "job.cfg", code=None)
        after = contents(tow.folder)
        assert {**after, "job.cfg": before["job.cfg"]} == before
        assert checkpoint(tow) == state
    assert len(tow.json("runs")) == 1


# ---- permissions ---------------------------------------------------------------------------------


def test_an_input_that_may_not_be_read(stranger):
    tow, user = stranger
    tow.write("in.csv", IN).chmod(0)
    tow.job()
    for command, code in (("check", 2), ("run", 3)):
        _, err = launch(tow, code, command, "job.cfg", **user)
        assert "job.cfg:4: error: " in err and "in.csv" in err and "Permission denied" in err
    assert not tow.state.exists()
    (tow.folder / "in.csv").chmod(0o644)
    launch(tow, 0, "run", "job.cfg", **user)
    assert len(tow.rows()) == 2


def test_a_job_file_that_may_not_be_read(stranger):
    tow, user = stranger
    tow.job().chmod(0)
    for command, code in (("check", 2), ("run", 3)):
        _, err = launch(tow, code, command, "job.cfg", **user)
        assert "job.cfg" in err and "Permission denied" in err


def test_a_state_beside_which_no_file_can_be_opened(tow):
    tow.write("in.csv", IN)
    tow.job()
    tow.run("run", "job.cfg")
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))  # noqa: E731
    _, err = launch(tow, 3, "runs", preexec_fn=few)
    assert "Too many open files" in err


def test_an_output_folder_that_may_not_be_written(stranger):
    tow, user = stranger
    tow.write("in.csv", IN)
    (tow.folder / "out").mkdir(mode=0o555)
    for sink in ('path = "out/out.csv";', 'path = "out/deeper/out.csv"; mkdirs = true;'):
        tow.job(sink=f'plugin = "file"; {sink}')
        for command, code in (("check", 2), ("run", 3)):
            _, err = launch(tow, code, command, "job.cfg", **user)
            assert "job.cfg:5: error: " in err and "/out" in err and "Permission denied" in err
    assert not list((tow.folder / "out").iterdir()) and not tow.state.exists()


@pytest.mark.parametrize("place", ["locked/state.db", "locked/deeper/state.db"])
def test_a_state_folder_that_may_not_be_written(stranger, place):
    tow, user = stranger
    tow.write("in.csv", IN)
    tow.job()
    (tow.folder / "locked").mkdir(mode=0o555)
    _, err = launch(tow, 3, "run", "job.cfg", "--state", place, **user)
    assert place in err and "Permission denied" in err
    assert not (tow.folder / "out.ndjson").exists()


def test_a_state_file_that_may_not_be_written(stranger):
    tow, user = stranger
    tow.write("in.csv", IN)
    tow.job()
    launch(tow, 0, "run", "job.cfg", **user)
    before = tow.state.read_bytes()
    tow.state.chmod(0o444)
    _, err = launch(tow, 3, "run", "job.cfg", **user)
    assert "state.db cannot be written: Permission denied" in err
    assert tow.state.read_bytes() == before
    out, _ = launch(tow, 0, "runs", "--json", **user)
    assert len(json.loads(out)) == 1


# ---- the state -----------------------------------------------------------------------------------


def test_a_state_of_a_newer_version_is_left_alone(tow):
    sqlite3 = pytest.importorskip("sqlite3")
    tow.write("in.csv", IN)
    tow.job(sink='plugin = "file"; path = "old.ndjson";')
    tow.run("run", "job.cfg")
    state = sqlite3.connect(tow.state)
    (version,) = state.execute("PRAGMA user_version").fetchone()
    state.execute("PRAGMA user_version = 99")
    state.close()
    tow.job()
    for command in (
        ["run", "job.cfg"],
        ["runs"],
        ["state", "show", "job"],
        ["rejects", "1"],
        ["state", "reset", "job", "--yes"],
    ):
        err = tow.run(*command, code=2).stderr
        assert "state.db" in err and "version 99" in err and "newer towpath" in err
    assert not (tow.folder / "out.ndjson").exists()
    state = sqlite3.connect(tow.state)
    state.execute(f"PRAGMA user_version = {version}")
    state.close()
    assert checkpoint(tow)["source"] == "csv"


@pytest.mark.parametrize(
    "content, reason",
    [(None, "is a folder"), (b"x", "no"), (b"hello\n" * 2000, "not a SQLite database")],
)
def test_a_state_that_is_none(tow, content, reason):
    tow.write("in.csv", IN)
    tow.job()
    put(tow.folder, {"st.db": content})
    for command in (["run", "job.cfg"], ["runs"]):
        err = tow.run(*command, "--state", "st.db", code=3).stderr
        assert "st.db" in err and reason in err
    assert content is None or (tow.folder / "st.db").read_bytes() == content
    assert not (tow.folder / "out.ndjson").exists()


def test_a_database_of_another_program_is_left_alone(tow):
    sqlite3 = pytest.importorskip("sqlite3")
    tow.write("in.csv", IN)
    tow.job()
    other = sqlite3.connect(tow.folder / "other.db")
    other.execute("CREATE TABLE mine (x)")
    other.close()
    before = (tow.folder / "other.db").read_bytes()
    assert "another program" in tow.run("run", "job.cfg", "--state", "other.db", code=3).stderr
    assert (tow.folder / "other.db").read_bytes() == before


def test_a_second_run_is_refused_while_the_first_is_on(tow):
    os.mkfifo(tow.folder / "in.csv")
    tow.job(more="  rejects = { max = 10; };")
    first = tow.start("run", "job.cfg", "--json")
    until(lambda: is_running(tow))
    err = tow.run("run", "job.cfg", code=8).stderr
    assert "job" in err and str(first.pid) in err
    assert len(tow.json("runs")) == 1
    tow.job("another", sink='plugin = "file"; path = "out.ndjson";', file="another.cfg")
    (tow.folder / "in.csv").write_text(IN)
    out, _ = tow.finish(first, 0)
    assert counts(json.loads(out)) == [2, 2, 0, 0, 0]
    assert [row["name"] for row in tow.rows()] == ["Ann", "Bob"]


def test_two_jobs_do_not_write_one_file(tow):
    tow.job(source='plugin = "csv"; path = "-";')
    first = tow.start("run", "job.cfg", "--json")
    first.stdin.write(b"id,name\n1,Ann\n")
    first.stdin.flush()
    until(lambda: (tow.folder / ".out.ndjson.tmp").exists())
    tow.write("in.csv", IN)
    tow.job("another")
    err = tow.run("run", "another.cfg", code=3).stderr
    assert "out.ndjson" in err
    tow.finish(first, 0)
    assert ids(tow) == [1]
    tow.run("run", "another.cfg")
    assert ids(tow) == [1, 2]
