"""Databricks SQL to DuckDB's: parsing, parameters, and what names mean."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from towpath_sandbox.databricks.catalog import Catalog, Name, Table, Version, View
from towpath_sandbox.databricks.errors import SqlError
from towpath_sandbox.databricks.names import parts_of
from towpath_sandbox.databricks.rewrite import Define, rewrite
from towpath_sandbox.databricks.types import DAY_TIME, YEAR_MONTH, SqlType, of_ddl, quoted


@dataclass(frozen=True)
class Parameter:
    value: str | None
    type: str = "STRING"


@dataclass
class Scope:
    """What the names in a statement mean."""

    catalog: Catalog
    default_catalog: str = "main"
    default_schema: str = "default"
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    define: Define = lambda function: None

    def name(self, parts: Sequence[str]) -> Name:
        if not 1 <= len(parts) <= 3 or not all(parts):
            raise SqlError("PARSE_SYNTAX_ERROR", "'.'".join(parts) or "end of input")
        full = [self.default_catalog, self.default_schema][: 3 - len(parts)] + list(parts)
        name = (full[0].lower(), full[1].lower(), full[2].lower())
        self.catalog.need_catalog(name[0])
        return name


def parse(text: str) -> exp.Expr:
    try:
        trees = [tree for tree in sqlglot.parse(text, read="databricks") if tree is not None]
    except SqlglotError as error:
        raise SqlError("PARSE_SYNTAX_ERROR", _near(error)) from error
    if len(trees) != 1 or isinstance(trees[0], exp.Block):
        raise SqlError("PARSE_SYNTAX_ERROR", "';'" if trees else "end of input")
    return trees[0]


def _near(error: SqlglotError) -> str:
    details = getattr(error, "errors", None) or [{}]
    return f"'{details[0].get('highlight') or 'end of input'}'. ({str(error).splitlines()[0]})"


def bind(tree: exp.Expr, parameters: Mapping[str, Parameter]) -> exp.Expr:
    """Puts the values of named parameters in the place of their markers."""

    def put(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder):
            return node
        if node.name not in parameters:
            raise SqlError("UNBOUND_SQL_PARAMETER", node.name or "?")
        given = parameters[node.name]
        value = exp.Null() if given.value is None else exp.Literal.string(given.value)
        if given.type.upper() == "STRING" and given.value is not None:
            return value
        return exp.Cast(this=value, to=exp.DataType.build(given.type, dialect="databricks"))

    return tree.transform(put)


class Translator:
    """Turns trees of one statement into DuckDB's SQL, and notes what they refer to."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.versions: list[Version] = []  # of tables that are read

    def text(self, tree: exp.Expr) -> str:
        return self._resolve(bind(tree.copy(), self.scope.parameters), ()).sql("duckdb", comments=False)

    # -- names ---------------------------------------------------------------------------------

    def _resolve(self, tree: exp.Expr, views: tuple[Name, ...]) -> exp.Expr:
        for node in list(tree.find_all(exp.CurrentCatalog, exp.CurrentSchema)):
            here = (
                self.scope.default_catalog
                if isinstance(node, exp.CurrentCatalog)
                else self.scope.default_schema
            )
            node.replace(exp.Literal.string(here))
        for column in list(tree.find_all(exp.Column)):
            column.set("db", None)
            column.set("catalog", None)
        tree = rewrite(tree, self.scope.define)
        for table in list(tree.find_all(exp.Table)):
            self._resolve_table(table, views)
        return tree

    def _resolve_table(self, table: exp.Table, views: tuple[Name, ...]) -> None:
        if table.meta.get("physical"):
            return
        if isinstance(table.this, exp.Func) and table.this.name.lower() != "identifier":
            _table_function(table)
            return
        alias = table.args.get("alias")
        number = self._version_number(table)
        if alias is not None and isinstance(alias.this, exp.Parameter):
            alias = None
        parts = parts_of(table)
        if len(parts) == 1 and not table.args.get("db") and _is_common(table, parts[0]):
            return
        name = self.scope.name(parts)
        relation = self.scope.catalog.relation(name)
        if isinstance(relation, View):
            if number is not None:
                raise SqlError("UNSUPPORTED_FEATURE.TIME_TRAVEL", f"`{parts[-1]}`")
            inner = self._view(relation, views)
        else:
            version = relation.now if number is None else relation.version(number)
            inner = self._table(relation, version)
        alias = alias or exp.TableAlias(this=exp.to_identifier(parts[-1], quoted=True))
        subquery = exp.Subquery(this=inner, alias=alias)
        for part in ("joins", "laterals", "pivots", "sample"):
            if table.args.get(part):
                subquery.set(part, table.args[part])
        table.replace(subquery)

    def _version_number(self, table: exp.Table) -> int | None:
        alias, version = table.args.get("alias"), table.args.get("version")
        if alias is not None and isinstance(alias.this, exp.Parameter):
            match = re.fullmatch(r"v(\d+)", alias.this.name)
            if not match:
                raise SqlError("PARSE_SYNTAX_ERROR", f"'@{alias.this.name}'")
            return int(match[1])
        if version is None:
            return None
        if version.name.upper() != "VERSION":
            raise SqlError("UNSUPPORTED_FEATURE", "TIMESTAMP AS OF in the sandbox")
        value = bind(version.expression, self.scope.parameters)
        literal = value.find(exp.Literal)
        if literal is None or not literal.name.isdigit():
            raise SqlError("DATATYPE_MISMATCH", "VERSION AS OF of what is no constant number")
        return int(literal.name)

    def _table(self, table: Table, version: Version) -> exp.Expr:
        if not version.columns:
            raise SqlError("UNSUPPORTED_FEATURE", f"reading {'.'.join(table.name)}, which has no columns yet")
        self.versions.append(version)
        return sqlglot.parse_one(version_query(version), read="duckdb")

    def _view(self, view: View, views: tuple[Name, ...]) -> exp.Expr:
        if view.name in views:
            raise SqlError("UNSUPPORTED_FEATURE", f"the recursive view {'.'.join(view.name)}")
        inner = Translator(Scope(self.scope.catalog, view.catalog, view.schema, {}, self.scope.define))
        tree = inner._resolve(view.query.copy(), (*views, view.name))
        self.versions += inner.versions
        return tree

    # -- intervals -----------------------------------------------------------------------------

    def interval(self, tree: exp.Expr, column: str) -> str:
        """Which of the two kinds of interval an output column is, where it is one."""
        for version in self.versions:
            for known in version.columns:
                if known.name.lower() == column.lower() and known.type.interval:
                    return known.type.interval
        select = tree.find(exp.Select)
        for item in select.expressions if select else ():
            text = item.sql("databricks").upper() if item.alias_or_name in (column, "") else ""
            if re.search(r"\b(YEAR|MONTH|YEARS|MONTHS)\b", text):
                return YEAR_MONTH
        return DAY_TIME


def version_query(version: Version) -> str:
    columns = ", ".join(quoted(column.name) for column in version.columns)
    return f"SELECT {columns} FROM {quoted(version.storage)} WHERE rowid < {version.rows}"


def _is_common(table: exp.Table, name: str) -> bool:
    """Whether a name is that of a common table expression around it."""
    node = table.parent
    while node is not None:
        with_ = node.args.get("with_") or node.args.get("with")
        if with_ is not None and any(cte.alias.lower() == name.lower() for cte in with_.expressions):
            return True
        node = node.parent
    return False


def _table_function(table: exp.Table) -> None:
    call = table.this
    if call.name.lower() != "range" and call.sql_name().lower() != "range":
        return
    alias = table.args.get("alias")
    text = exp.Anonymous(this="range", expressions=call.expressions).sql("duckdb")
    inner = sqlglot.parse_one(f"SELECT range AS id FROM {text}", read="duckdb")
    table.replace(exp.Subquery(this=inner, alias=alias or exp.TableAlias(this=exp.to_identifier("range"))))


def column_type(kind: exp.Expr) -> SqlType:
    if not isinstance(kind, exp.DataType):
        raise SqlError("PARSE_SYNTAX_ERROR", f"'{kind.sql('databricks')}'")
    return of_ddl(kind)
