"""Databricks SQL to DuckDB's: parsing, parameters, names, and what sqlglot leaves to do."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from towpath_sandbox.databricks.catalog import Catalog, Name, Table, Version, View
from towpath_sandbox.databricks.errors import SqlError
from towpath_sandbox.databricks.types import DAY_TIME, YEAR_MONTH, SqlType, of_ddl, quoted

# Functions that Databricks has and sqlglot leaves as they are, as macros of DuckDB.
MACROS = [
    "CREATE MACRO timestamp_micros(n) AS make_timestamptz(CAST(n AS BIGINT))",
    "CREATE MACRO timestamp_millis(n) AS make_timestamptz(CAST(n AS BIGINT) * 1000)",
    "CREATE MACRO timestamp_seconds(n) AS make_timestamptz(CAST(CAST(n AS DOUBLE) * 1000000 AS BIGINT))",
    "CREATE MACRO unix_millis(t) AS epoch_ms(t)",
    "CREATE MACRO unix_seconds(t) AS epoch_us(t) // 1000000",
    "CREATE MACRO to_bytes(x) AS CASE WHEN typeof(x) = 'BLOB' THEN CAST(x AS BLOB) ELSE encode(CAST(x AS VARCHAR)) END",
    "CREATE MACRO to_chars(x) AS CASE typeof(x) WHEN 'BLOB' THEN decode(CAST(x AS BLOB)) "
    "WHEN 'JSON' THEN json_extract_string(CAST(CAST(x AS VARCHAR) AS JSON), '$') "
    "WHEN 'TIMESTAMP WITH TIME ZONE' THEN regexp_replace(CAST(x AS VARCHAR), '[+-][0-9:]+$', '') "
    "ELSE CAST(x AS VARCHAR) END",
    "CREATE MACRO try_parse_json(x) AS TRY(json(x))",
    "CREATE MACRO current_version() AS 'sandbox'",
    "CREATE MACRO raise_error(x) AS error(x)",
]


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

    def name(self, parts: Sequence[str]) -> Name:
        if not 1 <= len(parts) <= 3 or not all(parts):
            raise SqlError("PARSE_SYNTAX_ERROR", "'.'".join(parts) or "end of input")
        full = [self.default_catalog, self.default_schema][: 3 - len(parts)] + list(parts)
        name = (full[0].lower(), full[1].lower(), full[2].lower())
        self.catalog.need_schema(*name[:2])
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


def parts_of(node: exp.Expr) -> list[str]:
    """The parts of a table's or schema's name."""
    if isinstance(node, exp.Table):
        if isinstance(node.this, exp.Anonymous):
            return _identifier_function(node.this)
        return [part.name for part in node.parts]
    return [part.name for part in node.find_all(exp.Identifier)][::-1] or [node.name]


def split_name(text: str) -> list[str]:
    """The parts of "a.b.`c.d`"."""
    if not re.fullmatch(r"\s*(`(``|[^`])+`|[^.`\s]+)(\.(`(``|[^`])+`|[^.`\s]+))*\s*", text):
        raise SqlError("PARSE_SYNTAX_ERROR", f"'{text}'")
    found = re.findall(r"`((?:``|[^`])+)`|([^.`\s]+)", text)
    return [tick.replace("``", "`") or plain for tick, plain in found]


def _identifier_function(call: exp.Anonymous) -> list[str]:
    if call.name.lower() != "identifier" or len(call.expressions) != 1:
        raise SqlError("UNRESOLVED_ROUTINE", f"`{call.name}`")
    argument = call.expressions[0]
    while isinstance(argument, exp.Cast):
        argument = argument.this
    if not isinstance(argument, exp.Literal):
        raise SqlError("DATATYPE_MISMATCH", "IDENTIFIER of what is no constant string")
    return split_name(argument.name)


def bind(tree: exp.Expr, parameters: Mapping[str, Parameter]) -> exp.Expr:
    """Puts the values of named parameters in the place of their markers."""

    def put(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder):
            return node
        if node.name not in parameters:
            raise SqlError("UNBOUND_SQL_PARAMETER", node.name or "?")
        given = parameters[node.name]
        value = exp.Null() if given.value is None else exp.Literal.string(given.value)
        return exp.Cast(this=value, to=exp.DataType.build(given.type, dialect="databricks"))

    return tree.transform(put)


class Translator:
    """Turns trees of one statement into DuckDB's SQL, and notes what they refer to."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.versions: list[Version] = []  # of tables that are read
        self.files: Callable[[exp.Expr], str] | None = None

    def text(self, tree: exp.Expr) -> str:
        return self._resolve(bind(tree.copy(), self.scope.parameters), ()).sql("duckdb", comments=False)

    # -- names ---------------------------------------------------------------------------------

    def _resolve(self, tree: exp.Expr, views: tuple[Name, ...]) -> exp.Expr:
        for column in list(tree.find_all(exp.Column)):
            column.set("db", None)
            column.set("catalog", None)
        tree = _rewrite(tree)
        for table in list(tree.find_all(exp.Table)):
            self._resolve_table(table, views)
        return tree

    def _resolve_table(self, table: exp.Table, views: tuple[Name, ...]) -> None:
        if table.meta.get("physical"):
            return
        if isinstance(table.this, exp.Func) and table.name.lower() != "identifier":
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
        inner = Translator(Scope(self.scope.catalog, view.catalog, view.schema))
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


# -- expressions -----------------------------------------------------------------------------------


def _rewrite(tree: exp.Expr) -> exp.Expr:
    """Puts DuckDB's way in the place of each expression that needs it, innermost first."""
    for node in reversed(list(tree.walk())):
        rule = REWRITES.get(type(node))
        new = rule(node) if rule else node
        if new is not node and node is not tree:
            node.replace(new)
        elif new is not node:
            tree = new
    return tree


def _rewrite_cast(node: exp.Expr) -> exp.Expr:
    kind, value = node.args["to"], node.this
    sql_type = of_ddl(kind)
    if sql_type.name == "INTERVAL" and isinstance(value, exp.Literal):
        return _interval(value.name, sql_type.interval)
    if type(node) is exp.Cast and sql_type.name in CONVERTERS and not isinstance(value, exp.Null):
        return exp.Anonymous(this=CONVERTERS[sql_type.name], expressions=[value])
    node.set("to", exp.DataType.build(sql_type.duckdb, dialect="duckdb"))
    return node


# Types that DuckDB's own CAST reads otherwise.
CONVERTERS = {"BINARY": "to_bytes", "STRING": "to_chars", "VARIANT": "to_json"}


def _interval(text: str, unit: str) -> exp.Expr:
    if unit == YEAR_MONTH:
        match = re.fullmatch(r"\s*([+-]?)(\d+)-(\d+)\s*", text)
        if not match:
            raise SqlError("CAST_INVALID_INPUT", f"'{text}'", '"STRING"', f'"INTERVAL {unit}"')
        months = int(match[2]) * 12 + int(match[3])
        words = f"{'-' if match[1] == '-' else ''}{months} months"
    else:
        match = re.fullmatch(r"\s*([+-]?)(\d+) (\d+):(\d+):(\d+(?:\.\d+)?)\s*", text)
        if not match:
            raise SqlError("CAST_INVALID_INPUT", f"'{text}'", '"STRING"', f'"INTERVAL {unit}"')
        sign = "-" if match[1] == "-" else ""
        words = (
            f"{sign}{match[2]} days {sign}{match[3]} hours {sign}{match[4]} minutes {sign}{match[5]} seconds"
        )
    return exp.Cast(this=exp.Literal.string(words), to=exp.DataType.build("INTERVAL", dialect="duckdb"))


def _rewrite_interval(node: exp.Expr) -> exp.Expr:
    unit = node.args.get("unit")
    if not isinstance(unit, exp.IntervalSpan):
        return node
    return _interval(node.this.name, YEAR_MONTH if unit.name.upper() == "YEAR" else DAY_TIME)


def _rewrite_call(node: exp.Expr) -> exp.Expr:
    if node.name.lower() == "identifier" and not isinstance(node.parent, exp.Table):
        parts = _identifier_function(node)  # type: ignore[arg-type]
        return exp.column(parts[-1], quoted=True)
    return node


def _rewrite_from_json(node: exp.Expr) -> exp.Expr:
    """from_json(text, ddl[, options]): without FAILFAST what is malformed becomes NULL."""
    arguments = list(node.iter_expressions())
    ddl = arguments[1].name
    try:
        kind = exp.DataType.build(ddl, dialect="databricks")
    except SqlglotError:
        kind = exp.DataType.build(f"STRUCT<{ddl}>", dialect="databricks")
    strict = len(arguments) > 2 and "FAILFAST" in arguments[2].sql().upper()
    cast = exp.Cast if strict else exp.TryCast
    json = cast(this=arguments[0], to=exp.DataType.build("JSON", dialect="duckdb"))
    return cast(this=json, to=exp.DataType.build(of_ddl(kind).duckdb, dialect="duckdb"))


def _rewrite_format(node: exp.Expr) -> exp.Expr:
    """date_format: sqlglot has made strftime's letters of the pattern, and left marks in it."""
    value, pattern = node.this, node.args.get("format")
    if isinstance(value, exp.TimeStrToTime):
        value = value.this
    if not isinstance(pattern, exp.Literal):
        return node
    text = pattern.name.replace("strict", "").replace("'T'", "T").replace("XXX", "Z")
    return exp.Anonymous(this="strftime", expressions=[value, exp.Literal.string(text)])


REWRITES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Cast: _rewrite_cast,
    exp.TryCast: _rewrite_cast,
    exp.Interval: _rewrite_interval,
    exp.Anonymous: _rewrite_call,
    exp.TimeToStr: _rewrite_format,
    exp.FromJson: _rewrite_from_json,
}


def column_type(kind: exp.Expr) -> SqlType:
    if not isinstance(kind, exp.DataType):
        raise SqlError("PARSE_SYNTAX_ERROR", f"'{kind.sql('databricks')}'")
    return of_ddl(kind)
