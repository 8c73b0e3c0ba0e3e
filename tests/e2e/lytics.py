"""What tests of the Lytics plugins share: the sandbox as Lytics and as the lake, jobs, and their tables."""

from datetime import datetime, timedelta, timezone

import pytest
import sqlcheck

VOLUME = "/Volumes/main/lytics/stage"
QUICK = 'retry = { base = "1ms"; cap = "20ms"; budget = "30s"; tries = 200; };'
ACCESS = (
    'token = "${env:LYTICS_TOKEN}"; api_url = "${env:LYTICS_API_URL}"; '
    'bulk_url = "${env:LYTICS_BULK_URL}"; rate_wait = "5ms";'
)
NOW = datetime.now(timezone.utc).replace(microsecond=0)


@pytest.fixture
def far(tow, sandbox):
    """The sandbox as jobs find it. Every statement that a test has sent to it must parse."""
    tow.env.update(sandbox.env())
    yield sandbox
    sandbox.faults([])
    for text in {text for text in sandbox.statements() if "`" in text}:
        sqlcheck.check(text)
    for entry in sandbox.log():
        assert sandbox.lytics_token not in entry["query"], "the token went into a URL"


def ago(**span):
    """A moment before now, as the API writes it."""
    return (NOW - timedelta(**span)).isoformat().replace("+00:00", "Z")


def day(**span):
    return (NOW - timedelta(**span)).strftime("%Y-%m-%d")


def into_lake(table, sink=""):
    return f'plugin = "databricks_copy"; table = "{table}"; stage = "{VOLUME}"; {sink}'


def lines(done):
    """What a run has logged."""
    return done.stderr.splitlines()
