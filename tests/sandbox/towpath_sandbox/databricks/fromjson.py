"""from_json: JSON text to a type, as Spark reads it."""

import base64
import binascii
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from towpath_sandbox.databricks.types import SqlType

_numbers = itertools.count(1)
RANGES = {"TINYINT": 7, "SMALLINT": 15, "INT": 31, "BIGINT": 63}
WORDS = ("NaN", "Infinity", "-Infinity", "+Infinity", "INF", "-INF", "+INF")


class Mismatch(ValueError):
    """A value that is not of the type."""


class Number(str):
    """A number with a fraction or an exponent, as it was written."""


@dataclass(frozen=True)
class FromJson:
    """A use of from_json, as a function of DuckDB's with a name of its own."""

    type: SqlType
    strict: bool  # mode FAILFAST: what is malformed is an error, else NULL
    name: str = field(default_factory=lambda: f"from_json_{next(_numbers)}")

    def __call__(self, texts: pa.Array) -> pa.Array:
        return pa.array([self._value(text) for text in texts.to_pylist()], arrow_of(self.type))

    def _value(self, text: str | None) -> Any:
        if text is None:
            return None
        try:
            return convert(json.loads(text, parse_float=Number), self.type, self.strict)
        except ValueError as error:
            if self.strict:
                raise Mismatch(f"Malformed JSON: {text[:200]} ({error})") from error
            return dict.fromkeys(self.type.names) if self.type.name == "STRUCT" else None


def arrow_of(kind: SqlType) -> pa.DataType:
    return kind.arrow("Etc/UTC")


def convert(value: Any, kind: SqlType, strict: bool) -> Any:
    """A parsed value as the type has it. Fields that are malformed are NULL, or errors where strict."""
    if value is None:
        return None
    if kind.name == "ARRAY":
        return [convert(item, kind.children[0], strict) for item in _is(value, list)]
    if kind.name == "MAP":
        key, item_type = kind.children
        return [
            (convert(name, key, strict), convert(item, item_type, strict))
            for name, item in _is(value, dict).items()
        ]
    if kind.name == "STRUCT":
        given = _is(value, dict)
        return {
            name: _field(given.get(name), child, strict) for name, child in zip(kind.names, kind.children)
        }
    return SCALARS[kind.name](value, kind)


def _field(value: Any, kind: SqlType, strict: bool) -> Any:
    try:
        return convert(value, kind, strict)
    except ValueError:
        if strict:
            raise
        return None


def _is(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise Mismatch(f"{value!r} is no {kind.__name__}")
    return value


def _whole(value: Any, kind: SqlType) -> int:
    number = int(_is(value, int))
    if not -(1 << RANGES[kind.name]) <= number < 1 << RANGES[kind.name]:
        raise Mismatch(f"{number} is out of the range of {kind.name}")
    return number


def _text(value: Any, kind: SqlType) -> str:
    if type(value) is Number or isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _float(value: Any, kind: SqlType) -> float:
    if type(value) is Number or type(value) is int or value in WORDS:
        return float(value)
    raise Mismatch(f"{value!r} is no number")


def _decimal(value: Any, kind: SqlType) -> Decimal:
    if not isinstance(value, (int, str)) or isinstance(value, bool):
        raise Mismatch(f"{value!r} is no number")
    try:
        number = Decimal(value).quantize(Decimal(1).scaleb(-kind.scale))
    except ArithmeticError as error:
        raise Mismatch(f"{value!r} is no {kind.text}") from error
    if len(number.as_tuple().digits) > kind.precision:
        raise Mismatch(f"{value!r} is no {kind.text}")
    return number


def _binary(value: Any, kind: SqlType) -> bytes:
    try:
        return base64.b64decode(_is(value, str), validate=True)
    except binascii.Error as error:
        raise Mismatch(f"{value!r} is no base64") from error


def _timestamp(value: Any, kind: SqlType) -> datetime:
    moment = datetime.fromisoformat(_is(value, str))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


SCALARS: dict[str, Callable[[Any, SqlType], Any]] = {
    "STRING": _text,
    "BOOLEAN": lambda value, kind: _is(value, bool),
    "FLOAT": _float,
    "DOUBLE": _float,
    "DECIMAL": _decimal,
    "BINARY": _binary,
    "DATE": lambda value, kind: date.fromisoformat(_is(value, str)),
    "TIMESTAMP": _timestamp,
    "TIMESTAMP_NTZ": lambda value, kind: datetime.fromisoformat(_is(value, str)).replace(tzinfo=None),
    "VARIANT": _text,
    "VOID": lambda value, kind: None,
    **dict.fromkeys(RANGES, _whole),
}
