"""JSON as Spark reads it: objects to columns, whose types come from the data."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from towpath_sandbox.databricks import csvtext
from towpath_sandbox.databricks.errors import SqlError


def read(data: bytes, given: dict[str, str]) -> pa.Table:
    """The objects of a file as a table; columns in alphabetical order, as inference has them."""
    options = {key.lower(): value for key, value in given.items()}
    text = csvtext.decode(data, options.get("encoding", options.get("charset", "UTF-8")))
    objects = list(_objects(text, options))
    names = sorted({name for item in objects for name in item})
    as_text = options.get("primitivesasstring", "false").lower() == "true"
    columns = [_column([item.get(name) for item in objects], as_text) for name in names]
    return pa.table(columns, names=names) if names else pa.table({})


def _objects(text: str, options: dict[str, str]) -> Iterator[dict[str, Any]]:
    mode = options.get("mode", "PERMISSIVE").upper()
    for piece in _pieces(text, options):
        try:
            value = json.loads(
                piece,
                parse_float=_Number,
                strict=options.get("allowunquotedcontrolchars") != "true",
            )
        except ValueError:
            value = None
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield item
            elif mode == "FAILFAST":
                raise SqlError("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", piece[:200])
            elif mode != "DROPMALFORMED":
                yield {}


def _pieces(text: str, options: dict[str, str]) -> list[str]:
    if options.get("multiline", "false").lower() == "true":
        return [text] if text.strip() else []
    separator = options.get("linesep")
    lines = text.split(separator) if separator else re.split(r"\r\n|\n|\r", text)
    return [line for line in lines if line.strip()]


class _Number(float):
    """A number with a fraction or an exponent, that keeps its text."""

    def __new__(cls, text: str) -> "_Number":
        self = super().__new__(cls, text)
        self.text = text
        return self

    text: str


def _column(values: list[Any], as_text: bool) -> pa.Array:
    kinds = {_kind(value) for value in values if value is not None}
    if as_text and not kinds & {"list", "dict"}:
        return pa.array([_text(value) for value in values], pa.string())
    if not kinds or kinds == {"str"}:
        return pa.array(values, pa.string())
    if kinds == {"bool"}:
        return pa.array(values, pa.bool_())
    if kinds == {"int"}:
        return _integers(values)
    if kinds <= {"int", "float"}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if kinds == {"list"} or kinds == {"dict"}:
        try:
            return pa.array(values)
        except pa.ArrowException:
            pass  # of several types: text
    return pa.array([_text(value) for value in values], pa.string())


def _kind(value: Any) -> str:
    return "float" if isinstance(value, _Number) else type(value).__name__


def _integers(values: list[Any]) -> pa.Array:
    """BIGINT, or DECIMAL where that is too small."""
    try:
        return pa.array(values, pa.int64())
    except (pa.ArrowInvalid, OverflowError):
        return pa.array(values, pa.decimal128(38, 0))


def _text(value: Any) -> str | None:
    """A value as a string column has it: strings as they are, all else as its JSON text."""
    if value is None or isinstance(value, str):
        return value
    return (
        value.text
        if isinstance(value, _Number)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )
