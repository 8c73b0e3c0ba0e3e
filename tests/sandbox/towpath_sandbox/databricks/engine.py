"""Executes a statement's text on DuckDB: dispatch, queries, and DuckDB's errors as Databricks'."""

import contextlib
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp

from towpath_sandbox.databricks import arrow, nested, rewrite, sql
from towpath_sandbox.databricks.catalog import Catalog
from towpath_sandbox.databricks.errors import SqlError
from towpath_sandbox.databricks.fromjson import FromJson
from towpath_sandbox.databricks.nested import Style, style_of
from towpath_sandbox.databricks.sql import Scope, Translator
from towpath_sandbox.databricks.types import SqlType, of_duckdb

BATCH_ROWS = 16384
BIGINT = SqlType("BIGINT")
STRING = SqlType("STRING")


@dataclass
class Result:
    """What a statement gives back: columns, and rows as batches in the types of the columns."""

    names: list[str]
    types: list[SqlType]
    batches: Iterable[pa.RecordBatch]


NOTHING = Result([], [], [])


class Canceled(Exception):
    """The statement was canceled."""


class Engine:
    """DuckDB, in memory, behind a catalog. Statements run in threads of their own; those that write
    take turns."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.write_lock = threading.RLock()
        self._base = duckdb.connect(":memory:")
        self._base.execute("; ".join(rewrite.MACROS))

    def connect(self) -> duckdb.DuckDBPyConnection:
        return self._base.cursor()

    def close(self) -> None:
        self._base.close()


@dataclass
class Session:
    """One statement on its way through the engine."""

    engine: Engine
    scope: Scope
    timezone: str
    root: Path  # of volumes and buckets
    gate: Callable[[], None] = lambda: None  # called once, before the statement does anything
    check_credential: Callable[[dict[str, str]], None] = lambda given: None
    canceled: threading.Event = field(default_factory=threading.Event)
    connection: duckdb.DuckDBPyConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = self.engine.connect()
        self.connection.execute(f"SET TimeZone = '{self.timezone}'")
        self.scope.define = self._define

    def _define(self, function: FromJson) -> None:
        define: Any = self.connection.create_function  # whose stub knows Python's types only
        kind = function.type.duckdb
        define(function.name, function, ["VARCHAR"], kind, type="arrow", null_handling="special")

    @property
    def catalog(self) -> Catalog:
        return self.engine.catalog

    def cancel(self) -> None:
        self.canceled.set()
        with contextlib.suppress(duckdb.Error):
            self.connection.interrupt()

    def close(self) -> None:
        """The statement is over."""
        self.connection.close()

    def check(self) -> None:
        if self.canceled.is_set():
            raise Canceled

    def run(self, text: str) -> list[tuple[object, ...]]:
        """DuckDB's SQL; the rows of its result, or the count of rows that it changed."""
        self.check()
        try:
            relation = self.connection.sql(text)
            return relation.fetchall() if relation is not None else []
        except duckdb.Error as error:
            raise self.error(error) from error

    def count(self, text: str) -> int:
        rows = self.run(text)
        return int(str(rows[0][0])) if rows else 0

    def columns(
        self, text: str, tree: exp.Expr | None = None, by: Translator | None = None
    ) -> list[tuple[str, SqlType]]:
        """Names and types of what a query in DuckDB's SQL gives."""
        try:
            relation = self.connection.sql(text)
            assert relation is not None
            return [
                (name, self._type(name, kind, tree, by))
                for name, kind in zip(relation.columns, relation.types)
            ]
        except duckdb.Error as error:
            raise self.error(error) from error

    @staticmethod
    def _type(name: str, kind: object, tree: exp.Expr | None, by: Translator | None) -> SqlType:
        if "INTERVAL" in str(kind) and tree is not None and by is not None:
            return of_duckdb(kind, by.interval(tree, name))  # type: ignore[arg-type]
        return of_duckdb(kind)  # type: ignore[arg-type]

    def query(self, tree: exp.Expr) -> Result:
        by = Translator(self.scope)
        tree, styles = _with_json_outside(_named(tree))
        text = by.text(tree)
        columns = self.columns(text, tree, by)
        result = Result([], [], self._batches(text, columns, styles))
        for name, kind in columns:
            shown, style = styles.get(name, (name, None))
            result.names.append(shown)
            result.types.append(STRING if style else kind)
        return result

    def _batches(
        self, text: str, columns: Sequence[tuple[str, SqlType]], styles: "Styles"
    ) -> Iterable[pa.RecordBatch]:
        names, types = [name for name, _ in columns], [kind for _, kind in columns]
        self.check()
        try:
            relation = self.connection.sql(text)
            for batch in relation.to_arrow_reader(BATCH_ROWS):
                self.check()
                batch = arrow.conform(batch, types, names, self.timezone)
                yield _with_json(batch, columns, styles) if styles else batch
        except (duckdb.Error, pa.ArrowInvalid, OSError) as error:
            raise self.error(error) from error

    def rows(self, text: str) -> Result:
        """The result of a query in DuckDB's SQL."""
        columns = self.columns(text)
        names, types = [name for name, _ in columns], [kind for _, kind in columns]
        return Result(names, types, self._batches(text, columns, {}))

    def error(self, error: Exception) -> Exception:
        if self.canceled.is_set() or isinstance(error, duckdb.InterruptException):
            return Canceled()
        return translated(error)


# to_json as an output column, by the name that it has in DuckDB's result: its own name, and its options.
Styles = dict[str, tuple[str, Style]]


def _with_json_outside(tree: exp.Expr) -> tuple[exp.Expr, Styles]:
    """The query without to_json around its output columns: that is done on the Arrow values, since
    DuckDB's own writes times and bytes otherwise, and knows no options."""
    styles: Styles = {}
    if not isinstance(tree, exp.Select):
        return tree, styles
    tree = tree.copy()
    for number, item in enumerate(tree.expressions):
        call = item.unalias()
        if isinstance(call, exp.JSONFormat):
            mark = f"\x01{number}"
            styles[mark] = (item.alias, style_of(_options(call.args.get("options"))))
            item.replace(exp.alias_(call.this.copy(), mark, quoted=True))
    return tree, styles


def _options(node: exp.Expr | None) -> dict[str, str]:
    """A constant map('k', 'v', ...)."""
    if not isinstance(node, exp.VarMap):
        return {}
    keys, values = node.args["keys"].expressions, node.args["values"].expressions
    return {key.name: value.name for key, value in zip(keys, values)}


def _with_json(
    batch: pa.RecordBatch, columns: Sequence[tuple[str, SqlType]], styles: Styles
) -> pa.RecordBatch:
    arrays = [
        nested.column(array, kind, styles[name][1]) if name in styles else array
        for array, (name, kind) in zip(batch.columns, columns)
    ]
    return pa.RecordBatch.from_arrays(
        arrays, names=[styles[name][0] if name in styles else name for name, _ in columns]
    )


def _named(tree: exp.Expr) -> exp.Expr:
    """The query with names for its expressions as Databricks names them: by their text."""
    if not isinstance(tree, exp.Select):
        return tree
    tree = tree.copy()
    for item in tree.expressions:
        if isinstance(item, (exp.Alias, exp.Column, exp.Star, exp.Explode, exp.Aliases)) or item.is_star:
            continue
        text = item.sql("databricks", normalize_functions="lower").replace("count(*)", "count(1)")
        item.replace(exp.alias_(item.copy(), text, quoted=True))
    return tree


def listing(names: list[str], rows: list[tuple[object, ...]], types: list[SqlType] | None = None) -> Result:
    """A small result made here."""
    kinds = types or [STRING] * len(names)
    columns = list(zip(*rows)) if rows else [()] * len(names)
    arrays = [pa.array(list(column), kind.arrow("Etc/UTC")) for column, kind in zip(columns, kinds)]
    return Result(names, kinds, [pa.RecordBatch.from_arrays(arrays, names=names)] if rows else [])


def counts(**values: int) -> Result:
    """What a statement that writes gives back: one row of counts."""
    return listing(list(values), [tuple(values.values())], [BIGINT] * len(values))


# -- errors ----------------------------------------------------------------------------------------

Matcher = tuple[str, Callable[[re.Match[str]], SqlError]]

# DuckDB's names of types in its messages.
NAMES = {"INT8": "TINYINT", "INT16": "SMALLINT", "INT32": "INT", "INT64": "BIGINT", "BOOL": "BOOLEAN"}


def _column(match: re.Match[str]) -> SqlError:
    near = re.findall(r'"([^"]+)"', match[2] or "")
    name = f"`{match[1]}`"
    if near:
        suggestion = ", ".join(f"`{item}`" for item in near)
        return SqlError("UNRESOLVED_COLUMN.WITH_SUGGESTION", name, suggestion)
    return SqlError("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", name)


def _cast(value: str, kind: str) -> SqlError:
    return SqlError("CAST_INVALID_INPUT", f"'{value}'", '"STRING"', f'"{NAMES.get(kind, kind).upper()}"')


def _overflow(match: re.Match[str]) -> SqlError:
    return SqlError("CAST_OVERFLOW", match.string.splitlines()[0], "the type")


def _malformed(match: re.Match[str]) -> SqlError:
    return SqlError("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", match.string.splitlines()[-1])


MATCHERS: list[Matcher] = [
    (r'Referenced column "([^"]*)" not found in FROM clause!(?:\s*Candidate bindings: (.*))?', _column),
    (r'Referenced column "([^"]*)" was not found()', _column),
    (r'column named "([^"]*)"()', _column),
    (r'column "([^"]*)" does not exist()', _column),
    (r"column with name (\S+) does not exist()", _column),
    (r"Function with name (\S+) does not exist", lambda m: SqlError("UNRESOLVED_ROUTINE", f"`{m[1]}`")),
    (
        r"NOT NULL constraint failed: \S+?\.(\S+)",
        lambda m: SqlError("DELTA_NOT_NULL_CONSTRAINT_VIOLATED", m[1]),
    ),
    (r"[Cc]ould not convert string [\"'](.*)[\"'] to (\w+)", lambda m: _cast(m[1], m[2])),
    (r"invalid (\w+) field format: \"(.*)\", ", lambda m: _cast(m[2], m[1])),
    (r"(\w+) field value out of range: \"(.*?)\"", lambda m: _cast(m[2], m[1])),
    (r"(?:out of range|[Oo]verflow)", _overflow),
    (r"Division by zero", lambda m: SqlError("DIVIDE_BY_ZERO")),
    (r"Malformed JSON", _malformed),
]


def translated(error: Exception) -> SqlError:
    """An error of DuckDB's or Arrow's as the warehouse would put it."""
    text = str(error)
    for pattern, make in MATCHERS:
        match = re.search(pattern, text, re.DOTALL)
        if match:
            return make(match)
    first = text.splitlines()[0] if text else type(error).__name__
    if isinstance(error, duckdb.ConversionException):
        return SqlError("CAST_INVALID_INPUT", f"({first})", '"STRING"', '"another"')
    if isinstance(error, duckdb.ParserException):
        return SqlError("PARSE_SYNTAX_ERROR", f"({first})")
    if isinstance(error, duckdb.BinderException):
        return SqlError("DATATYPE_MISMATCH", first)
    return SqlError("INTERNAL_ERROR", first)


# -- dispatch --------------------------------------------------------------------------------------

Command = Callable[[Session, str], Result]
TreeCommand = Callable[[Session, exp.Expr], Result]


def execute(session: Session, text: str) -> Result:
    """Runs one statement. Raises SqlError or Canceled."""
    from towpath_sandbox.databricks.commands import COMMANDS, GATED, TREES

    bare = strip_comments(text)
    for pattern, command in COMMANDS:
        if re.match(pattern, bare, re.IGNORECASE):
            if command not in GATED:
                session.gate()
            return command(session, bare)
    session.gate()
    tree = sql.parse(text)
    for kind, tree_command in TREES:
        if isinstance(tree, kind):
            return tree_command(session, tree)
    if isinstance(tree, exp.Values):
        tree = exp.select("*").from_(tree)
    if isinstance(tree, exp.Query):
        return session.query(tree)
    raise SqlError("UNSUPPORTED_FEATURE", f"{text.split(None, 1)[0].upper()} in the sandbox")


def strip_comments(text: str) -> str:
    """Without comments and semicolon around it: what a command is known by."""
    bare = re.sub(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", "", text, flags=re.DOTALL)
    return re.sub(r"[\s;]+\Z", "", bare)
