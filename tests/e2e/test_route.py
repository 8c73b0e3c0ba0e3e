"""`route`: a file, or a table, for each value of a column, whatever happens on the way."""

import csv
import gzip
import json
import os
import random
import resource
import signal
import time

import pytest
import sqlcheck
from helpers import columns, counts, csv_text, launch
from sandbox import sandbox, sandbox_process  # noqa: F401

SEED = int(os.environ.get("TOWPATH_CRASH_SEED", "20260301"))
KILLS = int(os.environ.get("TOWPATH_CRASH_KILLS", "12"))
STREAMS = ["web", "mobile", "mail", "shop", "crm"]
VOLUME = "/Volumes/main/crm/stage"
TYPED = columns(
    'name = "id"; from = "id"; type = "int64"', 'name = "stream"; from = "stream"', 'name = "data"; from = "data"'
)
OFTEN = '  pipeline = { batch_rows = 500; checkpoint = "1ms"; };'
LOCAL = 'plugin = "file"; mkdirs = true;'
HOSTILE = ["../../etc", "/etc/passwd", "o'x", 'q"q', "a`.`b", "x; DROP TABLE y", "", None, "y" * 300]
HOSTILE += ["\U0001f600", "line\nfeed", "tab\t", ".", "..", "-", "~", "{load}", "sp ace", "a*b?[c]", "\\"]


def events(tow, values, name="in.csv"):
    """A row for each value: its number, the value, and some text."""
    rows = [[str(i), value, f"data of {i}"] for i, value in enumerate(values)]
    tow.write(name, csv_text([["id", "stream", "data"], *rows]))


def many(count, rng):
    """Streams in runs of random length, as they are in a dump."""
    values = []
    while len(values) < count:
        values += [rng.choice(STREAMS)] * rng.choice([1, 1, 2, 5, 400])
    return values[:count]


def job(tow, route='path = "out/{stream}.csv";', sink=LOCAL, more=TYPED + OFTEN, **kwargs):
    tow.job(sink=sink, more=f'{more}\n  route = {{ by = "stream"; {route} }};', **kwargs)


def files(tow, folder="out"):
    """The ids in each file, by its name."""
    found = {}
    for path in sorted((tow.folder / folder).rglob("*.csv")):
        with open(path, newline="") as text:
            found[path.stem] = [int(row["id"]) for row in csv.DictReader(text)]
    return found


def expected(values):
    found = {}
    for i, value in enumerate(values):
        found.setdefault(value, []).append(i)
    return found


def rejects(tow, run):
    """Code by id."""
    lines = tow.run("rejects", run, "--json").stdout.splitlines()
    return {int(line["row"]["id"]): line["code"] for line in map(json.loads, lines)}


# -- files -----------------------------------------------------------------------------------------


def test_each_stream_has_a_file_of_its_own(tow):
    values = many(5000, random.Random(SEED))
    events(tow, values)
    job(tow)
    tow.run("check", "job.cfg")
    assert counts(tow.json("run", "job.cfg")) == [5000, 5000, 0, 0, 0]
    assert files(tow) == expected(values)


def test_plan_and_check_show_the_route(tow):
    events(tow, STREAMS)
    job(tow, 'path = "out/{stream}.csv"; null = "none"; max = 7;')
    text = tow.run("plan", "job.cfg").stdout
    assert "column stream" in text and 'as "none"' in text and "up to 7 a load" in text
    plan = tow.json("plan", "job.cfg")
    assert plan["route"]["by"] == "stream" and plan["route"]["max"] == 7
    assert plan["words"] == []


@pytest.mark.parametrize(
    "route, finding",
    [
        ("", 'plugin file needs the key "path"'),
        ('path = "out/x.csv";', "all rows would go to the same place"),
        ('path = "out/{strem}.csv";', "did you mean {stream}?"),
        ('path = "out/{stream}-{anything}.csv";', "nobody fills in {anything}"),
        ('path = "out/{stream}.csv"; by = "x";', ""),
        ('path = "out/{stream}.csv"; maxx = 3;', 'plugin file has no key "maxx"'),
        ('path = "out/{stream}.csv"; names = "as-is";', 'did you mean "as_is"?'),
        ('path = "out/{stream}.dat";', "does not tell the format"),
    ],
)
def test_check_finds_what_is_wrong_with_it(tow, route, finding):
    events(tow, STREAMS)
    job(tow, route)
    for command in ("check", "run"):
        refused = tow.run(command, "job.cfg", code=2)
        assert finding in refused.stdout + refused.stderr


def test_check_knows_the_column(tow):
    events(tow, STREAMS)
    tow.job(sink=LOCAL, more='  route = { by = "kind"; path = "{kind}.csv"; };')
    assert 'no outgoing column is called "kind"' in tow.run("check", "job.cfg", code=2).stderr
    more = columns('name = "id"; from = "id"; type = "int64"')
    tow.job(sink=LOCAL, more=more + '  route = { by = "id"; path = "{id}.csv"; };')
    assert "must be of type string" in tow.run("check", "job.cfg", code=2).stderr


def test_the_column_is_left_out_where_it_is_not_wanted(tow):
    events(tow, STREAMS)
    job(tow, 'path = "out/{stream}.csv"; keep_column = false;')
    tow.run("run", "job.cfg")
    assert (tow.folder / "out/web.csv").read_text() == "id,data\n0,data of 0\n"


def test_a_new_stream_gets_its_file_when_it_comes(tow):
    events(tow, STREAMS[:2])
    job(tow, 'path = "out/{stream}-{load}.csv";')
    tow.run("run", "job.cfg")
    assert len(files(tow)) == 2
    events(tow, STREAMS[:3])
    tow.run("run", "job.cfg")
    assert len([name for name in files(tow) if name.startswith("mail-")]) == 1


def test_more_streams_than_files_may_be_open(tow):
    values = [f"s{i * 7919 % 40}" for i in range(4000)]
    events(tow, values)
    job(tow, 'path = "out/{stream}.csv.gz"; open = 3;', more=TYPED)
    tow.run("run", "job.cfg")
    for name, ids in expected(values).items():
        lines = gzip.decompress((tow.folder / f"out/{name}.csv.gz").read_bytes()).decode().splitlines()
        assert [int(line.split(",")[0]) for line in lines[1:]] == ids


@pytest.mark.parametrize("output", ["{stream}.csv", "{stream}-{part}.csv"])
def test_killed_at_random_each_row_is_in_its_file_once(tow, output):
    rng = random.Random(SEED)
    values = many(40000, rng)
    events(tow, values)
    more = 'max_rows = 1000;' if "part" in output else ""
    job(tow, f'path = "out/{output}"; open = 2; {more}')
    killed = 0
    for _ in range(KILLS):
        process = tow.start("run", "job.cfg", "--quiet")
        time.sleep(rng.uniform(0.005, 0.12))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        killed += process.returncode == -signal.SIGKILL
        if process.returncode == 0:
            check_files(tow, values)
    assert killed > 0
    tow.run("run", "job.cfg")
    check_files(tow, values)


def test_more_files_than_descriptors_of_old(tow):
    values = [f"s{i}" for i in range(400)]
    events(tow, values)
    job(tow, 'path = "out/{stream}.csv"; max = 400; open = 400;', more=TYPED)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    launch(tow, 0, "run", "job.cfg", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard)))
    assert files(tow) == expected(values)


def check_files(tow, values):
    found = {}
    for name, ids in files(tow).items():
        found.setdefault(name.split("-")[0], []).extend(ids)
    found = {name: sorted(ids) for name, ids in found.items()}
    assert found == expected(values), f"seed {SEED}"


def test_values_that_lead_elsewhere_are_rejected(tow):
    events(tow, ["web", *HOSTILE])
    job(tow, 'path = "out/{stream}.csv"; names = "as_is";')
    report = tow.json("run", "job.cfg")
    assert sorted(str(path.relative_to(tow.folder)) for path in tow.folder.rglob("*.csv")) == [
        "in.csv",
        "out/a*b?[c].csv",
        "out/sp ace.csv",
        "out/web.csv",
        "out/x; DROP TABLE y.csv",
        "out/\U0001f600.csv",
    ]
    codes = rejects(tow, report["run"])
    assert {code for i, code in codes.items() if not HOSTILE[i - 1]} == {"route_null"}
    assert {code for i, code in codes.items() if HOSTILE[i - 1]} == {"route_name"}


def test_results_tell_of_every_row(tow):
    events(tow, ["web", "We b", "we-b", "", "mail"])
    more = TYPED + '  results = { plugin = "file"; path = "results.ndjson"; };'
    job(tow, more=more)
    tow.run("run", "job.cfg")
    found = {row["id"]: (row["success"], row["error_code"]) for row in tow.rows("results.ndjson")}
    assert found == {
        "0": (True, None),
        "1": (True, None),
        "2": (False, "route_collision"),
        "3": (False, "route_null"),
        "4": (True, None),
    }


def test_rejected_rows_go_through_the_route_when_they_are_replayed(tow):
    events(tow, ["web", "", "mail", ""])
    job(tow)
    run = tow.json("run", "job.cfg")["run"]
    job(tow, 'path = "out/{stream}-{load}.csv"; null = "none";')
    assert counts(tow.json("replay", run)) == [2, 2, 0, 0, 0]
    (name,) = [name for name in files(tow) if name.startswith("none-")]
    assert files(tow)[name] == [1, 3]


def test_a_trial_and_a_full_run_have_routes_too(tow):
    events(tow, ["web"] * 10 + ["mail"] * 10)
    job(tow)
    tow.run("run", "job.cfg", "--limit", "5")
    assert files(tow) == {"web": [0, 1, 2, 3, 4]}
    tow.run("run", "job.cfg", "--full")
    assert files(tow) == expected(["web"] * 10 + ["mail"] * 10)


def test_loads_that_follow_one_another_have_routes_each(tow):
    values = many(2000, random.Random(SEED))
    events(tow, values)
    job(tow, 'path = "out/{stream}-{load}.csv";', more=TYPED + OFTEN + "  load = { max_rows = 1000; };")
    assert tow.json("run", "job.cfg")["earlier_loads"] >= 1
    assert len({name.split("-")[1] for name in files(tow)}) >= 2
    check_files(tow, values)


# -- tables ----------------------------------------------------------------------------------------


@pytest.fixture
def lake(tow, sandbox):  # noqa: F811
    tow.env.update(sandbox.env())
    yield sandbox
    sandbox.faults([])
    for text in {text for text in sandbox.statements() if "`" in text}:
        sqlcheck.check(text)


def lake_job(tow, route="", sink="", more="", pipeline="workers = 2;"):
    job(
        tow,
        f'table = "main.crm.lytics_events_{{stream}}"; {route}',
        sink=f'plugin = "databricks_copy"; stage = "{VOLUME}"; {sink}',
        more=TYPED
        + f'  pipeline = {{ batch_rows = 500; checkpoint = "1ms"; {pipeline} }};'
        + '  retry = { base = "5ms"; cap = "50ms"; budget = "30s"; tries = 1000; };'
        + more,
    )


def tables(lake):
    """The ids in each table, by what its name has behind the prefix."""
    found = {}
    for row in lake.sql("SHOW TABLES IN main.crm"):
        ids = lake.sql(f"SELECT id FROM main.crm.`{row[1]}` ORDER BY id")
        found[row[1].removeprefix("lytics_events_")] = [int(row[0]) for row in ids]
    return found


def staged(lake):
    return [name for load in lake.list(f"{VOLUME}/job") for name in lake.list(f"{VOLUME}/job/{load}")]


def test_each_stream_has_a_table_of_its_own_and_a_new_one_gets_one(tow, lake):
    events(tow, ["web", "mobile"] * 50)
    lake_job(tow)
    tow.run("run", "job.cfg")
    assert tables(lake) == expected(["web", "mobile"] * 50)
    events(tow, ["web", "shop"])
    tow.run("run", "job.cfg")
    assert tables(lake)["shop"] == [1]
    assert tables(lake)["web"] == sorted([*range(0, 100, 2), 0])
    assert tables(lake)["mobile"] == list(range(1, 100, 2))
    assert staged(lake) == []


def test_a_table_that_got_no_rows_is_not_replaced(tow, lake):
    events(tow, ["web", "mobile", "web"])
    lake_job(tow, sink='mode = "replace";')
    tow.run("run", "job.cfg")
    events(tow, ["web"])
    tow.run("run", "job.cfg")
    assert tables(lake) == {"web": [0], "mobile": [1]}


def test_hostile_values_make_names_of_tables_or_are_rejected(tow, lake):
    events(tow, HOSTILE)
    lake_job(tow, 'collisions = "suffix"; null = "none";')
    assert counts(tow.json("run", "job.cfg"))[2] == 0
    found = tables(lake)
    assert sorted(i for ids in found.values() for i in ids) == list(range(len(HOSTILE)))
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_") for name in found)
    assert found["none"] == [HOSTILE.index(""), HOSTILE.index(None)]
    events(tow, HOSTILE)
    tow.run("run", "job.cfg")
    assert {name: len(ids) for name, ids in tables(lake).items()} == {
        name: 2 * len(ids) for name, ids in found.items()
    }


def test_setup_leaves_tables_of_routes_to_the_run(tow, lake):
    events(tow, ["web"])
    lake_job(tow)
    steps = tow.json("setup", "job.cfg")["steps"]
    assert [step["outcome"] for step in steps if step["section"] == "sink"] == ["routed"]
    assert lake.sql("SHOW TABLES IN main.crm") == []


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_killed_at_random_each_row_is_in_its_table_once(tow, lake, mode):
    rng = random.Random(SEED)
    values = many(6000, rng)
    events(tow, values)
    lake_job(tow, "open = 3;", f'part_bytes = "1kB"; mode = "{mode}";')
    killed = 0
    for _ in range(KILLS):
        process = tow.start("run", "job.cfg", "--quiet")
        time.sleep(rng.uniform(0.01, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        killed += process.returncode == -signal.SIGKILL
    assert killed > 0
    tow.run("run", "job.cfg")
    loads = sum(run["status"] == "ok" for run in tow.json("runs", "--last", 0)) if mode == "append" else 1
    wanted = {name: sorted(ids * loads) for name, ids in expected(values).items()}
    assert tables(lake) == wanted, f"seed {SEED}"
    assert staged(lake) == []


@pytest.mark.parametrize("skip", [0, 1, 4])
@pytest.mark.parametrize("point", ["execute", "executed"])
def test_killed_while_the_tables_are_loaded(tow, lake, point, skip):
    values = many(3000, random.Random(SEED))
    events(tow, values)
    lake_job(tow)
    lake.faults([{"do": "hold", "name": "there", "times": 1, "point": point, "skip": skip, "sql": "^COPY INTO"}])
    process = tow.start("run", "job.cfg", "--quiet")
    lake.hold("there")
    process.kill()
    assert process.wait(30) == -9
    lake.release("there")
    tow.run("run", "job.cfg")
    assert tables(lake) == expected(values)
    assert staged(lake) == []


def test_faults_in_passing_are_made_good(tow, lake):
    values = many(3000, random.Random(SEED))
    events(tow, values)
    lake_job(tow, "open = 2;", 'part_bytes = "1kB";')
    lake.faults(
        [
            {"do": "answer", "status": 503, "times": 5, "skip": 3, "method": "PUT", "path": "/fs/files/"},
            {"do": "answer", "status": 429, "times": 2, "skip": 2, "method": "POST", "sql": "^COPY INTO"},
        ]
    )
    report = tow.json("run", "job.cfg")
    assert report["retries"] > 0
    assert tables(lake) == expected(values)
