"""The source lytics_audience_changes: CHG-1 to CHG-7 of docs/lytics.md, what its webhook promises, and
what a kill leaves."""

import http.client
import json
import os
import random
import threading
import time

import pytest
from helpers import until
from sandbox import sandbox, sandbox_process  # noqa: F401
from webhook import AT, Hook, event, payload

TABLE = "main.lytics.lytics_seg_changes"
QUICK = 'retry = { base = "1ms"; cap = "20ms"; budget = "20s"; tries = 20; };'
KILLS = int(os.environ.get("TOWPATH_CRASH_KILLS", "8"))
SEED = int(os.environ.get("TOWPATH_CRASH_SEED", "20260301"))


@pytest.fixture
def lake(tow, sandbox):  # noqa: F811
    tow.env.update(sandbox.env())
    yield sandbox
    sandbox.faults([])


def job(tow, source="", load='max_rows = 100000; max_age = "100ms";', sink="", audiences='"vip"', more="", spool="spool"):
    sink = sink or 'plugin = "file"; path = "out-{load}.ndjson";'
    load = f"load = {{ {load} }};" if load else ""
    tow.job(
        source=f'plugin = "lytics_audience_changes"; audiences = [ {audiences} ]; id_field = "email"; '
        f'spool = "{spool}"; listen = "127.0.0.1:0"; {source}',
        sink=sink,
        more=f"  {load}\n  {QUICK}\n  {more}",
    )


def to_table(more=""):
    return f'plugin = "databricks_copy"; table = "{TABLE}"; stage = "/Volumes/main/lytics/stage"; {more}'


API = 'api_url = "${env:LYTICS_API_URL}"; token = "${env:LYTICS_TOKEN}"; '


def rows(tow):
    found = []
    for path in sorted(tow.folder.glob("out*.ndjson"), key=lambda path: path.stat().st_mtime_ns):
        found += [json.loads(line) for line in open(path)]
    return found


def emails(tow):
    return [row["email"] for row in rows(tow)]


# -- the options of the integration ----------------------------------------------------------------


def test_chg_1_rows_go_to_a_table_of_a_catalog_and_schema(tow, lake):
    job(tow, sink=to_table())
    hook = Hook(tow)
    assert hook.send(payload("ann@example.com", event(), event("exit", at="2026-03-01T12:00:00+01:00"))) == 200
    until(lambda: any(r["status"] == "ok" for r in tow.json("runs")))
    hook.stop()
    assert lake.sql(f"SELECT * FROM {TABLE} ORDER BY exit") == [
        ["ann@example.com", "vip", "2026-03-01T10:00:00.123Z", "false"],
        ["ann@example.com", "vip", "2026-03-01T11:00:00.000Z", "true"],
    ]


@pytest.mark.parametrize("names", ["", ", ".join(f'"a{i}"' for i in range(11)), '"a", "a"', '""'])
def test_chg_2_from_one_to_ten_audiences(tow, names):
    job(tow, audiences=names)
    assert "audiences" in tow.run("check", "job.cfg", code=2).stderr
    job(tow, audiences=", ".join(f'"a{i}"' for i in range(10)))
    tow.run("check", "job.cfg")


def test_chg_2_audiences_by_id_and_by_slug_and_no_others(tow):
    job(tow, audiences='"seg-1", "gold"')
    hook = Hook(tow)
    hook.send(
        payload(
            "a",
            event(slug="by-id", segment="seg-1"),
            event(slug="gold", segment="seg-2"),
            event(slug="other", segment="seg-3"),
        )
    )
    until(lambda: len(rows(tow)) == 2)
    hook.stop()
    assert [row["segment_slug"] for row in rows(tow)] == ["by-id", "gold"]


def test_chg_3_the_id_field_names_the_first_column_and_has_its_value(tow):
    job(tow)
    hook = Hook(tow)
    assert hook.send([payload("a", event()), payload(17, event()), payload(True, event())]) == 200
    until(lambda: len(rows(tow)) == 3)
    hook.stop()
    assert list(rows(tow)[0]) == ["email", "segment_slug", "timestamp", "exit"]
    assert emails(tow) == ["a", "17", "true"]
    assert rows(tow)[0]["timestamp"] == AT


@pytest.mark.parametrize(
    "option, expected",
    [("first", ["x", "k"]), ("explode", ["x", "y", "k", "l"]), ("json", ['["x","y"]', '{"k":1,"l":2}'])],
)
def test_chg_3_an_id_field_with_several_values(tow, option, expected):
    job(tow, f'multi_id = "{option}";')
    hook = Hook(tow)
    body = json.dumps([payload(["x", "y"], event()), payload({"k": 1, "l": 2}, event())], separators=(",", ":"))
    assert hook.send(body) == 200
    until(lambda: len(rows(tow)) == len(expected))
    hook.stop()
    assert emails(tow) == expected


def test_chg_3_a_profile_without_its_id_is_rejected_or_null_or_fails(tow):
    for option in ("reject", "null", "fail"):
        job(tow, f'missing_id = "{option}";', load="", spool=option)
        hook = Hook(tow, "--limit", "2", "--full")
        hook.send([payload("", event()), payload("a", event())])
        if option == "fail":
            tow.finish(hook.process, 3)
            assert 'no value in "email"' in hook.log.read_text()
        else:
            tow.finish(hook.process, 0)
            assert emails(tow)[-1] == "a"
            assert len([row for row in rows(tow) if row["email"] is None]) == (option == "null")
    run = tow.json("runs")[2]
    assert run["rows"]["rejected"] == 1


def test_chg_4_the_table_can_have_another_name(tow, lake):
    job(tow, sink=to_table().replace("lytics_seg_changes", "of_mine"))
    hook = Hook(tow)
    hook.send(payload("a", event()))
    until(lambda: any(r["status"] == "ok" for r in tow.json("runs")))
    hook.stop()
    assert lake.count("main.lytics.of_mine") == 1


def members(*names):
    return [{"email": name} for name in names]


def seed(lake, **audiences):
    lake.seed(
        segments=[
            {"id": f"id-{slug}", "slug_name": slug, "members": members(*names)}
            for slug, names in audiences.items()
        ]
    )


def test_chg_5_existing_users_enter_once(tow, lake):
    seed(lake, vip=[f"u{i}" for i in range(250)], gold=["g"])
    job(tow, API + "existing_users = true;", audiences='"vip", "gold"', sink=to_table(), load='max_age = "100ms";')
    hook = Hook(tow)
    hook.send(payload("later", event("exit")))
    until(lambda: sum(r["rows"]["accepted"] for r in tow.json("runs") if r["status"] == "ok") == 252)
    hook.stop()
    seed(lake, vip=["u1", "new"])
    hook = Hook(tow)
    hook.send(payload("last", event()))
    until(lambda: sum(r["rows"]["accepted"] for r in tow.json("runs") if r["status"] == "ok") == 253)
    hook.stop()
    found = lake.sql(f"SELECT email, segment_slug, exit FROM {TABLE}")
    expected = [[f"u{i}", "vip", "false"] for i in range(250)] + [["g", "gold", "false"]]
    assert sorted(found) == sorted([*expected, ["later", "vip", "true"], ["last", "vip", "false"]])


def test_chg_6_keep_updated_is_a_run_without_end(tow):
    job(tow)
    hook = Hook(tow)
    for n in range(3):
        hook.send(payload(f"u{n}", event()))
        until(lambda: len(rows(tow)) == n + 1)
    hook.stop()
    assert [run["status"] for run in tow.json("runs")] == ["cancelled", "ok", "ok", "ok"]


def test_chg_7_a_load_ends_with_its_rows_or_its_age_whichever_is_first(tow):
    job(tow, load='max_rows = 100; max_age = "1h";')
    hook = Hook(tow)
    hook.send([payload(f"u{n}", event()) for n in range(100)])
    until(lambda: len(rows(tow)) == 100)
    hook.send(payload("alone", event()))
    hook.stop()
    assert len(rows(tow)) == 100
    job(tow, load='max_rows = 100; max_age = "50ms";')
    hook = Hook(tow)
    until(lambda: len(rows(tow)) == 101)
    hook.stop()


# -- what comes over the wire ----------------------------------------------------------------------


def test_messages_that_tell_nothing_are_rejected_with_their_reason(tow):
    job(tow, load="")
    hook = Hook(tow, "--limit", "7")
    bad = [
        "{",
        "7",
        {"id": "1", "data": {"email": "a"}},
        payload("a", event("moved")),
        payload("a", event(at="yesterday")),
        payload("a", {"id": "seg-1", "event": "enter", "enter": AT}, event()),
    ]
    for body in bad[:5]:
        assert hook.send(body) == 200
    assert hook.send([bad[5], payload("b", event())]) == 200
    tow.finish(hook.process, 0)
    lines = tow.run("rejects", "1", "--json").stdout
    codes = [json.loads(line)["code"] for line in lines.splitlines() if '"code"' in line]
    assert codes == ["not_json", "not_json", "no_segment_events", "bad_event", "bad_timestamp"]
    assert emails(tow) == ["a", "b"]


def test_cloud_events_are_messages_too(tow):
    job(tow)
    hook = Hook(tow)
    hook.send({"specversion": "1.0", "type": "com.lytics.audience.user.event", "data": payload("a", event())})
    hook.send({"specversion": "1.0", "data": payload("b", event())["data"]})
    until(lambda: len(rows(tow)) == 2)
    hook.stop()


def test_only_one_kind_of_change_where_that_is_wanted(tow):
    for option, kept in (("enters_only", ["enter"]), ("exits_only", ["enter", "exit"])):
        job(tow, f'events = "{option}";', load="")
        hook = Hook(tow, "--limit", "1", "--full")
        hook.send([payload("enter", event()), payload("exit", event("exit"))])
        tow.finish(hook.process, 0)
        assert emails(tow) == kept


def test_what_is_delivered_twice_is_one_row_also_over_a_restart(tow):
    job(tow)
    hook = Hook(tow)
    for _ in range(3):
        hook.send(payload("a", event()))
    hook.send(payload("b", event()))
    until(lambda: len(rows(tow)) == 2)
    hook.stop()
    hook = Hook(tow)
    hook.send(payload("a", event()))
    hook.send(payload("a", event(at="2026-03-01T10:00:01Z")))
    until(lambda: len(rows(tow)) == 3)
    hook.stop()
    assert emails(tow) == ["a", "b", "a"]


def test_repetitions_are_rows_where_none_shall_be_left_out(tow):
    job(tow, 'dedup_window = "0s";')
    hook = Hook(tow)
    hook.send(payload("a", event()))
    hook.send(payload("a", event()))
    until(lambda: len(rows(tow)) == 2)
    hook.stop()


def test_a_secret_is_asked_for_and_never_shown(tow):
    tow.env["HOOK_SECRET"] = "open-sesame-4711"
    job(tow, 'secret_header = "X-Token"; secret = "${env:HOOK_SECRET}";')
    hook = Hook(tow)
    assert hook.send(payload("a", event())) == 401
    assert hook.send(payload("a", event()), headers={"X-Token": "open-sesame-4712"}) == 401
    assert hook.send(payload("b", event()), headers={"X-Token": "open-sesame-4711"}) == 200
    assert hook.send(payload("b", event()), path="/other", headers={"X-Token": "open-sesame-4711"}) == 404
    until(lambda: len(rows(tow)) == 1)
    hook.stop()
    for path in tow.folder.rglob("*"):
        assert not path.is_file() or b"open-sesame" not in path.read_bytes(), path


def test_one_spool_is_for_one_job(tow):
    job(tow)
    hook = Hook(tow)
    tow.write("other.cfg", (tow.folder / "job.cfg").read_text().replace('"job"', '"other"'))
    assert "in use by another process" in tow.run("run", "other.cfg", code=3).stderr
    hook.stop()


def test_spooled_messages_go_once_they_are_loaded(tow):
    job(tow)
    for name in ("a", "b"):
        hook = Hook(tow)
        hook.send(payload(name, event()))
        until(lambda: name in emails(tow))
        hook.stop()
    hook = Hook(tow)
    segments = tow.folder / "spool" / "webhook"
    until(lambda: len(list(segments.glob("*.spool"))) == 2)
    hook.stop()
    assert emails(tow) == ["a", "b"]


# -- kills -----------------------------------------------------------------------------------------


class Senders:
    """Threads that send as fast as they get answers, and remember what was answered with 200."""

    def __init__(self, hook, count, first):
        self.sent, self.acknowledged = [], []
        self.lock = threading.Lock()
        self.hook = hook
        self.next = first
        self.threads = [threading.Thread(target=self.work) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def work(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.hook.port, timeout=30)
        try:
            while True:
                with self.lock:
                    name = f"user-{self.next}"
                    self.next += 1
                    self.sent.append(name)
                connection.request("POST", "/lytics", json.dumps(payload(name, event())))
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    with self.lock:
                        self.acknowledged.append(name)
        except (OSError, http.client.HTTPException):
            connection.close()

    def join(self):
        for thread in self.threads:
            thread.join(60)


@pytest.mark.parametrize("sink", ["file", "table"])
def test_a_kill_under_load_loses_nothing_that_was_answered_with_200(tow, lake, sink):
    rng = random.Random(SEED)
    job(tow, load='max_rows = 400; max_age = "100ms";', sink=to_table() if sink == "table" else "")
    sent, acknowledged = [], []
    for _ in range(KILLS):
        hook = Hook(tow)
        senders = Senders(hook, 8, len(sent))
        time.sleep(rng.uniform(0.02, 0.6))
        hook.kill()
        senders.join()
        sent += senders.sent
        acknowledged += senders.acknowledged
    hook = Hook(tow)
    hook.send(payload("last", event()))

    def found():
        if sink == "table":
            return [row[0] for row in lake.sql(f"SELECT email FROM {TABLE}")]
        return emails(tow)

    until(lambda: "last" in found())
    hook.stop()
    names = found()
    print(f"{KILLS} kills, {len(sent)} sent, {len(acknowledged)} acknowledged, {len(names)} rows")
    assert len(acknowledged) > 10
    assert set(acknowledged) <= set(names), "an acknowledged change was lost"
    assert len(names) == len(set(names)), "a change is there twice"
    assert set(names) <= {*sent, "last"}


# -- polling ---------------------------------------------------------------------------------------


def poll(tow, lake, code=0, **audiences):
    seed(lake, **audiences)
    return tow.json("run", "job.cfg", code=code)


def changes(tow):
    found = [(row["email"], row["segment_slug"], row["exit"]) for row in rows(tow)]
    for path in tow.folder.glob("out*.ndjson"):
        path.unlink()
    return sorted(found)


def test_poll_and_diff_tells_what_changed_between_runs(tow, lake):
    job(tow, API + 'mode = "poll_diff";', load="", audiences='"vip", "gold"')
    poll(tow, lake, vip=["a", "b"], gold=["a"])
    assert changes(tow) == []
    poll(tow, lake, vip=["b", "c"], gold=[])
    assert changes(tow) == [("a", "gold", True), ("a", "vip", True), ("c", "vip", False)]
    poll(tow, lake, vip=["b", "c"], gold=[])
    assert changes(tow) == []
    poll(tow, lake, vip=[], gold=["z"])
    assert changes(tow) == [("b", "vip", True), ("c", "vip", True), ("z", "gold", False)]


def test_poll_and_diff_begins_with_existing_users_where_that_is_wanted(tow, lake):
    job(tow, API + 'mode = "poll_diff"; existing_users = true;', load="")
    poll(tow, lake, vip=["a", "b"])
    assert changes(tow) == [("a", "vip", False), ("b", "vip", False)]
    poll(tow, lake, vip=["b"])
    assert changes(tow) == [("a", "vip", True)]


def test_a_new_audience_of_a_polling_job_starts_with_what_it_has(tow, lake):
    job(tow, API + 'mode = "poll_diff";', load="")
    poll(tow, lake, vip=["a"], gold=["b"])
    changes(tow)
    job(tow, API + 'mode = "poll_diff";', load="", audiences='"vip", "gold"')
    poll(tow, lake, vip=["a", "x"], gold=["b"])
    assert changes(tow) == [("x", "vip", False)]
    poll(tow, lake, vip=["a", "x"], gold=["b", "c"])
    assert changes(tow) == [("c", "gold", False)]


def test_a_scan_whose_page_tokens_expire_begins_anew(tow, lake):
    job(tow, API + 'mode = "poll_diff"; existing_users = true;', load="")
    lake.set(lytics_cursor_pages=2)
    lake.faults([])
    seed(lake, vip=[f"u{i}" for i in range(450)])
    process = tow.start("run", "job.cfg", "--json")
    until(lambda: len([e for e in lake.log("/scan") if e["status"] != 200]) >= 2)
    lake.set(lytics_cursor_pages=0)
    tow.finish(process, 0)
    assert [row[0] for row in changes(tow)] == sorted(f"u{i}" for i in range(450))


def test_a_poll_that_was_killed_is_done_by_the_next_run(tow, lake):
    rng = random.Random(SEED)
    job(tow, API + 'mode = "poll_diff"; existing_users = true;', load="", sink=to_table(), more="pipeline = { batch_rows = 100; };")
    known, expected = set(), []
    for step in range(KILLS):
        now = {f"u{rng.randrange(1500)}" for _ in range(1000)}
        seed(lake, vip=sorted(now))
        process = tow.start("run", "job.cfg")
        time.sleep(rng.uniform(0, 0.5))
        process.kill()
        process.communicate(timeout=60)
        tow.run("run", "job.cfg")
        tow.run("run", "job.cfg")  # a poll that was begun may have told of an older state
        expected += [(name, "false") for name in now - known] + [(name, "true") for name in known - now]
        known = now
    found = [tuple(row) for row in lake.sql(f"SELECT email, exit FROM {TABLE}")]
    assert sorted(found) == sorted(expected)


def test_faults_of_the_api_are_tried_again(tow, lake):
    job(tow, API + 'rate_wait = "1ms"; mode = "poll_diff"; existing_users = true;', load="")
    lake.faults(
        [
            {"do": "answer", "path": "/scan", "status": 429, "times": 2},
            {"do": "answer", "path": "/scan", "status": 500, "skip": 3, "times": 2},
            {"do": "answer", "path": "/segment", "status": 503, "times": 1},
        ]
    )
    poll(tow, lake, vip=[f"u{i}" for i in range(350)])
    assert len(changes(tow)) == 350


def test_a_token_is_needed_to_read_audiences(tow):
    job(tow, 'mode = "poll_diff";', load="")
    assert "token is missing" in tow.run("check", "job.cfg", code=2).stderr
    job(tow, "existing_users = true;")
    assert "token is missing" in tow.run("check", "job.cfg", code=2).stderr


def test_a_checkpoint_of_the_other_mode_is_refused(tow, lake):
    job(tow, API + 'mode = "poll_diff";', load="")
    poll(tow, lake, vip=["a"])
    job(tow)
    assert "other mode" in tow.run("run", "job.cfg", code=2).stderr
