"""An HTTP server that answers by a script and keeps what came, for tests of what towpath sends."""

import contextlib
import http.server
import socket
import struct
import threading

import pytest


class Recorder:
    """Replies in order: {"status", "headers", "body"}, or {"end": "close" | "reset" | "stall"}, which
    ends the exchange without an answer; a stall lasts until the test ends. Behind the last one: 200
    with `otherwise`, or what `otherwise` makes of (path, headers, body)."""

    def __init__(self, replies=(), otherwise='{"FailedLines":null}'):
        self.replies = list(replies)
        self.otherwise = otherwise
        self.requests = []  # (path, headers with names in lower case, body)
        self.connections = 0
        self.lock = threading.Lock()
        self.over = threading.Event()
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                with recorder.lock:
                    recorder.connections += 1

            def do_POST(self):
                recorder.answer(self)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self.lock:
            self.requests.append((handler.path, headers, body))
            reply = self.replies.pop(0) if self.replies else None
        if reply is None:
            reply = self.otherwise
            if callable(reply):
                reply = reply(handler.path, headers, body)
        if isinstance(reply, str):
            reply = {"status": 200, "headers": {"content-type": "application/json"}, "body": reply}
        if "end" in reply:
            self.end(handler, reply["end"])
            return
        data = reply.get("body", "").encode()
        handler.send_response(reply["status"])
        for name, value in reply.get("headers", {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def end(self, handler, how):
        if how == "stall":
            self.over.wait(60)
        if how == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.connection.shutdown(socket.SHUT_RD if how == "reset" else socket.SHUT_RDWR)


@pytest.fixture
def recorder():
    """Makes recorders, which end with the test."""
    made = []

    def make(*args, **kwargs):
        made.append(Recorder(*args, **kwargs))
        return made[-1]

    yield make
    for one in made:
        one.close()
