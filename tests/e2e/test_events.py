"""Export Event Data: the source `events` over files, files that grow, and a bucket; into tables of the sandbox; and
kill -9 at random moments, after which every event is there once.

The seed is printed by a failure and can be given as TOWPATH_CRASH_SEED; TOWPATH_CRASH_KILLS says how often is killed.
"""

import gzip
import json
import os
import random
import time
from pathlib import Path
from urllib.parse import unquote

import pytest
from helpers import counts, rejected, until
from sandbox import sandbox, sandbox_process  # noqa: F401

SEED = int(os.environ.get("TOWPATH_CRASH_SEED", "20260301"))
KILLS = int(os.environ.get("TOWPATH_CRASH_KILLS", "12"))
VOLUME = "/Volumes/main/lytics/stage"
OFTEN = '  pipeline = { batch_rows = 50; checkpoint = "1ms"; };'
FAST = '  retry = { base = "1ms"; cap = "20ms"; budget = "20s"; tries = 40; };'
APPENDED = 'plugin = "file"; path = "out/{load}.ndjson"; mkdirs = true;'


def event(number, stream="web", data='{"a": 1.50}', at="2026-01-02T03:04:05.678Z"):
    return f'{{"id":{number},"ly_event_ts":"{at}","ly_receive_ts":1767323046,"stream":"{stream}","data":{data}}}\n'


def put(tow, name, text):
    path = tow.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())


def job(tow, source='path = "in";', sink=APPENDED, more="", name="job"):
    tow.job(name=name, source=f'plugin = "events"; {source}', sink=sink, more=more)


def exported(tow):
    """All that the loads have published so far."""
    return [json.loads(line) for path in sorted((tow.folder / "out").glob("*.ndjson")) for line in path.open()]


def ids(tow):
    return sorted(row["id"] for row in exported(tow))


# -- files -----------------------------------------------------------------------------------------


def test_each_run_exports_what_is_new_and_rejects_name_their_lines(tow):
    put(tow, "in/a.ndjson.gz", event(1) + "{bad\n" + event(2))
    put(tow, "in/b.csv", 'id,stream,ly_event_ts,data\n3,web,2026-01-02,"{""q"": ""x,y""}"\n4,web,soon,{}\n')
    put(tow, "in/c.json", "[" + event(5) + "," + event(6) + "]")
    job(tow)
    report = tow.json("run", "job.cfg")
    assert counts(report) == [7, 5, 2, 0, 0]
    assert ids(tow) == [1, 2, 3, 5, 6]
    assert exported(tow)[2]["data"] in ('{"q": "x,y"}', '{"a": 1.50}')
    found = {(Path(line["origin"]).name, line["line"], line["code"]) for line in rejected(tow, report["run"])}
    assert found == {("a.ndjson.gz", 2, "bad_json"), ("b.csv", 3, "bad_timestamp")}
    put(tow, "in/d.ndjson", event(7))
    assert counts(tow.json("run", "job.cfg")) == [1, 1, 0, 0, 0]
    assert counts(tow.json("run", "job.cfg")) == [0, 0, 0, 0, 0]


def test_events_of_standard_input_are_exported(tow):
    job(tow, source='path = "-"; stream = "web";')
    tow.run("run", "job.cfg", stdin='{"id":1}\n{"id":2}')
    assert ids(tow) == [1, 2]


def test_paths_say_streams_and_days(tow):
    for stream in ("web", "app"):
        for day in ("01", "02", "05", "09"):
            put(tow, f"in/{stream}/2026/01/{day}/x.ndjson.gz", f'{{"id":{int(day)},"ts":"2026-01-{day}"}}\n')
    put(tow, "in/web/2026/01/05/skip.txt", "no event\n")
    put(tow, "in/web/2026/01/day/x.ndjson.gz", "no event\n")
    put(tow, "in/.hidden/2026/01/05/x.ndjson.gz", "no event\n")
    # A file far outside of the dates is not even opened: this one could not be read.
    put(tow, "in/web/2027/01/05/x.ndjson.gz", "")
    (tow.folder / "in/web/2027/01/05/x.ndjson.gz").write_bytes(b"\x1f\x8bdamaged")
    dates = 'start_date = "2026-01-02"; end_date = "2026-01-06";'
    job(tow, source=f'path = "in/{{stream}}/{{yyyy}}/{{mm}}/{{dd}}/*.ndjson.gz"; {dates}')
    tow.run("run", "job.cfg")
    assert sorted((row["stream"], row["id"]) for row in exported(tow)) == [("app", 2), ("app", 5), ("web", 2), ("web", 5)]


def test_folders_of_any_depth_are_looked_through(tow):
    put(tow, "in/1.ndjson", event(1))
    put(tow, "in/a/2.ndjson", event(2))
    put(tow, "in/a/b/c/3.ndjson", event(3))
    put(tow, "in/a/b/c/4.txt", event(4))
    put(tow, "in/.git/5.ndjson", event(5))
    job(tow, source='path = "in/**/*.ndjson";')
    tow.run("run", "job.cfg")
    assert ids(tow) == [1, 2, 3]


def test_a_place_that_there_is_none_of_is_found_by_check(tow):
    job(tow, source='path = "in/{strem}/*.ndjson";')
    assert "{strem}" in tow.run("check", "job.cfg", code=2).stderr


def test_a_load_of_a_file_that_grows_rolls_on(tow):
    put(tow, "in/a.ndjson", event(1))
    job(
        tow,
        source='path = "in/*"; tail = true; follow = true; poll_interval = "100ms";',
        more='  load = { max_rows = 1; };',
    )
    process = tow.start("run", "job.cfg", "--quiet")
    until(lambda: ids(tow) == [1])
    with (tow.folder / "in/a.ndjson").open("a") as out:
        out.write(event(2))
    until(lambda: ids(tow) == [1, 2])
    process.terminate()
    process.wait(30)
    with (tow.folder / "in/a.ndjson").open("a") as out:
        out.write(event(3))
    process = tow.start("run", "job.cfg", "--quiet")
    until(lambda: ids(tow) == [1, 2, 3])
    process.terminate()
    process.wait(30)


@pytest.mark.parametrize("options", [["incremental=none"], ["tail=true"], ["event_limit=50", "incremental=none"]], ids=str)
def test_the_source_keeps_what_every_plugin_promises(tow, options):
    folder = next(Path(f) for f in os.environ["TOWPATH_PLUGIN_PATH"].split(":") if (Path(f) / "events.so").exists())
    put(tow, "in/a.ndjson" if options == ["tail=true"] else "in/a.ndjson.gz", "".join(event(i) for i in range(300)) + "{bad\n")
    if options != ["tail=true"]:
        put(tow, "in/b.csv", "id,ts\n" + "".join(f'{i},"2026-01-02"\n' for i in range(300)) + "1,2,3\n")
        put(tow, "in/c.json", "[" + ",".join(event(i) for i in range(300)) + "]")
    given = [f"--option={option}" for option in ["path=in", "stream=web", *options]]
    done = tow.run("plugins", "test", folder / "events.so", *given, code=None)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    # Of files that are followed the ledger alone knows how far they were read, and the suite keeps none.
    assert not [line for line in failed if options != ["tail=true"] or "every position resumes" not in line], done.stdout


# -- kill -9 ---------------------------------------------------------------------------------------


def kill_often(tow, rng, before):
    """Runs the job and kills it, again and again, then lets it end."""
    for _ in range(KILLS):
        before()
        process = tow.start("run", "job.cfg", "--quiet")
        time.sleep(rng.uniform(0, 0.25))
        process.kill()
        process.communicate(timeout=60)
    before()
    for _ in range(2):
        tow.run("run", "job.cfg")


def test_a_kill_over_many_files_loses_and_doubles_nothing(tow):
    rng = random.Random(SEED)
    count = 0

    def more_files():
        nonlocal count
        for _ in range(rng.randint(0, 6)):
            rows = rng.choice([0, 1, 30, 3000])
            ending = rng.choice([".ndjson", ".ndjson.gz"])
            put(tow, f"in/{rng.random()}{ending}", "".join(event(count + i) for i in range(rows)))
            count += rows

    (tow.folder / "in").mkdir()
    job(tow, more=OFTEN)
    kill_often(tow, rng, more_files)
    assert ids(tow) == list(range(count)), SEED


def test_a_kill_over_files_that_grow_and_rotate_loses_and_doubles_nothing(tow):
    rng = random.Random(SEED)
    count, names = 0, ["a.log", "b.log", "c.log"]

    def more_lines():
        nonlocal count
        for _ in range(rng.randint(0, 6)):
            path = tow.folder / "in" / rng.choice(names)
            rows = rng.choice([1, 30, 3000])
            with path.open("a") as out:
                out.write("".join(event(count + i) for i in range(rows)))
            count += rows
            if rng.random() < 0.2:
                path.rename(path.with_suffix(f".{count}"))

    (tow.folder / "in").mkdir()
    job(tow, source='path = "in/*"; tail = true;', more=OFTEN)
    kill_often(tow, rng, more_lines)
    tow.run("run", "job.cfg")
    assert ids(tow) == list(range(count)), SEED


# -- a bucket --------------------------------------------------------------------------------------


@pytest.fixture
def bucket(tow, sandbox):  # noqa: F811
    botocore = pytest.importorskip("botocore.session")
    config = pytest.importorskip("botocore.config")
    tow.env.update(sandbox.env())
    client = botocore.Session().create_client(
        "s3",
        endpoint_url=sandbox.s3_endpoint,
        region_name=sandbox.region,
        aws_access_key_id=sandbox.access_key,
        aws_secret_access_key=sandbox.secret_key,
        config=config.Config(s3={"addressing_style": "path"}, proxies={}, request_checksum_calculation="when_required"),
    )
    yield lambda key, text: client.put_object(
        Bucket="events", Key=key, Body=gzip.compress(text.encode()) if key.endswith(".gz") else text.encode()
    )
    sandbox.faults([])


def bucket_job(tow, sandbox, path, options="", more=FAST):  # noqa: F811
    job(tow, source=f'path = "s3://events/{path}"; aws_endpoint = "{sandbox.s3_endpoint}"; {options}', more=more)


def test_objects_below_a_prefix_are_exported_once(tow, sandbox, bucket):  # noqa: F811
    sandbox.set(s3_page=2)
    for i in range(7):
        bucket(f"lytics/{i % 3}/part {i}+ü&.ndjson.gz", event(i))
    bucket("other/x.ndjson", event(99))
    bucket("lytics/.hidden.ndjson", event(98))
    bucket_job(tow, sandbox, "lytics/")
    tow.run("check", "job.cfg")
    assert counts(tow.json("run", "job.cfg")) == [7, 7, 0, 0, 0]
    assert ids(tow) == list(range(7))
    bucket("lytics/new.ndjson", event(7))
    assert counts(tow.json("run", "job.cfg")) == [1, 1, 0, 0, 0]
    bucket("lytics/new.ndjson", event(8))
    assert "has changed since it was read" in tow.run("run", "job.cfg", code=3).stderr


def test_a_template_is_looked_up_in_a_bucket_folder_by_folder(tow, sandbox, bucket):  # noqa: F811
    for stream in ("web", "app"):
        for day in ("01", "05", "20"):
            bucket(f"e/{stream}/2026/01/{day}/x.ndjson", f'{{"id":{int(day)},"ts":"2026-01-{day}"}}\n')
    bucket("e/web/2026/01/05/_SUCCESS", "")
    bucket_job(
        tow,
        sandbox,
        "e/{stream}/{yyyy}/{mm}/{dd}/*",
        'start_date = "2026-01-02"; end_date = "2026-01-10"; done_marker = "_SUCCESS";',
    )
    tow.run("run", "job.cfg")
    assert [(row["stream"], row["id"]) for row in exported(tow)] == [("web", 5)]
    listed = [unquote(entry["query"]) for entry in sandbox.log("/s3/events/") if "list-type" in entry["query"]]
    assert any("/2026/01/05/" in query for query in listed)
    assert not any("/2026/01/20/" in query for query in listed)
    bucket("e/app/2026/01/05/_SUCCESS", "")
    tow.run("run", "job.cfg")
    assert sorted(row["stream"] for row in exported(tow)) == ["app", "web"]


def test_a_reading_that_breaks_goes_on_behind_its_last_byte(tow, sandbox, bucket):  # noqa: F811
    rng = random.Random(SEED)
    noise = "".join(event(i, data=f'{{"r":"{rng.random()}{rng.random()}"}}') for i in range(20000))
    bucket("big.ndjson", noise)
    bucket("big.ndjson.gz", noise.replace('"id":', '"id":1'))
    sandbox.faults([{"do": "cut", "path": "/s3/events/big", "method": "GET", "times": 4}])
    bucket_job(tow, sandbox, "big")
    report = tow.json("run", "job.cfg")
    assert counts(report) == [40000, 40000, 0, 0, 0]
    assert report["retries"] >= 1


@pytest.mark.parametrize(
    "rule, code, says",
    [
        ({"do": "answer", "status": 403, "body": "<Error><Code>AccessDenied</Code></Error>"}, 3, "AccessDenied"),
        ({"do": "answer", "status": 200, "body": "<html>hello</html>"}, 3, "no ListBucketResult"),
        ({"do": "answer", "status": 503, "times": 2}, 0, ""),
    ],
)
def test_what_a_list_says_is_told(tow, sandbox, bucket, rule, code, says):  # noqa: F811
    bucket("a/x.ndjson", event(1))
    sandbox.faults([{**rule, "path": "/s3/events/$"}])
    bucket_job(tow, sandbox, "a/")
    assert says in tow.run("run", "job.cfg", code=code).stderr


def test_a_kill_over_a_bucket_loses_and_doubles_nothing(tow, sandbox, bucket):  # noqa: F811
    rng = random.Random(SEED)
    count = 0

    def more_objects():
        nonlocal count
        for _ in range(rng.randint(0, 3)):
            rows = rng.choice([1, 30, 3000])
            bucket(f"e/{rng.random()}.ndjson.gz", "".join(event(count + i) for i in range(rows)))
            count += rows

    bucket("e/0.ndjson", "")
    bucket_job(tow, sandbox, "e/", more=OFTEN + FAST)
    kill_often(tow, rng, more_objects)
    assert ids(tow) == list(range(count)), SEED


# -- tables ----------------------------------------------------------------------------------------


@pytest.fixture
def lake(tow, sandbox):  # noqa: F811
    tow.env.update(sandbox.env())
    put(tow, "in/a.ndjson", event(1) + event(2, "mobile_app") + event(3, "web", '{"n":7076027172059065053,"t":"x\\ny"}'))
    put(tow, "in/b.ndjson", '{"id":"7076027172059065053","ts":1767323045678,"v":"a,\\"b\\""}\n')
    yield sandbox
    sandbox.faults([])


def table_job(tow, more="", table='table = "main.lytics.lytics_events_all";'):
    job(tow, source='path = "in"; stream = "web";', sink=f'plugin = "databricks_copy"; stage = "{VOLUME}"; {table}', more=more)


def test_evt_3_a_table_is_created_with_the_fixed_columns(tow, lake):
    table_job(tow)
    tow.run("run", "job.cfg")
    columns = [row[:2] for row in lake.sql("DESCRIBE TABLE main.lytics.lytics_events_all")]
    wanted = ["bigint", "timestamp", "timestamp", "string", "string"]
    assert columns == [list(pair) for pair in zip(["id", "ly_event_ts", "ly_receive_ts", "stream", "data"], wanted)]


def test_evt_9_all_events_go_to_a_single_table(tow, lake):
    table_job(tow)
    tow.run("run", "job.cfg")
    found = lake.sql("SELECT id, stream, data FROM main.lytics.lytics_events_all ORDER BY id")
    assert found == [
        ["1", "web", '{"a": 1.50}'],
        ["2", "mobile_app", '{"a": 1.50}'],
        ["3", "web", '{"n":7076027172059065053,"t":"x\\ny"}'],
        ["7076027172059065053", "web", '{"id":"7076027172059065053","ts":1767323045678,"v":"a,\\"b\\""}'],
    ]
    # And the next run adds to it.
    put(tow, "in/c.ndjson", event(4))
    tow.run("run", "job.cfg")
    assert lake.sql("SELECT count(*) FROM main.lytics.lytics_events_all") == [["5"]]


def test_evt_9_each_stream_has_a_table_of_its_own(tow, lake):
    table_job(tow, more='  route = { by = "stream"; table = "main.lytics.lytics_events_{stream}"; };', table="")
    tow.run("run", "job.cfg")
    assert lake.sql("SELECT id FROM main.lytics.lytics_events_mobile_app") == [["2"]]
    assert lake.sql("SELECT count(*) FROM main.lytics.lytics_events_web") == [["3"]]
