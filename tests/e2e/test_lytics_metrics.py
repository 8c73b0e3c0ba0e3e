"""Metrics of Lytics into a Databricks table: what the integration's export does (MET-1 to MET-9), and that
nothing is lost or doubled whatever happens on the way."""

import gzip
import json
import time
from datetime import datetime, timezone

import pytest
from helpers import counts
from lytics import ACCESS, NOW, QUICK, far, into_lake  # noqa: F401
from sandbox import sandbox, sandbox_process  # noqa: F401

TABLE = "main.lytics.lytics_1234_metrics"
NAMES = "dimension, dimension_id, dimension_type, ts, value, ly_exported_ts"
HOUR = 3600
STEP = 2 * HOUR
OPEN = int(NOW.timestamp()) // STEP * STEP  # where the bucket begins that is open now
SIZE = 'dimension = "segment"; dimension_type = "size";'
FRESH = 'settle = "0s";'


def at(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")


def point(seconds, value, name="s1", kind="size", dimension="segment"):
    return {"dimension": dimension, "dimension_id": name, "dimension_type": kind, "ts": at(seconds), "value": value}


def points(first, last, **more):
    """A point in each bucket that begins `first` to `last` buckets before the open one."""
    return [point(OPEN - back * STEP + 60, back, **more) for back in range(last, first + 1)]


@pytest.fixture(autouse=True)
def now():
    """The time as each test has it. A bucket that is about to end is waited for: the next one shall not begin within
    a test."""
    global NOW, OPEN
    left = STEP - time.time() % STEP
    if left < 20:
        time.sleep(left)
    NOW = datetime.now(timezone.utc).replace(microsecond=0)
    OPEN = int(NOW.timestamp()) // STEP * STEP


@pytest.fixture
def audiences(far):  # noqa: F811
    far.seed(segments=[{"id": name, "slug_name": f"slug_{name}"} for name in ("s1", "s2", "s3")])
    return far


def job(tow, source=SIZE + FRESH, sink="", table=TABLE, more=QUICK, pipeline="", name="job"):
    tow.job(
        name=name,
        source=f'plugin = "lytics_metrics"; {ACCESS} {source}',
        sink=into_lake(table, sink),
        more=f"{more}\n  pipeline = {{ {pipeline} }};",
    )


def rows(far, what="dimension_id, value", table=TABLE):  # noqa: F811
    return [tuple(row) for row in far.sql(f"SELECT {what} FROM {table} ORDER BY dimension, dimension_id, ts")]


def values(far, name="s1", table=TABLE):  # noqa: F811
    return [
        float(row[0])
        for row in far.sql(f"SELECT value FROM {table} WHERE dimension_id = '{name}' ORDER BY ts")
    ]


# -- what the integration does ---------------------------------------------------------------------


def test_met_1_the_schema_is_given_and_the_catalog_may_be_left_out(tow, audiences):
    audiences.seed(metrics=points(3, 1))
    job(tow, table="lytics.metrics")
    tow.run("run", "job.cfg")
    assert len(rows(audiences, table="lytics.metrics")) == 3
    kinds = {"ts": "timestamp", "ly_exported_ts": "timestamp", "value": "double"}
    assert audiences.sql("DESCRIBE TABLE lytics.metrics") == [
        [name, kinds.get(name, "string"), None] for name in NAMES.split(", ")
    ]


def test_met_2_the_table_is_named_after_the_accounts_number(tow, audiences):
    audiences.seed(metrics=points(1, 1))
    job(tow, table="main.lytics.lytics_{aid}_metrics")
    tow.run("check", "job.cfg")
    tow.run("run", "job.cfg")
    assert rows(audiences) == [("s1", "1.0")]


@pytest.mark.parametrize(
    "dimension, seeded",
    [
        ("stream", {"streams": ["x1"]}),
        ("works", {"jobs": [{"id": "x1", "name": "other"}]}),
        ("auths", {"auths": [{"id": "x1"}]}),
        ("flow", {"flows": [{"id": "x1"}]}),
    ],
)
def test_met_3_each_dimension_is_asked_for_by_its_name(tow, far, dimension, seeded):  # noqa: F811
    far.seed(metrics=points(2, 1, name="x1", kind="size", dimension=dimension), **seeded)
    job(tow, f'dimension = "{dimension}"; dimension_type = "size"; {FRESH}')
    tow.run("run", "job.cfg")
    assert rows(far, "dimension, dimension_id, dimension_type, value") == [
        (dimension, "x1", "size", "2.0"),
        (dimension, "x1", "size", "1.0"),
    ]


def test_met_3_a_dimension_that_nobody_knows_is_warned_of(tow, far):  # noqa: F811
    job(tow, 'dimension = "segments"; dimension_id = "s1"; dimension_type = "size";')
    assert "segments" in tow.run("check", "job.cfg").stderr
    done = tow.run("run", "job.cfg", code=2)
    assert "unknown dimension segments" in done.stderr


def test_met_4_one_id_is_asked_for_and_without_one_all_are(tow, audiences):
    for name in ("s1", "s2", "s3"):
        audiences.seed(metrics=points(2, 1, name=name))
    job(tow, SIZE + FRESH + 'dimension_id = "s2";', table="main.lytics.one")
    tow.run("run", "job.cfg")
    assert rows(audiences, table="main.lytics.one") == [("s2", "2.0"), ("s2", "1.0")]
    job(tow, name="all")
    tow.run("run", "all.cfg")
    assert rows(audiences) == [(name, value) for name in ("s1", "s2", "s3") for value in ("2.0", "1.0")]


def test_met_4_ids_that_cannot_be_listed_must_be_given(tow, far):  # noqa: F811
    job(tow, 'dimension = "experience"; dimension_type = "converted";')
    assert "cannot list its ids" in tow.run("check", "job.cfg", code=2).stderr
    far.seed(metrics=points(1, 1, name="x", kind="converted", dimension="experience"))
    job(tow, f'dimension = "experience"; dimension_type = "converted"; dimension_id = "x"; {FRESH}')
    tow.run("run", "job.cfg")
    assert rows(far) == [("x", "1.0")]


def test_met_5_the_metric_is_the_one_of_that_type(tow, audiences):
    audiences.seed(metrics=points(1, 1, kind="added") + points(2, 2, kind="size"))
    job(tow, 'dimension = "segment"; dimension_type = "added";' + FRESH)
    tow.run("run", "job.cfg")
    assert rows(audiences, "dimension_type, value") == [("added", "1.0")]


def test_met_5_levels_are_told_by_their_highest_value_and_counts_by_their_sum(tow, audiences):
    inside = OPEN - STEP
    audiences.seed(
        streams=["web"],
        metrics=[
            *[point(inside + 60 * i, value) for i, value in enumerate((5, 9, 7))],
            *[point(inside + 60 * i, value, kind="added") for i, value in enumerate((5, 9, 7))],
            *[point(inside + 60 * i, value, "web", "size", "stream") for i, value in enumerate((5, 9, 7))],
        ],
    )
    job(tow, 'metrics = ["segment:size", "segment:added:s1", "stream:size"];' + FRESH)
    tow.run("run", "job.cfg")
    assert sorted(rows(audiences, "dimension, dimension_type, value")) == [
        ("segment", "added", "21.0"),
        ("segment", "size", "9.0"),
        ("stream", "size", "21.0"),
    ]
    job(tow, SIZE + FRESH + 'aggregation = "min";', table="main.lytics.least", name="least")
    tow.run("run", "least.cfg")
    assert values(audiences, table="main.lytics.least") == [5.0]


DAYS = {"7d": 7, "14d": 14, "30d": 30, "60d": 60, "90d": 90}


@pytest.mark.parametrize("lookback", DAYS)
def test_met_6_the_first_run_goes_back_as_far_as_it_is_told(tow, audiences, lookback):
    audiences.seed(metrics=[point(OPEN - day * 24 * HOUR - 3 * HOUR, day) for day in (1, 6, 7, 13, 14, 29, 30, 59, 60, 89, 90)])
    job(tow, SIZE + FRESH + f'lookback = "{lookback}";')
    tow.run("run", "job.cfg")
    assert values(audiences) == [day for day in (89, 60, 59, 30, 29, 14, 13, 7, 6, 1) if day < DAYS[lookback]]


def test_met_6_30_days_are_the_default_and_others_need_a_word(tow, audiences):
    audiences.seed(metrics=[point(OPEN - day * 24 * HOUR - 3 * HOUR, day) for day in (29, 31)])
    job(tow)
    tow.run("run", "job.cfg")
    assert values(audiences) == [29]
    job(tow, SIZE + 'lookback = "31d";')
    assert "lookback" in tow.run("check", "job.cfg", code=2).stderr
    job(tow, SIZE + FRESH + 'lookback = "32d"; allow_any_lookback = true;', table="main.lytics.more", name="more")
    tow.run("run", "more.cfg")
    assert values(audiences, table="main.lytics.more") == [31, 29]


def test_met_6_0d_begins_with_what_comes_after(tow, audiences):
    """That it goes on from there is test_0d_begins_with_what_comes_after of the unit tests, whose clock moves."""
    audiences.seed(metrics=points(5, 1))
    job(tow, SIZE + FRESH + 'lookback = "0d";')
    for _ in range(2):
        assert counts(tow.json("run", "job.cfg")) == [0, 0, 0, 0, 0]
    assert audiences.log("/v2/metric") == []


def test_met_7_later_runs_append_only_what_is_new(tow, audiences):
    audiences.seed(metrics=points(4, 3) + points(2, 2, name="s2"))
    job(tow, SIZE + 'settle = "2h";')  # the bucket that has just ended is not settled
    tow.run("run", "job.cfg")
    audiences.seed(metrics=points(1, 1), segments=[{"id": "s4", "slug_name": "new"}])
    audiences.seed(metrics=points(1, 1, name="s4"))
    tow.run("run", "job.cfg")
    assert rows(audiences) == [("s1", "4.0"), ("s1", "3.0"), ("s2", "2.0")]
    job(tow)
    tow.run("run", "job.cfg")
    tow.run("run", "job.cfg")
    assert rows(audiences) == [("s1", "4.0"), ("s1", "3.0"), ("s1", "1.0"), ("s2", "2.0"), ("s4", "1.0")]
    exported = {row[0] for row in audiences.sql(f"SELECT DISTINCT ly_exported_ts FROM {TABLE}")}
    assert len(exported) == 2


def test_met_8_it_runs_each_day_at_the_time_of_day_of_the_time_zone(tow, far):  # noqa: F811
    schedule = 'schedule = { frequency = "daily"; at = "02:00"; timezone = "America/New_York"; };'
    job(tow, SIZE + FRESH, more=QUICK + schedule)
    tow.run("check", "job.cfg")
    (found,) = tow.json("schedule", "job.cfg", "--from", "2026-01-01T00:00:00", "-n", "2")
    assert [time["utc"] for time in found["times"]] == ["2026-01-01T07:00:00Z", "2026-01-02T07:00:00Z"]


def test_met_9_files_are_gzip(tow, audiences):
    audiences.seed(metrics=points(3, 1))
    job(tow, sink="keep_staged = true;")
    tow.run("run", "job.cfg")
    (part,) = (audiences.folder() / "Volumes").rglob("*.csv.gz")
    assert len(gzip.decompress(part.read_bytes()).splitlines()) == 3


# -- rows ------------------------------------------------------------------------------------------


def test_an_open_bucket_is_held_back(tow, audiences):
    audiences.seed(metrics=[*points(1, 1), point(OPEN, 7)])
    job(tow)
    tow.run("run", "job.cfg")
    assert values(audiences) == [1]


def test_times_are_the_buckets_and_the_loads(tow, audiences):
    audiences.seed(metrics=[point(OPEN - 90, 1.5)])
    job(tow)
    tow.run("run", "job.cfg")
    ((ts, exported),) = audiences.sql(f"SELECT ts, ly_exported_ts FROM {TABLE}")
    assert ts == at(OPEN - STEP).replace("Z", ".000Z")
    assert abs(datetime.fromisoformat(exported.replace("Z", "+00:00")).timestamp() - NOW.timestamp()) < 600


def test_empty_buckets_are_rows_where_they_are_wanted(tow, audiences):
    audiences.seed(metrics=points(1, 1))
    job(tow, SIZE + FRESH + 'include_empty_rows = true; dimension_id = "s1"; lookback = "7d";')
    tow.run("run", "job.cfg")
    found = values(audiences)
    assert len(found) in (84, 85) and found[-1] == 1 and set(found[:-1]) == {0}


def test_many_ids_and_many_buckets_take_several_requests(tow, far):  # noqa: F811
    names = [f"stream{i:03d}" for i in range(230)]
    far.seed(streams=names)
    far.seed(metrics=[item for name in names for item in points(3, 1, name=name, dimension="stream")])
    job(tow, 'dimension = "stream"; dimension_type = "size"; batch_requests = 100;' + FRESH)
    tow.run("run", "job.cfg")
    assert rows(far) == [(name, value) for name in names for value in ("3.0", "2.0", "1.0")]
    assert len(far.log("/v2/metric")) == 3


def test_a_long_series_is_asked_for_piece_by_piece(tow, audiences):
    audiences.seed(metrics=points(1000, 1))
    job(
        tow,
        SIZE + FRESH + 'interval = "5m"; lookback = "90d"; dimension_id = "s1"; include_empty_rows = true;',
        pipeline="batch_rows = 1000;",
    )
    tow.run("run", "job.cfg")
    found = values(audiences)
    assert 25920 <= len(found) <= 25921 and len([value for value in found if value]) == 1000
    assert len(audiences.log("/v2/metric")) == 3
    assert audiences.value(f"SELECT count(DISTINCT ts) FROM {TABLE}") == str(len(found))


def test_what_lytics_has_cached_is_read_anew(tow, audiences):
    source = SIZE + FRESH + 'dimension_id = "s1"; lookback = "7d";'
    audiences.seed(metrics=points(2, 2))
    job(tow, source)
    tow.run("run", "job.cfg")
    audiences.seed(metrics=points(1, 1))
    job(tow, source + "refresh_cache = false;", table="main.lytics.lazy", name="lazy")
    tow.run("run", "lazy.cfg")
    tow.run("run", "--full", "job.cfg")
    assert values(audiences, table="main.lytics.lazy") in ([2], [2, 1])  # [2, 1] where a bucket ended meanwhile
    assert values(audiences) == [2, 2, 1]


def test_values_that_are_none_are_rejected_and_the_rest_arrives(tow, audiences):
    good, odd = (OPEN - STEP) * 1000, (OPEN - 2 * STEP) * 1000
    body = {
        "status": 200,
        "data": [
            {
                "dimension_id": "s1",
                "values": [
                    {"ts": str(good), "value": "1.25"},
                    {"ts": odd, "value": None},
                    {"ts": "x", "value": 1},
                    {"ts": str(odd), "value": "many"},
                    7,
                    {"ts": str(OPEN * 1000), "value": 8},
                ],
            }
        ],
    }
    audiences.faults([{"do": "answer", "path": "^/v2/metric", "status": 200, "body": json.dumps(body)}])
    job(tow, SIZE + FRESH + 'dimension_id = "s1";', more=QUICK + " rejects = { max = 10; };")
    report = tow.json("run", "job.cfg")
    assert counts(report) == [4, 1, 3, 0, 0]
    assert values(audiences) == [1.25]


# -- options ---------------------------------------------------------------------------------------


def test_options_that_do_not_go_together_are_found_before_the_run(tow, far):  # noqa: F811
    for source, words in (
        ("", "no metric is named"),
        ('dimension = "segment";', "dimension_type is missing"),
        ('dimension_type = "size";', "dimension is missing"),
        (SIZE + 'metrics = ["stream:size"];', "use one of the two ways"),
        ('metrics = ["stream"];', "must be as in"),
        ('metrics = ["segment:size", "segment:size:s1"];', "twice"),
        ('metrics = ["segment:"];', "is missing"),
        (SIZE + 'interval = "90s";', "whole minutes"),
    ):
        job(tow, source)
        assert words in tow.run("check", "job.cfg", code=2).stderr


def test_another_interval_does_not_go_on_from_where_the_first_one_was(tow, audiences):
    audiences.seed(metrics=points(3, 1))
    job(tow)
    tow.run("run", "job.cfg")
    job(tow, SIZE + FRESH + 'interval = "1d";')
    assert "do not go on from there" in tow.run("run", "job.cfg", code=2).stderr
    job(tow, SIZE + FRESH + 'aggregation = "sum";')
    assert "do not go on from there" in tow.run("run", "job.cfg", code=2).stderr


# -- trouble ---------------------------------------------------------------------------------------

TROUBLE = {
    "a limit of rate without Retry-After": {"do": "answer", "status": 429, "body": '{"status":429,"message":"slow"}'},
    "an error of the server": {"do": "answer", "status": 500, "body": '{"status":500,"errors":[{"code":"INTERNAL-019"}]}'},
    "an answer that is cut": {"do": "cut"},
    "an answer that is short": {"do": "short"},
}


@pytest.mark.parametrize("name", TROUBLE)
@pytest.mark.parametrize("path", ["^/v2/metric", "^/v2/segment"])
def test_what_may_pass_is_tried_again(tow, audiences, name, path):
    for segment in ("s1", "s2", "s3"):
        audiences.seed(metrics=points(5, 1, name=segment))
    audiences.faults([{"path": path, "times": 2, **TROUBLE[name]}])
    job(tow, SIZE + FRESH + "batch_requests = 2;")
    tow.run("run", "job.cfg")
    assert rows(audiences) == [(s, f"{v}.0") for s in ("s1", "s2", "s3") for v in (5, 4, 3, 2, 1)]
    assert any(entry["faults"] for entry in audiences.log())


def test_an_id_that_the_api_refuses_is_left_out_and_comes_with_the_next_load(tow, audiences):
    for segment in ("s1", "s2", "s3"):
        audiences.seed(metrics=points(2, 1, name=segment))
    audiences.seed(broken_metric_ids=["s2"])
    job(tow)
    assert "no series for s2" in tow.run("run", "job.cfg").stderr
    assert {row[0] for row in rows(audiences)} == {"s1", "s3"}
    audiences.seed(broken_metric_ids=[])
    tow.run("run", "job.cfg")
    assert rows(audiences) == [(s, f"{v}.0") for s in ("s1", "s2", "s3") for v in (2, 1)]


def test_a_metric_that_the_api_refuses_for_all_ids_stops_the_run(tow, audiences):
    audiences.seed(broken_metric_ids=["s1", "s2", "s3"])
    job(tow)
    assert "for all of 3 ids" in tow.run("run", "job.cfg", code=3).stderr
    job(tow, SIZE + 'dimension_id = "s1";')
    assert "no series for s1" in tow.run("run", "job.cfg", code=3).stderr


REFUSED = {
    "a token that expired": ({"status": 401, "body": '{"message":"Expired Token","status":401}'}, 3, "Expired Token"),
    "a metric that there is not": ({"status": 400, "body": '{"status":400,"errors":[{"code":"BADREQ-001","message":"no"}]}'}, 2, "BADREQ-001"),
    "an answer without the id": ({"status": 200, "body": '{"status":200,"data":[{"dimension_id":"x"}]}'}, 3, "not in the answer"),
    "no answer at all": ({"status": 200, "body": '{"status":200,"data":null}'}, 3, "got none"),
    "values that are no list": ({"status": 200, "body": '{"status":200,"data":[{"dimension_id":"s1","values":{}}]}'}, 3, "no array"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_will_not_pass_stops_the_run_and_the_next_one_goes_on(tow, audiences, name):
    answer, code, words = REFUSED[name]
    audiences.seed(metrics=points(3, 1))
    job(tow, SIZE + FRESH + 'dimension_id = "s1";')
    audiences.faults([{"do": "answer", "path": "^/v2/metric", **answer}])
    assert words in tow.run("run", "job.cfg", code=code).stderr
    audiences.faults([])
    tow.run("run", "job.cfg")
    assert values(audiences) == [3, 2, 1]


@pytest.mark.parametrize("skip", [0, 1, 7, 19])
def test_killed_while_it_asks_for_metrics_it_loses_and_doubles_nothing(tow, far, skip):  # noqa: F811
    names = [f"stream{i:03d}" for i in range(40)]
    far.seed(streams=names)
    far.seed(metrics=[item for name in names for item in points(30, 1, name=name, dimension="stream")])
    job(
        tow,
        'dimension = "stream"; dimension_type = "size"; batch_requests = 2;' + FRESH,
        pipeline='checkpoint = "1ms"; batch_rows = 7;',
        sink='part_bytes = "1kB";',
    )
    far.faults([{"do": "hold", "name": "there", "path": "^/v2/metric", "skip": skip, "times": 1}])
    process = tow.start("run", "job.cfg")
    far.hold("there")
    process.kill()
    process.wait(30)
    far.release("there")
    tow.run("run", "job.cfg")
    tow.run("run", "job.cfg")
    assert rows(far) == [(name, f"{back}.0") for name in names for back in range(30, 0, -1)]
    assert far.value(f"SELECT count(DISTINCT ly_exported_ts) FROM {TABLE}") == "1"


def test_killed_after_the_copy_it_appends_nothing_twice(tow, audiences):
    audiences.seed(metrics=points(9, 1))
    job(tow)
    audiences.faults([{"do": "hold", "name": "there", "point": "executed", "sql": "^COPY INTO", "times": 1}])
    process = tow.start("run", "job.cfg")
    audiences.hold("there")
    process.kill()
    process.wait(30)
    audiences.release("there")
    tow.run("run", "job.cfg")
    tow.run("run", "job.cfg")
    assert values(audiences) == [9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_several_jobs_share_a_table_each_with_its_own_place(tow, audiences):
    audiences.seed(metrics=points(2, 1) + points(2, 1, kind="added"))
    job(tow, name="sizes")
    job(tow, 'dimension = "segment"; dimension_type = "added";' + FRESH, name="added")
    for _ in range(2):
        tow.run("run", "sizes.cfg")
        tow.run("run", "added.cfg")
    assert audiences.count(TABLE) == 4
