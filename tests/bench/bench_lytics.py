"""make bench-lytics - what rows into Lytics take, and profiles out of it.

TOWPATH, TOWPATH_PLUGIN_PATH   the program and its plugins
GEN                            the generator of inputs
BENCH_ROWS                     rows of the input (1000000)
BENCH_MEMBERS                  profiles of the audience (100000)
BENCH_LATENCY                  milliseconds that an answer takes to come (45)
BENCH_DIR                      a folder for inputs; by default in memory

The far end is a server in Python on the other core, which counts rows and hands out profiles of 20 fields. The
program has one core. "MB/s" is input by CPU time, user and system together; medians of five runs. Of the
audience the time that passes is told, once a case.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

MEMBERS = int(os.environ.get("BENCH_MEMBERS", "100000"))
LATENCY = float(os.environ.get("BENCH_LATENCY", "45")) / 1000
PAGE = 100
KINDS = {"s": ("string", "some text"), "n": ("int", 123456), "x": ("number", 1.5), "t": ("date", "2026-01-02T03:04:05Z")}
PROFILE = {f"{kind}{i}": value for kind, (_, value) in KINDS.items() for i in range(5)}
FIELDS = [{"id": "_id", "type": "string"}, *({"id": name, "type": KINDS[name[0]][0]} for name in PROFILE)]
MEMBER = json.dumps(PROFILE)[1:]
IMPORT = """version = 1;
job = {{
  name = "bench";
  source = {{ plugin = "csv"; path = "in.csv"; }};
  columns = ( {{ name = "id"; type = "int64"; }}, {{ name = "ts"; type = "timestamp"; }},
              {{ name = "amount"; type = "float64"; }}, {{ name = "score"; type = "float64"; }},
              {{ name = "segment"; }}, {{ name = "active"; type = "bool"; }},
              {{ name = "day"; type = "date"; }}, {{ name = "note"; }} );
  sink = {{ plugin = "lytics"; token = "${{env:LYTICS_TOKEN}}"; bulk_url = "{url}"; stream = "s"; timestamp_field = "ts"; {sink} }};
  pipeline = {{ workers = 1; {pipeline} }};
}};
"""
EXPORT = """version = 1;
job = {{
  name = "bench";
  source = {{ plugin = "lytics_audience"; token = "${{env:LYTICS_TOKEN}}"; api_url = "{url}"; audience = "vip"; {source} }};
  sink = {{ plugin = "null"; }};
}};
"""


class Lytics(BaseHTTPRequestHandler):
    """Takes any upload, and has one audience."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def _answer(self, body):
        # In one piece: in two, the second would wait for the first one's acknowledgement.
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body[:2] == b"\x1f\x8b":
            body = zlib.decompress(body, 31)
        if body[:1] == b"[":
            count = body.count(b"},{") + 1
        else:
            count = re.sub(rb'"[^"]*"', b"", body).count(b"\n") - 1  # line ends may stand in quotes
        self._answer(b'{"data":{"message_count":%d,"rejected_count":0},"status":200}' % count)

    def do_GET(self):
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if address.path.endswith("/scan"):
            time.sleep(LATENCY)
            self._answer(self._page(query))
        elif address.path.startswith("/v2/segment"):
            self._answer(json.dumps({"data": {"id": "a1", "slug_name": "vip", "table": "user"}, "status": 200}).encode())
        else:
            self._answer(json.dumps({"data": FIELDS, "status": 200}).encode())

    @staticmethod
    def _page(query):
        splits = query.get("splits", "0").split(",")
        parts = 100 // len(splits) if "splits" in query else 1
        first, end = (MEMBERS * (int(splits[0]) + i) // parts for i in (0, 1))
        at = int(query.get("start", first))
        found = ",".join(f'{{"_id":"u{i}",{MEMBER}' for i in range(at, min(at + PAGE, end)))
        token = str(at + PAGE) if at + PAGE < end else ""
        return f'{{"data":[{found}],"status":200,"_next":"{token}"}}'.encode()


def run(folder, text):
    """CPU seconds, resident MiB, and the seconds that passed."""
    (folder / "bench.cfg").write_text(text)
    subprocess.run(["rm", "-f", *map(str, folder.glob("state.db*"))], check=True)
    env = {**os.environ, "TOWPATH_STATE": str(folder / "state.db"), "LYTICS_TOKEN": "at.bench"}
    command = ["taskset", "-c", "0", "/usr/bin/time", "-f", "%U %S %M %e", "-o", folder / "time", os.environ["TOWPATH"]]
    done = subprocess.run([*command, "run", "-q", folder / "bench.cfg"], env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    user, system, memory, passed = map(float, (folder / "time").read_text().split("\n")[-2].split())
    return user + system, memory / 1024, passed


def bench_import(folder, url):
    rows = os.environ.get("BENCH_ROWS", "1000000")
    with open(folder / "in.csv", "wb") as out:
        subprocess.run([os.environ["GEN"], "narrow", rows], stdout=out, check=True)
    size = (folder / "in.csv").stat().st_size
    large = 'batch_rows = 100000; batch_bytes = "10MB";'
    for sink, pipeline in (
        ('format = "csv";', ""), ('format = "csv";', large), ('format = "json";', large), ('format = "csv"; gzip = false;', large),
    ):  # fmt: skip
        runs = [run(folder, IMPORT.format(url=url, sink=sink, pipeline=pipeline)) for _ in range(5)]
        cpu, memory, _ = map(statistics.median, zip(*runs))
        words = re.sub(r"[;\"]", "", f"{sink} {pipeline}").strip()
        print(f"csv -> lytics, {rows} rows ({size / 1e6:.0f} MB), {words}: {size / cpu / 1e6:.0f} MB/s a core, {memory:.1f} MiB resident")


def bench_export(folder, url):
    for source in ("", "splits = 20; parallel = 10;"):
        cpu, memory, passed = run(folder, EXPORT.format(url=url, source=source))
        print(
            f"lytics_audience -> null, {MEMBERS} profiles, {LATENCY * 1000:.0f} ms an answer, {source or 'one scan'}: "
            f"{MEMBERS / passed:.0f} profiles a second, {cpu:.2f} s of CPU, {memory:.1f} MiB resident"
        )


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lytics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory(prefix="towpath-bench-", dir=os.environ.get("BENCH_DIR", "/dev/shm")) as name:
        bench_import(Path(name), url)
        bench_export(Path(name), url)


if __name__ == "__main__":
    main()
