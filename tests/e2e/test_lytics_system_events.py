"""System events of Lytics into a Databricks table: what the integration's export does (SYS-1 to SYS-9),
and that nothing is lost or doubled whatever happens on the way."""

import gzip
import json

import pytest
from helpers import counts
from lytics import ACCESS, QUICK, ago, day, far, into_lake  # noqa: F401
from sandbox import sandbox, sandbox_process  # noqa: F401

TABLE = "main.lytics.lytics_system_event_export_1234"
NAMES = "id, date, aid, user_id, subject_type, subject_id, verb, notes, related"


def event(number, at, **members):
    return {
        "id": f"e{number}",
        "aid": 1234,
        "account_id": "acc",
        "user_id": "u1",
        "subject_type": "work",
        "subject_id": "w1",
        "verb": "status",
        "notes": f"note {number}",
        "related": [{"type": "segment", "id": "s1"}],
        "context": {"n": number},
        "timestamp": at,
        **members,
    }


def job(tow, source="", sink="", table=TABLE, more=QUICK, pipeline=""):
    tow.job(
        source=f'plugin = "lytics_system_events"; {ACCESS} {source}',
        sink=into_lake(table, sink),
        more=f"{more}\n  pipeline = {{ {pipeline} }};",
    )


def ids(far, table=TABLE):  # noqa: F811
    return sorted(int(row[0][1:]) for row in far.sql(f"SELECT id FROM {table}"))


# -- what the integration does ---------------------------------------------------------------------


def test_sys_1_the_schema_is_given_and_the_catalog_may_be_left_out(tow, far):  # noqa: F811
    far.seed(events=[event(1, ago(hours=1))])
    job(tow, table="lytics.events")
    tow.run("run", "job.cfg")
    assert far.value("SELECT count(*) FROM lytics.events") == "1"
    assert far.sql("DESCRIBE TABLE lytics.events") == [
        [name, "timestamp" if name == "date" else "string", None] for name in NAMES.split(", ")
    ]


def test_sys_2_the_table_is_named_after_the_accounts_number(tow, far):  # noqa: F811
    far.seed(events=[event(1, ago(hours=1))])
    job(tow, table="main.lytics.lytics_system_event_export_{aid}")
    tow.run("check", "job.cfg")
    tow.run("run", "job.cfg")
    assert ids(far) == [1]


def test_sys_2_a_table_that_is_there_is_used_as_it_is(tow, far):  # noqa: F811
    columns = ", ".join(f"{name} {'TIMESTAMP' if name == 'date' else 'STRING'}" for name in NAMES.split(", "))
    far.sql(f"CREATE TABLE main.lytics.mine ({columns}, more INT)")
    far.sql(f"INSERT INTO main.lytics.mine (id, {NAMES.split(', ', 1)[1]}) SELECT 'e9', NULL, '', '', '', '', '', '', ''")
    far.seed(events=[event(1, ago(hours=1))])
    job(tow, table="main.lytics.mine")
    tow.run("run", "job.cfg")
    assert ids(far, "main.lytics.mine") == [1, 9]


def test_sys_3_events_from_the_start_date_on_are_exported(tow, far):  # noqa: F811
    start = day(days=3)
    far.seed(
        events=[
            event(1, ago(days=5)),
            event(2, f"{day(days=4)}T23:59:59.999999Z"),
            event(3, f"{start}T00:00:00Z"),
            event(4, ago(hours=2)),
        ]
    )
    job(tow, f'start_date = "{start}";')
    tow.run("run", "job.cfg")
    assert ids(far) == [3, 4]


def test_sys_3_without_a_start_date_it_is_the_last_30_days(tow, far):  # noqa: F811
    far.seed(events=[event(1, ago(days=31)), event(2, ago(days=29, hours=23)), event(3, ago(minutes=5))])
    job(tow)
    tow.run("run", "job.cfg")
    assert ids(far) == [2, 3]


def test_sys_4_events_strictly_before_the_end_date_are_exported(tow, far):  # noqa: F811
    end = day(days=1)
    far.seed(
        events=[
            event(1, f"{day(days=2)}T23:59:59.999999Z"),
            event(2, f"{end}T00:00:00Z"),
            event(3, ago(minutes=5)),
        ]
    )
    job(tow, f'end_date = "{end}";')
    tow.run("run", "job.cfg")
    tow.run("run", "job.cfg")
    assert ids(far) == [1]


def test_sys_5_only_the_subject_type_that_was_asked_for(tow, far):  # noqa: F811
    far.seed(events=[event(1, ago(hours=2)), event(2, ago(hours=1), subject_type="segment")])
    job(tow, 'subject_type = "segment";')
    tow.run("run", "job.cfg")
    assert ids(far) == [2]


def test_sys_6_only_the_subject_id_that_was_asked_for(tow, far):  # noqa: F811
    far.seed(events=[event(1, ago(hours=2)), event(2, ago(hours=1), subject_id="w2")])
    job(tow, 'subject_type = "work"; subject_id = "w2"; verb = "status";')
    tow.run("run", "job.cfg")
    assert ids(far) == [2]
    job(tow, 'subject_id = "w2";')
    assert "without a subject_type" in tow.run("check", "job.cfg", code=2).stderr


def test_sys_7_later_runs_append_only_what_is_newer(tow, far):  # noqa: F811
    far.seed(events=[event(i, ago(minutes=i)) for i in range(1, 50)])
    job(tow)
    tow.run("run", "job.cfg")
    assert counts(tow.json("run", "job.cfg")) == [0, 0, 0, 0, 0]
    far.seed(events=[event(100, ago(seconds=0)), event(101, ago(minutes=2))])  # one of them late
    tow.run("run", "job.cfg")
    assert ids(far) == [*range(1, 50), 100, 101]


def test_sys_8_it_runs_each_day_at_the_time_of_day_of_the_time_zone(tow, far):  # noqa: F811
    schedule = 'schedule = { frequency = "daily"; at = "02:00"; timezone = "America/New_York"; };'
    job(tow, more=QUICK + schedule)
    tow.run("check", "job.cfg")
    (found,) = tow.json("schedule", "job.cfg", "--from", "2026-01-01T00:00:00", "-n", "2")
    assert [time["utc"] for time in found["times"]] == ["2026-01-01T07:00:00Z", "2026-01-02T07:00:00Z"]


def test_sys_9_files_are_flushed_at_the_rows_that_the_job_says(tow, far):  # noqa: F811
    far.seed(events=[event(i, ago(seconds=3 * i)) for i in range(1, 500)])
    job(tow, 'window = "10m";', 'part_rows = 200; part_bytes = "1GB"; keep_staged = true;', pipeline="workers = 1; batch_rows = 50;")
    tow.run("run", "job.cfg")
    sizes = [
        len(gzip.decompress(path.read_bytes()).splitlines())
        for path in sorted((far.folder() / "Volumes").rglob("*.gz"))
    ]
    assert sum(sizes) == 499 and len(sizes) >= 3 and max(sizes) <= 200
    assert len(ids(far)) == 499


# -- rows ------------------------------------------------------------------------------------------


def test_values_arrive_as_they_are(tow, far):  # noqa: F811
    odd = event(1, "2026-01-02T03:04:05.123456789+01:00", notes='a "b"\n\u00e9\U0001f600,', user_id=None)
    odd["related"] = [{"type": "x", "id": 'q"'}]
    bare = {"id": "e2", "timestamp": "2026-01-02T03:04:06Z", "notes": "", "aid": 12345678901234567}
    far.seed(events=[odd, bare])
    job(tow, 'start_date = "2026-01-01"; end_date = "2026-01-03";')
    tow.run("run", "job.cfg")
    first, second = far.sql(f"SELECT {NAMES} FROM {TABLE} ORDER BY id")
    assert first[:3] == ["e1", "2026-01-02T02:04:05.123Z", "1234"]
    assert first[3:8] == [None, "work", "w1", "status", odd["notes"]]
    assert json.loads(first[8]) == odd["related"]
    assert second[2:] == ["12345678901234567", None, None, None, None, "", None]
    assert far.value(f"SELECT date_format(date, 'SSSSSS') FROM {TABLE} WHERE id = 'e1'") == "123456"


def test_the_context_is_a_tenth_column_where_it_is_wanted(tow, far):  # noqa: F811
    far.seed(events=[event(1, ago(hours=1))])
    job(tow, "include_context = true;")
    tow.run("run", "job.cfg")
    assert far.sql(f"SELECT context FROM {TABLE}") == [['{"n":1}']]


def test_damaged_events_are_rejected_once_and_the_rest_arrives(tow, far):  # noqa: F811
    timeless = event(3, ago(hours=1))
    del timeless["timestamp"]
    nameless = event(4, ago(hours=1))
    del nameless["id"]
    far.seed(events=[event(1, ago(hours=2)), timeless, nameless, event(5, "yesterday"), event(6, ago(days=2))])
    job(tow, more=QUICK + " rejects = { max = 10; };")
    report = tow.json("run", "job.cfg")
    assert counts(report) == [5, 2, 3, 0, 0]
    assert ids(far) == [1, 6]
    rows = [json.loads(line) for line in tow.run("rejects", report["run"], "--json").stdout.splitlines()]
    assert {row["code"] for row in rows} == {"bad_event"}


# -- pages and windows -----------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("bounds", ["exclusive", "inclusive"])
@pytest.mark.parametrize("meta", [True, False])
def test_neither_order_nor_bounds_nor_page_marks_of_the_api_matter(tow, far, order, bounds, meta):  # noqa: F811
    far.set(lytics_event_order=order, lytics_event_bounds=bounds, lytics_event_meta=meta)
    far.seed(events=[event(i, ago(minutes=10 * i)) for i in range(1, 80)])
    far.seed(events=[event(100 + i, f"{day(days=1)}T{6 * i:02d}:00:00Z") for i in range(4)])
    job(tow, f'start_date = "{day(days=2)}"; page_limit = 7;')
    tow.run("run", "job.cfg")
    assert ids(far) == [*range(1, 80), *range(100, 104)]


def test_windows_are_halved_while_they_are_deep(tow, far):  # noqa: F811
    far.seed(events=[event(i, ago(seconds=2 * i)) for i in range(1, 3500)])
    far.seed(events=[event(10000 + i, ago(hours=5)) for i in range(1200)])  # all in one second
    job(tow)
    tow.run("run", "job.cfg")
    assert ids(far) == [*range(1, 3500), *range(10000, 11200)]
    deepest = max(int(entry["query"].split("start=")[1].split("&")[0]) for entry in far.log("/v2/event"))
    assert deepest < 1300


def test_windows_that_take_long_to_be_halved_end_no_load(tow, far):  # noqa: F811
    far.faults([{"do": "delay", "path": "^/v2/event", "seconds": 0.15, "times": 12}])
    far.seed(events=[event(i, ago(seconds=i)) for i in range(1, 2200)])
    job(tow, f'start_date = "{ago(minutes=37)}";')
    tow.run("run", "job.cfg")
    assert ids(far) == [*range(1, 2200)]


def test_events_that_turn_up_while_pages_are_read_come_once(tow, far):  # noqa: F811
    far.seed(
        events=[event(i, ago(minutes=i)) for i in range(10, 210)],
        arriving_events=[event(1000 + i, ago(minutes=5)) for i in range(12)],
    )
    job(tow, 'page_limit = 20; window = "1d";')
    tow.run("run", "job.cfg")
    tow.run("run", "job.cfg")  # what came too late for the first
    assert ids(far) == [*range(10, 210), *range(1000, 1012)]


# -- trouble ---------------------------------------------------------------------------------------

TROUBLE = {
    "a limit of rate without Retry-After": {"do": "answer", "status": 429, "body": '{"status":429,"message":"slow"}'},
    "an error of the server": {"do": "answer", "status": 500, "body": '{"status":500,"errors":[{"code":"INTERNAL-019"}]}'},
    "a page of a proxy": {"do": "html", "status": 502},
    "an answer that is cut": {"do": "cut"},
    "an answer that is short": {"do": "short"},
    "a success with errors": {"do": "answer", "status": 200, "body": '{"status":200,"errors":[{"code":"INTERNAL-019"}]}'},
}


@pytest.mark.parametrize("name", TROUBLE)
def test_what_may_pass_is_tried_again(tow, far, name):  # noqa: F811
    far.seed(events=[event(i, ago(minutes=7 * i)) for i in range(1, 300)])
    far.faults([{"path": "^/v2/event", "skip": 3, "times": 4, **TROUBLE[name]}])
    job(tow, "page_limit = 50;", more=QUICK)
    tow.run("run", "job.cfg")
    assert ids(far) == [*range(1, 300)]
    assert any(entry["faults"] for entry in far.log("/v2/event"))


@pytest.mark.parametrize("fault", [{"do": "delay", "seconds": 2}, {"do": "slow", "bytes_per_second": 20}], ids=["late", "slow"])
def test_answers_that_come_late_or_drop_by_drop_are_given_up_in_time(tow, far, fault):  # noqa: F811
    far.seed(events=[event(i, ago(minutes=i)) for i in range(1, 50)])
    far.faults([{"path": "^/v2/event", "times": 1, **fault}])
    job(tow, f'timeout = "300ms"; start_date = "{ago(hours=1)}";')
    assert tow.json("run", "job.cfg")["retries"] == 1
    assert ids(far) == [*range(1, 50)]


REFUSED = {
    "a token that expired": ({"status": 401, "body": '{"message":"Expired Token","status":401}'}, 3, "Expired Token"),
    "200 Not Found": ({"status": 200, "body": '{"status":200,"message":"Not Found"}'}, 2, "Not Found"),
    "a refusal": ({"status": 400, "body": '{"status":400,"errors":[{"code":"BADREQ-001","message":"no such verb"}]}'}, 2, "no such verb"),
    "JSON that is cut in its middle": ({"status": 200, "body": '{"status":200,"data":[{"id"'}, 3, "is no JSON"),
    "data that is no list": ({"status": 200, "body": '{"status":200,"data":{"id":"e1"}}'}, 3, "no array"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_will_not_pass_stops_the_run_and_the_next_one_goes_on(tow, far, name):  # noqa: F811
    answer, code, words = REFUSED[name]
    far.seed(events=[event(i, ago(hours=3 * i)) for i in range(1, 100)])
    job(tow, more=QUICK)
    far.faults([{"do": "answer", "path": "^/v2/event", "skip": 30, **answer}])
    done = tow.run("run", "job.cfg", code=code)
    assert words in done.stdout + done.stderr
    assert far.lytics_token not in done.stdout + done.stderr
    far.faults([])
    tow.run("run", "job.cfg")
    assert ids(far) == [*range(1, 100)]


def test_a_wrong_token_is_named_as_such(tow, far):  # noqa: F811
    tow.env["LYTICS_TOKEN"] = "at.wrong.hush"
    job(tow)
    done = tow.run("run", "job.cfg", code=3)
    assert "Expired Token" in done.stdout + done.stderr
    assert "hush" not in done.stdout + done.stderr


@pytest.mark.parametrize("skip", [0, 5, 40, 119])
def test_killed_while_it_asks_for_events_it_loses_and_doubles_nothing(tow, far, skip):  # noqa: F811
    far.seed(events=[event(i, ago(hours=2 * i)) for i in range(1, 300)])
    job(tow, pipeline='checkpoint = "1ms"; batch_rows = 10;', sink='part_bytes = "1kB";')
    far.faults([{"do": "hold", "name": "there", "path": "^/v2/event", "skip": skip, "times": 1}])
    process = tow.start("run", "job.cfg")
    far.hold("there")
    process.kill()
    process.wait(30)
    far.release("there")
    far.seed(events=[event(1000, ago(days=20, minutes=1))])  # behind a run that is far beyond
    tow.run("run", "job.cfg")
    found = ids(far)
    assert [number for number in found if number < 1000] == [*range(1, 300)]


def test_killed_after_the_copy_it_appends_nothing_twice(tow, far):  # noqa: F811
    far.seed(events=[event(i, ago(minutes=i)) for i in range(1, 100)])
    job(tow)
    far.faults([{"do": "hold", "name": "there", "point": "executed", "sql": "^COPY INTO", "times": 1}])
    process = tow.start("run", "job.cfg")
    far.hold("there")
    process.kill()
    process.wait(30)
    far.release("there")
    far.seed(events=[event(200, ago(seconds=0))])
    tow.run("run", "job.cfg")
    tow.run("run", "job.cfg")
    assert ids(far) == [*range(1, 100), 200]


def test_more_events_than_are_remembered_come_once_nevertheless(tow, far):  # noqa: F811
    far.seed(events=[event(i, ago(seconds=i)) for i in range(1, 700)])
    job(tow)
    tow.run("run", "job.cfg")
    tow.run("run", "job.cfg")
    assert counts(tow.json("run", "job.cfg"))[0] == 0
    assert ids(far) == [*range(1, 700)]


def test_dates_that_cannot_be_are_found_before_the_run(tow):
    for source, words in (
        ('start_date = "2026-13-01";', "start_date"),
        ('start_date = "2026-02-01"; end_date = "2026-02-01";', "is not after"),
        ('api_url = "http://api.lytics.io";', "api_url"),
    ):
        tow.env["LYTICS_TOKEN"] = "x"
        tow.job(source=f'plugin = "lytics_system_events"; token = "${{env:LYTICS_TOKEN}}"; {source}')
        assert words in tow.run("check", "job.cfg", code=2).stderr
