"""kill -9 of the daemon at random moments while jobs run: no slot is lost, and none is done twice.

TOWPATH_DAEMON_KILLS says how often (100 for the full test); the seed is TOWPATH_CRASH_SEED.
"""

import os
import random
import signal
import time
from collections import defaultdict

from daemon import daemon  # noqa: F401
from helpers import instant

KILLS = int(os.environ.get("TOWPATH_DAEMON_KILLS", "8"))
SEED = int(os.environ.get("TOWPATH_CRASH_SEED", "20260301"))
EVERY = 2  # seconds


def kill(daemon, rng):
    """The daemon alone, or with some or all of its runs, as when the machine is killed."""
    children = daemon.children()
    whom = rng.choice(["alone", "some", "all"])
    daemon.process.send_signal(signal.SIGKILL)
    for pid in children:
        if whom == "all" or (whom == "some" and rng.random() < 0.5):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    daemon.process.wait(60)


def slots_of(runs, collapse):
    """Slots in order; each is done once: other runs of it were cut off, as the last one was when
    the daemon was stopped. With `latest`, a newer slot may stand for one whose runs were cut off."""
    by_slot = defaultdict(list)
    for run in runs:
        by_slot[run["slot"]].append(run)
    last = runs[-1]
    if last["status"] == "cancelled":
        assert last["slot"] == max(by_slot)
        del by_slot[last["slot"]]
    for slot, its in by_slot.items():
        done = [run for run in its if run["status"] not in ("interrupted", "cancelled")]
        if collapse and not done and slot < max(by_slot):
            continue
        assert len(done) == 1, (slot, [(run["run"], run["status"], run["attempt"]) for run in its])
        assert done[0]["status"] == "ok" and done[0] is its[-1]
    return sorted(instant(slot).timestamp() for slot in by_slot)


def test_kills_of_the_daemon_lose_no_slot_and_run_none_twice(daemon):
    rng = random.Random(SEED)
    slow = 'plugin = "fault"; at = "read"; how = "wait";'  # a run takes 0.6 s
    for name in ("all1", "all2", "all3"):
        daemon.job(name, f'every = "{EVERY}s"; catch_up = "all"; overlap = "queue";', source=slow)
    for name in ("latest1", "latest2"):
        daemon.job(name, f'every = "{EVERY}s"; catch_up = "latest"; overlap = "queue";', source=slow)
    began = time.time()
    daemon.start("--no-listen", "--max-runs", "3")
    for _ in range(KILLS):
        time.sleep(rng.uniform(0, 2))  # the moment of the kill
        kill(daemon, rng)
        daemon.start("--no-listen", "--max-runs", "3", ready=rng.random() < 0.7)
    ended = time.time()
    names = ["all1", "all2", "all3", "latest1", "latest2"]

    def caught_up():
        newest = {}
        for run in daemon.runs():
            if run["status"] == "ok":
                newest[run["job"]] = max(newest.get(run["job"], 0), instant(run["slot"]).timestamp())
        return all(newest.get(name, 0) >= ended for name in names)

    daemon.wait_for(caught_up, "every job runs a slot that came after the last kill")
    daemon.stop()
    runs = daemon.runs()
    interrupted = sum(run["status"] == "interrupted" for run in runs)
    assert all(run["status"] != "running" for run in runs)
    for name in names:
        slots = slots_of([run for run in runs if run["job"] == name], name.startswith("latest"))
        assert slots[0] <= began + 2 * EVERY + 5
        if name.startswith("all"):
            assert slots == [slots[0] + EVERY * i for i in range(len(slots))], name
    print(f"seed {SEED}: {KILLS} kills, {len(runs)} runs, {interrupted} cut off")
