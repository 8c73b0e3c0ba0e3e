"""Results in Arrow: types, chunks, frames, padding, limits; and the same values as text."""

import datetime
import decimal

import pytest
from sandbox import need_modules

need_modules()

import lz4.frame  # noqa: E402
import pyarrow as pa  # noqa: E402

LINKS = {"disposition": "EXTERNAL_LINKS", "format": "ARROW_STREAM"}
COMPRESSED = {**LINKS, "result_compression": "LZ4_FRAME"}
ALL = """SELECT
  true AS b, CAST(-128 AS TINYINT) AS i8, CAST(32767 AS SMALLINT) AS i16, 1 AS i32,
  CAST(-9223372036854775808 AS BIGINT) AS i64, CAST(1.5 AS FLOAT) AS f, CAST('-Infinity' AS DOUBLE) AS d,
  CAST('1234567890123456789012345678.0123456789' AS DECIMAL(38,10)) AS dec, 'a\\0b' AS s0, 'é\\n' AS s,
  X'00FF' AS bin, DATE'2024-02-29' AS day, TIMESTAMP'2024-01-01 00:00:00.123456' AS at,
  TIMESTAMP_NTZ'2024-01-01 00:00:00.123456' AS n, INTERVAL '1-2' YEAR TO MONTH AS ym,
  INTERVAL '1 02:03:04.5' DAY TO SECOND AS dt, NULL AS void, array(1, NULL) AS arr, map('k', 1.5) AS m,
  named_struct('a', 1, 'b', array('x')) AS st, parse_json('{"a": [1, null]}') AS v"""


def bodies(sandbox, answer):
    """The chunks of a result, in order, with their links."""
    (link,) = answer["result"]["external_links"]
    while True:
        status, _, body = sandbox.request("GET", link["external_link"], login=False)
        assert status == 200
        yield link, body
        if "next_chunk_index" not in link:
            return
        (link,) = sandbox.call("GET", link["next_chunk_internal_link"])["external_links"]


def frames(body):
    """The LZ4 frames of a body, decompressed one by one."""
    found = []
    while body:
        decompressor = lz4.frame.LZ4FrameDecompressor()
        found.append(decompressor.decompress(body))
        assert decompressor.eof
        body = decompressor.unused_data or b""
    return found


def table(sandbox, text, **fields):
    answer = sandbox.execute(text, **{**LINKS, **fields})
    assert answer["status"]["state"] == "SUCCEEDED", answer
    return pa.concat_tables(pa.ipc.open_stream(body).read_all() for _, body in bodies(sandbox, answer))


def test_every_type_has_the_arrow_type_that_warehouses_send(sandbox):
    text = ALL.replace("INTERVAL '1-2' YEAR TO MONTH AS ym,", "").replace("'a\\0b' AS s0,", "")
    result = table(sandbox, text)
    assert dict(zip(result.schema.names, map(str, result.schema.types))) == {
        "b": "bool",
        "i8": "int8",
        "i16": "int16",
        "i32": "int32",
        "i64": "int64",
        "f": "float",
        "d": "double",
        "dec": "decimal128(38, 10)",
        "s": "string",
        "bin": "binary",
        "day": "date32[day]",
        "at": "timestamp[us, tz=Etc/UTC]",
        "n": "timestamp[us]",
        "dt": "duration[us]",
        "void": "null",
        "arr": "list<element: int32>",
        "m": "map<string, decimal128(2, 1)>",
        "st": "struct<a: int32, b: list<element: string>>",
        "v": "string",
    }
    (row,) = result.to_pylist()
    assert row["dec"] == decimal.Decimal("1234567890123456789012345678.0123456789")
    assert row["bin"] == b"\x00\xff"
    assert row["at"] == datetime.datetime(2024, 1, 1, 0, 0, 0, 123456, datetime.UTC)
    assert row["dt"] == datetime.timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=500)
    assert row["v"] == '{"a":[1,null]}'
    assert row["st"] == {"a": 1, "b": ["x"]}


def test_a_year_month_interval_is_arrows_own_type(sandbox):
    answer = sandbox.execute("SELECT INTERVAL '1-2' YEAR TO MONTH AS i UNION ALL SELECT NULL", **LINKS)
    column = answer["manifest"]["schema"]["columns"][0]
    assert (column["type_name"], column["type_text"]) == ("INTERVAL", "INTERVAL YEAR TO MONTH")
    assert column["type_interval_type"] == "YEAR TO MONTH"
    ((_, body),) = bodies(sandbox, answer)
    reader = pa.ipc.open_stream(body)
    assert str(reader.schema.types[0]) == "month_interval"
    assert sum(batch.num_rows for batch in reader) == 2
    assert (14).to_bytes(4, "little") in body


def test_the_manifest_names_types_as_sql_does(sandbox):
    columns = sandbox.execute(ALL)["manifest"]["schema"]["columns"]
    texts = {column["name"]: (column["type_name"], column["type_text"]) for column in columns}
    assert texts["i8"] == ("BYTE", "TINYINT")
    assert texts["i64"] == ("LONG", "BIGINT")
    assert texts["dec"] == ("DECIMAL", "DECIMAL(38,10)")
    assert texts["n"] == ("TIMESTAMP_NTZ", "TIMESTAMP_NTZ")
    assert texts["m"] == ("MAP", "MAP<STRING, DECIMAL(2,1)>")
    assert texts["st"] == ("STRUCT", "STRUCT<a: INT, b: ARRAY<STRING>>")
    assert texts["v"] == ("VARIANT", "VARIANT")
    assert next(c["type_scale"] for c in columns if c["name"] == "dec") == 10


def test_the_same_values_as_text(sandbox):
    answer = sandbox.execute(ALL)
    names = [column["name"] for column in answer["manifest"]["schema"]["columns"]]
    assert dict(zip(names, answer["result"]["data_array"][0])) == {
        "b": "true",
        "i8": "-128",
        "i16": "32767",
        "i32": "1",
        "i64": "-9223372036854775808",
        "f": "1.5",
        "d": "-Infinity",
        "dec": "1234567890123456789012345678.0123456789",
        "s0": "a\0b",
        "s": "é\n",
        "bin": "AP8=",
        "day": "2024-02-29",
        "at": "2024-01-01T00:00:00.123Z",
        "n": "2024-01-01T00:00:00.123",
        "ym": "1-2",
        "dt": "1 02:03:04.500000000",
        "void": None,
        "arr": "[1,null]",
        "m": '{"k":1.5}',
        "st": '{"a":1,"b":["x"]}',
        "v": '{"a":[1,null]}',
    }


def test_times_are_in_the_session_zone(sandbox):
    sandbox.set(timezone="America/Los_Angeles")
    text = "SELECT TIMESTAMP'2021-01-01T18:00:00Z' AS at"
    assert sandbox.value(text) == "2021-01-01T10:00:00.000-08:00"
    result = table(sandbox, text)
    assert str(result.schema.types[0]) == "timestamp[us, tz=America/Los_Angeles]"
    assert result.column("at").cast(pa.int64()).to_pylist() == [1609524000000000]


@pytest.mark.parametrize(
    "text, shown",
    [
        ("CAST('NaN' AS DOUBLE)", "NaN"),
        ("CAST(1e20 AS DOUBLE)", "1.0E20"),
        ("CAST(-0.00012 AS DOUBLE)", "-1.2E-4"),
        ("CAST(1234567 AS DOUBLE)", "1234567.0"),
        ("CAST(0.1 AS FLOAT)", "0.1"),
        ("CAST(1 AS DECIMAL(10,4))", "1.0000"),
        ("DATE'0001-01-01'", "0001-01-01"),
        ("DATE'9999-12-31'", "9999-12-31"),
        ("TIMESTAMP'0001-01-01 00:00:00'", "0001-01-01T00:00:00.000Z"),
        ("TIMESTAMP'9999-12-31 23:59:59.999999'", "9999-12-31T23:59:59.999Z"),
        ("TIMESTAMP'1969-12-31 23:59:59.999999'", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_extremes_as_text(sandbox, text, shown):
    assert sandbox.value(f"SELECT {text}") == shown


def test_a_compressed_chunk_is_one_frame_a_message(sandbox):
    sandbox.set(chunk_rows=50000, batch_bytes=100000)
    answer = sandbox.execute("SELECT id, CAST(id AS STRING) AS t FROM range(100000)", **COMPRESSED)
    assert answer["manifest"]["result_compression"] == "LZ4_FRAME"
    rows = 0
    for number, (link, body) in enumerate(bodies(sandbox, answer)):
        parts = frames(body)
        assert len(parts) > 3  # schema, batches, end
        assert parts[-1] == b"\xff\xff\xff\xff\0\0\0\0"
        assert len(body) == link["byte_count"]
        assert sum(map(len, parts)) == answer["manifest"]["chunks"][number]["byte_count"]
        info = lz4.frame.get_frame_info(body)
        assert (info["content_checksum"], info["block_linked"]) == (number == 1, False)
        rows += pa.ipc.open_stream(b"".join(parts)).read_all().num_rows
    assert rows == 100000


def test_compression_may_not_be_honoured(sandbox):
    sandbox.set(compression=False)
    answer = sandbox.execute("SELECT 1 AS a", **COMPRESSED)
    assert "result_compression" not in answer["manifest"]
    ((_, body),) = bodies(sandbox, answer)
    assert pa.ipc.open_stream(body).read_all().to_pylist() == [{"a": 1}]


def test_a_chunk_can_hold_more_rows_than_it_says(sandbox):
    sandbox.set(padding_rows=7, chunk_rows=10)
    answer = sandbox.execute("SELECT id FROM range(20)", **LINKS)
    assert answer["manifest"]["total_row_count"] == 20
    for link, body in bodies(sandbox, answer):
        ids = pa.ipc.open_stream(body).read_all().column("id").to_pylist()
        assert link["row_count"] == 10 and len(ids) == 17
        assert ids[:10] == list(range(link["row_offset"], link["row_offset"] + 10))


def test_chunks_are_cut_by_their_size(sandbox):
    sandbox.set(chunk_bytes=100000, batch_bytes=10000)
    answer = sandbox.execute("SELECT id FROM range(100000)", **LINKS)
    sizes = [chunk["byte_count"] for chunk in answer["manifest"]["chunks"]]
    assert len(sizes) >= 7 and max(sizes) < 130000
    ids = [
        i
        for _, body in bodies(sandbox, answer)
        for i in pa.ipc.open_stream(body).read_all()["id"].to_pylist()
    ]
    assert ids == list(range(100000))


def test_row_and_byte_limits_truncate(sandbox):
    manifest = sandbox.execute("SELECT id FROM range(100)", row_limit=10)["manifest"]
    assert (manifest["total_row_count"], manifest["truncated"]) == (10, True)
    manifest = sandbox.execute("SELECT id FROM range(10)", row_limit=10)["manifest"]
    assert (manifest["total_row_count"], manifest["truncated"]) == (10, False)
    manifest = sandbox.execute("SELECT id FROM range(100000)", byte_limit=8000, **LINKS)["manifest"]
    assert manifest["truncated"] and 0 < manifest["total_row_count"] <= 1000


def test_an_inline_result_that_is_too_large_fails(sandbox):
    sandbox.set(inline_limit=1000)
    status = sandbox.execute("SELECT id FROM range(1000)")["status"]
    assert status["state"] == "FAILED"
    assert status["error"]["error_code"] == "BAD_REQUEST"
    assert status["error"]["message"].startswith("Inline byte limit exceeded")


def test_inline_results_come_in_chunks_too(sandbox):
    sandbox.set(chunk_rows=3)
    assert sandbox.sql("SELECT id FROM range(8)") == [[str(i)] for i in range(8)]


def test_links_serve_text_and_csv_as_well(sandbox):
    text = "SELECT id, CASE WHEN id = 1 THEN NULL ELSE 'a,\"b\"' END AS t FROM range(2)"
    answer = sandbox.execute(text, disposition="EXTERNAL_LINKS", format="CSV")
    ((_, body),) = bodies(sandbox, answer)
    assert body == b'id,t\n0,"a,""b"""\n1,null\n'
    answer = sandbox.execute(text, disposition="EXTERNAL_LINKS", format="JSON_ARRAY")
    ((_, body),) = bodies(sandbox, answer)
    assert body == b'[["0","a,\\"b\\""],["1",null]]'


@pytest.mark.parametrize(
    "fields", [{"format": "ARROW_STREAM"}, {"format": "XML"}, {"disposition": "BOTH"}, {"row_limit": 0}]
)
def test_what_does_not_go_together_is_refused(sandbox, fields):
    body = {"statement": "SELECT 1", "warehouse_id": sandbox.warehouse_id, **fields}
    assert sandbox.request("POST", "/api/2.0/sql/statements", body)[0] == 400


def test_a_workspace_can_forbid_links(sandbox):
    sandbox.set(external_links=False)
    body = {"statement": "SELECT 1", "warehouse_id": sandbox.warehouse_id, **LINKS}
    assert sandbox.request("POST", "/api/2.0/sql/statements", body)[0] == 403
