"""make bench-zerobus - rows into Zerobus: towpath, and Databricks' own SDK for Python, into the same far end.

TOWPATH, TOWPATH_PLUGIN_PATH   the program and its plugins
FAR_END                        tests/bench/zerobus_far_end: native, takes and acknowledges everything
BENCH_ROWS                     rows of 220 bytes (1000000)
BENCH_DIR                      a folder for inputs; by default in memory

All over TLS, records of Protocol Buffers, 1,000 at once. "from csv" reads the file, converts two columns
and encodes; "encoded" sends records that are there already, which is the most that the SDK can do; "and drops
them" goes as far as the batch of encoded records, in the sink `records` of this folder. Rows per
second are by the clock, from the client's start to its end; CPU is the client's, user and system together,
medians of three runs. The far end runs beside it.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
TIMES = 3
TABLE = "main.bench.t"
PROTO = """syntax = "proto2";
message T { optional int64 id = 1; optional double amount = 2; optional string a = 3; optional string b = 4; }
"""
JOB = """version = 1;
job = {{
  name = "bench";
  source = {{ plugin = "csv"; path = "in.csv"; }};
  columns = ( {{ name = "id"; type = "int64"; }}, {{ name = "amount"; type = "float64"; }}, {{ name = "a"; }}, {{ name = "b"; }} );
  sink = {{ plugin = "zerobus"; endpoint = "{url}"; table = "{table}"; ca_file = "{ca}"; proxy = ""; schema = "columns";
            headers = "authorization: Bearer x"; }};
}};
"""
DROP = """version = 1;
job = {
  name = "drop";
  source = { plugin = "csv"; path = "in.csv"; };
  columns = ( { name = "id"; type = "int64"; }, { name = "amount"; type = "float64"; }, { name = "a"; }, { name = "b"; } );
  sink = { plugin = "records"; };
};
"""
SDK = """
import csv, os, sys
import rec_pb2
from zerobus.sdk.shared import StreamConfigurationOptions, TableProperties
from zerobus.sdk.sync import ZerobusSdk
url, workspace, table, what = sys.argv[1:]
T = rec_pb2.T
def from_csv():
    with open("in.csv", newline="") as file:
        lines = csv.reader(file)
        next(lines)
        for id, amount, a, b in lines:
            yield T(id=int(id), amount=float(amount), a=a, b=b).SerializeToString()
def encoded():
    record = T(id=1, amount=0.5, a="a" * 100, b="b" * 90).SerializeToString()
    for _ in range(int(os.environ["ROWS"])):
        yield record
stream = ZerobusSdk(url, workspace).create_stream("id", "secret", TableProperties(table, T.DESCRIPTOR), StreamConfigurationOptions())
batch = []
for record in from_csv() if what == "csv" else encoded():
    batch.append(record)
    if len(batch) == 1000:
        stream.ingest_records_nowait(batch)
        batch = []
if batch:
    stream.ingest_records_nowait(batch)
stream.flush()
stream.close()
"""


class Login(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"access_token": "x", "token_type": "Bearer", "expires_in": 3600}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class FarEnd:
    def __init__(self, folder):
        self.ca = folder / "ca.pem"
        self.process = subprocess.Popen(
            [os.environ["FAR_END"], "--tls", self.ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self.process.stdout.readline().strip()

    def records(self):
        out, _ = self.process.communicate(timeout=60)
        return json.loads(out)["records"]


def measure(folder, command):
    """Rows per second, and microseconds of CPU for a row, of one client."""
    if "drop.cfg" in command:
        return clocked(folder, command, os.environ)
    far = FarEnd(folder)
    env = {**os.environ, "ROWS": str(ROWS), "SSL_CERT_FILE": str(far.ca), "TOWPATH_STATE": str(folder / "state.db")}
    env |= {"no_proxy": "*", "RUST_LOG": "error"}
    (folder / "bench.cfg").write_text(JOB.format(url=far.url, ca=far.ca, table=TABLE))
    figures = clocked(folder, [word.replace("URL", far.url) for word in command], env)
    records = far.records()
    if records != ROWS:
        sys.exit(f"{command}: {records} records of {ROWS}")
    return figures


def clocked(folder, command, env):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, cwd=folder, env={**env, "TOWPATH_STATE": str(folder / "state.db")}, capture_output=True, text=True)
    took, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode:
        sys.exit(f"{command}: {done.stdout}{done.stderr}")
    return ROWS / took, cpu / ROWS * 1e6


def main():
    login = ThreadingHTTPServer(("127.0.0.1", 0), Login)
    threading.Thread(target=login.serve_forever, daemon=True).start()
    workspace = f"http://127.0.0.1:{login.server_port}"
    with tempfile.TemporaryDirectory(prefix="towpath-bench-", dir=os.environ.get("BENCH_DIR", "/dev/shm")) as name:
        folder = Path(name)
        with (folder / "in.csv").open("w") as file:
            file.write("id,amount,a,b\n")
            file.writelines(f"{i},{i % 1000}.5,{'a' * 100},{'b' * 90}\n" for i in range(ROWS))
        (folder / "rec.proto").write_text(PROTO)
        (folder / "sdk.py").write_text(SDK)
        protoc = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"--python_out={folder}", "rec.proto"]
        subprocess.run(protoc, check=True)
        sdk = [sys.executable, "sdk.py", "URL", workspace, TABLE]
        (folder / "drop.cfg").write_text(DROP)
        clients = {
            "towpath, and drops them": [os.environ["TOWPATH"], "run", "-q", "drop.cfg"],
            "towpath, from csv": [os.environ["TOWPATH"], "run", "-q", "bench.cfg"],
            "SDK for Python, from csv": [*sdk, "csv"],
            "SDK for Python, encoded": [*sdk, "encoded"],
        }
        print(f"{ROWS} rows\n{'':26} {'rows/s':>10} {'CPU us/row':>11}")
        for label, command in clients.items():
            runs = [measure(folder, command) for _ in range(TIMES)]
            rate, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
            print(f"{label:26} {rate:10,.0f} {cpu:11.2f}")


if __name__ == "__main__":
    main()
