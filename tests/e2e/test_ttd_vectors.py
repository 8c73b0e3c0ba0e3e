"""The Trade Desk's own client, case by case: what it sends and makes of answers, and where towpath
does otherwise (tests/data/ttd/README.md, docs/ttd.md)."""

import json
import re
from pathlib import Path

import pytest

from helpers import csv_text
from recorder import recorder  # noqa: F401

SOURCE = Path(__file__).resolve().parents[2]
VECTORS = json.loads((SOURCE / "tests/data/ttd/vectors.json").read_text())
TOKEN = "tok-123"


def case(vector):
    return pytest.param(vector, id=vector["id"])


def setting(name, value):
    if isinstance(value, list):
        return f"{name} = ( {', '.join(json.dumps(item) for item in value)} );"
    return f"{name} = {json.dumps(value)};"


def push(tow, vector, url, code):
    """A run over the vector's rows: its results, by row."""
    columns = vector["columns"]

    def cell(row, name):
        value = row.get(name)
        return json.dumps(value) if columns[name] == "json" and value is not None else value

    rows = [[cell(row, name) for name in columns] for row in vector["rows"]]
    text = [[value if value is None else str(value) for value in row] for row in rows]
    tow.write("in.csv", csv_text([list(columns), *text]))
    options = dict(vector["options"])
    url += options.pop("server_path", "")
    settings = " ".join(setting(*item) for item in options.items())
    tow.job(
        source='plugin = "csv"; path = "in.csv"; null_values = ( "" );',
        sink=f'plugin = "ttd"; endpoint = "{vector["endpoint"]}"; token = "${{env:TTD_TOKEN}}"; '
        f'server_url = "{url}"; timeout = "500ms"; {settings}',
        more="  columns = ( "
        + ", ".join(f'{{ name = "{name}"; type = "{kind}"; }}' for name, kind in columns.items())
        + ' );\n  results = { plugin = "file"; path = "results.ndjson"; };\n'
        '  retry = { base = "1ms"; };\n',
    )
    done = tow.run("run", "job.cfg", code=code, env={"TTD_TOKEN": TOKEN})
    assert TOKEN not in done.stdout + done.stderr
    return done


def results(tow):
    return [[row["success"], row["error_code"], row["error_message"]] for row in tow.rows("results.ndjson")]


@pytest.mark.parametrize("vector", map(case, VECTORS["requests"]))
def test_requests_are_those_of_the_vectors(tow, recorder, vector):
    server = recorder()
    push(tow, vector, server.url, 0)
    wanted = [(vector["path"], vector["body"])] if vector["body"] else []
    assert [(path, json.loads(body)) for path, _, body in server.requests] == wanted
    for _, headers, _ in server.requests:
        assert headers["ttd-auth"] == TOKEN
        assert headers["content-type"] == headers["accept"] == "application/json"
    codes = {str(i): code for i, (success, code, _) in enumerate(results(tow)) if not success}
    assert codes == vector["rejected"]


@pytest.mark.parametrize("vector", map(case, VECTORS["responses"]))
def test_answers_mean_what_the_vectors_say(tow, recorder, vector):
    server = recorder(vector["replies"])
    done = push(tow, vector, server.url, vector["exit"])
    assert len(server.requests) == vector["requests"]
    if vector["results"] is None:
        assert vector["says"] in done.stderr
        (run,) = tow.json("runs")
        assert run["rows"]["pending"] == len(vector["rows"])
    else:
        assert results(tow) == vector["results"]


def test_every_deviation_is_told_in_the_manual():
    text = (SOURCE / "docs/ttd.md").read_text()
    told = set(re.findall(r"`([a-z]+(?:-[a-z]+)?-\d+)`", text))
    for vector in VECTORS["requests"] + VECTORS["responses"]:
        number = re.match(r"[a-z]+(-[a-z]+)?-\d+", vector["id"])[0]
        assert not vector.get("deviation") or number in told, vector["id"]
