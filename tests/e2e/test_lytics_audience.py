"""Export Audience: source lytics_audience, sink databricks_copy. Tests are named after the ids in docs/lytics.md."""

import gzip
import json
import os
import random
from datetime import datetime, timezone
from pathlib import Path

import pytest
from helpers import checkpoint, columns, counts, keeps_its_promises, rejected
from lytics_trouble import run_in_trouble
from sandbox import sandbox, sandbox_process  # noqa: F401

SEED = int(os.environ.get("TOWPATH_CRASH_SEED", "20260301"))
VOLUME = "/Volumes/main/lytics/stage"
TABLE = "main.lytics.lytics_user_vip"
FAST = 'retry = { base = "1ms"; cap = "20ms"; budget = "20s"; tries = 40; };'
LYTICS = 'plugin = "lytics_audience"; token = "${env:LYTICS_TOKEN}"; api_url = "${env:LYTICS_API_URL}"; rate_wait = "1ms";'

FIELDS = [
    {"id": "_id", "type": "string", "is_identifier": True},
    {"id": "email", "type": "string"},
    {"id": "is_bot", "type": "bool"},
    {"id": "visits", "type": "int"},
    {"id": "score", "type": "number"},
    {"id": "seen", "type": "date"},
    {"id": "tags", "type": "[]string"},
    {"id": "counts", "type": "map[string]int"},
]


@pytest.fixture
def lytics(tow, sandbox):  # noqa: F811
    tow.env.update(sandbox.env())
    yield sandbox
    sandbox.faults([])


def profile(i):
    return {"_id": f"u{i}", "email": f"{i}@example.com", "visits": i}


def audience(sandbox, members, fields=None):  # noqa: F811
    sandbox.seed(
        segments=[{"id": "a1b2c3", "slug_name": "vip", "members": members}],
        fields=FIELDS if fields is None else fields,
    )


def job(tow, source="", sink='mode = "replace";', more="", pipeline="", audience="vip", slug="{audience_slug}"):
    tow.job(
        source=f'{LYTICS} audience = "{audience}"; {source}',
        sink=f'plugin = "databricks_copy"; table = "main.lytics.lytics_user_{slug}"; stage = "{VOLUME}"; {sink}',
        more=f"  {FAST}\n  pipeline = {{ {pipeline} }};\n{more}",
    )


def rows(sandbox, names="_id", table=TABLE):  # noqa: F811
    return sandbox.sql(f"SELECT {names} FROM {table} ORDER BY 1")


def described(sandbox, table=TABLE):  # noqa: F811
    return [row[:2] for row in sandbox.sql(f"DESCRIBE TABLE {table}")]


def whole(sandbox, count):  # noqa: F811
    assert sorted(int(row[0][1:]) for row in rows(sandbox)) == list(range(count))


# -- what arrives ----------------------------------------------------------------------------------


def test_aud_1_7_an_audience_is_known_by_slug_and_id_and_names_its_table(tow, lytics):
    audience(lytics, [profile(i) for i in range(250)])
    for name in ("vip", "a1b2c3"):
        lytics.sql(f"DROP TABLE IF EXISTS {TABLE}")
        job(tow, audience=name)
        assert counts(tow.json("run", "job.cfg")) == [250, 250, 0, 0, 0]
        whole(lytics, 250)


def test_aud_1_an_audience_that_is_not_there_is_told(tow, lytics):
    job(tow)
    assert "vip" in tow.run("run", "job.cfg", code=2).stderr


def test_aud_2_7_catalog_database_and_table_may_be_any(tow, lytics):
    audience(lytics, [profile(1)])
    tow.job(
        source=f'{LYTICS} audience = "vip";',
        sink=f'plugin = "databricks_copy"; table = "sales.crm.people_{{audience_id}}"; stage = "{VOLUME}"; mode = "replace";',
    )
    tow.run("run", "job.cfg")
    assert rows(lytics, table="sales.crm.people_a1b2c3") == [["u1"]]


def test_aud_3_fields_are_columns_and_none_means_all(tow, lytics):
    audience(lytics, [profile(1)])
    job(tow)
    tow.run("run", "job.cfg")
    assert [name for name, _ in described(lytics)] == [field["id"] for field in FIELDS]
    job(tow, 'fields = ["visits", "email"];', 'mode = "drop_create";')
    tow.run("run", "job.cfg")
    assert described(lytics) == [["visits", "bigint"], ["email", "string"]]
    assert rows(lytics, "visits, email") == [["1", "1@example.com"]]
    job(tow, 'fields = ["nope"];')
    assert 'no field "nope"' in tow.run("run", "job.cfg", code=2).stderr


def test_aud_3_values_have_the_types_of_the_schema(tow, lytics):
    members = [
        {"_id": "1", "is_bot": "f", "visits": "50", "score": "1.5", "seen": "2026-01-02T03:04:05.123456789+02:00"},
        {"_id": "2", "is_bot": True, "visits": 9007199254740993, "score": 2, "seen": "2026-01-02T00:00:00Z"},
        {"_id": "3", "is_bot": "t", "visits": None, "score": "", "email": "007"},
        {"_id": "4", "is_bot": False, "visits": 5.0, "unknown": 1, "email": 12},
    ]
    audience(lytics, members)
    job(tow)
    assert counts(tow.json("run", "job.cfg")) == [4, 4, 0, 0, 0]
    assert [kind for _, kind in described(lytics)] == [
        "string", "string", "boolean", "bigint", "double", "timestamp", "string", "string",
    ]  # fmt: skip
    assert rows(lytics, "_id, email, is_bot, visits, score, date_format(seen, 'yyyy-MM-dd HH:mm:ss')") == [
        ["1", None, "false", "50", "1.5", "2026-01-02 01:04:05"],
        ["2", None, "true", "9007199254740993", "2.0", "2026-01-02 00:00:00"],
        ["3", "007", "true", None, None, None],
        ["4", "12", "false", "5", None, None],
    ]


def test_aud_9_what_is_no_scalar_is_json(tow, lytics):
    audience(lytics, [{"_id": "1", "tags": ["a", 'b"c'], "counts": {"x": 1.50}}])
    job(tow)
    tow.run("run", "job.cfg")
    ((tags, found),) = rows(lytics, "tags, counts")
    assert json.loads(tags) == ["a", 'b"c'] and json.loads(found) == {"x": 1.5}


def test_aud_3_values_that_do_not_fit_are_rejected_or_null(tow, lytics):
    audience(lytics, [profile(0), {"_id": "x", "visits": "many"}, {"_id": "y", "is_bot": "maybe"}, profile(1)])
    job(tow)
    assert counts(tow.json("run", "job.cfg")) == [4, 2, 2, 0, 0]
    found = rejected(tow, "1")
    assert [reject["code"] for reject in found] == ["bad_value", "bad_value"]
    assert 'field "visits" is an int by the schema, and no "many"' in found[0]["message"]
    job(tow, 'bad_values = "null";')
    done = tow.run("run", "job.cfg")
    assert "2 values that are not of their field's type are null" in done.stderr
    assert lytics.count(TABLE) == 4


def test_aud_3_every_value_may_be_a_string(tow, lytics):
    audience(lytics, [{"_id": "1", "visits": "007", "is_bot": "f", "score": 1.50, "tags": [1]}])
    job(tow, 'schema = "string";')
    tow.run("run", "job.cfg")
    assert {kind for _, kind in described(lytics)} == {"string"}
    assert rows(lytics, "visits, is_bot, tags") == [["007", "f", "[1]"]]


def test_aud_names_that_a_table_cannot_have_are_changed_and_told(tow, lytics):
    fields = [{"id": name, "type": "string"} for name in ("_id", "First Name", "first_name", "FIRST_NAME", "a.b", "x=y")]
    audience(lytics, [{"_id": "1", "First Name": "a", "first_name": "b", "FIRST_NAME": "c", "a.b": "d", "x=y": "e"}], fields)
    for schema in ("typed", "infer"):
        job(tow, 'schema = "string";', f'mode = "drop_create"; schema = "{schema}";')
        said = tow.run("run", "job.cfg").stderr
        assert [name for name, _ in described(lytics)] == ["_id", "First_Name1", "first_name", "FIRST_NAME2", "a.b", "x_y"]
        assert rows(lytics, "First_Name1, first_name, FIRST_NAME2, `a.b`, x_y") == [["a", "b", "c", "d", "e"]]
        assert 'field "First Name" is column "First_Name1"' in said


def test_aud_memberships_may_be_a_column_more(tow, lytics):
    audience(lytics, [profile(1)])
    lytics.seed(segments=[{"id": "z", "slug_name": "all", "members": [profile(1), profile(2)]}])
    job(tow, 'memberships = true; fields = "_id";')
    tow.run("run", "job.cfg")
    ((name, segments),) = rows(lytics, "_id, segments")
    assert name == "u1" and json.loads(segments) == ["vip", "all"]


def test_aud_a_size_limit_reads_no_more(tow, lytics):
    audience(lytics, [profile(i) for i in range(500)])
    job(tow, "size_limit = 130;")
    assert counts(tow.json("run", "job.cfg"))[0] == 130
    assert len(lytics.log("/scan")) == 2


def test_aud_a_profile_may_have_a_megabyte(tow, lytics):
    audience(lytics, [{**profile(i), "email": "x" * 1_000_000, "tags": ["y" * 1000] * 10} for i in range(20)])
    job(tow)
    tow.run("run", "job.cfg")
    assert lytics.sql(f"SELECT count(*), sum(length(email)) FROM {TABLE}") == [["20", "20000000"]]


def test_aud_an_export_of_lytics_to_files_is_read_as_csv(tow, lytics):
    text = 'email,visits,is_bot,seen,tags\na@example.com,"50",f,2026-01-02T03:04:05Z,"[""x""]"\nb@example.com,,t,,\n'
    (tow.folder / "users").mkdir()
    (tow.folder / "users" / "1.csv.gz").write_bytes(gzip.compress(text.encode()))
    tow.job(
        source='plugin = "csv"; path = "users/*.csv.gz";',
        sink=f'plugin = "databricks_copy"; table = "{TABLE}"; stage = "{VOLUME}"; mode = "replace";',
        more=columns(
            'name = "email"', 'name = "visits"; type = "int64"', 'name = "is_bot"; type = "bool"',
            'name = "seen"; type = "timestamp"', 'name = "tags"; type = "json"',
        ),
    )  # fmt: skip
    for _ in range(2):
        tow.run("run", "job.cfg")
        assert rows(lytics, "email, visits, is_bot, tags") == [
            ["a@example.com", "50", "false", '["x"]'],
            ["b@example.com", None, "true", None],
        ]


# -- each run replaces -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sink",
    ['mode = "replace";', 'mode = "drop_create"; schema = "infer";', 'mode = "replace"; schema = "infer";'],
)
def test_aud_8_each_run_brings_the_whole_audience(tow, lytics, sink):
    audience(lytics, [profile(i) for i in range(120)])
    job(tow, sink=sink)
    tow.run("run", "job.cfg")
    whole(lytics, 120)
    audience(lytics, [profile(i) for i in range(7)])
    tow.run("run", "job.cfg")
    whole(lytics, 7)


def test_aud_8_as_the_integration_does_it(tow, lytics):
    audience(lytics, [{"_id": "1", "visits": "007", "email": None}, {"_id": "2", "visits": "8"}])
    job(tow, 'schema = "string"; fields = ["_id", "visits", "email"];', 'mode = "drop_create"; schema = "infer";')
    tow.run("run", "job.cfg")
    assert described(lytics) == [["_id", "int"], ["visits", "int"], ["email", "string"]]
    words = [text.split(" ")[0] for text in lytics.statements() if "lytics_user_vip`" in text]
    assert words[-4:-1] == ["DROP", "CREATE", "COPY"]


@pytest.mark.parametrize("sink", ['mode = "replace";', 'mode = "drop_create"; schema = "infer";'])
def test_aud_an_empty_audience_leaves_a_typed_table(tow, lytics, sink):
    audience(lytics, [])
    job(tow, sink=sink)
    tow.run("run", "job.cfg")
    assert lytics.count(TABLE) == 0
    assert ["visits", "bigint"] in described(lytics)


def test_aud_an_empty_audience_may_fail_and_leave_the_table(tow, lytics):
    audience(lytics, [profile(0)])
    job(tow, 'on_empty = "fail";')
    tow.run("run", "job.cfg")
    audience(lytics, [])
    assert "has no members" in tow.run("run", "job.cfg", code=3).stderr
    whole(lytics, 1)


def test_aud_a_table_a_day_is_kept(tow, lytics):
    audience(lytics, [profile(i) for i in range(3)])
    days = {datetime.now(timezone.utc).strftime("%Y%m%d")}
    job(tow, slug="{audience_slug}_{date}")
    tow.run("run", "job.cfg")
    days.add(datetime.now(timezone.utc).strftime("%Y%m%d"))
    found = {row[1] for row in lytics.sql("SHOW TABLES IN main.lytics")}
    assert len(found) == 1 and found <= {f"lytics_user_vip_{day}" for day in days}


# -- trouble ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["_next", "next"])
def test_aud_pages_follow_their_tokens_by_either_name(tow, lytics, name):
    lytics.set(lytics_next_name=name, lytics_text_status=name == "next")
    audience(lytics, [profile(i) for i in range(950)])
    job(tow)
    tow.run("run", "job.cfg")
    whole(lytics, 950)
    assert len(lytics.log("/scan")) == 10


def run_while_tokens_expire(tow, sandbox, skips):  # noqa: F811
    """Ends all page tokens while these requests for pages are on their way."""
    sandbox.faults(
        [{"do": "hold", "name": f"page{skip}", "point": "before", "path": "/scan", "skip": skip, "times": 1} for skip in skips]
    )
    process = tow.start("run", "job.cfg")
    for skip in skips:
        sandbox.hold(f"page{skip}")
        sandbox.expire_cursors()
        sandbox.release(f"page{skip}")
    return tow.finish(process, 0)[1]


@pytest.mark.parametrize("splits", ["splits = 1;", "splits = 7;", "splits = 9; parallel = 4;"])
def test_aud_a_scan_whose_token_expires_begins_anew_and_doubles_nothing(tow, lytics, splits):
    audience(lytics, [profile(i) for i in range(800)])
    job(tow, f"{splits} page_rows = 20;")
    said = run_while_tokens_expire(tow, lytics, (6, 20, 31))
    whole(lytics, 800)
    assert said.count("the scan begins anew") >= 1


def test_aud_tokens_that_never_last_end_the_run(tow, lytics):
    lytics.set(lytics_cursor_pages=3)
    audience(lytics, [profile(i) for i in range(800)])
    job(tow)
    assert "set splits" in tow.run("run", "job.cfg", code=3).stderr
    job(tow, "splits = 50;")
    tow.run("run", "job.cfg", "--full")
    whole(lytics, 800)


FAULTS = {
    "429 without Retry-After": {"do": "answer", "status": 429, "body": '{"status":429,"message":"slow down"}'},
    "503": {"do": "answer", "status": 503},
    "cut": {"do": "cut"},
    "short": {"do": "short"},
}


@pytest.mark.parametrize("name", FAULTS)
def test_aud_faults_that_pass_cost_no_profile(tow, lytics, name):
    audience(lytics, [profile(i) for i in range(450)])
    job(tow)
    lytics.faults([{**FAULTS[name], "path": path, "times": 2, "skip": 1} for path in ("/scan", "/v2/segment", "/v2/schema")])
    assert counts(tow.json("run", "job.cfg")) == [450, 450, 0, 0, 0]
    whole(lytics, 450)


def test_aud_a_refused_token_ends_the_run_and_the_next_goes_on(tow, lytics):
    audience(lytics, [profile(i) for i in range(450)])
    job(tow)
    lytics.faults([{"do": "answer", "path": "/scan", "status": 401, "body": '{"message":"Expired Token","status":401}', "skip": 2}])
    said = tow.run("run", "job.cfg", code=3).stderr
    assert "Expired Token" in said and lytics.lytics_token not in said
    lytics.faults([])
    assert counts(tow.json("run", "job.cfg"))[0] in (250, 450)
    whole(lytics, 450)


@pytest.mark.parametrize("expires", [False, True])
@pytest.mark.parametrize("splits", ["splits = 1;", "splits = 5;", "splits = 8; parallel = 3;"])
@pytest.mark.parametrize("skip", [0, 3, 8])
def test_aud_a_killed_run_goes_on_and_neither_loses_nor_doubles(tow, lytics, skip, splits, expires):
    audience(lytics, [profile(i) for i in range(400)])
    job(tow, f"{splits} page_rows = 25;", pipeline='checkpoint = "1ms";')
    lytics.faults([{"do": "hold", "name": "page", "path": "/scan", "skip": skip, "times": 1}])
    process = tow.start("run", "job.cfg")
    lytics.hold("page")
    process.kill()
    process.wait(10)
    lytics.release("page")
    lytics.faults([])
    if expires:
        lytics.expire_cursors()
    tow.run("run", "job.cfg")
    whole(lytics, 400)


@pytest.mark.parametrize("words", ["^COPY INTO", "^INSERT OVERWRITE", "^DROP TABLE"])
def test_aud_a_run_that_is_killed_while_it_publishes_goes_on(tow, lytics, words):
    audience(lytics, [profile(i) for i in range(150)])
    job(tow)
    tow.run("run", "job.cfg")
    audience(lytics, [profile(i) for i in range(300)])
    lytics.faults([{"do": "hold", "name": "sql", "point": "after", "sql": words, "times": 1}])
    process = tow.start("run", "job.cfg")
    lytics.hold("sql")
    process.kill()
    process.wait(10)
    lytics.release("sql")
    lytics.faults([])
    tow.run("run", "job.cfg")
    whole(lytics, 300)


def test_aud_an_unfinished_load_goes_on_with_its_own_audience_and_splits(tow, lytics):
    audience(lytics, [profile(i) for i in range(400)])
    lytics.seed(segments=[{"id": "other", "slug_name": "other", "members": []}])
    job(tow, pipeline='checkpoint = "1ms";')
    lytics.faults([{"do": "answer", "path": "/scan", "status": 401, "body": '{"message":"Expired Token","status":401}', "skip": 3}])
    tow.run("run", "job.cfg", code=3)
    assert checkpoint(tow)["position"]
    lytics.faults([])
    job(tow, "splits = 4;", pipeline='checkpoint = "1ms";')
    assert "has splits = 1, now it is 4" in tow.run("run", "job.cfg", code=2).stderr
    job(tow, pipeline='checkpoint = "1ms";', audience="other", slug="vip")
    assert "the unfinished load" in tow.run("run", "job.cfg", code=2).stderr
    job(tow, pipeline='checkpoint = "1ms";')
    tow.run("run", "job.cfg")
    whole(lytics, 400)


@pytest.mark.parametrize("splits", ["splits = 1;", "splits = 6; parallel = 3;"])
def test_aud_trouble_and_kills_in_a_row_neither_lose_nor_double(tow, lytics, splits):
    rng, killed = random.Random(SEED), 0
    for count in (700, 300):
        audience(lytics, [profile(i) for i in range(count)])
        job(tow, f"{splits} page_rows = 20;", pipeline='checkpoint = "1ms";')
        killed += run_in_trouble(tow, lytics, rng, "/scan", 6)
        tow.run("run", "job.cfg")
        whole(lytics, count)
    assert killed > 0


def test_aud_profiles_without_an_id_are_known_by_all_that_they_hold(tow, lytics):
    audience(lytics, [{"email": f"{i}@example.com", "visits": i} for i in range(300)], FIELDS[1:])
    job(tow, "page_rows = 50;")
    run_while_tokens_expire(tow, lytics, (3,))
    assert lytics.sql(f"SELECT count(*), count(DISTINCT visits) FROM {TABLE}") == [["300", "300"]]


def test_aud_parts_are_scanned_at_once(tow, lytics):
    audience(lytics, [profile(i) for i in range(300)])
    job(tow, "splits = 10; parallel = 4;")
    lytics.faults([{"do": "hold", "name": f"page{i}", "path": "/scan", "skip": i, "times": 1} for i in range(4)])
    process = tow.start("run", "job.cfg")
    for i in range(4):
        lytics.hold(f"page{i}")  # none of them has been answered yet
    for i in range(4):
        lytics.release(f"page{i}")
    tow.finish(process, 0)
    whole(lytics, 300)


@pytest.mark.parametrize("splits", [[], ["--option", "splits=6", "--option", "parallel=1"]])
def test_the_source_keeps_what_every_plugin_promises(tow, lytics, splits):
    audience(lytics, [profile(i) for i in range(700)])
    (module,) = [path for folder in os.environ["TOWPATH_PLUGIN_PATH"].split(":") for path in Path(folder).glob("lytics_audience.so")]
    options = {"token": lytics.lytics_token, "api_url": lytics.lytics_url, "audience": "vip"}
    given = [word for name, value in options.items() for word in ("--option", f"{name}={value}")]
    out = tow.run("plugins", "test", module, *given, *splits).stdout
    keeps_its_promises(out)
