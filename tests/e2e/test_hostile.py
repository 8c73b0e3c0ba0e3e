"""Hostile values in every text that a job can set, one option at a time, against the sandbox: nothing of them becomes a header, a
request, a parameter, another path or another statement, and none of them reaches a terminal as it is."""

import http.server
import os
import re
import socket
import threading
import zlib

import pytest
from far_ends import CONNECTORS, QUICK, WAYS, far  # noqa: F401
from sandbox import sandbox, sandbox_process  # noqa: F401

# What ends a header, a request, a part of a path, a name in SQL, a text in SQL, JSON and CSV; and what clears a terminal.
HOSTILE = "a/../../b?c=d&e=f#g%2e%2e%00@h:1'; DROP TABLE main.crm.people; --`\",\\ \r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1\r\n\x1b[2Jé"
# Hosts and URLs that lead elsewhere than they seem to; none leads out of this machine. (Of a host that was copied out of a
# browser, databricks takes what stands before the path, as a browser would go there.)
PLACES = [
    "http://127.0.0.1:1@localhost:1",
    "https://user:hunter2@localhost:1",
    "http://127.0.0.1:1\\@localhost:1/",
    "http://127.0.0.1.evil.invalid:1",
    "http://bücher.invalid",
    "http://[::ffff:192.0.2.1]:1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:1/_x",
    "//127.0.0.1:1",
]
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
CODES = (0, 2, 3, 4, 5, 6)  # of what was understood, whatever became of it
PLACED = ("host", "endpoint", "api_url", "bulk_url", "server_url", "aws_endpoint", "proxy")


def texts(tow, name):
    """Options of a plugin that take any text. With sanitizers, where a run takes ten times as long, a third of them."""
    found = [one["name"] for one in tow.json("plugins", "show", name)["options"] if one["type"] in ("string", "strings", "path")]
    if "address" in os.environ.get("SANITIZERS", ""):
        found = [option for option in found if zlib.crc32(f"{name} {option}".encode()) % 3 == 0]
    return found


def try_value(tow, far, name, option, value):  # noqa: F811
    """A run with that value: what it said, which must not bring control characters to a terminal."""
    source, sink, more = CONNECTORS[name]
    tow.job(source=source or "", sink=sink or "", more=more + QUICK)
    section = "source" if source else "sink"
    done = tow.run("run", "job.cfg", "--full", "--set", f'{section}.{option}="{value}"', code=None)
    assert done.returncode in CODES, (option, done.returncode, done.stderr)
    assert not CONTROL.search(done.stderr + done.stdout), (option, done.stderr)
    return done


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_value_stays_where_it_belongs(tow, far, name):  # noqa: F811
    options = texts(tow, name)
    assert options
    for option in options:
        try_value(tow, far, name, option, HOSTILE)
    for entry in far.log():
        assert "x-evil" not in entry["headers"], entry
        assert "/evil" not in entry["path"], entry
        assert "/../" not in entry["path"], entry
        assert "c=d" not in entry["query"], entry
    assert int(far.sql("SELECT count(*) FROM main.crm.people")[0][0]) >= 2  # to which zerobus adds
    assert not CONTROL.search(tow.run("runs").stdout)


@pytest.mark.parametrize("name", CONNECTORS)
def test_a_place_that_is_none_is_refused_before_anything_is_sent(tow, far, name):  # noqa: F811
    """By `check` as by `run`; no secret is repeated, and no name looked up."""
    places = [option for option in texts(tow, name) if option in PLACED and option != "proxy"]
    for option in places:
        for value in PLACES:
            done = try_value(tow, far, name, option, value)
            assert done.returncode == 2, (option, value, done.stderr)
            assert "hunter2" not in done.stderr
            section = "source" if CONNECTORS[name][0] else "sink"
            tow.run("check", "job.cfg", "--set", f'{section}.{option}="{value}"', code=2)


# ---- far ends that lead elsewhere ---------------------------------------------------------------


class Elsewhere:
    """Answers each request with a redirect to a trap. `asked` counts them, `sprung` tells whether anybody went there."""

    def __init__(self, status):
        self.asked = 0
        self.trap = socket.create_server(("127.0.0.1", 0))
        self.trap.setblocking(False)
        there = f"http://127.0.0.1:{self.trap.getsockname()[1]}/trap"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                outer.asked += 1
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Location", there)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def sprung(self):
        try:
            self.trap.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.trap.close()


@pytest.fixture(params=[301, 307])
def elsewhere(request):
    server = Elsewhere(request.param)
    yield server
    server.close()


@pytest.mark.parametrize("name", WAYS)
def test_redirects_are_not_followed(tow, far, elsewhere, name):  # noqa: F811
    """Not to another port, and so not to another host: with the login or without."""
    for way in WAYS[name]:
        tow.env[way] = elsewhere.url
    source, sink, more = CONNECTORS[name]
    if name == "zerobus":
        sink += ' transport = "rest"; format = "json";'
    tow.job(source=source or "", sink=sink or "", more=more + QUICK)
    done = tow.run("run", "job.cfg", code=None)
    assert done.returncode in (2, 3), done.stderr
    assert "redirect" in done.stderr, done.stderr
    assert elsewhere.asked
    assert not elsewhere.sprung


def test_a_signed_link_does_not_lead_further(tow, far, elsewhere):  # noqa: F811
    far.set(link_url=elsewhere.url)
    tow.job(source=CONNECTORS["databricks"][0] + ' result = "links";', more=QUICK)
    tow.run("run", "job.cfg", code=3)
    assert elsewhere.asked
    assert not elsewhere.sprung
