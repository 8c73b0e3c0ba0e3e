"""The service: grpcio's server, plain and over TLS; every request is in the table when it is acknowledged."""

import itertools
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa

from towpath_sandbox.databricks import writes
from towpath_sandbox.databricks.catalog import Table
from towpath_sandbox.databricks.engine import Session
from towpath_sandbox.databricks.errors import SqlError
from towpath_sandbox.databricks.sql import Scope
from towpath_sandbox.databricks.workspace import Workspace
from towpath_sandbox.settings import Settings
from towpath_sandbox.zerobus import columns as records
from towpath_sandbox.zerobus import wire

STREAMS = 64
PAYLOAD_MAX = 10 << 20
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Refused(Exception):
    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Service:
    """Streams into the tables of whatever workspace there is now."""

    def __init__(self, workspace: Callable[[], Workspace], root: Path) -> None:
        self._workspace = workspace
        self._numbers = itertools.count(1)
        self._server = grpc.server(ThreadPoolExecutor(STREAMS), options=UNLIMITED)
        handler = grpc.stream_stream_rpc_method_handler(
            self._stream,
            request_deserializer=wire.Request.FromString,
            response_serializer=wire.Response.SerializeToString,
        )
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(wire.SERVICE, {"EphemeralStream": handler}),)
        )
        self.url = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self.ca_file = str(root / "zerobus.pem")
        key, certificate = _certificate(root)
        credentials = grpc.ssl_server_credentials([(key, certificate)])
        self.tls_url = f"https://localhost:{self._server.add_secure_port('127.0.0.1:0', credentials)}"

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.stop(None)

    def _stream(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from Stream(self._workspace(), f"stream-{next(self._numbers)}").run(requests, context)
        except Refused as refusal:
            context.abort(refusal.code, refusal.text)


class Stream:
    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.settings: Settings = workspace.settings
        self.name = name
        self.offset = 0  # of the next request
        self.acked = -1
        self.record: Any = None  # class of the records; None: JSON
        self.table: Table

    def run(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        context.send_initial_metadata(())  # at once: the published client says nothing before it has them
        headers = {key.lower(): value for key, value in context.invocation_metadata()}
        self._open(next(requests, None), headers)
        yield wire.Response(create_stream_response={"stream_id": self.name})
        closes_at = 0.0
        for request in requests:
            self._take(request)
            self._fail()
            if self.settings.zerobus_ack_requests and self.offset % self.settings.zerobus_ack_requests == 0:
                yield self._ack()
            if self.settings.zerobus_close_requests == self.offset:
                closes_at = time.monotonic() + self.settings.zerobus_close_seconds
                yield _closes(self.settings.zerobus_close_seconds)
            if closes_at and time.monotonic() > closes_at:
                return
        if self.settings.zerobus_ack_requests and self.acked < self.offset - 1:
            yield self._ack()

    # -- opening -------------------------------------------------------------------------------

    def _open(self, first: Any, headers: dict[str, Any]) -> None:
        if first is None or first.WhichOneof("payload") != "create_stream":
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "the first message opens no stream")
        create = first.create_stream
        self._let_in(create.table_name, headers)
        parts = create.table_name.split(".")
        try:
            if len(parts) != 3:
                raise SqlError("TABLE_OR_VIEW_NOT_FOUND", create.table_name)
            self.table = self.workspace.catalog.table((parts[0], parts[1], parts[2]))
        except SqlError as error:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"table {create.table_name}: {error}") from error
        if create.record_type == wire.JSON:
            return
        if create.record_type != wire.PROTO or not create.descriptor_proto:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "8001: a proto stream needs a descriptor")
        try:
            self.record = records.record_class(create.descriptor_proto)
            records.check(self.record.DESCRIPTOR, self.table.now.columns)
        except records.Mismatch as mismatch:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, str(mismatch)) from mismatch

    def _let_in(self, table: str, headers: dict[str, Any]) -> None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if headers.get("x-databricks-zerobus-table-name") != table:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "the table's header names another table")
        if scheme != "Bearer" or not self.workspace.login.is_valid(token):
            raise Refused(grpc.StatusCode.UNAUTHENTICATED, "the token is not known, or has ended")
        if not _grants(self.workspace.login.details(token), table):
            raise Refused(grpc.StatusCode.PERMISSION_DENIED, f"4024: the token is not for {table}")

    # -- records -------------------------------------------------------------------------------

    def _take(self, request: Any) -> None:
        kind = request.WhichOneof("payload")
        if kind not in ("ingest_record", "ingest_record_batch"):
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, f"{kind} is no record")
        message = getattr(request, kind)
        if not message.HasField("offset_id") or message.offset_id != self.offset:
            raise Refused(
                grpc.StatusCode.INVALID_ARGUMENT, f"4002: offset {message.offset_id}, {self.offset} was awaited"
            )
        taken = _records(message, self.record is not None)
        if sum(len(record) for record in taken) > PAYLOAD_MAX:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "the request has more than 10 MiB of records")
        try:
            rows = [self._row(record) for record in taken]
        except records.Mismatch as mismatch:
            raise Refused(grpc.StatusCode.INVALID_ARGUMENT, str(mismatch)) from mismatch
        self._store(rows)
        self.offset += 1

    def _row(self, record: bytes | str) -> dict[str, Any]:
        poison = self.settings.zerobus_poison
        if poison and (poison if isinstance(record, str) else poison.encode()) in record:
            raise records.Mismatch(f"8001: a record holds {poison}")
        if self.record is None:
            return records.of_json(str(record), self.table.now.columns)
        try:
            message = self.record.FromString(record)
        except Exception as error:
            raise records.Mismatch(f"8001: a record cannot be read: {error}") from error
        return records.of_message(message, self.table.now.columns)

    def _store(self, rows: list[dict[str, Any]]) -> None:
        zone = self.settings.timezone
        columns = self.table.now.columns
        schema = pa.schema([(column.name, column.type.arrow(zone)) for column in columns])
        session = Session(self.workspace.engine, Scope(self.workspace.catalog), zone, self.workspace.root)
        try:
            with self.workspace.engine.write_lock:
                session.connection.register("zerobus_rows", pa.Table.from_pylist(rows, schema))
                count = writes.append(session, self.table, columns, "SELECT * FROM zerobus_rows")
                writes.commit(
                    session,
                    self.table,
                    "STREAMING UPDATE",
                    self.table.now.storage,
                    columns,
                    metrics={"numOutputRows": count},
                )
        finally:
            session.close()

    # -- answers -------------------------------------------------------------------------------

    def _ack(self) -> Any:
        time.sleep(self.settings.zerobus_ack_seconds)
        self.acked = self.offset - 1
        return wire.Response(ingest_record_response={"durability_ack_up_to_offset": self.acked})

    def _fail(self) -> None:
        if self.settings.zerobus_fail_requests and self.offset == self.settings.zerobus_fail_requests:
            code = next(item for item in grpc.StatusCode if item.value[0] == self.settings.zerobus_fail_code)
            raise Refused(code, "as the sandbox was told")


def _records(message: Any, is_proto: bool) -> list[Any]:
    kind = message.WhichOneof("batch" if "batch" in message.DESCRIPTOR.oneofs_by_name else "record")
    if kind is None or kind.startswith("proto") != is_proto:
        raise Refused(grpc.StatusCode.INVALID_ARGUMENT, "records of another type than the stream's")
    value = getattr(message, kind)
    return list(value.records) if kind.endswith("batch") else [value]


def _closes(seconds: float) -> Any:
    duration = {"seconds": int(seconds), "nanos": int(seconds % 1 * 1e9)}
    return wire.Response(close_stream_signal={"duration": duration})


def _grants(details: str, table: str) -> bool:
    """Whether authorization_details have all that a stream into the table needs."""
    catalog, schema, _ = (*table.split("."), "", "", "")[:3]
    needed = {
        ("CATALOG", catalog): {"USE CATALOG"},
        ("SCHEMA", f"{catalog}.{schema}"): {"USE SCHEMA"},
        ("TABLE", table): {"SELECT", "MODIFY"},
    }
    try:
        granted = {
            (item["object_type"], item["object_full_path"]): set(item["privileges"])
            for item in json.loads(details or "[]")
        }
    except (ValueError, KeyError, TypeError):
        return False
    return all(privileges <= granted.get(key, set()) for key, privileges in needed.items())


def _certificate(root: Path) -> tuple[bytes, bytes]:
    """A key and a certificate for this machine; who signed it is in zerobus.pem, for clients."""
    root.mkdir(parents=True, exist_ok=True)
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    authority = ["-keyout", "authority.key", "-out", "zerobus.pem", "-subj", "/CN=sandbox authority"]
    _openssl(root, *new, *authority, "-x509", "-days", "2")
    _openssl(root, *new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=sandbox")
    (root / "server.ext").write_text("basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
    signed_by = ["-CA", "zerobus.pem", "-CAkey", "authority.key", "-set_serial", "2"]
    signed = ["-extfile", "server.ext", "-in", "server.csr", "-out", "server.pem"]
    _openssl(root, "x509", "-req", "-days", "2", *signed_by, *signed)
    return (root / "server.key").read_bytes(), (root / "server.pem").read_bytes()


def _openssl(root: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=root, check=True, capture_output=True)
