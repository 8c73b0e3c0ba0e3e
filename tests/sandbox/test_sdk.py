"""The public databricks-sdk as a client: what it can do with the real workspace it can do here."""

import io
import urllib.request

import pytest
from sandbox import need_modules

need_modules()

import pyarrow as pa  # noqa: E402
from databricks.sdk import WorkspaceClient  # noqa: E402
from databricks.sdk.errors import NotFound, PermissionDenied  # noqa: E402
from databricks.sdk.service.sql import (  # noqa: E402
    Disposition,
    ExecuteStatementRequestOnWaitTimeout,
    Format,
    State,
    StatementParameterListItem,
    StatementState,
)

VOLUME = "/Volumes/main/crm/stage"


@pytest.fixture
def isolated(monkeypatch, tmp_path):
    """Nothing of the machine's: no profile, no variables, no cloud's metadata, no proxy."""
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def client(sandbox, isolated):
    return WorkspaceClient(host=sandbox.url, token=sandbox.token, auth_type="pat")


def fetch(link):
    request = urllib.request.Request(link.external_link, headers=link.http_headers or {})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return answer.read()


def test_it_runs_a_statement_with_parameters(sandbox, client):
    answer = client.statement_execution.execute_statement(
        "SELECT :a + 1 AS n, :b AS t",
        sandbox.warehouse_id,
        wait_timeout="30s",
        parameters=[StatementParameterListItem("a", "INT", "41"), StatementParameterListItem("b")],
    )
    assert answer.status.state is StatementState.SUCCEEDED
    assert answer.result.data_array == [["42", None]]
    assert answer.manifest.schema.columns[0].type_text == "INT"


def test_it_reads_a_large_result_chunk_by_chunk(sandbox, client):
    sandbox.set(chunk_rows=1000)
    answer = client.statement_execution.execute_statement(
        "SELECT id, CAST(id AS STRING) AS t FROM range(3500)",
        sandbox.warehouse_id,
        disposition=Disposition.EXTERNAL_LINKS,
        format=Format.ARROW_STREAM,
    )
    assert (answer.manifest.total_chunk_count, answer.manifest.total_row_count) == (4, 3500)
    part, tables = answer.result, []
    while True:
        (link,) = part.external_links
        tables.append(pa.ipc.open_stream(fetch(link)).read_all())
        if not link.next_chunk_index:
            break
        part = client.statement_execution.get_statement_result_chunk_n(
            answer.statement_id, link.next_chunk_index
        )
    table = pa.concat_tables(tables)
    assert table.column("id").to_pylist() == list(range(3500))
    assert table.schema == pa.schema([("id", pa.int64()), ("t", pa.string())])


def test_it_polls_and_cancels(sandbox, client):
    sandbox.faults([{"do": "hold", "name": "h", "point": "execute"}])
    answer = client.statement_execution.execute_statement(
        "SELECT 1",
        sandbox.warehouse_id,
        wait_timeout="0s",
        on_wait_timeout=ExecuteStatementRequestOnWaitTimeout.CONTINUE,
    )
    assert answer.status.state in (StatementState.PENDING, StatementState.RUNNING)
    client.statement_execution.cancel_execution(answer.statement_id)
    assert (
        client.statement_execution.get_statement(answer.statement_id).status.state is StatementState.CANCELED
    )


def test_it_understands_a_failed_statement(sandbox, client):
    answer = client.statement_execution.execute_statement(
        "SELECT * FROM main.crm.absent", sandbox.warehouse_id
    )
    assert answer.status.state is StatementState.FAILED
    assert answer.status.error.error_code.value == "BAD_REQUEST"
    assert "TABLE_OR_VIEW_NOT_FOUND" in answer.status.error.message


def test_it_waits_for_a_warehouse(sandbox, client):
    client.warehouses.stop(sandbox.warehouse_id)
    assert client.warehouses.get(sandbox.warehouse_id).state is State.STOPPED
    client.warehouses.start_and_wait(sandbox.warehouse_id)
    assert client.warehouses.get(sandbox.warehouse_id).state is State.RUNNING
    assert [warehouse.id for warehouse in client.warehouses.list()] == [sandbox.warehouse_id]


def test_it_moves_files(sandbox, client):
    data = bytes(range(256)) * 100
    client.files.upload(f"{VOLUME}/a/f.bin", io.BytesIO(data), overwrite=True)
    assert client.files.download(f"{VOLUME}/a/f.bin").contents.read() == data
    assert client.files.get_metadata(f"{VOLUME}/a/f.bin").content_length == len(data)
    client.files.create_directory(f"{VOLUME}/b")
    found = list(client.files.list_directory_contents(VOLUME))
    assert [(item.name, item.is_directory) for item in found] == [("a", True), ("b", True)]
    client.files.delete_directory(f"{VOLUME}/b")
    client.files.delete(f"{VOLUME}/a/f.bin")
    with pytest.raises(NotFound):
        client.files.download(f"{VOLUME}/a/f.bin")


def test_it_logs_in_as_a_service_principal(sandbox, isolated):
    client = WorkspaceClient(
        host=sandbox.url,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        auth_type="oauth-m2m",
    )
    assert client.warehouses.get(sandbox.warehouse_id).state is State.RUNNING
    (entry,) = sandbox.log("/oidc/v1/token")
    assert entry["status"] == 200


def test_it_is_refused_with_a_wrong_token(sandbox, isolated):
    client = WorkspaceClient(host=sandbox.url, token="wrong", auth_type="pat")
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        client.warehouses.get(sandbox.warehouse_id)


def test_it_obeys_retry_after(sandbox, client):
    sandbox.faults([{"do": "answer", "path": "/warehouses/", "status": 429, "retry_after": "1", "times": 1}])
    assert client.warehouses.get(sandbox.warehouse_id).state is State.RUNNING
    assert [entry["status"] for entry in sandbox.log("/warehouses/")] == [429, 200]
