"""The accounts that campaigns judge by see what is wrong."""

import random

import pytest
from paths import PATHS


@pytest.fixture
def path(tow, sandbox):
    done = PATHS["csv-file"]().prepare(tow, sandbox, 300, random.Random(1))
    done.finish()
    assert done.account().faults(exact=True) == []
    return done


def lines_of(tow, folder):
    (name,) = (tow.folder / folder).glob("*.ndjson")
    return name, name.read_text().splitlines(keepends=True)


def test_a_row_that_is_missing_is_lost(tow, path):
    name, lines = lines_of(tow, "out")
    name.write_text("".join(lines[:7] + lines[9:]))
    account = path.account()
    assert (account.lost, account.doubled) == (2, 0)
    assert account.faults(exact=False) == ["2 rows lost"]


def test_a_row_that_came_twice_is_doubled(tow, path):
    name, lines = lines_of(tow, "out")
    name.write_text("".join([lines[3], *lines]))
    account = path.account()
    assert (account.lost, account.doubled) == (0, 1)
    assert account.faults(exact=True) == ["1 rows doubled"]
    assert account.faults(exact=False) == []


def test_a_row_with_another_text_is_lost_and_from_nowhere(tow, path):
    name, lines = lines_of(tow, "out")
    name.write_text("".join([lines[0].replace("text of", "test of"), *lines[1:]]))
    account = path.account()
    assert account.lost == 1
    assert "from nowhere" in account.unclear[0]


def test_a_row_without_an_outcome_is_unclear(tow, path):
    name, lines = lines_of(tow, "results")
    name.write_text("".join(lines[:-1]))
    assert path.account().unclear


def test_an_outcome_that_is_not_so_is_unclear(tow, path):
    name, lines = lines_of(tow, "results")
    name.write_text("".join([lines[0].replace('"success":true', '"success":false'), *lines[1:]]))
    assert path.account().unclear == ["results say False of row 0"]


def test_what_should_be_gone_is_left_over(tow, path):
    (tow.folder / "out/.x.ndjson.tmp").write_text("")
    (tow.folder / "tmp/part").write_text("")
    assert path.account().left_over == ["out/.x.ndjson.tmp", "tmp/part"]
