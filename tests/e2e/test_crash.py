"""kill -9 at random moments, then run again: every input row is in the output or the rejects, once.

The seed is printed by a failure and can be given as TOWPATH_CRASH_SEED; TOWPATH_CRASH_KILLS says how
many kills each kind of output gets.
"""

import csv
import gzip
import json
import os
import random
import signal
import time

import pytest

ROWS = 120_000
KILLS = int(os.environ.get("TOWPATH_CRASH_KILLS", "18"))
SEED = int(os.environ.get("TOWPATH_CRASH_SEED", "20260301"))

OUTPUTS = {
    "ndjson": 'path = "out.ndjson";',
    "csv.gz": 'path = "out.csv.gz";',
    "parts": 'path = "out-{part}.csv"; max_rows = 20000;',
}


def write_input(path):
    """Rows 0 .. ROWS-1; some have a bad number, some cannot be read."""
    with open(path, "w", newline="") as out:
        out.write("id,n,note\n")
        for i in range(ROWS):
            if i % 97 == 13:
                out.write(f"{i},bad,x\n")
            elif i % 101 == 29:
                out.write(f'{i},1,"x"y\n')
            elif i % 53 == 7:
                out.write(f'{i},{i},"two\nlines, ""quoted"""\n')
            else:
                out.write(f"{i},{i},plain text of row {i}\n")


def run_and_kill(tow, rng, longest):
    """Starts a run and kills it some time before `longest` seconds; 1 where it was killed."""
    process = tow.start("run", "job.cfg", "--quiet")
    time.sleep(rng.uniform(0, longest))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return process.returncode == -signal.SIGKILL


def ids_in_output(tow, kind):
    if kind == "ndjson":
        return [json.loads(line)["id"] for line in open(tow.folder / "out.ndjson")]
    names = sorted(tow.folder.glob("out-*.csv")) or [tow.folder / "out.csv.gz"]
    ids = []
    for name in names:
        opener = gzip.open if name.suffix == ".gz" else open
        with opener(name, "rt", newline="") as text:
            ids += [int(row["id"]) for row in csv.DictReader(text)]
    return ids


def ids_in_rejects(tow, run):
    ids = []
    for line in tow.run("rejects", run, "--json").stdout.splitlines():
        reject = json.loads(line)
        text = reject["row"]["id"] if "row" in reject else reject["raw"].split(",")[0]
        ids.append(int(text))
    return ids


def ids_in_results(tow):
    """Of the rows that could be read; the others have no columns, and are counted."""
    with open(tow.folder / "results.csv", newline="") as text:
        rows = list(csv.DictReader(text))
    return [int(row["id"]) for row in rows if row["id"]], sum(not row["id"] for row in rows)


def check_load(tow, kind, runs):
    """One load, done by the given runs, has each row once."""
    accepted = ids_in_output(tow, kind)
    rejected = [i for run in runs for i in ids_in_rejects(tow, run)]
    assert len(accepted) == len(set(accepted))
    assert len(rejected) == len(set(rejected))
    assert sorted(accepted + rejected) == list(range(ROWS))
    read, unreadable = ids_in_results(tow)
    assert len(read) == len(set(read))
    assert len(read) + unreadable == ROWS
    records = [tow.json("runs", "show", run) for run in runs]
    assert sum(r["rows"]["accepted"] for r in records) == len(accepted)
    assert sum(r["rows"]["rejected"] for r in records) == len(rejected)


def runs_since(tow, last):
    return sorted(r["run"] for r in tow.json("runs", "--last", "0") if r["run"] > last)


@pytest.mark.parametrize("kind", OUTPUTS)
def test_killed_runs_lose_and_double_nothing(tow, kind):
    rng = random.Random(f"{SEED} {kind}")
    write_input(tow.folder / "in.csv")
    tow.job(
        sink=f'plugin = "file"; {OUTPUTS[kind]}',
        more='  results = { plugin = "file"; path = "results.csv"; };\n'
        '  columns = ( { name = "id"; type = "int64"; }, { name = "n"; type = "int64"; },\n'
        '    { name = "note"; } );\n'
        '  pipeline = { batch_rows = 500; checkpoint = "5ms"; };',
    )
    started = time.monotonic()
    tow.run("run", "job.cfg", "--quiet")
    longest = (time.monotonic() - started) * 1.1
    kills, last = 0, 1
    check_load(tow, kind, [1])
    while kills < KILLS:
        for output in tow.folder.glob("out*"):
            output.unlink()
        for _ in range(rng.randint(1, 6)):
            kills += run_and_kill(tow, rng, longest)
        tow.run("run", "job.cfg", "--quiet")
        # A run that was quicker than its kill ended a load: the rows belong to the newest load.
        runs = runs_since(tow, last)
        load = tow.json("runs", "show", runs[-1])["load"]
        check_load(
            tow, kind, [run for run in runs if tow.json("runs", "show", run)["load"] == load]
        )
        last = runs[-1]
    print(f"seed {SEED}, {kind}: {kills} kills")
