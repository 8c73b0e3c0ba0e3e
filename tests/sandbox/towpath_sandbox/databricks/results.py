"""The result of a statement: cut into chunks, in the format that was asked for, within the limits."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from towpath_sandbox.databricks import arrow, render
from towpath_sandbox.databricks.engine import Result
from towpath_sandbox.databricks.errors import LimitError
from towpath_sandbox.databricks.types import SqlType
from towpath_sandbox.settings import Settings


@dataclass(frozen=True)
class Wanted:
    """What the request says about its result."""

    disposition: str
    format: str
    compressed: bool
    row_limit: int | None
    byte_limit: int | None


@dataclass(frozen=True)
class Chunk:
    index: int
    row_offset: int
    row_count: int
    byte_count: int  # uncompressed
    body: bytes = b""  # behind a link
    cells: list[list[str | None]] | None = None  # inline


@dataclass(frozen=True)
class Outcome:
    names: list[str]
    types: list[SqlType]
    chunks: list[Chunk]
    truncated: bool
    format: str
    compressed: bool

    def manifest(self) -> dict[str, Any]:
        columns = [self._column(i) for i in range(len(self.names))]
        manifest: dict[str, Any] = {
            "format": self.format,
            "schema": {"column_count": len(columns), **({"columns": columns} if columns else {})},
            "total_chunk_count": len(self.chunks),
        }
        if self.chunks:
            manifest["chunks"] = [
                {
                    "chunk_index": c.index,
                    "row_offset": c.row_offset,
                    "row_count": c.row_count,
                    "byte_count": c.byte_count,
                }
                for c in self.chunks
            ]
        manifest["total_row_count"] = sum(chunk.row_count for chunk in self.chunks)
        manifest["total_byte_count"] = sum(chunk.byte_count for chunk in self.chunks)
        manifest["truncated"] = self.truncated
        if self.compressed:
            manifest["result_compression"] = "LZ4_FRAME"
        return manifest

    def _column(self, position: int) -> dict[str, Any]:
        kind = self.types[position]
        column: dict[str, Any] = {
            "name": self.names[position],
            "type_text": kind.text,
            "type_name": kind.type_name,
            "position": position,
        }
        if kind.name == "DECIMAL":
            column |= {"type_precision": kind.precision, "type_scale": kind.scale}
        if kind.name == "INTERVAL":
            column["type_interval_type"] = kind.interval
        return column


class _Limited:
    """Rows up to the limits of the request."""

    def __init__(self, batches: Iterable[pa.RecordBatch], wanted: Wanted) -> None:
        self._batches = batches
        self._rows = wanted.row_limit
        self._bytes = wanted.byte_limit
        self.truncated = False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        rows = size = 0
        for batch in self._batches:
            room = batch.num_rows
            if self._rows is not None:
                room = min(room, self._rows - rows)
            if self._bytes is not None and size + batch.nbytes > self._bytes:
                room = min(room, batch.num_rows * max(0, self._bytes - size) // max(1, batch.nbytes))
            if room:
                yield batch.slice(0, room)
            rows += room
            size += batch.nbytes
            if room < batch.num_rows:
                self.truncated = True
                return


def collect(result: Result, wanted: Wanted, settings: Settings) -> Outcome:
    """Runs a query to its end."""
    limited = _Limited(result.batches, wanted)
    inline = wanted.disposition == "INLINE"
    batches: Iterable[pa.RecordBatch] = _within(limited, settings.inline_limit) if inline else limited
    compressed = not inline and wanted.format == "ARROW_STREAM" and wanted.compressed and settings.compression
    chunks: list[Chunk] = []
    offset = 0
    cut = arrow.chunks(arrow.pieces(batches, settings.batch_bytes), settings.chunk_rows, settings.chunk_bytes)
    for index, batch in enumerate(cut):
        rows = sum(part.num_rows for part in batch)
        chunks.append(_chunk(index, offset, rows, batch, result, wanted, compressed, settings))
        offset += rows
    return Outcome(result.names, result.types, chunks, limited.truncated, wanted.format, compressed)


def _within(batches: Iterable[pa.RecordBatch], limit: int) -> Iterator[pa.RecordBatch]:
    size = 0
    for batch in batches:
        size += batch.nbytes
        if size > limit:
            raise LimitError(
                "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result "
                f"size of at most {limit} bytes. Please execute the statement with "
                "disposition=EXTERNAL_LINKS if you want to download the full result."
            )
        yield batch


def _chunk(
    index: int,
    offset: int,
    rows: int,
    batch: list[pa.RecordBatch],
    result: Result,
    wanted: Wanted,
    compressed: bool,
    settings: Settings,
) -> Chunk:
    if wanted.format == "ARROW_STREAM":
        batch = arrow.padded(batch, settings.padding_rows)
        parts = arrow.messages(batch, result.types)
        body = arrow.frames(parts, index) if compressed else b"".join(map(memoryview, parts))
        size = sum(memoryview(part).nbytes for part in parts)
        return Chunk(index, offset, rows, size, body)
    cells = render.rows(batch, result.types, settings.timezone)
    if wanted.disposition == "INLINE":
        size = sum(len(cell) for cell in itertools.chain.from_iterable(cells) if cell)
        return Chunk(index, offset, rows, size, cells=cells)
    if wanted.format == "CSV":
        body = render.csv_text(cells, result.names if index == 0 else [])
    else:
        body = render.json_array(cells)
    return Chunk(index, offset, rows, len(body), body)
