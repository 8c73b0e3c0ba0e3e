"""The proxy of the network campaign does what it says, and nothing else."""

import http.client
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from proxy import ENDLESS, Fault, Proxy

BODY = b"0123456789" * 1000


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(0, len(BODY), 1000):
                self.wfile.write(b"3E8\r\n" + BODY[i : i + 1000] + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(BODY)))
            self.end_headers()
            self.wfile.write(BODY)

    def do_PUT(self):
        self.server.taken.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.taken = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(server):
    with Proxy(f"http://127.0.0.1:{server.server_port}") as proxy:
        yield proxy


def client(proxy):
    return http.client.HTTPConnection(proxy.url.removeprefix("http://"), timeout=2)


def get(connection, path="/"):
    connection.request("GET", path)
    return connection.getresponse().read()


def raw(proxy, request=b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", seconds=1.0):
    """All that comes until the connection ends, and how it ended."""
    with socket.create_connection(proxy.url.removeprefix("http://").split(":"), timeout=seconds) as line:
        line.sendall(request)
        got = b""
        try:
            while piece := line.recv(65536):
                got += piece
                if len(got) > 1 << 20:
                    return got, "more"
            return got, "fin"
        except ConnectionResetError:
            return got, "reset"
        except TimeoutError:
            return got, "open"


def test_without_a_fault_nothing_changes(proxy, server):
    connection = client(proxy)
    for path in ("/", "/chunked", "/"):
        assert get(connection, path) == BODY
    connection.request("PUT", "/", body=BODY)
    assert connection.getresponse().status == 204
    assert server.taken == [BODY]
    assert proxy.hits == 0


@pytest.mark.parametrize("do, end", {"cut": "fin", "reset": "reset", "swallow": "open"}.items())
@pytest.mark.parametrize("path", ["/", "/chunked"])
def test_an_answer_breaks_off_where_it_is_told(proxy, do, end, path):
    proxy.spoil(Fault(do, at=5000))
    got, how = raw(proxy, b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
    assert how == end
    if do == "cut":
        assert len(got.split(b"\r\n\r\n", 1)[1]) == 5000
    assert proxy.hits == 1
    assert get(client(proxy)) == BODY  # once was said


def test_a_request_breaks_off(proxy, server):
    proxy.spoil(Fault("reset", "up", "body", 0.5))
    with pytest.raises((ConnectionError, http.client.BadStatusLine)):
        connection = client(proxy)
        connection.request("PUT", "/", body=BODY)
        connection.getresponse()
    assert [len(body) for body in server.taken] in ([], [5000])


def test_an_exchange_is_chosen_by_number_and_path(proxy):
    proxy.spoil(Fault("cut", part="head", at=3, skip=1, path="chunked"))
    connection = client(proxy)
    assert get(connection) == BODY
    assert get(connection, "/chunked") == BODY
    with pytest.raises((http.client.BadStatusLine, ConnectionError)):
        get(connection, "/chunked")


def test_nobody_listens_and_then_somebody_does(proxy):
    proxy.spoil(Fault("refuse"))
    with pytest.raises(ConnectionRefusedError):
        get(client(proxy))
    proxy.mend()
    assert get(client(proxy)) == BODY


def test_nobody_answers(proxy):
    proxy.spoil(Fault("mute"))
    with pytest.raises(TimeoutError):
        get(client(proxy))
    assert proxy.acted.is_set()


@pytest.mark.parametrize("path", ["/", "/chunked"])
def test_lengths_are_off(proxy, path):
    request = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode()
    straight, _ = raw(proxy, request, 0.3)
    for do in ("longer", "shorter"):
        proxy.spoil(Fault(do))
        crooked, _ = raw(proxy, request, 0.3)
        strip = lambda answer: [line for line in answer.split(b"\r\n") if not line.startswith(b"Date")]  # noqa: E731
        assert sum(a != b for a, b in zip(strip(crooked), strip(straight))) == 1
        assert proxy.hits == 1


def test_a_body_may_be_short_and_look_whole(proxy, server):
    proxy.spoil(Fault("truncate", at=0.5, times=2))
    connection = client(proxy)
    assert get(connection) == BODY[:5000]
    assert get(connection) == BODY[:5000]
    assert get(connection) == BODY
    proxy.spoil(Fault("truncate", "up", at=0.5))
    connection = client(proxy)
    connection.request("PUT", "/", body=BODY)
    assert connection.getresponse().status == 204
    assert server.taken == [BODY[:5000]]


def test_an_answer_comes_twice(proxy):
    proxy.spoil(Fault("twice"))
    got, _ = raw(proxy, seconds=0.3)
    first, second = got[: len(got) // 2], got[len(got) // 2 :]
    assert first == second


def test_a_kept_connection_is_closed(proxy):
    proxy.spoil(Fault("close", part="end"))
    got, how = raw(proxy)
    assert how == "fin" and got.endswith(BODY)


def test_bytes_drip(proxy):
    proxy.spoil(Fault("drip", part="head", ms=2))
    before = time.monotonic()
    assert get(client(proxy)) == BODY
    assert time.monotonic() - before > 0.1
    assert proxy.hits == 1


@pytest.mark.parametrize("what", ENDLESS)
def test_what_has_no_end(proxy, what):
    proxy.spoil(Fault("endless", part="head", what=what))
    got, how = raw(proxy)
    assert how == "more" and len(got) > 1 << 20


def test_bytes_of_a_raw_connection_are_damaged(server):
    with Proxy(f"http://127.0.0.1:{server.server_port}", "raw") as proxy:
        assert get(client(proxy)) == BODY
        proxy.spoil(Fault("damage", "down", "bytes", at=9000))
        got = get(client(proxy))
        assert sum(a != b for a, b in zip(got, BODY)) == 1
