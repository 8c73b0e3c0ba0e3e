"""The sink zerobus end to end, over a native far end that counts what it is sent.

TOWPATH_CRASH_KILLS says how often the run of a million rows is killed (12; TOWPATH_CRASH_ROWS rows).
"""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from helpers import columns, is_running, put, rejected, until

FAR_END = Path(os.environ.get("TOWPATH_BUILD") or "/nowhere") / "tests/bench/zerobus_far_end"
KILLS = int(os.environ.get("TOWPATH_CRASH_KILLS", "12"))
ROWS = int(os.environ.get("TOWPATH_CRASH_ROWS", "300000"))
SEED = int(os.environ.get("TOWPATH_CRASH_SEED", "20260301"))
TOKEN = "Bearer v3ry-s3cret"
TYPES = columns('name = "id"; type = "int64"', 'name = "text"')

pytestmark = pytest.mark.skipif(not FAR_END.exists(), reason="the far end is not built")


class FarEnd:
    """The process; `report` ends it and tells what came."""

    def __init__(self, *flags):
        self.process = subprocess.Popen(
            [FAR_END, *map(str, flags)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self.process.stdout.readline().strip()

    def report(self):
        out, _ = self.process.communicate(timeout=60)
        return json.loads(out)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def far_end():
    started = []

    def start(*flags):
        started.append(FarEnd(*flags))
        return started[-1]

    yield start
    for process in started:
        process.close()


def job(tow, far, sink="", more=""):
    tow.env["ZEROBUS_HEADER"] = f"authorization: {TOKEN}"
    tow.job(
        sink=f'plugin = "zerobus"; endpoint = "{far.url}"; table = "main.sales.orders"; proxy = "";'
        f' schema = "columns"; headers = "${{env:ZEROBUS_HEADER}}"; {sink}',
        more=TYPES + more,
    )


def rows(tow, count, text="text of row {}"):
    put(tow.folder, {"in.csv": "id,text\n" + "".join(f"{i},{text.format(i)}\n" for i in range(count))})


def test_rows_arrive_over_tls(tow, far_end):
    far = far_end("--tls", tow.folder / "ca.pem", "--ids", 50000)
    rows(tow, 50000)
    job(tow, far, f'ca_file = "{tow.folder}/ca.pem";')
    assert tow.json("run", "job.cfg")["rows"]["accepted"] == 50000
    report = far.report()
    assert (report["records"], report["missing"], report["sent_again"]) == (50000, 0, 0)


def test_streams_that_the_server_closes_follow_each_other(tow, far_end):
    far = far_end("--ids", 100000, "--close-after", 2)
    rows(tow, 100000)
    job(tow, far, "stream_paused_max_wait_time_ms = 0;")
    tow.json("run", "job.cfg")
    report = far.report()
    assert report["streams"] >= 2  # a slow machine sends much before it hears the signal
    assert (report["missing"], report["sent_again"]) == (0, 0)


def test_several_streams_share_a_load(tow, far_end):
    far = far_end("--ids", 200000, "--ack-after", 5)
    rows(tow, 200000)
    job(tow, far, "streams = 4;", "  pipeline = { queue_batches = 16; };")
    tow.json("run", "job.cfg")
    report = far.report()
    assert (report["streams"], report["missing"], report["sent_again"]) == (4, 0, 0)


def test_a_poisoned_row_is_rejected_and_can_be_replayed(tow, far_end):
    far = far_end("--ids", 30000, "--poison", "row 17171 ")
    rows(tow, 30000, "text of row {} ")
    job(tow, far)
    done = tow.json("run", "job.cfg")
    assert (done["rows"]["accepted"], done["rows"]["rejected"]) == (29999, 1)
    (reject,) = rejected(tow, 1)
    assert reject["row"]["id"] == "17171"
    assert reject["code"] == "refused"
    report = far.report()
    assert (report["missing"], report["sent_again"]) == (1, 0)
    far = far_end("--ids", 30000)
    job(tow, far)
    assert tow.json("replay", 1)["rows"]["accepted"] == 1


def test_a_row_that_does_not_fit_is_rejected_before_it_is_sent(tow, far_end):
    far = far_end("--ids", 10)
    put(tow.folder, {"in.csv": "id,text\n1,a\n2," + "x" * 2000 + "\n3,c\n"})
    job(tow, far, "max_ingest_payload_bytes = 1000;")
    assert tow.json("run", "job.cfg")["rows"]["rejected"] == 1
    assert rejected(tow, 1)[0]["code"] == "too_large"
    assert far.report()["records"] == 2


def kill_at_random(tow, rng, longest):
    """Whether the run that was started was killed before its end."""
    process = tow.start("run", "job.cfg", "--quiet")
    time.sleep(rng.uniform(0, longest))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return process.returncode == -signal.SIGKILL


def test_a_killed_run_loses_no_row(tow, far_end):
    rng = random.Random(SEED)
    far = far_end("--ids", ROWS, "--ack-after", 20)
    rows(tow, ROWS)
    job(tow, far)
    killed = 0
    while killed < KILLS and kill_at_random(tow, rng, 0.08):
        killed += 1
    if killed == KILLS:
        tow.run("run", "job.cfg", "--quiet")
    report = far.report()
    print(
        f"seed {SEED}: {killed} kills; of {ROWS} rows {report['sent_again']} were sent again,"
        f" {report['acked_again']} of them after the server had acknowledged them"
    )
    assert killed > 0
    assert report["missing"] == 0
    # Sent again is what was in flight at a kill: max_inflight_records, and the batch behind them. An
    # acknowledgement that had no time to arrive, or to be recorded, is none.
    assert report["sent_again"] <= killed * (50000 + 8192)
    assert report["acked_again"] <= killed * (50000 + 8192)


def test_a_stop_does_not_wait_for_a_server_that_is_silent(tow, far_end):
    far = far_end("--ack-after", 600000)
    rows(tow, 100000)
    job(tow, far, more="  pipeline = { drain = \"1s\"; };")
    process = tow.start("run", "job.cfg", "--quiet")
    until(lambda: is_running(tow))
    before = time.monotonic()
    process.send_signal(signal.SIGTERM)
    tow.finish(process, 143)
    assert time.monotonic() - before < 5


def test_a_server_that_is_gone_is_the_environments_fault(tow, far_end):
    far = far_end()
    far.close()
    rows(tow, 10)
    job(tow, far, "recovery_retries = 1; recovery_backoff_ms = 10;", '  retry = { tries = 2; base = "10ms"; };')
    done = tow.run("run", "job.cfg", code=3)
    assert "127.0.0.1" in done.stderr


def test_no_secret_is_shown(tow, far_end):
    far = far_end()
    rows(tow, 10)
    job(tow, far)
    said = tow.run("run", "job.cfg", "--verbose")
    said_too = tow.run("check", "job.cfg", "-v")
    kept = b"".join(path.read_bytes() for path in tow.folder.rglob("*") if path.is_file())
    for text in (said.stdout, said.stderr, said_too.stdout, said_too.stderr):
        assert "v3ry-s3cret" not in text
    assert b"v3ry-s3cret" not in kept


def test_rows_of_several_tables_arrive_once(tow, far_end):
    far = far_end("--ids", 50000)
    lines = "".join(f"{i},text of row {i},kind {i * 7919 % 5}\n" for i in range(50000))
    put(tow.folder, {"in.csv": "id,text,kind\n" + lines})
    job(tow, far)
    text = (tow.folder / "job.cfg").read_text().replace(' table = "main.sales.orders";', "")
    text = text.replace('name = "text" }', 'name = "text" }, { name = "kind" }')
    route = '  route = { by = "kind"; table = "main.sales.orders_{kind}"; keep_column = false; };\n};'
    tow.write("job.cfg", text.rstrip().removesuffix("};") + route + "\n")
    assert tow.json("run", "job.cfg")["rows"]["accepted"] == 50000
    report = far.report()
    assert (report["records"], report["missing"], report["sent_again"]) == (50000, 0, 0)
    assert report["streams"] >= 5
