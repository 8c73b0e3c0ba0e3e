"""COPY INTO: which files, what is in them, and how that gets into the table."""

import fnmatch
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
from sqlglot import exp

from towpath_sandbox.databricks import (
    copy_statement,
    csvtable,
    csvtext,
    ddl,
    infer,
    jsontext,
    sql,
    storage,
    writes,
)
from towpath_sandbox.databricks.catalog import Column, Table, View, shown
from towpath_sandbox.databricks.copy_statement import CopyStatement
from towpath_sandbox.databricks.engine import Result, Session, counts
from towpath_sandbox.databricks.errors import SqlError
from towpath_sandbox.databricks.sql import Translator
from towpath_sandbox.databricks.storage import CorruptFile, File
from towpath_sandbox.databricks.types import SqlType, quoted

SOURCE = "copy_source"
_claims = threading.Lock()


@dataclass
class Files:
    """What a COPY INTO reads."""

    all: list[File]  # that it names
    new: list[File]  # of these, those that the table has not loaded
    corrupt: list[File] = field(default_factory=list)


def copy_into(session: Session, text: str) -> Result:
    copy = copy_statement.parse(text)
    table = _target(session, copy)
    _check(session, copy)
    with _claimed(session, table, copy) as files:
        session.gate()
        session.check()
        if copy.validate is not None:
            return _validated(session, copy, table, files)
        return _load(session, copy, table, files)


def _target(session: Session, copy: CopyStatement) -> Table:
    name = session.scope.name(copy.target)
    found = session.catalog.find(name)
    if found is None:
        raise SqlError("DELTA_MISSING_DELTA_TABLE_COPY_INTO", f"CREATE TABLE {shown(name)}")
    if isinstance(found, View):
        raise SqlError("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", "COPY INTO", shown(name))
    return found


def _check(session: Session, copy: CopyStatement) -> None:
    if copy.files is not None and copy.pattern is not None:
        raise SqlError("COPY_INTO_SYNTAX_ERROR", "FILES and PATTERN exclude each other.")
    positional = copy.by_position or copy.columns is not None
    if positional and (copy.format != "CSV" or copy.format_option("header", "false").lower() == "true"):
        raise SqlError("COPY_INTO_SYNTAX_ERROR", "BY POSITION and column lists are for CSV without a header.")
    scheme = copy.uri.partition(":")[0].lower() if ":" in copy.uri else ""
    if copy.credential is not None and "" not in copy.credential:
        if scheme not in storage.CREDENTIAL_SCHEMES:
            raise SqlError("COPY_INTO_CREDENTIALS_NOT_ALLOWED_ON", scheme or "dbfs")
        session.check_credential(copy.credential)


# -- files -----------------------------------------------------------------------------------------


@contextmanager
def _claimed(session: Session, table: Table, copy: CopyStatement) -> Iterator[Files]:
    """The files to read, which no other COPY INTO of the same table may read at the same time."""
    found = _find(session, copy)
    with _claims:
        new = [file for file in found if copy.copy_flag("force") or file.name not in table.loaded]
        names = {file.name for file in new}
        if names & table.loading:
            raise SqlError("COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED")
        table.loading |= names
    try:
        yield Files(found, new)
    finally:
        with _claims:
            table.loading -= names


def _find(session: Session, copy: CopyStatement) -> list[File]:
    place = storage.place_of(copy.uri, session.root)
    if place.scheme == "":
        volume = place.name.split("/")[2:5]
        session.catalog.need_volume((volume[0].lower(), volume[1].lower(), volume[2].lower()))
    if copy.files is not None:
        return _named(place, copy)
    if not place.path.exists():
        raise SqlError("PATH_NOT_FOUND", copy.uri)
    deep = copy.format_option("recursiveFileLookup", "false").lower() == "true" or copy.pattern is not None
    glob = copy.format_option("pathGlobFilter", "")
    files = [
        file
        for relative, file in place.files(deep)
        if (copy.pattern is None or _globbed(relative, copy.pattern))
        and (not glob or fnmatch.fnmatchcase(Path(relative).name, glob))
    ]
    if not files:
        raise SqlError("COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED", copy.format, copy.uri)
    return files


def _named(place: storage.Place, copy: CopyStatement) -> list[File]:
    """The files of FILES; by default one that is not there is no error."""
    files = []
    for name in dict.fromkeys(copy.files or ()):
        file = place.file(name.lstrip("/"))
        if file.path.is_file() and not storage.is_hidden(name) and ".." not in name.split("/"):
            files.append(file)
        elif copy.format_option("ignoreMissingFiles", "true").lower() != "true":
            raise SqlError("PATH_NOT_FOUND", file.name)
    return files


def _globbed(relative: str, pattern: str) -> bool:
    """Hadoop's globs: * and ? stop at slashes, {a,b} are alternatives."""
    out, depth = "", 0
    for char in pattern:
        if char == "{":
            out, depth = out + "(?:", depth + 1
        elif char == "}" and depth:
            out, depth = out + ")", depth - 1
        else:
            out += {"*": "[^/]*", "?": "[^/]"}.get(char) or ("|" if char == "," and depth else "")
            out += (
                ""
                if char in "*?" or (char == "," and depth)
                else (char if char in "[]-^" else re.escape(char))
            )
    return re.fullmatch(out, relative) is not None


# -- what is in them -------------------------------------------------------------------------------


def _read(session: Session, copy: CopyStatement, files: Files, used: set[str] | None) -> pa.Table | None:
    """The rows of all new files as one table, with _metadata; None where there is no file."""
    tables: list[pa.Table] = []
    for file in files.new:
        session.check()
        try:
            table = _read_file(copy, file, used, tables[0].column_names if tables else None)
        except CorruptFile as error:
            if copy.format_option("ignoreCorruptFiles", "false").lower() != "true":
                raise SqlError("INTERNAL_ERROR", f"Error while reading file {error}") from error
            files.corrupt.append(file)
            continue
        if used is not None and "_metadata" in used:
            table = _with_metadata(table, file)
        tables.append(table)
    if not tables:
        return None
    if copy.format == "CSV" and copy.format_option("inferSchema", "false").lower() == "true":
        return infer.typed(pa.concat_tables(tables))
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise SqlError("DELTA_FAILED_TO_MERGE_FIELDS", "value", str(error)) from error


def _read_file(copy: CopyStatement, file: File, used: set[str] | None, names: list[str] | None) -> pa.Table:
    if copy.format == "CSV":
        known = [name for name in names if name != "_metadata"] if names is not None else None
        table = csvtable.read(file.read(), csvtext.options_of(copy.format_options), used, known)
        return pa.table(table.columns, names=table.names)
    if copy.format == "JSON":
        return jsontext.read(file.read(), copy.format_options)
    if copy.format == "PARQUET":
        try:
            return pyarrow.parquet.read_table(file.path)
        except pa.ArrowException as error:
            raise CorruptFile(f"{file.name}: {error}") from error
    raise SqlError("UNSUPPORTED_FEATURE", f"FILEFORMAT = {copy.format} in the sandbox")


def _with_metadata(table: pa.Table, file: File) -> pa.Table:
    value = {
        "file_path": file.name,
        "file_name": file.path.name,
        "file_modification_time": file.modified,
    }
    kind = pa.struct(
        [
            ("file_path", pa.string()),
            ("file_name", pa.string()),
            ("file_modification_time", pa.timestamp("us", "UTC")),
        ]
    )
    return table.append_column("_metadata", pa.array([value] * table.num_rows, kind))


# -- into the table --------------------------------------------------------------------------------


def _load(session: Session, copy: CopyStatement, table: Table, files: Files) -> Result:
    query, columns = _query(session, copy, table, files)
    if query is None:
        return _counted(0, files)
    with session.engine.write_lock:
        if session.catalog.find(table.name) is not table:
            raise SqlError("DELTA_METADATA_CHANGED")
        targets = _matched(session, copy, table, columns)
        before = table.now
        names = ", ".join(quoted(name) for name, _ in columns)
        count = writes.append(session, table, targets, f"SELECT {names} FROM ({query})")
        loaded = [file for file in files.new if file not in files.corrupt]
        metrics = {
            "numFiles": len(loaded),
            "numOutputRows": count,
            "numOutputBytes": sum(file.path.stat().st_size for file in loaded),
            "numSkippedCorruptFiles": len(files.corrupt),
        }
        writes.commit(session, table, "COPY INTO", table.now.storage, before.columns, {}, metrics)
        table.loaded |= {file.name for file in loaded}
    return _counted(count, files)


def _counted(count: int, files: Files) -> Result:
    return counts(
        num_affected_rows=count,
        num_inserted_rows=count,
        num_skipped_corrupt_files=len(files.corrupt),
    )


def _query(
    session: Session, copy: CopyStatement, table: Table, files: Files
) -> tuple[str | None, list[tuple[str, SqlType]]]:
    """The rows to load as a query in DuckDB's SQL, and its columns; None where there is nothing new."""
    tree = _select(copy)
    used = {node.name for node in tree.find_all(exp.Column)} if tree is not None else None
    if tree is not None and any(tree.find_all(exp.Star)):
        used = None
    if tree is not None and "_metadata" in {node.table or node.name for node in tree.find_all(exp.Column)}:
        used = (used or set()) | {"_metadata"}
    rows = _read(session, copy, files, used)
    if rows is None:
        return None, []
    if not rows.num_columns:
        raise SqlError("COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED", copy.format, copy.uri)
    session.connection.register(SOURCE, rows)
    if tree is None:
        query = _positional(copy, table, rows) or f"SELECT * FROM {SOURCE}"
    else:
        tree.set("from_", exp.From(this=_source_table()))
        query = Translator(session.scope).text(tree)
    return query, session.columns(query)


def _select(copy: CopyStatement) -> exp.Select | None:
    if copy.select is None:
        return None
    tree = sql.parse(f"SELECT {copy.select}")
    if not isinstance(tree, exp.Select):
        raise SqlError("PARSE_SYNTAX_ERROR", "end of input")
    return tree


def _source_table() -> exp.Table:
    table = exp.to_table(SOURCE)
    table.meta["physical"] = True
    return table


def _positional(copy: CopyStatement, table: Table, rows: pa.Table) -> str | None:
    """BY POSITION or a column list: values in the file's order, cast to the target's types."""
    if not copy.by_position and copy.columns is None:
        return None
    names = copy.columns if copy.columns is not None else [column.name for column in table.now.columns]
    if len(names) != rows.num_columns:
        reason = "not enough data columns" if rows.num_columns < len(names) else "too many data columns"
        raise SqlError("COPY_INTO_COLUMN_ARITY_MISMATCH", shown(table.name), reason)
    items = []
    for given, name in zip(rows.column_names, names):
        column = table.column(name)
        if column is None:
            raise SqlError("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", f"`{name}`")
        value = f"encode({quoted(given)})" if column.type.name == "BINARY" else quoted(given)
        items.append(f"CAST({value} AS {column.type.duckdb}) AS {quoted(column.name)}")
    return f"SELECT {', '.join(items)} FROM {SOURCE}"


# -- columns ---------------------------------------------------------------------------------------


def _matched(
    session: Session, copy: CopyStatement, table: Table, columns: Sequence[tuple[str, SqlType]]
) -> list[Column]:
    """The target's columns for those of the query, by name; with mergeSchema they are made."""
    seen: set[str] = set()
    for name, _ in columns:
        if name.lower() in seen:
            raise SqlError("COLUMN_ALREADY_EXISTS", f"`{name.lower()}`")
        seen.add(name.lower())
    new = [Column(name, _storable(kind)) for name, kind in columns if table.column(name) is None]
    if new and not copy.copy_flag("mergeSchema"):
        raise SqlError(
            "COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE",
            ".".join(table.name),
            _difference(table, columns),
        )
    for name, kind in columns:
        known = table.column(name)
        if known is not None and not mergeable(known.type, kind):
            reason = f"Failed to merge incompatible data types {known.type.text} and {kind.text}"
            raise SqlError("DELTA_FAILED_TO_MERGE_FIELDS", known.name, reason)
    if new:
        ddl.add_columns(session, table, new)
    return [table.column(name) or Column(name, kind) for name, kind in columns]


def _storable(kind: SqlType) -> SqlType:
    return SqlType("STRING") if kind.name == "VOID" else kind


def _difference(table: Table, columns: Sequence[tuple[str, SqlType]]) -> str:
    there = ", ".join(f"{column.name} {column.type.text}" for column in table.now.columns)
    given = ", ".join(f"{name} {kind.text}" for name, kind in columns)
    hint = "To add columns set COPY_OPTIONS ('mergeSchema' = 'true')."
    return f"Table schema: ({there}). Data schema: ({given}). {hint}"


SMALL = ("TINYINT", "SMALLINT", "INT")


def mergeable(target: SqlType, source: SqlType) -> bool:
    """Whether Delta takes a column of one type for another: almost only where they are the same."""
    if source.name == "VOID" or target == source:
        return True
    if target.name in SMALL and source.name in SMALL:
        return True
    if target.name != source.name or not target.children:
        return False
    if target.name == "STRUCT" and [n.lower() for n in target.names] != [n.lower() for n in source.names]:
        return False
    return all(map(mergeable, target.children, source.children))


def _validated(session: Session, copy: CopyStatement, table: Table, files: Files) -> Result:
    """A dry run: the first rows, as they would be loaded."""
    query, columns = _query(session, copy, table, files)
    if query is None:
        return _counted(0, files)
    _matched(session, CopyStatement(copy_options={}), table, columns)
    session.run(f"SELECT count(*) FROM ({query})")
    limit = 50 if copy.validate is None or copy.validate < 0 else min(copy.validate, 50)
    return session.rows(f"SELECT * FROM ({query}) LIMIT {limit}")
