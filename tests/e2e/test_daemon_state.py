"""The daemon where its state fails: it says so, starts nothing that it could not record, and goes on."""

import json
import os
import resource
import shutil
import signal
import sqlite3

from daemon import daemon  # noqa: F401


def ready(daemon):
    status, _, text = daemon.request("/readyz")
    return status == 200, json.loads(text)["reason"]


def settled(daemon):
    """Waits until no run is on: what is in the file then is all."""
    daemon.wait_for(lambda: all(job["state"] == "idle" for job in daemon.get("/api/jobs")["jobs"]))


def test_a_state_that_is_damaged_is_told_and_one_that_was_restored_is_used(daemon):
    daemon.job("tick", 'every = "1s";')
    daemon.job("other")
    daemon.start()
    daemon.ended("tick", 2)
    daemon.stop()
    backup = daemon.tow.folder / "backup.db"
    shutil.copy(daemon.tow.state, backup)
    with open(daemon.tow.state, "r+b") as file:
        file.write(b"this is no database any more " * 300)
    daemon.start()
    daemon.wait_said("nothing is started until the state works")
    is_ready, reason = ready(daemon)
    assert not is_ready and "state.db" in reason
    assert daemon.request("/api/jobs/other/run", "POST")[0] == 503
    assert daemon.request("/healthz")[0] == 200 and daemon.request("/metrics")[0] == 200
    for file in daemon.tow.state.parent.glob("state.db*"):
        if file.is_file():
            file.unlink()
    shutil.copy(backup, daemon.tow.state)
    os.chmod(daemon.tow.state, 0o600)
    daemon.wait_said("the state works again")
    daemon.wait_for(lambda: ready(daemon)[0])
    count = len(daemon.runs("tick"))
    runs = daemon.ended("tick", count + 1)
    assert len({run["slot"] for run in runs}) == len(runs)
    daemon.stop()


def test_a_state_that_is_taken_away_is_noticed(daemon):
    daemon.job("tick", 'every = "1s"; tries = 1;')
    daemon.start()
    daemon.ended("tick", 1)
    daemon.tow.state.parent.rename(daemon.tow.folder / "taken")
    daemon.wait_said("put it back, or start the daemon anew")
    assert not ready(daemon)[0] and not daemon.tow.state.exists()
    # What a run made of it meanwhile, which knows no better.
    shutil.rmtree(daemon.tow.state.parent, ignore_errors=True)
    (daemon.tow.folder / "taken").rename(daemon.tow.state.parent)
    daemon.wait_said("the state works again")
    daemon.ended("tick", len(daemon.runs("tick")) + 1)
    daemon.stop()


def test_a_full_disk_is_told_and_slots_are_made_up_for_when_there_is_room(daemon):
    """The largest file that may be written stands for the disk."""
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    daemon.ended("tick", 1)
    settled(daemon)
    daemon.stop()
    log = daemon.log
    daemon.log = daemon.tow.folder / "full.log"
    size = daemon.tow.state.stat().st_size
    # The write-ahead log beside the file finds no room; our own log does.
    limit = (min(size, 8192), resource.RLIM_INFINITY)

    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    daemon.start(preexec=no_room)
    daemon.wait_said("nothing is started until the state works")
    assert not ready(daemon)[0]
    before = len(daemon.runs("tick"))
    assert daemon.request("/healthz")[0] == 200
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    daemon.wait_said("the state works again")
    runs = daemon.ended("tick", before + 2)
    assert all(run["status"] == "ok" for run in runs)
    assert len({run["slot"] for run in runs}) == len(runs)
    daemon.stop()
    daemon.log = log


def test_a_state_of_a_newer_version_is_left_alone(daemon):
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    daemon.ended("tick", 1)
    daemon.stop()
    with sqlite3.connect(daemon.tow.state) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version = {version + 1}")
    count = db.execute("SELECT count(*) FROM runs").fetchone()[0]
    daemon.start()
    daemon.wait_said("schema version")
    assert not ready(daemon)[0]
    assert db.execute("SELECT count(*) FROM runs").fetchone()[0] == count
    db.close()
    daemon.stop()


def test_a_reload_while_the_state_fails_keeps_the_jobs(daemon):
    daemon.tow.env["TOWPATH_STATE"] = "/dev/null/state.db"
    daemon.job("one", 'every = "1s";')
    daemon.start()
    daemon.wait_said("nothing is started until the state works")
    daemon.job("two")
    daemon.reload()
    assert [job["job"] for job in daemon.get("/api/jobs")["jobs"]] == ["one", "two"]
    assert ready(daemon)[0] is False
    daemon.stop()


def test_a_run_that_ends_while_the_state_is_away(daemon):
    os.mkfifo(daemon.tow.folder / "slow.fifo")
    daemon.job("slow", 'first_run = "now"; every = "1h"; tries = 1;', source='plugin = "csv"; path = "../slow.fifo"; header = false; columns = ["a"];')
    daemon.job("tick", 'every = "1s"; tries = 1;')
    daemon.start()
    daemon.ended("tick", 1)
    pid = daemon.job_state("slow")["running"]["pid"]
    daemon.tow.state.parent.rename(daemon.tow.folder / "taken")
    daemon.wait_said("put it back, or start the daemon anew")
    os.kill(pid, signal.SIGKILL)
    daemon.wait_for(lambda: daemon.job_state("slow")["state"] == "idle")
    shutil.rmtree(daemon.tow.state.parent, ignore_errors=True)
    (daemon.tow.folder / "taken").rename(daemon.tow.state.parent)
    daemon.wait_said("the state works again")
    daemon.ended("tick", len(daemon.runs("tick")) + 1)
    daemon.stop()
    daemon.start()
    (run,) = daemon.ended("slow", status="interrupted")
    assert "process died" in run["error"]["message"]
    daemon.stop()
