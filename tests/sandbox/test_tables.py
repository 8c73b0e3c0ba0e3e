"""Tables, their versions, and SQL as the warehouse has it."""

import threading

import pytest


def failure(sandbox, text, **fields):
    status = sandbox.execute(text, **fields)["status"]
    assert status["state"] == "FAILED", status
    return status["error"]["message"]


@pytest.fixture
def table(sandbox):
    sandbox.sql("CREATE TABLE main.crm.t (id BIGINT NOT NULL COMMENT 'the key', name STRING)")
    sandbox.sql("INSERT INTO main.crm.t VALUES (1, 'a'), (2, 'b')")
    return sandbox


def ids(sandbox, relation):
    return [int(row[0]) for row in sandbox.sql(f"SELECT id FROM {relation} ORDER BY id")]


# -- versions --------------------------------------------------------------------------------------


def test_each_write_is_a_version_and_each_version_stays_readable(table):
    table.sql("INSERT INTO main.crm.t VALUES (3, 'c')")
    table.sql("UPDATE main.crm.t SET name = 'x' WHERE id = 1")
    table.sql("DELETE FROM main.crm.t WHERE id = 2")
    table.sql("INSERT INTO main.crm.t VALUES (4, 'd')")
    assert ids(table, "main.crm.t VERSION AS OF 1") == [1, 2]
    assert ids(table, "main.crm.t VERSION AS OF 2") == [1, 2, 3]
    assert table.sql("SELECT name FROM main.crm.t VERSION AS OF 2 WHERE id = 1") == [["a"]]
    assert table.sql("SELECT name FROM main.crm.t VERSION AS OF 3 WHERE id = 1") == [["x"]]
    assert ids(table, "main.crm.t@v3") == [1, 2, 3]
    assert ids(table, "main.crm.t VERSION AS OF 4") == [1, 3]
    assert ids(table, "main.crm.t") == [1, 3, 4]


def test_history_is_newest_first(table):
    table.sql("UPDATE main.crm.t SET name = 'x'")
    rows = table.sql("DESCRIBE HISTORY main.crm.t")
    assert [(row[0], row[4]) for row in rows] == [("2", "UPDATE"), ("1", "WRITE"), ("0", "CREATE TABLE")]
    assert [row[0] for row in table.sql("DESCRIBE HISTORY main.crm.t LIMIT 1")] == ["2"]


def test_a_version_has_the_columns_that_it_had(table):
    table.sql("ALTER TABLE main.crm.t ADD COLUMNS (extra INT, more STRUCT<a: INT>)")
    table.sql("INSERT INTO main.crm.t VALUES (3, 'c', 7, NULL)")
    assert table.sql("SELECT * FROM main.crm.t VERSION AS OF 1 WHERE id = 1") == [["1", "a"]]
    assert table.sql("SELECT * FROM main.crm.t WHERE id <> 2 ORDER BY id") == [
        ["1", "a", None, None],
        ["3", "c", "7", None],
    ]


def test_a_version_that_there_is_not(table):
    assert failure(table, "SELECT * FROM main.crm.t VERSION AS OF 9").startswith("[DELTA_VERSION_NOT_FOUND]")


def test_views_refuse_time_travel(table):
    table.sql("CREATE VIEW main.crm.v AS SELECT id + 1 AS id, CAST(name AS STRING) AS name FROM main.crm.t")
    assert ids(table, "main.crm.v") == [2, 3]
    assert "TIME_TRAVEL" in failure(table, "SELECT * FROM main.crm.v VERSION AS OF 1")
    assert "EXPECT_TABLE_NOT_VIEW" in failure(table, "DESCRIBE HISTORY main.crm.v")
    assert [row[:2] for row in table.sql("DESCRIBE TABLE main.crm.v")] == [
        ["id", "bigint"],
        ["name", "string"],
    ]


def test_replacing_a_table_keeps_its_history(table):
    table.sql("CREATE OR REPLACE TABLE main.crm.t AS SELECT 9 AS other")
    assert table.sql("SELECT * FROM main.crm.t") == [["9"]]
    assert ids(table, "main.crm.t VERSION AS OF 1") == [1, 2]
    assert table.sql("DESCRIBE HISTORY main.crm.t LIMIT 1")[0][4] == "CREATE OR REPLACE TABLE AS SELECT"


def test_a_write_that_fails_changes_nothing(table):
    assert "NOT_NULL" in failure(
        table, "INSERT INTO main.crm.t SELECT CASE WHEN id < 5 THEN id END, 'x' FROM range(9)"
    )
    assert failure(table, "UPDATE main.crm.t SET id = CAST('x' AS BIGINT)").startswith("[CAST_INVALID_INPUT]")
    assert ids(table, "main.crm.t") == [1, 2]
    assert len(table.sql("DESCRIBE HISTORY main.crm.t")) == 2


# -- writing ---------------------------------------------------------------------------------------


def test_counts_of_writes(table):
    assert table.sql("INSERT INTO main.crm.t SELECT id + 10, 'n' FROM range(5)") == [["5", "5"]]
    assert table.sql("UPDATE main.crm.t SET name = 'm' WHERE id >= 12") == [["3"]]
    assert table.sql("DELETE FROM main.crm.t WHERE id >= 13") == [["2"]]


def test_insert_by_list_by_name_and_over(table):
    table.sql("INSERT INTO main.crm.t (name, id) VALUES ('c', 3)")
    table.sql("INSERT INTO main.crm.t BY NAME SELECT 'd' AS name, 4 AS id")
    assert table.sql("SELECT * FROM main.crm.t WHERE id > 2 ORDER BY id") == [["3", "c"], ["4", "d"]]
    table.sql("INSERT INTO main.crm.t REPLACE WHERE id > 2 SELECT 7, 'e'")
    assert ids(table, "main.crm.t") == [1, 2, 7]
    table.sql("INSERT OVERWRITE main.crm.t SELECT 8, 'f'")
    assert ids(table, "main.crm.t") == [8]
    table.sql("TRUNCATE TABLE main.crm.t")
    assert ids(table, "main.crm.t") == []
    assert failure(table, "INSERT INTO main.crm.t SELECT 1").startswith("[INSERT_COLUMN_ARITY_MISMATCH]")


def test_merge_updates_deletes_and_inserts(table):
    source = "(SELECT * FROM VALUES (1, 'A'), (2, 'B'), (9, 'N') AS s(id, name))"
    text = (
        f"MERGE INTO main.crm.t AS t USING {source} AS s ON t.id <=> s.id "
        "WHEN MATCHED AND s.id = 2 THEN DELETE WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    assert table.sql(text) == [["3", "1", "1", "1"]]
    assert table.sql("SELECT * FROM main.crm.t ORDER BY id") == [["1", "A"], ["9", "N"]]


def test_merge_can_look_at_rows_that_the_source_lacks(table):
    text = (
        "MERGE INTO main.crm.t USING (SELECT 1 AS id) s ON t.id = s.id "
        "WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED BY TARGET THEN INSERT (id) VALUES (s.id)"
    )
    assert table.sql(text) == [["1", "0", "1", "0"]]
    assert ids(table, "main.crm.t") == [1]


def test_merge_refuses_two_rows_for_one(table):
    source = "(SELECT 1 AS id, name FROM VALUES ('x'), ('y') AS v(name))"
    text = f"MERGE INTO main.crm.t USING {source} s ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = s.name"
    assert failure(table, text).startswith("[DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE]")
    deduped = text.replace(
        source, f"(SELECT * FROM {source} QUALIFY row_number() OVER (PARTITION BY id ORDER BY name DESC) = 1)"
    )
    assert table.sql(deduped) == [["1", "1", "0", "0"]]
    assert table.sql("SELECT name FROM main.crm.t WHERE id = 1") == [["y"]]


def test_readers_are_not_disturbed_by_writers(table):
    table.sql("INSERT INTO main.crm.t SELECT id, 'n' FROM range(3, 1000)")
    failures = []

    def read():
        for _ in range(20):
            rows = table.sql("SELECT count(*), max(id) FROM main.crm.t")
            if rows[0][0] not in ("999", "0"):
                failures.append(rows)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        table.sql("UPDATE main.crm.t SET name = 'x'")
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_appends_of_several_clients_all_arrive(table):
    threads = [
        threading.Thread(
            target=table.sql, args=(f"INSERT INTO main.crm.t SELECT id + {n}00, 'p' FROM range(100)",)
        )
        for n in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert table.count("main.crm.t") == 802
    assert int(table.sql("DESCRIBE HISTORY main.crm.t LIMIT 1")[0][0]) == 9


# -- names and columns -----------------------------------------------------------------------------


def test_names_are_found_in_any_case_and_columns_keep_theirs(sandbox):
    sandbox.sql("CREATE TABLE Main.CRM.`Odd-Name` (`Key` INT, `a``b` STRING)")
    assert sandbox.sql("SHOW TABLES IN main.crm") == [["crm", "odd-name", "false"]]
    assert [row[0] for row in sandbox.sql("DESCRIBE TABLE main.crm.`ODD-name`")] == ["Key", "a`b"]
    sandbox.sql("INSERT INTO main.crm.`odd-name` (KEY) VALUES (1)")
    assert sandbox.sql("SELECT `odd-name`.`KEY`, main.crm.`odd-name`.`A``B` FROM main.crm.`odd-name`") == [
        ["1", None]
    ]


def test_catalog_and_schema_of_the_call(sandbox):
    sandbox.sql("CREATE TABLE t (id INT)", catalog="other", schema="crm")
    assert sandbox.sql("SELECT * FROM other.crm.t") == []
    assert sandbox.sql("SELECT current_catalog(), current_schema()", catalog="other", schema="crm") == [
        ["other", "crm"]
    ]


@pytest.mark.parametrize("name", ["a b", "a/b", "a.b", "x" * 256])
def test_names_that_unity_catalog_refuses(sandbox, name):
    message = failure(sandbox, f"CREATE TABLE main.crm.`{name}` (id INT)")
    assert message.startswith("[INVALID_SCHEMA_OR_RELATION_NAME]")


def test_columns_that_delta_refuses(sandbox):
    text = "CREATE TABLE main.crm.t ({})"
    assert failure(sandbox, text.format("`a b` INT")).startswith("[DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES]")
    assert failure(sandbox, text.format("a INT, A INT")).startswith("[COLUMN_ALREADY_EXISTS]")
    sandbox.sql(text.format("`a b` INT") + " TBLPROPERTIES ('delta.columnMapping.mode' = 'name')")
    sandbox.sql("ALTER TABLE main.crm.t RENAME COLUMN `a b` TO c")
    sandbox.sql("ALTER TABLE main.crm.t ADD COLUMN d INT")
    sandbox.sql("ALTER TABLE main.crm.t DROP COLUMN c")
    assert sandbox.sql("DESCRIBE TABLE main.crm.t") == [["d", "int", None]]


def test_changing_columns_needs_the_right_property(table):
    assert failure(table, "ALTER TABLE main.crm.t DROP COLUMN name").startswith(
        "[DELTA_UNSUPPORTED_DROP_COLUMN]"
    )
    assert "CHANGE_COL" in failure(table, "ALTER TABLE main.crm.t ALTER COLUMN id TYPE DECIMAL(20,0)")
    table.sql("ALTER TABLE main.crm.t SET TBLPROPERTIES ('delta.enableTypeWidening' = 'true')")
    table.sql("ALTER TABLE main.crm.t ALTER COLUMN id TYPE DECIMAL(20,0)")
    assert table.sql("DESCRIBE TABLE main.crm.t")[0] == ["id", "decimal(20,0)", "the key"]
    assert failure(table, "ALTER TABLE main.crm.t ADD COLUMNS (Name INT)").startswith(
        "[FIELDS_ALREADY_EXISTS]"
    )


def test_existing_and_absent_tables(table):
    assert failure(table, "CREATE TABLE main.crm.t (a INT)").startswith("[TABLE_OR_VIEW_ALREADY_EXISTS]")
    table.sql("CREATE TABLE IF NOT EXISTS main.crm.t (a INT)")
    assert ids(table, "main.crm.t") == [1, 2]
    table.sql("DROP TABLE main.crm.t")
    table.sql("DROP TABLE IF EXISTS main.crm.t")
    assert failure(table, "DROP TABLE main.crm.t").startswith("[TABLE_OR_VIEW_NOT_FOUND]")


def test_with_strict_names_nothing_appears_by_being_named(sandbox):
    sandbox.set(strict_names=True)
    assert failure(sandbox, "CREATE TABLE nowhere.crm.t (a INT)").startswith("[NO_SUCH_CATALOG_EXCEPTION]")
    assert failure(sandbox, "CREATE TABLE main.nowhere.t (a INT)").startswith("[SCHEMA_NOT_FOUND]")
    sandbox.sql("CREATE CATALOG nowhere")
    sandbox.sql("CREATE SCHEMA nowhere.crm")
    sandbox.sql("CREATE TABLE nowhere.crm.t (a INT)")
    assert failure(sandbox, "DROP SCHEMA nowhere.crm").startswith("[SCHEMA_NOT_EMPTY]")
    sandbox.sql("DROP SCHEMA nowhere.crm CASCADE")
    assert sandbox.sql("SHOW SCHEMAS IN nowhere") == [["default"]]


def test_what_show_and_describe_tell(table):
    assert table.sql("DESCRIBE TABLE main.crm.t") == [["id", "bigint", "the key"], ["name", "string", None]]
    assert ["Catalog", "main", ""] in table.sql("DESCRIBE TABLE EXTENDED main.crm.t")
    assert '"column' in table.value("DESCRIBE TABLE EXTENDED main.crm.t AS JSON")
    assert table.sql("SHOW COLUMNS IN main.crm.t") == [["id"], ["name"]]
    assert "`" not in table.value("SHOW CREATE TABLE main.crm.t")
    table.sql("CREATE VOLUME IF NOT EXISTS main.crm.stage")
    assert table.sql("SHOW VOLUMES IN main.crm") == [["crm", "stage"]]
    assert ["main"] in table.sql("SHOW CATALOGS")


# -- expressions -----------------------------------------------------------------------------------


FAILFAST = "map('mode', 'FAILFAST')"
ALL = r"map('timestampFormat', 'yyyy-MM-dd\'T\'HH:mm:ss.SSSSSSXXX', 'ignoreNullFields', 'false')"


@pytest.mark.parametrize(
    "text, value",
    [
        (r"'a\'b\\c\n\t\r\%\_\x'", "a'b\\c\n\t\r\\%\\_x"),
        (r"r'a\b'", r"a\b"),
        ("'a' 'b'", "ab"),
        ("CAST(1.7 AS INT)", "1"),
        ("CAST(-1.7 AS BIGINT)", "-1"),
        ("CAST(' 12 ' AS BIGINT)", "12"),
        ("CAST('1.005' AS DECIMAL(10,2))", "1.01"),
        ("CAST(CAST('é' AS BINARY) AS STRING)", "é"),
        ("TRY_CAST('x' AS INT)", None),
        ("unix_micros(TIMESTAMP'1970-01-01 00:00:00.000001')", "1"),
        ("unix_micros(timestamp_micros(-5))", "-5"),
        ("hex(unbase64('AP8='))", "00FF"),
        ("to_json(named_struct('a', 1))", '{"a":1}'),
        ("parse_json('{\"a\": {\"b\": [1, 2]}}'):a.b[1]::INT", "2"),
        ("CAST(parse_json('\"x\"') AS STRING)", "x"),
        ("from_json('{\"a\": 1}', 'a INT').a", "1"),
        ("date_format(TIMESTAMP'2024-01-01 00:00:00.5', \"yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX\")", "2024-01-01T00:00:00.500000Z"),
        ("to_json(named_struct('a', NULL, 'b', X'00ff', 'c', 1.50))", '{"b":"AP8=","c":1.50}'),
        ("to_json(array(TIMESTAMP'2024-01-01 00:00:00.5', NULL))", '["2024-01-01T00:00:00.500Z",null]'),
        (f"to_json(named_struct('a', NULL, 'at', TIMESTAMP'2024-01-01 00:00:00.123456'), {ALL})", '{"a":null,"at":"2024-01-01T00:00:00.123456Z"}'),
        (f"from_json('{{\"a\": 1, \"z\": 2}}', 'a INT, b STRING', {FAILFAST})", '{"a":1,"b":null}'),
        (f"from_json('[1, null, \"2\"]', 'array<string>', {FAILFAST})", '["1",null,"2"]'),
        (f"hex(from_json('{{\"b\": \"AP8=\"}}', 'b BINARY', {FAILFAST}).b)", "00FF"),
        (f"from_json('{{\"k\": 12345678901234567890.12}}', 'map<string,decimal(38,2)>', {FAILFAST})", '{"k":12345678901234567890.12}'),
        ("from_json('{', 'a INT').a", None),
        ("struct(1, NULL) < struct(1, 2)", "true"),
        ("struct(2, NULL) > struct(1, 2)", "true"),
        ("struct(1, 2) >= struct(1, 2)", "true"),
    ],
)  # fmt: skip
def test_expressions_mean_what_they_mean_there(sandbox, text, value):
    assert sandbox.value(f"SELECT {text}") == value


@pytest.mark.parametrize(
    "text, error_class",
    [
        ("CAST('1.5' AS INT)", "CAST_INVALID_INPUT"),
        ("CAST('' AS BIGINT)", "CAST_INVALID_INPUT"),
        ("CAST('9223372036854775808' AS BIGINT)", "CAST_INVALID_INPUT"),
        ("CAST('123456' AS DECIMAL(5,2))", "CAST_INVALID_INPUT"),
        ("CAST('nope' AS TIMESTAMP)", "CAST_INVALID_INPUT"),
        ("1 / 0", "DIVIDE_BY_ZERO"),
        ("parse_json('{')", "MALFORMED_RECORD_IN_PARSING"),
        (f"from_json('{{', 'a INT', {FAILFAST})", "MALFORMED_RECORD_IN_PARSING"),
        (f"from_json('{{\"a\": \"x\"}}', 'a INT', {FAILFAST})", "MALFORMED_RECORD_IN_PARSING"),
        (f"from_json('{{\"a\": 3000000000}}', 'a INT', {FAILFAST})", "MALFORMED_RECORD_IN_PARSING"),
    ],
)
def test_ansi_mode_raises(sandbox, text, error_class):
    assert failure(sandbox, f"SELECT {text}").startswith(f"[{error_class}")


def test_times_are_read_and_shown_in_the_session_zone(sandbox):
    sandbox.set(timezone="America/New_York")
    assert sandbox.value("SELECT CAST('2024-03-10 12:30:00' AS TIMESTAMP)") == "2024-03-10T12:30:00.000-04:00"
    text = "SELECT date_format(TIMESTAMP'2024-01-01T00:00:00Z', \"yyyy-MM-dd'T'HH:mm:ssXXX\")"
    assert sandbox.value(text) == "2023-12-31T19:00:00-05:00"


def test_nulls_come_first(sandbox):
    assert sandbox.sql("SELECT x FROM VALUES (1), (NULL), (0) AS t(x) ORDER BY x") == [[None], ["0"], ["1"]]
    assert sandbox.sql("SELECT x FROM VALUES (1), (NULL), (0) AS t(x) ORDER BY x DESC") == [
        ["1"],
        ["0"],
        [None],
    ]


def test_parameters_have_the_type_that_they_are_given(sandbox):
    def parameter(value, kind=None):
        return [{"name": "p", "value": value, **({"type": kind} if kind else {})}]

    assert sandbox.sql("SELECT :p", parameters=parameter("x'; --")) == [["x'; --"]]
    assert sandbox.sql("SELECT :p + 1", parameters=parameter("41", "INT")) == [["42"]]
    assert sandbox.sql("SELECT :p IS NULL", parameters=parameter(None)) == [["true"]]
    assert sandbox.sql("SELECT id FROM range(9) LIMIT :p", parameters=parameter("2", "INT")) == [["0"], ["1"]]
    at = parameter("2025-11-21T23:30:49.185645Z", "TIMESTAMP")
    assert sandbox.sql("SELECT unix_micros(:p)", parameters=at) == [["1763767849185645"]]
    assert "CAST_INVALID_INPUT" in failure(sandbox, "SELECT :p", parameters=parameter("x", "INT"))
    sandbox.sql("CREATE TABLE main.crm.t (id INT)")
    assert sandbox.sql("SELECT * FROM IDENTIFIER(:p)", parameters=parameter("main.crm.t")) == []
    body = {
        "statement": "SELECT 1",
        "warehouse_id": sandbox.warehouse_id,
        "parameters": parameter("1", "ARRAY<INT>"),
    }
    assert sandbox.request("POST", "/api/2.0/sql/statements", body)[0] == 400


def test_a_keyset_page(table):
    table.sql("CREATE TABLE main.crm.e (at TIMESTAMP, k INT)")
    table.sql(
        "INSERT INTO main.crm.e SELECT timestamp_micros(id DIV 3), CAST(id AS INT) FROM range(30) ORDER BY id DESC"
    )
    text = (
        "SELECT k FROM main.crm.e VERSION AS OF 1 WHERE (at > :t OR (at = :t AND struct(k) > struct(:k))) "
        "ORDER BY at, k LIMIT 3"
    )
    at = {"name": "t", "value": "1970-01-01T00:00:00.000002Z", "type": "TIMESTAMP"}
    rows = table.sql(text, parameters=[at, {"name": "k", "value": "7", "type": "INT"}])
    assert rows == [["8"], ["9"], ["10"]]
