"""Versions of tables: how each kind of write makes the next one."""

import contextlib
import itertools
from collections.abc import Callable, Sequence

from towpath_sandbox.databricks.catalog import Column, Name, Table, Version, check_columns, shown
from towpath_sandbox.databricks.engine import Session
from towpath_sandbox.databricks.errors import SqlError
from towpath_sandbox.databricks.sql import version_query
from towpath_sandbox.databricks.types import quoted

_numbers = itertools.count(1)


def column_list(columns: Sequence[Column]) -> str:
    return ", ".join(quoted(column.name) for column in columns)


def make_storage(session: Session, columns: Sequence[Column]) -> str:
    """An empty table of DuckDB's for these columns; "" where there are none."""
    if not columns:
        return ""
    storage = f"storage_{next(_numbers)}"
    lines = [
        f"{quoted(column.name)} {column.type.duckdb}{'' if column.nullable else ' NOT NULL'}"
        for column in columns
    ]
    session.run(f"CREATE TABLE {storage} ({', '.join(lines)})")
    return storage


def rows_of(session: Session, storage: str) -> int:
    """One more than the greatest row id: rows that come later have greater ones. On a connection of its
    own: what is written must become a version, also where the statement is cancelled just now."""
    if not storage:
        return 0
    with contextlib.closing(session.engine.connect()) as connection:
        found = connection.execute(f"SELECT max(rowid) FROM {storage}").fetchone()
    return 0 if found is None or found[0] is None else int(found[0]) + 1


def commit(
    session: Session,
    table: Table,
    operation: str,
    storage: str,
    columns: Sequence[Column],
    parameters: dict[str, str] | None = None,
    metrics: dict[str, int] | None = None,
) -> None:
    number = table.now.number + 1 if table.versions else 0
    shown_metrics = {key: str(value) for key, value in (metrics or {}).items()}
    rows = rows_of(session, storage)
    version = Version(number, operation, tuple(columns), storage, rows, parameters or {}, shown_metrics)
    table.versions.append(version)


def need_columns(table: Table) -> None:
    if table.is_schemaless:
        raise SqlError(
            "UNSUPPORTED_FEATURE",
            f"{'.'.join(table.name)} has no columns: only COPY INTO can write to it",
        )


def append(session: Session, table: Table, columns: Sequence[Column], query: str) -> int:
    """Adds the rows of a query, in DuckDB's SQL, without making a version of it. Their number."""
    need_columns(table)
    target = f"{table.now.storage} ({column_list(columns)})"
    return session.count(f"INSERT INTO {target} {query}")


def rewrite(
    session: Session, table: Table, change: Callable[[str], int], keep: str = "true"
) -> tuple[str, int]:
    """A copy of the table as it is now (the rows for which `keep` holds), after `change` was made to
    it. Its storage, and what change returned."""
    need_columns(table)
    now = table.now
    storage = make_storage(session, now.columns)
    try:
        if keep != "false":
            names = column_list(now.columns)
            session.run(f"INSERT INTO {storage} ({names}) SELECT * FROM ({version_query(now)}) WHERE {keep}")
        return storage, change(storage)
    except BaseException:
        drop_storage(session, storage)
        raise


def drop_storage(session: Session, storage: str) -> None:
    if storage:
        with contextlib.closing(session.engine.connect()) as connection:
            connection.execute(f"DROP TABLE IF EXISTS {storage}")


def drop_table(session: Session, table: Table) -> None:
    session.catalog.drop(table.name)
    for storage in {version.storage for version in table.versions}:
        drop_storage(session, storage)


def create(
    session: Session,
    name: Name,
    columns: Sequence[Column],
    properties: dict[str, str],
    replace: bool,
) -> Table:
    """A table by its name, ready for its next version. One that is replaced keeps its versions, and
    forgets which files it has loaded."""
    check_columns(columns, properties)
    session.catalog.need_schema(*name[:2])
    old = session.catalog.find(name)
    if old is not None and not replace:
        raise SqlError("TABLE_OR_VIEW_ALREADY_EXISTS", shown(name))
    table = Table(name, properties=properties)
    if isinstance(old, Table):
        table.versions = list(old.versions)
    return table
