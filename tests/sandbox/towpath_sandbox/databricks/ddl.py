"""CREATE, ALTER, DROP."""

import re

from sqlglot import exp

from towpath_sandbox.databricks import writes
from towpath_sandbox.databricks.catalog import Column, Table, View, check_columns, shown
from towpath_sandbox.databricks.dml import target_of
from towpath_sandbox.databricks.engine import NOTHING, Result, Session, counts
from towpath_sandbox.databricks.errors import SqlError
from towpath_sandbox.databricks.names import parts_of, split_name
from towpath_sandbox.databricks.sql import Translator, bind, column_type, version_query
from towpath_sandbox.databricks.types import SqlType, quoted


def create(session: Session, tree: exp.Expr) -> Result:
    kind = str(tree.args["kind"]).upper()
    if kind == "SCHEMA":
        catalog, schema = _schema_name(session, parts_of_schema(tree.this))
        session.catalog.add_schema(catalog, schema, bool(tree.args.get("exists")))
        return NOTHING
    if kind == "VIEW":
        return _create_view(session, tree)
    if kind != "TABLE":
        raise SqlError("UNSUPPORTED_FEATURE", f"CREATE {kind} in the sandbox")
    return _create_table(session, tree)


def parts_of_schema(node: exp.Expr) -> list[str]:
    return [
        part.name for part in (node.args.get("catalog"), node.args.get("db"), node.args.get("this")) if part
    ]


def _schema_name(session: Session, parts: list[str]) -> tuple[str, str]:
    full = [session.scope.default_catalog, *parts][-2:]
    return full[0].lower(), full[1].lower()


def _create_view(session: Session, tree: exp.Expr) -> Result:
    node = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    name = session.scope.name(parts_of(node))
    old = session.catalog.find(name)
    if old is not None and not tree.args.get("replace"):
        if tree.args.get("exists"):
            return NOTHING
        raise SqlError("TABLE_OR_VIEW_ALREADY_EXISTS", shown(name))
    scope = session.scope
    session.columns(Translator(scope).text(tree.expression))  # it must be a query that can be
    query = bind(tree.expression.copy(), scope.parameters)
    text = query.sql("databricks")
    session.catalog.put(View(name, query, text, scope.default_catalog, scope.default_schema))
    return NOTHING


def _create_table(session: Session, tree: exp.Expr) -> Result:
    has_columns = isinstance(tree.this, exp.Schema)
    name = session.scope.name(parts_of(tree.this.this if has_columns else tree.this))
    replace = bool(tree.args.get("replace"))
    properties, comment = _properties(tree)
    with session.engine.write_lock:
        if session.catalog.find(name) is not None and tree.args.get("exists"):
            return NOTHING
        columns = (
            [_column(item) for item in tree.this.expressions if isinstance(item, exp.ColumnDef)]
            if has_columns
            else []
        )
        query = None
        if tree.expression is not None and not isinstance(tree.expression, exp.Null):
            by = Translator(session.scope)
            query = by.text(tree.expression)
            columns = [
                Column(column, _stored(kind)) for column, kind in session.columns(query, tree.expression, by)
            ]
        table = writes.create(session, name, columns, properties, replace)
        table.comment = comment
        storage = writes.make_storage(session, columns)
        try:
            count = session.count(f"INSERT INTO {storage} {query}") if query else 0
        except BaseException:
            writes.drop_storage(session, storage)
            raise
        operation = ("CREATE OR REPLACE TABLE" if replace else "CREATE TABLE") + (
            " AS SELECT" if query else ""
        )
        writes.commit(
            session,
            table,
            operation,
            storage,
            columns,
            {},
            {"numOutputRows": count} if query else {},
        )
        session.catalog.put(table)
    return counts(num_affected_rows=count, num_inserted_rows=count) if query else NOTHING


def _stored(kind: SqlType) -> SqlType:
    return SqlType("STRING") if kind.name == "VOID" else kind


def _column(node: exp.ColumnDef) -> Column:
    nullable, comment = True, ""
    for constraint in node.constraints:
        if isinstance(constraint.kind, exp.NotNullColumnConstraint):
            nullable = bool(constraint.kind.args.get("allow_null"))
        elif isinstance(constraint.kind, exp.CommentColumnConstraint):
            comment = constraint.kind.this.name
        elif not isinstance(constraint.kind, (exp.PrimaryKeyColumnConstraint, exp.Reference)):
            raise SqlError(
                "UNSUPPORTED_FEATURE",
                f"the column constraint {constraint.sql('databricks')} in the sandbox",
            )
    return Column(node.name, column_type(node.args["kind"]), nullable, comment)


def _properties(tree: exp.Expr) -> tuple[dict[str, str], str]:
    properties, comment = {}, ""
    found = tree.args.get("properties")
    for item in found.expressions if found else ():
        if isinstance(item, exp.SchemaCommentProperty):
            comment = item.this.name
        elif isinstance(item, exp.FileFormatProperty):
            if item.name.lower() != "delta":
                raise SqlError("UNSUPPORTED_FEATURE", f"USING {item.name} in the sandbox")
        elif type(item) is exp.Property:
            properties[item.this.name] = item.args["value"].name
        elif isinstance(item, exp.LikeProperty):
            raise SqlError("UNSUPPORTED_FEATURE", "CREATE TABLE LIKE in the sandbox")
    return properties, comment


# -- ALTER -----------------------------------------------------------------------------------------


def alter(session: Session, tree: exp.Expr) -> Result:
    with session.engine.write_lock:
        table = target_of(session, tree.this)
        for action in tree.args["actions"]:
            _alter(session, table, action)
    return NOTHING


def _alter(session: Session, table: Table, action: exp.Expr) -> None:
    if isinstance(action, exp.Schema):
        add_columns(session, table, [_column(item) for item in action.expressions])
    elif isinstance(action, exp.ColumnDef):
        if table.column(action.name) is None or not action.args.get("exists"):
            add_columns(session, table, [_column(action)])
    elif isinstance(action, exp.Drop):
        names = [item.name for node in action.args["tables"] for item in (node.expressions or [node])]
        _need_mapping(table, "DELTA_UNSUPPORTED_DROP_COLUMN")
        _change_columns(session, table, "DROP COLUMNS", {_known(table, name).name: None for name in names})
    elif isinstance(action, exp.RenameColumn):
        _need_mapping(table, "DELTA_UNSUPPORTED_RENAME_COLUMN")
        old = _known(table, action.this.name)
        new = Column(action.args["to"].name, old.type, old.nullable, old.comment)
        _change_columns(session, table, "RENAME COLUMN", {old.name: new})
    elif isinstance(action, exp.AlterColumn) and action.args.get("dtype"):
        old = _known(table, action.this.name)
        if table.properties.get("delta.enableTypeWidening") != "true":
            raise SqlError("DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP", f"'{old.name}'")
        new = Column(old.name, column_type(action.args["dtype"]), old.nullable, old.comment)
        _change_columns(session, table, "CHANGE COLUMN", {old.name: new})
    elif isinstance(action, exp.AlterSet):
        for node in action.expressions:
            for item in node.expressions:
                table.properties[item.this.name] = item.args["value"].name
        writes.commit(session, table, "SET TBLPROPERTIES", table.now.storage, table.now.columns)
    elif isinstance(action, exp.AlterRename):
        _rename(session, table, session.scope.name(parts_of(action.this)))
    elif not isinstance(action, exp.ClusterProperty):
        raise SqlError("UNSUPPORTED_FEATURE", f"ALTER TABLE ... {action.sql('databricks')} in the sandbox")


def _known(table: Table, name: str) -> Column:
    column = table.column(name)
    if column is None:
        raise SqlError("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", f"`{name}`")
    return column


def _need_mapping(table: Table, error_class: str) -> None:
    if table.properties.get("delta.columnMapping.mode") != "name":
        raise SqlError(error_class, "set delta.columnMapping.mode to name first")


def add_columns(session: Session, table: Table, new: list[Column]) -> None:
    there = [column.name for column in new if table.column(column.name)]
    if there:
        raise SqlError("FIELDS_ALREADY_EXISTS", ", ".join(f"`{name}`" for name in there))
    columns = (*table.now.columns, *new)
    check_columns(columns, table.properties)
    if table.is_schemaless:
        storage = writes.make_storage(session, columns)
    else:
        storage = _copied(session, table, columns, [quoted(column.name) for column in table.now.columns])
    writes.commit(session, table, "ADD COLUMNS", storage, columns)


def _copied(session: Session, table: Table, columns: tuple[Column, ...], values: list[str]) -> str:
    """A storage with these columns, the first of which are filled from the table's rows."""
    storage = writes.make_storage(session, columns)
    names = writes.column_list(columns[: len(values)])
    try:
        session.run(
            f"INSERT INTO {storage} ({names}) SELECT {', '.join(values)} FROM ({version_query(table.now)})"
        )
    except BaseException:
        writes.drop_storage(session, storage)
        raise
    return storage


def _change_columns(
    session: Session, table: Table, operation: str, changes: dict[str, Column | None]
) -> None:
    """Columns by their old names: None drops one."""
    kept = [(column, changes.get(column.name, column)) for column in table.now.columns]
    pairs = [(old, new) for old, new in kept if new is not None]
    columns = tuple(new for _, new in pairs)
    check_columns(columns, table.properties)
    storage = _copied(session, table, columns, [quoted(old.name) for old, _ in pairs])
    writes.commit(session, table, operation, storage, columns)


def _rename(session: Session, table: Table, name: tuple[str, str, str]) -> None:
    if session.catalog.find(name) is not None:
        raise SqlError("TABLE_OR_VIEW_ALREADY_EXISTS", shown(name))
    session.catalog.drop(table.name)
    table.name = name
    session.catalog.put(table)


# -- DROP, and what sqlglot does not parse ---------------------------------------------------------


def drop(session: Session, tree: exp.Expr) -> Result:
    kind, exists = str(tree.args["kind"]).upper(), bool(tree.args.get("exists"))
    node = tree.args["tables"][0]
    if kind == "SCHEMA":
        catalog, schema = _schema_name(session, parts_of_schema(node))
        with session.engine.write_lock:
            inside = session.catalog.drop_schema(catalog, schema, exists, bool(tree.args.get("cascade")))
            for relation in inside:
                if isinstance(relation, Table):
                    writes.drop_table(session, relation)
        return NOTHING
    if kind not in ("TABLE", "VIEW"):
        raise SqlError("UNSUPPORTED_FEATURE", f"DROP {kind} in the sandbox")
    name = session.scope.name(parts_of(node))
    with session.engine.write_lock:
        if exists and session.catalog.find(name) is None:
            return NOTHING
        relation = session.catalog.relation(name)
        if isinstance(relation, View) != (kind == "VIEW"):
            raise SqlError("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", f"DROP {kind}", shown(name))
        if isinstance(relation, Table):
            writes.drop_table(session, relation)
        else:
            session.catalog.drop(name)
    return NOTHING


VOLUME_OR_CATALOG = r"(CREATE|DROP)\s+(?:EXTERNAL\s+)?(VOLUME|CATALOG)\s+(IF\s+(?:NOT\s+)?EXISTS\s+)?(\S+)"


def volume_or_catalog(session: Session, text: str) -> Result:
    match = re.match(VOLUME_OR_CATALOG, text, re.IGNORECASE)
    if match is None:
        raise SqlError("PARSE_SYNTAX_ERROR", "end of input")
    verb, kind, condition, written = match.groups()
    parts = split_name(written)
    if kind.upper() == "CATALOG":
        if verb.upper() == "CREATE":
            session.catalog.add_catalog(parts[-1].lower())
            return NOTHING
        raise SqlError("UNSUPPORTED_FEATURE", "DROP CATALOG in the sandbox")
    name = session.scope.name(parts)
    if verb.upper() == "CREATE":
        session.catalog.add_volume(name, condition is not None)
    else:
        session.catalog.drop_volume(name, condition is not None)
    return NOTHING
