"""What tests of the source `databricks` share: a job that reads from the sandbox, and its tables."""

import json

import pytest
from helpers import checkpoint

TABLE = "main.crm.people"
QUICK = 'retry = { base = "1ms"; cap = "20ms"; tries = 4; };'
MANY = 6000  # rows of tables that come in several chunks


@pytest.fixture
def lake(tow, sandbox):
    """The program, told where the sandbox is."""
    tow.env.update(sandbox.env())
    return tow


def read(tow, source=f'table = "{TABLE}";', more=QUICK, **kwargs):
    """Writes job.cfg, which reads this."""
    return tow.job(source=f'plugin = "databricks"; {source}', more=more, **kwargs)


def run(tow, code=0):
    """A run's report, and what it logged."""
    done = tow.run("run", "job.cfg", "--json", code=code)
    return json.loads(done.stdout), done.stderr


def people(sandbox, rows, first=0, table=TABLE):
    """A table of numbered rows, ten to each second, from 2026-01-01 on."""
    if first == 0:
        sandbox.sql(f"CREATE TABLE {table} (id BIGINT, at TIMESTAMP, name STRING)")
    sandbox.sql(
        f"INSERT INTO {table} SELECT id, timestamp_micros(1767225600000000 + "
        f"CAST(floor(id / 10) AS BIGINT) * 1000000), concat('name ', id) FROM range({first}, {first + rows})"
    )


def position_of(tow):
    return json.loads(checkpoint(tow)["position"]["text"])


def selects(sandbox):
    """The statements that brought rows."""
    return [text for text in sandbox.statements() if text.startswith("SELECT `") and "LIMIT 0" not in text]
