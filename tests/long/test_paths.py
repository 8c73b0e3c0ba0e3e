"""Each path of the campaigns does its work where nothing goes wrong, and its account sees where it did not."""

import random

import pytest
from paths import PATHS

ROWS = 700


@pytest.mark.parametrize("name", PATHS)
def test_undisturbed_each_row_arrives_once(tow, sandbox, name):
    path = PATHS[name]().prepare(tow, sandbox, ROWS, random.Random(name))
    path.finish()
    path.grow(100)
    path.finish()
    account = path.account()
    assert account.rows == path.rows >= ROWS
    assert account.faults(exact=True) == []
