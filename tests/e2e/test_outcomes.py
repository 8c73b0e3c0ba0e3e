"""What became of each row: results, rejects and their replay, files that were loaded already."""

import gzip
import json
import os
from datetime import datetime, timedelta, timezone

import pytest
from helpers import VALUES, columns, counts, csv_text, instant, limited, place, rejected, table
from helpers import transfer

# ---- results and rejects -------------------------------------------------------------------------

MIXED = b'id,name,success\n1,Ann,q\nx,Bob,q\n3,"C"y,q\n4\n5,\xff,q\n6,"",\n7,,q\n'


def test_results_tell_what_became_of_every_row(tow):
    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    report = transfer(
        tow,
        MIXED,
        sink='path = "out.csv";',
        more='  results = { plugin = "file"; path = "results.ndjson"; };\n'
        + columns('name = "id"; type = "int64";', 'name = "name"; required = true;'),
    )
    assert counts(report) == [7, 2, 5, 0, 0]
    assert table(tow, "out.csv") == [["id", "name"], ["1", "Ann"], ["6", ""]]
    results = tow.rows("results.ndjson")
    ours = ["success", "error_code", "error_message", "processed_timestamp"]
    # The source's own column of that name gives way.
    assert all(list(row) == ["id", "name", *ours] for row in results)
    found = {
        (row["id"], row["name"]): (row["success"], row["error_code"])
        for row in results
        if row["id"]
    }
    assert found == {
        ("1", "Ann"): (True, None),
        ("x", "Bob"): (False, "bad_int64"),
        ("6", ""): (True, None),
        ("7", None): (False, "required"),
    }
    unreadable = [row["error_code"] for row in results if row["id"] is None]
    assert unreadable == ["bad_quote", "field_count", "invalid_utf8"]
    for row in results:
        assert (row["error_message"] is None) == row["success"]
        when = instant(row["processed_timestamp"])
        assert before <= when <= datetime.now(timezone.utc)


def test_counts_agree_wherever_they_are_told(tow):
    report = transfer(
        tow, MIXED, more=columns('name = "id"; type = "int64";', 'name = "name"; required = true;')
    )
    run = tow.json("runs", "show", report["run"])
    assert all(run[key] == report[key] for key in ("rows", "bytes", "batches", "rejects"))
    assert tow.json("runs")[0] == run
    assert run["status"] == "ok" and run["load"] == report["load"]
    assert len(tow.rows()) == report["rows"]["accepted"]
    rejects = rejected(tow, report["run"])
    assert [
        (each["code"], each["line"], each["stage"])
        for each in sorted(rejects, key=lambda r: r["line"])
    ] == [
        ("bad_int64", 3, "columns"),
        ("bad_quote", 4, "source"),
        ("field_count", 5, "source"),
        ("invalid_utf8", 6, "source"),
        ("required", 8, "columns"),
    ]
    assert all(each["origin"] == str(tow.folder / "in.csv") for each in rejects)
    assert [each["raw"] for each in rejects if "raw" in each][:2] == ['3,"C"y,q', "4"]
    assert os.path.getsize(report["rejects"]) > 0
    state = tow.json("state", "show", "job")
    assert state["checkpoint"]["run"] == report["run"]


def test_line_numbers_count_lines_not_rows(tow):
    report = transfer(tow, 'a,b\r\n"1\n\n2",x\r\n\r\n\n"3\r\n","y\n"z\r\nlast,1,2\r\n')
    assert [(each["code"], each["line"]) for each in rejected(tow, report["run"])] == [
        ("bad_quote", 7),
        ("field_count", 10),
    ]


# ---- replay --------------------------------------------------------------------------------------


def test_rejected_rows_are_replayed_once_through_the_mended_job(tow):
    report = transfer(
        tow, MIXED, more=columns('name = "id"; type = "int64";', 'name = "name"; required = true;')
    )
    first, before = report["run"], tow.rows()
    position = tow.json("state", "show", "job")["checkpoint"]
    mended = tow.job(
        more=columns('name = "id"; type = "int64"; null_if = "x";', 'name = "name"; default = "?";')
    )
    # The result of the run must not be replaced by the few replayed rows.
    err = tow.run("replay", first, "--job", mended, code=2).stderr
    assert "out.ndjson" in err and "--set sink.path" in err
    assert tow.rows() == before
    args = ("replay", first, "--job", mended, "--set", "sink.path=mended.ndjson")
    replay = tow.json(*args)
    assert replay["replay_of"] == first and counts(replay) == [5, 2, 3, 0, 0]
    assert tow.rows("mended.ndjson") == [{"id": None, "name": "Bob"}, {"id": 7, "name": "?"}]
    # What could not be read still cannot be, and is told with its place in the file.
    again = rejected(tow, replay["run"])
    assert [(each["code"], each["line"]) for each in again] == [
        ("bad_quote", 4),
        ("field_count", 5),
        ("invalid_utf8", 6),
    ]
    err = tow.run(*args, code=2).stderr
    assert f"run {first} were replayed by run {replay['run']}" in err and "--again" in err
    assert tow.json("state", "show", "job")["checkpoint"] == position
    assert tow.rows() == before


def test_a_replay_names_the_section_whose_file_is_in_the_way(tow):
    place(tow, "id\n1\nx\n")
    tow.job(more=columns('name = "id"; type = "int8";') + '  results = { plugin = "file"; path = "results.ndjson"; };\n')
    first = tow.json("run", "job.cfg")["run"]
    args = ("replay", first, "--set", "sink.path=again.ndjson")
    err = tow.run(*args, code=2).stderr
    assert "results.ndjson" in err and "--set results.path=FILE" in err
    tow.run(*args, "--set", "results.path=results-again.ndjson")


def test_every_kind_of_value_survives_rejection_and_replay(tow):
    rows = [["v", "bad"], *([value, "x"] for value in VALUES.values())]
    report = transfer(
        tow, csv_text(rows), more=columns('name = "v";', 'name = "bad"; type = "int8";')
    )
    assert counts(report) == [len(VALUES), 0, len(VALUES), 0, 0]
    assert [
        each["row"]["v"] if "v" in each["row"] else None for each in rejected(tow, report["run"])
    ] == list(VALUES.values())
    mended = tow.job(more=columns('name = "v";', 'name = "bad";'))
    tow.run("replay", report["run"], "--job", mended, "--set", "sink.path=mended.ndjson")
    lines = (tow.folder / "mended.ndjson").read_bytes().decode().split("\n")[:-1]
    assert [json.loads(line)["v"] for line in lines] == list(VALUES.values())


def test_a_replay_that_failed_is_gone_on_with(tow):
    place(tow, "a,b\n" + "".join(f"x,row {i}\n" for i in range(20_000)))
    tow.job(more=columns('name = "a"; type = "int8";', 'name = "b";'))
    first = tow.json("run", "job.cfg")["run"]
    mended = tow.job(
        more=columns('name = "a"; type = "int8"; null_if = "x";', 'name = "b";')
        + '  pipeline = { batch_rows = 500; checkpoint = "2ms"; };'
    )
    args = ("replay", first, "--job", mended, "--set", "sink.path=m.ndjson", "--json")
    out, err = tow.finish(tow.start(*args, preexec_fn=limited(400_000)), 3)
    assert "File too large" in err
    assert not (tow.folder / "m.ndjson").exists()
    rest = tow.json(*args[:-1])
    assert rest["rows"]["accepted"] + json.loads(out)["rows"]["accepted"] == 20_000
    assert [row["b"] for row in tow.rows("m.ndjson")] == [f"row {i}" for i in range(20_000)]
    assert tow.json("runs", "show", first)["replayed_by"] == rest["run"]


def test_rejects_of_a_run_that_had_too_many_are_kept(tow):
    place(tow, "a\n" + "".join(f"x{i}\n" for i in range(5000)))
    limits = "  rejects = { max = 100; }; pipeline = { batch_rows = 64; };"
    tow.job(more=columns('name = "a"; type = "int16";') + limits)
    first = tow.json("run", "job.cfg", code=5)
    # The limit is of the load: as it is, no run gets further.
    again = tow.json("run", "job.cfg", code=5)
    tow.job(more=columns('name = "a"; type = "int16";'))
    last = tow.json("run", "job.cfg")
    found = [
        each["row"]["a"] for report in (first, again, last) for each in rejected(tow, report["run"])
    ]
    assert found == [f"x{i}" for i in range(5000)]
    assert sum(report["rows"]["rejected"] for report in (first, again, last)) == 5000


# ---- incremental ---------------------------------------------------------------------------------


@pytest.fixture
def daily(tow):
    """Files of a folder, each loaded once; two are."""
    place(tow, "id\n1\n2\n", "in/a.csv")
    place(tow, gzip.compress(b"id\n3\n"), "in/b.csv.gz")
    incremental(tow)
    assert load(tow) == ["1", "2", "3"]
    return tow


def incremental(tow, on_change=""):
    tow.job(source=f'plugin = "csv"; path = "in"; incremental = "file"; {on_change}')


def load(tow):
    """The rows of the next run."""
    tow.run("run", "job.cfg", "-q")
    return [row["id"] for row in tow.rows()]


def test_only_new_files_are_loaded(daily):
    assert load(daily) == []
    place(daily, "id\n4\n", "in/0-before.csv")
    place(daily, "id\n5\n", "in/c.csv")
    assert load(daily) == ["4", "5"]
    assert load(daily) == []
    (daily.folder / "in/a.csv").unlink()
    assert load(daily) == []
    assert len(daily.json("runs", "job")) == 5


def test_a_file_that_has_grown_stops_the_load(daily):
    with open(daily.folder / "in/a.csv", "a", encoding="utf-8") as file:
        file.write("9\n")
    place(daily, "id\n4\n", "in/c.csv")
    before = daily.json("state", "show", "job")["checkpoint"]
    err = daily.run("run", "job.cfg", code=3).stderr
    assert "a.csv has grown since it was loaded: 7 bytes" in err and "9 bytes" in err
    assert 'on_change = "skip"' in err and '"reload"' in err
    assert [row["id"] for row in daily.rows()] == ["1", "2", "3"]
    after = daily.json("state", "show", "job")["checkpoint"]
    assert (after["position"], after["load"]) == (before["position"], before["load"])
    incremental(daily, 'on_change = "skip";')
    done = daily.run("run", "job.cfg")
    assert "a.csv has grown" in done.stderr and "left out" in done.stderr
    assert [row["id"] for row in daily.rows()] == ["4"]
    incremental(daily, 'on_change = "reload";')
    done = daily.run("run", "job.cfg")
    assert "loaded again" in done.stderr
    assert [row["id"] for row in daily.rows()] == ["1", "2", "9"]
    incremental(daily)
    assert load(daily) == []


def test_a_file_with_other_content_has_changed(daily):
    place(daily, "id\n7\n8\n9\n", "in/a.csv")
    assert "a.csv has changed since it was loaded" in daily.run("run", "job.cfg", code=3).stderr


def test_a_failed_run_marks_no_file_that_it_did_not_load(tow):
    whole = gzip.compress(b"id\n" + b"".join(b"%d\n" % i for i in range(10, 5000)))
    place(tow, "id\n1\n", "in/a.csv")
    place(tow, whole[: len(whole) // 2], "in/b.csv")
    incremental(tow)
    tow.run("run", "job.cfg", code=3)
    place(tow, whole, "in/b.csv")
    assert load(tow) == ["1", *map(str, range(10, 5000))]
    assert load(tow) == []


def test_a_ledger_can_be_forgotten(daily):
    daily.run("state", "reset", "job", "--yes")
    assert load(daily) == []
    daily.run("state", "reset", "job", "--ledger", "--yes")
    assert load(daily) == ["1", "2", "3"]
    # All of it anew, once.
    daily.run("run", "job.cfg", "--full", "-q")
    assert daily.json("runs", "job")[0]["status"] == "ok"


def test_a_file_that_is_renamed_is_another(daily):
    (daily.folder / "in/a.csv").rename(daily.folder / "in/z.csv")
    assert load(daily) == ["1", "2"]
