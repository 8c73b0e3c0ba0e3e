"""Columns that the source makes itself: no difference but the time that it takes.

The source csv with trim = true is one that leaves all conversions to the core; where no field has
blanks around it, the same job without must give the same rows, rejects and counts.
"""

import json
import os
import random

import pytest

from helpers import CSV, counts, rejected
from recorder import recorder  # noqa: F401

NAMES = ["id", "name", "amount", "at", "day", "active", "code", "raw", "note", "other"]

COLUMNS = """
  columns = (
    { name = "day"; type = "date"; required = true; },
    { name = "id"; type = "int32"; },
    { name = "twice"; from = "id"; type = "int32"; default = "-1"; },
    { name = "amount"; type = "decimal(10,2)"; null_if = [ "n/a", "0" ]; },
    { name = "at"; type = "timestamp"; },
    { name = "active"; type = "bool"; default = "no"; },
    { name = "code"; from = "code"; type = "int16"; },
    { name = "code_text"; from = "code"; },
    { name = "hash"; from = "name"; hash = "sha256"; lower = true; },
    { name = "raw"; type = "binary"; format = "hex"; },
    { name = "when"; from = "other"; type = "timestamp"; format = "%d.%m.%Y"; default = "01.02.2003"; },
    { name = "fixed"; value = "7"; type = "int8"; } );
"""


def field(rng, name, bad):
    """A value as it stands in the file; where `bad`, some are none of the column's type."""
    if rng.random() < 0.08:
        return ""
    if bad and rng.random() < 0.0004:
        return rng.choice(["x", '""', '"a""b"', "99999999999999999999", "2024-02-30", "-"])
    value = {
        "id": lambda: str(rng.randrange(-(2**31), 2**31)),
        "name": lambda: rng.choice(["Ann", "Bob", "\u00c4nne", "O'Neil"]),
        "amount": lambda: rng.choice(["n/a", "0", f"{rng.random() * 1000:.2f}"]),
        "at": lambda: f"2024-{rng.randrange(1, 13):02}-11T{rng.randrange(24):02}:10:20.{rng.randrange(1000):03}Z",
        "day": lambda: f"20{rng.randrange(10, 40)}-0{rng.randrange(1, 10)}-{rng.randrange(1, 29):02}",
        "active": lambda: rng.choice(["true", "false", "YES", "0"]),
        "code": lambda: f"{rng.randrange(1000):05}",
        "raw": lambda: rng.randbytes(4).hex(),
        "note": lambda: rng.choice(['"a, b"', '"line\nline"', "plain", '"say ""hi"""']),
        "other": lambda: f"{rng.randrange(1, 29):02}.0{rng.randrange(1, 10)}.2021",
    }[name]()
    return f'"{value}"' if value[0] != '"' and rng.random() < 0.1 else value


def write_rows(tow, rows, seed, bad):
    rng = random.Random(seed)
    lines = [",".join(NAMES)]
    for _ in range(rows):
        lines.append(",".join(field(rng, name, bad) for name in NAMES))
        if bad and rng.random() < 0.0002:
            lines.append("too,few")
    tow.write("in.csv", "\n".join(lines) + "\n")


def outcome(tow, source, columns=COLUMNS, more=""):
    """Output, rejects without what belongs to the run, and counts."""
    tow.job(source=CSV + source, more=columns + more)
    report = tow.json("run", "job.cfg", "--full")
    rejects = rejected(tow, report["run"]) if report["rows"]["rejected"] else []
    return (tow.folder / "out.ndjson").read_bytes(), rejects, counts(report)


def test_rows_and_rejects_are_those_of_text(tow):
    for seed, bad, more in ((1, False, ""), (2, True, ""), (3, True, "  pipeline = { batch_rows = 100; };")):
        write_rows(tow, 20000, seed, bad)
        typed, text = outcome(tow, "", more=more), outcome(tow, " trim = true;", more=more)
        assert typed[2][1] > 10000 and (len(text[1]) > 20)
        assert typed[2] == text[2]
        assert typed[1] == text[1]
        assert typed[0] == text[0]


def test_a_few_columns_of_many(tow):
    columns = '  columns = ( { name = "note"; }, { name = "name"; } );'
    write_rows(tow, 3000, 4, True)
    typed, text = outcome(tow, "", columns), outcome(tow, " trim = true;", columns)
    assert typed == text and typed[2][1] >= 3000


def test_the_log_says_which_way_it_is(tow):
    write_rows(tow, 10, 5, False)
    for source, more, makes in (
        ("", "", "makes 9 of 10 columns itself"),
        (" trim = true;", "", None),
        ("", '  results = { plugin = "file"; path = "results.ndjson"; };', None),
    ):
        tow.job(source=CSV + source, more=COLUMNS + more)
        said = tow.run("run", "job.cfg", "-v", code=None).stderr
        assert makes in said if makes else "columns itself" not in said


def test_a_row_that_the_sink_refuses_is_kept_as_it_was_read(tow, recorder):
    """Its text, and all columns of the file: a replay goes through the columns once more."""

    def otherwise(path, headers, body):
        items = json.loads(body)["Items"]
        bad = [i for i, item in enumerate(items) if item["TDID"].startswith("bad") and not served]
        failed = [{"ErrorCode": "MissingUserId", "Message": "no such user", "ItemNumber": i + 1} for i in bad]
        return json.dumps({"FailedLines": failed or None})

    served = []
    server = recorder(otherwise=otherwise)
    tow.env["TTD_TOKEN"] = "t"
    tow.write("in.csv", "extra,id,ttl\n,good,60\nx,bad,0007\n\"a\nb\",\"bad2\",\n,fine,+09\n")
    tow.job(
        sink='plugin = "ttd"; endpoint = "advertiser"; advertiser_id = "a"; token = "${env:TTD_TOKEN}"; '
        f'server_url = "{server.url}";',
        more='  columns = ( { name = "id_type"; value = "TDID"; }, { name = "id_value"; from = "id"; }, '
        '{ name = "segment_name"; value = "s"; }, { name = "ttl_in_minutes"; from = "ttl"; type = "int32"; } );',
    )
    report = tow.json("run", "job.cfg")
    assert counts(report) == [4, 2, 2, 0, 0]
    rows = rejected(tow, report["run"])
    assert [(row["line"], row["row"]) for row in rows] == [
        (3, {"extra": "x", "id": "bad", "ttl": "0007"}),
        (4, {"extra": "a\nb", "id": "bad2"}),
    ]
    served = server.requests[:]
    replayed = tow.json("replay", report["run"])
    sent = [item for _, _, body in server.requests[len(served) :] for item in json.loads(body)["Items"]]
    assert [item["TDID"] for item in sent] == ["bad", "bad2"]
    assert sent[0]["Data"][0]["TtlInMinutes"] == 7 and counts(replayed) == [2, 2, 0, 0, 0]


def test_the_sink_null_counts_rows_and_keeps_none(tow):
    write_rows(tow, 50, 6, False)
    tow.job(source=CSV, sink='plugin = "null";', more=COLUMNS)
    tow.run("check", "job.cfg")
    before = set(tow.folder.rglob("*"))
    done = tow.run("run", "job.cfg", "--full", code=None)
    assert "sink null: " in done.stderr and " rows in 1 batches let go" in done.stderr
    assert {path for path in set(tow.folder.rglob("*")) - before if "state" not in str(path)} == set()


@pytest.mark.skipif(bool(os.environ.get("SANITIZERS")), reason="sanitizers take memory of their own")
def test_memory_stays_small_where_text_and_typed_batches_take_turns(tow):
    rng = random.Random(7)
    tow.write("in.csv", "")
    with open(tow.folder / "in.csv", "w") as out:
        out.write(",".join(NAMES) + "\n")
        rows = [",".join(field(rng, name, False) for name in NAMES) + "\n" for _ in range(2000)]
        for _ in range(150):
            out.writelines(rows)
            out.write("x" + rows[0] if rng.random() < 0.3 else "")
    columns = '''  columns = ( { name = "id"; type = "int32"; }, { name = "name"; }, { name = "amount"; type = "float64"; null_if = "n/a"; },
      { name = "at"; type = "timestamp"; }, { name = "day"; type = "date"; }, { name = "active"; type = "bool"; }, { name = "note"; } );'''
    tow.job(source=CSV, sink='plugin = "null";', more=columns)
    process = tow.start("run", "job.cfg", "-q")
    peak = 0
    while process.poll() is None:
        try:
            status = open(f"/proc/{process.pid}/status").read()
        except OSError:
            break
        peak = max([peak] + [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")])
    tow.finish(process, 0)
    assert 0 < peak < 16 * 1024
