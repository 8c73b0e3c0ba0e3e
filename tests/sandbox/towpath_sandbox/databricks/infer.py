"""inferSchema of CSV: the narrowest type that all values of a column have."""

import re
from collections.abc import Callable

import pyarrow as pa

INTEGER = re.compile(r"[+-]?\d+")
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|NaN|-?Inf")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?")
WORDS = {"NaN": "nan", "Inf": "inf", "-Inf": "-inf"}


def typed(table: pa.Table) -> pa.Table:
    """The table with the types that Spark would guess for its columns of text."""
    columns = [_typed(column) if pa.types.is_string(column.type) else column for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    values = {value for value in column.to_pylist() if value is not None}
    if not values:
        return column
    for fits, make in GUESSES:
        if all(map(fits, values)):
            try:
                return make(column)
            except (pa.ArrowInvalid, ValueError):
                continue
    return column


def _int(column: pa.ChunkedArray) -> pa.ChunkedArray:
    numbers = [None if value is None else int(value) for value in column.to_pylist()]
    try:
        return pa.chunked_array([pa.array(numbers, pa.int32())])
    except (pa.ArrowInvalid, OverflowError):
        try:
            return pa.chunked_array([pa.array(numbers, pa.int64())])
        except OverflowError as error:
            raise ValueError(str(error)) from error


def _double(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array(
        [[None if v is None else float(WORDS.get(v, v)) for v in column.to_pylist()]], pa.float64()
    )


def _timestamp(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # Without a zone it is the session's, UTC.
    zoned = [
        None if v is None else v if re.search(r"(Z|[+-]\d{2}:?\d{2})\Z", v[10:]) else v + "Z"
        for v in column.to_pylist()
    ]
    return pa.chunked_array([zoned], pa.string()).cast(pa.timestamp("us", "UTC"))


def _boolean(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array(
        [[None if v is None else v.lower() == "true" for v in column.to_pylist()]], pa.bool_()
    )


Guess = tuple[Callable[[str], object], Callable[[pa.ChunkedArray], pa.ChunkedArray]]

GUESSES: list[Guess] = [
    (INTEGER.fullmatch, _int),
    (DECIMAL.fullmatch, _double),
    (DATE.fullmatch, lambda column: column.cast(pa.date32())),
    (TIMESTAMP.fullmatch, _timestamp),
    (lambda value: value.lower() in ("true", "false"), _boolean),
]
