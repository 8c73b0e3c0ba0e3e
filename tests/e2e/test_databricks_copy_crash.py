"""kill -9 of a load into a Databricks table at every named step, then again: each row is there once.

The sandbox holds the client at the step, the client is killed, and what runs on without it is let go.
"""

import hashlib

import pytest
import sqlcheck
from helpers import columns, csv_text, until
from sandbox import sandbox, sandbox_process  # noqa: F401

ROWS = 3000
TABLE = "main.crm.people"
VOLUME = "/Volumes/main/crm/stage"
MODES = {"append": "", "replace": 'mode = "replace";', "merge": 'mode = "merge"; keys = "id";'}
BY_LOAD_TABLE = pytest.mark.parametrize("load", ["replace", "merge"], indirect=True)
UPLOAD = {"method": "PUT", "path": "/fs/files/"}


def name_of(row):
    return f"name {row} {hashlib.sha256(str(row).encode()).hexdigest()}"


@pytest.fixture(params=MODES)
def load(request, tow, sandbox):  # noqa: F811
    """A job of many parts and checkpoints, of two workers, into a table that has two rows."""
    tow.env.update(sandbox.env())
    tow.write("in.csv", csv_text([["id", "name"], *[[str(i), name_of(i)] for i in range(ROWS)]]))
    tow.job(
        sink=f'plugin = "databricks_copy"; table = "{TABLE}"; stage = "{VOLUME}"; part_bytes = "1kB";'
        + MODES[request.param],
        more=columns('name = "id"; from = "id"; type = "int64"', 'name = "name"; from = "name"')
        + '  pipeline = { batch_rows = 50; workers = 2; checkpoint = "1ms"; };'
        + '  retry = { base = "5ms"; cap = "50ms"; budget = "30s"; tries = 1000; };',
    )
    sandbox.sql(f"CREATE TABLE {TABLE} (id BIGINT, name STRING)")
    sandbox.sql(f"INSERT INTO {TABLE} VALUES (3, 'old'), (-1, 'old')")
    return Load(tow, sandbox, request.param)


class Load:
    def __init__(self, tow, lake, mode):
        self.tow = tow
        self.lake = lake
        self.mode = mode

    def kill_at(self, release=True, **rule):
        """Runs until the rule holds it, and kills it there."""
        self.lake.faults([{"do": "hold", "name": "there", "times": 1, **rule}])
        process = self.tow.start("run", "job.cfg", "--quiet")
        self.lake.hold("there")
        process.kill()
        assert process.wait(30) == -9
        if release:
            self.release()

    def release(self):
        self.lake.release("there")

    def check(self, runs=1):
        """Runs to the end: every row is there once, and nothing of the load is left."""
        for _ in range(runs):
            self.tow.run("run", "job.cfg")
        expected = {i: [name_of(i)] for i in range(ROWS)}
        if self.mode == "append":
            expected[3] = [name_of(3), "old"]
        if self.mode != "replace":
            expected[-1] = ["old"]
        found = {}
        for key, name in self.lake.sql(f"SELECT id, name FROM {TABLE} ORDER BY id, name"):
            found.setdefault(int(key), []).append(name)
        assert found == expected
        for folder in self.lake.list(f"{VOLUME}/job"):
            assert self.lake.list(f"{VOLUME}/job/{folder}") == []
        assert [row[1] for row in self.lake.sql("SHOW TABLES IN main.crm")] == ["people"]
        for text in {text for text in self.lake.statements() if "`" in text}:
            sqlcheck.check(text)


def test_killed_before_its_first_upload(load):
    load.kill_at(point="arrived", **UPLOAD)
    load.check()


def test_killed_before_a_later_upload(load):
    load.kill_at(point="arrived", skip=7, **UPLOAD)
    load.check()


def test_killed_in_the_middle_of_an_upload(load):
    load.kill_at(point="receiving", after_bytes=100, skip=5, **UPLOAD)
    load.check()


def test_killed_after_an_upload_that_it_does_not_know_of(load):
    load.kill_at(point="after", skip=5, **UPLOAD)
    load.check()


@pytest.mark.parametrize("goes_on", [True, False])
@pytest.mark.parametrize("skip", [0, 5])
def test_killed_in_an_upload_that_the_far_end_completes_during_the_next_run(load, skip, goes_on):
    if not goes_on:  # killed before its first checkpoint, a load is not gone on with
        job = (load.tow.folder / "job.cfg").read_text()
        load.tow.write("job.cfg", job.replace('checkpoint = "1ms"', 'checkpoint = "1h"'))
    load.kill_at(release=False, point="before", skip=skip, stays=True, **UPLOAD)
    load.lake.faults([{"do": "hold", "name": "copy", "times": 1, "point": "execute", "sql": "^COPY INTO"}])
    process = load.tow.start("run", "job.cfg", "--quiet")
    load.lake.hold("copy")
    load.release()
    until(lambda: any("there" in put["faults"] and put["status"] == 204 for put in load.lake.log(method="PUT")))
    load.lake.release("copy")
    load.tow.finish(process, 0)
    load.check(runs=0)


def test_killed_after_all_uploads(load):
    load.kill_at(point="before", method="POST", sql="^COPY INTO")
    load.check()


def test_killed_once_the_copy_was_submitted(load):
    load.kill_at(point="execute", sql="^COPY INTO")
    load.check()


def test_killed_while_the_copy_runs_on_and_holds_its_files(load):
    load.kill_at(point="execute", sql="^COPY INTO", release=False)
    process = load.tow.start("run", "job.cfg", "--quiet")
    # The next run meets the copy of the one before, and waits for it.
    until(lambda: len([text for text in load.lake.statements() if text.startswith("COPY INTO")]) >= 3)
    load.release()
    load.tow.finish(process, 0)
    load.check(runs=0)


def test_killed_when_the_copy_is_done_and_it_has_not_seen_it(load):
    load.kill_at(point="executed", sql="^COPY INTO")
    load.check()


def test_killed_when_the_copy_is_seen_and_the_state_has_not(load):
    load.kill_at(point="before", method="DELETE", path="/fs/files/")
    load.check()


def test_killed_when_half_of_the_staged_files_are_removed(load):
    load.kill_at(point="after", method="DELETE", path="/fs/files/", skip=3)
    load.check()


def test_killed_before_its_very_last_call(load):
    load.kill_at(point="after", method="DELETE", path="/fs/directories/")
    load.check()


@BY_LOAD_TABLE
def test_killed_while_the_table_is_swapped(load):
    load.kill_at(point="execute", sql="^(INSERT OVERWRITE|MERGE INTO)")
    load.check()


@BY_LOAD_TABLE
def test_killed_when_the_table_is_swapped_and_it_has_not_seen_it(load):
    load.kill_at(point="executed", sql="^(INSERT OVERWRITE|MERGE INTO)")
    load.check()


@BY_LOAD_TABLE
def test_killed_before_the_load_table_is_dropped(load):
    load.kill_at(point="before", method="POST", sql="^DROP TABLE")
    load.check()


def test_killed_again_and_again(load):
    rules = [
        {"point": "after", "skip": 2, **UPLOAD},
        {"point": "receiving", "after_bytes": 50, "skip": 1, **UPLOAD},
        {"point": "execute", "sql": "^COPY INTO"},
        {"point": "executed", "sql": "^COPY INTO"},
        {"point": "after", "method": "DELETE", "path": "/fs/files/", "skip": 1},
        {"point": "after", "method": "DELETE", "path": "/fs/files/", "skip": 2},
    ]
    for rule in rules:
        load.kill_at(**rule)
    load.check()
