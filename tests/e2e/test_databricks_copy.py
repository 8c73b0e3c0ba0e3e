"""The sink databricks_copy against the sandbox: what arrives, in each mode, and what goes wrong on the way."""

import base64
import gzip
import json
import os
import threading
from pathlib import Path

import pytest
import sqlcheck
from helpers import VALUES, checkpoint, columns, counts, csv_text, launch, table, until
from sandbox import sandbox, sandbox_process  # noqa: F401

VOLUME = "/Volumes/main/crm/stage"
TABLE = "main.crm.people"
FAST = 'retry = { base = "1ms"; cap = "20ms"; budget = "20s"; tries = 40; };'
PEOPLE = columns('name = "id"; from = "id"; type = "int64"', 'name = "name"; from = "name"')


@pytest.fixture
def lake(tow, sandbox):  # noqa: F811
    """The sandbox as jobs find it. Every statement that a test has sent to it must parse."""
    tow.env.update(sandbox.env())
    yield sandbox
    sandbox.faults([])
    own = [text for text in sandbox.statements() if "`" in text]
    for text in set(own):
        sqlcheck.check(text)


def people(tow, rows, name="in.csv"):
    texts = [[None if value is None else str(value) for value in row] for row in rows]
    tow.write(name, csv_text([["id", "name"], *texts]))


def job(tow, sink="", more=PEOPLE, table=TABLE, stage=VOLUME, pipeline=""):
    tow.job(
        sink=f'plugin = "databricks_copy"; table = "{table}"; stage = "{stage}"; {sink}',
        more=f"{more}\n  {FAST}\n  pipeline = {{ {pipeline} }};",
    )


def rows_of(lake, table=TABLE, names="id, name", order="id"):
    return lake.sql(f"SELECT {names} FROM {table} ORDER BY {order}")


def staged(lake):
    return [name for load in lake.list(f"{VOLUME}/job") for name in lake.list(f"{VOLUME}/job/{load}")]


# -- modes -----------------------------------------------------------------------------------------


def test_append_adds_rows_to_a_table_that_it_creates(tow, lake):
    people(tow, [[1, "Ann"], [2, None], [3, ""]])
    job(tow)
    report = tow.json("run", "job.cfg")
    assert counts(report) == [3, 3, 0, 0, 0]
    tow.run("run", "job.cfg")
    assert rows_of(lake) == [["1", "Ann"], ["1", "Ann"], ["2", None], ["2", None], ["3", ""], ["3", ""]]
    assert staged(lake) == []
    assert lake.sql(f"DESCRIBE TABLE {TABLE}") == [["id", "bigint", None], ["name", "string", None]]


def test_replace_puts_rows_in_place_of_others(tow, lake):
    lake.sql(f"CREATE TABLE {TABLE} (name STRING, ID DECIMAL(20,0), more INT)")
    lake.sql(f"INSERT INTO {TABLE} VALUES ('old', 9, 1)")
    people(tow, [[1, "Ann"], [2, "Bob"]])
    job(tow, 'mode = "replace";')
    tow.run("run", "job.cfg")
    assert rows_of(lake, names="id, name, more") == [["1", "Ann", None], ["2", "Bob", None]]
    people(tow, [])
    tow.run("run", "job.cfg")
    assert lake.count(TABLE) == 0
    assert [row[1] for row in lake.sql("SHOW TABLES IN main.crm")] == ["people"]


def test_merge_updates_rows_by_key_and_the_last_one_wins(tow, lake):
    lake.sql(f"CREATE TABLE {TABLE} (id BIGINT, name STRING)")
    lake.sql(f"INSERT INTO {TABLE} VALUES (1, 'old'), (2, 'old'), (NULL, 'old')")
    rows = [[2, "first"], [3, "first"], [None, "first"], [3, "last"], [2, None], [None, "last"]]
    people(tow, rows)
    job(tow, 'mode = "merge"; keys = "ID"; part_bytes = "1kB";', pipeline="batch_rows = 1; workers = 2;")
    tow.run("run", "job.cfg")
    assert rows_of(lake, order="id NULLS FIRST") == [[None, "last"], ["1", "old"], ["2", None], ["3", "last"]]
    tow.run("run", "job.cfg")
    assert lake.count(TABLE) == 4


def test_a_replay_adds_what_was_rejected_to_a_table(tow, lake):
    people(tow, [[1, "Ann"], ["x", "Bob"]])
    job(tow)
    tow.run("run", "job.cfg")
    mended = columns('name = "id"; value = "7"; type = "int64"', 'name = "name"; from = "name"')
    job(tow, 'mode = "replace";', mended)
    assert "a replay would replace table" in tow.run("replay", "1", code=2).stderr
    job(tow, more=mended)
    tow.run("replay", "1")
    assert rows_of(lake) == [["1", "Ann"], ["7", "Bob"]]


def test_a_trial_of_several_workers_is_published_and_leaves_no_trace(tow, lake):
    people(tow, [[i, "x"] for i in range(100)])
    job(tow, 'part_bytes = "1kB";', pipeline="batch_rows = 10; workers = 3;")
    tow.run("run", "job.cfg", "--limit", 50)
    assert lake.count(TABLE) == 50
    assert checkpoint(tow) is None
    tow.run("run", "job.cfg")
    assert lake.count(TABLE) == 150
    assert staged(lake) == []


def test_results_and_rows_go_to_tables_of_one_stage(tow, lake):
    people(tow, [[1, "Ann"], ["x", "Bob"]])
    results = f'results = {{ plugin = "databricks_copy"; table = "main.crm.outcome"; stage = "{VOLUME}"; }};'
    job(tow, more=PEOPLE + results)
    tow.run("run", "job.cfg")
    assert rows_of(lake) == [["1", "Ann"]]
    assert lake.sql("SELECT id, success FROM main.crm.outcome ORDER BY id") == [["1", "true"], ["x", "false"]]


def test_the_plugin_keeps_the_contract(tow, lake):
    folders = [Path(folder) for folder in os.environ["TOWPATH_PLUGIN_PATH"].split(":")]
    module = next(folder / "databricks_copy.so" for folder in folders if (folder / "databricks_copy.so").exists())
    for mode in ("append", "replace", "merge"):
        more = ["keys=id"] if mode == "merge" else []
        options = [f"table=main.crm.{mode}", f"stage={VOLUME}", f"mode={mode}", "part_bytes=1000", *more]
        arguments = [word for option in options for word in ("--option", option)]
        out = tow.run("plugins", "test", module, *arguments).stdout
        assert "FAIL" not in out and "0 failed" in out, out


# -- values ----------------------------------------------------------------------------------------

# Of each type: the column's spec, and texts that come back as they are.
TYPES = {
    "flag": ("bool", ["true", "false"]),
    "tiny": ("int8", ["-128", "127"]),
    "small": ("int16", ["-32768", "32767"]),
    "middle": ("int32", ["-2147483648", "2147483647"]),
    "big": ("int64", ["-9223372036854775808", "9223372036854775807"]),
    "u8": ("uint8", ["0", "255"]),
    "u16": ("uint16", ["0", "65535"]),
    "u32": ("uint32", ["0", "4294967295"]),
    "u64": ("uint64", ["0", "18446744073709551615"]),
    "single": ("float32", ["0.1", "-3.4028235e38", "NaN", "Infinity", "-Infinity", "1e-45"]),
    "real": ("float64", ["0.1", "-1.7976931348623157e308", "NaN", "Infinity", "-Infinity", "5e-324"]),
    "money": ("decimal(38,10)", ["-9999999999999999999999999999.9999999999", "0.0000000001", "1.5000000000"]),
    "whole": ("decimal(38,0)", ["99999999999999999999999999999999999999"]),
    "text": ("string", None),
    "bytes": ("binary", ["", "AA==", "AAH/gA==", base64.b64encode(bytes(range(256))).decode()]),
    "day": ("date", ["0001-01-01", "1582-10-10", "1969-12-31", "9999-12-31"]),
    "at": ("timestamp", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"]),
    "wall": ("timestamp_ntz", ["1582-10-10T12:00:00.000001", "2026-03-29T02:30:00", "9999-12-31T23:59:59.999999"]),
    "doc": ("json", ['{"a":[1,null,"x\\"y\\\\"],"b":{"c":0.10}}', "null", '"null"', "1.50", "[]"]),
}
ODD_TEXTS = [text for text in VALUES.values() if text is not None] + ["\\N", "NULL", "~", "'", "\\", '"\\"', ",", "\u0085"]


def typed_rows():
    """Rows that hold every value of each type, and between them nulls."""
    lists = [texts if texts is not None else ODD_TEXTS for _, texts in TYPES.values()]
    count = max(map(len, lists)) + 1
    rows = [[str(n)] + [texts[n] if n < len(texts) else None for texts in lists] for n in range(count)]
    return rows + [[str(count)] + [texts[0] for texts in lists]]


def typed_columns(names=TYPES):
    specs = ['name = "n"; from = "n"; type = "int64"']
    for name in names:
        form = ' format = "base64";' if TYPES[name][0] == "binary" else ""
        specs.append(f'name = "{name}"; from = "{name}"; type = "{TYPES[name][0]}";{form}')
    return columns(*specs)


@pytest.mark.parametrize("staged_format", ["csv", "ndjson"])
def test_every_value_of_every_type_comes_back_as_it_was(tow, lake, staged_format):
    rows = typed_rows()
    tow.write("in.csv", csv_text([["n", *TYPES], *rows]))
    job(tow, f'format = "{staged_format}"; part_bytes = "1kB";', typed_columns(), "main.crm.typed", pipeline="batch_rows = 7;")
    report = tow.json("run", "job.cfg")
    assert report["rows"]["accepted"] == len(rows), report
    tow.job(
        "back",
        source='plugin = "databricks"; table = "main.crm.typed"; tie_break = "n";',
        sink='plugin = "file"; path = "back.csv";',
    )
    tow.run("run", "back.cfg")
    back = (tow.folder / "back.csv").read_bytes().decode()
    for line, expected in zip(table(tow, "back.csv"), [["n", *TYPES], *rows]):
        assert line == [value or "" for value in expected]
    # Here null is apart from the empty text, too.
    assert back == csv_text([["n", *TYPES], *rows])


def test_rows_that_are_one_null_or_one_empty_text_arrive(tow, lake):
    for staged_format in ("csv", "ndjson"):
        tow.write("in.csv", 'a\n""\nNULL\nx\n')
        tow.job(
            source='plugin = "csv"; path = "in.csv"; null_values = "NULL";',
            sink=f'plugin = "databricks_copy"; table = "main.crm.{staged_format}"; stage = "{VOLUME}";'
            f' format = "{staged_format}";',
        )
        tow.run("run", "job.cfg")
        assert lake.sql(f"SELECT a FROM main.crm.{staged_format} ORDER BY a NULLS FIRST") == [[None], [""], ["x"]]


def test_values_go_into_the_types_that_a_table_has(tow, lake):
    lake.sql(
        "CREATE TABLE main.crm.wide (v VARIANT, s STRUCT<a: INT, b: ARRAY<STRING>>, l ARRAY<INT>, d DOUBLE, n DECIMAL(20,2),"
        " t STRING)"
    )
    tow.write("in.csv", csv_text([["v", "s", "l", "d", "n", "t"], ['{"k":1}', '{"a":1,"b":["x"]}', "[1,2]", "0.5", "7", "8"]]))
    job(
        tow,
        more=columns(
            'name = "V"; from = "v"; type = "json"',
            'name = "s"; from = "s"; type = "json"',
            'name = "l"; from = "l"; type = "json"',
            'name = "d"; from = "d"; type = "float32"',
            'name = "n"; from = "n"; type = "int32"',
            'name = "t"; from = "t"; type = "int64"',
        ),
        table="main.crm.wide",
    )
    tow.run("run", "job.cfg")
    assert [list(map(squeeze, row)) for row in lake.sql("SELECT v, s, l, d, n, t FROM main.crm.wide")] == [
        ['{"k":1}', '{"a":1,"b":["x"]}', "[1,2]", "0.5", "7.00", "8"]
    ]


def squeeze(text):
    return text.replace(" ", "")


def test_a_nested_value_that_does_not_fit_loads_nothing(tow, lake):
    lake.sql("CREATE TABLE main.crm.nested (s STRUCT<a: INT>)")
    tow.write("in.csv", csv_text([["s"], ['{"a":1}'], ['{"a":"x"}']]))
    job(tow, more=columns('name = "s"; from = "s"; type = "json"'), table="main.crm.nested")
    tow.run("run", "job.cfg", code=3)
    assert lake.count("main.crm.nested") == 0


def test_types_of_new_columns_can_be_named(tow, lake):
    tow.write("in.csv", csv_text([["doc", "n"], ['{"a": 1}', "5"]]))
    specs = columns('name = "doc"; from = "doc"; type = "json"', 'name = "n"; from = "n"; type = "int32"')
    job(tow, 'column_types = ( "doc=VARIANT", "n=DECIMAL(12,2)" );', specs, "main.crm.docs")
    tow.run("run", "job.cfg")
    assert lake.sql("DESCRIBE TABLE main.crm.docs") == [["doc", "variant", None], ["n", "decimal(12,2)", None]]
    assert [list(map(squeeze, row)) for row in lake.sql("SELECT doc, n FROM main.crm.docs")] == [['{"a":1}', "5.00"]]


def test_odd_names_of_columns_and_tables_stay_in_their_place(tow, lake):
    names = ["a b", "it's", "x`y", "q\"", "semi;colon", "Ünï", "select", "a.b"]
    tow.write("in.csv", csv_text([names, [str(i) for i in range(len(names))]]))
    job(tow, more="", table="main.crm.`odd-table`")
    tow.run("run", "job.cfg")
    quoted = ", ".join("`" + name.replace("`", "``") + "`" for name in names)
    assert lake.sql(f"SELECT {quoted} FROM main.crm.`odd-table`") == [[str(i) for i in range(len(names))]]


# -- tables ----------------------------------------------------------------------------------------


def test_a_table_that_does_not_hold_the_values_is_refused_before_anything_is_read(tow, lake):
    lake.sql(f"CREATE TABLE {TABLE} (id INT, name DATE)")
    people(tow, [[1, "Ann"]])
    job(tow)
    message = tow.run("run", "job.cfg", code=2).stderr
    assert "column id is int there, int64 here; column name is date there, string here" in message
    assert lake.log("/fs/files/") == []


def test_columns_change_as_the_job_allows(tow, lake):
    lake.sql(f"CREATE TABLE {TABLE} (id BIGINT)")
    people(tow, [[1, "Ann"]])
    job(tow)
    assert f"table {TABLE} has no column for: name" in tow.run("run", "job.cfg", code=2).stderr
    job(tow, 'schema_change = "add_columns";')
    tow.run("run", "job.cfg")
    assert rows_of(lake) == [["1", "Ann"]]
    lake.sql(f"CREATE OR REPLACE TABLE {TABLE} (id STRING, more INT)")
    job(tow, 'mode = "replace"; schema_change = "replace";')
    tow.run("run", "job.cfg")
    assert lake.sql(f"DESCRIBE TABLE {TABLE}") == [["id", "bigint", None], ["name", "string", None]]
    assert rows_of(lake) == [["1", "Ann"]]


def test_two_columns_that_differ_in_case_are_found_by_check(tow, lake):
    tow.write("in.csv", "id,ID\n1,2\n")
    job(tow, more="")
    assert 'columns "id" and "ID" differ in case only' in tow.run("check", "job.cfg", code=2).stderr


def test_check_needs_no_network(tow):
    people(tow, [[1, "Ann"]])
    job(tow, 'host = "https://192.0.2.1"; token = "${env:T}"; warehouse_id = "abc";')
    tow.run("check", "job.cfg", env={"T": "x"})
    job(tow, 'host = "https://192.0.2.1"; token = "${env:T}"; warehouse_id = "abc"; mode = "merge"; keys = "nope";')
    assert 'no column "nope"' in tow.run("check", "job.cfg", env={"T": "x"}, code=2).stderr


def test_a_table_dropped_while_rows_are_staged_is_told_and_the_next_run_goes_on(tow, lake):
    lake.sql(f"CREATE TABLE {TABLE} (id BIGINT, name STRING)")
    people(tow, [[1, "Ann"]])
    job(tow, "create_table = false;")
    lake.faults([{"do": "hold", "name": "up", "point": "before", "method": "PUT", "path": "/fs/files/"}])
    process = tow.start("run", "job.cfg")
    lake.hold("up")
    lake.sql(f"DROP TABLE {TABLE}")
    lake.release("up")
    assert f"table {TABLE} is not there; create it" in tow.finish(process, 2)[1]
    assert len(staged(lake)) == 1
    job(tow)
    tow.run("run", "job.cfg")
    assert rows_of(lake) == [["1", "Ann"]]


def test_a_type_that_changes_while_rows_are_staged_is_told_and_nothing_is_loaded(tow, lake):
    lake.sql(f"CREATE TABLE {TABLE} (id BIGINT, name STRING)")
    people(tow, [[1, "Ann"]])
    job(tow)
    lake.faults([{"do": "hold", "name": "up", "point": "before", "method": "PUT", "path": "/fs/files/"}])
    process = tow.start("run", "job.cfg")
    lake.hold("up")
    lake.sql(f"CREATE OR REPLACE TABLE {TABLE} (id INT, name STRING)")
    lake.release("up")
    assert "column id is int there, int64 here" in tow.finish(process, 2)[1]
    assert lake.count(TABLE) == 0
    lake.sql(f"CREATE OR REPLACE TABLE {TABLE} (id BIGINT, name STRING)")
    tow.run("run", "job.cfg")
    assert rows_of(lake) == [["1", "Ann"]]


# -- stages ----------------------------------------------------------------------------------------


def s3_sink(lake, more):
    return f'aws_endpoint = "{lake.s3_endpoint}"; {more}'


def test_parts_are_staged_in_s3_with_signed_requests(tow, lake):
    people(tow, [[i, "x"] for i in range(50)])
    job(tow, s3_sink(lake, "aws_keys_in_sql = true; keep_staged = true;"), stage="s3://bucket/some/prefix")
    done = tow.run("run", "job.cfg")
    assert lake.count(TABLE) == 50
    files = [path for path in (lake.folder() / "s3" / "bucket").rglob("*.gz")]
    assert len(files) == 1 and "some/prefix/job/" in str(files[0])
    assert "query history" in done.stderr and lake.secret_key not in done.stderr
    assert lake.secret_key.encode() not in tow.state.read_bytes()
    job(tow, s3_sink(lake, "aws_keys_in_sql = true;"), stage="s3://bucket/other")
    tow.run("run", "job.cfg")
    assert not list((lake.folder() / "s3" / "bucket" / "other").rglob("*.gz"))


def test_keys_stay_out_of_sql_unless_the_job_says_so(tow, lake):
    people(tow, [[1, "Ann"]])
    for more in ("", 'stage_credential = "odd `name`";'):
        job(tow, s3_sink(lake, more), stage="s3://bucket/p")
        done = tow.run("run", "job.cfg")
        assert "query history" not in done.stderr
    assert not any(lake.access_key in text or lake.secret_key in text for text in lake.statements())
    assert any("WITH (CREDENTIAL `odd ``name```)" in text for text in lake.statements())


def test_refused_keys_are_told_without_them(tow, lake):
    people(tow, [[1, "Ann"]])
    wrong = 'aws_access_key_id = "${env:AWS_ACCESS_KEY_ID}"; aws_secret_access_key = "${env:WRONG}";'
    job(tow, s3_sink(lake, wrong), stage="s3://bucket/p")
    message = tow.run("run", "job.cfg", env={"WRONG": "wrongkey-wrongkey"}, code=3).stderr
    assert "403" in message and "wrongkey" not in message and lake.access_key not in message


def test_parts_are_staged_in_a_folder_of_this_machine(tow, lake):
    folder = tow.folder / "stage"
    folder.mkdir()
    people(tow, [[i, "x"] for i in range(50)])
    job(tow, "keep_staged = true;", stage=f"file://{folder}")
    tow.run("run", "job.cfg")
    assert lake.count(TABLE) == 50
    (part,) = folder.rglob("*.gz")
    lines = gzip.decompress(part.read_bytes()).decode().splitlines()
    assert lines[0] == '0,"x"' and len(lines) == 50
    assert not list(folder.rglob(".*"))


def test_parts_have_the_size_that_the_job_asks_for(tow, lake):
    people(tow, [[i, f"{i * 7919 % 100003} {i * 104729 % 1000003}"] for i in range(60000)])
    job(tow, 'part_bytes = "100kB"; keep_staged = true;', pipeline="batch_rows = 500; workers = 1;")
    tow.run("run", "job.cfg")
    files = sorted((lake.folder() / "Volumes").rglob("*.gz"))
    sizes = [path.stat().st_size for path in files]
    assert len(sizes) > 2 and all(size < 250_000 for size in sizes)
    assert lake.count(TABLE) == 60000
    assert len([text for text in lake.statements() if text.startswith("COPY INTO")]) == 1


# -- things that go wrong --------------------------------------------------------------------------

PASSING = {
    "uploads that are told to wait": [
        {"do": "answer", "path": "/fs/files/", "method": "PUT", "status": 503, "times": 2},
        {"do": "answer", "path": "/fs/files/", "method": "PUT", "status": 429, "retry_after": "0", "skip": 3, "times": 2},
    ],
    "uploads that are cut": [
        {"do": "cut", "point": "receiving", "path": "/fs/files/", "method": "PUT", "after_bytes": 200, "times": 2},
        {"do": "cut", "point": "after", "path": "/fs/files/", "method": "PUT", "times": 2},
    ],
    "a COPY that is told to wait": [
        {"do": "answer", "sql": "^COPY INTO", "status": 429, "retry_after": "0", "times": 2},
        {"do": "answer", "sql": "^COPY INTO", "status": 503, "skip": 2, "times": 2},
    ],
    "a COPY whose answer is lost": [{"do": "cut", "point": "after", "method": "POST", "sql": "^COPY INTO", "times": 1}],
    "files that another COPY has": [
        {"do": "fail", "sql": "^COPY INTO", "error_class": "COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED", "times": 3}
    ],
    "a table that others change": [
        {"do": "fail", "sql": "^(COPY|INSERT|MERGE)", "error_class": "DELTA_METADATA_CHANGED", "times": 1}
    ],
    "statements whose answers are lost": [
        {"do": "cut", "point": "after", "method": "POST", "path": "/statements", "probability": 0.3, "seed": 7}
    ],
}
MODES = {"append": "", "replace": 'mode = "replace";', "merge": 'mode = "merge"; keys = "id";'}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", PASSING)
def test_what_may_pass_is_waited_out(tow, lake, fault, mode):
    people(tow, [[i, f"name {i}"] for i in range(400)])
    job(tow, MODES[mode] + 'part_bytes = "1kB";', pipeline="batch_rows = 50; workers = 2;")
    lake.faults(PASSING[fault])
    report = tow.json("run", "job.cfg")
    lake.faults([])
    assert counts(report) == [400, 400, 0, 0, 0]
    assert rows_of(lake) == [[str(i), f"name {i}"] for i in range(400)]
    assert staged(lake) == []


STOPPING = {
    "no right to load": (
        [{"do": "fail", "sql": "^COPY INTO", "error_class": "INSUFFICIENT_PERMISSIONS", "message": "no MODIFY on people"}],
        3,
        "no MODIFY on people",
    ),
    "no right to stage": (
        [{"do": "answer", "path": "/fs/files/", "method": "PUT", "status": 403, "message": "no WRITE VOLUME"}],
        3,
        "no WRITE VOLUME",
    ),
    "a volume that is not there": (
        [{"do": "answer", "path": "/fs/files/", "method": "PUT", "status": 404, "message": "Volume stage is not there"}],
        2,
        "Volume stage is not there",
    ),
    "a page of a proxy": ([{"do": "html", "path": "/statements", "status": 502}], 3, "proxies"),
    "a COPY that fails for good": (
        [{"do": "fail", "sql": "^COPY INTO", "error_class": "COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED", "message": "no"}],
        3,
        "COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED",
    ),
}


@pytest.mark.parametrize("case", STOPPING)
def test_what_does_not_pass_is_told_and_nothing_is_lost(tow, lake, case):
    faults, code, message = STOPPING[case]
    lake.sql(f"CREATE TABLE {TABLE} (id BIGINT, name STRING)")
    people(tow, [[i, "x"] for i in range(100)])
    job(tow)
    lake.faults(faults)
    done = tow.run("run", "job.cfg", code=code)
    assert message in done.stderr
    lake.faults([])
    assert lake.count(TABLE) == 0
    tow.run("run", "job.cfg")
    assert lake.count(TABLE) == 100
    assert staged(lake) == []


def test_a_wrong_token_and_an_unknown_warehouse_are_told(tow, lake):
    people(tow, [[1, "Ann"]])
    job(tow)
    wrong = tow.run("run", "job.cfg", code=3, env={"DATABRICKS_TOKEN": "dapi-wrong"})
    assert "401" in wrong.stderr or "403" in wrong.stderr
    assert "dapi-wrong" not in wrong.stderr
    unknown = tow.run("run", "job.cfg", code=None, env={"DATABRICKS_WAREHOUSE_ID": "0000000000000000"})
    assert unknown.returncode in (2, 3) and "warehouse" in unknown.stderr
    assert checkpoint(tow) is None


def test_a_warehouse_that_never_starts_ends_the_run_in_time(tow, lake):
    people(tow, [[1, "Ann"]])
    job(tow, 'start_timeout = "1s";')
    lake.set(warehouse_starts=False)
    lake.call("POST", f"/api/2.0/sql/warehouses/{lake.warehouse_id}/stop")
    done = tow.run("run", "job.cfg", code=3)
    assert "start_timeout" in done.stderr or "warehouse" in done.stderr
    assert checkpoint(tow) is None


def test_a_statement_that_takes_too_long_is_cancelled_and_run_again_by_the_next_run(tow, lake):
    people(tow, [[i, "x"] for i in range(100)])
    job(tow, 'query_timeout = "500ms";')
    lake.faults([{"do": "hold", "name": "long", "point": "execute", "sql": "^COPY INTO", "times": 1}])
    done = tow.run("run", "job.cfg", code=3)
    assert "loading 1 staged file" in done.stderr
    assert lake.log("/cancel")
    tow.run("run", "job.cfg")
    assert lake.count(TABLE) == 100


def test_a_signal_ends_a_run_that_waits_for_its_statement(tow, lake):
    people(tow, [[i, "x"] for i in range(100)])
    job(tow)
    lake.faults([{"do": "hold", "name": "long", "point": "execute", "sql": "^COPY INTO", "times": 1}])
    process = tow.start("run", "job.cfg")
    lake.hold("long")
    status = Path(f"/proc/{process.pid}/status")
    process.terminate()
    # One that comes while the first is not taken would be the same one.
    until(lambda: "ShdPnd:\t0000000000000000" in status.read_text())
    process.terminate()
    tow.finish(process, 143)
    lake.release("long")
    tow.run("run", "job.cfg")
    assert lake.count(TABLE) == 100


def test_staged_files_that_somebody_removed_are_told(tow, lake):
    people(tow, [[1, "Ann"], [2, "Bob"]])
    job(tow)
    lake.faults([{"do": "answer", "sql": "^COPY INTO", "status": 403}])
    tow.run("run", "job.cfg", code=3)
    lake.faults([])
    (load,) = lake.list(f"{VOLUME}/job")
    (part,) = lake.list(f"{VOLUME}/job/{load}")
    lake.request("DELETE", f"/api/2.0/fs/files{VOLUME}/job/{load}/{part}")
    said = tow.run("run", "job.cfg", code=3).stderr
    assert f"{VOLUME}/job/{load} is no longer there" in said and "--full" in said
    tow.run("run", "job.cfg", "--full")
    assert rows_of(lake) == [["1", "Ann"], ["2", "Bob"]]


def test_readers_of_a_table_that_is_replaced_see_all_old_rows_or_all_new_ones(tow, lake):
    lake.sql(f"CREATE TABLE {TABLE} (id BIGINT, name STRING)")
    lake.sql(f"INSERT INTO {TABLE} SELECT id, 'old' FROM range(50)")
    people(tow, [[i, "new"] for i in range(300)])
    job(tow, 'mode = "replace"; part_bytes = "1kB";', pipeline="batch_rows = 30;")
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            seen.add(tuple(lake.sql(f"SELECT count(*), min(name), max(name) FROM {TABLE}")[0]))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(4):
            tow.run("run", "job.cfg")
    finally:
        stop.set()
        reader.join()
    assert seen <= {("50", "old", "old"), ("300", "new", "new")} and len(seen) == 2


def test_a_count_that_is_not_that_of_the_files_is_an_alarm_that_keeps_them(tow, lake):
    people(tow, [[i, "x"] for i in range(100)])
    job(tow)
    lake.faults([{"do": "hold", "name": "up", "point": "before", "sql": "^COPY INTO", "times": 1}])
    process = tow.start("run", "job.cfg")
    lake.hold("up")
    (part,) = (lake.folder() / "Volumes").rglob("*.gz")
    part.write_bytes(gzip.compress(b'"1","one row only"\n'))
    lake.release("up")
    message = tow.finish(process, 3)[1]
    assert "inserted 1 rows" in message and "100 rows" in message
    assert len(staged(lake)) == 1


def test_an_unfinished_load_goes_on_with_the_options_that_it_began_with(tow, lake):
    people(tow, [[i, "x"] for i in range(100)])
    job(tow)
    lake.faults([{"do": "fail", "sql": "^COPY INTO", "error_class": "INSUFFICIENT_PERMISSIONS"}])
    tow.run("run", "job.cfg", code=3)
    lake.faults([])
    before = checkpoint(tow)
    job(tow, table="main.crm.other")
    assert "has table `main`.`crm`.`people`, now it is" in tow.run("run", "job.cfg", code=2).stderr
    assert checkpoint(tow) == before
    job(tow)
    tow.run("run", "job.cfg")
    assert lake.count(TABLE) == 100
    assert not any("`other`" in text for text in lake.statements() if text.startswith("COPY INTO"))


def test_a_run_with_full_leaves_staged_files_to_their_retention(tow, lake):
    people(tow, [[i, "x"] for i in range(100)])
    job(tow)
    lake.faults([{"do": "fail", "sql": "^COPY INTO", "error_class": "INSUFFICIENT_PERMISSIONS"}])
    tow.run("run", "job.cfg", code=3)
    lake.faults([])
    launch(tow, 0, "run", "job.cfg", "--full")
    assert lake.count(TABLE) == 100
    assert len(staged(lake)) == 1
