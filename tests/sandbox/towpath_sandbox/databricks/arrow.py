"""Results as Arrow: DuckDB's batches in the types that a warehouse sends, cut into chunks, and
chunks as IPC streams, plain or as LZ4 frames."""

import ctypes
from collections.abc import Iterable, Iterator, Sequence

import lz4.frame
import pyarrow as pa

from towpath_sandbox.databricks.types import YEAR_MONTH, SqlType

END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"


def conform(
    batch: pa.RecordBatch, types: Sequence[SqlType], names: Sequence[str], timezone: str
) -> pa.RecordBatch:
    """The batch in the types that the Statement API has for these SQL types."""
    columns = [_conform(column, kind, timezone) for column, kind in zip(batch.columns, types)]
    return pa.RecordBatch.from_arrays(columns, schema=schema(types, names, timezone))


def schema(types: Sequence[SqlType], names: Sequence[str], timezone: str) -> pa.Schema:
    return pa.schema([pa.field(name, kind.arrow(timezone)) for name, kind in zip(names, types)])


def _conform(column: pa.Array, kind: SqlType, timezone: str) -> pa.Array:
    wanted = kind.arrow(timezone)
    if kind.name == "INTERVAL":
        parts = column.to_pylist()
        if kind.interval == YEAR_MONTH:
            return pa.array([None if part is None else part.months for part in parts], wanted)
        return pa.array(
            [None if part is None else part.days * DAY + part.nanoseconds // 1000 for part in parts],
            wanted,
        )
    return column if column.type.equals(wanted) else column.cast(wanted)


DAY = 86_400_000_000


def pieces(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of about `size` bytes at most."""
    for batch in batches:
        step = max(1, batch.num_rows * size // max(1, batch.nbytes))
        for start in range(0, batch.num_rows, step):
            yield batch.slice(start, step)


def chunks(batches: Iterable[pa.RecordBatch], rows: int, size: int) -> Iterator[list[pa.RecordBatch]]:
    """Cuts into chunks of at most `rows` rows (0: any number) and about `size` bytes."""
    chunk: list[pa.RecordBatch] = []
    count = filled = 0
    for batch in batches:
        while batch.num_rows:
            room = rows - count if rows else batch.num_rows
            chunk.append(batch.slice(0, room))
            count += chunk[-1].num_rows
            filled += chunk[-1].nbytes
            batch = batch.slice(room)
            if (rows and count >= rows) or filled >= size:
                yield chunk
                chunk, count, filled = [], 0, 0
    if chunk:
        yield chunk


def padded(chunk: list[pa.RecordBatch], rows: int) -> list[pa.RecordBatch]:
    """The chunk with so many rows more than it has, as warehouses send them."""
    padding: list[pa.RecordBatch] = []
    while rows > 0:
        padding.append(chunk[0].slice(0, rows))
        rows -= padding[-1].num_rows
    return chunk + padding


def messages(chunk: list[pa.RecordBatch], types: Sequence[SqlType]) -> list[bytes | pa.Buffer]:
    """The IPC messages of a chunk's stream: schema, batches, end."""
    months = [i for i, kind in enumerate(types) if kind.name == "INTERVAL" and kind.interval == YEAR_MONTH]
    if months:
        chunk = [_with_months(batch, months) for batch in chunk]
    return [chunk[0].schema.serialize(), *(batch.serialize() for batch in chunk), END_OF_STREAM]


def frames(parts: Sequence[bytes | pa.Buffer], number: int) -> bytes:
    """Messages as LZ4 frames, one each; both kinds of frames that warehouses send occur, by the
    chunk's number."""
    checked = number % 2 == 1
    return b"".join(
        lz4.frame.compress(
            memoryview(part),
            block_size=lz4.frame.BLOCKSIZE_MAX4MB,
            block_linked=False,
            content_checksum=checked,
            block_checksum=checked,
            store_size=False,
        )
        for part in parts
    )


class _CSchema(ctypes.Structure):
    """struct ArrowSchema of the Arrow C data interface."""


_CSchema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_CSchema))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


class _CArray(ctypes.Structure):
    """struct ArrowArray, whose members are of no interest here."""

    _fields_ = [("counts", ctypes.c_int64 * 5), ("pointers", ctypes.c_void_p * 5)]


def _with_months(batch: pa.RecordBatch, columns: Sequence[int]) -> pa.RecordBatch:
    """The batch with these int32 columns as year-month intervals, a type that pyarrow can carry and
    has no name for: their format is changed on the way through the C data interface."""
    array, described = _CArray(), _CSchema()
    batch._export_to_c(ctypes.addressof(array), ctypes.addressof(described))
    for column in columns:
        described.children[column].contents.format = b"tiM"
    return pa.RecordBatch._import_from_c(ctypes.addressof(array), ctypes.addressof(described))
