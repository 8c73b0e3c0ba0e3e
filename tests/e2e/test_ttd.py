"""The sink ttd end to end: what it says before a run, secrets, and a server at which much goes wrong."""

import hashlib
import json
import os
import random
import shutil
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from helpers import keeps_its_promises
from recorder import recorder  # noqa: F401

TOKEN = "tok-4c1d-secret"
ENV = {"TTD_TOKEN": TOKEN}
COLUMNS = '  columns = ( { name = "id_type"; value = "TDID"; }, { name = "id_value"; from = "id"; }, { name = "segment_name"; value = "s"; } );\n'


def ttd(url, more=""):
    return f'plugin = "ttd"; endpoint = "advertiser"; advertiser_id = "a"; token = "${{env:TTD_TOKEN}}"; server_url = "{url}"; {more}'


def items(body):
    """The ids of a request, in order."""
    return [item["TDID"] for item in json.loads(body)["Items"]]


# ---- before a run -------------------------------------------------------------------------------


def test_the_columns_of_an_endpoint_are_listed(tow):
    columns = tow.json("plugins", "show", "ttd", "--endpoint", "offlineconversion")["columns"]
    assert [column["name"] for column in columns if column["required"]] == ["tracking_tag_id", "timestamp_utc"]
    assert {
        "name": "user_ids",
        "type": "json",
        "shape": "array<struct<type: string, id: string>>",
        "required": False,
        "place": "Items[].UserIdArray",
    } in columns
    assert len(columns) == 27
    text = tow.run("plugins", "show", "ttd", "--endpoint=advertiser").stdout
    assert "segment_name               string     yes       Items[].Data[].Name\n" in text


def test_without_an_endpoint_there_is_a_hint(tow):
    assert "`towpath plugins show ttd --endpoint advertiser`" in tow.run("plugins", "show", "ttd").stdout
    assert tow.json("plugins", "show", "ttd")["columns"] is None


def test_options_that_a_plugin_does_not_have_are_refused(tow):
    assert 'did you mean "endpoint"' in tow.run("plugins", "show", "ttd", "--endpont", "x", code=2).stderr
    assert "is none of advertiser|" in tow.run("plugins", "show", "ttd", "--endpoint", "x", code=2).stderr
    assert "takes whatever columns" in tow.run("plugins", "show", "csv", "--path", "x", code=2).stderr


def test_check_names_all_that_is_wrong_with_columns_at_once(tow):
    tow.write("in.csv", "id_value,ttl_in_minutes\na,1\n")
    tow.job(sink=ttd("https://ttd.example.com"))
    said = tow.run("check", "job.cfg", code=2, env=ENV).stderr
    assert "columns are missing: segment_name (string), id_type (string)" in said
    assert "column ttl_in_minutes is string and must be int32" in said


def test_check_looks_for_columns_where_the_input_is_not_known(tow):
    tow.job(source='plugin = "csv"; path = "-";', sink=ttd("https://ttd.example.com"), more=COLUMNS)
    tow.run("check", "job.cfg", env=ENV)
    tow.job(
        source='plugin = "csv"; path = "-";',
        sink=ttd("https://ttd.example.com"),
        more='  columns = ( { name = "id_type"; }, { name = "id"; } );',
    )
    said = tow.run("check", "job.cfg", code=2, env=ENV).stderr
    assert "sink ttd: columns lacks what it needs: segment_name, id_value" in said


def test_check_knows_what_an_endpoint_needs(tow):
    tow.write("in.csv", "id\na\n")
    tow.job(sink='plugin = "ttd"; endpoint = "thirdparty"; advertiser_id = "a"; token = "${env:TTD_TOKEN}";', more=COLUMNS)
    said = tow.run("check", "job.cfg", code=2, env=ENV).stderr
    assert "endpoint thirdparty needs data_provider_id, and has no use for advertiser_id" in said


# ---- secrets ------------------------------------------------------------------------------------


def test_the_token_is_nowhere(tow, recorder):
    """Not in logs, errors, output for machines, the state, rejects, results or argument lists, also
    where the server repeats it."""
    echo = json.dumps({"FailedLines": [{"ErrorCode": TOKEN, "Message": f"by {TOKEN}", "ItemNumber": 1}]})
    hello = threading.Event()

    def otherwise(path, headers, body):
        hello.wait(10)
        return echo if "a" in items(body) else {"status": 401, "body": f"token {TOKEN} is unknown"}

    server = recorder(otherwise=otherwise)
    tow.write("in.csv", "id\na\nb\n")
    tow.job(
        sink=ttd(server.url, "batch_rows = 1;"),
        more=COLUMNS + '  results = { plugin = "file"; path = "results.ndjson"; };\n  pipeline = { workers = 1; };\n',
    )
    tow.env.update(ENV)
    process = tow.start("run", "job.cfg", "-v", "--log-format", "json")
    while not server.requests:
        assert process.poll() is None
    arguments = open(f"/proc/{process.pid}/cmdline", "rb").read()
    hello.set()
    said = "".join(tow.finish(process, 3))
    assert "HTTP 401: token *************** is unknown" in said
    said += arguments.decode()
    for command in (["check", "job.cfg"], ["plan", "job.cfg"], ["runs"], ["runs", "show", 1], ["state", "show", "job"], ["rejects", 1]):
        for form in ([], ["--json"]):
            done = tow.run(*command, *form, code=None)
            said += done.stdout + done.stderr
    assert TOKEN not in said
    kept = [path for path in tow.folder.rglob("*") if path.is_file()]
    assert any(b"by ***************" in path.read_bytes() for path in kept)
    assert not [path for path in kept if TOKEN.encode() in path.read_bytes()]
    assert all(headers["ttd-auth"] == TOKEN for _, headers, _ in server.requests)


# ---- a bad day ----------------------------------------------------------------------------------

ROWS = 200_000


class BadServer:
    """Answers with 429 to 5% of the requests, 500 to 2%, cuts 1%, half of these after it has taken
    them, and refuses 1% of the rows. It knows what it did to each row."""

    def __init__(self):
        self.random = random.Random(7)
        self.lock = threading.Lock()
        self.outcome = {}  # by id, as it was last taken
        self.answered = Counter()  # how often an answer told of the row
        self.unanswered = Counter()  # how often it came without an answer
        self.kinds = Counter()

    def refuses(self, row):
        return hashlib.md5(row.encode()).digest()[0] * 100 < 256

    def take(self, rows):
        lines = []
        for number, row in enumerate(rows, 1):
            self.outcome[row] = "InvalidUserId" if self.refuses(row) else None
            if self.outcome[row]:
                lines.append({"ErrorCode": "InvalidUserId", "Message": f"no {row}", "ItemNumber": str(number)})
        return json.dumps({"FailedLines": lines})

    def __call__(self, path, headers, body):
        rows = items(body)
        with self.lock:
            chance = self.random.random() * 100
            if chance < 5:
                self.kinds["429"] += 1
                self.unanswered.update(rows)
                return {"status": 429, "headers": {"Retry-After": "1" if chance < 1 else "0"}}
            if chance < 7:
                self.kinds["500"] += 1
                self.unanswered.update(rows)
                return {"status": 500, "body": "boom"}
            if chance < 8:
                self.kinds["cut"] += 1
                if chance < 7.5:
                    self.take(rows)
                self.unanswered.update(rows)
                return {"end": "reset"}
            self.kinds["200"] += 1
            self.answered.update(rows)
            return self.take(rows)


def bad_day(tow, recorder, retry):
    bad = BadServer()
    server = recorder(otherwise=bad)
    tow.write("in.csv", "id\n" + "".join(f"id-{i}\n" for i in range(ROWS)))
    tow.job(
        sink=ttd(server.url, "batch_rows = 500;"),
        more=COLUMNS + f'  results = {{ plugin = "file"; path = "results.ndjson"; }};\n  retry = {{ {retry} }};\n',
    )
    tow.env.update(ENV)
    return bad, server


def is_as_the_server_has_it(tow, bad):
    assert all(bad.kinds[kind] > 2 for kind in ("429", "500", "cut", "200")), bad.kinds
    rows = tow.rows("results.ndjson")
    assert len(rows) == ROWS
    assert {row["id"]: row["error_code"] for row in rows} == bad.outcome
    assert all(row["success"] == (row["error_code"] is None) for row in rows)
    # No row was sent again once an answer had told of it.
    assert set(bad.answered.values()) == {1} and len(bad.answered) == ROWS


def test_every_row_has_the_outcome_that_the_server_gave_it(tow, recorder):
    bad, server = bad_day(tow, recorder, 'base = "1ms"; tries = 100;')
    report = tow.json("run", "job.cfg")
    is_as_the_server_has_it(tow, bad)
    assert report["rows"]["rejected"] == sum(1 for code in bad.outcome.values() if code)
    assert server.connections <= 4 + 2 * bad.kinds["cut"]


def test_runs_that_fail_and_go_on_send_nothing_twice(tow, recorder):
    bad, _ = bad_day(tow, recorder, "tries = 1;")
    runs = 1
    while tow.run("run", "-q", "job.cfg", code=None).returncode in (3, 6):
        runs += 1
        assert runs < 200
    assert runs > 5
    is_as_the_server_has_it(tow, bad)


# ---- what every plugin promises -----------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ["advertiser", "offlineconversion", "deletion_optout_merchant"])
def test_the_sink_keeps_what_every_sink_promises(tow, recorder, endpoint):
    server = recorder()
    context = {
        "advertiser": ["advertiser_id=a"],
        "offlineconversion": ["data_provider_id=dp"],
        "deletion_optout_merchant": ["merchant_id=7", "request_type=OptOut"],
    }[endpoint]
    options = [f"endpoint={endpoint}", f"token={TOKEN}", f"server_url={server.url}", *context]
    module = Path(os.environ["TOWPATH_PLUGIN_PATH"].split(":")[0]) / "ttd.so"
    out = tow.run("plugins", "test", module, *(f"--option={option}" for option in options)).stdout
    assert "pass  the sink takes the columns that it names\n" in out
    keeps_its_promises(out)
    assert (len(server.requests) > 0) == (endpoint == "offlineconversion")  # elsewhere no id type fits


def test_a_kill_sends_again_only_what_was_under_way(tow, recorder):
    """Of the requests that were answered before a kill, the next run repeats at most those whose answer
    was on its way, or a few milliseconds old."""
    size, workers, kills = 100, 2, 3
    answered = Counter()
    lock = threading.Lock()
    enough = threading.Event()

    def otherwise(path, headers, body):
        time.sleep(0.03)
        with lock:
            answered.update(items(body))
            if sum(answered.values()) > 40 * size * (1 + kills - left):
                enough.set()
        return '{"FailedLines":null}'

    server = recorder(otherwise=otherwise)
    rows = 20_000
    tow.write("in.csv", "id\n" + "".join(f"id-{i}\n" for i in range(rows)))
    tow.job(sink=ttd(server.url, f"batch_rows = {size};"), more=COLUMNS + f"  pipeline = {{ workers = {workers}; }};\n")
    tow.env.update(ENV)
    for left in range(kills, 0, -1):
        enough.clear()
        process = tow.start("run", "-q", "job.cfg")
        assert enough.wait(30)
        process.kill()
        process.wait(30)
    report = tow.json("run", "job.cfg")
    assert report["rows"]["pending"] == 0
    assert len(answered) == rows
    repeated = sum(times - 1 for times in answered.values())
    assert repeated <= kills * workers * 2 * size


# ---- the sandbox --------------------------------------------------------------------------------

CONF = Path(__file__).resolve().parents[2] / "conf/ttd"


@pytest.mark.parametrize(
    "name, endpoint",
    [
        ("first_party", "advertiser"),
        ("third_party", "thirdparty"),
        ("conversions", "offlineconversion"),
        ("opt_out", "deletion_optout_advertiser"),
    ],
)
def test_the_example_jobs_push_what_the_api_takes(tow, sandbox, name, endpoint):
    shutil.copytree(CONF, tow.folder / "conf")
    tow.env.update(sandbox.env())
    report = tow.json("run", f"conf/{name}.cfg", "--set", f"sink.server_url={sandbox.url}")
    taken = sandbox.ttd()["items"]
    assert report["rows"]["accepted"] == report["rows"]["read"] == len(taken)
    assert {entry["endpoint"] for entry in taken} == {endpoint}
    assert not [entry for entry in taken if entry["error_code"]]


def test_the_other_deletions_are_taken_too(tow, sandbox):
    tow.env.update(sandbox.env())
    tow.write("in.csv", "id_type,id_value\nTDID,0b1e5c9a-7d42-4f7b-9a34-5e2d1c8f6a10\nTDID,none\n")
    for endpoint, context in {
        "deletion_optout_thirdparty": 'data_provider_id = "dp"; brand_id = "b";',
        "deletion_optout_merchant": "merchant_id = 7;",
    }.items():
        tow.job(
            name=endpoint,
            sink=f'plugin = "ttd"; endpoint = "{endpoint}"; {context} request_type = "Deletion"; '
            'token = "${env:TTD_TOKEN}"; server_url = "${env:TTD_URL}";',
        )
        report = tow.json("run", f"{endpoint}.cfg")
        assert [report["rows"][kind] for kind in ("accepted", "rejected")] == [1, 1]
    assert [entry["error_code"] for entry in sandbox.ttd()["items"]] == [None, "InvalidUserId"] * 2


def test_a_token_without_rights_stops_the_run_and_loses_nothing(tow, sandbox):
    sandbox.set(ttd_allowed=False)
    tow.env.update(sandbox.env())
    tow.write("in.csv", "id\n0b1e5c9a-7d42-4f7b-9a34-5e2d1c8f6a10\n")
    tow.job(sink=ttd(sandbox.url), more=COLUMNS)
    assert "HTTP 403: Forbidden" in tow.run("run", "job.cfg", code=3).stderr
    sandbox.set(ttd_allowed=True)
    assert tow.json("run", "job.cfg")["rows"]["accepted"] == 1


def test_requests_that_are_too_large_are_halved_until_they_fit(tow, sandbox):
    sandbox.set(ttd_max_bytes=5000)
    tow.env.update(sandbox.env())
    rows = "".join(f"00000000-0000-0000-0000-{i:012}\n" for i in range(1000))
    tow.write("in.csv", "id\n" + rows)
    tow.job(sink=ttd(sandbox.url), more=COLUMNS)
    assert tow.json("run", "job.cfg")["rows"]["accepted"] == 1000
    assert len(sandbox.ttd()["items"]) == 1000
