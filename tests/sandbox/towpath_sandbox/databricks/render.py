"""Results as text: the cells of JSON_ARRAY, and CSV."""

import base64
import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from towpath_sandbox.databricks import nested
from towpath_sandbox.databricks.types import YEAR_MONTH, SqlType

Render = Callable[[Any], str]


def rows(
    batches: Sequence[pa.RecordBatch], types: Sequence[SqlType], timezone: str
) -> list[list[str | None]]:
    """Rows of text cells; None is NULL."""
    renders = [_render(kind, timezone) for kind in types]
    table: list[list[str | None]] = []
    for batch in batches:
        columns = [
            [None if value is None else render(value) for value in _values(column)]
            for render, column in zip(renders, batch.columns)
        ]
        table.extend(map(list, zip(*columns)))
    return table


def json_array(cells: list[list[str | None]]) -> bytes:
    return json.dumps(cells, ensure_ascii=False, separators=(",", ":")).encode()


def csv_text(cells: list[list[str | None]], header: Sequence[str]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if header:
        writer.writerow(header)
    writer.writerows([["null" if cell is None else cell for cell in row] for row in cells])
    return out.getvalue().encode()


def _values(column: pa.Array) -> list[Any]:
    """Dates and times as the integers behind them: Python's own cannot hold all that SQL's can."""
    if pa.types.is_timestamp(column.type) or pa.types.is_duration(column.type):
        column = column.cast(pa.int64())
    elif pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    return list(column.to_pylist())


def _render(kind: SqlType, timezone: str) -> Render:
    if kind.name == "TIMESTAMP":
        zone = ZoneInfo(timezone)
        return lambda micros: _timestamp(micros, zone)
    if kind.name in ("ARRAY", "MAP", "STRUCT"):
        return lambda value: nested.text(value, kind)
    if kind.name == "INTERVAL":
        return _months if kind.interval == YEAR_MONTH else _duration
    return RENDERS.get(kind.name, str)


def civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a day since 1970-01-01, in the proleptic Gregorian calendar."""
    era, day = divmod(days + 719468, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    return era * 400 + year + (month >= 10), month + 3 if month < 10 else month - 9, day


def _date(days: int) -> str:
    year, month, day = civil(days)
    return f"{year:04d}-{month:02d}-{day:02d}"


def _wall(micros: int) -> str:
    """Milliseconds only: that is what warehouses send."""
    days, rest = divmod(micros, 86_400_000_000)
    seconds, rest = divmod(rest, 1_000_000)
    return (
        f"{_date(days)}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest // 1000:03d}"
    )


def _timestamp(micros: int, zone: ZoneInfo) -> str:
    offset = None
    if zone.key not in ("UTC", "Etc/UTC") and -62_000_000_000_000_000 < micros < 253_000_000_000_000_000:
        offset = datetime.fromtimestamp(micros // 1_000_000, zone).utcoffset()
    if not offset:
        return _wall(micros) + "Z"
    seconds = int(offset.total_seconds())
    sign, minutes = ("-", -seconds // 60) if seconds < 0 else ("+", seconds // 60)
    return f"{_wall(micros + seconds * 1_000_000)}{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    exact = Decimal(repr(value))
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = format(exact, "f")
        return text if "." in text else text + ".0"
    sign, digits, _ = exact.normalize().as_tuple()
    tail = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{tail}E{exact.adjusted()}"


def _float(value: float) -> str:
    """The shortest text that gives the same 32-bit float."""
    for digits in range(6, 10):
        text = f"{value:.{digits}g}"
        if pa.scalar(float(text), pa.float32()).as_py() == value or math.isnan(value):
            return number(float(text))
    return number(value)


def _months(months: int) -> str:
    sign = "-" if months < 0 else ""
    return f"{sign}{abs(months) // 12}-{abs(months) % 12}"


def _duration(micros: int) -> str:
    sign = "-" if micros < 0 else ""
    days, rest = divmod(abs(micros), 86_400_000_000)
    seconds, rest = divmod(rest, 1_000_000)
    return f"{sign}{days} {seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest * 1000:09d}"


RENDERS: dict[str, Render] = {
    "BOOLEAN": lambda value: "true" if value else "false",
    "DOUBLE": number,
    "FLOAT": _float,
    "DECIMAL": lambda value: format(value, "f"),
    "BINARY": lambda value: base64.b64encode(value).decode(),
    "DATE": _date,
    "TIMESTAMP_NTZ": _wall,
}
