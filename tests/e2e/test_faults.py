"""Input that breaks off, files that vanish, disks that fill, signals: the next run goes on, and
every row arrives once.
"""

import array
import fcntl
import gzip
import json
import re
import shutil
import signal
import subprocess
import termios
import time
from pathlib import Path

import pytest
from helpers import CSV, IN, checkpoint, columns, counts, ids, is_running, launch, limited
from helpers import numbered, put, until

QUICKLY = 2  # seconds in which a run that is told to stop must be gone


# ---- input that breaks off -----------------------------------------------------------------------


def compress_zstd(data):
    program = shutil.which("zstd")
    if not program:
        pytest.skip("no zstd to compress with")
    return subprocess.run([program, "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("name, compress", [("gz", gzip.compress), ("zst", compress_zstd)])
@pytest.mark.parametrize("share", [0.3, 0.99])
def test_a_broken_off_file_is_gone_on_with_when_it_is_complete(tow, name, compress, share):
    whole = compress(numbered(100_000).encode())
    path = tow.folder / f"in.csv.{name}"
    path.write_bytes(whole[: int(len(whole) * share)])
    tow.job(
        source=f'plugin = "csv"; path = "{path.name}";',
        more='results = { plugin = "file"; path = "results.csv"; };',
    )
    done = tow.run("run", "job.cfg", "--json", code=3)
    report = json.loads(done.stdout)
    assert path.name in done.stderr and "middle of a" in done.stderr
    assert 0 < report["rows"]["accepted"] < 100_000
    # Delivered, not published: half a file is none.
    assert not (tow.folder / "out.ndjson").exists()
    kept = (tow.folder / ".out.ndjson.tmp").read_text().splitlines()
    assert len(kept) == report["rows"]["accepted"]
    # As it is, it breaks off at the same place.
    assert tow.json("run", "job.cfg", code=3)["rows"]["accepted"] == 0
    path.write_bytes(whole)
    again = tow.json("run", "job.cfg")
    assert again["resumed_of"] and again["rows"]["accepted"] == 100_000 - len(kept)
    assert ids(tow) == list(range(100_000))
    results = (tow.folder / "results.csv").read_text().splitlines()
    assert [int(row.split(",")[0]) for row in results[1:]] == list(range(100_000))


def test_rows_before_the_break_reach_standard_output(tow):
    whole = gzip.compress(numbered(50_000).encode())
    (tow.folder / "in.csv").write_bytes(whole[: len(whole) // 2])
    tow.job(sink='plugin = "file"; path = "-"; format = "ndjson";')
    first = tow.run("run", "job.cfg", "-q", code=3).stdout.splitlines()
    (tow.folder / "in.csv").write_bytes(whole)
    rest = tow.run("run", "job.cfg", "-q").stdout.splitlines()
    assert first and rest
    assert [int(json.loads(line)["id"]) for line in first + rest] == list(range(50_000))


def test_a_wrong_checksum_is_found(tow):
    damaged = bytearray(gzip.compress(numbered(1000).encode()))
    damaged[-6] ^= 1
    put(tow.folder, {"in.csv": bytes(damaged)})
    tow.job()
    done = tow.run("run", "job.cfg", code=3)
    assert "in.csv" in done.stderr and "gzip data is damaged" in done.stderr
    assert not (tow.folder / "out.ndjson").exists()
    damaged[-6] ^= 1
    put(tow.folder, {"in.csv": bytes(damaged)})
    tow.run("run", "job.cfg")
    assert ids(tow) == list(range(1000))


def test_bytes_behind_the_gzip_data_are_found(tow):
    put(tow.folder, {"in.csv": gzip.compress(IN.encode()) + b"rest"})
    tow.job()
    assert "do not belong" in tow.run("run", "job.cfg", code=3).stderr


def test_another_file_in_the_place_of_a_half_read_one_is_not_gone_on_with(tow):
    whole = gzip.compress(numbered(50_000).encode())
    put(tow.folder, {"in.csv": whole[: len(whole) // 2]})
    tow.job()
    tow.run("run", "job.cfg", code=3)
    before = checkpoint(tow)
    put(tow.folder, {"in.csv": gzip.compress(numbered(50_000, first=1).encode())})
    err = tow.run("run", "job.cfg", code=3).stderr
    assert "in.csv changed" in err and "state reset" in err
    assert checkpoint(tow) == before
    tow.run("run", "job.cfg", "--full")
    assert ids(tow) == list(range(1, 50_001))


# ---- loads that something changes under ----------------------------------------------------------


@pytest.fixture
def halfway(tow):
    """A load that stands in the middle of in.csv; the file is whole now."""
    whole = gzip.compress(numbered(50_000).encode())
    put(tow.folder, {"in.csv": whole[: len(whole) // 2]})
    tow.job(more=columns('name = "id"; type = "int64";'))
    tow.run("run", "job.cfg", code=3)
    put(tow.folder, {"in.csv": whole})
    return tow


def test_changed_columns_stop_a_load_until_they_are_accepted(halfway):
    header = numbered(50_000).replace("text\n", "tekst\n", 1)[: len("id,tekst\n")]
    text = header[:-2] + "\n" + numbered(50_000).partition("\n")[2]  # as long as before
    assert len(text) == len(numbered(50_000))
    put(halfway.folder, {"in.csv": gzip.compress(text.encode())})
    before = checkpoint(halfway)
    halfway.run("check", "job.cfg")
    err = halfway.run("run", "job.cfg", code=2).stderr
    assert "columns changed" in err and "run 1" in err and "--accept-schema-change" in err
    assert checkpoint(halfway) == before
    halfway.run("run", "job.cfg", "--accept-schema-change")
    assert ids(halfway) == list(range(50_000))


def test_other_output_columns_do_not_go_into_a_half_written_file(halfway):
    halfway.job(more=columns('name = "number"; from = "id"; type = "int64";'))
    before = checkpoint(halfway)
    err = halfway.run("run", "job.cfg", code=2).stderr
    assert "out.ndjson" in err and "other columns" in err
    halfway.job(
        sink='plugin = "file"; path = "new.ndjson";', more=columns('name = "id"; type = "int64";')
    )
    err = halfway.run("run", "job.cfg", code=2).stderr
    assert "out.ndjson" in err and "new.ndjson" in err
    assert checkpoint(halfway) == before
    halfway.run("run", "job.cfg", "--full")
    assert ids(halfway, "new.ndjson") == list(range(50_000))


def test_a_trial_does_not_touch_a_load(halfway):
    before = checkpoint(halfway)
    err = halfway.run("run", "job.cfg", "--limit", "5", code=2).stderr
    assert "middle of a load" in err and "--limit" in err and "state reset job" in err
    assert checkpoint(halfway) == before
    halfway.run("run", "job.cfg")
    assert ids(halfway) == list(range(50_000))


def test_a_trial_leaves_no_trace(tow):
    tow.write("in.csv", numbered(100))
    tow.job(source=CSV + ' incremental = "file";')
    report = tow.json("run", "job.cfg", "--limit", "7")
    assert counts(report) == [7, 7, 0, 0, 0]
    assert ids(tow) == list(range(7)) and checkpoint(tow) is None
    assert tow.json("run", "job.cfg", "--limit", "0")["rows"]["read"] == 0
    assert tow.json("run", "job.cfg")["rows"]["read"] == 100
    assert tow.json("run", "job.cfg")["rows"]["read"] == 0


def test_a_full_run_starts_from_nothing(halfway):
    report = halfway.json("run", "job.cfg", "--full")
    assert report["resumed_of"] is None and counts(report) == [50_000, 50_000, 0, 0, 0]
    assert ids(halfway) == list(range(50_000))


def test_an_input_that_vanished_mid_load(halfway):
    whole = (halfway.folder / "in.csv").read_bytes()
    before = checkpoint(halfway)
    (halfway.folder / "in.csv").unlink()
    err = halfway.run("run", "job.cfg", code=3).stderr
    assert "in.csv" in err
    assert checkpoint(halfway) == before
    put(halfway.folder, {"in.csv": whole})
    halfway.run("run", "job.cfg")
    assert ids(halfway) == list(range(50_000))


def test_output_that_vanished_mid_load(halfway):
    (halfway.folder / ".out.ndjson.tmp").unlink()
    err = halfway.run("run", "job.cfg", code=3).stderr
    assert "out.ndjson" in err and "is not there" in err and "start it anew" in err
    halfway.run("run", "job.cfg", "--full")
    assert ids(halfway) == list(range(50_000))


# ---- disk full -----------------------------------------------------------------------------------


DISK = {
    "plain": ('path = "out.csv";', 300_000, 'checkpoint = "1h";'),
    "plain with checkpoints": (
        'path = "out.csv";',
        600_000,
        'checkpoint = "2ms"; batch_rows = 500;',
    ),
    "gzip": ('path = "out.csv.gz"; level = 1;', 300_000, 'checkpoint = "1h";'),
    "parts": ('path = "out-{part}.csv"; max_rows = 30000;', 600_000, 'checkpoint = "1h";'),
}


def output_ids(tow):
    found = []
    for path in sorted(tow.folder.glob("out*")):
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt") as text:
            found += [int(line.partition(",")[0]) for line in text.read().splitlines()[1:]]
    return found


@pytest.mark.parametrize("kind", DISK)
def test_a_full_disk_loses_nothing(tow, kind):
    sink, size, pipeline = DISK[kind]
    tow.write("in.csv", numbered(100_000))
    tow.job(sink=f'plugin = "file"; {sink}', more=f"  pipeline = {{ {pipeline} }};")
    out, err = launch(tow, 3, "run", "job.cfg", "--json", preexec_fn=limited(size))
    report = json.loads(out)
    assert "out" in err and "File too large" in err and "nothing was published" in err
    assert report["rows"]["read"] == sum(counts(report)[1:])
    assert not list(tow.folder.glob("out*"))
    again = tow.json("run", "job.cfg")
    assert again["rows"]["accepted"] + report["rows"]["accepted"] == 100_000
    assert output_ids(tow) == list(range(100_000))


def test_a_full_disk_under_the_rejects_loses_nothing(tow):
    tow.write("in.csv", numbered(20_000))
    tow.job(
        more=columns('name = "id"; type = "int64";', 'name = "text"; type = "date";')
        + '  pipeline = { batch_rows = 500; checkpoint = "1h"; };'
    )
    out, err = launch(tow, 3, "run", "job.cfg", "--json", preexec_fn=limited(300_000))
    assert "rejects" in err and "File too large" in err
    first = json.loads(out)
    second = tow.json("run", "job.cfg")
    assert first["rows"]["rejected"] + second["rows"]["rejected"] == 20_000
    rejected = []
    for report in (first, second):
        if report["rows"]["rejected"]:
            lines = tow.run("rejects", report["run"], "--json").stdout.splitlines()
            rejected += [int(json.loads(line)["row"]["id"]) for line in lines]
    assert rejected == list(range(20_000))


@pytest.mark.parametrize("size", range(80_000, 140_000, 4_000))
def test_a_checkpoint_that_fails_counts_nothing(tow, size):
    """The log of the state is full first: what was not saved is not counted as done either."""
    rows = "".join(f"{i},{'x' if i % 5 == 0 else i}\n" for i in range(20_000))
    tow.write("in.csv", "id,number\n" + rows)
    tow.job(
        sink='plugin = "file"; path = "out-{part}.csv"; max_rows = 2000;',
        more=columns('name = "id";', 'name = "number"; type = "int64";')
        + '  pipeline = { batch_rows = 64; checkpoint = "1ms"; };',
    )
    out, err = launch(tow, 3, "run", "job.cfg", "--json", preexec_fn=limited(size))
    assert "File too large" in err
    reports = [json.loads(out), tow.json("run", "job.cfg")]
    rejected = []
    for report in reports:
        if report["rows"]["rejected"]:
            lines = tow.run("rejects", report["run"], "--json").stdout.splitlines()
            assert len(lines) == report["rows"]["rejected"]
            rejected += [int(json.loads(line)["row"]["id"]) for line in lines]
    assert rejected == list(range(0, 20_000, 5))
    assert output_ids(tow) == [i for i in range(20_000) if i % 5]
    assert sum(report["rows"]["accepted"] for report in reports) == 16_000


def test_a_full_disk_under_the_state_is_an_error(tow):
    tow.write("in.csv", IN)
    tow.job()
    _, err = launch(tow, 3, "run", "job.cfg", preexec_fn=limited(20_000))
    assert "state.db" in err
    tow.run("run", "job.cfg")
    assert ids(tow) == [1, 2]


def test_standard_output_that_is_full(tow):
    tow.write("in.csv", IN)
    tow.job(sink='plugin = "file"; path = "-"; format = "csv";')
    with open("/dev/full", "w", encoding="utf-8") as full:
        err = tow.run("run", "job.cfg", stdout=full, code=3).stderr
    assert "standard output" in err and "No space left" in err


# ---- signals -------------------------------------------------------------------------------------


def fed(tow, text):
    """A run of the job that has read this from its input, which stays open."""
    process = tow.start("run", "job.cfg", "--json")
    process.stdin.write(text.encode())
    process.stdin.flush()
    unread = array.array("i", [1])

    def is_read():
        fcntl.ioctl(process.stdin, termios.FIONREAD, unread)
        return unread[0] == 0

    until(is_read)
    until(lambda: is_running(tow))
    return process


def stop(tow, process, *numbers, code):
    start = time.monotonic()
    for number in numbers:
        process.send_signal(number)
    out, err = tow.finish_open(process, code)
    assert time.monotonic() - start < QUICKLY
    return json.loads(out), err


@pytest.mark.parametrize("rows", [0, 3, 20_000])
def test_a_stopped_run_can_be_given_its_input_again(tow, rows):
    tow.job(source='plugin = "csv"; path = "-";')
    process = fed(tow, numbered(rows) + "999,half a r")
    report, err = stop(tow, process, signal.SIGTERM, code=143)
    assert report["status"] == "cancelled" and "cancelled" in err
    assert report["rows"]["accepted"] <= rows
    assert not (tow.folder / "out.ndjson").exists()
    done = tow.run("run", "job.cfg", "--json", stdin=numbered(30_000))
    again = json.loads(done.stdout)
    assert again["rows"]["accepted"] + report["rows"]["accepted"] == 30_000
    assert ids(tow) == list(range(30_000))


def wait_for_full_pipe(process):
    """Until nobody can write to what the test does not read."""
    waiting = array.array("i", [0])
    size = fcntl.fcntl(process.stdout, 1032)  # F_GETPIPE_SZ

    def is_full():
        fcntl.ioctl(process.stdout, termios.FIONREAD, waiting)
        return waiting[0] > size - 4096

    until(is_full)


@pytest.fixture
def stuck(tow):
    """A run whose output nobody reads."""
    tow.write("in.csv", numbered(100_000))
    tow.job(
        sink='plugin = "file"; path = "-"; format = "csv";',
        more='  pipeline = { checkpoint = "1h"; };',
    )
    process = tow.start("run", "job.cfg", "--json")
    wait_for_full_pipe(process)
    return process


def test_a_second_signal_ends_the_drain(tow, stuck):
    start = time.monotonic()
    status = Path(f"/proc/{stuck.pid}/status")
    stuck.send_signal(signal.SIGTERM)
    # One that comes while the first is not taken would be the same one.
    until(lambda: "ShdPnd:\t0000000000000000" in status.read_text())
    stuck.send_signal(signal.SIGTERM)
    assert stuck.wait(30) == 143
    assert time.monotonic() - start < QUICKLY
    run = tow.json("runs", "show", "1")
    assert run["status"] == "cancelled"


def test_a_drain_has_an_end(tow):
    tow.write("in.csv", numbered(100_000))
    tow.job(
        sink='plugin = "file"; path = "-"; format = "csv";',
        more='  pipeline = { drain = "100ms"; };',
    )
    process = tow.start("run", "job.cfg")
    wait_for_full_pipe(process)
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    assert time.monotonic() - start < QUICKLY


def test_a_drain_delivers_what_was_read(tow, stuck):
    stuck.send_signal(signal.SIGTERM)
    out, err = tow.finish(stuck, 143)
    lines = out.splitlines()[1:]
    accepted = int(re.search(r'"accepted": *(\d+)', err)[1])
    assert 0 < accepted == len(lines) < 100_000
    rest = tow.run("run", "job.cfg", "-q").stdout.splitlines()[1:]
    assert [int(line.partition(",")[0]) for line in lines + rest] == list(range(100_000))
