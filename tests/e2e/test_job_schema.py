"""docs/job.schema.json takes the jobs that `check` takes, and refuses what it refuses for its form."""

import json
from pathlib import Path

import jobfile
import pytest

TOP = Path(__file__).resolve().parents[2]
JOBS = [path for path in sorted((TOP / "conf").rglob("*.cfg")) if "job" in jobfile.read(path)]
SCHEMA = jobfile.Schema(json.loads((TOP / "docs" / "job.schema.json").read_text()))


@pytest.mark.parametrize("path", JOBS, ids=lambda path: str(path.relative_to(TOP / "conf")))
def test_an_example_job_fits_the_schema(path):
    assert list(SCHEMA.faults(jobfile.read(path))) == []


def test_all_example_jobs_were_read():
    assert len(JOBS) >= 15


BROKEN = {
    "an unknown key of the job": "  colums = ( );",
    "an unknown key of a section": "  retry = { trys = 3; };",
    "a number beyond its bounds": "  retry = { tries = 0; };",
    "a number as a string": '  retry = { tries = "3"; };',
    "a duration without its unit": '  retry = { cap = "15"; };',
    "a size with a wrong unit": '  pipeline = { batch_bytes = "1 parsec"; };',
    "a choice that is none": '  schedule = { frequency = "fortnightly"; };',
    "a list that is a group": '  columns = { name = "a"; };',
    "a column without a name": '  columns = ( { from = "a"; } );',
    "a route without its column": "  route = { max = 3; };",
    "an unknown option of a plugin": '  results = { plugin = "file"; path = "r.csv"; pth = "x"; };',
    "an option of a plugin that is missing": '  results = { plugin = "file"; };',
    "a source in the place of a sink": '  results = { plugin = "csv"; path = "r.csv"; };',
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_check_refuses_for_its_form_does_not_fit(tow, what):
    tow.write("in.csv", "a\n1\n")
    path = tow.job(more=BROKEN[what])
    tow.run("check", path, code=2)
    assert list(SCHEMA.faults(jobfile.read(path))) != []


FINE = {
    "nothing more": "",
    "variables": '  retry = { tries = "${env:TRIES}"; cap = "${env:CAP:-1m}"; };',
    "sizes and durations in words and capitals": '  pipeline = { batch_bytes = "1.5 mib"; checkpoint = "1m 30S"; };',
    "values of all kinds": '  columns = ( { name = "b"; value = 1.5; }, { name = "a"; null_if = ( "x", 1, true ); } );',
    "an option of the sink in the route": '  columns = ( { name = "a"; } );\n  route = { by = "a"; path = "out/{a}.csv"; };',
}


@pytest.mark.parametrize("what", FINE)
def test_what_check_takes_fits(tow, what):
    tow.write("in.csv", "a\n1\n")
    sink = 'plugin = "file"; mkdirs = true;' + (' path = "o.csv";' if "route =" not in FINE[what] else "")
    path = tow.job(sink=sink, more=FINE[what])
    tow.run("check", path, env={"TRIES": "4", "CAP": "2m"})
    assert list(SCHEMA.faults(jobfile.read(path))) == []


def test_a_connection_may_hold_what_a_plugin_needs(tow):
    tow.write("in.csv", "a\n1\n")
    path = tow.write(
        "job.cfg",
        'version = 1;\nconnections = { here = { path = "in.csv"; }; };\n'
        'job = { name = "j"; source = { plugin = "csv"; connection = "here"; };\n'
        '  sink = { plugin = "file"; path = "o.csv"; }; };\n',
    )
    tow.run("check", path)
    assert list(SCHEMA.faults(jobfile.read(path))) == []
