"""make bench-events - what event exports take: NDJSON, plain and gzip, into a sink that counts rows, and
into gzip parts of the sink databricks_copy.

TOWPATH, TOWPATH_PLUGIN_PATH   the program and its plugins
GEN                            the generator of inputs
BENCH_ROWS                     events of the input (1000000), about 540 bytes each
BENCH_DIR                      a folder for inputs and parts; by default in memory

Parts go to a folder; the sandbox stands in for the workspace and refuses the COPY INTO, so that what is
measured is this side. The program has one core. "MB/s" is uncompressed input by CPU time, user and system
together; medians of five runs.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from sandbox import Sandbox  # noqa: E402

DONE, REFUSED = 0, 3  # exit codes; a run whose COPY INTO is refused ends with the second
JOB = """version = 1;
job = {{
  name = "bench";
  source = {{ plugin = "events"; path = "{path}"; stream = "default"; {options} }};
  sink = {{ {sink} }};
}};
"""
COUNT = 'plugin = "null";'
COPY = 'plugin = "databricks_copy"; table = "main.bench.events"; stage = "file://{folder}/stage";'


def measure(lake, folder, text, code):
    """CPU seconds, resident MiB and staged MB of one run."""
    stage = folder / "stage"
    subprocess.run(["rm", "-rf", stage, folder / "state.db"], check=True)
    stage.mkdir()
    lake.reset()
    lake.faults([{"do": "fail", "sql": "^COPY INTO", "error_class": "INSUFFICIENT_PERMISSIONS"}])
    (folder / "bench.cfg").write_text(text)
    env = {**os.environ, **lake.env(), "TOWPATH_STATE": str(folder / "state.db"), "TMPDIR": str(folder)}
    command = ["taskset", "-c", "0", "/usr/bin/time", "-f", "%U %S %M", "-o", folder / "time", os.environ["TOWPATH"]]
    done = subprocess.run([*command, "run", "-q", folder / "bench.cfg"], env=env, capture_output=True, text=True, check=False)
    if done.returncode != code:
        sys.exit(done.stderr)
    user, system, memory = map(float, (folder / "time").read_text().rstrip().split("\n")[-1].split())
    staged = sum(path.stat().st_size for path in stage.rglob("*.gz"))
    return user + system, memory / 1024, staged / 1e6


def report(what, size, runs):
    seconds, memory, staged = map(statistics.median, zip(*runs))
    parts = f", {staged:.0f} MB staged" if staged else ""
    print(f"{what}: {size / seconds / 1e6:.0f} MB/s a core, {memory:.1f} MiB resident{parts}")


def main():
    rows = os.environ.get("BENCH_ROWS", "1000000")
    with tempfile.TemporaryDirectory(prefix="towpath-bench-", dir=os.environ.get("BENCH_DIR", "/dev/shm")) as name:
        folder = Path(name)
        lake = Sandbox()
        try:
            for kind in ("events", "payloads"):
                plain, packed = folder / f"{kind}.ndjson", folder / f"{kind}.ndjson.gz"
                with open(plain, "wb") as out:
                    subprocess.run([os.environ["GEN"], kind, rows], stdout=out, check=True)
                with open(packed, "wb") as out:
                    subprocess.run(["gzip", "-6", "-c", plain], stdout=out, check=True)
                size = plain.stat().st_size
                print(f"{kind}: {rows} of them, {size / 1e6:.0f} MB, {packed.stat().st_size / 1e6:.0f} MB as gzip")
                for path, options, sink, code, what in (
                    (plain, "", COUNT, DONE, "ndjson -> counted"),
                    (packed, "", COUNT, DONE, "ndjson.gz -> counted"),
                    (packed, 'stream_fields = ["_e", "url", "_ts"];', COUNT, DONE, "ndjson.gz, three fields -> counted"),
                    (packed, "", COPY, REFUSED, "ndjson.gz -> databricks_copy, csv.gz"),
                ):
                    text = JOB.format(path=path, options=options, sink=sink.format(folder=folder))
                    report(f"  {what}", size, [measure(lake, folder, text, code) for _ in range(5)])
        finally:
            lake.close()


if __name__ == "__main__":
    main()
