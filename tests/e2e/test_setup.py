"""`towpath setup`: the tables of a job are made, once, and never changed. The far end is the sandbox."""

import json

import pytest
from sandbox import sandbox, sandbox_process  # noqa: F401

INPUT, OUTPUT, RUNS = "main.crm.ttd_in", "main.crm.ttd_out", "main.crm.ttd_runs"
QUICK = 'retry = { base = "1ms"; cap = "20ms"; tries = 4; };'


@pytest.fixture
def job(tow, sandbox):
    tow.env.update(sandbox.env())
    write(tow)
    return tow


def write(tow, source="", columns="", endpoint='"advertiser"; advertiser_id = "a"', results="", table=INPUT):
    tow.job(
        source=f'plugin = "databricks"; table = "{table}"; cursor = "updated_at"; {source}',
        sink=f'plugin = "ttd"; endpoint = {endpoint}; token = "${{env:TTD_TOKEN}}"; server_url = "${{env:TTD_URL}}";',
        more=f"  {columns}\n"
        f'  results = {{ plugin = "databricks_copy"; table = "{OUTPUT}"; stage = "/Volumes/main/crm/stage"; {results} }};\n'
        f"  {QUICK}\n",
    )


def steps(tow, *args):
    return [
        (step["section"], step["outcome"], step["thing"])
        for step in tow.json("setup", "job.cfg", *args)["steps"]
    ]


def columns_of(sandbox, table):
    return {row[0]: row[1].lower() for row in sandbox.sql(f"DESCRIBE TABLE {table}") if row[0] and row[0][0] != "#"}


def tables(sandbox):
    return {row[1] for row in sandbox.sql("SHOW TABLES IN main.crm")}


def test_input_and_output_are_made_with_the_columns_of_the_endpoint(job, sandbox):
    assert steps(job) == [
        ("source", "created", f"table {INPUT}"),
        ("sink", "nothing", None),
        ("results", "created", f"table {OUTPUT}"),
    ]
    made = columns_of(sandbox, INPUT)
    assert made["id_type"] == "string" and made["ttl_in_minutes"] == "int" and made["updated_at"] == "timestamp"
    assert list(columns_of(sandbox, OUTPUT)) == list(made) + [
        "success",
        "error_code",
        "error_message",
        "processed_timestamp",
    ]


def test_required_columns_take_no_nulls(job, sandbox):
    job.run("setup", "job.cfg")
    create = next(text for text in sandbox.statements() if "`ttd_in` (" in text)
    assert "`id_value` STRING NOT NULL" in create and "`ttl_in_minutes` INT," in create


def test_nested_columns_are_arrays_of_structs(job, sandbox):
    write(job, endpoint='"offlineconversion"; data_provider_id = "d"')
    job.run("setup", "job.cfg")
    made = columns_of(sandbox, INPUT)
    assert made["user_ids"].startswith("array<struct<") and made["line_items"].startswith("array<struct<")
    assert columns_of(sandbox, OUTPUT)["user_ids"] == "string"


def test_what_is_made_can_be_run(job, sandbox):
    job.run("setup", "job.cfg")
    sandbox.sql(
        f"INSERT INTO {INPUT} (id_type, id_value, segment_name, updated_at) VALUES "
        "('TDID', '00000000-0000-0000-0000-000000000001', 's', TIMESTAMP '2026-01-01 00:00:00')"
    )
    assert job.json("run", "job.cfg")["rows"]["accepted"] == 1
    assert sandbox.sql(f"SELECT id_type, success FROM {OUTPUT}") == [["TDID", "true"]]


def test_a_second_time_nothing_is_made(job, sandbox):
    job.run("setup", "job.cfg")
    before = len(sandbox.statements())
    assert [outcome for _, outcome, _ in steps(job)] == ["exists", "nothing", "exists"]
    assert not [text for text in sandbox.statements()[before:] if not text.startswith("DESCRIBE")]


def test_a_dry_run_shows_the_statements_and_makes_nothing(job, sandbox):
    text = job.run("setup", "job.cfg", "--dry-run").stdout
    assert f"source databricks: would create table {INPUT}:\n  CREATE TABLE IF NOT EXISTS " in text
    assert f"results databricks_copy: would create table {OUTPUT}:\n  CREATE TABLE IF NOT EXISTS " in text
    assert not [text for text in sandbox.statements() if not text.startswith("DESCRIBE")]


def test_columns_lead_back_to_those_of_the_source(job, sandbox):
    write(
        job,
        columns='columns = ( { name = "id_type"; value = "TDID"; }, { name = "id_value"; from = "tdid"; }, '
        '{ name = "segment_name"; from = "Segment"; default = "none"; }, { name = "note"; } );',
    )
    job.run("setup", "job.cfg")
    assert columns_of(sandbox, INPUT) == {
        "tdid": "string",
        "Segment": "string",
        "note": "string",
        "updated_at": "timestamp",
    }
    create = next(text for text in sandbox.statements() if "`ttd_in` (" in text)
    assert "`tdid` STRING NOT NULL" in create and "`Segment` STRING," in create


def test_all_columns_that_do_not_fit_are_named_and_the_table_stays(job, sandbox):
    sandbox.sql(f"CREATE TABLE {INPUT} (id_type STRING, segment_name STRING, ttl_in_minutes STRING)")
    said = job.run("setup", "job.cfg", code=2).stderr
    assert "id_value is missing (STRING)" in said and "updated_at is missing (TIMESTAMP)" in said
    assert "ttl_in_minutes is string and must be INT" in said.replace("STRING and", "string and")
    assert list(columns_of(sandbox, INPUT)) == ["id_type", "segment_name", "ttl_in_minutes"]


def test_wider_types_and_more_columns_fit(job, sandbox):
    write(job, columns='columns = ( { name = "id_type"; }, { name = "id_value"; }, { name = "segment_name"; }, { name = "ttl_in_minutes"; } );')
    sandbox.sql(
        f"CREATE TABLE {INPUT} (id_type STRING, id_value STRING, segment_name STRING, ttl_in_minutes BIGINT, more DATE, updated_at TIMESTAMP)"
    )
    assert steps(job)[0] == ("source", "exists", f"table {INPUT}")
    assert columns_of(sandbox, OUTPUT)["more"] == "date"


def test_a_tie_breaker_that_the_table_would_not_have_is_refused_before_it_is_made(job, sandbox):
    write(job, source='tie_break = ["id_value", "nowhere"];')
    assert 'tie_break = "nowhere"' in job.run("setup", "job.cfg", code=2).stderr
    assert not [text for text in sandbox.statements() if text.startswith("CREATE")]


def test_tables_lie_where_location_says(job, sandbox):
    write(job, source="location = \"s3://b/it's in\";", results='location = "s3://b/out";')
    job.run("setup", "job.cfg")
    made = [text for text in sandbox.statements() if text.startswith("CREATE")]
    assert made[0].endswith(" LOCATION 's3://b/it\\'s in'") and made[1].endswith(" LOCATION 's3://b/out'")


def test_a_query_has_nothing_to_set_up_and_its_results_have(job, sandbox):
    sandbox.sql("CREATE TABLE main.crm.any (id_type STRING, id_value STRING, segment_name STRING)")
    text = (job.folder / "job.cfg").read_text()
    job.write("job.cfg", text.replace(f'table = "{INPUT}"; cursor = "updated_at";', 'query = "SELECT * FROM main.crm.any";'))
    assert steps(job) == [("source", "nothing", None), ("sink", "nothing", None), ("results", "created", f"table {OUTPUT}")]


def test_a_source_whose_sink_takes_whatever_there_is_must_be_there(job, sandbox):
    job.job(source=f'plugin = "databricks"; table = "{INPUT}";', sink='plugin = "file"; path = "out.csv"; format = "csv";')
    assert "create it by hand" in job.run("setup", "job.cfg", code=2).stderr
    sandbox.sql(f"CREATE TABLE {INPUT} (id INT)")
    assert steps(job) == [("source", "exists", f"table {INPUT}"), ("sink", "nothing", None)]


def test_trouble_that_passes_is_waited_for(job, sandbox):
    sandbox.faults([{"do": "answer", "path": "/sql/statements", "status": 503, "body": "", "times": 1}])
    assert [outcome for _, outcome, _ in steps(job)] == ["created", "nothing", "created"]


def test_what_check_finds_is_found_before_anything_is_made(job, sandbox):
    write(job, columns='columns = ( { name = "id_type"; } );')
    assert "columns lacks what it needs: segment_name, id_value" in job.run("setup", "job.cfg", code=2).stderr
    assert not sandbox.statements()


def test_files_need_no_setup(tow):
    tow.write("in.csv", "id\n1\n")
    tow.job()
    assert tow.run("setup", "job.cfg").stdout == "source csv: nothing to set up\nsink file: nothing to set up\n"
    assert json.loads(tow.run("setup", "job.cfg", "--json", "--dry-run").stdout)["dry_run"] is True


# ---- history -----------------------------------------------------------------------------------


@pytest.fixture
def job_with_history(job):
    text = (job.folder / "job.cfg").read_text()
    history = f'  history = {{ plugin = "databricks_copy"; table = "{RUNS}"; stage = "/Volumes/main/crm/stage"; }};\n'
    job.write("job.cfg", text.replace("  results", history + "  results"))
    return job


def runs_of(sandbox, columns="job, run, status, exit_code, read, accepted, rejected, pending"):
    return sandbox.sql(f"SELECT {columns} FROM {RUNS} ORDER BY run")


def put(sandbox, number, ttl="NULL"):
    sandbox.sql(
        f"INSERT INTO {INPUT} (id_type, id_value, segment_name, ttl_in_minutes, updated_at) VALUES "
        f"('TDID', '00000000-0000-0000-0000-{number:012}', 's', {ttl}, TIMESTAMP '2026-01-01 00:00:0{number}')"
    )


def test_the_whole_way_from_nothing_to_a_history(job_with_history, sandbox):
    """As the SDK's batch mode: tables, rows, a run, rows that are new, another one."""
    job = job_with_history
    assert [outcome for _, outcome, _ in steps(job)] == ["created", "nothing", "created", "created"]
    assert [outcome for _, outcome, _ in steps(job)] == ["exists", "nothing", "exists", "exists"]
    put(sandbox, 1)
    put(sandbox, 2, ttl=999999)
    job.run("run", "job.cfg")
    put(sandbox, 3)
    job.run("run", "job.cfg")
    assert runs_of(sandbox) == [
        ["job", "1", "ok", "0", "2", "1", "1", "0"],
        ["job", "2", "ok", "0", "1", "1", "0", "0"],
    ]
    output = sandbox.sql(f"SELECT id_value, success, error_code FROM {OUTPUT} ORDER BY id_value")
    assert [[value[-1], success, code] for value, success, code in output] == [
        ["1", "true", None],
        ["2", "false", "InvalidTtlInMinutes"],
        ["3", "true", None],
    ]
    assert [item["load"] for item in job.json("runs", "job")][::-1] == [row[0] for row in runs_of(sandbox, "load")]
    (position,) = sandbox.sql(f"SELECT position FROM {RUNS} WHERE run = 2")
    assert "2026-01-01" in position[0]


def test_a_run_that_fails_is_in_the_history_and_a_trial_is_not(job_with_history, sandbox):
    job = job_with_history
    job.run("setup", "job.cfg")
    put(sandbox, 1)
    job.run("run", "job.cfg", "--limit", "1")
    sandbox.faults([{"do": "answer", "path": "^/data/", "status": 401, "body": "Invalid token"}])
    job.run("run", "job.cfg", code=3)
    assert runs_of(sandbox, "status, exit_code, pending") == [["failed", "3", "1"]]
    assert "HTTP 401" in runs_of(sandbox, "error")[0][0]


def test_a_history_that_cannot_be_written_is_a_warning(job_with_history, sandbox):
    job = job_with_history
    job.run("setup", "job.cfg")
    sandbox.sql(f"DROP TABLE {RUNS}")
    sandbox.sql(f"CREATE TABLE {RUNS} (job INT)")
    put(sandbox, 1)
    done = job.run("run", "job.cfg")
    assert "warn" in done.stderr and "run 1 is missing in the history: history databricks_copy: " in done.stderr
    assert job.json("runs", "job")[0]["status"] == "ok"


def test_two_histories_of_one_file_are_refused(tow):
    tow.write("in.csv", "id\n1\n")
    tow.job(more='  history = { plugin = "file"; path = "out.csv"; };\n', sink='plugin = "file"; path = "out.csv";')
    assert "history file: path" in tow.run("check", "job.cfg", code=2).stderr


def test_a_history_of_files_has_one_for_each_run(tow):
    tow.write("in.csv", "id\n1\n")
    tow.job(more='  history = { plugin = "file"; path = "run-{load}.ndjson"; };\n')
    tow.run("run", "job.cfg")
    tow.run("run", "job.cfg")
    rows = [json.loads(path.read_text()) for path in tow.folder.glob("run-*.ndjson")]
    assert sorted((row["job"], row["run"], row["status"], row["accepted"]) for row in rows) == [
        ("job", 1, "ok", 1),
        ("job", 2, "ok", 1),
    ]
    assert tow.json("plan", "job.cfg")["history"]["plugin"] == "file"
