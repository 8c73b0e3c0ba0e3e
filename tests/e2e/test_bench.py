"""make bench, with tiny inputs and without peers: it measures, and ends where an output is not what went in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the bench reads outputs with pyarrow, which the sandbox's Python has")

BUILD = Path(os.environ.get("TOWPATH_BUILD") or "/nowhere")
PEERS = Path(__file__).resolve().parent.parent / "bench/peers.py"

pytestmark = pytest.mark.skipif(not (BUILD / "tests/bench/meter").exists(), reason="only in the tree that built the bench")


def bench(tow, *args, program=None, code=0):
    """Runs the bench with inputs of 100 kB: what it printed, and its figures."""
    env = {**tow.env, "TOWPATH": str(program or tow.program)}
    env |= {name.upper(): str(BUILD / "tests/bench" / name) for name in ("gen", "meter", "receiver")}
    command = [sys.executable, PEERS, "--bytes", "100KB", "--pairs", "1", "--dir", tow.folder, "--out", tow.folder / "out", *args]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    results = tow.folder / "out/results.json"
    return done, json.loads(results.read_text()) if results.exists() else None


def impostor(tow, command):
    """A program that runs towpath, and then this over the output of the job `ndjson-narrow`."""
    path = tow.folder / "impostor"
    out = "towpath-ndjson-narrow.ndjson"
    path.write_text(f'#!/bin/sh\n"{tow.program}" "$@" || exit\ntest ! -f {out} || {command.format(out=out)}\n')
    path.chmod(0o755)
    return path


def test_towpath_is_measured_without_any_peer(tow):
    _, results = bench(tow, "--peers", "none", "--long", "200KB")
    works = {work["name"]: work for work in results["works"]}
    assert {"typed-wide", "typed-narrow", "ndjson-narrow", "gz-narrow", "gz-gz-narrow", "ttd", "records"} <= set(works)
    for work in works.values():
        (run,) = work["runs"]
        assert run["cpu"] > 0 and run["wall"] > 0 and 1 < run["rss"] < 100, work["name"]
    assert works["ndjson-narrow"]["runs"][0]["out"] > works["gz-narrow"]["runs"][0]["out"] > 0
    table = (tow.folder / "out/results.md").read_text()
    assert "at least 4.0 times DuckDB | not measured" in table
    assert str(tow.folder) not in table


def test_a_peer_stands_beside_it_with_its_ratio(tow):
    _, results = bench(tow, "--peers", "python,duckdb", "--works", "typed-narrow,ndjson-narrow,control")
    typed = results["works"][0]
    ((ours, theirs),) = typed["peers"]["python"]["pairs"]
    table = (tow.folder / "out/results.md").read_text()
    assert f"| {theirs['cpu'] / ours['cpu']:.1f} by CPU" in table
    assert "Control, towpath beside itself" in table
    assert (tow.folder / "out/results.svg").read_text().count("<text") > 2


@pytest.mark.parametrize(
    "command",
    ["sed -i 2d {out}", 'sed -i \'0,/"active":true/s//"active":false/\' {out}', "sed -i '1h;1d;3G' {out}"],
    ids=["a row less", "another value", "another order"],
)
def test_an_output_that_is_not_what_went_in_ends_it(tow, command):
    done, results = bench(tow, "--peers", "none", "--works", "ndjson-narrow", program=impostor(tow, command), code=1)
    assert "csv to ndjson, narrow: towpath wrote" in done.stderr
    assert results is None


def test_a_program_that_fails_ends_it_with_what_it_said(tow):
    failing = tow.folder / "failing"
    failing.write_text(f'#!/bin/sh\n[ "$1" != run ] || {{ echo "no such luck" >&2; exit 3; }}\nexec "{tow.program}" "$@"\n')
    failing.chmod(0o755)
    done, _ = bench(tow, "--peers", "none", "--works", "typed-narrow", program=failing, code=1)
    assert "exit 3" in done.stderr and "no such luck" in done.stderr


def test_a_name_that_is_none_is_refused(tow):
    done, _ = bench(tow, "--works", "typed", code=1)
    assert "no such work: typed" in done.stderr
    done, _ = bench(tow, "--peers", "duck", code=1)
    assert "no such peer: duck" in done.stderr
