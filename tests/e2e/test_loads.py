"""Loads that follow one another (`load` in the job file): each published for itself."""

import json

import pytest

from helpers import numbered, place

JOB = """version = 1;
job = { name = "t"; source = { plugin = "csv"; path = "in.csv"; };
  sink = { plugin = "file"; path = "PATH"; }; load = { LOAD };
  pipeline = { batch_rows = 100; }; };
"""


def job(tow, load, path="out-{load}.ndjson"):
    tow.write("job.cfg", JOB.replace("LOAD", load).replace("PATH", path))


def loads(tow):
    """The rows of each file, in the order in which they were published."""
    files = sorted(tow.folder.glob("out-*.ndjson"), key=lambda name: name.stat().st_mtime_ns)
    return [[int(json.loads(line)["id"]) for line in open(name)] for name in files]


def test_each_load_is_a_file_and_a_run_of_its_own(tow):
    place(tow, numbered(1000))
    job(tow, "max_rows = 250;")
    report = json.loads(tow.run("run", "job.cfg", "--json").stdout)
    assert report["earlier_loads"] == 3 and report["earlier_rows"] == 900
    assert report["rows"]["read"] == 100
    found = loads(tow)
    assert [len(rows) for rows in found] == [300, 300, 300, 100]
    assert [n for rows in found for n in rows] == list(range(1000))
    runs = json.loads(tow.run("runs", "--json").stdout)
    assert [run["status"] for run in runs] == ["ok"] * 4


def test_the_closing_block_tells_of_the_loads_before(tow):
    place(tow, numbered(1000))
    job(tow, 'max_rows = 500; max_age = "1h"; max_bytes = "1GB";')
    done = tow.run("run", "job.cfg")
    assert "complete before this one, of 1,000 rows" in done.stdout
    assert "is complete: 500 rows by run 1" in done.stderr


def test_plan_tells_where_loads_end(tow):
    place(tow, numbered(10))
    job(tow, 'max_rows = 500; max_age = "5m";')
    assert "ends after 500 rows or 5m, and the next one begins" in tow.run("plan", "job.cfg").stdout
    plan = json.loads(tow.run("plan", "job.cfg", "--json").stdout)
    assert plan["load"] == {"max_rows": 500, "max_bytes": None, "max_age_ms": 300000}


@pytest.mark.parametrize(
    "load, finding",
    [
        ("max_rows = 0;", "max_rows"),
        ('max_age = "31d";', "max_age"),
        ("max_row = 5;", 'did you mean "max_rows"?'),
    ],
)
def test_check_refuses_limits_that_mean_nothing(tow, load, finding):
    place(tow, numbered(10))
    job(tow, load)
    refused = tow.run("check", "job.cfg", code=2)
    assert finding in refused.stdout + refused.stderr


def test_check_refuses_a_file_that_each_load_would_replace(tow):
    place(tow, numbered(10))
    job(tow, "max_rows = 5;", path="out.ndjson")
    refused = tow.run("check", "job.cfg", code=2)
    assert "put {load} into it" in refused.stdout + refused.stderr
    assert tow.run("run", "job.cfg", code=2).returncode == 2
