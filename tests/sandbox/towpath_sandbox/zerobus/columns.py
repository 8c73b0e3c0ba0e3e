"""A table's columns as Unity Catalog describes them, as a descriptor must have them, and as records do."""

import base64
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from towpath_sandbox.databricks.catalog import Column, Table
from towpath_sandbox.databricks.types import SqlType

_TYPES = descriptor_pb2.FieldDescriptorProto
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

KINDS = {
    "BOOLEAN": _TYPES.TYPE_BOOL, "TINYINT": _TYPES.TYPE_INT32, "SMALLINT": _TYPES.TYPE_INT32,
    "INT": _TYPES.TYPE_INT32, "BIGINT": _TYPES.TYPE_INT64, "FLOAT": _TYPES.TYPE_FLOAT,
    "DOUBLE": _TYPES.TYPE_DOUBLE, "STRING": _TYPES.TYPE_STRING, "BINARY": _TYPES.TYPE_BYTES,
    "DATE": _TYPES.TYPE_INT32, "TIMESTAMP": _TYPES.TYPE_INT64, "TIMESTAMP_NTZ": _TYPES.TYPE_INT64,
    "DECIMAL": _TYPES.TYPE_STRING, "VARIANT": _TYPES.TYPE_STRING,
}  # fmt: skip

SPARK = {"TINYINT": "byte", "SMALLINT": "short", "INT": "integer", "BIGINT": "long"}


class Mismatch(ValueError):
    """Records, or their descriptor, do not go with the table."""


# ---- Unity Catalog --------------------------------------------------------------------------------


def spark(kind: SqlType) -> Any:
    """A type as Spark's JSON has it."""
    if kind.name == "ARRAY":
        return {"type": "array", "elementType": spark(kind.children[0]), "containsNull": True}
    if kind.name == "MAP":
        key, value = map(spark, kind.children)
        return {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": True}
    if kind.name == "STRUCT":
        members = [
            {"name": name, "type": spark(child), "nullable": True, "metadata": {}}
            for name, child in zip(kind.names, kind.children)
        ]
        return {"type": "struct", "fields": members}
    return SPARK.get(kind.name, kind.plain_text)


def describe(table: Table) -> dict[str, Any]:
    catalog, schema, name = table.name
    return {
        "name": name,
        "catalog_name": catalog,
        "schema_name": schema,
        "full_name": ".".join(table.name),
        "table_type": "MANAGED",
        "data_source_format": "DELTA",
        "columns": [
            {
                "name": column.name,
                "position": number,
                "nullable": column.nullable,
                "type_name": column.type.type_name,
                "type_text": column.type.plain_text,
                "type_json": json.dumps(
                    {
                        "name": column.name,
                        "type": spark(column.type),
                        "nullable": column.nullable,
                        "metadata": {},
                    }
                ),
            }
            for number, column in enumerate(table.now.columns)
        ],
    }


# ---- descriptors ----------------------------------------------------------------------------------


def record_class(serialized: bytes) -> Any:
    """The class of messages that a DescriptorProto describes."""
    message = descriptor_pb2.DescriptorProto.FromString(serialized)
    pool = descriptor_pool.DescriptorPool()
    try:
        pool.Add(
            descriptor_pb2.FileDescriptorProto(name="record.proto", syntax="proto2", message_type=[message])
        )
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(message.name))
    except Exception as error:
        raise Mismatch(f"8001: the descriptor cannot be used: {error}") from error


def check(descriptor: Any, columns: tuple[Column, ...]) -> None:
    """Fields and columns must be the same, one to one."""
    fields = {field.name: field for field in descriptor.fields}
    for column in columns:
        field = fields.pop(column.name, None)
        if field is None:
            raise Mismatch(f"8001: MISSING_REQUIRED_COLUMN: the descriptor lacks column {column.name}")
        _check_type(field, column.type, column.name)
        if field.label == field.LABEL_REQUIRED and column.nullable:
            raise Mismatch(f"8001: column {column.name} may be null, its field is required")
        if not column.nullable and field.label == field.LABEL_OPTIONAL:
            raise Mismatch(f"8001: column {column.name} is NOT NULL, its field is optional")
    if fields:
        raise Mismatch(f"8001: FIELD_NOT_IN_TABLE: {', '.join(fields)}")


def _check_type(field: Any, kind: SqlType, name: str) -> None:
    if kind.name == "ARRAY":
        fits = field.label == field.LABEL_REPEATED
        kind = kind.children[0]
    elif kind.name == "MAP":
        fits = field.message_type is not None and field.message_type.GetOptions().map_entry
    else:
        fits = field.label != field.LABEL_REPEATED
    if fits and kind.name in KINDS:
        fits = field.type == KINDS[kind.name]
    if fits and kind.name == "STRUCT":
        fits = field.message_type is not None and set(kind.names) == set(field.message_type.fields_by_name)
    if not fits:
        raise Mismatch(f"8001: TYPE_INCOMPATIBLE: column {name} is {kind.text}, its field is of another type")


# ---- records --------------------------------------------------------------------------------------


def of_message(message: Any, columns: tuple[Column, ...]) -> dict[str, Any]:
    if not message.IsInitialized():
        missing = ", ".join(message.FindInitializationErrors())
        raise Mismatch(f"8001: the record lacks required fields: {missing}")
    return {column.name: _field(message, column.name, column.type) for column in columns}


def _field(message: Any, name: str, kind: SqlType) -> Any:
    value = getattr(message, name)
    if kind.name == "ARRAY":
        return [_value(item, kind.children[0]) for item in value]
    if kind.name == "MAP":
        return [(_value(key, kind.children[0]), _value(value[key], kind.children[1])) for key in value]
    return _value(value, kind) if message.HasField(name) else None


def _value(value: Any, kind: SqlType) -> Any:
    if kind.name == "STRUCT":
        return {name: _field(value, name, child) for name, child in zip(kind.names, kind.children)}
    if kind.name == "DATE":
        return date(1970, 1, 1) + timedelta(days=value)
    if kind.name == "TIMESTAMP":
        return EPOCH + timedelta(microseconds=value)
    if kind.name == "TIMESTAMP_NTZ":
        return (EPOCH + timedelta(microseconds=value)).replace(tzinfo=None)
    return _checked(Decimal(value) if kind.name == "DECIMAL" else value, kind)


def _checked(value: Any, kind: SqlType) -> Any:
    bits = {"TINYINT": 8, "SMALLINT": 16, "INT": 32, "BIGINT": 64}.get(kind.name)
    if bits and not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise Mismatch(f"8001: {value} is no {kind.name}")
    return value


def of_json(text: str, columns: tuple[Column, ...]) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise Mismatch(f"8001: a record is no JSON: {error}") from error
    if not isinstance(record, dict):
        raise Mismatch("8001: a record is no JSON object")
    unknown = set(record) - {column.name for column in columns}
    if unknown:
        raise Mismatch(f"8001: FIELD_NOT_IN_TABLE: {', '.join(sorted(unknown))}")
    return {column.name: _of_json(record.get(column.name), column) for column in columns}


def _of_json(value: Any, column: Column) -> Any:
    if value is None:
        if not column.nullable:
            raise Mismatch(f"8001: column {column.name} is NOT NULL")
        return None
    try:
        return _json_value(value, column.type)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise Mismatch(f"8001: column {column.name}: {value!r} is no {column.type.text}: {error}") from error


def _json_value(value: Any, kind: SqlType) -> Any:
    if value is None:
        return None
    if kind.name == "ARRAY":
        return [_json_value(item, kind.children[0]) for item in value]
    if kind.name == "MAP":
        return [(_json_value(key, kind.children[0]), _json_value(item, kind.children[1])) for key, item in value.items()]
    if kind.name == "STRUCT":
        return {name: _json_value(value.get(name), child) for name, child in zip(kind.names, kind.children)}
    if kind.name in ("TIMESTAMP", "TIMESTAMP_NTZ"):
        return datetime.fromisoformat(value)
    if kind.name == "DATE":
        return date.fromisoformat(value)
    if kind.name == "BINARY":
        return base64.b64decode(value, validate=True)
    if kind.name == "DECIMAL":
        return Decimal(str(value))
    if kind.name in ("TINYINT", "SMALLINT", "INT", "BIGINT"):
        return _checked(int(value), kind)
    if kind.name in ("FLOAT", "DOUBLE"):
        return float(value)
    if kind.name == "VARIANT":
        return value if isinstance(value, str) else json.dumps(value)
    if kind.name == "BOOLEAN" and not isinstance(value, bool):
        raise TypeError("true or false")
    return value
