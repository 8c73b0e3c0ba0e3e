"""One call after the other fails on every path: each run ends as it is documented, and the next one brings every row to
where it belongs. torture.py says what is looked at.

  TOWPATH_LONG_SAMPLE   so many numbers of each fault, by chance, and not all of them
  TOWPATH_LONG_STRIDE   of what all objects ask for in memory, every so many-th is refused (7; 70 with a far end)
  TOWPATH_LONG_SEED     of the chances
  TOWPATH_LONG_PATHS    only these paths, separated by commas (by default all whose runs end by themselves)
  TOWPATH_LONG_FAULTS   only these faults: "own-ENOMEM,write-short-on"
  TOWPATH_LONG_NUMBERS  only these calls, which a finding has named: "497,498"
"""

import os
import random

import pytest
from paths import PATHS
from tally import Tally
from torture import FAR_FAULTS, LOCAL_FAULTS, Torture

SEED = int(os.environ.get("TOWPATH_LONG_SEED", "20260301"))
SAMPLE = int(os.environ.get("TOWPATH_LONG_SAMPLE", "0"))
STRIDE = int(os.environ.get("TOWPATH_LONG_STRIDE", "0"))
CHOSEN = [name for name in os.environ.get("TOWPATH_LONG_PATHS", "").split(",") if name]
CHOSEN = CHOSEN or [name for name, path in PATHS.items() if path.ends]
FAULTS = [name for name in os.environ.get("TOWPATH_LONG_FAULTS", "").split(",") if name]
NUMBERS = [int(number) for number in os.environ.get("TOWPATH_LONG_NUMBERS", "").split(",") if number]
ROWS = 60
RUN = ["run", "job.cfg", "--quiet", "--set", "retry.tries=4", "--set", 'retry.budget="2s"']


def numbers(fault, count, rng, has_far_end=False):
    """Which calls of `count` are to fail, and one that is not there any more."""
    if NUMBERS:
        return NUMBERS
    stride = STRIDE or (70 if has_far_end else 7)
    every = range(1, count + 2, stride if fault.family == "memory" else 1)
    return sorted(rng.sample(every, min(SAMPLE, len(every)))) if SAMPLE else every


class Campaign:
    """The faults of one path."""

    def __init__(self, tow, sandbox, name):
        self.tow, self.sandbox, self.name = tow, sandbox, name
        self.torture = Torture(tow)
        self.tally = Tally("torture", name)

    def prepare(self):
        path = PATHS[self.name]().prepare(self.tow, self.sandbox, ROWS, random.Random(self.name))
        self.before(path)
        return path

    def before(self, path):
        """What a run finds that is not the first one."""

    def all(self, faults):
        path = self.prepare()
        counts = self.torture.count(RUN)
        path.finish()
        assert path.account().faults(exact=True) == []
        for fault in faults:
            rng = random.Random(f"{SEED} {self.name} {fault.name}")
            every = numbers(fault, counts[fault.family], rng, self.sandbox is not None)
            for nth in every:
                self.one(fault, nth)
            print(f"{self.name} {fault.name}: {len(every)} of {counts[fault.family]} calls", flush=True)

    def one(self, fault, nth):
        path = self.prepare()
        ended = self.torture.strike(RUN, fault, nth)
        path.settle()
        self.torture.look_at_state(ended, fault, nth)
        if self.torture.rerun(path, ended, fault, nth):
            account = path.account()
            self.tally.add(account)
            for found in account.faults(path.exact):
                self.torture.find(f"then: {found}", ended, fault, nth)

    def end(self):
        self.tally.runs, self.tally.faults = self.torture.runs, self.torture.faults
        self.tally.hangs, self.tally.longest_s = self.torture.hangs, self.torture.longest
        self.tally.note = f"seed {SEED}"
        self.tally.write()
        self.torture.close()
        assert not self.torture.findings, self.torture.told()


def faults_of(name):
    all_faults = FAR_FAULTS if PATHS[name].needs_sandbox else LOCAL_FAULTS
    return [fault for fault in all_faults if not FAULTS or fault.name in FAULTS]


@pytest.mark.parametrize("name", CHOSEN)
def test_each_call_that_fails_is_told_and_made_good(tow, request, name):
    sandbox = request.getfixturevalue("sandbox") if PATHS[name].needs_sandbox else None
    campaign = Campaign(tow, sandbox, name)
    try:
        campaign.all(faults_of(name))
    finally:
        campaign.end()


COMMANDS = {
    "check": ["check", "job.cfg"],
    "plan": ["plan", "job.cfg"],
    "plan --json": ["plan", "job.cfg", "--json"],
    "schedule": ["schedule", "job.cfg"],
    "setup": ["setup", "job.cfg", "--dry-run"],
    "jobs": ["jobs", "-C", "."],
    "runs": ["runs"],
    "runs show": ["runs", "show", "1"],
    "rejects": ["rejects", "1"],
    "replay": ["replay", "1", "--again"],
    "state show": ["state", "show", "job"],
    "plugins list": ["plugins", "list"],
    "plugins show": ["plugins", "show", "csv"],
    "top": ["top"],
}
FINDING = ["check", "jobs"]  # whose exit code 2 says that there are findings, whatever they are
COMMAND_FAULTS = [fault for fault in LOCAL_FAULTS if fault.family != "memory" and not fault.short]


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_that_fail_say_why(tow, name):
    torture, tally = Torture(tow), Tally("torture", f"towpath {name}")
    path = PATHS["csv-file"]().prepare(tow, None, ROWS, random.Random(name))
    path.finish()
    counts = torture.count(COMMANDS[name])
    for fault in COMMAND_FAULTS:
        rng = random.Random(f"{SEED} {name} {fault.name}")
        for nth in numbers(fault, counts[fault.family], rng):
            ended = torture.strike(COMMANDS[name], fault, nth, also=(2,) if name in FINDING else ())
            torture.look_at_state(ended, fault, nth)
    tally.runs, tally.faults, tally.hangs, tally.longest_s = torture.runs, torture.faults, torture.hangs, torture.longest
    tally.write()
    path.finish()
    torture.close()
    assert not torture.findings, torture.told()
