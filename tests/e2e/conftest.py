"""Fixtures of the end-to-end tests; what of them a run takes."""

import zlib

import pytest

from sandbox import sandbox, sandbox_process  # noqa: F401
from towpath import program, tow  # noqa: F401

# As one types them; each has --help.
COMMANDS = [
    "run",
    "check",
    "plan",
    "init",
    "setup",
    "schedule",
    "plugins list",
    "plugins show",
    "plugins test",
    "plugins new",
    "jobs",
    "top",
    "runs",
    "runs show",
    "rejects",
    "replay",
    "state show",
    "state reset",
    "state set",
    "daemon",
    "keys",
    "completion",
    "version",
]


# Their fixtures are for all tests of the file.
TOGETHER = ["test_install.py", "test_schedule_random.py"]


def pytest_addoption(parser):
    parser.addoption("--part", default="1/1", help="I/N: the tests of one of N parts, each about as many")


def pytest_collection_modifyitems(config, items):
    part, parts = map(int, config.getoption("--part").split("/"))

    def is_ours(item):
        key = item.path.name if item.path.name in TOGETHER else item.nodeid.split("::", 1)[-1]
        return zlib.crc32(key.encode()) % parts == part - 1

    config.hook.pytest_deselected(items=[item for item in items if not is_ours(item)])
    items[:] = [item for item in items if is_ours(item)]


@pytest.fixture
def people(tow):
    """in.csv with three good rows and two bad ones, and job.cfg that types it."""
    tow.write("in.csv", "id,name,age\n1,Ann,30\n2,Bob,x\n3,Cy,31\n4,,32\n5,Eve,33\n")
    tow.job(
        more='  columns = ( { name = "id"; from = "id"; type = "int64"; },\n'
        '    { name = "name"; from = "name"; required = true; },\n'
        '    { name = "age"; from = "age"; type = "int32"; } );'
    )
    return tow
