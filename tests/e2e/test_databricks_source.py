"""The source `databricks` over the sandbox: what it reads, and what is new."""

import json

import pytest
import sqlcheck
from helpers import checkpoint, counts, ids
from lake import MANY, TABLE, lake, people, position_of, read, run  # noqa: F401
from sandbox import sandbox, sandbox_process  # noqa: F401


# ---- what is read ----------------------------------------------------------------------------------


def test_a_table_is_read_whole(lake, sandbox):
    people(sandbox, MANY)
    sandbox.set(chunk_rows=1000)
    read(lake)
    report, log = run(lake)
    assert counts(report) == [MANY, MANY, 0, 0, 0]
    assert sorted(ids(lake)) == list(range(MANY))
    assert lake.rows()[7] == {"id": 7, "at": "2026-01-01T00:00:00Z", "name": "name 7"}
    # The next run reads all of it again.
    assert run(lake)[0]["rows"]["read"] == MANY


def test_columns_where_and_limit_narrow_it(lake, sandbox):
    people(sandbox, 100)
    where = "id >= 10 AND name LIKE '%5'"
    read(lake, f'table = "{TABLE}"; columns = ["NAME", "id"]; where = "{where}"; limit = 5;')
    run(lake)
    assert [list(row) for row in lake.rows()] == [["name", "id"]] * 5
    assert all(row["name"].endswith("5") for row in lake.rows())


def test_a_query_is_read(lake, sandbox):
    people(sandbox, 100)
    read(
        lake,
        f'query = "WITH few AS (SELECT * FROM {TABLE} WHERE id < 20) '
        'SELECT id % 2 AS odd, count(*) AS n FROM few GROUP BY 1 -- that is all"; tie_break = "odd";',
    )
    run(lake)
    assert lake.rows() == [{"odd": 0, "n": 10}, {"odd": 1, "n": 10}]


def test_names_without_a_catalog_are_looked_for_in_catalog_and_schema(lake, sandbox):
    people(sandbox, 3)
    read(lake, 'table = "people"; catalog = "main"; schema = "crm";')
    assert run(lake)[0]["rows"]["read"] == 3


def test_an_odd_name_is_taken_as_it_is(lake, sandbox):
    sandbox.sql(
        "CREATE TABLE main.crm.`it``s` (`a``b` BIGINT, `c d'` STRING) "
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"
    )
    sandbox.sql("INSERT INTO main.crm.`it``s` VALUES (1, 'x'), (2, 'y')")
    read(lake, 'table = "main.crm.`it``s`"; cursor = "a`b"; tie_break = "c d\'";')
    run(lake)
    assert lake.rows() == [{"a`b": 1, "c d'": "x"}, {"a`b": 2, "c d'": "y"}]


@pytest.mark.parametrize("result", ["links", "inline"])
def test_an_empty_table_gives_its_columns(lake, sandbox, result):
    sandbox.sql(f"CREATE TABLE {TABLE} (id BIGINT, tags ARRAY<STRING>)")
    lake.job(
        source=f'plugin = "databricks"; table = "{TABLE}"; result = "{result}";',
        sink='plugin = "file"; path = "out.csv";',
    )
    assert run(lake)[0]["rows"]["read"] == 0
    assert (lake.folder / "out.csv").read_text() == "id,tags\n"


# ---- types -----------------------------------------------------------------------------------------

# Of each type two values, as SQL; then as the sink `file` writes them, with nulls in the end.
TYPES = {
    "b": ["true", "false"],
    "i8": ["CAST(-128 AS TINYINT)", "CAST(127 AS TINYINT)"],
    "i16": ["CAST(-32768 AS SMALLINT)", "CAST(32767 AS SMALLINT)"],
    "i32": ["CAST(-2147483648 AS INT)", "2147483647"],
    "i64": ["CAST('-9223372036854775808' AS BIGINT)", "9223372036854775807"],
    "f": ["CAST('3.4028235E38' AS FLOAT)", "CAST('NaN' AS FLOAT)"],
    "d": ["CAST('4.9E-324' AS DOUBLE)", "CAST('-Infinity' AS DOUBLE)"],
    "dec": ["CAST('-0.01' AS DECIMAL(38,2))", f"CAST('{'9' * 36}.99' AS DECIMAL(38,2))"],
    "s": ["''", "'\"q\" \\\\ \\n \\r \\t \\u0001 é \U0001f600 null'"],
    "z": ["X''", "X'00FF80'"],
    "day": ["DATE'0001-01-01'", "DATE'9999-12-31'"],
    "at": ["TIMESTAMP'1969-12-31 23:59:59.999999Z'", "TIMESTAMP'9999-12-31 23:59:59.999999Z'"],
    "wall": ["TIMESTAMP_NTZ'2026-03-08 02:30:00.000001'", "TIMESTAMP_NTZ'0001-01-01 00:00:00'"],
    "ds": ["INTERVAL '1 02:03:04.5' DAY TO SECOND", "INTERVAL '0 00:00:00' DAY TO SECOND"],
    "list": ["array(1, NULL)", "CAST(array() AS ARRAY<INT>)"],
    "map": ["map('k', CAST(1.5 AS DOUBLE))", "CAST(map() AS MAP<STRING, DOUBLE>)"],
    "st": ["named_struct('a', 1, 'b', 'x')", "named_struct('a', CAST(NULL AS INT), 'b', '')"],
    "any": ["parse_json('{\"a\": [1, null]}')", "parse_json('\"text\"')"],
}
VALUES = [
    {
        "id": 1, "b": True, "i8": -128, "i16": -32768, "i32": -2147483648, "i64": -9223372036854775808,
        "f": 3.4028235e38, "d": 5e-324, "dec": "-0.01", "s": "", "z": "", "day": "0001-01-01",
        "at": "1969-12-31T23:59:59.999999Z", "wall": "2026-03-08T02:30:00.000001",
        "ds": "1 02:03:04.500000000", "list": [1, None], "map": {"k": 1.5}, "st": {"a": 1, "b": "x"},
        "any": {"a": [1, None]}, "nothing": None,
    },
    {
        "id": 2, "b": False, "i8": 127, "i16": 32767, "i32": 2147483647, "i64": 9223372036854775807,
        "f": "NaN", "d": "-Infinity", "dec": "9" * 36 + ".99",
        "s": '"q" \\ \n \r \t \x01 é \U0001f600 null', "z": "AP+A", "day": "9999-12-31",
        "at": "9999-12-31T23:59:59.999999Z", "wall": "0001-01-01T00:00:00",
        "ds": "0 00:00:00.000000000", "list": [], "map": {}, "st": {"a": None, "b": ""}, "any": "text",
        "nothing": None,
    },
    dict.fromkeys(["id", *TYPES, "nothing"], None) | {"id": 3},
]  # fmt: skip


def exact_number(text):
    """Decimals as the texts that they are."""
    return text if len(text) > 24 or text == "-0.01" else float(text)


@pytest.mark.parametrize("timezone", ["Etc/UTC", "America/Los_Angeles"])
@pytest.mark.parametrize("result", ["links", "inline"])
def test_every_type_arrives_as_it_is(lake, sandbox, result, timezone):
    sandbox.set(timezone=timezone)
    rows = [[values[i] for values in TYPES.values()] for i in range(2)]
    rows.append([f"CASE WHEN false THEN {values[0]} END" for values in TYPES.values()])
    selects = [
        f"SELECT {i + 1} AS id, " + ", ".join(f"{value} AS {name}" for name, value in zip(TYPES, row))
        for i, row in enumerate(rows)
    ]
    lake.write("query.sql", f"SELECT *, NULL AS nothing FROM ({' UNION ALL '.join(selects)})")
    read(lake, f'query = "${{file:{lake.folder}/query.sql}}"; tie_break = "id"; result = "{result}";')
    run(lake)
    lines = (lake.folder / "out.ndjson").read_text().splitlines()
    for line, wanted in zip(lines, VALUES, strict=True):
        assert json.loads(line, parse_float=exact_number) == wanted


@pytest.mark.parametrize("result", ["links", "inline"])
def test_intervals_of_months_arrive_as_text(lake, sandbox, result):
    sandbox.sql(f"CREATE TABLE {TABLE} (ym INTERVAL YEAR TO MONTH)")
    sandbox.sql(
        f"INSERT INTO {TABLE} VALUES (INTERVAL '-1-2' YEAR TO MONTH), (INTERVAL '2-1' YEAR TO MONTH), (NULL)"
    )
    read(lake, f'table = "{TABLE}"; result = "{result}";')
    run(lake)
    assert [row["ym"] for row in lake.rows()] == ["-1-2", "2-1", None]


# ---- what is new -----------------------------------------------------------------------------------


def test_each_run_reads_what_is_new(lake, sandbox):
    people(sandbox, 100)
    read(lake, f'table = "{TABLE}"; cursor = "at";')
    run(lake)
    assert ids(lake) == list(range(100))
    assert run(lake)[0]["rows"]["read"] == 0
    people(sandbox, 50, first=100)
    run(lake)
    assert ids(lake) == list(range(100, 150))
    assert position_of(lake)["next"] == ["2026-01-01T00:00:14.000000Z"]
    # --full begins anew.
    lake.run("run", "job.cfg", "--full")
    assert ids(lake) == list(range(150))


def test_since_begins_behind_a_time(lake, sandbox):
    people(sandbox, 100)
    read(lake, f'table = "{TABLE}"; cursor = "at"; since = "2026-01-01 00:00:07";')
    run(lake)
    assert ids(lake) == list(range(80, 100))
    assert run(lake)[0]["rows"]["read"] == 0


def test_microseconds_count(lake, sandbox):
    sandbox.sql(f"CREATE TABLE {TABLE} (id BIGINT, at TIMESTAMP)")
    sandbox.sql(f"INSERT INTO {TABLE} SELECT id, timestamp_micros(1767225600000000 + id) FROM range(10)")
    read(lake, f'table = "{TABLE}"; cursor = "at"; since = "2026-01-01T00:00:00.000006Z";')
    run(lake)
    assert ids(lake) == [7, 8, 9]
    assert run(lake)[0]["rows"]["read"] == 0


@pytest.mark.parametrize(
    "kind, values, more",
    [
        ("BIGINT", ["1", "2", "9223372036854775807"], 'since = "0";'),
        ("INT", ["-5", "0", "7"], ""),
        ("DECIMAL(20,0)", ["-1", "0", "99999999999999999999"], ""),
        ("STRING", ["'a'", "'b'", "'it''s \\\\ é'"], ""),
        ("TIMESTAMP_NTZ", [f"TIMESTAMP_NTZ'2026-03-08 0{i}:30:00.000001'" for i in (1, 2, 3)], ""),
        ("DATE", ["DATE'2025-12-30'", "DATE'2025-12-31'", "DATE'2026-01-01'"], 'since = "2025-12-29";'),
    ],
)
@pytest.mark.parametrize("snapshot", ["auto", "none"])
def test_cursors_of_every_kind(lake, sandbox, kind, values, more, snapshot):
    sandbox.set(timezone="America/Los_Angeles")
    sandbox.sql(f"CREATE TABLE {TABLE} (id BIGINT, c {kind})")
    read(lake, f'table = "{TABLE}"; cursor = "c"; snapshot = "{snapshot}"; {more}')
    for i, value in enumerate(values):
        sandbox.sql(f"INSERT INTO {TABLE} VALUES ({2 * i}, {value}), ({2 * i + 1}, {value})")
        run(lake)
        assert ids(lake) == [2 * i, 2 * i + 1]
    assert run(lake)[0]["rows"]["read"] == 0


def test_a_day_is_read_once_it_is_over(lake, sandbox):
    sandbox.sql(f"CREATE TABLE {TABLE} (id BIGINT, day DATE)")
    sandbox.sql(
        f"INSERT INTO {TABLE} VALUES (1, date_sub(current_date(), 2)), (2, date_sub(current_date(), 1)), "
        "(3, current_date()), (4, date_add(current_date(), 1))"
    )
    read(lake, f'table = "{TABLE}"; cursor = "day";')
    run(lake)
    assert ids(lake) == [1, 2]
    read(lake, f'table = "{TABLE}"; cursor = "day"; lag = "1d";')
    lake.run("run", "job.cfg", "--full")
    assert ids(lake) == [1]


def test_lag_and_overlap_wait_for_late_rows(lake, sandbox):
    sandbox.sql(f"CREATE TABLE {TABLE} (id BIGINT, at TIMESTAMP)")
    minutes = ", ".join(
        f"({i}, timestamp_micros(unix_micros(current_timestamp()) - {10 - i} * 60000000))" for i in range(10)
    )
    sandbox.sql(f"INSERT INTO {TABLE} VALUES {minutes}")
    read(lake, f'table = "{TABLE}"; cursor = "at"; lag = "3m"; overlap = "150s";')
    run(lake)
    assert ids(lake) == list(range(8))
    # A row that turns up late, and those of the last 150 seconds once more.
    sandbox.sql(f"INSERT INTO {TABLE} SELECT 20, at FROM {TABLE} WHERE id = 6")
    run(lake)
    assert sorted(ids(lake)) == [5, 6, 7, 20]


def test_rows_without_a_cursor_value(lake, sandbox):
    people(sandbox, 3)
    sandbox.sql(f"INSERT INTO {TABLE} VALUES (10, NULL, 'x'), (11, NULL, 'y')")
    read(lake, f'table = "{TABLE}"; cursor = "at"; tie_break = "id";')
    run(lake)
    assert ids(lake) == [10, 11, 0, 1, 2]
    assert run(lake)[0]["rows"]["read"] == 0
    read(lake, f'table = "{TABLE}"; cursor = "at"; null_cursor = "skip";')
    lake.run("run", "job.cfg", "--full")
    assert ids(lake) == [0, 1, 2]
    before = checkpoint(lake)
    read(lake, f'table = "{TABLE}"; cursor = "at"; null_cursor = "fail";')
    _, log = run(lake, code=2)
    assert "2 rows of main.crm.people have no at" in log and 'null_cursor = "first"' in log
    assert checkpoint(lake) == before


def test_limit_reads_on_in_the_next_run(lake, sandbox):
    people(sandbox, 25)
    sandbox.sql(f"INSERT INTO {TABLE} VALUES (30, NULL, 'x'), (31, NULL, 'y'), (32, NULL, 'z')")
    read(lake, f'table = "{TABLE}"; cursor = "at"; tie_break = "id"; limit = 8;')
    wanted = [30, 31, 32, *range(25)]
    for start in range(0, 28, 8):
        run(lake)
        assert ids(lake) == wanted[start : start + 8]
    assert run(lake)[0]["rows"]["read"] == 0
    people(sandbox, 2, first=25)
    run(lake)
    # With the last run's time, but behind it.
    assert ids(lake) == []


# ---- the statements --------------------------------------------------------------------------------

SHAPES = [
    "",
    'where = "id > 1 OR name IN (\'a\', \'b\') -- or not";',
    'columns = ["name"];',
    'cursor = "at";',
    'cursor = "at"; snapshot = "none";',
    'cursor = "at"; snapshot = "none"; null_cursor = "fail"; where = "at IS NOT NULL";',
    'cursor = "at"; null_cursor = "skip"; columns = ["id", "name"];',
    'cursor = "at"; lag = "1d"; null_cursor = "skip"; since = "2025-12-31"; overlap = "1h";',
    'cursor = "day"; where = "id < 50";',
    'cursor = "id"; since = "5"; tie_break = ["name", "at", "day"];',
    'tie_break = "id"; limit = 7; result = "links";',
    'cursor = "at"; tie_break = "id"; limit = 2;',
    'cursor = "at"; tie_break = ["name", "id"]; limit = 7; snapshot = "none"; null_cursor = "skip";',
    'result = "inline";',
    'result = "inline"; cursor = "wall"; snapshot = "none"; columns = ["items", "raw"];',
]


# What all of them together must have had.
PARTS = """LIMIT 0; DESCRIBE HISTORY; `newest`; `nulls`; `now`; VERSION AS OF; :after0 AND; IS NOT NULL OR (;
:upto0 OR; to_json(; unix_micros(; hex(; AS STRING); LIMIT 7; ) AS `q`""".replace("\n", " ").split("; ")


def test_every_statement_is_sql_of_databricks(lake, sandbox):
    sandbox.sql(
        f"CREATE TABLE {TABLE} (id BIGINT, at TIMESTAMP, name STRING, day DATE, wall TIMESTAMP_NTZ, "
        "items ARRAY<STRUCT<a: INT>>, raw BINARY, tags MAP<STRING, STRING>, any VARIANT)"
    )
    sandbox.sql(
        f"INSERT INTO {TABLE} (id, at, name, day, wall) SELECT id, CASE WHEN id >= 3 THEN "
        "timestamp_micros(1767225600000000 + id) END, concat('n', id), DATE'2026-01-01', "
        "TIMESTAMP_NTZ'2026-01-01 00:00:00' FROM range(20)"
    )
    for i, shape in enumerate(SHAPES):
        for target in (f'table = "{TABLE}";', f'query = "SELECT * FROM {TABLE} /* all */ -- of it";'):
            read(lake, target + shape, name=f"job{i}", file="job.cfg")
            # Where the last one ended, `limit` goes on behind a whole key, one with a null first.
            for _ in range(3):
                run(lake)
            lake.run("state", "reset", f"job{i}", "--yes")
    sent = sqlcheck.check_all(sandbox)
    for part in PARTS:
        assert any(part in text for text in sent), part


# ---- check -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source, says",
    [
        ("", "what to read is not said"),
        ('table = "a"; query = "SELECT 1";', "both set"),
        ('table = "a.b.c.d";', "a.b.c.d"),
        ('query = "SELECT 1;";', "semicolon"),
        ('table = "a"; where = "b) OR (c";', "bracket"),
        ('table = "a"; since = "2026-01-01";', "since needs a cursor"),
        ('table = "a"; cursor = "c"; since = "yesterday";', 'since = "yesterday"'),
        ('table = "a"; cursor = "c"; limit = 5;', "tie_break"),
        ('table = "a"; http_path = "/sql/protocolv1/o/123/0123-456789-abcdefgh";', "cluster"),
        ('table = "a"; fetches = 0;', "fetches"),
        ('table = "a"; null_cursor = "last";', "first|skip|fail"),
        ('table = "a"; lag = "5 parsecs"; cursor = "c";', "lag"),
        ('table = "a"; proxy = "ftp://proxy";', "no kind of proxy"),
        ('table = "a"; ca_file = "nowhere.pem";', "ca_file: open"),
    ],
)
def test_check_finds_what_run_would_refuse(lake, sandbox, source, says):
    lake.env.pop("DATABRICKS_WAREHOUSE_ID")
    if "http_path" not in source:
        source += ' warehouse_id = "w";'
    read(lake, source)
    assert says in lake.run("check", "job.cfg", code=2).stderr
    assert says in lake.run("run", "job.cfg", code=2).stderr
    assert sandbox.log("/api/") == []


def test_check_needs_a_login(tow):
    read(tow, 'table = "a"; host = "https://example.cloud.databricks.com"; warehouse_id = "w";')
    assert "token" in tow.run("check", "job.cfg", code=2).stderr
