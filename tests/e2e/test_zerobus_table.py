"""The sink zerobus against the sandbox: grpcio's server, and a table to read back what was sent."""

import json

import pytest
from helpers import columns, csv_text, rejected
from sandbox import sandbox, sandbox_process  # noqa: F401

TABLE = "main.crm.orders"
DDL = (
    "id BIGINT, name STRING, amount DECIMAL(10,2), price DOUBLE, small INT, day DATE, at TIMESTAMP,"
    " ok BOOLEAN"
)
TYPES = columns(
    'name = "id"; type = "int64"',
    'name = "name"',
    'name = "amount"; type = "decimal(10,2)"',
    'name = "price"; type = "float64"',
    'name = "small"; type = "int32"',
    'name = "day"; type = "date"',
    'name = "at"; type = "timestamp"',
    'name = "ok"; type = "bool"',
)
PEOPLE = columns('name = "id"; type = "int64"', 'name = "name"')
HEAD = ["id", "name", "amount", "price", "small", "day", "at", "ok"]
ANN = ["1", "Ann, \u00c4nne", "-12.30", "0.5", "-7", "2024-02-29", "2024-02-29T12:34:56.789Z", "true"]


@pytest.fixture
def orders(tow, sandbox):  # noqa: F811
    tow.env |= {"DATABRICKS_HOST": sandbox.url, "ID": sandbox.client_id, "SECRET": sandbox.client_secret}
    sandbox.sql(f"CREATE TABLE {TABLE} ({DDL})")
    return sandbox


def job(tow, sandbox, sink="", more=TYPES, tls=False, table=TABLE):  # noqa: F811
    endpoint = sandbox.zerobus_tls_url if tls else sandbox.zerobus_url
    trust = f'ca_file = "{sandbox.zerobus_ca}";' if tls else ""
    tow.job(
        sink=f'plugin = "zerobus"; endpoint = "{endpoint}"; workspace_id = "1"; table = "{table}"; proxy = "";'
        f' client_id = "${{env:ID}}"; client_secret = "${{env:SECRET}}"; {trust} {sink}',
        more=f'{more}\n  retry = {{ base = "1ms"; cap = "20ms"; budget = "20s"; tries = 40; }};',
    )


def people(tow, count):
    tow.write("in.csv", csv_text([["id", "name"], *([str(i), f"name {i}"] for i in range(count))]))


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("sink", ['format = "proto";', 'format = "json";', 'schema = "columns";'])
def test_every_type_arrives(tow, orders, sink, tls):
    tow.write("in.csv", csv_text([HEAD, ANN, ["2", *[None] * 7]]))
    job(tow, orders, sink, tls=tls)
    assert tow.json("run", "job.cfg")["rows"]["accepted"] == 2
    assert orders.sql(f"SELECT * FROM {TABLE} WHERE id = 1") == [ANN]
    assert orders.sql(f"SELECT * FROM {TABLE} WHERE id = 2") == [["2", *[None] * 7]]


@pytest.mark.parametrize("form", ["proto", "json"])
def test_nested_columns_arrive(tow, orders, form):
    orders.sql(
        f"CREATE TABLE {TABLE}3 (id BIGINT, list ARRAY<INT>, texts MAP<STRING,BIGINT>,"
        " who STRUCT<first: STRING, more: ARRAY<STRUCT<x: DOUBLE, day: DATE>>>)"
    )
    who = '{"first":"Ann","more":[{"x":0.5,"day":"2024-02-29"},{"x":-1.0,"day":null}]}'
    names = ["list", "texts", "who"]
    rows = [["1", "[1,-2,3]", '{"a":1,"b":2}', who], ["2", None, None, None], ["3", '["x"]', "{}", "{}"]]
    if form == "json":
        rows.pop()  # the service would be the one to refuse it
    tow.write("in.csv", csv_text([["id", *names], *rows]))
    nested = columns('name = "id"; type = "int64"', *(f'name = "{name}"; type = "json"' for name in names))
    job(tow, orders, f'format = "{form}";', nested, table=TABLE + "3")
    assert tow.json("run", "job.cfg")["rows"]["accepted"] == 2
    if form == "proto":
        (reject,) = rejected(tow, 1)
        assert reject["row"]["id"] == "3"
    (ann, none) = orders.sql(f"SELECT * FROM {TABLE}3 ORDER BY id")
    assert [json.loads(cell) if cell[0] in "[{" else cell for cell in ann] == [
        "1",
        [1, -2, 3],
        {"a": 1, "b": 2},
        json.loads(who),
    ]
    assert none[0] == "2"


@pytest.mark.parametrize("form", ["proto", "json"])
def test_streams_that_are_closed_and_broken_lose_no_row(tow, orders, form):
    orders.set(zerobus_close_requests=3, zerobus_close_seconds=0.2, zerobus_fail_requests=5, zerobus_fail_code=14)
    people(tow, 40000)
    job(tow, orders, f'format = "{form}"; max_ingest_payload_bytes = 20000; recovery_backoff_ms = 10;', PEOPLE)
    assert tow.json("run", "job.cfg")["rows"]["accepted"] == 40000
    assert orders.sql(f"SELECT count(DISTINCT id), min(id), max(id) FROM {TABLE}") == [["40000", "0", "39999"]]


@pytest.mark.parametrize("form", ["proto", "json"])
def test_a_row_that_the_service_refuses_takes_no_other_with_it(tow, orders, form):
    orders.set(zerobus_poison="name 1234x")
    people(tow, 3000)
    text = (tow.folder / "in.csv").read_text().replace("name 1234\n", "name 1234x\n")
    tow.write("in.csv", text)
    job(tow, orders, f'format = "{form}";', PEOPLE)
    assert tow.json("run", "job.cfg")["rows"]["accepted"] == 2999
    (reject,) = rejected(tow, 1)
    assert reject["row"]["id"] == "1234"
    assert orders.count(TABLE) == 2999
    orders.set(zerobus_poison="")
    assert tow.json("replay", 1)["rows"]["accepted"] == 1
    assert orders.sql(f"SELECT count(*), count(DISTINCT id) FROM {TABLE}") == [["3000", "3000"]]


@pytest.mark.parametrize("form", ["proto", "json"])
def test_a_null_where_the_table_has_none_is_rejected(tow, orders, form):
    orders.sql(f"CREATE TABLE {TABLE}2 (id BIGINT NOT NULL, name STRING)")
    tow.write("in.csv", csv_text([["id", "name"], ["1", "Ann"], [None, "Bob"], ["3", None]]))
    job(tow, orders, f'format = "{form}";', PEOPLE, table=TABLE + "2")
    assert tow.json("run", "job.cfg")["rows"]["accepted"] == 2
    (reject,) = rejected(tow, 1)
    assert reject["row"]["name"] == "Bob"
    assert orders.sql(f"SELECT * FROM {TABLE}2 ORDER BY id") == [["1", "Ann"], ["3", None]]


def test_a_column_that_the_table_lacks_is_named(tow, orders):
    people(tow, 3)
    job(tow, orders, more=columns('name = "id"; type = "int64"', 'name = "nick"; from = "name"'))
    assert "nick" in tow.run("run", "job.cfg", code=2).stderr
    assert orders.count(TABLE) == 0


def test_a_table_that_is_not_there_is_named(tow, orders):
    people(tow, 3)
    orders.sql(f"DROP TABLE {TABLE}")
    job(tow, orders, more=PEOPLE)
    assert TABLE in tow.run("run", "job.cfg", code=2).stderr


def test_a_login_that_is_refused_is_no_secret_in_the_open(tow, orders):
    people(tow, 3)
    tow.env["SECRET"] = "wr0ng-s3cret"
    job(tow, orders, more=PEOPLE)
    done = tow.run("run", "job.cfg", code=3)
    assert "wr0ng-s3cret" not in done.stdout + done.stderr


# -- towpath zerobus proto -------------------------------------------------------------------------

WIDE = (
    "id BIGINT NOT NULL, byte TINYINT, short SMALLINT, int INT, f FLOAT, d DOUBLE, ok BOOLEAN, text STRING,"
    " raw BINARY, price DECIMAL(38,18), day DATE, at TIMESTAMP, local TIMESTAMP_NTZ, list ARRAY<INT>,"
    " texts MAP<STRING,BIGINT>, who STRUCT<first: STRING, more: ARRAY<STRUCT<x: DOUBLE>>>"
)
FIELDS = {
    "id": "int64", "byte": "int32", "short": "int32", "int": "int32", "f": "float", "d": "double", "ok": "bool",
    "text": "string", "raw": "bytes", "price": "string", "day": "int32", "at": "int64", "local": "int64",
    "list": "repeated int32", "texts": "map<string, int64>",
}  # fmt: skip


def test_a_table_becomes_a_proto_file_that_protoc_takes(tow, orders, tmp_path):
    protoc = pytest.importorskip("grpc_tools.protoc")
    descriptor = pytest.importorskip("google.protobuf.descriptor_pb2")
    orders.sql(f"CREATE TABLE {TABLE}_wide ({WIDE})")
    tow.env["DATABRICKS_TOKEN"] = orders.token
    done = tow.run("zerobus", "proto", "--table", TABLE + "_wide", "--output", "record.proto", "--proxy", "")
    assert (done.stdout, done.stderr) == ("", "")
    text = (tow.folder / "record.proto").read_text()
    assert text == tow.run("zerobus", "proto", f"--table={TABLE}_wide", "--proxy", "").stdout
    for name, kind in FIELDS.items():
        assert f"{kind} {name} = " in text
    assert "required int64 id = 1;" in text
    assert protoc.main(["protoc", f"-I{tow.folder}", f"--descriptor_set_out={tmp_path}/set", "record.proto"]) == 0
    file = descriptor.FileDescriptorSet.FromString((tmp_path / "set").read_bytes()).file[0]
    assert [field.name for field in file.message_type[0].field] == [*FIELDS, "who"]


@pytest.mark.parametrize(
    "args, code, says",
    [
        ([], 2, "--table"),
        (["--table", "main.crm"], 2, "main.crm"),
        (["--table", "main.crm.nothing"], 2, "main.crm.nothing"),
        (["--tabel", "x"], 2, "table"),
        (["--table", TABLE, "more"], 2, "more"),
        (["--table", TABLE, "--output", "no/where"], 3, "no/where"),
    ],
)
def test_a_proto_file_that_cannot_be_made_is_explained(tow, orders, args, code, says):
    tow.env["DATABRICKS_TOKEN"] = orders.token
    done = tow.run("zerobus", "proto", *args, "--proxy", "", code=code)
    assert done.stdout == ""
    assert says in done.stderr
    assert not (tow.folder / "record.proto").exists()


def test_only_a_plugin_with_such_a_word_is_a_command(tow):
    for words in (["csv", "proto"], ["zerobus", "prot"], ["zerobuss", "proto"], ["zerobus"]):
        assert "unknown command" in tow.run(*words, code=2).stderr
    assert "towpath zerobus proto" in tow.run("zerobus", "proto", "--help").stdout
