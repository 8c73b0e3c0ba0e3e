"""Loads of the source `databricks` that stop in the middle: each row arrives, and once where that can be."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
import sqlcheck
from helpers import checkpoint, counts, ids, until
from lake import MANY, QUICK, TABLE, lake, people, position_of, read, run, selects  # noqa: F401
from sandbox import sandbox, sandbox_process  # noqa: F401


SEED = int(os.environ.get("TOWPATH_CRASH_SEED", "20260301"))
SLOW = 'pipeline = { batch_rows = 100; checkpoint = "1ms"; queue_batches = 2; };' + QUICK


def kill_in_the_middle(tow, sandbox, chunk=4):
    """Runs until so many chunks have been read and checkpointed, then kills; the rows in the checkpoint."""
    sandbox.set(chunk_rows=1000)
    sandbox.faults([{"do": "hold", "name": "chunk", "path": f"^/storage/[^/]+/{chunk}$"}])
    process = tow.start("run", "job.cfg")
    sandbox.hold("chunk")
    until(lambda: checkpoint(tow) and position_of(tow)["same"][0] >= 100)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    sandbox.faults([])
    sandbox.release()
    return position_of(tow)


ORDERS = ["", 'cursor = "at";', 'tie_break = "id";', 'cursor = "at"; tie_break = "id";']


@pytest.mark.parametrize("source", ORDERS)
def test_a_killed_run_goes_on_in_the_same_result(lake, sandbox, source):
    people(sandbox, MANY)
    read(lake, f'table = "{TABLE}"; fetches = 1; {source}', SLOW)
    position = kill_in_the_middle(lake, sandbox)
    assert 0 < position["same"][0] <= 4000
    report, log = run(lake)
    assert report["resumed_of"] and report["rows"]["read"] == MANY - position["same"][0]
    assert sorted(ids(lake)) == list(range(MANY))
    assert "going on with the result of statement" in log
    assert len(selects(sandbox)) == 1


@pytest.mark.parametrize(
    "source",
    [
        f'table = "{TABLE}"; cursor = "at";',
        f'table = "{TABLE}"; tie_break = "id";',
        f'table = "{TABLE}"; cursor = "at"; tie_break = "id"; snapshot = "none";',
        f'query = "SELECT * FROM {TABLE}"; cursor = "at"; tie_break = "id";',
        f'table = "{TABLE}"; cursor = "at"; columns = "id";',
    ],
)
def test_a_killed_run_goes_on_behind_its_last_row_where_the_result_is_gone(lake, sandbox, source):
    people(sandbox, MANY)
    read(lake, f"{source} fetches = 1;", SLOW)
    position = kill_in_the_middle(lake, sandbox)
    gone(sandbox, position)
    report, _ = run(lake)
    assert report["resumed_of"] and report["rows"]["read"] == MANY - position["same"][0]
    assert ids(lake) == list(range(MANY))
    assert ":from0" in selects(sandbox)[-1]
    sqlcheck.check(selects(sandbox)[-1])


def gone(sandbox, position):
    """The result that was being read is kept no longer."""
    sandbox.faults(
        [
            {
                "do": "answer",
                "path": f"/statements/{position['statement']['id']}",
                "status": 404,
                "error_code": "NOT_FOUND",
                "message": "statement was not found",
            }
        ]
    )


def test_rows_without_order_whose_result_is_gone_say_how_to_start_anew(lake, sandbox):
    people(sandbox, MANY)
    read(lake, f'table = "{TABLE}"; fetches = 1;', SLOW)
    gone(sandbox, kill_in_the_middle(lake, sandbox))
    before = checkpoint(lake)
    _, log = run(lake, code=2)
    assert "towpath run --full" in log and "tie_break" in log
    assert checkpoint(lake) == before
    sandbox.faults([])
    lake.run("run", "job.cfg", "--full")
    assert sorted(ids(lake)) == list(range(MANY))


def test_a_pinned_load_reads_on_in_what_the_table_was(lake, sandbox):
    people(sandbox, MANY)
    read(lake, f'table = "{TABLE}"; cursor = "at"; fetches = 1; snapshot = "pinned";', SLOW)
    gone(sandbox, kill_in_the_middle(lake, sandbox))
    sandbox.sql(f"DELETE FROM {TABLE} WHERE id % 2 = 0")
    people(sandbox, 10, first=MANY)
    run(lake)
    assert ids(lake) == list(range(MANY))
    # What came meanwhile is the next run's.
    run(lake)
    assert ids(lake) == list(range(MANY, MANY + 10))


def test_equal_times_that_may_have_changed_come_again(lake, sandbox):
    sandbox.sql(f"CREATE TABLE {TABLE} (id BIGINT, at TIMESTAMP)")
    sandbox.sql(f"INSERT INTO {TABLE} SELECT id, timestamp_micros(1767225600000000) FROM range({MANY})")
    read(lake, f'table = "{TABLE}"; cursor = "at"; fetches = 1; snapshot = "none";', SLOW)
    position = kill_in_the_middle(lake, sandbox)
    gone(sandbox, position)
    _, log = run(lake)
    assert f"{position['same'][1]} rows with the last at may come a second time" in log
    found = ids(lake)
    assert len(found) == MANY + position["same"][1] and set(found) == set(range(MANY))


def test_a_result_that_goes_in_the_middle_of_a_run_is_replaced(lake, sandbox):
    people(sandbox, MANY)
    sandbox.set(chunk_rows=500)
    rule = {"do": "answer", "path": "/result/chunks/7", "status": 404, "error_code": "NOT_FOUND", "times": 3}
    sandbox.faults([{**rule, "message": "expired"}])
    read(lake, f'table = "{TABLE}"; cursor = "at"; fetches = 1;')
    report, _ = run(lake)
    assert counts(report) == [MANY, MANY, 0, 0, 0]
    assert ids(lake) == list(range(MANY))
    assert len(selects(sandbox)) == 2


@pytest.mark.parametrize("keeps_results", [True, False])
def test_kills_at_random_moments_lose_nothing(lake, sandbox, keeps_results):
    rng = random.Random(SEED)
    people(sandbox, MANY)
    sandbox.set(chunk_rows=300, retention_seconds=3600.0 if keeps_results else 0.2)
    sandbox.faults([{"do": "slow", "path": "^/storage/", "bytes_per_second": 40000}])
    read(lake, f'table = "{TABLE}"; cursor = "at"; fetches = 2;', SLOW)
    killed = 0
    for _ in range(12):
        process = lake.start("run", "job.cfg")
        time.sleep(rng.uniform(0.1, 0.7))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        killed += process.returncode == -signal.SIGKILL
        if process.returncode == 0:
            break
    sandbox.faults([])
    if process.returncode != 0:
        run(lake)
    assert killed > 1, SEED
    assert ids(lake) == list(range(MANY)), SEED


def test_an_altered_job_does_not_go_on_in_the_middle(lake, sandbox):
    people(sandbox, MANY)
    read(lake, f'table = "{TABLE}"; cursor = "at"; fetches = 1;', SLOW)
    kill_in_the_middle(lake, sandbox)
    before = checkpoint(lake)
    read(lake, f'table = "{TABLE}"; cursor = "at"; fetches = 1; where = "id > 5";', SLOW)
    _, log = run(lake, code=2)
    assert "was changed in the middle of a load" in log and "--full" in log
    assert checkpoint(lake) == before


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["cursor=at"],
        ["cursor=at", "tie_break=id", "snapshot=none"],
        ["result=inline", "cursor=at"],
    ],
)
def test_the_source_keeps_what_every_plugin_promises(lake, sandbox, options):
    people(sandbox, 20000)
    sandbox.set(chunk_rows=3000, padding_rows=7)
    module = next(
        Path(folder) / "databricks.so"
        for folder in os.environ["TOWPATH_PLUGIN_PATH"].split(":")
        if (Path(folder) / "databricks.so").exists()
    )
    arguments = [f"--option={option}" for option in [f"table={TABLE}", *options]]
    out = lake.run("plugins", "test", module, *arguments).stdout
    assert "FAIL" not in out and "resumes without gap" in out
