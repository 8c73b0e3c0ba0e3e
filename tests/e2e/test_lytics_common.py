"""What all jobs of the Lytics integration have in common (C-1 to C-14), on one of them. docs/lytics.md says which ids
have no test here, and why."""

import json
import os
from pathlib import Path

import pytest
from helpers import counts
from lytics import ACCESS, QUICK, VOLUME, ago, far, into_lake  # noqa: F401
from sandbox import sandbox, sandbox_process  # noqa: F401

TABLE = "main.lytics.events"
COLUMNS = "id, date, aid, user_id, subject_type, subject_id, verb, notes, related"


def event(number, minutes=None):
    return {"id": f"e{number}", "aid": 1234, "timestamp": ago(minutes=minutes or number)}


def job(tow, sink="", more="", table=TABLE):
    tow.job(
        source=f'plugin = "lytics_system_events"; {ACCESS}',
        sink=into_lake(table, sink),
        more=QUICK + more,
    )


def times(tow, schedule, count=2):
    """When a job of this schedule runs, from the first second of 2026 on, in UTC."""
    job(tow, more=f" schedule = {{ {schedule} }};")
    (found,) = tow.json("schedule", "job.cfg", "--from", "2026-01-01T00:00:00Z", "-n", str(count))
    return [time["utc"] for time in found["times"]]


def test_c_1_host_port_http_path_and_token_lead_to_the_warehouse(tow, far):  # noqa: F811
    for name in ("DATABRICKS_HOST", "DATABRICKS_WAREHOUSE_ID", "DATABRICKS_TOKEN"):
        tow.env.pop(name)
    tow.env["PAT"] = far.token
    far.seed(events=[event(1)])
    job(tow, f'host = "{far.url}"; http_path = "{far.http_path}"; token = "${{env:PAT}}";')
    tow.run("run", "job.cfg")
    assert far.count(TABLE) == 1


def test_c_3_a_warehouse_that_must_start_is_waited_for(tow, far):  # noqa: F811
    far.set(warehouse_state="STOPPED", warehouse_polls=3)
    far.seed(events=[event(1)])
    job(tow)
    tow.run("run", "job.cfg")
    assert far.count(TABLE) == 1


def test_c_4_a_table_without_a_catalog_is_in_the_workspaces_own(tow, far):  # noqa: F811
    far.seed(events=[event(1)])
    job(tow, table="lytics.events")
    tow.run("run", "job.cfg")
    assert far.count("lytics.events") == 1


def test_c_5_files_are_staged_in_a_volume_and_loaded_by_copy_into(tow, far):  # noqa: F811
    far.seed(events=[event(1)])
    job(tow)
    tow.run("run", "job.cfg")
    assert [entry["method"] for entry in far.log(VOLUME)].count("PUT") == 1
    assert len([text for text in far.statements() if text.startswith("COPY INTO")]) == 1
    assert [far.list(f"{VOLUME}/job/{load}") for load in far.list(f"{VOLUME}/job")] in ([], [[]])


def test_c_6_a_load_whose_answer_was_lost_is_not_there_twice(tow, far):  # noqa: F811
    far.seed(events=[event(i) for i in range(1, 20)])
    job(tow)
    far.faults([{"do": "cut", "point": "after", "method": "POST", "sql": "^COPY INTO", "times": 2}])
    tow.run("run", "job.cfg")
    copies = {text for text in far.statements() if text.startswith("COPY INTO")}
    assert len(copies) == 1 and far.count(TABLE) == 19


def test_c_7_a_table_is_created_or_used_as_it_is(tow, far):  # noqa: F811
    far.seed(events=[event(1)])
    job(tow)
    tow.run("run", "job.cfg")
    created = far.sql(f"DESCRIBE TABLE {TABLE}")
    assert [row[0] for row in created] == COLUMNS.split(", ")
    far.seed(events=[event(2, minutes=1)])
    tow.run("run", "job.cfg")
    assert far.sql(f"DESCRIBE TABLE {TABLE}") == created and far.count(TABLE) == 2
    assert not any(text.startswith(("DROP", "ALTER")) for text in far.statements())


def test_c_7_a_table_that_cannot_hold_the_rows_is_refused_before_any_is_read(tow, far):  # noqa: F811
    far.sql(f"CREATE TABLE {TABLE} ({COLUMNS.replace('date,', 'date INT,').replace(', ', ' STRING, ').replace('INT STRING', 'INT')} STRING)")
    far.seed(events=[event(1)])
    job(tow)
    assert "date" in tow.run("run", "job.cfg", code=2).stderr
    assert far.log("/v2/event") == []


def test_c_8_without_keep_updated_the_first_run_is_the_last(tow, far):  # noqa: F811
    assert len(times(tow, 'frequency = "daily"; keep_updated = false;')) == 1
    assert len(times(tow, 'frequency = "daily";')) == 2


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ('frequency = "hourly";', ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"]),
        ('frequency = "daily"; at = "02:00";', ["2026-01-01T02:00:00Z", "2026-01-02T02:00:00Z"]),
        ('frequency = "weekly"; at = "02:00";', ["2026-01-05T02:00:00Z", "2026-01-12T02:00:00Z"]),
        ('frequency = "monthly"; at = "02:00";', ["2026-01-01T02:00:00Z", "2026-02-01T02:00:00Z"]),
        ("keep_updated = true;", ["2026-01-01T00:00:00Z", "2026-01-01T00:15:00Z"]),
    ],
)
def test_c_9_frequencies_are_hourly_daily_weekly_and_monthly_or_15_minutes(tow, far, schedule, expected):  # noqa: F811
    assert times(tow, schedule) == expected


def test_c_10_a_weekly_job_has_a_day_of_the_week(tow, far):  # noqa: F811
    assert times(tow, 'frequency = "weekly"; day_of_week = "friday"; at = "02:00";')[0] == "2026-01-02T02:00:00Z"
    job(tow, more=' schedule = { frequency = "daily"; day_of_week = "friday"; };')
    assert "day_of_week" in tow.run("check", "job.cfg", code=2).stderr


def test_c_11_a_time_of_day_is_that_of_a_time_zone(tow, far):  # noqa: F811
    for at in ("14:00", "2:00pm"):
        found = times(tow, f'frequency = "daily"; at = "{at}"; timezone = "America/Los_Angeles";')
        assert found == ["2026-01-01T22:00:00Z", "2026-01-02T22:00:00Z"]
    job(tow, more=' schedule = { frequency = "daily"; timezone = "America/Nowhere"; };')
    assert "Nowhere" in tow.run("check", "job.cfg", code=2).stderr


def test_c_13_and_c_14_the_state_tells_of_each_run(tow, far):  # noqa: F811
    far.seed(events=[event(1)])
    job(tow)
    far.faults([{"do": "answer", "path": "^/v2/event", "status": 401, "body": '{"message":"Expired Token"}', "times": 1}])
    tow.run("run", "job.cfg", code=3)
    tow.run("run", "job.cfg")
    good, bad = tow.json("runs")
    assert (good["status"], bad["status"]) == ("ok", "failed")
    assert "Expired Token" in json.dumps(tow.json("runs", "show", bad["run"]))
    assert counts(tow.json("runs", "show", good["run"])) == [1, 1, 0, 0, 0]


SOURCES = {
    "lytics_system_events": [],
    "lytics_metrics": ["dimension=stream", "dimension_type=size", "lookback=7d"],
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_sources_keep_what_every_plugin_promises(tow, far, name):  # noqa: F811
    far.seed(
        events=[event(i) for i in range(1, 300)],
        streams=["a", "b", "c"],
        metrics=[
            {"dimension": "stream", "dimension_id": stream, "dimension_type": "size", "ts": ago(hours=hours), "value": hours}
            for stream in "abc"
            for hours in range(4, 160)
        ],
    )
    folders = os.environ["TOWPATH_PLUGIN_PATH"].split(":")
    path = next(path for path in (Path(folder) / f"{name}.so" for folder in folders) if path.exists())
    options = [f"token={far.lytics_token}", f"api_url={far.lytics_url}", *SOURCES[name]]
    out = tow.run("plugins", "test", path, *[part for option in options for part in ("--option", option)]).stdout
    assert "0 failed" in out.splitlines()[-1]
