"""DESCRIBE, SHOW, and what else only tells."""

import json
import re

from towpath_sandbox.databricks import names, sql
from towpath_sandbox.databricks.catalog import Column, Table, Version, View
from towpath_sandbox.databricks.engine import BIGINT, NOTHING, STRING, Result, Session, listing
from towpath_sandbox.databricks.errors import SqlError
from towpath_sandbox.databricks.sql import Translator
from towpath_sandbox.databricks.types import SqlType

NAME = r"((?:`(?:``|[^`])+`|[^.`\s(]+)(?:\.(?:`(?:``|[^`])+`|[^.`\s(]+))*)"
STRINGS = SqlType("MAP", children=(STRING, STRING))
BOOLEAN = SqlType("BOOLEAN")
HISTORY: dict[str, SqlType] = {
    "version": BIGINT,
    "timestamp": SqlType("TIMESTAMP"),
    "userId": STRING,
    "userName": STRING,
    "operation": STRING,
    "operationParameters": STRINGS,
    "clusterId": STRING,
    "readVersion": BIGINT,
    "isolationLevel": STRING,
    "isBlindAppend": BOOLEAN,
    "operationMetrics": STRINGS,
    "userMetadata": STRING,
    "engineInfo": STRING,
}
BLIND = frozenset({"COPY INTO", "WRITE"})

HISTORY_OF = rf"DESC(?:RIBE)?\s+HISTORY\s+{NAME}(?:\s+LIMIT\s+(\d+))?\Z"
COLUMNS_OF = rf"DESC(?:RIBE)?\s+(?:TABLE\s+)?(EXTENDED\s+)?{NAME}(\s+AS\s+JSON)?\Z"


def _match(pattern: str, text: str) -> re.Match[str]:
    match = re.match(pattern, text, re.IGNORECASE)
    if match is None:
        raise SqlError("PARSE_SYNTAX_ERROR", f"'{text.split()[-1]}'")
    return match


def history(session: Session, text: str) -> Result:
    match = _match(HISTORY_OF, text)
    table = session.catalog.table(session.scope.name(names.split_name(match[1])))
    versions = table.versions[::-1][: int(match[2]) if match[2] else None]
    return listing(list(HISTORY), [_history_row(version) for version in versions], list(HISTORY.values()))


def _history_row(version: Version) -> tuple[object, ...]:
    return (
        version.number,
        version.time,
        "1",
        "sandbox@towpath",
        version.operation,
        list(version.parameters.items()),
        None,
        version.number - 1 if version.number else None,
        "WriteSerializable",
        version.operation in BLIND,
        list(version.metrics.items()),
        None,
        "Databricks-Runtime/sandbox",
    )


def describe(session: Session, text: str) -> Result:
    match = _match(COLUMNS_OF, text)
    relation = session.catalog.relation(session.scope.name(names.split_name(match[2])))
    if isinstance(relation, View):
        by = Translator(session.scope)
        found = session.columns(by.text(sql.parse(f"SELECT * FROM {match[2]}")))
        columns = [Column(name, kind) for name, kind in found]
    else:
        columns = list(relation.now.columns)
    if match[3]:
        return _as_json(relation.name, columns)
    rows: list[tuple[object, ...]] = [
        (column.name, column.type.plain_text, column.comment or None) for column in columns
    ]
    if match[1]:
        rows += [
            ("", "", ""),
            ("# Detailed Table Information", "", ""),
            ("Catalog", relation.name[0], ""),
            ("Database", relation.name[1], ""),
            ("Table", relation.name[2], ""),
            ("Type", "VIEW" if isinstance(relation, View) else "MANAGED", ""),
            ("Provider", "delta", ""),
        ]
    return listing(["col_name", "data_type", "comment"], rows)


def _as_json(name: tuple[str, str, str], columns: list[Column]) -> Result:
    described = [
        {"name": column.name, "type": {"name": column.type.plain_text}, "nullable": column.nullable}
        for column in columns
    ]
    value = {
        "table_name": name[2],
        "catalog_name": name[0],
        "schema_name": name[1],
        "columns": described,
    }
    return listing(["json_metadata"], [(json.dumps(value),)])


def show_catalogs(session: Session, text: str) -> Result:
    return listing(["catalog"], [(name,) for name in session.catalog.catalogs()])


def show_schemas(session: Session, text: str) -> Result:
    match = re.search(rf"(?:IN|FROM)\s+{NAME}", text, re.IGNORECASE)
    catalog = names.split_name(match[1])[-1].lower() if match else session.scope.default_catalog
    return listing(["databaseName"], [(name,) for name in session.catalog.schemas(catalog)])


def _schema_of(session: Session, text: str) -> tuple[str, str]:
    match = re.search(rf"(?:IN|FROM)\s+{NAME}", text, re.IGNORECASE)
    parts = names.split_name(match[1]) if match else []
    scope = session.scope
    full = [scope.default_catalog, scope.default_schema][: max(0, 2 - len(parts))] + parts
    return full[0].lower(), full[1].lower()


def show_tables(session: Session, text: str) -> Result:
    catalog, schema = _schema_of(session, text)
    rows: list[tuple[object, ...]] = [
        (schema, item.name[2], False) for item in session.catalog.relations(catalog, schema)
    ]
    return listing(["database", "tableName", "isTemporary"], rows, [STRING, STRING, BOOLEAN])


def show_volumes(session: Session, text: str) -> Result:
    catalog, schema = _schema_of(session, text)
    rows: list[tuple[object, ...]] = [(schema, name) for name in session.catalog.volumes(catalog, schema)]
    return listing(["database", "volume_name"], rows)


def show_create(session: Session, text: str) -> Result:
    match = _match(rf"SHOW\s+CREATE\s+TABLE\s+{NAME}\Z", text)
    relation = session.catalog.relation(session.scope.name(names.split_name(match[1])))
    name = ".".join(relation.name)
    if isinstance(relation, View):
        return listing(["createtab_stmt"], [(f"CREATE VIEW {name} AS {relation.text}",)])
    return listing(
        ["createtab_stmt"],
        [(f"CREATE TABLE {name} (\n  {_columns_text(relation)})\nUSING delta\n",)],
    )


def _columns_text(table: Table) -> str:
    return ",\n  ".join(
        f"{column.name} {column.type.text}{'' if column.nullable else ' NOT NULL'}"
        for column in table.now.columns
    )


def show_columns(session: Session, text: str) -> Result:
    match = _match(rf"SHOW\s+COLUMNS\s+(?:IN|FROM)\s+{NAME}\Z", text)
    table = session.catalog.table(session.scope.name(names.split_name(match[1])))
    return listing(["col_name"], [(column.name,) for column in table.now.columns])


def show_properties(session: Session, text: str) -> Result:
    match = _match(rf"SHOW\s+TBLPROPERTIES\s+{NAME}\Z", text)
    table = session.catalog.table(session.scope.name(names.split_name(match[1])))
    return listing(["key", "value"], [(key, value) for key, value in sorted(table.properties.items())])


def nothing(session: Session, text: str) -> Result:
    """What has no effect that lasts: USE and SET end with the statement, OPTIMIZE shows no result."""
    return NOTHING
