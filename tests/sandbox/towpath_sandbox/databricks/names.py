"""Names in SQL: their parts."""

import re

from sqlglot import exp

from towpath_sandbox.databricks.errors import SqlError


def parts_of(node: exp.Expr) -> list[str]:
    """The parts of a table's or schema's name."""
    if isinstance(node, exp.Table):
        if isinstance(node.this, exp.Anonymous):
            return identifier_function(node.this)
        return [part.name for part in node.parts]
    return [part.name for part in node.find_all(exp.Identifier)][::-1] or [node.name]


def split_name(text: str) -> list[str]:
    """The parts of "a.b.`c.d`"."""
    if not re.fullmatch(r"\s*(`(``|[^`])+`|[^.`\s]+)(\.(`(``|[^`])+`|[^.`\s]+))*\s*", text):
        raise SqlError("PARSE_SYNTAX_ERROR", f"'{text}'")
    found = re.findall(r"`((?:``|[^`])+)`|([^.`\s]+)", text)
    return [tick.replace("``", "`") or plain for tick, plain in found]


def identifier_function(call: exp.Anonymous) -> list[str]:
    if call.name.lower() != "identifier" or len(call.expressions) != 1:
        raise SqlError("UNRESOLVED_ROUTINE", f"`{call.name}`")
    argument = call.expressions[0]
    while isinstance(argument, exp.Cast):
        argument = argument.this
    if not isinstance(argument, exp.Literal):
        raise SqlError("DATATYPE_MISMATCH", "IDENTIFIER of what is no constant string")
    return split_name(argument.name)
