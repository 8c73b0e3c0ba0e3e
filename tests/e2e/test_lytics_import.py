"""Import Table: source databricks, sink lytics. Tests are named after the ids in docs/lytics.md."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers import checkpoint, columns, counts, keeps_its_promises, rejected, until
from lytics_trouble import run_in_trouble
from sandbox import sandbox, sandbox_process  # noqa: F401
from snippets import fences, session
from snippets import SOURCE as TREE

ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("TOWPATH_CRASH_SEED", "20260301"))
TABLE = "main.crm.people"
STREAM = "databricks_main_crm_people"
FAST = 'retry = { base = "1ms"; cap = "20ms"; budget = "20s"; tries = 40; };'
LYTICS = 'plugin = "lytics"; token = "${env:LYTICS_TOKEN}"; api_url = "${env:LYTICS_API_URL}"; bulk_url = "${env:LYTICS_BULK_URL}"; rate_wait = "1ms";'
SOURCE = f'plugin = "databricks"; table = "{TABLE}"; cursor = "updated_at";'


@pytest.fixture
def lytics(tow, sandbox):  # noqa: F811
    tow.env.update(sandbox.env())
    yield sandbox
    sandbox.faults([])


def fill(sandbox, count, first=0):  # noqa: F811
    """Rows id, name, updated_at; the times rise by a second."""
    if first == 0:
        sandbox.sql(f"CREATE TABLE {TABLE} (id BIGINT, name STRING, updated_at TIMESTAMP)")
    rows = ", ".join(
        f"({i}, 'row {i}', TIMESTAMP '2026-01-01 {i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}')"
        for i in range(first, first + count)
    )
    sandbox.sql(f"INSERT INTO {TABLE} VALUES {rows}")


def job(tow, source="", sink="", more="", pipeline=""):
    tow.job(
        source=source or SOURCE,
        sink=f"{LYTICS} {sink}",
        more=f"  {FAST}\n  pipeline = {{ {pipeline} }};\n{more}",
    )


def csv_job(tow, text, sink="", more="", pipeline=""):
    tow.write("in.csv", text)
    job(tow, 'plugin = "csv"; path = "in.csv";', f'stream = "s"; timestamp_field = ""; {sink}', more, pipeline)


def records(sandbox, stream=STREAM):  # noqa: F811
    return sandbox.lytics()["streams"].get(stream, [])


def ids(sandbox, stream=STREAM):  # noqa: F811
    return sorted(int(record["id"]) for record in records(sandbox, stream))


def uploads(sandbox):  # noqa: F811
    return [upload for upload in sandbox.lytics()["uploads"] if not upload["dryrun"]]


# -- what is read, and where it goes ---------------------------------------------------------------


def test_imp_1_2_3_7_a_table_goes_to_the_stream_that_is_named_after_it(tow, lytics):
    fill(lytics, 3)
    job(tow)
    assert counts(tow.json("run", "job.cfg")) == [3, 3, 0, 0, 0]
    assert list(lytics.lytics()["streams"]) == [STREAM]
    first = min(records(lytics), key=lambda record: int(record["id"]))
    assert first == {"id": "0", "name": "row 0", "updated_at": "2026-01-01T00:00:00Z"}
    (upload,) = uploads(lytics)
    assert upload["gzip"] and upload["content-type"] == "application/csv"


def test_imp_7_catalog_and_schema_of_a_bare_name_are_those_of_the_session(tow, lytics):
    fill(lytics, 3)
    job(tow, 'plugin = "databricks"; table = "people"; catalog = "main"; schema = "crm"; cursor = "updated_at";')
    tow.run("run", "job.cfg")
    assert len(records(lytics)) == 3
    lytics.sql("CREATE TABLE main.default.bare (id BIGINT, at TIMESTAMP)")
    lytics.sql("INSERT INTO main.default.bare VALUES (1, TIMESTAMP '2026-01-01 00:00:00')")
    job(tow, 'plugin = "databricks"; table = "bare"; cursor = "at";')
    tow.run("run", "job.cfg", "--full")
    assert ids(lytics, "databricks_main_default_bare") == [1]


def test_imp_7_a_stream_may_be_named(tow, lytics):
    fill(lytics, 3)
    job(tow, sink='stream = "crm";')
    tow.run("run", "job.cfg")
    assert ids(lytics, "crm") == [0, 1, 2]


def test_imp_7_a_source_without_names_needs_a_stream(tow, lytics):
    tow.write("in.csv", "id\n1\n")
    job(tow, 'plugin = "csv"; path = "in.csv";')
    said = tow.run("check", "job.cfg", code=2)
    assert "stream: nobody fills in {catalog}" in said.stdout + said.stderr


# -- times -----------------------------------------------------------------------------------------


def test_imp_4_each_run_imports_what_is_new_by_the_timestamp_column(tow, lytics):
    fill(lytics, 50)
    job(tow)
    tow.run("run", "job.cfg")
    assert counts(tow.json("run", "job.cfg")) == [0, 0, 0, 0, 0]
    fill(lytics, 20, first=50)
    assert counts(tow.json("run", "job.cfg")) == [20, 20, 0, 0, 0]
    assert ids(lytics) == list(range(70))


def test_imp_5_the_record_timestamp_is_the_timestamp_column_unless_named(tow, lytics):
    lytics.sql(f"CREATE TABLE {TABLE} (id BIGINT, at TIMESTAMP, updated_at TIMESTAMP)")
    lytics.sql(f"INSERT INTO {TABLE} VALUES (1, TIMESTAMP '2020-01-01 00:00:00', TIMESTAMP '2026-01-01 00:00:00')")
    for sink, field in (("", "updated_at"), ('timestamp_field = "at";', "at"), ('timestamp_field = "";', "")):
        job(tow, sink=sink)
        tow.run("run", "job.cfg", "--full")
        assert uploads(lytics)[-1]["timestamp_field"] == field
    job(tow, sink='timestamp_field = "nope";')
    assert 'no column "nope"' in tow.run("run", "job.cfg", "--full", code=2).stderr


def test_imp_6_rows_at_the_since_timestamp_itself_are_left_out(tow, lytics):
    fill(lytics, 10)
    job(tow, SOURCE + ' since = "2026-01-01 00:00:06";')
    tow.run("run", "job.cfg")
    assert ids(lytics) == [7, 8, 9]


def test_imp_4_rows_without_a_time_are_read_first_left_out_or_fail(tow, lytics):
    fill(lytics, 3)
    lytics.sql(f"INSERT INTO {TABLE} VALUES (9, 'x', NULL)")
    for choice, found in (("skip", [0, 1, 2]), ("first", [0, 0, 1, 1, 2, 2, 9])):
        job(tow, SOURCE + f' null_cursor = "{choice}";')
        tow.run("run", "job.cfg", "--full")
        assert ids(lytics) == found
    job(tow, SOURCE + ' null_cursor = "fail";')
    tow.run("run", "job.cfg", "--full", code=2)


def test_a_table_without_a_timestamp_column_is_imported_as_a_whole(tow, lytics):
    fill(lytics, 3)
    source = f'plugin = "databricks"; table = "{TABLE}";'
    job(tow, source)
    said = tow.run("run", "job.cfg", code=2).stderr
    assert "no cursor" in said
    job(tow, source, 'timestamp_field = "";')
    tow.run("run", "job.cfg")
    assert ids(lytics) == [0, 1, 2]


# -- sizes -----------------------------------------------------------------------------------------


def test_imp_11_a_statement_that_runs_too_long_ends_the_run(tow, lytics):
    fill(lytics, 3)
    job(tow, SOURCE + ' query_timeout = "1s";')
    lytics.faults([{"do": "hold", "name": "slow", "point": "execute", "sql": "ORDER BY"}])
    said = tow.run("run", "job.cfg", "--set", "retry.tries=1", code=3).stderr
    assert "not done within 1 s" in said
    assert records(lytics) == []


def test_imp_12_an_upload_has_at_most_a_batch_of_rows(tow, lytics):
    fill(lytics, 95)
    job(tow, pipeline="batch_rows = 10;")
    tow.run("run", "job.cfg")
    assert [upload["message_count"] for upload in uploads(lytics)] == [10] * 9 + [5]
    assert ids(lytics) == list(range(95))


def test_imp_12_an_upload_has_at_most_max_bytes(tow, lytics):
    csv_job(tow, "id,text\n" + "".join(f"{i},{'x' * 100}\n" for i in range(1000)), 'max_bytes = "10kB"; record_max_bytes = "1kB";')
    tow.run("run", "job.cfg")
    assert max(upload["bytes"] for upload in uploads(lytics)) <= 10000
    assert ids(lytics, "s") == list(range(1000))


def test_imp_13_a_trial_has_a_row_limit(tow, lytics):
    fill(lytics, 30)
    job(tow, SOURCE + ' limit = 7; tie_break = "id";')
    tow.run("run", "job.cfg")
    assert ids(lytics) == list(range(7))


def test_imp_rows_beyond_the_record_limit_are_rejected(tow, lytics):
    csv_job(tow, f"id,text\n1,a\n2,{'x' * 17000}\n3,b\n")
    assert counts(tow.json("run", "job.cfg")) == [3, 2, 1, 0, 0]
    assert ids(lytics, "s") == [1, 3]
    (reject,) = rejected(tow, "1")
    assert reject["code"] == "record_too_large" and "record_max_bytes is 16384" in reject["message"]


def test_imp_an_upload_that_is_too_large_for_lytics_goes_in_pieces(tow, lytics):
    lytics.set(lytics_bulk_bytes=2000)
    csv_job(tow, "id,text\n" + "".join(f"{i},{i * 7919}\n" for i in range(500)), "gzip = false;")
    tow.run("run", "job.cfg")
    assert ids(lytics, "s") == list(range(500))


# -- values ----------------------------------------------------------------------------------------


def test_imp_numbers_keep_their_digits_and_nested_values_are_json(tow, lytics):
    lytics.sql(
        f"CREATE TABLE {TABLE} (id BIGINT, d DECIMAL(38,2), raw BINARY, s STRUCT<a: INT>, "
        "l ARRAY<STRUCT<a: INT>>, at TIMESTAMP)"
    )
    lytics.sql(
        f"INSERT INTO {TABLE} SELECT 9223372036854775807, 123456789012345678901234567890.12, X'01ff', "
        "named_struct('a', 1), array(named_struct('a', 2)), TIMESTAMP '2026-01-01 00:00:00.123456'"
    )
    source = f'plugin = "databricks"; table = "{TABLE}"; cursor = "at";'
    job(tow, source, 'binary = "hex";')
    tow.run("run", "job.cfg")
    assert records(lytics) == [
        {
            "id": "9223372036854775807",
            "d": "123456789012345678901234567890.12",
            "raw": "01ff",
            "s": '{"a":1}',
            "l": '[{"a":2}]',
            "at": "2026-01-01T00:00:00.123456Z",
        }
    ]
    job(tow, source, 'format = "json"; stream = "j";')
    tow.run("run", "job.cfg", "--full")
    (record,) = records(lytics, "j")
    assert record["id"] == 9223372036854775807
    assert (record["s"], record["l"], record["raw"]) == ({"a": 1}, '[{"a":2}]', "Af8=")
    job(tow, source, 'format = "json"; nested = "flatten"; stream = "f";')
    tow.run("run", "job.cfg", "--full")
    (record,) = records(lytics, "f")
    assert record["s.a"] == 1 and record["l"] == '[{"a":2}]'
    job(tow, source, 'nested = "fail"; stream = "n";')
    assert counts(tow.json("run", "job.cfg", "--full")) == [1, 0, 1, 0, 0]


def test_imp_text_that_a_careless_writer_gets_wrong_arrives(tow, lytics):
    texts = ['a,"b"', "two\nlines", "  spaces ", "é\U0001f600", "007"]
    rows = "".join(f"{i}," + '"' + text.replace('"', '""') + '"\n' for i, text in enumerate(texts))
    for more in ("", 'format = "json";'):
        lytics.reset()
        csv_job(tow, "id,text\n" + rows, more)
        tow.run("run", "job.cfg")
        found = {record["id"]: record["text"] for record in records(lytics, "s")}
        assert [found[str(i)] for i in range(len(texts))] == texts


def test_imp_empty_values_may_be_left_out(tow, lytics):
    csv_job(tow, 'id,a,b\n1,"",\n', 'format = "json"; omit_empty = true;')
    tow.run("run", "job.cfg")
    assert records(lytics, "s") == [{"id": "1"}]


def test_imp_members_may_be_appended_to_each_row(tow, lytics):
    csv_job(tow, "id\n1\n2\n", 'append = "{\\"origin\\": \\"crm\\"}";')
    tow.run("run", "job.cfg")
    assert [record["origin"] for record in records(lytics, "s")] == ["crm", "crm"]


# -- counts ----------------------------------------------------------------------------------------


def outcomes_equal_the_ledger(tow, lytics, report, bad, doubled):
    found = [int(record["id"]) for record in records(lytics, "s")]
    good = [i for i in range(300) if i not in bad]
    assert sorted(set(found)) == good
    assert doubled or len(found) == len(good)
    assert counts(report) == [300, len(good), len(bad), 0, 0]
    found = rejected(tow, "1")
    assert {int(reject["row"]["id"]) for reject in found} == set(bad)
    assert {reject["code"] for reject in found} == {"refused_by_lytics"}


@pytest.mark.parametrize(
    "sink, doubled",
    [
        ("", True),
        ("droperrors = true;", False),
        ("dryrun_first = true;", False),
        ('format = "json"; dryrun_first = true;', False),
    ],
)
def test_imp_rows_that_lytics_does_not_count_are_found_and_rejected(tow, lytics, sink, doubled):
    bad = [0, 57, 58, 299]
    lytics.set(lytics_record_bytes=200)
    text = "id,text\n" + "".join(f"{i},{'x' * (250 if i in bad else 5)}\n" for i in range(300))
    csv_job(tow, text, sink, pipeline="batch_rows = 100;")
    outcomes_equal_the_ledger(tow, lytics, tow.json("run", "job.cfg"), bad, doubled)


def test_imp_a_column_that_lytics_does_not_know_ends_the_run(tow, lytics):
    csv_job(tow, "id,ID\n1,2\n" * 1 + "".join(f"{i},x\n" for i in range(50)), more=columns('name = "id"; from = "id"'))
    lytics.faults([{"do": "answer", "path": "/collect/", "status": 404, "body": '{"status":404,"message":"no such account"}'}])
    said = tow.run("run", "job.cfg", code=2).stderr
    assert "no such account" in said
    assert records(lytics, "s") == []


# -- trouble ---------------------------------------------------------------------------------------

FAULTS = {
    "429 without Retry-After": {"do": "answer", "status": 429, "body": '{"status":429,"message":"slow down"}'},
    "503": {"do": "answer", "status": 503},
    "cut": {"do": "cut"},
    "taken, and a 503": {"do": "answer", "status": 503, "point": "after"},
    "short": {"do": "short"},
    "page of a proxy": {"do": "html"},
}


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "page of a proxy"])
def test_imp_faults_that_pass_cost_no_row(tow, lytics, name):
    fill(lytics, 100)
    job(tow, pipeline="batch_rows = 10;")
    lytics.faults([{**FAULTS[name], "path": "/collect/", "times": 3, "skip": 2}])
    assert counts(tow.json("run", "job.cfg")) == [100, 100, 0, 0, 0]
    assert sorted(set(ids(lytics))) == list(range(100))
    # What was answered is not sent again.
    if name[:3] in ("429", "503"):
        assert ids(lytics) == list(range(100))


def test_imp_a_refused_token_ends_the_run_and_the_next_goes_on(tow, lytics):
    fill(lytics, 100)
    job(tow, pipeline="batch_rows = 10; workers = 1;")
    lytics.faults([{"do": "answer", "path": "/collect/", "status": 401, "body": '{"status":401,"message":"Expired Token"}', "skip": 4}])
    said = tow.run("run", "job.cfg", code=3).stderr
    assert "Expired Token" in said and lytics.lytics_token not in said
    assert len(records(lytics)) == 40
    lytics.faults([])
    tow.run("run", "job.cfg")
    assert ids(lytics) == list(range(100))


def test_imp_a_page_of_a_proxy_is_no_answer(tow, lytics):
    fill(lytics, 10)
    job(tow)
    lytics.faults([{**FAULTS["page of a proxy"], "path": "/collect/"}])
    tow.run("run", "job.cfg", code=3)
    assert checkpoint(tow) is None or records(lytics) == []


@pytest.mark.parametrize("point", ["before", "after"])
@pytest.mark.parametrize("skip", [0, 3, 9])
def test_imp_a_killed_run_goes_on_and_loses_nothing(tow, lytics, point, skip):
    fill(lytics, 100)
    job(tow, pipeline="batch_rows = 10; workers = 1;")
    lytics.faults([{"do": "hold", "name": "up", "point": point, "path": "/collect/", "skip": skip, "times": 1}])
    process = tow.start("run", "job.cfg")
    lytics.hold("up")
    process.kill()
    process.wait(10)
    lytics.release("up")
    lytics.faults([])
    until(lambda: len(uploads(lytics)) >= skip)
    tow.run("run", "job.cfg")
    found = ids(lytics)
    assert sorted(set(found)) == list(range(100))
    # At most the upload that was under way, and the one whose outcome was on its way into the state.
    assert len(found) <= 120


@pytest.mark.parametrize("sink", ["", "dryrun_first = true;"])
def test_imp_trouble_and_kills_in_a_row_lose_nothing(tow, lytics, sink):
    rng, killed = random.Random(SEED), 0
    for first, count in ((0, 300), (300, 200)):
        fill(lytics, count, first)
        job(tow, sink=sink, pipeline="batch_rows = 10; workers = 2;")
        killed += run_in_trouble(tow, lytics, rng, "/collect/", 5)
        tow.run("run", "job.cfg")
        assert sorted(set(ids(lytics))) == list(range(first + count))
        assert counts(tow.json("run", "job.cfg")) == [0, 0, 0, 0, 0]
    assert killed > 0


def test_imp_the_watermark_moves_with_uploads_that_were_confirmed(tow, lytics):
    fill(lytics, 20)
    job(tow)
    tow.run("run", "job.cfg")
    before = checkpoint(tow)
    fill(lytics, 20, first=20)
    lytics.faults([{"do": "answer", "path": "/collect/", "status": 401, "body": '{"status":401,"message":"Not authorized"}'}])
    tow.run("run", "job.cfg", code=3)
    assert checkpoint(tow)["position"] == before["position"] or len(records(lytics)) == 20
    lytics.faults([])
    tow.run("run", "job.cfg")
    assert ids(lytics) == list(range(40))


def test_imp_results_name_what_was_rejected(tow, lytics):
    lytics.set(lytics_record_bytes=100)
    csv_job(
        tow,
        f"id,text\n1,a\n2,{'x' * 150}\n",
        "droperrors = true;",
        more='  results = { plugin = "file"; path = "results.ndjson"; };\n',
    )
    tow.run("run", "job.cfg")
    found = {row["id"]: (row["success"], row["error_code"]) for row in tow.rows("results.ndjson")}
    assert found == {"1": (True, None), "2": (False, "refused_by_lytics")}


def test_the_sink_keeps_what_every_plugin_promises(tow, lytics):
    (module,) = [path for folder in os.environ["TOWPATH_PLUGIN_PATH"].split(":") for path in Path(folder).glob("lytics.so")]
    options = {"token": lytics.lytics_token, "bulk_url": lytics.lytics_bulk_url, "stream": "s", "timestamp_field": ""}
    given = [word for name, value in options.items() for word in ("--option", f"{name}={value}")]
    out = tow.run("plugins", "test", module, *given).stdout
    keeps_its_promises(out)


@pytest.mark.skipif(not shutil.which("curl"), reason="the manual's commands need curl")
def test_the_manual_can_be_tried_without_accounts(tow, lytics):
    pieces = list(fences(TREE / "docs" / "lytics.md"))
    at = next(i for i, block in enumerate(pieces) if block.first.startswith("$ export U="))
    tow.write("seed.json", pieces[at - 1].text)
    (tow.folder / "conf").symlink_to(ROOT / "conf")
    script = "\n".join(typed for typed, _ in session(pieces[at])).replace("http://127.0.0.1:41873", lytics.url)
    env = {**tow.env, "PATH": f"{Path(tow.program).parent}:{os.environ['PATH']}"}
    out = subprocess.run(["bash", "-e", "-c", script], cwd=tow.folder, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert out.returncode == 0, out.stderr
    assert out.stdout.splitlines()[-1].startswith('{"streams":{"databricks_main_lytics_lytics_user_vip":[{"_id":"1","visits":"50"')
