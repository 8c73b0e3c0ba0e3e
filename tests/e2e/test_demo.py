"""`./quickstart demo` does what its comments say."""

import os
import subprocess
import sys
from pathlib import Path

from sandbox import need_modules
from snippets import README, blocks, like

DEMO = Path(__file__).resolve().parents[2] / "conf/demo/demo.sh"


def test_the_demo_shows_rejected_rows_and_their_replay(tow):
    need_modules()
    build = tow.folder / "build"
    build.mkdir()
    for name in ("towpath", ".libs"):
        (build / name).symlink_to(Path(os.environ["TOWPATH_BUILD"]) / name)
    done = subprocess.run(
        ["sh", DEMO, build, sys.executable],
        env={**tow.env, "TOWPATH_PLUGIN_PATH": os.environ["TOWPATH_PLUGIN_PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # All that the README shows of it, in this order.
    (shown,) = [block for block in blocks(README) if block.startswith("== towpath run audience.cfg\n")]
    said = iter(done.stdout.replace(f"{build}/demo/", "").splitlines())
    for line in filter(None, shown.splitlines()):
        assert any(like(one, line) for one in said), line
    assert done.stdout.count(" InvalidTtlInMinutes ") == 2
    tow.state = build / "demo/state.db"
    tow.env["TOWPATH_STATE"] = str(tow.state)
    counts = {
        run["run"]: [run["rows"][name] for name in ("read", "accepted", "rejected")] for run in tow.json("runs")
    }
    assert counts == {1: [12, 6, 6], 2: [8, 6, 2], 3: [2, 2, 0], 4: [12, 6, 6], 5: [6, 6, 0]}
