"""SQL types as the Statement API names them, and the Arrow types that they travel as."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
from duckdb import sqltypes
from sqlglot import exp

from towpath_sandbox.databricks.errors import SqlError

YEAR_MONTH = "YEAR TO MONTH"
DAY_TIME = "DAY TO SECOND"

# By the name in SQL: type_name of the manifest (the same, where it is not here).
TYPE_NAMES = {"TINYINT": "BYTE", "SMALLINT": "SHORT", "BIGINT": "LONG", "VOID": "NULL"}

# DuckDB's scalar types, by their id, as Databricks' types; what Databricks lacks becomes the nearest.
SCALARS = {
    "boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INT", "bigint": "BIGINT",
    "hugeint": "BIGINT", "uhugeint": "BIGINT", "utinyint": "SMALLINT", "usmallint": "INT", "uinteger": "BIGINT",
    "ubigint": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "varchar": "STRING", "blob": "BINARY",
    "date": "DATE", "timestamp with time zone": "TIMESTAMP", "timestamp": "TIMESTAMP_NTZ",
    "timestamp_s": "TIMESTAMP_NTZ", "timestamp_ms": "TIMESTAMP_NTZ", "timestamp_ns": "TIMESTAMP_NTZ",
    "interval": "INTERVAL", "null": "VOID", "json": "VARIANT", "variant": "VARIANT",
}  # fmt: skip


@dataclass(frozen=True)
class SqlType:
    name: str  # "BIGINT", "ARRAY", ...
    precision: int = 0
    scale: int = 0
    interval: str = ""  # YEAR_MONTH or DAY_TIME
    children: tuple["SqlType", ...] = ()  # element; key and value; fields
    names: tuple[str, ...] = ()  # of a struct's fields

    @property
    def type_name(self) -> str:
        return TYPE_NAMES.get(self.name, self.name)

    @cached_property
    def text(self) -> str:
        """As DDL has it."""
        parts = [child.text for child in self.children]
        if self.name == "DECIMAL":
            return f"DECIMAL({self.precision},{self.scale})"
        if self.name == "INTERVAL":
            return f"INTERVAL {self.interval}"
        if self.name == "STRUCT":
            return f"STRUCT<{', '.join(f'{name}: {part}' for name, part in zip(self.names, parts))}>"
        return f"{self.name}<{', '.join(parts)}>" if parts else self.name

    @cached_property
    def plain_text(self) -> str:
        """As DESCRIBE has it."""
        parts = [child.plain_text for child in self.children]
        if self.name == "STRUCT":
            return f"struct<{','.join(f'{name}:{part}' for name, part in zip(self.names, parts))}>"
        return f"{self.name.lower()}<{','.join(parts)}>" if parts else self.text.lower()

    @cached_property
    def duckdb(self) -> str:
        """As DuckDB has it."""
        parts = [child.duckdb for child in self.children]
        if self.name == "ARRAY":
            return parts[0] + "[]"
        if self.name == "MAP":
            return f"MAP({parts[0]}, {parts[1]})"
        if self.name == "STRUCT":
            return (
                "STRUCT(" + ", ".join(f"{quoted(name)} {part}" for name, part in zip(self.names, parts)) + ")"
            )
        return self.text if self.name == "DECIMAL" else DUCKDB[self.name]

    def arrow(self, timezone: str) -> pa.DataType:
        if self.name == "DECIMAL":
            return pa.decimal128(self.precision, self.scale)
        if self.name == "TIMESTAMP":
            return pa.timestamp("us", timezone)
        if self.name == "INTERVAL":
            # pyarrow has no year-month interval; months as int32 are what its bytes are.
            return pa.int32() if self.interval == YEAR_MONTH else pa.duration("us")
        parts = [child.arrow(timezone) for child in self.children]
        if self.name == "ARRAY":
            return pa.list_(pa.field("element", parts[0]))
        if self.name == "MAP":
            return pa.map_(parts[0], parts[1])
        if self.name == "STRUCT":
            return pa.struct([pa.field(name, part) for name, part in zip(self.names, parts)])
        return ARROW[self.name]


DUCKDB = {
    "BOOLEAN": "BOOLEAN", "TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INT": "INTEGER", "BIGINT": "BIGINT",
    "FLOAT": "FLOAT", "DOUBLE": "DOUBLE", "STRING": "VARCHAR", "BINARY": "BLOB", "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMPTZ", "TIMESTAMP_NTZ": "TIMESTAMP", "VOID": "INTEGER", "VARIANT": "JSON",
    "INTERVAL": "INTERVAL",
}  # fmt: skip

ARROW: dict[str, pa.DataType] = {
    "BOOLEAN": pa.bool_(), "TINYINT": pa.int8(), "SMALLINT": pa.int16(), "INT": pa.int32(), "BIGINT": pa.int64(),
    "FLOAT": pa.float32(), "DOUBLE": pa.float64(), "STRING": pa.string(), "BINARY": pa.binary(), "DATE": pa.date32(),
    "TIMESTAMP_NTZ": pa.timestamp("us"), "VOID": pa.null(), "VARIANT": pa.string(),
}  # fmt: skip


def quoted(name: str) -> str:
    """An identifier in DuckDB's SQL."""
    return '"' + name.replace('"', '""') + '"'


def of_ddl(kind: exp.DataType) -> SqlType:
    """The SQL type that a parsed type means."""
    if kind.is_type("array", "list"):
        return SqlType("ARRAY", children=(of_ddl(kind.expressions[0]),))
    if kind.is_type("map"):
        key, value = kind.expressions
        return SqlType("MAP", children=(of_ddl(key), of_ddl(value)))
    if kind.is_type("struct"):
        fields = kind.expressions
        kinds = tuple(of_ddl(field.args["kind"]) for field in fields)
        return SqlType("STRUCT", children=kinds, names=tuple(field.name for field in fields))
    if kind.is_type("timestamp", "timestampltz"):
        return SqlType("TIMESTAMP")
    text = kind.sql("databricks").upper()
    if text.startswith("INTERVAL"):
        return SqlType("INTERVAL", interval=YEAR_MONTH if "YEAR" in text or "MONTH" in text else DAY_TIME)
    if text.startswith("DECIMAL"):
        precision, scale = (
            ([int(part.name) for part in kind.expressions] + [0])[:2] if kind.expressions else (10, 0)
        )
        return SqlType("DECIMAL", precision=precision, scale=scale)
    name = text.partition("(")[0]
    if name in ("VARCHAR", "CHAR", "TEXT"):
        return SqlType("STRING")
    if name not in DUCKDB:
        raise SqlError("UNSUPPORTED_FEATURE", f"the data type {text}")
    return SqlType(name)


def of_duckdb(kind: "sqltypes.DuckDBPyType", interval: str = DAY_TIME) -> SqlType:
    """The SQL type of a DuckDB column. DuckDB has one interval type: which of the two that Databricks
    has is the caller's to know."""
    text = str(kind).strip('"').lower()
    if text in SCALARS:
        name = SCALARS[text]
        return SqlType(name, interval=interval if name == "INTERVAL" else "")
    parts: dict[str, Any] = dict(kind.children) if kind.id != "enum" else {}
    child: Callable[[str], SqlType] = lambda name: of_duckdb(parts[name], interval)  # noqa: E731
    if kind.id == "decimal":
        return SqlType("DECIMAL", precision=parts["precision"], scale=parts["scale"])
    if kind.id in ("list", "array"):
        return SqlType("ARRAY", children=(child("child"),))
    if kind.id == "map":
        return SqlType("MAP", children=(child("key"), child("value")))
    if kind.id == "struct":
        return SqlType("STRUCT", children=tuple(map(child, parts)), names=tuple(parts))
    return SqlType("STRING")  # TIME, UUID, ENUM and the like, as text
