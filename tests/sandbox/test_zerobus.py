"""Zerobus: driven by the service's own published client, in JSON and in proto mode, and by hand."""

import json
import os
import subprocess
import sys
import textwrap

import grpc
import pytest

from towpath_sandbox.zerobus import wire

TABLE = "main.sales.orders"
COLUMNS = "id BIGINT NOT NULL, name STRING, amount DECIMAL(10,2), day DATE, at TIMESTAMP, tags ARRAY<STRING>"
PROTO = """
syntax = "proto2";
message Order {
  required int64 id = 1;
  optional string name = 2;
  optional string amount = 3;
  optional int32 day = 4;
  optional int64 at = 5;
  repeated string tags = 6;
}
"""


@pytest.fixture
def orders(sandbox):
    sandbox.sql(f"CREATE TABLE {TABLE} ({COLUMNS})")
    return sandbox


def run_client(sandbox, tmp_path, body, tls=True):
    """Runs the published client in a process of its own: it reads the trusted certificates at its start."""
    (tmp_path / "order.proto").write_text(PROTO)
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{tmp_path}", f"--python_out={tmp_path}", "order.proto"],
        check=True,
    )
    (tmp_path / "client.py").write_text(
        textwrap.dedent("""\
            import os
            from zerobus.sdk.shared import RecordType, StreamConfigurationOptions, TableProperties
            from zerobus.sdk.sync import ZerobusSdk
            import order_pb2
            sdk = ZerobusSdk(os.environ["ENDPOINT"], os.environ["WORKSPACE"])
            def stream(properties, **options):
                options.setdefault("recovery_backoff_ms", 50)
                return sdk.create_stream(
                    os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"], properties,
                    StreamConfigurationOptions(**options))
            """)
        + textwrap.dedent(body)
    )
    env = {
        **os.environ,
        "ENDPOINT": sandbox.zerobus_tls_url if tls else sandbox.zerobus_url,
        "WORKSPACE": sandbox.url,
        "CLIENT_ID": sandbox.client_id,
        "CLIENT_SECRET": sandbox.client_secret,
        "SSL_CERT_FILE": sandbox.zerobus_ca,
        "no_proxy": "*",
    }
    with (tmp_path / "said").open("w+") as said:
        process = subprocess.Popen([sys.executable, "client.py"], cwd=tmp_path, env=env, stdout=said, stderr=said)
        try:
            status = process.wait(60)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            process.kill()
            process.wait()
    text = (tmp_path / "said").read_text()
    assert status == 0, text
    return text


def test_the_published_client_sends_json(orders, tmp_path):
    run_client(
        orders,
        tmp_path,
        """
        import json
        s = stream(TableProperties("main.sales.orders"), record_type=RecordType.JSON)
        for i in range(100):
            s.ingest_record_offset(json.dumps({"id": i, "name": f"n{i}", "amount": "1.50",
                "day": "2024-02-29", "at": "2024-02-29T12:00:00Z", "tags": ["a", "b"]}))
        s.ingest_records_offset([json.dumps({"id": i}) for i in range(100, 150)])
        s.flush()
        s.close()
        """,
    )
    assert orders.count(TABLE) == 150
    assert orders.sql(f"SELECT name, amount, day, at, tags FROM {TABLE} WHERE id = 7") == [
        ["n7", "1.50", "2024-02-29", "2024-02-29T12:00:00.000Z", '["a","b"]']
    ]


def test_the_published_client_sends_proto(orders, tmp_path):
    run_client(
        orders,
        tmp_path,
        """
        s = stream(TableProperties("main.sales.orders", order_pb2.Order.DESCRIPTOR))
        for i in range(100):
            s.ingest_record_offset(order_pb2.Order(id=i, name=f"n{i}", amount="1.50", day=19782,
                at=1709208000000000, tags=["a", "b"]).SerializeToString())
        s.ingest_records_offset([order_pb2.Order(id=i).SerializeToString() for i in range(100, 150)])
        s.flush()
        s.close()
        """,
    )
    assert orders.count(TABLE) == 150
    assert orders.sql(f"SELECT name, amount, day, at, tags FROM {TABLE} WHERE id = 7") == [
        ["n7", "1.50", "2024-02-29", "2024-02-29T12:00:00.000Z", '["a","b"]']
    ]


def test_the_published_client_follows_close_signals_and_errors(orders, tmp_path):
    orders.set(zerobus_close_requests=5, zerobus_close_seconds=0.1)
    body = """
        s = stream(TableProperties("main.sales.orders"), record_type=RecordType.JSON)
        for i in range(20):
            s.wait_for_offset(s.ingest_record_offset('{"id": %d}' % i))
        s.close()
        """
    run_client(orders, tmp_path, body)
    assert orders.count(TABLE) >= 20
    assert orders.value(f"SELECT count(DISTINCT id) FROM {TABLE}") == "20"


def test_the_published_client_is_refused_a_table_that_is_not_there(orders, tmp_path):
    said = run_client(
        orders,
        tmp_path,
        """
        try:
            stream(TableProperties("main.sales.nothing"), record_type=RecordType.JSON)
        except Exception as error:
            print(type(error).__name__, error)
        """,
    )
    assert "nothing" in said


# ---- by hand --------------------------------------------------------------------------------------


def talk(sandbox, messages, token=None, table=TABLE):
    """What the service answers to these messages: answers, or the error that ended them."""
    channel = grpc.insecure_channel(sandbox.zerobus_url.removeprefix("http://"), [("grpc.enable_http_proxy", 0)])
    call = channel.stream_stream(
        f"/{wire.SERVICE}/EphemeralStream",
        request_serializer=wire.Request.SerializeToString,
        response_deserializer=wire.Response.FromString,
    )
    metadata = [("x-databricks-zerobus-table-name", table), ("authorization", f"Bearer {token}")]
    with channel:
        try:
            return list(call(iter(messages), metadata=metadata, timeout=20)), None
        except grpc.RpcError as error:
            return None, error


def token(sandbox, table=TABLE, privileges=("SELECT", "MODIFY")):
    catalog, schema, _ = table.split(".")
    details = [
        {"type": "unity_catalog_privileges", "object_type": kind, "object_full_path": name, "privileges": list(what)}
        for kind, name, what in (
            ("CATALOG", catalog, ["USE CATALOG"]),
            ("SCHEMA", f"{catalog}.{schema}", ["USE SCHEMA"]),
            ("TABLE", table, privileges),
        )
    ]
    form = {
        "grant_type": "client_credentials",
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "authorization_details": json.dumps(details),
    }
    from urllib.parse import urlencode

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    _, _, body = sandbox.request("POST", "/oidc/v1/token", urlencode(form).encode(), headers, login=False)
    return json.loads(body)["access_token"]


def create(table=TABLE, **more):
    return wire.Request(create_stream={"table_name": table, "record_type": wire.JSON, **more})


def record(offset, text):
    return wire.Request(ingest_record={"offset_id": offset, "json_record": text})


def test_every_request_is_acknowledged_and_stored(orders):
    answers, error = talk(orders, [create(), record(0, '{"id": 1}'), record(1, '{"id": 2}')], token(orders))
    assert error is None
    assert answers[0].create_stream_response.stream_id
    assert [answer.ingest_record_response.durability_ack_up_to_offset for answer in answers[1:]] == [0, 1]
    assert orders.count(TABLE) == 2


@pytest.mark.parametrize(
    "messages, code, says",
    [
        ([record(0, "{}")], grpc.StatusCode.INVALID_ARGUMENT, "opens no stream"),
        ([create(), record(1, '{"id": 1}')], grpc.StatusCode.INVALID_ARGUMENT, "4002"),
        ([create(), record(0, '{"id": null}')], grpc.StatusCode.INVALID_ARGUMENT, "NOT NULL"),
        ([create(), record(0, '{"other": 1}')], grpc.StatusCode.INVALID_ARGUMENT, "FIELD_NOT_IN_TABLE"),
        ([create(), record(0, "{")], grpc.StatusCode.INVALID_ARGUMENT, "no JSON"),
        ([create(record_type=1)], grpc.StatusCode.INVALID_ARGUMENT, "8001"),
    ],
)
def test_what_is_wrong_ends_the_stream(orders, messages, code, says):
    _, error = talk(orders, messages, token(orders))
    assert (error.code(), says in error.details()) == (code, True), error.details()
    assert orders.count(TABLE) == 0


def test_a_token_must_be_for_the_table(orders):
    _, error = talk(orders, [create()], "nonsense")
    assert error.code() == grpc.StatusCode.UNAUTHENTICATED
    for other in (token(orders, "main.sales.other"), token(orders, privileges=["SELECT"])):
        _, error = talk(orders, [create()], other)
        assert (error.code(), error.details()[:4]) == (grpc.StatusCode.PERMISSION_DENIED, "4024")


def test_a_table_is_described_as_unity_catalog_does(orders):
    described = orders.call("GET", f"/api/2.1/unity-catalog/tables/{TABLE}")
    assert [column["name"] for column in described["columns"]] == ["id", "name", "amount", "day", "at", "tags"]
    assert described["columns"][0]["nullable"] is False
    assert json.loads(described["columns"][5]["type_json"])["type"]["elementType"] == "string"
