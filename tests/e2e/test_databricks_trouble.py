"""Everything that can be wrong between the source `databricks` and its rows."""

import json
import signal
import time

import pytest
from helpers import checkpoint, counts, ids, until
from lake import MANY, TABLE, lake, people, read, run  # noqa: F401
from sandbox import sandbox, sandbox_process  # noqa: F401


# ---- what passes -----------------------------------------------------------------------------------

TROUBLE = [
    [{"do": "answer", "path": "/sql/statements", "status": 429, "retry_after": "0", "times": 3}],
    [{"do": "answer", "path": "/sql/statements", "method": "GET", "status": 503, "times": 2}],
    [{"do": "answer", "path": "^/storage/", "status": 503, "times": 3}],
    [{"do": "answer", "path": "^/storage/", "status": 403, "skip": 2, "times": 2}],
    [{"do": "answer", "path": "^/storage/", "status": 404, "body": "", "skip": 3, "times": 1}],
    [{"do": "cut", "path": "^/storage/", "after_bytes": 1000, "times": 3}],
    [{"do": "short", "path": "^/storage/", "times": 3}],
    [{"do": "cut", "path": "/sql/statements", "times": 2}],
    [{"do": "html", "path": "^/storage/", "status": 502, "title": "Bad Gateway", "times": 2}],
]


@pytest.mark.parametrize("rules", TROUBLE, ids=lambda rules: json.dumps(rules[0]))
def test_trouble_that_passes_costs_no_row(lake, sandbox, rules):
    people(sandbox, MANY)
    sandbox.set(chunk_rows=500)
    sandbox.faults(rules)
    patient = 'retry = { base = "1ms"; cap = "20ms"; tries = 10; };'
    read(lake, f'table = "{TABLE}"; cursor = "at";', patient)
    report, _ = run(lake)
    assert counts(report) == [MANY, MANY, 0, 0, 0]
    assert ids(lake) == list(range(MANY))


SETTINGS = [{"link_uses": 1}, {"link_seconds": 1.0}, {"padding_rows": 50}, {"compression": False}]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_links_and_chunks_of_every_sort(lake, sandbox, settings):
    people(sandbox, MANY)
    sandbox.set(chunk_rows=500, **settings)
    read(lake, f'table = "{TABLE}"; cursor = "at";')
    run(lake)
    assert ids(lake) == list(range(MANY))


def test_a_warehouse_that_must_start_is_waited_for(lake, sandbox):
    people(sandbox, 10)
    sandbox.call("POST", f"/api/2.0/sql/warehouses/{sandbox.warehouse_id}/stop")
    sandbox.set(warehouse_polls=3)
    read(lake)
    report, log = run(lake)
    assert report["rows"]["read"] == 10
    assert log.count("waiting for the warehouse") == 1


@pytest.mark.parametrize("fetches", [1, 8])
def test_a_token_that_ends_in_the_middle_is_renewed_once(lake, sandbox, fetches):
    lake.env.pop("DATABRICKS_TOKEN")
    lake.env.update(DATABRICKS_CLIENT_ID=sandbox.client_id, DATABRICKS_CLIENT_SECRET=sandbox.client_secret)
    people(sandbox, MANY)
    sandbox.set(chunk_rows=100)
    sandbox.faults([{"do": "hold", "name": "chunk", "path": "^/storage/[^/]+/20$"}])
    read(lake, f'table = "{TABLE}"; fetches = {fetches};')
    process = lake.start("run", "job.cfg")
    sandbox.hold("chunk")
    before = len(sandbox.log("/oidc/"))
    sandbox.expire_tokens()
    sandbox.faults([])
    sandbox.release()
    lake.finish(process, 0)
    assert ids(lake) == list(range(MANY))
    assert len(sandbox.log("/oidc/")) == before + 1


def test_a_workspace_without_links_sends_rows_inline(lake, sandbox):
    people(sandbox, MANY)
    sandbox.set(external_links=False)
    read(lake, f'table = "{TABLE}"; cursor = "at";')
    _, log = run(lake)
    assert "hands out no links" in log
    assert ids(lake) == list(range(MANY))


# ---- what does not ---------------------------------------------------------------------------------


def refused(tow, code, *words):
    """The run fails with this exit code and these words, and leaves the state as it was."""
    before = checkpoint(tow) if tow.state.exists() else None
    report, log = run(tow, code)
    for word in words:
        assert word in log, log
    assert (checkpoint(tow) if before else None) == before
    assert report["rows"]["accepted"] == 0 or code in (3, 6)
    return log


def test_a_wrong_token_is_told(lake, sandbox):
    people(sandbox, 10)
    read(lake, f'table = "{TABLE}"; token = "dapi-wrong";')
    log = refused(lake, 3, "Invalid access token")
    assert "dapi-wrong" not in log


def test_missing_grants_are_told(lake, sandbox):
    people(sandbox, 10)
    lacks = "User does not have SELECT on Table 'main.crm.people'."
    sandbox.faults(
        [{"do": "fail", "sql": "people", "error_class": "INSUFFICIENT_PERMISSIONS", "message": lacks}]
    )
    read(lake)
    refused(lake, 3, "SELECT", "main.crm.people", "GRANT")


def test_an_absent_table_is_told(lake, sandbox):
    read(lake, 'table = "main.crm.nobody";')
    refused(lake, 2, "nobody", "check the table's name")


def test_an_absent_warehouse_is_told(lake, sandbox):
    people(sandbox, 10)
    read(lake, f'table = "{TABLE}"; warehouse_id = "0123456789abcdef";')
    lake.env.pop("DATABRICKS_WAREHOUSE_ID")
    refused(lake, 2, "0123456789abcdef", "check SQL warehouse")


def test_a_dropped_column_is_told(lake, sandbox):
    sandbox.sql(
        f"CREATE TABLE {TABLE} (id BIGINT, at TIMESTAMP, name STRING) "
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"
    )
    read(lake, f'table = "{TABLE}"; columns = ["id", "name"]; cursor = "at";')
    run(lake)
    sandbox.sql(f"ALTER TABLE {TABLE} DROP COLUMN name")
    refused(lake, 2, "name", "no such column")


def test_an_absent_cursor_is_told(lake, sandbox):
    people(sandbox, 10)
    read(lake, f'table = "{TABLE}"; cursor = "updated_at";')
    refused(lake, 2, 'cursor = "updated_at"', "no such column")


def test_a_cursor_that_is_none_is_told(lake, sandbox):
    sandbox.sql(f"CREATE TABLE {TABLE} (id BIGINT, score DOUBLE)")
    read(lake, f'table = "{TABLE}"; cursor = "score";')
    refused(lake, 2, "score", "DOUBLE", "a cursor is a timestamp")


def test_a_type_that_changes_while_it_is_opened_is_told(lake, sandbox):
    people(sandbox, 10)
    rule = {"do": "hold", "name": "main", "point": "before", "sql": "FROM `main`.`crm`.`people`$"}
    sandbox.faults([{**rule, "times": 1}])
    read(lake)
    process = lake.start("run", "job.cfg")
    sandbox.hold("main")
    sandbox.sql(f"CREATE OR REPLACE TABLE {TABLE} (id STRING, at TIMESTAMP, name STRING)")
    sandbox.release("main")
    _, log = lake.finish(process, 3)
    assert 'the type of column "id" was BIGINT and is now STRING' in log


def test_a_warehouse_that_never_starts_is_told(lake, sandbox):
    people(sandbox, 10)
    sandbox.call("POST", f"/api/2.0/sql/warehouses/{sandbox.warehouse_id}/stop")
    sandbox.set(warehouse_starts=False)
    read(lake, f'table = "{TABLE}"; start_timeout = "1s";')
    refused(lake, 3, "has not begun with the statement within 1 s", sandbox.warehouse_id)
    states = {item["state"] for item in sandbox.call("GET", "/_sandbox/statements")}
    assert states <= {"SUCCEEDED", "CANCELED"}


def test_a_query_that_takes_too_long_is_cancelled(lake, sandbox):
    people(sandbox, 10)
    sandbox.faults([{"do": "hold", "name": "slow", "point": "execute", "sql": "ORDER BY"}])
    read(lake, f'table = "{TABLE}"; tie_break = "id"; query_timeout = "1s";')
    refused(lake, 3, "not done within 1 s")
    assert sandbox.call("GET", "/_sandbox/statements")[-1]["state"] == "CANCELED"


def test_storage_that_cannot_be_reached_is_told(lake, sandbox):
    people(sandbox, MANY)
    sandbox.set(link_url="http://127.0.0.1:9", chunk_rows=500)
    read(lake)
    refused(lake, 3, "127.0.0.1:9", 'result = "inline"')


def test_storage_that_refuses_every_link_is_told(lake, sandbox):
    people(sandbox, MANY)
    sandbox.set(chunk_rows=500)
    sandbox.faults([{"do": "answer", "path": "^/storage/", "status": 403}])
    read(lake)
    refused(lake, 3, "403")


def test_a_page_of_a_proxy_is_told(lake, sandbox):
    people(sandbox, 10)
    sandbox.faults([{"do": "html", "path": "/api/", "status": 200, "title": "Log in to the proxy"}])
    read(lake)
    refused(lake, 3, "proxy")


def test_a_truncated_result_is_told(lake, sandbox):
    people(sandbox, 10)
    answer = {
        "statement_id": "01ef-cut",
        "status": {"state": "SUCCEEDED"},
        "manifest": {
            "format": "ARROW_STREAM",
            "schema": {
                "column_count": 3,
                "columns": [
                    {"name": "id", "type_name": "LONG", "type_text": "BIGINT"},
                    {"name": "at", "type_name": "TIMESTAMP", "type_text": "TIMESTAMP"},
                    {"name": "name", "type_name": "STRING", "type_text": "STRING"},
                ],
            },
            "total_chunk_count": 1,
            "total_row_count": 5,
            "truncated": True,
        },
        "result": {},
    }
    rule = {"do": "answer", "sql": "FROM `main`.`crm`.`people`$", "status": 200}
    sandbox.faults([{**rule, "body": json.dumps(answer)}])
    read(lake)
    refused(lake, 3, "was cut off at 5 rows")
    assert not (lake.folder / "out.ndjson").exists()


def test_rows_too_many_for_inline_are_told(lake, sandbox):
    people(sandbox, MANY)
    sandbox.set(inline_limit=1000)
    read(lake, f'table = "{TABLE}"; result = "inline";')
    refused(lake, 2, "25 MiB")
    # Few rows that are too large come by links.
    read(lake, f'table = "{TABLE}"; limit = 100;')
    assert run(lake)[0]["rows"]["read"] == 100


def test_a_stop_is_heard_while_the_warehouse_starts(lake, sandbox):
    people(sandbox, 10)
    sandbox.call("POST", f"/api/2.0/sql/warehouses/{sandbox.warehouse_id}/stop")
    sandbox.set(warehouse_polls=100000)
    read(lake)
    process = lake.start("run", "job.cfg")
    until(lambda: len(sandbox.log("/sql/statements/", "GET")) > 1)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    lake.finish(process, 143)
    assert time.monotonic() - began < 3
    until(lambda: sandbox.call("GET", "/_sandbox/statements")[-1]["state"] == "CANCELED")


def test_a_stop_is_heard_while_chunks_come(lake, sandbox):
    people(sandbox, MANY)
    sandbox.set(chunk_rows=500)
    sandbox.faults([{"do": "hold", "name": "chunk", "path": "^/storage/[^/]+/5$"}])
    read(lake, f'table = "{TABLE}"; fetches = 1;')
    process = lake.start("run", "job.cfg")
    sandbox.hold("chunk")
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    lake.finish(process, 143)
    assert time.monotonic() - began < 3
    sandbox.faults([])
    sandbox.release()
    run(lake)
    assert sorted(ids(lake)) == list(range(MANY))


def test_no_secret_is_told(lake, sandbox):
    people(sandbox, MANY)
    sandbox.set(chunk_rows=500)
    sandbox.faults([{"do": "answer", "path": "^/storage/", "status": 503, "times": 3}])
    read(lake, f'table = "{TABLE}"; cursor = "at";')
    _, log = run(lake)
    state = b"".join(path.read_bytes() for path in (lake.folder / "state").iterdir())
    for secret in (sandbox.token, "X-Amz-Signature"):
        assert secret not in log and secret.encode() not in state
