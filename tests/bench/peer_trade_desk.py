"""The far end of the work ttd: a receiver that answers at once, and one that looks at each item."""

import csv
import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from peer_measure import Wrong

ANSWER = '{"FailedLines":null}'
A_REQUEST = 1600  # rows, at most
SINK = (
    'plugin = "ttd"; endpoint = "advertiser"; advertiser_id = "a"; token = "${{env:TTD_TOKEN}}"; proxy = "";'
    ' server_url = "http://127.0.0.1:{}";'
)


class Receiver:
    """tests/bench/receiver on the other core, which counts what comes."""

    def __init__(self, bench):
        self.bench = bench

    def __enter__(self):
        said = self.bench.folder / "port"
        said.unlink(missing_ok=True)
        command = ["taskset", "-c", self.bench.cores[-1], self.bench.programs["receiver"], said, ANSWER]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 30
        while not said.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Wrong("the receiver did not start")
            time.sleep(0.01)
        self.sink = SINK.format(said.read_text().strip())
        return self

    def __exit__(self, *_):
        self.said, _ = self.process.communicate(timeout=30)

    def check(self, source, runs):
        requests = int(self.said.split(", ")[1].split()[0])
        least = runs * -(-source.rows // A_REQUEST)
        if requests < least:
            raise Wrong(f"{requests} requests came of {least} at least")


class Looker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.items += body["Items"]
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER.encode())

    def log_message(self, *args):
        pass


def flat(item):
    """(kind of id, id, segment, time, ttl) of an item with one segment."""
    (data,) = item.pop("Data")
    ((kind, value),) = item.items()
    return kind, value, data["Name"], data["TimestampUtc"], str(data["TtlInMinutes"])


def bodies_are_right(bench, work):
    """Raises Wrong unless all rows of a small input come, each with its values."""
    source = bench.input(work.kind, 1_000_000)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Looker)
    server.items, server.lock = [], threading.Lock()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        bench.towpath(work, source, sink=SINK.format(server.server_port))
    finally:
        server.shutdown()
        server.server_close()
    with source.path.open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        wanted = sorted(map(tuple, rows))
    found = sorted(map(flat, server.items))
    if found != wanted:
        differ = [pair for pair in zip(found, wanted, strict=False) if pair[0] != pair[1]]
        raise Wrong(f"{work.title}: {len(found)} items of {len(wanted)} rows; {differ[:1]}")
