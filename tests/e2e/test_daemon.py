"""The daemon: it runs jobs by their schedules, through crashes, edits of job files and stops."""

import json
import os
import signal
import time
from collections import Counter

from daemon import Daemon, daemon  # noqa: F401
from helpers import instant, put


def slow(daemon, name="slow", schedule='first_run = "now"; every = "1h";', more=""):
    """A job whose run reads a FIFO that nobody writes to, until it is stopped."""
    fifo = daemon.tow.folder / f"{name}.fifo"
    if not fifo.exists():
        os.mkfifo(fifo)
    daemon.job(name, schedule, source=f'plugin = "csv"; path = "../{name}.fifo"; header = false; columns = ["id", "name"];', more=more)
    return fifo


# ---- schedules ----------------------------------------------------------------------------------


def test_a_job_runs_at_each_slot_of_its_schedule(daemon):
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    runs = daemon.ended("tick", 3)
    slots = [run["slot"] for run in runs]
    assert len(set(slots)) == len(slots) and slots == sorted(slots)
    assert all(run["status"] == "ok" and run["attempt"] == 1 for run in runs)
    assert all(instant(run["slot"]) <= instant(run["start"]) for run in runs)
    daemon.stop()
    assert daemon.runs("tick")[-1]["status"] == "ok"


def test_a_job_without_a_schedule_waits_for_a_request(daemon):
    daemon.job("quiet")
    daemon.start()
    assert daemon.job_state("quiet")["next"] is None
    assert daemon.request("/api/jobs/quiet/run", "POST")[0] == 202
    (run,) = daemon.ended("quiet")
    assert run["status"] == "ok" and run["slot"] is None
    daemon.stop()


def test_no_more_runs_than_allowed_are_on_and_the_rest_wait_their_turn(daemon):
    for name in "abc":
        slow(daemon, name)
    daemon.start("--max-runs", "2")
    daemon.wait_for(lambda: len(daemon.children()) == 2)
    states = sorted(job["state"] for job in daemon.get("/api/jobs")["jobs"])
    assert states == ["queued", "running", "running"]
    first = next(job for job in daemon.get("/api/jobs")["jobs"] if job["state"] == "running")
    os.kill(first["running"]["pid"], signal.SIGTERM)
    daemon.wait_for(lambda: all(j["state"] != "queued" for j in daemon.get("/api/jobs")["jobs"]))
    daemon.stop()


def test_a_run_that_takes_too_long_is_stopped_and_has_failed(daemon):
    slow(daemon, schedule='first_run = "now"; every = "1h"; timeout = "1s";')
    daemon.start()
    (run,) = daemon.ended("slow", status="failed")
    assert "stopped after its timeout of 1 s" in run["error"]["message"]
    assert daemon.job_state("slow")["failing"]
    daemon.stop()


def test_a_failed_run_is_tried_again_as_often_as_its_schedule_says(daemon):
    daemon.job("bad", 'first_run = "now"; every = "1h"; tries = 3; retry_wait = "1s";', source='plugin = "csv"; path = "../none.csv";')
    daemon.start()
    runs = daemon.ended("bad", 3)
    assert [run["attempt"] for run in runs] == [1, 2, 3]
    assert len({run["slot"] for run in runs}) == 1
    daemon.stop()


def test_a_run_that_could_not_begin_leaves_a_record(daemon):
    """The job is sound when it is read; its secret is gone when it runs."""
    (daemon.tow.folder / "secret").write_text("../in.csv")
    daemon.job("lost", 'every = "1s"; tries = 1;', source='plugin = "csv"; path = "${file:../secret}";')
    daemon.start()
    daemon.ended("lost", status="ok")
    (daemon.tow.folder / "secret").unlink()
    (run, *_) = daemon.ended("lost", status="failed")
    assert run["exit_code"] == 2
    assert "could not begin" in run["error"]["message"]
    daemon.stop()


def test_a_job_that_is_not_kept_up_to_date_runs_once(daemon):
    daemon.job("once", "keep_updated = false;")
    daemon.start()
    daemon.ended("once", 1)
    daemon.wait_for(lambda: daemon.job_state("once")["state"] == "idle")
    assert daemon.job_state("once")["next"] is None
    daemon.stop()
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    daemon.ended("tick", 2)
    assert len(daemon.runs("once")) == 1
    daemon.stop()


def test_a_continuous_job_is_started_whenever_it_has_ended(daemon):
    daemon.job("always", 'frequency = "continuous";')
    daemon.start()
    runs = daemon.ended("always", 3)
    assert all(run["status"] == "ok" for run in runs)
    daemon.stop()


# ---- crashes ------------------------------------------------------------------------------------


def test_a_run_that_crashes_ends_alone_and_its_signal_is_recorded(daemon):
    slow(daemon, schedule='first_run = "now"; every = "1h"; tries = 1;')
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    daemon.wait_for(lambda: [run for run in daemon.runs("slow") if run["status"] == "running"])
    os.kill(daemon.job_state("slow")["running"]["pid"], signal.SIGSEGV)
    (run,) = daemon.ended("slow")
    assert run["status"] == "interrupted" and run["exit_code"] == 128 + signal.SIGSEGV
    assert "signal 11" in run["error"]["message"]
    before = len(daemon.runs("tick"))
    daemon.ended("tick", before + 1)
    daemon.stop()


def test_a_plugin_that_crashes_before_the_run_began_leaves_a_record(daemon):
    daemon.job("deep", 'first_run = "now"; every = "1h"; tries = 2; retry_wait = "1s";', source='plugin = "fault"; at = "open";')
    daemon.start()
    runs = daemon.ended("deep", 2)
    assert [run["attempt"] for run in runs] == [1, 2]
    assert all("signal 11" in run["error"]["message"] for run in runs)
    daemon.wait_for(lambda: daemon.job_state("deep")["failing"])
    daemon.stop()


def test_a_run_that_outlives_its_daemon_is_waited_for_and_not_doubled(daemon):
    fifo = slow(daemon)
    daemon.start()
    daemon.wait_for(lambda: [run for run in daemon.runs("slow") if run["status"] == "running"])
    daemon.kill()
    daemon.start()
    daemon.wait_for(lambda: daemon.job_state("slow")["state"] == "running elsewhere")
    with open(fifo, "w") as writer:
        writer.write("1,Ann\n")
    (run,) = daemon.ended("slow")
    assert run["status"] == "ok" and run["rows"]["accepted"] == 1
    daemon.wait_for(lambda: daemon.job_state("slow")["state"] == "idle")
    assert len(daemon.runs("slow")) == 1
    daemon.stop()


def test_a_run_that_died_with_its_daemon_is_closed_and_begun_again(daemon):
    slow(daemon)
    daemon.start()
    daemon.wait_for(lambda: [run for run in daemon.runs("slow") if run["status"] == "running"])
    (child,) = daemon.children()
    daemon.kill()
    os.kill(child, signal.SIGKILL)
    daemon.start()
    daemon.wait_for(lambda: len(daemon.runs("slow")) == 2)
    first, second = daemon.runs("slow")
    assert first["status"] == "interrupted" and second["status"] == "running"
    assert first["slot"] == second["slot"]
    daemon.stop()


def test_a_slot_that_passed_while_no_daemon_was_there_is_made_up_for_once(daemon):
    daemon.job("tick", 'every = "2s";')
    daemon.start()
    daemon.ended("tick", 1)
    daemon.kill()
    last = daemon.runs("tick")[-1]
    time.sleep(5)  # slots go by: that is what is tested
    daemon.start()
    runs = daemon.ended("tick", len([run for run in daemon.runs("tick")]) + 1)
    daemon.stop()
    made_up = runs[[run["run"] for run in runs].index(last["run"]) + 1]
    assert made_up["slot"] > last["slot"]
    assert len({run["slot"] for run in runs}) == len(runs)


def test_a_run_by_hand_is_not_disturbed(daemon):
    fifo = slow(daemon, schedule='every = "1s"; overlap = "queue";')
    by_hand = daemon.tow.start("run", "jobs/slow.cfg")
    daemon.wait_for_hand = lambda: [run for run in daemon.runs("slow") if run["status"] == "running"]
    deadline = time.monotonic() + 30
    while not daemon.wait_for_hand():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    daemon.start()
    daemon.wait_for(lambda: daemon.job_state("slow")["state"] == "running elsewhere")
    assert daemon.request("/api/jobs/slow/run", "POST")[0] == 409
    with open(fifo, "w") as writer:
        writer.write("1,Ann\n")
    daemon.tow.finish(by_hand, 0)
    daemon.wait_for(lambda: len(daemon.runs("slow")) == 2)
    daemon.stop()


def test_two_daemons_on_one_state_run_each_slot_once(daemon, tow):
    for name in "abc":
        daemon.job(name, 'every = "1s"; overlap = "queue"; catch_up = "all";')
    daemon.start("--no-listen")
    other = Daemon(tow, "other")
    other.start("--no-listen")
    daemon.ended(count=12)
    other.stop()
    daemon.stop()
    by_slot = Counter((run["job"], run["slot"]) for run in daemon.runs() if run["status"] not in ("cancelled", "interrupted"))
    assert by_slot and set(by_slot.values()) == {1}
    for name in "abc":
        slots = sorted(instant(slot).timestamp() for job, slot in by_slot if job == name)
        assert slots == [slots[0] + i for i in range(len(slots))]


# ---- job files ----------------------------------------------------------------------------------


def test_a_new_file_is_taken_on_by_sighup(daemon):
    daemon.job("one")
    daemon.start()
    daemon.job("two", 'every = "1s";')
    daemon.reload()
    daemon.ended("two", 1)
    (daemon.folder / "two.cfg").unlink()
    daemon.reload()
    assert [job["job"] for job in daemon.get("/api/jobs")["jobs"]] == ["one"]
    daemon.stop()


def test_a_file_that_breaks_keeps_its_earlier_version_running(daemon):
    daemon.job("tick", 'every = "1s";')
    daemon.job("other")
    daemon.start()
    daemon.ended("tick", 1)
    put(daemon.folder, {"tick.cfg": "version = 1;\njob = { name = ", "new.cfg": "job = nonsense"})
    daemon.reload()
    assert "tick.cfg is broken, its earlier version stays" in daemon.said()
    assert "new.cfg is left out" in daemon.said()
    states = {job["job"]: job for job in daemon.get("/api/jobs")["jobs"]}
    assert states["tick"]["file_broken"] and not states["other"]["file_broken"]
    count = len(daemon.runs("tick"))
    runs = daemon.ended("tick", count + 2)
    assert all(run["status"] == "ok" for run in runs)
    daemon.job("tick", 'every = "1s";')
    (daemon.folder / "new.cfg").unlink()
    daemon.reload()
    assert not daemon.job_state("tick")["file_broken"]
    daemon.stop()


def test_an_edit_counts_once_it_was_read(daemon):
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    daemon.ended("tick", 1)
    daemon.job("tick", 'every = "1s";', sink='plugin = "file"; path = "../moved.ndjson";')
    daemon.ended("tick", len(daemon.runs("tick")) + 2)
    assert not (daemon.tow.folder / "moved.ndjson").exists()
    daemon.reload()
    daemon.wait_for(lambda: (daemon.tow.folder / "moved.ndjson").exists())
    daemon.stop()


def test_two_files_with_one_job_name_are_one_job(daemon):
    daemon.job("same", file="a")
    daemon.job("same", file="b")
    daemon.start()
    assert [job["file"] for job in daemon.get("/api/jobs")["jobs"]] == ["jobs/a.cfg"]
    assert "jobs/b.cfg is left out" in daemon.said() and "is that of jobs/a.cfg" in daemon.said()
    daemon.stop()


def test_a_folder_that_is_gone_changes_nothing(daemon):
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    daemon.folder.rename(daemon.tow.folder / "away")
    daemon.reload()
    assert "the jobs stay as they were" in daemon.said()
    assert [job["job"] for job in daemon.get("/api/jobs")["jobs"]] == ["tick"]
    daemon.stop()


def test_a_thousand_broken_files_do_not_stop_the_sound_ones(daemon):
    for i in range(1000):
        put(daemon.folder, {f"broken{i}.cfg": 'version = 1; job = { name = "x"; sourc = 1; };'})
    daemon.job("tick", 'every = "1s";')
    daemon.start()
    assert "1 job, of 1001 files 1000 broken" in daemon.said()
    daemon.ended("tick", 1)
    assert daemon.get("/readyz")["job_files_broken"] == 1000
    daemon.stop()


def test_a_check_that_dies_blames_its_own_file_alone(daemon):
    daemon.job("good")
    daemon.job("deep", source='plugin = "fault"; at = "check";')
    daemon.start()
    assert "jobs/deep.cfg is left out: its check was ended by signal 11" in daemon.said()
    assert [job["job"] for job in daemon.get("/api/jobs")["jobs"]] == ["good"]
    daemon.stop()


# ---- the end ------------------------------------------------------------------------------------


def test_sigterm_lets_runs_end_and_the_next_daemon_goes_on_with_them(daemon):
    slow(daemon)
    daemon.start()
    daemon.wait_for(lambda: [run for run in daemon.runs("slow") if run["status"] == "running"])
    daemon.stop()
    (run,) = daemon.runs("slow")
    assert run["status"] == "cancelled" and run["exit_code"] == 143
    daemon.start()
    daemon.wait_for(lambda: len(daemon.runs("slow")) == 2)
    assert daemon.runs("slow")[1]["slot"] == run["slot"]
    daemon.stop()


def test_a_run_that_does_not_end_is_killed_when_the_drain_is_over(daemon):
    slow(daemon)
    daemon.start("--drain", "1s")
    daemon.wait_for(lambda: [run for run in daemon.runs("slow") if run["status"] == "running"])
    os.kill(daemon.job_state("slow")["running"]["pid"], signal.SIGSTOP)
    daemon.stop()
    (run,) = daemon.runs("slow")
    assert run["status"] == "interrupted" and "signal 9" in run["error"]["message"]


# ---- the service manager ------------------------------------------------------------------------


def test_the_service_manager_hears_of_each_step(daemon):
    daemon.job("tick", 'every = "1s";')
    daemon.tow.env["WATCHDOG_USEC"] = "400000"
    daemon.start()
    daemon.hear("STATUS=1 jobs, 0 running")
    daemon.hear("WATCHDOG=1")
    daemon.hear("WATCHDOG=1")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.hear("RELOADING=1")
    assert daemon.hear("READY=1")[0].startswith("MONOTONIC_USEC=")
    daemon.process.send_signal(signal.SIGTERM)
    daemon.hear("STOPPING=1")
    assert daemon.process.wait(30) == 0


def test_a_folder_that_others_can_write_is_warned_about(daemon):
    warning = "jobs: every user can write it (mode 1777), and so decides what runs; chmod go-w it"
    daemon.start()
    assert "decides what runs" not in daemon.said()
    daemon.stop()
    daemon.folder.chmod(0o1777)
    daemon.start()
    assert warning in daemon.said()
    daemon.stop()


def test_runs_do_not_speak_for_the_daemon(daemon):
    slow(daemon)
    daemon.start()
    daemon.wait_for(lambda: daemon.children())
    (child,) = daemon.children()
    assert b"NOTIFY_SOCKET" not in daemon.environment(child)
    daemon.stop()


def test_all_that_is_logged_is_json_where_that_is_asked_for(daemon):
    daemon.job("tick", 'every = "1s";')
    daemon.job("bad", 'first_run = "now"; every = "1h"; tries = 1;', source='plugin = "csv"; path = "../none.csv";')
    daemon.start("--log-format", "json")
    daemon.ended("tick", 1)
    daemon.ended("bad", 1)
    daemon.stop()
    lines = [json.loads(line) for line in daemon.said().splitlines()]
    assert {"tick", "bad"} <= {line.get("job") for line in lines}
    assert any(line["area"] == "daemon" and "run" in line["message"] for line in lines)
