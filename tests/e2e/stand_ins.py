"""Tools that the examples of the manual call and a machine may lack, as far as the examples go.

    stand_ins.py curl|sqlite3|rsync|journalctl ARGUMENTS
"""

import shutil
import sqlite3
import sys
import urllib.request
from pathlib import Path


def curl(silent, url, flag=None, data=None):
    assert silent == "-s" and flag in (None, "-d")
    if data and data.startswith("@"):
        data = Path(data[1:]).read_text()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, data and data.encode(), timeout=60) as answer:
        sys.stdout.write(answer.read().decode())


def sqlite(path, script):
    state = sqlite3.connect(path)
    if script.startswith(".backup "):
        with sqlite3.connect(script.split(None, 1)[1].strip("'")) as copy:
            state.backup(copy)
    else:
        state.executescript(script)
    state.close()


def rsync(flag, source, target):
    assert flag == "-a" and source.endswith("/") and target.endswith("/")
    shutil.copytree(source, target, dirs_exist_ok=True)


def journalctl(*_):
    """There is no journal where tests run."""


TOOLS = {"curl": curl, "sqlite3": sqlite, "rsync": rsync, "journalctl": journalctl}
TOOLS[sys.argv[1]](*sys.argv[2:])
