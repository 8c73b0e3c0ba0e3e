"""make bench-copy - what the sink databricks_copy takes to stage rows: csv -> typed columns -> gzip parts.

TOWPATH, TOWPATH_PLUGIN_PATH   the program and its plugins
GEN                            the generator of inputs
BENCH_ROWS                     rows of the input (1000000)
BENCH_DIR                      a folder for inputs and parts; by default in memory

Parts go to a folder; the sandbox stands in for the workspace and refuses the COPY INTO, so that what is
measured is this side. The program has one core. "MB/s" is input by CPU time, user and system together;
medians of five runs.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from sandbox import Sandbox  # noqa: E402

REFUSED = 3  # exit code of a run whose COPY INTO is refused
JOB = """version = 1;
job = {{
  name = "bench";
  source = {{ plugin = "csv"; path = "in.csv"; }};
  columns = ( {{ name = "id"; type = "int64"; }}, {{ name = "ts"; type = "timestamp"; }},
              {{ name = "amount"; type = "float64"; }}, {{ name = "score"; type = "float64"; }},
              {{ name = "segment"; }}, {{ name = "active"; type = "bool"; }},
              {{ name = "day"; type = "date"; }}, {{ name = "note"; }} );
  sink = {{ plugin = "databricks_copy"; table = "main.bench.t"; stage = "file://{folder}/stage"; format = "{format}"; }};
  pipeline = {{ workers = {workers}; }};
}};
"""


def run(lake, folder, size, **job):
    """CPU seconds, resident MiB and staged bytes of one run."""
    stage = folder / "stage"
    subprocess.run(["rm", "-rf", stage, folder / "state.db"], check=True)
    stage.mkdir()
    lake.reset()
    lake.faults([{"do": "fail", "sql": "^COPY INTO", "error_class": "INSUFFICIENT_PERMISSIONS"}])
    (folder / "bench.cfg").write_text(JOB.format(folder=folder, **job))
    env = {**os.environ, **lake.env(), "TOWPATH_STATE": str(folder / "state.db"), "TMPDIR": str(folder)}
    command = ["taskset", "-c", "0", "/usr/bin/time", "-f", "%U %S %M", "-o", folder / "time", os.environ["TOWPATH"]]
    done = subprocess.run([*command, "run", "-q", folder / "bench.cfg"], env=env, capture_output=True, text=True, check=False)
    if done.returncode != REFUSED:
        sys.exit(done.stderr)
    user, system, memory = map(float, (folder / "time").read_text().split("\n")[-2].split())
    staged = sum(path.stat().st_size for path in stage.rglob("*.gz"))
    return size / (user + system) / 1e6, memory / 1024, staged / 1e6


def main():
    rows = os.environ.get("BENCH_ROWS", "1000000")
    with tempfile.TemporaryDirectory(prefix="towpath-bench-", dir=os.environ.get("BENCH_DIR", "/dev/shm")) as name:
        folder = Path(name)
        with open(folder / "in.csv", "wb") as out:
            subprocess.run([os.environ["GEN"], "narrow", rows], stdout=out, check=True)
        size = (folder / "in.csv").stat().st_size
        lake = Sandbox()
        try:
            for staged_format, workers in (("csv", 1), ("csv", 2), ("csv", 4), ("ndjson", 1)):
                runs = [run(lake, folder, size, format=staged_format, workers=workers) for _ in range(5)]
                rate, memory, staged = map(statistics.median, zip(*runs))
                print(
                    f"csv -> databricks_copy, {rows} rows ({size / 1e6:.0f} MB), {staged_format}, {workers} workers: "
                    f"{rate:.0f} MB/s a core, {memory:.1f} MiB resident, {staged:.1f} MB staged"
                )
        finally:
            lake.close()


if __name__ == "__main__":
    main()
