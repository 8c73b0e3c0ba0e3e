"""HTTP/1.1 for the services: a threaded server, requests and answers, and where faults come in."""

import contextlib
import hashlib
import http.server
import json
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO, Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

Bytes = bytes | bytearray | memoryview
PIECE = 256 << 10
BODY_LIMIT = 64 << 20  # of a request that is not a file


class Incoming:
    """What a client sends. Reads like a file, and can look whether the client is still there."""

    LIMIT = 256 << 20  # that is taken in ahead of its turn

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def _fill(self, flags: int = 0) -> bool:
        data = self._connection.recv(PIECE, flags)
        self._buffer += data
        return bool(data)

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def readline(self, limit: int = 65536) -> bytes:
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0 and len(self._buffer) < limit:
            start = len(self._buffer)
            if not self._fill():
                break
        return self._take(min(limit, end + 1 if end >= 0 else len(self._buffer)))

    def read1(self, size: int) -> bytes:
        if not self._buffer:
            self._fill()
        return self._take(size)

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size and self._fill():
            pass
        return self._take(size)

    def is_gone(self) -> bool:
        """Whether the client has closed its end: what it sent before is taken in, to see behind it."""
        try:
            while len(self._buffer) < self.LIMIT:
                if not self._fill(socket.MSG_DONTWAIT):
                    return True
        except BlockingIOError:
            return False
        except OSError:
            return True
        return False

    def close(self) -> None:
        self._buffer.clear()


class ClientGone(Exception):
    """The client closed the connection, or a fault did."""


@dataclass
class Response:
    status: int = 200
    body: Bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class HttpError(Exception):
    """Ends a request with this answer."""

    def __init__(self, response: Response):
        super().__init__(response.status)
        self.response = response


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, body, {"Content-Type": "application/json", **(headers or {})})


def xml_error(status: int, code: str, message: str) -> HttpError:
    """An error as storage services shape it."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'
    return HttpError(Response(status, text.encode(), {"Content-Type": "application/xml"}))


@dataclass
class Entry:
    """A line of the log: what came, and what became of it. Never a header's value."""

    number: int
    method: str
    path: str
    query: str
    authorization: bool
    range: str
    headers: list[str]  # their names, small letters
    started: float
    status: int | None = None  # None: not answered yet; 0: never
    milliseconds: float | None = None
    received: int = 0
    sent: int = 0
    faults: list[str] = field(default_factory=list)
    sql: str | None = None


@dataclass
class Request:
    method: str
    path: str  # as it came, still percent-encoded
    query: dict[str, str]
    raw_query: str
    headers: dict[str, str]  # names in lower case
    connection: socket.socket
    incoming: Incoming
    entry: Entry
    body: IO[bytes] | None = None

    @property
    def plain_path(self) -> str:
        return unquote(self.path)

    def read(self) -> bytes:
        if self.body is None:
            return b""
        data = self.body.read(BODY_LIMIT + 1)
        if len(data) > BODY_LIMIT:
            raise HttpError(Response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
        return data

    def peek(self) -> bytes:
        """The body, which stays to be read."""
        data = self.read()
        if self.body is not None:
            self.body.seek(0)
        return data

    def peek_hash(self, kind: str) -> str:
        """A hash of the body, in hex; the body stays to be read."""
        if self.body is None:
            return hashlib.new(kind).hexdigest()
        digest = hashlib.new(kind)
        while piece := self.body.read(PIECE):
            digest.update(piece)
        self.body.seek(0)
        return digest.hexdigest()


class Hooks(Protocol):
    """Where faults come in on the way of a request; they may answer by HttpError or cut it."""

    def arrived(self, request: Request) -> None: ...
    def receiving(self, request: Request, count: int) -> None: ...
    def before(self, request: Request) -> None: ...
    def after(self, request: Request) -> None: ...
    def answering(self, request: Request, response: Response) -> "Plan": ...


@dataclass
class Plan:
    """How an answer's body is sent."""

    stop_at: int | None = None  # bytes after which the connection ends
    reset: bool = False  # ends it with a reset instead of an orderly end
    bytes_per_second: int = 0


class App(Protocol):
    @property
    def hooks(self) -> Hooks: ...
    def begin(self, method: str, path: str, query: str, headers: dict[str, str]) -> Entry: ...
    def spool(self) -> IO[bytes]: ...
    def received(self, request: Request) -> None: ...
    def handle(self, request: Request) -> Response: ...


def reset(connection: socket.socket) -> None:
    """Makes the coming close a reset."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "towpath-sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    server: "Server"

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self.rfile = self.incoming = Incoming(self.connection)  # type: ignore[assignment]

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        app = self.server.app
        entry = app.begin(self.command, url.path, url.query, headers)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        request = Request(
            self.command, url.path, query, url.query, headers, self.connection, self.incoming, entry
        )
        try:
            self._answer(app, request)
        except (ClientGone, ConnectionError):
            self.close_connection = True
            entry.status = entry.status or 0
        finally:
            entry.milliseconds = round((time.monotonic() - entry.started) * 1000, 3)
            if request.body is not None:
                request.body.close()

    def _answer(self, app: App, request: Request) -> None:
        hooks = app.hooks
        try:
            hooks.arrived(request)
            self._receive(app, request)
            app.received(request)
            hooks.before(request)
            response = app.handle(request)
        except HttpError as error:
            response = error.response
        if request.body is None:  # unread: what follows on the connection cannot be told from it
            self.close_connection = True
        try:
            hooks.after(request)
        except HttpError as error:
            response = error.response
        self._send(request, response, hooks.answering(request, response))

    def _receive(self, app: App, request: Request) -> None:
        body = app.spool()
        try:
            for piece in self._pieces(request.headers):
                request.entry.received += len(piece)
                body.write(piece)
                app.hooks.receiving(request, request.entry.received)
        except BaseException:
            body.close()
            raise
        body.seek(0)
        request.body = body

    def _pieces(self, headers: dict[str, str]) -> Iterable[bytes]:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            yield from self._chunks()
            return
        left = int(headers.get("content-length") or 0)
        while left > 0:
            piece = self.incoming.read1(min(left, PIECE))
            if not piece:
                raise ClientGone
            left -= len(piece)
            yield piece

    def _chunks(self) -> Iterable[bytes]:
        while True:
            size = int(self.incoming.readline(1024).split(b";")[0], 16)
            piece = self.incoming.read(size)
            if len(piece) < size:
                raise ClientGone
            self.incoming.readline(1024)
            if size == 0:
                return
            yield piece

    def _send(self, request: Request, response: Response, plan: Plan) -> None:
        body = memoryview(response.body)
        entry = request.entry
        entry.status = response.status
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in response.headers and response.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        if plan.stop_at is not None and plan.stop_at < 0:
            self._end(plan)
        self.end_headers()
        if request.method == "HEAD":
            return
        whole = len(body)
        if plan.stop_at is not None:
            body = body[: plan.stop_at]
        for piece in self._paced(body, plan):
            entry.sent += len(piece)  # before: who has got it may look at the log at once
            self.connection.sendall(piece)
        if plan.stop_at is not None and plan.stop_at <= whole:
            self._end(plan)

    def _end(self, plan: Plan) -> None:
        if plan.reset:
            reset(self.connection)
        raise ClientGone

    @staticmethod
    def _paced(body: memoryview, plan: Plan) -> Iterable[memoryview]:
        if not plan.bytes_per_second:
            if body:
                yield body
            return
        step = max(1, plan.bytes_per_second // 20)
        for start in range(0, len(body), step):
            yield body[start : start + step]
            time.sleep(0.05)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, app: App):
        super().__init__(("127.0.0.1", port), Handler)
        self.app = app

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is no news; anything else goes to stderr as usual."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
