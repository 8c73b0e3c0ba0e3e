"""Batch mode: what is new in a Databricks table goes to The Trade Desk, and what became of each row into
another table. Both ends are the sandbox. The cases are those in which the SDK's batch mode was run
(docs/ttd.md), and the ways in which it loses rows."""

import json

import pytest
from helpers import checkpoint, counts
from sandbox import sandbox, sandbox_process  # noqa: F401

INPUT, OUTPUT = "main.crm.ttd_advertiser_input", "main.crm.ttd_advertiser_output"
QUICK = 'retry = { base = "1ms"; cap = "20ms"; tries = 4; };'


def uuid(number):
    return f"00000000-0000-0000-0000-{number:012}"


@pytest.fixture
def lake(tow, sandbox):
    tow.env.update(sandbox.env())
    sandbox.sql(
        f"CREATE TABLE {INPUT} (id_type STRING NOT NULL, id_value STRING NOT NULL, segment_name STRING NOT NULL, "
        "ttl_in_minutes INT, updated_at TIMESTAMP)"
    )
    tow.job(
        source=f'plugin = "databricks"; table = "{INPUT}"; cursor = "updated_at"; '
        'tie_break = ["id_type", "id_value", "segment_name"];',
        sink='plugin = "ttd"; endpoint = "advertiser"; advertiser_id = "a"; token = "${env:TTD_TOKEN}"; '
        'server_url = "${env:TTD_URL}"; batch_rows = 2;',
        more=f'  results = {{ plugin = "databricks_copy"; table = "{OUTPUT}"; stage = "/Volumes/main/crm/stage"; }};\n'
        f"  {QUICK}\n  pipeline = {{ workers = 1; }};\n",
    )
    return sandbox


def put(lake, *rows):
    """Rows of id number, updated_at and perhaps ttl."""
    values = ", ".join(
        f"('TDID', '{uuid(row[0])}', 's', {row[2] if len(row) > 2 else 'NULL'}, "
        + (f"TIMESTAMP '{row[1]}')" if row[1] else "NULL)")
        for row in rows
    )
    lake.sql(f"INSERT INTO {INPUT} VALUES {values}")


def pushed(lake):
    """The numbers of the rows that came to The Trade Desk, in order."""
    return [int(entry["item"]["TDID"][-12:]) for entry in lake.ttd()["items"]]


def output(lake):
    """Number, success and error code of each row of the output table."""
    rows = lake.sql(f"SELECT id_value, success, error_code FROM {OUTPUT} ORDER BY id_value, processed_timestamp")
    return [[int(value[-12:]), success, code] for value, success, code in rows]


def run(tow, *args, code=0):
    return json.loads(tow.run("run", "job.cfg", "--json", *args, code=code).stdout)


def test_the_first_run_takes_all_rows_and_those_without_a_time_too(tow, lake):
    put(lake, (1, "2024-02-01 00:00:00"), (2, "2024-02-02 00:00:00"), (3, None))
    assert counts(run(tow)) == [3, 3, 0, 0, 0]
    assert sorted(pushed(lake)) == [1, 2, 3]
    assert output(lake) == [[1, "true", None], [2, "true", None], [3, "true", None]]


def test_later_runs_take_what_is_new(tow, lake):
    put(lake, (1, "2024-02-01 00:00:00"), (2, "2024-02-02 00:00:00"))
    run(tow)
    assert counts(run(tow)) == [0, 0, 0, 0, 0]
    put(lake, (3, "2024-02-02 00:00:01"))
    assert counts(run(tow)) == [1, 1, 0, 0, 0]
    assert pushed(lake) == [1, 2, 3]


def test_the_checkpoint_is_the_time_of_the_rows_and_not_the_clock(tow, lake):
    """A row that turns up with an older time than the run's, but a newer one than any row read, is not
    lost."""
    put(lake, (1, "2024-02-02 00:00:00"))
    run(tow)
    assert "2024-02-02" in checkpoint(tow)["position"]["text"]
    put(lake, (2, "2024-02-02 00:00:00.000001"), (3, "2024-02-03 00:00:00"))
    assert counts(run(tow)) == [2, 2, 0, 0, 0]
    assert pushed(lake) == [1, 2, 3]


def test_rows_that_turn_up_behind_the_checkpoint_come_by_an_overlap(tow, lake):
    put(lake, (1, "2024-02-02 00:00:00"))
    run(tow)
    put(lake, (2, "2024-02-02 00:00:00"), (3, "2024-02-01 23:59:59"))
    assert counts(run(tow)) == [0, 0, 0, 0, 0]
    assert counts(run(tow, "--set", "source.overlap=1m")) == [3, 3, 0, 0, 0]
    assert sorted(pushed(lake)) == [1, 1, 2, 3]


def test_an_empty_run_does_not_move_the_checkpoint(tow, lake):
    put(lake, (1, "2024-02-02 00:00:00"))
    run(tow)
    before = checkpoint(tow)["position"]
    run(tow)
    assert checkpoint(tow)["position"] == before


def test_rows_are_not_lost_while_the_far_end_is_down(tow, lake):
    put(lake, (1, "2024-02-01 00:00:00"), (2, "2024-02-02 00:00:00"), (3, "2024-02-03 00:00:00"))
    lake.faults([{"do": "answer", "path": "^/data/", "status": 503, "body": ""}])
    assert run(tow, code=3)["rows"]["pending"] == 3
    lake.faults([])
    assert counts(run(tow)) == [3, 3, 0, 0, 0]
    assert pushed(lake) == [1, 2, 3]
    assert [row[1] for row in output(lake)] == ["true"] * 3


def test_a_token_that_ends_midway_keeps_what_was_accepted(tow, lake):
    put(lake, *((number, "2024-02-01 00:00:00") for number in range(1, 6)))
    lake.faults([{"do": "answer", "path": "^/data/", "status": 401, "body": "Invalid token", "skip": 1}])
    run(tow, code=3)
    assert pushed(lake) == [1, 2]
    lake.faults([])
    run(tow)
    assert pushed(lake) == [1, 2, 3, 4, 5]
    assert output(lake) == [[number, "true", None] for number in range(1, 6)]


def test_refused_rows_stand_in_the_output_and_are_replayed(tow, lake):
    put(lake, (1, "2024-02-01 00:00:00"), (2, "2024-02-01 00:00:00", 999999))
    report = run(tow)
    assert counts(report) == [2, 1, 1, 0, 0]
    assert output(lake) == [[1, "true", None], [2, "false", "InvalidTtlInMinutes"]]
    text = (tow.folder / "job.cfg").read_text()
    tow.write(
        "job.cfg",
        text.replace(
            "  results",
            '  columns = ( { name = "id_type"; }, { name = "id_value"; }, { name = "segment_name"; } );\n  results',
        ),
    )
    assert counts(tow.json("replay", report["run"])) == [1, 1, 0, 0, 0]
    assert output(lake) == [[1, "true", None], [2, "false", "InvalidTtlInMinutes"], [2, "true", None]]


def test_since_takes_the_place_of_the_checkpoint(tow, lake):
    put(lake, (1, "2024-02-01 00:00:00"), (2, "2024-02-03 00:00:00"))
    run(tow)
    assert counts(run(tow, "--since", "2024-02-02")) == [1, 1, 0, 0, 0]
    assert pushed(lake) == [1, 2, 2]
    assert counts(run(tow)) == [0, 0, 0, 0, 0]


def test_full_takes_all_rows(tow, lake):
    put(lake, (1, "2024-02-01 00:00:00"), (2, "2024-02-03 00:00:00"))
    run(tow)
    assert counts(run(tow, "--full")) == [2, 2, 0, 0, 0]
    assert pushed(lake) == [1, 2, 1, 2]
    assert counts(run(tow)) == [0, 0, 0, 0, 0]


def test_since_is_for_sources_that_know_it(tow):
    tow.write("in.csv", "id\n1\n")
    tow.job()
    assert 'plugin csv has no key "since"' in tow.run("run", "job.cfg", "--since", "2024-01-01", code=2).stderr


def test_each_job_has_a_history_of_its_own(tow, lake):
    put(lake, (1, "2024-02-01 00:00:00"))
    run(tow)
    text = (tow.folder / "job.cfg").read_text()
    tow.write("other.cfg", text.replace('name = "job"', 'name = "other"').replace(OUTPUT, OUTPUT + "_other"))
    assert counts(json.loads(tow.run("run", "other.cfg", "--json").stdout)) == [1, 1, 0, 0, 0]
    assert [entry["rows"]["read"] for entry in tow.json("runs", "job")] == [1]
