"""What a file holds, whoever wrote it: a digest of its values, column by column, in the order of its rows.

Files are read by pyarrow, which has no part in writing them here. Two files of equal rows have one digest,
however numbers, times and nulls are written in them.
"""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
from peer_columns import COLUMNS

BLOCK = 8 << 20
AS_READ = {"int64": pa.int64(), "int32": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}


def schema_of(kind):
    """Times and dates as text: writers differ about them."""
    return pa.schema([(name, AS_READ.get(type_, pa.string())) for name, type_ in COLUMNS[kind].items()])


def csv_batches(path, schema):
    return pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(block_size=BLOCK),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )


def json_batches(path, schema):
    return pyarrow.json.open_json(
        path,
        read_options=pyarrow.json.ReadOptions(block_size=BLOCK),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    )


def batches(path, schema):
    """Record batches of a file in the schema's columns."""
    found = json_batches(path, schema) if path.name.endswith((".ndjson", ".jsonl")) else csv_batches(path, schema)
    if sorted(found.schema.names) != sorted(schema.names):
        raise ValueError(f"{path.name} has the columns {', '.join(found.schema.names)}")
    for batch in found:
        yield batch.select(schema.names)


def numbers_of(column, type_):
    """The column's values as an array of fixed size without nulls."""
    if type_ == "timestamp":
        column = pc.replace_substring(column, "T", " ")
        column = pc.replace_substring_regex(column, r"(Z| ?\+00(:?00)?)$", "")
        column = column.cast(pa.timestamp("us")).cast(pa.int64())
    elif type_ == "date":
        column = column.cast(pa.date32()).cast(pa.int32())
    elif type_ == "bool":
        column = column.cast(pa.uint8())
    return column.fill_null(0)


def bytes_of(array):
    width = array.type.bit_width // 8
    return memoryview(array.buffers()[1])[array.offset * width : (array.offset + len(array)) * width]


def text_of(column):
    column = column.fill_null("")
    ends = memoryview(column.buffers()[1]).cast("i")
    data = column.buffers()[2]
    return memoryview(data)[ends[column.offset] : ends[column.offset + len(column)]] if data else b""


class Digest:
    """Of each column: which values are null, how long texts are, and the values."""

    def __init__(self, kind):
        self.types = COLUMNS[kind]
        self.parts = {name: [hashlib.sha256() for _ in range(3)] for name in self.types}
        self.rows = 0

    def add(self, batch):
        self.rows += batch.num_rows
        for name, type_ in self.types.items():
            nulls, lengths, values = self.parts[name]
            column = batch.column(name)
            nulls.update(bytes_of(column.is_valid().cast(pa.uint8())))
            if type_ == "string":
                lengths.update(bytes_of(pc.binary_length(column).fill_null(0)))
                values.update(text_of(column))
            else:
                values.update(bytes_of(numbers_of(column, type_)))

    def text(self):
        whole = hashlib.sha256()
        for parts in self.parts.values():
            for part in parts:
                whole.update(part.digest())
        return whole.hexdigest()


def content(path, kind):
    """(rows, digest) of a CSV or JSON lines file, plain or gzip."""
    digest = Digest(kind)
    for batch in batches(Path(path), schema_of(kind)):
        digest.add(batch)
    return digest.rows, digest.text()


def fill_nulls(path, kind):
    """Rewrites what Miller made of CSV as typed JSON: empty texts are null, booleans are no texts."""
    flags = [name for name, type_ in COLUMNS[kind].items() if type_ == "bool"]
    after = path.with_suffix(".filled.ndjson")
    with path.open("rb") as source, after.open("wb") as out:
        for line in source:
            line = line.replace(b'": ""', b'": null')
            for name in flags:
                for value in (b"true", b"false"):
                    line = line.replace(b'"%s": "%s"' % (name.encode(), value), b'"%s": %s' % (name.encode(), value))
            out.write(line)
    return after
