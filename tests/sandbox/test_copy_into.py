"""COPY INTO: files, load history, options, columns, and what happens at the same time."""

import gzip
import threading

import pytest

FOLDER = "/Volumes/main/crm/stage/run"
OPTIONS = (
    r"'header'='false', 'sep'=',', 'quote'='\"', 'escape'='\"', 'multiLine'='true', 'lineSep'='\n', "
    "'nullValue'='~N~', 'mode'='FAILFAST', 'ignoreMissingFiles'='false'"
)


def copy(
    files=None,
    select="CAST(_c0 AS BIGINT) AS id, _c1 AS name",
    folder=FOLDER,
    options=OPTIONS,
    force=False,
    more="",
):
    source = f"(SELECT {select} FROM '{folder}/')" if select else f"'{folder}/'"
    listed = "FILES = (" + ", ".join(f"'{name}'" for name in files) + ")" if files else ""
    return (
        f"COPY INTO main.crm.t FROM {source} FILEFORMAT = CSV {listed} FORMAT_OPTIONS ({options}) "
        f"COPY_OPTIONS ('force'='{str(force).lower()}'{more})"
    )


def failure(sandbox, text):
    status = sandbox.execute(text)["status"]
    assert status["state"] == "FAILED", status
    return status["error"]["message"]


@pytest.fixture
def table(sandbox):
    sandbox.sql("CREATE TABLE main.crm.t (id BIGINT, name STRING)")
    return sandbox


def test_it_loads_named_files_once(table):
    table.put(f"{FOLDER}/p-1.csv.gz", gzip.compress(b'1,"a"\n2,~N~\n'))
    table.put(f"{FOLDER}/p-2.csv", b'3,""\n')
    answer = table.execute(copy(["p-1.csv.gz", "p-2.csv"]))
    assert [c["name"] for c in answer["manifest"]["schema"]["columns"]] == [
        "num_affected_rows",
        "num_inserted_rows",
        "num_skipped_corrupt_files",
    ]
    assert answer["result"]["data_array"] == [["3", "3", "0"]]
    assert table.sql(copy(["p-1.csv.gz", "p-2.csv"])) == [["0", "0", "0"]]
    assert table.sql("SELECT * FROM main.crm.t ORDER BY id") == [["1", "a"], ["2", None], ["3", ""]]


def test_history_knows_a_file_by_its_path_not_by_its_content(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    table.sql(copy(["p.csv"]))
    table.put(f"{FOLDER}/p.csv", b"2,b\n3,c\n")
    assert table.sql(copy(["p.csv"])) == [["0", "0", "0"]]


def test_force_loads_again_and_appends(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    table.sql(copy(["p.csv"]))
    assert table.sql(copy(["p.csv"], force=True)) == [["1", "1", "0"]]
    assert table.count("main.crm.t") == 2


def test_a_table_that_was_replaced_has_no_history(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    table.sql(copy(["p.csv"]))
    table.sql("CREATE OR REPLACE TABLE main.crm.t (id BIGINT, name STRING)")
    assert table.sql(copy(["p.csv"])) == [["1", "1", "0"]]


def test_describe_history_tells_of_it(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    table.sql(copy(["p.csv"]))
    answer = table.execute("DESCRIBE HISTORY main.crm.t LIMIT 1")
    names = [c["name"] for c in answer["manifest"]["schema"]["columns"]]
    row = dict(zip(names, answer["result"]["data_array"][0]))
    assert (row["version"], row["operation"]) == ("1", "COPY INTO")
    assert '"numFiles":"1","numOutputRows":"1"' in row["operationMetrics"]


def test_missing_files_are_overlooked_by_default(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    assert table.sql(copy(["p.csv", "q.csv"], options="'header'='false'")) == [["1", "1", "0"]]
    assert failure(table, copy(["q.csv"])).startswith("[PATH_NOT_FOUND]")


def test_names_that_begin_with_an_underscore_or_a_dot_are_invisible(table):
    table.put(f"{FOLDER}/_p.csv", b"1,a\n")
    table.put(f"{FOLDER}/.p.csv", b"1,a\n")
    assert failure(table, copy()).startswith("[COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED]")
    assert failure(table, copy(["_p.csv"])).startswith("[PATH_NOT_FOUND]")


def test_folders_below_are_read_only_where_asked_for(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    table.put(f"{FOLDER}/deep/q.csv", b"2,b\n")
    assert table.sql(copy()) == [["1", "1", "0"]]
    assert table.sql(copy(options=OPTIONS + ", 'recursiveFileLookup'='true'")) == [["1", "1", "0"]]


def test_a_pattern_chooses_files(table):
    for name in ("a-1.csv", "a-2.csv", "b-1.csv"):
        table.put(f"{FOLDER}/{name}", b"1,a\n")
    text = copy().replace("FORMAT_OPTIONS", "PATTERN = 'a-*.csv' FORMAT_OPTIONS")
    assert table.sql(text) == [["2", "2", "0"]]


def test_gzip_is_known_by_its_name_alone(table):
    table.put(f"{FOLDER}/p.csv", gzip.compress(b"1,a\n"))
    assert table.execute(copy(["p.csv"]))["status"]["state"] == "FAILED"
    table.put(f"{FOLDER}/q.csv.gz", b"1,a\n")
    assert "Error while reading file" in failure(table, copy(["q.csv.gz"]))


def test_corrupt_files_are_skipped_where_asked_for_and_tried_again(table):
    table.put(f"{FOLDER}/p.csv.gz", b"no gzip")
    table.put(f"{FOLDER}/q.csv.gz", gzip.compress(b"1,a\n"))
    options = OPTIONS + ", 'ignoreCorruptFiles'='true'"
    assert table.sql(copy(["p.csv.gz", "q.csv.gz"], options=options)) == [["1", "1", "1"]]
    table.put(f"{FOLDER}/p.csv.gz", gzip.compress(b"2,b\n"))
    assert table.sql(copy(["p.csv.gz", "q.csv.gz"], options=options)) == [["1", "1", "0"]]


def test_columns_are_matched_by_name(table):
    table.put(f"{FOLDER}/p.csv", b"a,1\n")
    table.sql(copy(["p.csv"], select="_c0 AS NAME, CAST(_c1 AS BIGINT) AS ID"))
    assert table.sql("SELECT * FROM main.crm.t") == [["1", "a"]]


def test_a_text_does_not_go_into_a_number(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    assert failure(table, copy(["p.csv"], select="_c0 AS id, _c1 AS name")).startswith(
        "[DELTA_FAILED_TO_MERGE_FIELDS]"
    )
    assert failure(table, copy(["p.csv"], select="CAST(_c0 AS INT) AS id")).startswith(
        "[DELTA_FAILED_TO_MERGE_FIELDS]"
    )


def test_a_column_that_the_table_lacks_is_a_mismatch_or_made(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    select = "CAST(_c0 AS BIGINT) AS id, _c1 AS extra"
    assert failure(table, copy(["p.csv"], select)).startswith("[COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE]")
    table.sql(copy(["p.csv"], select, more=", 'mergeSchema'='true'"))
    assert table.sql("SELECT id, name, extra FROM main.crm.t") == [["1", None, "a"]]


def test_a_cast_that_fails_loads_nothing(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    table.put(f"{FOLDER}/q.csv", b"x,b\n")
    assert failure(table, copy(["p.csv", "q.csv"])).startswith("[CAST_INVALID_INPUT]")
    assert table.count("main.crm.t") == 0
    table.put(f"{FOLDER}/q.csv", b"2,b\n")
    assert table.sql(copy(["p.csv", "q.csv"])) == [["2", "2", "0"]]


def test_a_table_without_columns_takes_those_of_the_files(sandbox):
    sandbox.sql("CREATE TABLE main.crm.t")
    assert "no columns" in failure(sandbox, "SELECT * FROM main.crm.t")
    sandbox.put(f"{FOLDER}/p.csv", b"id,name,at,n\n007,a,2024-01-01,\n8,b,2024-01-02,\n")
    options = "'header'='true', 'inferSchema'='true', 'mergeSchema'='true'"
    sandbox.sql(copy(["p.csv"], select=None, options=options, more=", 'mergeSchema'='true'"))
    described = sandbox.sql("DESCRIBE TABLE main.crm.t")
    assert [row[:2] for row in described] == [
        ["id", "int"],
        ["name", "string"],
        ["at", "date"],
        ["n", "string"],
    ]
    assert sandbox.value("SELECT min(id) FROM main.crm.t") == "7"


def test_by_position_and_column_lists_cast(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    table.put(f"{FOLDER}/q.csv", b"b,2\n")
    text = copy(["p.csv"], select=None)
    table.sql(text.replace("main.crm.t", "main.crm.t BY POSITION"))
    table.sql(text.replace("main.crm.t", "main.crm.t (name, id)").replace("p.csv", "q.csv"))
    assert table.sql("SELECT * FROM main.crm.t ORDER BY id") == [["1", "a"], ["2", "b"]]
    message = failure(
        table,
        text.replace("main.crm.t", "main.crm.t (id)")
        .replace("'false'", "'false'", 1)
        .replace("p.csv", "r.csv"),
    )
    assert message.startswith("[PATH_NOT_FOUND]")
    table.put(f"{FOLDER}/r.csv", b"1,a\n")
    message = failure(table, text.replace("main.crm.t", "main.crm.t (id)").replace("p.csv", "r.csv"))
    assert message.startswith("[COPY_INTO_COLUMN_ARITY_MISMATCH]")


def test_validate_loads_nothing(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n2,b\n")
    text = copy(["p.csv"]).replace("FILES", "VALIDATE 1 ROWS FILES")
    assert table.sql(text) == [["1", "a"]]
    assert table.count("main.crm.t") == 0


def test_json_lines_bring_their_types(table):
    table.put(f"{FOLDER}/p.json", b'{"id":1,"name":"a","x":{"y":1.5}}\n{"id":2,"name":null}\n')
    text = (
        f"COPY INTO main.crm.t FROM (SELECT id, name FROM '{FOLDER}/') FILEFORMAT = JSON FILES = ('p.json')"
    )
    assert table.sql(text) == [["2", "2", "0"]]
    table.put(f"{FOLDER}/q.json", b'{"id":3}\n')
    assert failure(table, text.replace("p.json", "q.json")).startswith("[UNRESOLVED_COLUMN")


def test_file_metadata_can_be_loaded(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    table.sql(copy(["p.csv"], select="CAST(_c0 AS BIGINT) AS id, _metadata.file_name AS name"))
    assert table.sql("SELECT name FROM main.crm.t") == [["p.csv"]]


STRUCT = "from_json({}, 'a INT, b ARRAY<STRING>', map('mode','FAILFAST'))"


def test_types_survive_the_way_through_text(sandbox):
    columns = {
        "b": ("BOOLEAN", "true", "CAST({} AS BOOLEAN)", "true"),
        "l": ("BIGINT", "-9223372036854775808", "CAST({} AS BIGINT)", "-9223372036854775808"),
        "d": ("DECIMAL(38,10)", "1234567890123456789012345678.0123456789", "CAST({} AS DECIMAL(38,10))", None),
        "f": ("DOUBLE", "NaN", "CAST({} AS DOUBLE)", "NaN"),
        "i": ("DOUBLE", "-Infinity", "CAST({} AS DOUBLE)", "-Infinity"),
        "day": ("DATE", "0001-01-01", "CAST({} AS DATE)", "0001-01-01"),
        "at": ("TIMESTAMP", "2024-01-01T00:00:00.123456Z", "CAST({} AS TIMESTAMP)", None),
        "n": ("TIMESTAMP_NTZ", "9999-12-31T23:59:59.999999", "CAST({} AS TIMESTAMP_NTZ)", None),
        "x": ("BINARY", "AAECgP8=", "unbase64({})", "AAECgP8="),
        "v": ("VARIANT", '{""a"":[1,null]}', "parse_json({})", '{"a":[1,null]}'),
        "s": ("STRUCT<a: INT, b: ARRAY<STRING>>", '{""a"":1,""b"":[""x""]}', STRUCT, '{"a":1,"b":["x"]}'),
    }  # fmt: skip
    sandbox.sql(
        f"CREATE TABLE main.crm.t ({', '.join(f'{name} {kind[0]}' for name, kind in columns.items())})"
    )
    sandbox.put(f"{FOLDER}/p.csv", ",".join(f'"{kind[1]}"' for kind in columns.values()) + "\n")
    select = ", ".join(
        f"{kind[2].format(f'_c{i}')} AS `{name}`" for i, (name, kind) in enumerate(columns.items())
    )
    assert sandbox.sql(copy(["p.csv"], select)) == [["1", "1", "0"]]
    (row,) = sandbox.sql(
        "SELECT b, l, CAST(d AS STRING), f, i, day, unix_micros(at), CAST(n AS STRING), x, v, s FROM main.crm.t"
    )
    expected = [kind[3] for kind in columns.values()]
    expected[2] = columns["d"][1]
    expected[6:8] = ["1704067200123456", "9999-12-31 23:59:59.999999"]
    assert row == expected


def test_credentials_are_for_buckets_only(table):
    text = copy(["p.csv"]).replace(
        "/')", "/' WITH (CREDENTIAL (AWS_ACCESS_KEY = 'x', AWS_SECRET_KEY = 'y')))"
    )
    assert failure(table, text).startswith("[COPY_INTO_CREDENTIALS_NOT_ALLOWED_ON]")
    assert "Access Denied" in failure(table, text.replace(FOLDER, "s3://bucket/run"))


def test_a_local_folder_can_be_loaded_from(table, tmp_path):
    (tmp_path / "p.csv").write_text("1,a\n")
    assert table.sql(copy(["p.csv"], folder=f"file://{tmp_path}")) == [["1", "1", "0"]]
    assert table.sql(copy(["p.csv"], folder=f"file:{tmp_path}")) == [["0", "0", "0"]]


@pytest.mark.parametrize(
    "text, error_class",
    [
        ("t FROM '/Volumes/main/crm/stage/x/'", "PARSE_SYNTAX_ERROR"),
        ("t FROM '/Volumes/main/crm/stage/x/' FILEFORMAT = CSV FILES = ()", "PARSE_SYNTAX_ERROR"),
        ("t FROM '/Volumes/main/crm/stage/x/' FILEFORMAT = XLS", "COPY_INTO_SOURCE_FILE_FORMAT_NOT_SUPPORTED"),
        ("t FROM '/Volumes/main/crm/stage/x/' FILEFORMAT = CSV", "PATH_NOT_FOUND"),
        ("absent FROM '/Volumes/main/crm/stage/x/' FILEFORMAT = CSV", "DELTA_MISSING_DELTA_TABLE_COPY_INTO"),
        ("t FROM '/Volumes/main/../x' FILEFORMAT = CSV", "PATH_NOT_FOUND"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(table, text, error_class):
    assert failure(table, f"COPY INTO main.crm.{text}").startswith(f"[{error_class}]")


def test_the_same_file_in_two_running_copies_is_a_conflict(table):
    """As after a kill: the first client is gone, its statement still runs."""
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    table.put(f"{FOLDER}/q.csv", b"2,b\n")
    table.faults([{"do": "hold", "name": "running", "point": "execute", "sql": "COPY INTO", "times": 1}])
    first = threading.Thread(target=table.sql, args=(copy(["p.csv"]),))
    first.start()
    table.hold("running")
    assert failure(table, copy(["p.csv"])).startswith("[COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED]")
    assert table.sql(copy(["q.csv"])) == [["1", "1", "0"]]
    table.release("running")
    first.join(30)
    assert table.sql(copy(["p.csv"])) == [["0", "0", "0"]]
    assert table.count("main.crm.t") == 2


def test_a_copy_that_is_done_but_unseen_loads_nothing_twice(table):
    table.put(f"{FOLDER}/p.csv", b"1,a\n")
    table.faults([{"do": "hold", "name": "done", "point": "executed", "sql": "COPY INTO", "times": 1}])
    first = threading.Thread(target=table.sql, args=(copy(["p.csv"]),))
    first.start()
    table.hold("done")
    assert table.sql(copy(["p.csv"])) == [["0", "0", "0"]]
    table.release("done")
    first.join(30)
    assert table.count("main.crm.t") == 1
