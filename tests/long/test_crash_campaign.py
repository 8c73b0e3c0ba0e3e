"""kill -9 on every path, at random moments, at every named step of the far end and right before calls that write, sync,
rename and lock, while the far end has troubles of its own; then a run to the end, and the far end's account.

  TOWPATH_LONG_KILLS   kills for each path
  TOWPATH_LONG_SECONDS most time for a path, in which it gets as many of them as there is time for
  TOWPATH_LONG_ROWS    of a path's source, one of these by chance
  TOWPATH_LONG_SEED    of the chances; what the scheduler makes of them is another matter
  TOWPATH_LONG_PATHS   only these, separated by commas
  TOWPATH_LONG_ROUND   of a path, to begin with
  TOWPATH_LONG_KEPT    a folder for what rounds that failed have left
"""

import itertools
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from paths import PATHS
from tally import Tally

KILLS = int(os.environ.get("TOWPATH_LONG_KILLS", "200"))
SEED = int(os.environ.get("TOWPATH_LONG_SEED", "20260301"))
CHOSEN = [name for name in os.environ.get("TOWPATH_LONG_PATHS", "").split(",") if name] or list(PATHS)
SECONDS = float(os.environ.get("TOWPATH_LONG_SECONDS", "inf"))
FIRST_ROUND = int(os.environ.get("TOWPATH_LONG_ROUND", "0"))
ROWS = [int(count) for count in os.environ.get("TOWPATH_LONG_ROWS", "300,1000,3000").split(",")]
LATEST = 20  # seconds until a run that came to no step is killed where it is
HANGS = 120  # seconds after which a run counts as hanging

# What kills at a call (hook.c); a program with sanitizers cannot have it.
HOOK = Path(os.environ.get("TOWPATH_BUILD") or "/nowhere") / "tests/long/.libs/hook.so"
CALLS = {"write": 2, "sync": 4, "name": 5, "lock": 10}  # by their places in a report's counts

# Exit codes of a run that was not killed but could not finish: the far end was in trouble.
TROUBLED = (0, 3, 6)

WAYS = ["moment", "step", *(["call"] if HOOK.exists() and not os.environ.get("SANITIZERS") else [])]


class Campaign:
    """The kills of one path, round by round: some kills, a run to the end, an account."""

    def __init__(self, tow, sandbox, name):
        self.tow, self.sandbox, self.name = tow, sandbox, name
        self.tally = Tally("crash", name)
        self.longest = 0.2  # seconds within which to kill: about as long as runs last
        self.calls = dict.fromkeys(CALLS, 10)  # so many a run has, at least
        self.report = tow.folder.parent / f"{name}.hook"
        self.steps = itertools.cycle(PATHS[name].steps.items())
        self.faults = []
        self.ways = Counter()

    def round(self, number):
        rng = random.Random(f"{SEED} {self.name} {number}")
        path = PATHS[self.name]().prepare(self.tow, self.sandbox, rng.choice(ROWS), rng)
        for _ in range(rng.choice([1, 1, 2, 3, 5, 8])):
            if self.tally.kills < KILLS:
                self.kill(path, rng)
            if path.grows and rng.random() < 0.4:
                path.grow(rng.choice([1, 50, 400]))
        self.finish(path)
        if rng.random() < 0.3:
            path.grow(rng.choice([1, 200]))
            self.finish(path)
        self.judge(path)

    # -- one kill --------------------------------------------------------------------------------------

    def kill(self, path, rng):
        way = rng.choice(WAYS)
        step = next(self.steps, None) if way == "step" else None
        call = rng.choice(list(CALLS)) if way == "call" else None
        rules = path.troubles(rng) if rng.random() < 0.5 else []
        if step:
            rule = {"skip": rng.choice([0, 0, 1, 5]), **step[1]}
            rules.append({"do": "hold", "name": "there", "times": 1, **rule})
        if rules:
            self.sandbox.faults(rules)
        began = time.monotonic()
        process = path.start(**self.hooked(call, rng))
        if step:
            self.wait_for_hold(process)
        elif call:
            self.wait_for_end(process)
        else:
            time.sleep(rng.uniform(0, self.longest))
        self.end(process)
        self.tally.run(time.monotonic() - began)
        killed = process.returncode == -signal.SIGKILL
        self.tally.kills += killed
        self.ways["at steps" if step else "at calls" if call else "at moments"] += killed
        if call:
            self.learn_calls()
        elif not step:
            self.longest = min(max(self.longest * (1.05 if killed else 0.85), 0.02), 5)
        if rules:
            self.tally.faults += sum(rule["done"] for rule in self.sandbox.call("GET", "/_sandbox/faults"))
        path.settle()
        if not killed and process.returncode not in TROUBLED:
            self.faults.append(f"exit code {process.returncode}")

    def wait_for_hold(self, process):
        deadline = time.monotonic() + LATEST
        while process.poll() is None and time.monotonic() < deadline and not self.sandbox.held("there", 0.05):
            pass

    def wait_for_end(self, process):
        deadline = time.monotonic() + LATEST / 4
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)

    def hooked(self, call, rng):
        """What makes a run die at one of these calls, a little beyond the last that is known at most."""
        if not call:
            return {}
        nth = rng.randint(1, self.calls[call] * 11 // 10)
        setting = f"family={call},nth={nth},kill=1,program=towpath"
        return {"env": {"LD_PRELOAD": str(HOOK), "TOWPATH_HOOK": setting, "TOWPATH_HOOK_REPORT": str(self.report)}}

    def learn_calls(self):
        report = self.report.read_bytes()
        for name, place in CALLS.items():
            (count,) = struct.unpack_from("Q", report, 8 * place)
            self.calls[name] = max(self.calls[name], count)
        self.report.unlink()

    def end(self, process):
        process.kill()
        process.wait(HANGS)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                pipe.close()
        self.tow.started.remove(process)

    # -- what came of them -----------------------------------------------------------------------------

    def finish(self, path):
        began = time.monotonic()
        try:
            path.finish()
        except subprocess.TimeoutExpired:
            self.tally.hangs += 1
            raise
        self.tally.run((time.monotonic() - began) / path.finishing_runs)

    def judge(self, path):
        account = path.account()
        self.tally.add(account)
        found = self.faults + account.faults(path.exact)
        self.faults = []
        assert not found, f"{account}: " + "; ".join(found)

    def keep(self, number):
        """For whoever looks into it: the working folder, and what the sandbox was asked for."""
        kept = Path(os.environ.get("TOWPATH_LONG_KEPT") or self.tow.folder.parent) / f"{self.name}-{SEED}-{number}"
        shutil.copytree(self.tow.folder, kept)
        if PATHS[self.name].needs_sandbox:
            (kept / "requests.json").write_text("\n".join(map(json.dumps, self.sandbox.log())))
        return kept


@pytest.mark.parametrize("name", CHOSEN)
def test_killed_runs_lose_nothing_and_go_on(tow, sandbox, name):
    campaign, failures = Campaign(tow, sandbox, name), []
    for number in itertools.count(FIRST_ROUND):
        late = time.monotonic() - campaign.tally.began > SECONDS
        if campaign.tally.kills >= KILLS or late or len(failures) > 5:
            break
        try:
            campaign.round(number)
        except (AssertionError, subprocess.TimeoutExpired) as failure:
            failures.append(f"seed {SEED}, round {number}, kept in {campaign.keep(number)}: {failure}")
    ways = ", ".join(f"{count} {way}" for way, count in sorted(campaign.ways.items()))
    campaign.tally.note = f"seed {SEED}; {ways}"
    campaign.tally.write()
    assert failures == []
