"""CSV files as columns of text: records of the right width, NULLs, and a fast way for plain files."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from towpath_sandbox.databricks.csvtext import MAX_COLUMNS, Malformed, Options, Row, decode, records
from towpath_sandbox.databricks.errors import SqlError


@dataclass
class Table:
    """The records of a file as columns of text."""

    names: list[str]
    columns: list[pa.ChunkedArray | pa.Array]
    rows: int


def read(
    data: bytes,
    options: Options,
    wanted: Iterable[str] | None = None,
    names: list[str] | None = None,
) -> Table:
    """A file as COPY INTO reads it. `wanted` are the columns that the statement uses, None for all:
    where it does not use all, Spark does not see that a record is too long or too short. `names` are
    those of the first file: columns go by position."""
    text = decode(data, options.encoding)
    fast = (
        None if options.header or options.skip_rows else _fast(text, options, len(names) if names else None)
    )
    if fast is not None:
        return Table(names or [f"_c{i}" for i in range(len(fast))], fast, len(fast[0]) if fast else 0)
    rows = records(text, options)
    own = _names(rows, options)
    head: list[Row | Malformed] = []
    if own is None:
        for row in rows:
            head.append(row)
            if not isinstance(row, Malformed):
                break
        first = head[-1] if head else []
        own = [f"_c{i}" for i in range(0 if isinstance(first, Malformed) else len(first))]
    names = names or own
    pruned = wanted is not None and not set(names) <= set(wanted)
    kept = _checked(itertools.chain(head, rows), len(names), options, pruned)
    table = [[_null(cell, options) for cell in row] for row in kept]
    columns = (
        [pa.array(list(column), pa.string()) for column in zip(*table)]
        if table
        else [pa.array([], pa.string())] * len(names)
    )
    return Table(names, columns, len(table))


def _names(rows: Iterator[Row | Malformed], options: Options) -> list[str] | None:
    if not options.header:
        return None
    head = next(rows, [])
    if isinstance(head, Malformed):
        raise SqlError("MALFORMED_CSV_RECORD", str(head))
    taken = [(name or "").lower() for name in head]
    names = []
    for i, name in enumerate(head):
        if not name or name == options.null_value:
            names.append(f"_c{i}")
        else:
            names.append(f"{name}{i}" if taken.count(name.lower()) > 1 else name)
    return names


def _checked(rows: Iterable[Row | Malformed], width: int, options: Options, pruned: bool) -> Iterator[Row]:
    """Rows of the right width, by what `mode` says about others."""
    for row in rows:
        bad = isinstance(row, Malformed) or (len(row) != width and not pruned)
        if bad and options.mode == "FAILFAST":
            shown = (
                str(row)
                if isinstance(row, Malformed)
                else "[" + ",".join(cell or "null" for cell in row) + "]"
            )
            raise SqlError("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", shown)
        if bad and options.mode == "DROPMALFORMED":
            continue
        cells: Row = [] if isinstance(row, Malformed) else row
        yield cells[:width] + [None] * (width - len(cells))


def _null(cell: str | None, options: Options) -> str | None:
    return None if cell is None or cell == options.null_value else cell


def _fast(text: str, options: Options, width: int | None) -> list[pa.ChunkedArray] | None:
    """The same by pyarrow's parser, for options and texts where both agree; None where they might not."""
    agrees = (
        options.multi_line
        and options.quote == options.escape == '"'
        and len(options.sep) == 1
        and options.sep not in '\r\n" '
        and options.line_sep in ("", "\n")
        and not (options.comment or options.leading or options.trailing)
        and options.empty_value == ""
        and options.char_to_escape is None
        and not (options.line_sep == "" and "\r" in text)
    )
    if not agrees or not text or not _is_clean(text, options.sep):
        return None
    data = text.encode()
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            read_options=pyarrow.csv.ReadOptions(
                block_size=len(data) + 1, use_threads=False, autogenerate_column_names=True
            ),
            parse_options=pyarrow.csv.ParseOptions(delimiter=options.sep, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={f"f{i}": pa.string() for i in range(width or MAX_COLUMNS)},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None  # records of several widths, perhaps
    if width is not None and table.num_columns != width:
        return None
    return [_without(column, options.null_value) for column in table.columns]


def _is_clean(text: str, sep: str) -> bool:
    """Whether quotes stand around whole fields only, and carriage returns inside of quotes only."""
    around = (sep, "\n")
    parts = text.split('"')
    outside = parts[::2]
    if len(parts) % 2 == 0 or any("\r" in part for part in outside):
        return False  # a quote stays open; a line end that only pyarrow would see
    if len(outside) == 1:
        return True
    first, last = outside[0], outside[-1]
    if (first and not first.endswith(around)) or (last and not last.startswith(around)):
        return False
    return all(not part or (part.startswith(around) and part.endswith(around)) for part in set(outside[1:-1]))


def _without(column: pa.ChunkedArray, null_value: str) -> pa.ChunkedArray:
    """With NULL for what equals nullValue."""
    return pc.if_else(pc.equal(column, null_value), pa.scalar(None, pa.string()), column)
