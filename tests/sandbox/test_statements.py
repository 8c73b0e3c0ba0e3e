"""The Statement Execution API: states, results, limits, errors."""

import json

import pytest

LINKS = {"disposition": "EXTERNAL_LINKS", "format": "ARROW_STREAM"}


def links(answer):
    return answer["result"]["external_links"]


def test_a_small_result_comes_whole_with_the_first_answer(sandbox):
    answer = sandbox.execute("SELECT 1 AS a, 'x' AS b, NULL AS c")
    assert answer["status"] == {"state": "SUCCEEDED"}
    assert answer["result"]["data_array"] == [["1", "x", None]]
    columns = answer["manifest"]["schema"]["columns"]
    assert [(c["name"], c["type_name"], c["position"]) for c in columns] == [
        ("a", "INT", 0),
        ("b", "STRING", 1),
        ("c", "NULL", 2),
    ]
    assert answer["manifest"]["total_row_count"] == 1
    assert answer["manifest"]["truncated"] is False


def test_ddl_has_no_columns_and_no_rows(sandbox):
    answer = sandbox.execute("CREATE TABLE main.crm.t (id BIGINT)")
    assert answer["manifest"]["schema"] == {"column_count": 0}
    assert answer["manifest"]["total_chunk_count"] == 0
    assert answer["result"] == {}


def test_zero_rows_have_columns_and_no_chunk(sandbox):
    answer = sandbox.execute("SELECT id FROM range(10) WHERE id > 10", **LINKS)
    assert answer["manifest"]["schema"]["columns"][0]["type_name"] == "LONG"
    assert answer["manifest"]["total_chunk_count"] == 0
    assert "chunks" not in answer["manifest"]
    assert answer["result"] == {}


def test_a_failed_statement_is_http_200_with_class_and_sql_state(sandbox):
    answer = sandbox.execute("SELECT * FROM main.crm.absent")
    status = answer["status"]
    assert status["state"] == "FAILED"
    assert status["sql_state"] == "42P01"
    assert status["error"]["error_code"] == "BAD_REQUEST"
    assert status["error"]["message"].startswith("[TABLE_OR_VIEW_NOT_FOUND] ")


@pytest.mark.parametrize(
    "text, error_class",
    [
        ("SELCT 1", "PARSE_SYNTAX_ERROR"),
        ("SELECT 1; SELECT 2", "PARSE_SYNTAX_ERROR"),
        ("SELECT nope FROM range(1)", "UNRESOLVED_COLUMN"),
        ("SELECT nofunction(1)", "UNRESOLVED_ROUTINE"),
        ("SELECT CAST('abc' AS INT)", "CAST_INVALID_INPUT"),
        ("SELECT CAST('2024-13-01' AS DATE)", "CAST_INVALID_INPUT"),
        ("SELECT CAST(300 AS TINYINT)", "CAST_OVERFLOW"),
        ("SELECT :missing", "UNBOUND_SQL_PARAMETER"),
    ],
)
def test_sql_errors_have_the_class_that_databricks_has(sandbox, text, error_class):
    message = sandbox.execute(text)["status"]["error"]["message"]
    assert message.startswith(f"[{error_class}"), message


def test_large_results_come_in_chunks_behind_links(sandbox):
    sandbox.set(chunk_rows=400)
    answer = sandbox.execute("SELECT id FROM range(1000)", **LINKS)
    chunks = answer["manifest"]["chunks"]
    assert [(c["row_offset"], c["row_count"]) for c in chunks] == [(0, 400), (400, 400), (800, 200)]
    (first,) = links(answer)
    assert first["next_chunk_index"] == 1
    (second,) = sandbox.call("GET", first["next_chunk_internal_link"])["external_links"]
    assert second["chunk_index"] == 1
    status, _, body = sandbox.request("GET", second["external_link"], login=False)
    assert status == 200 and len(body) == second["byte_count"]


def test_a_link_refuses_a_login(sandbox):
    (link,) = links(sandbox.execute("SELECT 1", **LINKS))
    assert sandbox.request("GET", link["external_link"])[0] == 400
    assert sandbox.request("GET", link["external_link"], login=False)[0] == 200


def test_a_wrong_token_is_403_with_a_number_for_a_code(sandbox):
    status, headers, body = sandbox.request(
        "GET", "/api/2.0/sql/warehouses/x", headers={"Authorization": "Bearer no"}
    )
    assert status == 403
    assert json.loads(body) == {"error_code": 403, "message": "Invalid access token."}
    assert headers["x-databricks-reason-phrase"] == "Invalid access token."
