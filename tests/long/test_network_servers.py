"""The network against the two servers that towpath has, the webhook's receiver and the daemon's endpoint: whoever
misbehaves is turned away, everybody else is served, memory is bounded, and what was acknowledged is kept.

    TOWPATH_NETWORK_SAMPLE   a few seconds of it only
    TOWPATH_LONG_SEED, TOWPATH_LONG_RESULTS   as of the campaign
"""

import http.client
import json
import os
import random
import re
import socket
import struct
import threading
import time

import pytest
from daemon import daemon  # noqa: F401
from helpers import until
from webhook import Hook, event, payload

SAMPLE = int(os.environ.get("TOWPATH_NETWORK_SAMPLE", "0"))
SEED = int(os.environ.get("TOWPATH_LONG_SEED", "20260901"))
RESULTS = os.environ.get("TOWPATH_LONG_RESULTS")
MEMORY = 96 << 10  # KiB resident; the webhook may hold bodies of 64 MiB and two more
CONNECTIONS = 24  # of the webhook
long_only = pytest.mark.skipif(SAMPLE > 0, reason="waits for limits of many seconds: make long")


# ---- guests who misbehave ------------------------------------------------------------------------


def head(path, length, more=""):
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{more}\r\n".encode()


def drip(line, rng, path):
    """A byte now and then, of a head or of a body."""
    text = head(path, 5000) + b" " * 5000 if rng.random() < 0.5 else b"POST " + path.encode() + b" HTTP/1.1\r\nX: " + b"y" * 5000
    start = rng.choice([0, 60])
    line.sendall(text[:start])
    for i in range(start, len(text)):
        line.sendall(text[i : i + 1])
        time.sleep(0.1)


def half_open(line, rng, path):
    line.sendall(rng.choice([b"", b"POST ", head(path, 1000), head(path, 1000) + b"x" * 500]))
    line.recv(100)


def long_head(line, rng, path):
    line.sendall(b"POST " + path.encode() + b" HTTP/1.1\r\n")
    for i in range(2000):
        line.sendall(rng.choice([b"X-%d: %s\r\n" % (i, b"y" * 1000), b"z" * 1000]))
    line.recv(1000)


def long_body(line, rng, path):
    if rng.random() < 0.5:
        line.sendall(head(path, rng.choice([10**7, 2**31, 2**63, 10**30])))
        piece = b"x" * 65536
    else:
        line.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"8000\r\n" + b"x" * 32768 + b"\r\n"
    for _ in range(500):
        line.sendall(piece)


def long_chunk_extension(line, rng, path):
    line.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5;".encode())
    for _ in range(500):
        line.sendall(b"a" * 65536)


def garbage(line, rng, path):
    line.sendall(rng.randbytes(rng.randrange(1, 20000)))
    line.recv(1000)


def garbage_behind(line, rng, path):
    line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20 + rng.randbytes(5000))
    while line.recv(65536):
        pass


def two_lengths(line, rng, path):
    line.sendall(
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\n".encode()
        + b"12345" + head(path, 4) + b"null"
    )
    line.recv(1000)


def reset(line, rng, path):
    line.sendall(head(path, 1000)[: rng.randrange(100)])
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def never_reads(line, rng, path):
    """Many requests, and no answer is read."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for _ in range(3000):
        line.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")


KINDS = [drip, half_open, long_head, long_body, long_chunk_extension, garbage, garbage_behind, two_lengths, reset, never_reads]


class Crowd:
    """Guests who come again and again until it is over."""

    def __init__(self, port, path, kinds, count=12):
        self.port, self.path, self.kinds, self.over = port, path, kinds, threading.Event()
        self.visits = 0
        self.threads = [threading.Thread(target=self.visit, args=(i,), daemon=True) for i in range(count)]

    def visit(self, number):
        rng = random.Random(SEED * 1000 + number)
        while not self.over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=8) as line:
                    self.visits += 1
                    rng.choice(self.kinds)(line, rng, self.path)
            except OSError:
                time.sleep(0.01)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(0.1)


def hold(port, count, text, address="127.0.0.1"):
    """Connections on which so much was sent, and that get another byte from beat()."""
    lines = []
    for _ in range(count):
        line = socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(address, 0))
        line.sendall(text)
        lines.append(line)
    return lines


def beat(lines):
    """A byte on each that is still there; how many are."""
    alive = []
    for line in lines:
        try:
            line.setblocking(False)
            if line.recv(1000) != b"":
                alive.append(line)
        except BlockingIOError:
            alive.append(line)
        except OSError:
            pass
    for line in alive:
        try:
            line.send(b"y")
        except OSError:
            pass
    return len(alive)


def peak_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1])


def tell(path, fault, rows, lost, doubled, began, peak, longest):
    if RESULTS:
        line = {"campaign": "network", "path": path, "runs": 1, "faults": 1, "rows": rows, "lost": lost, "doubled": doubled}
        line |= {"unclear": 0, "hangs": 0, "longest_s": round(longest, 2), "seconds": round(time.monotonic() - began, 1)}
        line |= {"note": "", "fault": fault, "codes": {"143": 1} if path == "webhook" else {"0": 1}, "peak_kib": peak, "message": ""}
        with open(RESULTS, "a") as file:
            file.write(json.dumps(line) + "\n")


# ---- the webhook ---------------------------------------------------------------------------------


@pytest.fixture
def hook(tow):
    tow.job(
        source='plugin = "lytics_audience_changes"; audiences = [ "vip" ]; id_field = "email"; spool = "spool";'
        f' listen = "127.0.0.1:0"; connections = {CONNECTIONS}; idle_timeout = "1s"; max_body = "1MB";',
        sink='plugin = "file"; path = "out/{load}.ndjson"; mkdirs = true;',
        more='  load = { max_rows = 100; max_age = "100ms"; };',
    )
    return Hook(tow)


def arrived(tow):
    paths = (tow.folder / "out").glob("[!.]*")
    return [int(json.loads(line)["email"][1:]) for path in paths for line in path.read_text().splitlines()]


def send(hook, number, seconds=30):
    """Until it is acknowledged; how long that took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if hook.send(payload(f"u{number}", event())) == 200:
                return time.monotonic() - began
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.01)
    raise AssertionError(f"change {number} was not taken within {seconds} s")


def test_the_webhook_serves_others_while_some_misbehave(tow, hook):
    began, longest, number = time.monotonic(), 0, 0
    kinds = [kind for kind in KINDS if kind not in (garbage_behind, never_reads)]
    with Crowd(hook.port, "/lytics", kinds) as crowd:
        while time.monotonic() - began < (2 if SAMPLE else 60):
            longest = max(longest, send(hook, number))
            number += 1
    assert crowd.visits > 20
    until(lambda: len(arrived(tow)) >= number)
    peak = peak_kib(hook.process.pid)
    hook.stop()
    found = arrived(tow)
    lost, doubled = number - len(set(found)), len(found) - len(set(found))
    tell("webhook", "a crowd that misbehaves", number, lost, doubled, began, peak, longest)
    # An acknowledgement that is lost makes the sender send again; nothing is there that nobody sent.
    assert lost == 0 and set(found) == set(range(number))
    assert longest < 10
    assert peak < MEMORY or os.environ.get("SANITIZERS")


@pytest.mark.parametrize("text", [b"POST /lytics HTTP/1.1\r\nX: ", head("/lytics", 90000)], ids=["head", "body"])
def test_senders_that_drip_do_not_hold_the_webhook(tow, hook, text):
    if SAMPLE and text.endswith(b"\r\n\r\n"):
        pytest.skip("one of both will do")
    began = time.monotonic()
    lines = hold(hook.port, CONNECTIONS, text)
    done = []
    honest = threading.Thread(target=lambda: done.append(send(hook, 1)))
    honest.start()
    while beat(lines) and time.monotonic() - began < 20:
        time.sleep(0.2)
    held = time.monotonic() - began
    honest.join(30)
    # Four times the silence that is allowed.
    assert 3 < held < 10 and done and done[0] < 10
    tell("webhook", "all connections drip", 1, 0, 0, began, peak_kib(hook.process.pid), done[0])
    until(lambda: arrived(tow) == [1])
    hook.stop()


def test_a_stop_does_not_wait_for_senders_that_drip(tow, hook):
    lines = hold(hook.port, CONNECTIONS - 2, head("/lytics", 5000) + b"x")
    began = time.monotonic()
    hook.stop()
    assert time.monotonic() - began < 4
    for line in lines:
        line.close()


# ---- the daemon ----------------------------------------------------------------------------------


@pytest.fixture
def served(daemon):  # noqa: F811
    daemon.tow.write("in.csv", "id\n1\n")
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    daemon.port = int(daemon.base.rsplit(":", 1)[1])
    return daemon


def ask(port, path="/healthz", address="127.0.0.2"):
    """By another address, as those of one address may hold half of all connections."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(address, 0))
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def test_the_daemon_serves_others_while_some_misbehave(served):
    began, longest, answers = time.monotonic(), 0, 0
    with Crowd(served.port, "/api/jobs/tick/run", KINDS, 20) as crowd:
        while time.monotonic() - began < (2 if SAMPLE else 40):
            before = time.monotonic()
            assert ask(served.port, random.Random(answers).choice(["/healthz", "/metrics", "/api/jobs"])) == 200
            longest, answers = max(longest, time.monotonic() - before), answers + 1
    assert crowd.visits > 20 and answers > 20
    peak = peak_kib(served.process.pid)
    count = len(served.runs())
    served.ended("tick", count + 2)
    tell("daemon", "a crowd that misbehaves", answers, 0, 0, began, peak, longest)
    assert longest < 3
    assert peak < MEMORY or os.environ.get("SANITIZERS")
    served.stop()


@long_only
def test_guests_that_drip_do_not_hold_the_daemon(served):
    began = time.monotonic()
    lines = hold(served.port, 32, b"GET /metrics HTTP/1.1\r\nX: ") + hold(served.port, 32, b"GET /", "127.0.0.3")
    while beat(lines) and time.monotonic() - began < 60:
        time.sleep(1)
    held = time.monotonic() - began
    assert 10 < held < 35
    assert ask(served.port) == 200
    tell("daemon", "all connections drip", 1, 0, 0, began, peak_kib(served.process.pid), held)
    served.stop()
