"""Values as JSON text: nested cells of JSON_ARRAY, and to_json."""

import base64
import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from towpath_sandbox.databricks.types import SqlType


@dataclass(frozen=True)
class Style:
    """How some types are written; digits are those of a second's fraction."""

    digits: int = 3
    digits_ntz: int = 3
    keeps_nulls: bool = True  # in structs


CELL = Style()


def style_of(options: dict[str, str]) -> Style:
    """That of to_json with these options."""
    given = {key.lower(): value for key, value in options.items()}
    return Style(
        _digits(given.get("timestampformat", ".SSS")),
        _digits(given.get("timestampntzformat", ".SSS")),
        given.get("ignorenullfields", "true").lower() == "false",
    )


def _digits(pattern: str) -> int:
    found = re.search(r"S+", pattern)
    return len(found[0]) if found else 0


def column(values: pa.Array, kind: SqlType, style: Style) -> pa.Array:
    """A column as JSON text."""
    cells = [None if value is None else text(value, kind, style) for value in values.to_pylist()]
    return pa.array(cells, pa.string())


def text(value: Any, kind: SqlType, style: Style = CELL) -> str:
    """A value, as pyarrow has it, as JSON text."""
    if value is None:
        return "null"
    if kind.name == "ARRAY":
        return "[" + ",".join(text(item, kind.children[0], style) for item in value) + "]"
    if kind.name == "MAP":
        pairs = [
            (_key(key, kind.children[0], style), text(item, kind.children[1], style)) for key, item in value
        ]
        return "{" + ",".join(f"{key}:{item}" for key, item in pairs) + "}"
    if kind.name == "STRUCT":
        parts = [
            f"{_quoted(name)}:{text(value[name], child, style)}"
            for name, child in zip(kind.names, kind.children)
            if value[name] is not None or style.keeps_nulls
        ]
        return "{" + ",".join(parts) + "}"
    return _scalar(value, kind, style)


def _key(value: Any, kind: SqlType, style: Style) -> str:
    shown = text(value, kind, style)
    return shown if shown.startswith('"') else _quoted(shown)


def _scalar(value: Any, kind: SqlType, style: Style) -> str:
    if kind.name == "VARIANT":
        return json.dumps(json.loads(value), ensure_ascii=False, separators=(",", ":"))
    if kind.name == "DECIMAL":
        return format(value, "f")
    if isinstance(value, bytes):
        return _quoted(base64.b64encode(value).decode())
    if isinstance(value, datetime):
        digits = style.digits if kind.name == "TIMESTAMP" else style.digits_ntz
        return _quoted(_moment(value, digits))
    if isinstance(value, date):
        return _quoted(value.isoformat())
    if isinstance(value, float):
        shown = json.dumps(value)
        return _quoted(shown) if shown in ("NaN", "Infinity", "-Infinity") else shown
    return json.dumps(value, ensure_ascii=False, default=str)


def _moment(value: datetime, digits: int) -> str:
    shown = value.replace(tzinfo=None).isoformat(timespec="microseconds")
    shown = shown[: len(shown) - 6 + digits] if digits else shown[:-7]
    offset = value.utcoffset()
    if offset is None:
        return shown
    minutes = int(offset.total_seconds()) // 60
    if not minutes:
        return shown + "Z"
    return f"{shown}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _quoted(shown: str) -> str:
    return json.dumps(shown, ensure_ascii=False)
