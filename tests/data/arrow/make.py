#!/usr/bin/env python3
"""Makes the Arrow IPC streams of this folder, and beside each what it holds.

    python3 make.py        with pyarrow 17.0.0 and lz4 4.4.5

NAME.arrows is the stream; NAME.ndjson has a JSON array of values for each row, written here by other
means than those that are tested. Streams that are refused have no .ndjson.
"""

import base64
import datetime
import decimal
import json
import pathlib

import lz4.frame
import numpy
import pyarrow as pa

HERE = pathlib.Path(__file__).parent
MICRO = 1_000_000
DAY = 86400 * MICRO


# What the text of a value is, by its type and its raw form (numbers for times, bytes for binary).


def text_of_float(value, single):
    if value != value:
        return '"NaN"'
    if value in (float("inf"), float("-inf")):
        return '"Infinity"' if value > 0 else '"-Infinity"'
    shortest = str(numpy.float32(value)) if single else repr(value)
    sign, digits, exponent = decimal.Decimal(shortest).as_tuple()
    digits = "".join(map(str, digits)).lstrip("0")
    stripped = digits.rstrip("0")
    exponent += len(digits) - len(stripped)
    digits, sign = stripped or "0", "-" if sign else ""
    point = len(digits) + exponent  # digits in front of the point
    if not stripped:
        return sign + "0"
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{point - 1}"


def text_of_date(days):
    """Days since 1970, year 1 to 9999."""
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=days)).isoformat()


def text_of_clock(nanos):
    seconds, nanos = divmod(nanos, 10**9)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if nanos % 10**6 == 0:
        return text + (f".{nanos // 10**6:03}" if nanos else "")
    return text + (f".{nanos // 1000:06}" if nanos % 1000 == 0 else f".{nanos:09}")


def text_of_timestamp(nanos, utc):
    days, rest = divmod(nanos, DAY * 1000)
    return text_of_date(days) + "T" + text_of_clock(rest) + ("Z" if utc else "")


def text_of_duration(nanos):
    sign = "-" if nanos < 0 else ""
    days, rest = divmod(abs(nanos), DAY * 1000)
    seconds, nanos = divmod(rest, 10**9)
    return f"{sign}{days} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{nanos:09}"


NANOS = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def text_of(type_, raw):
    """JSON text of a raw value."""
    if raw is None:
        return "null"
    if pa.types.is_boolean(type_) or pa.types.is_integer(type_):
        return json.dumps(raw)
    if pa.types.is_floating(type_):
        return text_of_float(raw, type_ == pa.float32())
    if pa.types.is_decimal(type_):
        return f"{decimal.Decimal(raw):f}"
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return quoted(raw)
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_fixed_size_binary(type_):
        return quoted(base64.b64encode(raw).decode())
    if type_ == pa.date32():
        return quoted(text_of_date(raw))
    if type_ == pa.date64():
        return quoted(text_of_date(raw // 86400000))
    if pa.types.is_timestamp(type_):
        return quoted(text_of_timestamp(raw * NANOS[type_.unit], type_.tz is not None))
    if pa.types.is_time(type_):
        return quoted(text_of_clock(raw * NANOS[type_.unit]))
    if pa.types.is_duration(type_):
        return quoted(text_of_duration(raw * NANOS[type_.unit]))
    if pa.types.is_map(type_):
        pairs = []
        for key, value in raw:
            name = text_of(type_.key_type, key)
            name = name if name.startswith('"') else quoted(name)
            pairs.append(name + ":" + text_of(type_.item_type, value))
        return "{" + ",".join(pairs) + "}"
    if pa.types.is_struct(type_):
        return "{" + ",".join(quoted(f.name) + ":" + text_of(f.type, raw[f.name]) for f in type_) + "}"
    return "[" + ",".join(text_of(type_.value_type, item) for item in raw) + "]"


# Raw values to arrays.


def array_of(type_, raws):
    if pa.types.is_temporal(type_):
        width = type_.bit_width
        return pa.array(raws, pa.int32() if width == 32 else pa.int64()).cast(type_)
    if pa.types.is_decimal(type_):
        return pa.array([None if raw is None else decimal.Decimal(raw) for raw in raws], type_)
    return pa.array(raws, type_)


class Table:
    """Columns (name, type, raw values), and the batches that they are cut into."""

    def __init__(self, columns, cuts=(), arrays=()):
        """arrays: of the last columns, where array_of cannot make them."""
        self.names, self.types, self.raws = zip(*columns)
        made = len(columns) - len(arrays)
        self.arrays = [array_of(t, raws) for t, raws in zip(self.types[:made], self.raws)] + list(arrays)
        self.schema = pa.schema([pa.field(n, t) for n, t in zip(self.names, self.types)])
        rows = len(self.raws[0])
        edges = [0, *cuts, rows]
        self.ranges = list(zip(edges, edges[1:]))

    def batches(self):
        whole = pa.RecordBatch.from_arrays(self.arrays, schema=self.schema)
        return [whole.slice(first, end - first) for first, end in self.ranges]

    def lines(self):
        for first, end in self.ranges:
            for row in range(first, end):
                values = (text_of(t, raws[row]) for t, raws in zip(self.types, self.raws))
                yield "[" + ",".join(values) + "]\n"


def stream_of(schema, batches, **options):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def write(name, stream, table=None, suffix="arrows"):
    (HERE / f"{name}.{suffix}").write_bytes(stream)
    if table:
        (HERE / f"{name}.ndjson").write_text("".join(table.lines()), encoding="utf-8")


# The values.

TEXTS = ["", "plain", None, 'quote " and \\ backslash', "line\nend\r\n", "tab\t", "\x01\x1f\x7f",
         "null", "\\N", "NULL", " spaces ", "ü é ß", "日本語", "🚀🚀", "\u2028\ufeff\U0010ffff", "x" * 300]
ROWS = len(TEXTS)


def spread(*values):
    """As many as there are rows: the values over and over, every fifth null."""
    return [None if i % 5 == 4 else values[i % len(values)] for i in range(ROWS)]


def table_of_types(cuts):
    i64 = pa.int64()
    return Table([
        ("boolean", pa.bool_(), spread(True, False)),
        ("tinyint", pa.int8(), spread(-128, 127, 0, -1)),
        ("smallint", pa.int16(), spread(-32768, 32767, 0, -1)),
        ("int", pa.int32(), spread(-2**31, 2**31 - 1, 0, -1)),
        ("bigint", i64, spread(-2**63, 2**63 - 1, 0, -1)),
        ("float", pa.float32(), spread(0.1, -0.0, float("inf"), 3.4028234663852886e38, 1.401298464324817e-45,
                                       float("nan"), 16777216.0, 1e-7)),
        ("double", pa.float64(), spread(0.1, -0.0, float("-inf"), 1.7976931348623157e308, 5e-324,
                                        float("nan"), 1e21, 123456789012345680.0, 1e-6, 1e-7)),
        ("decimal(38,18)", pa.decimal128(38, 18), spread("0." + "0" * 17 + "1", "-" + "9" * 20 + "." + "9" * 18,
                                                         "0." + "0" * 18, "1." + "5" + "0" * 17)),
        ("decimal(5,0)", pa.decimal128(5, 0), spread("99999", "-99999", "0")),
        ("decimal(10,2)", pa.decimal128(10, 2), spread("-0.01", "3.10", "99999999.99")),
        ("string", pa.string(), TEXTS),
        ("binary", pa.binary(), spread(b"", b"\0", b"\xff\xfe", bytes(range(256)))),
        ("date", pa.date32(), spread(0, -719162, 2932896, 19782, -1)),
        ("timestamp", pa.timestamp("us", "America/Los_Angeles"),
         spread(0, -1, -62135596800 * MICRO, 253402300799 * MICRO + 999999, 1700000000 * MICRO + 123000)),
        ("timestamp utc", pa.timestamp("us", "Etc/UTC"), spread(1, 1000, 1000000)),
        ("timestamp_ntz", pa.timestamp("us"), spread(0, -1, 1700000000 * MICRO + 1)),
        ("interval day", pa.duration("us"), spread(0, 1, -1, 93784 * MICRO, 2**63 - 1, -2**63)),
        ("void", pa.null(), [None] * ROWS),
    ], cuts)


MOMENT = pa.struct([("at", pa.timestamp("us", "UTC")), ("day", pa.date32()), ("price", pa.decimal128(8, 3)),
                    ("raw", pa.binary())])


def lists_of_moments():
    """pyarrow takes no numbers for times inside of other values, so these are put together."""
    raws = [(0, -719162, "1.500", b"\x00"), (-1, 0, "-99999.999", b""),
            (1700000000 * MICRO + 123456, 19782, "0.001", b"ab")]
    children = [array_of(field.type, [raw[i] for raw in raws]) for i, field in enumerate(MOMENT)]
    values = pa.StructArray.from_arrays(children, fields=list(MOMENT))
    array = pa.ListArray.from_arrays(pa.array([0, 1, None, 1, 1, 2, 3], pa.int32()), values)
    first, second, third = ({field.name: value for field, value in zip(MOMENT, raw)} for raw in raws)
    return [[first], [], None, [], [second], [third]], array


def table_nested():
    point = pa.struct([("x", pa.int32()), ("y", pa.float64()), ("tags", pa.list_(pa.string()))])
    moments, array = lists_of_moments()
    return Table([
        ("array", pa.list_(pa.int64()), [[1, 2, 3], [], None, [None], [2**63 - 1, -2**63], [0]]),
        ("arrays", pa.list_(pa.list_(pa.string())),
         [[["a", None], []], [None, ["ü\n"]], [], None, [[], [], ["x"]], [[""]]]),
        ("struct", point, [{"x": 1, "y": 0.5, "tags": ["a"]}, None, {"x": None, "y": None, "tags": None},
                           {"x": 2, "y": float("nan"), "tags": []}, {"x": -1, "y": 1e300, "tags": [None, "b"]},
                           {"x": 0, "y": 0.0, "tags": ["c"]}]),
        ("map", pa.map_(pa.string(), pa.int32()),
         [[("a", 1), ("b", None)], [], None, [("", 0)], [('"', 2), ("\\", 3)], [("z", 9)]]),
        ("map of numbers", pa.map_(pa.int64(), pa.list_(pa.bool_())),
         [[(1, [True]), (-1, None)], None, [], [(2**63 - 1, [])], [(0, [None, False])], [(7, [True])]]),
        ("points", pa.map_(pa.string(), point),
         [[("p", {"x": 1, "y": 2.0, "tags": []})], [("q", None)], [], None,
          [("r", {"x": None, "y": -0.0, "tags": ["t"]}), ("s", {"x": 4, "y": 1.5, "tags": None})], []]),
        ("empty struct", pa.struct([]), [{}, None, {}, {}, None, {}]),
        ("moments", pa.list_(MOMENT), moments),
    ], (2, 2, 5), [array])


def table_other():
    """Types that Databricks does not send, and that are read all the same."""
    return Table([
        ("uint8", pa.uint8(), [0, 255, None, 7]),
        ("uint16", pa.uint16(), [0, 65535, None, 7]),
        ("uint32", pa.uint32(), [0, 2**32 - 1, None, 7]),
        ("uint64", pa.uint64(), [0, 2**64 - 1, None, 7]),
        ("large string", pa.large_string(), ["", "ü", None, "abc"]),
        ("large binary", pa.large_binary(), [b"", b"\0", None, b"abc"]),
        ("fixed binary", pa.binary(3), [b"abc", b"\0\0\0", None, b"\xff" * 3]),
        ("date64", pa.date64(), [0, -86400000, None, 86400000 * 19782]),
        ("timestamp s", pa.timestamp("s", "UTC"), [0, -1, None, 1700000000]),
        ("timestamp ms", pa.timestamp("ms"), [0, -1, None, 1700000000123]),
        ("timestamp ns", pa.timestamp("ns"), [0, -1, None, 1700000000000000001]),
        ("time s", pa.time32("s"), [0, 86399, None, 1]),
        ("time ms", pa.time32("ms"), [0, 86399999, None, 1]),
        ("time us", pa.time64("us"), [0, DAY - 1, None, 1000]),
        ("time ns", pa.time64("ns"), [0, DAY * 1000 - 1, None, 1000]),
        ("duration s", pa.duration("s"), [0, -2**63, None, 2**63 - 1]),
        ("duration ms", pa.duration("ms"), [0, -2**63, None, 2**63 - 1]),
        ("duration ns", pa.duration("ns"), [0, -2**63, None, 2**63 - 1]),
        ("large list", pa.large_list(pa.int8()), [[1, None], [], None, [3]]),
        ("fixed list", pa.list_(pa.int16(), 2), [[1, 2], [None, 3], None, [4, 5]]),
    ], (1,))


def main():
    types = table_of_types((0, 7, 7, 12))
    write("types", stream_of(types.schema, types.batches()), types)
    write("types_lz4", stream_of(types.schema, types.batches(), compression="lz4"))
    write("types_zstd", stream_of(types.schema, types.batches(), compression="zstd"))
    write("types_v4", stream_of(types.schema, types.batches(), metadata_version=pa.ipc.MetadataVersion.V4,
                                use_legacy_format=True))
    plain = stream_of(types.schema, types.batches())
    write("types", lz4.frame.compress(plain), suffix="arrows.lz4")

    nested = table_nested()
    write("nested", stream_of(nested.schema, nested.batches()), nested)
    write("nested_zstd", stream_of(nested.schema, nested.batches(), compression="zstd"))

    other = table_other()
    write("other", stream_of(other.schema, other.batches()), other)

    empty = pa.schema([pa.field("a", pa.int64()), pa.field("b", pa.list_(pa.string()))])
    write("schema_only", stream_of(empty, []))

    refused = {
        "dictionary": pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array(["a", "b"])),
        "union": pa.UnionArray.from_sparse(pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array(["a", "b", "c"])]),
        "half": pa.array([numpy.float16(1), None, None], pa.float16()),
        "decimal256": pa.array([decimal.Decimal("1.5")] * 3, pa.decimal256(50, 2)),
        "view": pa.array(["a", "b", None], pa.string_view()),
        "run_ends": pa.RunEndEncodedArray.from_arrays(pa.array([1, 3], pa.int32()), pa.array(["a", "b"])),
        "month_day_nano": pa.array([pa.MonthDayNano([1, 2, 3])] * 3),
    }
    for name, array in refused.items():
        table = pa.RecordBatch.from_arrays([pa.array([1, 2, 3]), array], names=["n", name])
        write("refused_" + name, stream_of(table.schema, [table]))


if __name__ == "__main__":
    main()
