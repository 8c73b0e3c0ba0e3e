"""Inputs, and runs of commands over them: what they took, and whether what they made is right."""

import contextlib
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from peer_columns import ROW_BYTES
from peer_content import content, fill_nulls

HERE = Path(__file__).resolve().parent
TIMEOUT = 3600


class Wrong(Exception):
    """A command failed, or what it made is not what went in."""


@dataclass
class Run:
    wall: float
    cpu: float
    rss: float  # MiB
    out: int = 0  # bytes written


@dataclass
class Input:
    path: Path
    plain: int  # bytes before compression
    rows: int
    kind: str


def median(runs, figure):
    return statistics.median(getattr(run, figure) for run in runs)


class Bench:
    """A folder for one bench, its inputs and its runs."""

    def __init__(self, folder, programs, python, cores):
        self.folder = folder
        self.programs = programs  # towpath, gen, meter, receiver: paths
        self.python = python
        self.cores = cores
        self.inputs = {}
        self.digests = {}  # of inputs, by path
        self.right = set()  # files that were found right: (input, hash of its bytes)
        # Nothing that is measured has a reason to talk to anyone: whoever tries is refused.
        nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
        self.env = {
            **os.environ, **nowhere, "TOWPATH_STATE": str(folder / "state.db"), "BENCH_SCRATCH": str(folder),
            "TMPDIR": str(folder), "POLARS_MAX_THREADS": "1", "ARROW_IO_THREADS": "1", "OMP_NUM_THREADS": "1",
            "GOMAXPROCS": "1", "SLING_DISABLE_TELEMETRY": "TRUE", "SLING_HOME_DIR": str(folder / "sling"),
            "PYTHONDONTWRITEBYTECODE": "1", "TTD_TOKEN": "bench",
        }  # fmt: skip

    def input(self, kind, size, gzip=False):
        """The file of about this many bytes, made when it is first asked for."""
        rows = max(int(size / ROW_BYTES[kind]), 100)
        key = kind, rows, gzip
        if key not in self.inputs:
            path = self.folder / f"{kind}-{rows}.csv"
            if not path.exists():
                with path.open("wb") as out:
                    subprocess.run([self.programs["gen"], kind, str(rows)], stdout=out, check=True)
            plain = path.stat().st_size
            if gzip:
                packed = path.with_name(path.name + ".gz")
                with packed.open("wb") as out:
                    subprocess.run(["gzip", "-6", "-c", path], stdout=out, check=True)
                path = packed
            self.inputs[key] = Input(path, plain, rows, kind)
        return self.inputs[key]

    def run(self, command, cores=None, env=None):
        """What one run of a command took, and its standard output."""
        figures = self.folder / "figures"
        command = ["taskset", "-c", cores or self.cores[0], self.programs["meter"], figures, *command]
        with tempfile.TemporaryFile(dir=self.folder) as out, tempfile.TemporaryFile(dir=self.folder) as err:
            done = subprocess.run(
                command, cwd=self.folder, env={**self.env, **(env or {})}, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                timeout=TIMEOUT, check=False,
            )  # fmt: skip
            out.seek(0)
            err.seek(0)
            text, trouble = out.read().decode(), err.read().decode()
        if done.returncode:
            raise Wrong(f"{' '.join(map(str, command[4:]))}: exit {done.returncode}\n{trouble[-2000:]}{text[-2000:]}")
        wall, user, system, rss = map(float, figures.read_text().split())
        return Run(wall, user + system, rss / 1024), text

    @contextlib.contextmanager
    def prepared(self, work, source, sink=None):
        """towpath's command for a work; what it writes is gone afterwards."""
        out, config = self.out(work), self.folder / f"{work.name}.cfg"
        config.write_text(work.job(source.path, out, sink))
        out.unlink(missing_ok=True)
        yield [self.programs["towpath"], "run", "-q", "--json", config]
        out.unlink(missing_ok=True)

    def out(self, work, name="towpath"):
        return self.folder / f"{name}-{work.name}.{work.does}"

    def towpath(self, work, source, cores=None, sink=None):
        with self.prepared(work, source, sink) as command:
            run, text = self.run(command, cores, work.env)
            accepted = json.loads(text)["rows"]["accepted"]
            if accepted != source.rows:
                raise Wrong(f"{work.title}: towpath accepted {accepted} rows of {source.rows}")
            return self.finish(work, source, run, self.out(work), "towpath")

    def peer(self, name, work, source):
        out = self.out(work, name)
        out.unlink(missing_ok=True)
        run, text = self.run(self.command(name, work, source, out))
        if name not in ("miller", "sling"):
            said = json.loads(text.strip().split("\n")[-1])
            run.wall, run.cpu = said["wall"], said["cpu"]
            if said["rows"] not in (None, source.rows):
                raise Wrong(f"{work.title}: {name} has {said['rows']} rows of {source.rows}")
        return self.finish(work, source, run, out, name)

    def command(self, name, work, source, out):
        if name == "miller":
            return ["sh", "-c", 'exec mlr --icsv --ojsonl --records-per-batch 500 cat "$1" >"$2"', "sh", source.path, out]
        if name == "sling":
            return [self.programs["sling"], "run", "--src-stream", f"file://{source.path}", "--tgt-object", f"file://{out}",
                    "--tgt-options", "{compression: gzip, file_max_rows: 0}"]  # fmt: skip
        return [self.python, HERE / "peer_tools.py", name, work.does, work.kind, source.path, out]

    def finish(self, work, source, run, out, name):
        """Checks the file that a run made, by its content, and takes it away."""
        if not work.writes_file:
            return run
        run.out = out.stat().st_size
        with out.open("rb") as file:
            key = source.path, hashlib.file_digest(file, "sha256").digest()
        if key not in self.right:
            if source.path not in self.digests:
                self.digests[source.path] = content(source.path, source.kind)
            read = fill_nulls(out, source.kind) if name == "miller" else out
            try:
                found = content(read, source.kind)
            except Exception as trouble:
                raise Wrong(f"{work.title}: what {name} wrote cannot be read: {trouble}") from trouble
            finally:
                if read != out:
                    read.unlink()
            wanted = self.digests[source.path]
            if found != wanted:
                raise Wrong(f"{work.title}: {name} wrote {found[0]} rows, {found[1][:12]}, of {wanted[0]} rows, {wanted[1][:12]}")
            self.right.add(key)
        out.unlink()
        return run

    def turns(self, count, first, second):
        """Runs both in turn: [(run of the first, run of the second)]."""
        return [(first(), second()) for _ in range(count)]


def log(text):
    print(text, file=sys.stderr, flush=True)
