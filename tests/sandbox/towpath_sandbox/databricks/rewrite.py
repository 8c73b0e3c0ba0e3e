"""Expressions that DuckDB has otherwise, and sqlglot leaves as they are."""

import re
from collections.abc import Callable

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from towpath_sandbox.databricks.errors import SqlError
from towpath_sandbox.databricks.fromjson import FromJson
from towpath_sandbox.databricks.names import identifier_function
from towpath_sandbox.databricks.types import DAY_TIME, YEAR_MONTH, of_ddl

Define = Callable[[FromJson], None]

# Functions that Databricks has and sqlglot leaves as they are, as macros of DuckDB.
MACROS = [
    "CREATE MACRO timestamp_micros(n) AS make_timestamptz(CAST(n AS BIGINT))",
    "CREATE MACRO timestamp_millis(n) AS make_timestamptz(CAST(n AS BIGINT) * 1000)",
    "CREATE MACRO timestamp_seconds(n) AS make_timestamptz(CAST(CAST(n AS DOUBLE) * 1000000 AS BIGINT))",
    "CREATE MACRO unix_millis(t) AS epoch_ms(t)",
    "CREATE MACRO unix_seconds(t) AS epoch_us(t) // 1000000",
    "CREATE MACRO to_bytes(x) AS CASE WHEN typeof(x) = 'BLOB' THEN CAST(x AS BLOB) "
    "ELSE encode(CAST(x AS VARCHAR)) END",
    "CREATE MACRO to_chars(x) AS CASE typeof(x) WHEN 'BLOB' THEN decode(CAST(x AS BLOB)) "
    "WHEN 'JSON' THEN json_extract_string(CAST(CAST(x AS VARCHAR) AS JSON), '$') "
    "WHEN 'TIMESTAMP WITH TIME ZONE' THEN regexp_replace(CAST(x AS VARCHAR), '[+-][0-9:]+$', '') "
    "ELSE CAST(x AS VARCHAR) END",
    "CREATE MACRO try_parse_json(x) AS TRY(json(x))",
    "CREATE MACRO zone_text(s) AS CASE WHEN s = 0 THEN 'Z' ELSE "
    "printf('%s%02d:%02d', CASE WHEN s < 0 THEN '-' ELSE '+' END, abs(s) // 3600, abs(s) // 60 % 60) END",
    "CREATE MACRO formatted(t, f) AS replace(strftime(t, f), 'XXX', zone_text(date_part('timezone', t)))",
    "CREATE MACRO divided(a, b) AS CASE WHEN b = 0 THEN error('Division by zero') ELSE a / b END",
    "CREATE MACRO current_version() AS 'sandbox'",
    "CREATE MACRO raise_error(x) AS error(x)",
]


INTEGERS = {"TINYINT": "TINYINT", "SMALLINT": "SMALLINT", "INT": "INTEGER", "BIGINT": "BIGINT"}


def _integer_macro(name: str, kind: str) -> str:
    """CAST to an integer as ANSI mode has it: text must be one, and fractions are cut off; DuckDB
    rounds both."""
    return (
        f"CREATE MACRO to_{name.lower()}(x) AS CASE "
        r"WHEN typeof(x) = 'VARCHAR' AND NOT regexp_full_match(CAST(x AS VARCHAR), '\s*[+-]?[0-9]+\s*') "
        f"THEN error('Could not convert string \"' || CAST(x AS VARCHAR) || '\" to {name}') "
        f"WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CAST(trunc(TRY_CAST(x AS DOUBLE)) AS {kind}) "
        f"WHEN typeof(x) LIKE 'DECIMAL%' THEN CAST(regexp_extract(CAST(x AS VARCHAR), '-?[0-9]+') AS {kind}) "
        f"ELSE CAST(x AS {kind}) END"
    )


MACROS += [_integer_macro(name, kind) for name, kind in INTEGERS.items()]


def rewrite(tree: exp.Expr, define: Define) -> exp.Expr:
    """Puts DuckDB's way in the place of each expression that needs it, innermost first. `define` is
    told of functions that it then needs."""
    for node in reversed(list(tree.walk())):
        rule = REWRITES.get(type(node))
        if isinstance(node, exp.FromJson):
            new = _rewrite_from_json(node, define)
        else:
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
CONVERTERS = {
    "BINARY": "to_bytes",
    "STRING": "to_chars",
    "VARIANT": "to_json",
    **{name: f"to_{name.lower()}" for name in INTEGERS},
}


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
        parts = identifier_function(node)  # type: ignore[arg-type]
        return exp.column(parts[-1], quoted=True)
    return node


def _rewrite_from_json(node: exp.Expr, define: Define) -> exp.Expr:
    """from_json(text, ddl[, options]): a function of its own for each use."""
    arguments = list(node.iter_expressions())
    ddl = arguments[1].name
    try:
        kind = exp.DataType.build(ddl, dialect="databricks")
    except SqlglotError:
        kind = exp.DataType.build(f"STRUCT<{ddl}>", dialect="databricks")
    strict = len(arguments) > 2 and "FAILFAST" in arguments[2].sql().upper()
    function = FromJson(of_ddl(kind), strict)
    define(function)
    return exp.Anonymous(this=function.name, expressions=[arguments[0]])


def _rewrite_to_json(node: exp.Expr) -> exp.Expr:
    """to_json inside of an expression, where DuckDB's own must do, which has no options."""
    node.set("options", None)
    return node


def _rewrite_format(node: exp.Expr) -> exp.Expr:
    """date_format: sqlglot has made strftime's letters of the pattern, and left marks in it."""
    value, pattern = node.this, node.args.get("format")
    if isinstance(value, exp.TimeStrToTime):
        value = value.this
    if not isinstance(pattern, exp.Literal):
        return node
    text = pattern.name.replace("strict", "").replace("'T'", "T")
    return exp.Anonymous(this="formatted", expressions=[value, exp.Literal.string(text)])


def _rewrite_comparison(node: exp.Expr) -> exp.Expr:
    """struct(a, b) > struct(c, d): value by value, NULL before all else."""
    left, right = node.this, node.expression
    if not isinstance(left, exp.Struct) or not isinstance(right, exp.Struct):
        return node
    pairs = list(zip(map(_bare, left.expressions), map(_bare, right.expressions)))
    is_less = isinstance(node, (exp.LT, exp.LTE))
    found: exp.Expr = exp.Boolean(this=isinstance(node, (exp.GTE, exp.LTE)))
    for a, b in reversed(pairs):
        low, high = (a, b) if is_less else (b, a)
        beyond = f"({high} IS NOT NULL AND ({low} IS NULL OR {high} > {low}))"
        found = sqlglot.parse_one(
            f"({beyond} OR ({a} IS NOT DISTINCT FROM {b} AND {found.sql('duckdb')}))", read="duckdb"
        )
    return found


def _bare(item: exp.Expr) -> str:
    return (item.expression if isinstance(item, exp.PropertyEQ) else item.unalias()).sql("duckdb")


def _rewrite_division(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="divided", expressions=[node.this, node.expression])


REWRITES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Cast: _rewrite_cast,
    exp.TryCast: _rewrite_cast,
    exp.Interval: _rewrite_interval,
    exp.Anonymous: _rewrite_call,
    exp.TimeToStr: _rewrite_format,
    exp.JSONFormat: _rewrite_to_json,
    exp.Div: _rewrite_division,
    **dict.fromkeys((exp.GT, exp.GTE, exp.LT, exp.LTE), _rewrite_comparison),
}
