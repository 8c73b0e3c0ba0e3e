"""Rows from CSV to files, judged by Python's csv, json and gzip modules."""

import csv
import gzip
import io
import json
import math
import random
import re
import subprocess
from datetime import date, datetime
from decimal import Decimal
from struct import pack, unpack

import pytest
from helpers import (
    VALUES,
    columns,
    counts,
    csv_text,
    instant,
    place,
    rejected,
    table,
    transfer,
)

SEED = 20260301


# ---- helpers -------------------------------------------------------------------------------------


def shell(tow, command):
    """A command line, in which $0 is the program."""
    command = ["sh", "-c", command, str(tow.program)]
    subprocess.run(command, cwd=tow.folder, env=tow.env, check=True, timeout=60)


def objects(header, rows):
    return [dict(zip(header, row)) for row in rows]


# ---- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("output", ["out.ndjson", "out.ndjson.gz", "out.csv", "out.csv.gz"])
def test_every_value_arrives(tow, output, end):
    header = ["name", "value", "last"]
    rows = [[name, value, "|"] for name, value in VALUES.items()]
    report = transfer(tow, csv_text([header, *rows], end=end), sink=f'path = "{output}";')
    assert counts(report) == [len(rows), len(rows), 0, 0, 0]
    if "ndjson" in output:
        data = (tow.folder / output).read_bytes()
        text = (gzip.decompress(data) if output.endswith("gz") else data).decode()
        assert [json.loads(line) for line in text.split("\n")[:-1]] == objects(header, rows)
    else:
        assert table(tow, output) == [header, *([n, v or "", e] for n, v, e in rows)]


def test_null_and_empty_stay_apart(tow):
    text = 'a,b,c\n,"",x\n"",,\n'
    transfer(tow, text)
    assert tow.rows() == [{"a": None, "b": "", "c": "x"}, {"a": "", "b": None, "c": None}]
    transfer(tow, text, sink='path = "out.csv";')
    assert (tow.folder / "out.csv").read_text() == text
    transfer(tow, text, sink='path = "out.csv"; null_text = "\\\\N"; quote_all = true;')
    assert (tow.folder / "out.csv").read_text() == '"a","b","c"\n\\N,"","x"\n"",\\N,\\N\n'
    transfer(tow, 'a,b\n\\N,"\\N"\n', source=' null_values = ("\\\\N");')
    assert tow.rows() == [{"a": None, "b": "\\N"}]


def test_what_looks_like_null_is_quoted(tow):
    transfer(tow, "a,b\nNA,\n", sink='path = "out.csv"; null_text = "NA";')
    assert (tow.folder / "out.csv").read_text() == 'a,b\n"NA",NA\n'


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a,b\n", []),
        ("a,b", []),
        ("a,b\n1,2", [{"a": "1", "b": "2"}]),
        ('a,b\n1,"2"', [{"a": "1", "b": "2"}]),
        ("a,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
        ("a,b\n1,2\r", [{"a": "1", "b": "2"}]),
        ("\ufeffa,b\n1,2\n", [{"a": "1", "b": "2"}]),
        ('\ufeff"a","b"\n1,2\n', [{"a": "1", "b": "2"}]),
        ("\n\na,b\n\n1,2\n\r\n\n3,4\n\n", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        ('a\n""\nx\n', [{"a": ""}, {"a": "x"}]),
        ("a,\u00e9\n1,2\n", [{"a": "1", "\u00e9": "2"}]),
        ('"a,1","b\n""2"""\n1,2\n', [{"a,1": "1", 'b\n"2"': "2"}]),
    ],
)
def test_shapes_of_files(tow, text, expected):
    report = transfer(tow, text)
    assert tow.rows() == expected
    assert counts(report) == [len(expected), len(expected), 0, 0, 0]
    transfer(tow, text, sink='path = "out.csv";')
    again = table(tow, "out.csv")
    assert objects(again[0], again[1:]) == expected


@pytest.mark.parametrize(
    "source, text, expected",
    [
        ('delimiter = ";";', "a;b\n1,5;2\n", [{"a": "1,5", "b": "2"}]),
        ('delimiter = "\\t";', 'a\tb\n" 1"\t 2\n', [{"a": " 1", "b": " 2"}]),
        (
            'delimiter = "||";',
            'a||b\n1|||2\n"x||y"||\n',
            [{"a": "1", "b": "|2"}, {"a": "x||y", "b": None}],
        ),
        ('delimiter = "\u2192";', "a\u2192b\n1,\u21922\n", [{"a": "1,", "b": "2"}]),
        ('delimiter = "\U0001f600";', "a\U0001f600b\n1\U0001f6002\n", [{"a": "1", "b": "2"}]),
        ('quote = "\'";', "a,b\n'1,''2',\"\n", [{"a": "1,'2", "b": '"'}]),
        ('quote = "";', 'a,b\n"1,2"\n', [{"a": '"1', "b": '2"'}]),
        ('escape = "\\\\";', 'a,b\n"1\\"",2\n', [{"a": '1"', "b": "2"}]),
        ('comment = "#";', "# one\na,b\n#1,2\n1,#2\n", [{"a": "1", "b": "#2"}]),
        ("skip_lines = 2;", 'title\n"open,\na,b\n1,2\n', [{"a": "1", "b": "2"}]),
        (
            'header = false; columns = ("x", "y");',
            "a,b\n1,2\n",
            [{"x": "a", "y": "b"}, {"x": "1", "y": "2"}],
        ),
        ('columns = ("x", "y");', "a,b\n1,2\n", [{"x": "1", "y": "2"}]),
        ("trim = true;", 'a , b\n 1\t,  "2 "  \n', [{"a": "1", "b": "2 "}]),
        ('column_count = "pad";', "a,b\n1\n1,2,,\n", [{"a": "1", "b": None}, {"a": "1", "b": "2"}]),
        (
            'null_values = ("NA", "-");',
            'a,b\nNA,-\n"NA",\n',
            [{"a": None, "b": None}, {"a": "NA", "b": ""}],
        ),
    ],
)
def test_dialects(tow, source, text, expected):
    transfer(tow, text, source=source)
    assert tow.rows() == expected


def test_dialects_of_the_output(tow):
    rows = [["a", "b"], ["1;2", '3"'], ["4\n", "5,"]]
    transfer(tow, csv_text(rows), sink='path = "out.csv"; delimiter = ";"; line_end = "crlf";')
    data = (tow.folder / "out.csv").read_bytes()
    assert data == b'a;b\r\n"1;2";"3"""\r\n"4\n";5,\r\n'
    transfer(tow, csv_text(rows), sink='path = "out.tsv"; header = false;')
    assert (tow.folder / "out.tsv").read_bytes() == b'1;2\t"3"""\n"4\n"\t5,\n'


def test_nulls_may_be_left_out_of_objects(tow):
    transfer(tow, "a,b\n1,\n,\n", sink='path = "out.ndjson"; omit_nulls = true;')
    assert (tow.folder / "out.ndjson").read_text() == '{"a":"1"}\n{}\n'


# ---- random tables -------------------------------------------------------------------------------

HOSTILE = [
    '"',
    '""',
    ",",
    ";",
    "\t",
    "\r",
    "\n",
    "\r\n",
    " ",
    "  ",
    "\\",
    "'",
    "#",
    "é",
    "€",
    "\u2028",
    "\ufeff",
    "\U0001f600",
    "\x01",
    "\x7f",
    "{",
    "}",
    ":",
    "null",
    "0",
    "-1",
    "a",
    "bc",
    "Z" * 40,
]


def hostile_value(rng):
    kind = rng.random()
    if kind < 0.1:
        return None
    if kind < 0.2:
        return ""
    if kind < 0.5:
        return str(rng.randrange(10**6))
    return "".join(rng.choices(HOSTILE, k=rng.choice((1, 2, 3, 5, 9, 33))))


def hostile_table(seed):
    rng = random.Random(seed)
    width = rng.randint(2, 9)
    header = [f"c{i}" for i in range(width)]
    rows = [[hostile_value(rng) for _ in header] for _ in range(2000)]
    end = rng.choice(("\n", "\r\n"))
    text = csv_text([header, *rows], rng, end)
    return header, rows, text[: -len(end)] if rng.random() < 0.5 else text


SCANNERS = ["scalar", "sse2", "avx2"]


def can_scan(scanner):
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
            return scanner == "scalar" or re.search(rf"\b{scanner}\b", info.read()) is not None
    except OSError:
        return scanner == "scalar"


@pytest.mark.parametrize("scanner", SCANNERS)
@pytest.mark.parametrize("seed", [SEED, SEED + 1, SEED + 2])
def test_random_tables_arrive_as_python_reads_them(tow, seed, scanner):
    if not can_scan(scanner):
        pytest.skip(f"no {scanner} here")
    header, rows, text = hostile_table(seed)
    flat = [[value or "" for value in row] for row in rows]
    assert list(csv.reader(io.StringIO(text, newline=""))) == [header, *flat]
    place(tow, text)
    tow.job(more="  pipeline = { batch_rows = 100; };")
    env = {"TOWPATH_CSV_INDEX": scanner}
    tow.run("run", "job.cfg", "-q", env=env)
    lines = (tow.folder / "out.ndjson").read_bytes().decode().split("\n")[:-1]
    assert [json.loads(line) for line in lines] == objects(header, rows)
    tow.run("run", "job.cfg", "-q", "--set", "sink.path=out.csv.gz", env=env)
    assert table(tow, "out.csv.gz") == [header, *flat]
    # What was written is read again as it was, nulls and all.
    tow.run(
        "run",
        "job.cfg",
        "-q",
        "--set",
        "source.path=out.csv.gz",
        "--set",
        "sink.path=again.ndjson",
        env=env,
    )
    assert (tow.folder / "again.ndjson").read_bytes() == (tow.folder / "out.ndjson").read_bytes()


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
def test_random_damage_is_accounted_for(tow, seed):
    """Rows that are cut, joined and scrambled: each is accepted or rejected, and the sums hold."""
    rng = random.Random(seed)
    _, _, text = hostile_table(seed)
    data = bytearray(text.encode())
    for _ in range(300):
        at = rng.randrange(30, len(data))
        data[at : at + rng.randint(0, 2)] = rng.choice(
            (b'"', b"\n", b",", b"\xff", b"\0", b"", b'x"y')
        )
    place(tow, bytes(data))
    outcomes = []
    for scanner in filter(can_scan, SCANNERS):
        for rows in (7, 100_000):
            tow.job(
                more='  results = { plugin = "file"; path = "results.ndjson"; };\n'
                f"  pipeline = {{ batch_rows = {rows}; }};"
            )
            done = tow.run("run", "job.cfg", "--json", env={"TOWPATH_CSV_INDEX": scanner})
            report = json.loads(done.stdout)
            lines = (tow.folder / "out.ndjson").read_bytes().decode().split("\n")[:-1]
            rejects = rejected(tow, report["run"])
            read, accepted, refused, _, pending = counts(report)
            assert (read, pending) == (accepted + refused, 0)
            assert (len(lines), len(rejects)) == (accepted, refused)
            results = (tow.folder / "results.ndjson").read_bytes().decode().split("\n")[:-1]
            assert len(results) == read
            assert sum(json.loads(line)["success"] for line in results) == accepted
            # In the order of the file, each at a place of its own.
            places = [reject["offset"] for reject in rejects]
            assert places == sorted(set(places))
            outcomes.append((lines, rejects))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert len(outcomes[0][1]) > 50


# ---- types ---------------------------------------------------------------------------------------


def shortest_float32(text):
    return unpack("<f", pack("<f", float(text)))[0]


INTS = {
    f"{kind}{bits}": (
        (-(1 << bits - 1), (1 << bits - 1) - 1) if kind == "int" else (0, (1 << bits) - 1)
    )
    for kind in ("int", "uint")
    for bits in (8, 16, 32, 64)
}

# Type, what it is made of, and how Python understands what comes out.
TYPES = {
    "bool": (["true", "false", "1", "0", "TRUE", "False"], lambda t: t.lower() in ("true", "1")),
    **{name: ([str(low), str(high), "0", "+7"], int) for name, (low, high) in INTS.items()},
    "float64": (
        [
            "1.7976931348623157e308",
            "-1.7976931348623157E+308",
            "5e-324",
            "2.2250738585072014e-308",
            "-0.0",
            "0.1",
            "123456789012345678",
            "1e23",
            "9007199254740993",
            "inf",
            "-Infinity",
            "4.35",
            "1e-7",
        ],
        float,
    ),
    "float32": (
        ["3.4028235e38", "1e-45", "-0.0", "0.1", "16777217", "1.1754944e-38"],
        shortest_float32,
    ),
    "decimal(38,10)": (
        [
            "9999999999999999999999999999.9999999999",
            "-9999999999999999999999999999.9999999999",
            "0.0000000001",
            "-0.5",
            "1e3",
            "12",
        ],
        Decimal,
    ),
    "decimal(5,0)": (["99999", "-99999", "0"], Decimal),
    "string": (['a "b"', "\U0010ffff", " "], str),
    "date": (
        ["0001-01-01", "9999-12-31", "1970-01-01", "1969-12-31", "2000-02-29"],
        date.fromisoformat,
    ),
    "timestamp": (
        [
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
            "1969-12-31T23:59:59.999999Z",
            "2024-02-29T12:00:00+05:30",
            "2024-01-01 00:00:00Z",
        ],
        instant,
    ),
    "timestamp_ntz": (
        ["0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "1969-12-31 23:59:59.000001"],
        datetime.fromisoformat,
    ),
    "json": (
        ['{"a": [1, 2.5, null, "\\u00e9"]}', "[]", '"x"', "null", "-1.5e3", "true"],
        json.loads,
    ),
}


@pytest.mark.parametrize("kind", TYPES)
def test_extreme_values_of_every_type_come_through_twice(tow, kind):
    values, understand = TYPES[kind]
    rows = [["v", "n"], *([value, str(i)] for i, value in enumerate(values)), [None, "last"]]
    job = columns(f'name = "v"; type = "{kind}";', 'name = "n";')
    assert (
        counts(transfer(tow, csv_text(rows), sink='path = "one.csv";', more=job))[1]
        == len(rows) - 1
    )
    out = table(tow, "one.csv")[1:]
    assert out[-1][0] == ""
    for (text, _), value in zip(out, values):
        got, expected = understand(text), understand(value)
        assert got == expected
        if isinstance(got, float):
            assert math.copysign(1, got) == math.copysign(1, expected)
            assert kind == "float32" or math.isinf(got) or len(text) <= len(repr(expected))
    tow.run("run", "job.cfg", "-q", "--set", "source.path=one.csv", "--set", "sink.path=two.csv")
    assert (tow.folder / "two.csv").read_bytes() == (tow.folder / "one.csv").read_bytes()
    tow.run("run", "job.cfg", "-q", "--set", "sink.path=out.ndjson")
    assert [row["v"] for row in tow.rows()][-1] is None


@pytest.mark.parametrize("text_format", ["base64", "hex"])
def test_bytes_come_through_twice(tow, text_format):
    from base64 import b64encode

    data = [bytes(range(256)), b"\0", b"\xff" * 31, b"ab"]
    encode = (lambda b: b64encode(b).decode()) if text_format == "base64" else bytes.hex
    rows = [["v", "n"], *([encode(value), "x"] for value in data)]
    job = columns(f'name = "v"; type = "binary"; format = "{text_format}";', 'name = "n";')
    transfer(tow, csv_text(rows), sink='path = "one.csv";', more=job)
    assert [row[0] for row in table(tow, "one.csv")[1:]] == [
        b64encode(value).decode() for value in data
    ]


OUT_OF_RANGE = {
    **{
        name: [str(low - 1), str(high + 1), "1.5", "x", "1 ", ""]
        for name, (low, high) in INTS.items()
    },
    "bool": ["2", "yess", "truee"],
    "float64": ["1e309", "1,5", "0x10", "nanx"],
    "float32": ["3.5e38"],
    "decimal(38,10)": ["10000000000000000000000000000", "1e40", "0x1"],
    "decimal(5,0)": ["100000", "-100000"],
    "date": ["2023-02-29", "0000-01-01", "10000-01-01", "2024-1-1", "2024-01-01T00:00:00"],
    "timestamp": ["2024-01-01T24:00:01Z", "2024-13-01T00:00:00Z", "yesterday"],
    "json": ["{", "{'a': 1}", "nul", "[1,]"],
}


@pytest.mark.parametrize("kind", OUT_OF_RANGE)
def test_values_beyond_a_type_reject_their_rows(tow, kind):
    values = OUT_OF_RANGE[kind]
    rows = [["v", "n"], *([value, str(i)] for i, value in enumerate(values))]
    job = columns(f'name = "v"; type = "{kind}"; required = true;', 'name = "n";')
    report = transfer(tow, csv_text(rows), more=job)
    assert counts(report) == [len(values), 0, len(values), 0, 0]
    for number, reject in enumerate(rejected(tow, report["run"])):
        assert reject["row"] == {"v": values[number], "n": str(number)}
        assert "column v" in reject["message"] and reject["line"] == number + 2
        assert not values[number] or values[number] in reject["message"].replace('\\"', '"')
        assert "bad_" in reject["code"] or "range" in reject["code"]


# ---- several files -------------------------------------------------------------------------------


def test_folders_and_patterns_are_read_in_order_of_name(tow):
    place(tow, "id,name\n1,a\n2,b\n", "in/1.csv")
    place(tow, gzip.compress(b"name,id\nc,3\n"), "in/2.csv.gz")
    place(tow, "id,name\n4,d", "in/3.csv")
    place(tow, "id,name\n5,e\n", "in/.hidden.csv")
    place(tow, "id,name\n6,f\n", "in/deeper/6.csv")
    place(tow, "id,name\n", "in/4.csv")
    tow.job(source='plugin = "csv"; path = "in";')
    assert tow.json("run", "job.cfg")["rows"]["read"] == 4
    assert tow.rows() == [{"id": str(i), "name": n} for i, n in zip((1, 2, 3, 4), "abcd")]
    tow.run("run", "job.cfg", "-q", "--set", "source.path=in/[13]*.csv")
    assert [row["id"] for row in tow.rows()] == ["1", "2", "4"]
    tow.run("run", "job.cfg", "-q", "--set", "source.path=in/*/?.csv")
    assert [row["id"] for row in tow.rows()] == ["6"]


def test_a_file_may_be_called_like_a_pattern(tow):
    place(tow, "a\n1\n", "in[1].csv")
    place(tow, "a\n2\n", "in1.csv")
    tow.job(source='plugin = "csv"; path = "in[1].csv";')
    tow.run("run", "job.cfg")
    assert tow.rows() == [{"a": "1"}]


def test_gzip_of_several_members_is_one_file(tow):
    parts = ["id,name\n", "1,a\n2,", "b\n", "", "3,c\n"]
    transfer(tow, b"".join(gzip.compress(part.encode()) for part in parts) + b"\0" * 512)
    assert [row["id"] for row in tow.rows()] == ["1", "2", "3"]


def test_a_pipeline_through_standard_input_and_output(tow):
    header, rows, text = hostile_table(SEED)
    place(tow, text)
    tow.job(
        source='plugin = "csv"; path = "-";', sink='plugin = "file"; path = "-"; format = "ndjson";'
    )
    shell(tow, 'cat in.csv | "$0" run job.cfg -q | cat >out.ndjson')
    lines = (tow.folder / "out.ndjson").read_bytes().decode().split("\n")[:-1]
    assert [json.loads(line) for line in lines] == objects(header, rows)


def test_compressed_standard_input_and_output(tow):
    tow.job(
        source='plugin = "csv"; path = "-";',
        sink='plugin = "file"; path = "-"; format = "csv"; compression = "gzip";',
    )
    process = tow.start("run", "job.cfg", "-q")
    out, err = process.communicate(gzip.compress(b"a,b\n1,2\n"), timeout=60)
    assert process.returncode == 0, err
    assert gzip.decompress(out) == b"a,b\n1,2\n"


def test_a_pipeline_of_two_runs(tow):
    tow.job(sink='plugin = "file"; path = "-"; format = "csv";')
    tow.job("two", source='plugin = "csv"; path = "-";')
    place(tow, 'id,name\n1,"a\nb"\n2,\n')
    shell(tow, '"$0" run job.cfg -q | "$0" run two.cfg -q')
    assert tow.rows() == [{"id": "1", "name": "a\nb"}, {"id": "2", "name": None}]


# ---- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "ndjson", "ndjson.gz"])
@pytest.mark.parametrize(
    "most", ["max_rows = 700;", 'max_bytes = "20KB";', 'max_rows = 900; max_bytes = "20KB";']
)
def test_parts_are_within_their_bounds_and_whole_together(tow, ending, most):
    header, rows, text = hostile_table(SEED)
    transfer(tow, text, sink=f'path = "out-{{part}}.{ending}"; {most}')
    names = sorted(path.name for path in tow.folder.glob("out-*"))
    assert len(names) > 1
    assert names == [f"out-{i:05d}.{ending}" for i in range(1, len(names) + 1)]
    found = []
    for name in names:
        data = (tow.folder / name).read_bytes()
        data = gzip.decompress(data) if name.endswith(".gz") else data
        if "csv" in ending:
            first, *part = csv.reader(io.StringIO(data.decode(), newline=""))
            assert first == header
        else:
            part = [json.loads(line) for line in data.decode().split("\n")[:-1]]
        assert 0 < len(part) <= (700 if "700" in most else 900 if "900" in most else len(rows))
        assert "bytes" not in most or len(data) <= 20_000
        found += part
    flat = [[value or "" for value in row] for row in rows]
    assert found == (flat if "csv" in ending else objects(header, rows))


def test_a_row_that_is_larger_than_a_part_gets_its_own(tow):
    transfer(
        tow,
        "a,b\n1,x\n2," + "y" * 5000 + "\n3,z\n",
        sink='path = "{part}.csv"; max_bytes = "100B";',
    )
    names = sorted(path.name for path in tow.folder.glob("0*"))
    assert [[row[0] for row in table(tow, name)[1:]] for name in names] == [["1"], ["2"], ["3"]]


def test_parts_of_an_earlier_longer_result_are_told_of(tow):
    sink = 'path = "out-{part}.csv"; max_rows = 1;'
    transfer(tow, "a\n1\n2\n3\n", sink=sink)
    place(tow, "a\n4\n")
    err = tow.run("run", "job.cfg").stderr
    assert "out-00002.csv" in err and "out-00003.csv" in err and "warn" in err
    assert table(tow, "out-00001.csv") == [["a"], ["4"]]


def test_an_empty_input_makes_an_empty_result(tow):
    transfer(tow, "a,b\n", sink='path = "out.csv";')
    assert (tow.folder / "out.csv").read_bytes() == b"a,b\n"
    transfer(tow, "a,b\n", sink='path = "out.ndjson.gz";')
    assert gzip.decompress((tow.folder / "out.ndjson.gz").read_bytes()) == b""
    transfer(tow, "a,b\n", sink='path = "out-{part}.csv"; max_rows = 5;')
    assert table(tow, "out-00001.csv") == [["a", "b"]]


def test_a_result_is_replaced_at_once_and_keeps_its_permissions(tow):
    transfer(tow, "a\n1\n")
    (tow.folder / "out.ndjson").chmod(0o640)
    reader = open(tow.folder / "out.ndjson", encoding="utf-8")
    transfer(tow, "a\n2\n")
    with reader:
        assert json.loads(reader.read()) == {"a": "1"}
    assert tow.rows() == [{"a": "2"}]
    assert (tow.folder / "out.ndjson").stat().st_mode & 0o777 == 0o640
    assert not [path for path in tow.folder.iterdir() if path.name.startswith(".")]
