"""Every fault at every request of a run: it ends soon and with a code that says what to do, and once the
fault is gone, another run brings each row exactly once.

The requests of a run are what an undisturbed one sends. Each fault meets each of them with TOWPATH_FAULTS=all,
which takes minutes; without, it meets some, another fault others."""

import hashlib
import json
import os
import signal
import time

import pytest
from helpers import csv_text
from sandbox import sandbox, sandbox_process  # noqa: F401

ALL = os.environ.get("TOWPATH_FAULTS") == "all"
ROWS = 40
TABLE = "main.crm.people"
STAGE = "/Volumes/main/crm/stage"
SECONDS = 20  # that a run may take, whatever it meets
QUICK = 'retry = { base = "1ms"; cap = "5ms"; budget = "5s"; tries = 4; };'
TYPED = 'columns = ( { name = "id"; type = "int64"; }, { name = "name"; } );'

# What one more try mends.
PASSING = {
    "503": {"do": "answer", "status": 503},
    "429": {"do": "answer", "status": 429},
    "500 without a body": {"do": "answer", "status": 500, "body": ""},
    "502 of a proxy": {"do": "html", "status": 502},
    "cut before the body": {"do": "cut", "point": "arrived"},
    "cut before it is done": {"do": "cut", "point": "before"},
    "cut after it is done": {"do": "cut", "point": "after"},
    "cut in the answer": {"do": "cut"},
    "short": {"do": "short"},
}
SLOW = {
    "503 with Retry-After": {"do": "answer", "status": 503, "retry_after": "1"},
    "429 with Retry-After": {"do": "answer", "status": 429, "retry_after": "1"},
    "slow": {"do": "slow", "bytes_per_second": 2000},
}
# What may end the run.
ENDING = {
    "a page instead": {"do": "html", "status": 200, "title": "Log in to the proxy"},
    "redirect": {"do": "redirect", "status": 302, "location": "http://127.0.0.1:9/login"},
    "403": {"do": "answer", "status": 403},
    "404": {"do": "answer", "status": 404, "message": "it is not there"},
    "400": {"do": "answer", "status": 400, "message": "not so"},
    "no JSON": {"do": "answer", "status": 200, "body": "{\"status\": "},
    "other JSON": {"do": "answer", "status": 200, "body": "[1, {\"a\": null}]"},
    "empty": {"do": "answer", "status": 200, "body": ""},
}
LASTING = {
    "503 from then on": {"do": "answer", "status": 503},
    "cut from then on": {"do": "cut"},
}
KILLED = {
    "killed before it is done": {"do": "hold", "name": "kill", "point": "before"},
    "killed after it is done": {"do": "hold", "name": "kill", "point": "after"},
}


class Reading:
    """Rows of a table in files."""

    def __init__(self, options, login="token"):
        self.options = options
        self.login = login

    def prepare(self, tow, sandbox):
        if self.login == "oauth":
            tow.env.pop("DATABRICKS_TOKEN")
            tow.env.update(DATABRICKS_CLIENT_ID=sandbox.client_id, DATABRICKS_CLIENT_SECRET=sandbox.client_secret)
        sandbox.set(chunk_rows=10)
        sandbox.sql(f"CREATE TABLE {TABLE} (id BIGINT, at TIMESTAMP, name STRING)")
        sandbox.sql(
            f"INSERT INTO {TABLE} SELECT id, timestamp_micros(1767225600000000 + CAST(floor(id / 3) AS BIGINT) "
            f"* 1000000), concat('name ', id) FROM range(0, {ROWS})"
        )

    def job(self, tow, name):
        tow.job(
            name=name,
            source=f'plugin = "databricks"; table = "{TABLE}"; {self.options}',
            sink=f'plugin = "file"; path = "{name}/{{load}}.ndjson"; mkdirs = true;',
            more=QUICK,
        )

    def found(self, tow, sandbox, name):
        lines = [line for file in (tow.folder / name).glob("*.ndjson") for line in file.read_text().splitlines()]
        return sorted(json.loads(line)["id"] for line in lines)


class Loading:
    """Rows of a file in a table of each job."""

    def __init__(self, options):
        self.options = options

    def prepare(self, tow, sandbox):
        # Texts that do not compress, so that there are several parts.
        names = [hashlib.sha512(b"%d" % i).hexdigest() for i in range(ROWS)]
        tow.write("in.csv", csv_text([["id", "name"], *([str(i), names[i]] for i in range(ROWS))]))

    def job(self, tow, name):
        tow.job(
            name=name,
            source='plugin = "csv"; path = "in.csv";',
            sink=f'plugin = "databricks_copy"; table = "main.crm.{name}"; stage = "{STAGE}"; {self.options}',
            more=f'{TYPED} pipeline = {{ batch_rows = 20; workers = 1; }}; {QUICK}',
        )

    def found(self, tow, sandbox, name):
        return [int(row[0]) for row in sandbox.sql(f"SELECT id FROM main.crm.{name} ORDER BY id")]


WAYS = {
    "all of a table": Reading("fetches = 1;"),
    "what is new, by OAuth": Reading('cursor = "at"; tie_break = "id"; fetches = 1;', "oauth"),
    "inline": Reading('result = "inline"; cursor = "at";'),
    "append": Loading('part_bytes = "1kB";'),
    "merge": Loading('mode = "merge"; keys = "id";'),
    "replace": Loading('mode = "replace";'),
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request, tow, sandbox):  # noqa: F811
    """A way of moving rows, and the requests of a run that does."""
    tow.env.update(sandbox.env())
    request.param.prepare(tow, sandbox)
    return request.param


SENT = {}  # by way; it is the same each time


def requests_of(way, tow, sandbox):
    """What an undisturbed run sends."""
    if way not in SENT:
        before = len(sandbox.log())
        way.job(tow, "plain")
        tow.run("run", "plain.cfg")
        sent = sandbox.log()[before:]
        assert way.found(tow, sandbox, "plain") == list(range(ROWS))
        SENT[way] = [f"{entry['method']} {entry['path']}" for entry in sent]
    return SENT[way]


def chosen(way, tow, sandbox, turn, stride):
    """The requests that fault number `turn` meets: number and name of each."""
    requests = list(enumerate(requests_of(way, tow, sandbox)))
    return requests if ALL else requests[turn % stride :: stride]


def under(way, tow, sandbox, name, rule):
    """Runs the job with this rule: its exit code, what it said."""
    way.job(tow, name)
    sandbox.faults([rule])
    began = time.monotonic()
    done = tow.run("run", f"{name}.cfg", code=None)
    assert time.monotonic() - began < SECONDS
    sandbox.faults([])
    return done.returncode, done.stderr


def mend(way, tow, sandbox, name, code):
    """Runs the job again, where it failed, or else looks at once: each row is there once."""
    if code != 0:
        tow.run("run", f"{name}.cfg")
    assert way.found(tow, sandbox, name) == list(range(ROWS))


def each(way, tow, sandbox, requests, rule, judge):
    """The rule at each of these requests, one after the other; all that is wrong at once."""
    wrong = []
    for i, what in requests:
        name = f"job{i}"
        try:
            code, said = under(way, tow, sandbox, name, {**rule, "skip": i})
            judge(code, said)
            mend(way, tow, sandbox, name, code)
        except AssertionError as error:
            wrong.append(f"request {i}, {what}: {error}")
        sandbox.faults([])
    assert not wrong, "\n\n".join(wrong)


def is_told(code, said):
    assert code in (2, 3, 6), (code, said)
    assert "error" in said


def passes(code, said):
    assert code == 0, (code, said)


def passes_or_is_told(code, said):
    if code != 0:
        is_told(code, said)


def faults(rules):
    """One test for each; its number spreads them over the requests."""
    return pytest.mark.parametrize("turn, rule", enumerate(rules.values()), ids=rules)


@faults(PASSING)
def test_what_passes_costs_nothing(way, tow, sandbox, turn, rule):  # noqa: F811
    each(way, tow, sandbox, chosen(way, tow, sandbox, turn, 5), {**rule, "times": 1}, passes)


@faults(SLOW)
def test_what_takes_its_time_is_waited_for(way, tow, sandbox, turn, rule):  # noqa: F811
    each(way, tow, sandbox, chosen(way, tow, sandbox, turn, 8), {**rule, "times": 1}, passes)


@faults(ENDING)
def test_what_cannot_be_an_answer_is_told(way, tow, sandbox, turn, rule):  # noqa: F811
    each(way, tow, sandbox, chosen(way, tow, sandbox, turn, 5), {**rule, "times": 1}, passes_or_is_told)


@faults(LASTING)
def test_what_does_not_pass_is_told(way, tow, sandbox, turn, rule):  # noqa: F811
    each(way, tow, sandbox, chosen(way, tow, sandbox, turn, 5), rule, passes_or_is_told)


@faults(KILLED)
def test_a_killed_run_is_run_again(way, tow, sandbox, turn, rule):  # noqa: F811
    for i, what in chosen(way, tow, sandbox, turn, 2):
        name = f"job{i}"
        way.job(tow, name)
        sandbox.faults([{**rule, "skip": i, "times": 1}])
        process = tow.start("run", f"{name}.cfg")
        sandbox.hold("kill")
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=SECONDS)
        sandbox.release("kill")
        sandbox.faults([])
        tow.run("run", f"{name}.cfg")
        assert way.found(tow, sandbox, name) == list(range(ROWS)), what
