"""A way of data from a source to a sink, as the long campaigns take it: inputs, a job, kills in between, and an
account of what the far end holds.

What a campaign does with one:

    path = PATHS["csv-copy-append"].prepare(tow, sandbox, 3000, rng)
    process = path.start()              # kill it, fail it, cut its network
    path.settle()                       # what a dead run has left running at the far end
    path.grow(500)                      # where path.grows, at any time; else after finish
    path.finish()                       # to the end, with nothing wrong any more
    account = path.account()

The account asks files, tables and ledgers, never towpath's own counts. Rows have numbers: each is either good, and
then its text must be at the far end, or bad, and then it must be among the rejects.
"""

import json
import random
import shutil
import sqlite3
import subprocess
from collections import Counter
from dataclasses import dataclass, field

from helpers import rejected

RETRY = '  retry = { base = "1ms"; cap = "20ms"; budget = "60s"; tries = 1000; };'
CSV_COLUMNS = ["id", "stream", "n", "note"]
STREAMS = ["web", "mobile", "mail", "shop", "crm"]
TABLE = "main.crm.people"
VOLUME = "/Volumes/main/crm/stage"

TROUBLES = [
    {"do": "answer", "status": 503},
    {"do": "answer", "status": 429, "retry_after": "0"},
    {"do": "cut"},
    {"do": "cut", "point": "after"},
]


@dataclass
class Account:
    """`rows` the source had. `unclear` and `left_over` say what is wrong, an entry each."""

    rows: int
    lost: int = 0
    doubled: int = 0
    unclear: list = field(default_factory=list)  # rows without exactly one outcome, or from nowhere
    left_over: list = field(default_factory=list)  # what should be gone: files, locks, staged parts

    def faults(self, exact):
        """What no path may have, in words; of a path that is not exact, a doubled row is none."""
        found = [f"{self.lost} rows lost"] if self.lost else []
        found += [f"{self.doubled} rows doubled"] if exact and self.doubled else []
        return found + self.unclear[:5] + self.left_over[:5]


class Path:
    name = ""
    exact = True  # a row comes once; else the far end cannot tell, and one may come again
    needs_sandbox = True
    parallel = True  # pipeline.workers may be more than 1
    grows = True  # more rows may turn up at any time, also between a kill and the next run
    ends = True  # a run ends by itself
    reloads = False  # each load brings all rows anew: the newest counts
    checkpoints = ["1ms", "20ms", "1s"]
    finishing_runs = 1  # runs that it takes until nothing is left to do
    steps = {}  # where it can be held: rules of tests/sandbox/README.md, by name
    requests = ""  # a regular expression: what goes to the far end, and can go wrong on its way

    def prepare(self, tow, sandbox, rows, rng=None, via=None):
        """Makes all anew: the working folder, the far end, job.cfg and so many rows. `via` has URLs that stand for the
        sandbox's own: workspace, storage, s3, lytics, bulk, zerobus."""
        self.tow, self.sandbox, self.via = tow, sandbox, via or {}
        self.rng = rng or random.Random(0)
        self.good, self.bad, self.unreadable = Counter(), set(), set()
        self.rows = 0
        self.files = 0
        self._empty()
        self.set_up()
        self.grow(rows)
        return self

    def _empty(self):
        for entry in self.tow.folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        (self.tow.folder / "tmp").mkdir()
        self.tow.env["TMPDIR"] = str(self.tow.folder / "tmp")
        if not self.needs_sandbox:
            return
        self.sandbox.reset()
        self.tow.env.pop("DATABRICKS_AUTH_TYPE", None)
        self.tow.env.update(self.sandbox.env())
        names = {"DATABRICKS_HOST": "workspace", "TTD_URL": "workspace", "LYTICS_API_URL": "lytics", "LYTICS_BULK_URL": "bulk"}
        self.tow.env.update({name: self.via[to] for name, to in names.items() if to in self.via})
        if "storage" in self.via:
            self.sandbox.set(link_url=self.via["storage"])

    # -- what a path says of itself --------------------------------------------------------------------

    def set_up(self):
        """Writes job.cfg, and makes what must be there before."""
        raise NotImplementedError

    def add(self, first, count):
        """Puts rows first .. first+count-1 into the source, and tells of them by expect()."""
        raise NotImplementedError

    def arrived(self):
        """A Counter of (number, text) at the far end."""
        raise NotImplementedError

    def far_left_over(self):
        """What should be gone from the far end."""
        return []

    def row_id(self, row):
        """The number of a row of results or rejects; None where it cannot be read."""
        return int(row["id"]) if row.get("id") is not None else None

    def raw_id(self, raw):
        """The number of a rejected row that could not be read."""
        return int(raw.split(",")[0])

    # -- what campaigns call ---------------------------------------------------------------------------

    def grow(self, count):
        self.add(self.rows, count)
        self.rows += count

    def start(self, **kwargs):
        """A run, whose messages nobody reads unless the caller does."""
        for name in ("stdin", "stdout", "stderr"):
            kwargs.setdefault(name, subprocess.DEVNULL)
        return self.tow.start("run", "job.cfg", "--quiet", **kwargs)

    def settle(self):
        """After a kill: lets go what is held, and takes back all faults."""
        if self.needs_sandbox:
            self.sandbox.faults([])
            self.sandbox.release()

    def finish(self):
        """Runs to the end: each run must succeed."""
        for _ in range(self.finishing_runs):
            self.tow.run("run", "job.cfg", "--quiet")

    def account(self):
        arrived = self.arrived()
        account = Account(self.rows)
        account.lost = (self.good - arrived).total()
        surplus = arrived - self.good
        account.doubled = sum(count for row, count in surplus.items() if row in self.good)
        account.unclear += [f"{row} from nowhere, {n} times" for row, n in surplus.items() if row not in self.good]
        account.unclear += self._outcomes()
        account.left_over = self._local_left_over() + self.far_left_over()
        return account

    def troubles(self, rng):
        """Rules by which some requests fail, as they do on a bad day: refused, put off, cut, done without an answer."""
        if not self.requests:
            return []
        return [
            {"path": self.requests, "probability": rng.choice([0.02, 0.1]), "seed": rng.randrange(1 << 30), **trouble}
            for trouble in TROUBLES
        ]

    # -- outcomes --------------------------------------------------------------------------------------

    def expect(self, number, text):
        self.good[number, text] += 1

    def loads(self):
        """Runs by load, oldest load first."""
        loads = {}
        for run in sorted(self.tow.json("runs", "--last", "0"), key=lambda run: run["run"]):
            loads.setdefault(run["load"], []).append(run["run"])
        return loads

    def wanted_outcomes(self):
        """How often each row that can be read must be in the results."""
        return Counter({number for number, _ in self.good} | (self.bad - self.unreadable))

    def results(self, loads):
        """Rows of the results of these loads. One that was given up before its first checkpoint has none."""
        names = [f"results/{load}.ndjson" for load in loads]
        return [row for name in names if (self.tow.folder / name).exists() for row in self.tow.rows(name)]

    def _outcomes(self):
        """Says which rows have no outcome, or several, or a wrong one."""
        loads = self.loads()
        if self.reloads:
            loads = dict([list(loads.items())[-1]])
        found, unread, wrong = Counter(), 0, []
        for row in self.results(loads):
            number = self.row_id(row)
            found[number] += number is not None
            unread += number is None
            if number is not None and row["success"] == (number in self.bad):
                wrong.append(f"results say {row['success']} of row {number}")
        rejects = Counter()
        for line in (line for runs in loads.values() for run in runs for line in rejected(self.tow, run)):
            rejects[self.row_id(line["row"]) if "row" in line else self.raw_id(line["raw"])] += 1
        return wrong + [
            *_difference("results", found, self.wanted_outcomes()),
            *_difference("rejects", rejects, Counter(self.bad)),
            *([] if unread == len(self.unreadable) else [f"results of {unread} unreadable rows of {len(self.unreadable)}"]),
        ]

    def is_at_work(self, name):
        """Whether a hidden file belongs to a load that goes on: there is one where runs have no end."""
        return False

    def _local_left_over(self):
        found = [
            str(path.relative_to(self.tow.folder))
            for path in self.tow.folder.rglob(".*")
            if path.suffix in (".tmp", ".lock")
        ]
        found = [name for name in found if not self.is_at_work(name)]
        found += [f"tmp/{path.name}" for path in (self.tow.folder / "tmp").iterdir()]
        with sqlite3.connect(f"file:{self.tow.state}?mode=ro", uri=True) as state:
            for table in ("locks", "ahead"):
                (count,) = state.execute(f"SELECT count(*) FROM {table}").fetchone()
                found += [f"{count} entries of {table} in the state"] if count else []
        running = [run["run"] for run in self.tow.json("runs", "--last", "0") if run["status"] == "running"]
        return found + [f"run {run} is still running" for run in running]

    # -- parts of jobs ---------------------------------------------------------------------------------

    def job(self, source, sink, more=""):
        """Writes job.cfg, with results, a quick retry and a pipeline that chance has chosen."""
        rng = self.rng
        pipeline = f'batch_rows = {rng.choice([20, 50, 200])}; checkpoint = "{rng.choice(self.checkpoints)}";'
        if self.parallel:
            pipeline += f" workers = {rng.choice([1, 2, 3])};"
        self.tow.job(
            source=source,
            sink=sink,
            more=f"{more}\n{RETRY}\n  pipeline = {{ {pipeline} }};\n"
            '  results = { plugin = "file"; path = "results/{load}.ndjson"; mkdirs = true; };',
        )


def _difference(what, found, wanted):
    for number, count in (wanted - found).items():
        yield f"row {number} is {found[number]} times in the {what}"
    for number, count in (found - wanted).items():
        yield f"row {number} is {found[number]} times in the {what}, {count} too often"
