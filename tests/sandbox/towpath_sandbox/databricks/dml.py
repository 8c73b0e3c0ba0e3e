"""INSERT, UPDATE, DELETE, MERGE, TRUNCATE."""

from collections.abc import Sequence

from sqlglot import exp

from towpath_sandbox.databricks import writes
from towpath_sandbox.databricks.catalog import Column, Table
from towpath_sandbox.databricks.engine import NOTHING, Result, Session, counts
from towpath_sandbox.databricks.errors import SqlError
from towpath_sandbox.databricks.names import parts_of
from towpath_sandbox.databricks.sql import Translator
from towpath_sandbox.databricks.types import quoted


def target_of(session: Session, node: exp.Expr) -> Table:
    return session.catalog.table(session.scope.name(parts_of(node)))


def _physical(node: exp.Expr, storage: str) -> exp.Table:
    """The target of a statement as DuckDB's table, under the name that the statement has for it."""
    alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(parts_of(node)[-1], quoted=True))
    table = exp.Table(this=exp.to_identifier(storage), alias=alias.copy())
    table.meta["physical"] = True
    return table


def insert(session: Session, tree: exp.Expr) -> Result:
    node = tree.this
    listed = [item.name for item in node.expressions] if isinstance(node, exp.Schema) else []
    with session.engine.write_lock:
        table = target_of(session, node.this if isinstance(node, exp.Schema) else node)
        writes.need_columns(table)
        query = Translator(session.scope).text(tree.expression)
        columns = _targets(session, table, listed, query, bool(tree.args.get("by_name")))
        if tree.args.get("by_name"):
            query = f"SELECT {writes.column_list(columns)} FROM ({query})"
        where = tree.args.get("where")
        if not tree.args.get("overwrite") and where is None:
            count = writes.append(session, table, columns, query)
            _commit(session, table, "WRITE", table.now.storage, {"mode": "Append"}, numOutputRows=count)
        else:
            keep = f"({Translator(session.scope).text(where)}) IS NOT TRUE" if where is not None else "false"
            names = writes.column_list(columns)
            storage, count = writes.rewrite(
                session,
                table,
                lambda new: session.count(f"INSERT INTO {new} ({names}) {query}"),
                keep,
            )
            _commit(session, table, "WRITE", storage, {"mode": "Overwrite"}, numOutputRows=count)
    return counts(num_affected_rows=count, num_inserted_rows=count)


def _targets(
    session: Session, table: Table, listed: Sequence[str], query: str, by_name: bool
) -> list[Column]:
    """The columns that the query's columns go into."""
    given = [name for name, _ in session.columns(query)] if not query.startswith("VALUES") else None
    names = listed or (
        given if by_name and given is not None else [column.name for column in table.now.columns]
    )
    columns = []
    for name in names:
        column = table.column(name)
        if column is None:
            raise SqlError("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", f"`{name}`")
        columns.append(column)
    if given is not None and len(given) != len(columns):
        reason = "not enough data columns" if len(given) < len(columns) else "too many data columns"
        raise SqlError("INSERT_COLUMN_ARITY_MISMATCH", f"`{'`.`'.join(table.name)}`", reason)
    return columns


def _commit(
    session: Session,
    table: Table,
    operation: str,
    storage: str,
    parameters: dict[str, str],
    **metrics: int,
) -> None:
    writes.commit(session, table, operation, storage, table.now.columns, parameters, metrics)


def update(session: Session, tree: exp.Expr) -> Result:
    def change(storage: str) -> int:
        moved = tree.copy()
        moved.this.replace(_physical(tree.this, storage))
        for item in moved.expressions:
            item.this.set("table", None)
        return session.count(Translator(session.scope).text(moved))

    with session.engine.write_lock:
        table = target_of(session, tree.this)
        storage, count = writes.rewrite(session, table, change)
        _commit(session, table, "UPDATE", storage, {}, numUpdatedRows=count)
    return counts(num_affected_rows=count)


def delete(session: Session, tree: exp.Expr) -> Result:
    def change(storage: str) -> int:
        moved = tree.copy()
        moved.this.replace(_physical(tree.this, storage))
        return session.count(Translator(session.scope).text(moved))

    with session.engine.write_lock:
        table = target_of(session, tree.this)
        storage, count = writes.rewrite(session, table, change)
        _commit(session, table, "DELETE", storage, {}, numDeletedRows=count)
    return counts(num_affected_rows=count)


def truncate(session: Session, tree: exp.Expr) -> Result:
    with session.engine.write_lock:
        table = target_of(session, tree.expressions[0])
        storage, _ = writes.rewrite(session, table, lambda new: 0, keep="false")
        _commit(session, table, "TRUNCATE", storage, {})
    return NOTHING


# -- MERGE -----------------------------------------------------------------------------------------


def merge(session: Session, tree: exp.Expr) -> Result:
    with session.engine.write_lock:
        table = target_of(session, tree.this)
        writes.need_columns(table)
        source = _source_columns(session, tree.args["using"])
        moved = tree.copy()
        for when in moved.args["whens"].expressions:
            _expand_star(when, table, source, _source_name(tree.args["using"]))

        def change(storage: str) -> int:
            moved.this.replace(_physical(tree.this, storage))
            _refuse_ambiguous(session, moved)
            text = Translator(session.scope).text(moved) + " RETURNING merge_action"
            for (action,) in session.run(text):
                done[str(action)] += 1
            return sum(done.values())

        done = {"UPDATE": 0, "DELETE": 0, "INSERT": 0}
        storage, total = writes.rewrite(session, table, change)
        metrics = {
            "numTargetRowsUpdated": done["UPDATE"],
            "numTargetRowsDeleted": done["DELETE"],
            "numTargetRowsInserted": done["INSERT"],
        }
        _commit(
            session,
            table,
            "MERGE",
            storage,
            {"predicate": tree.args["on"].sql("databricks")},
            **metrics,
        )
    return counts(
        num_affected_rows=total,
        num_updated_rows=done["UPDATE"],
        num_deleted_rows=done["DELETE"],
        num_inserted_rows=done["INSERT"],
    )


def _source_columns(session: Session, using: exp.Expr) -> list[str]:
    everything = exp.select("*").from_(using.copy())
    return [name for name, _ in session.columns(Translator(session.scope).text(everything))]


def _source_name(using: exp.Expr) -> str:
    return using.alias or parts_of(using)[-1]


def _expand_star(when: exp.Expr, table: Table, source: list[str], source_name: str) -> None:
    """UPDATE SET * and INSERT *: all columns of the target, by name."""
    then = when.args["then"]
    is_update = isinstance(then, exp.Update) and any(isinstance(item, exp.Star) for item in then.expressions)
    is_insert = isinstance(then, exp.Insert) and isinstance(then.this, exp.Star)
    if isinstance(then, exp.Update):
        for item in then.expressions:
            if isinstance(item, exp.EQ):
                item.this.set("table", None)
    if isinstance(then, exp.Insert) and isinstance(then.this, exp.Tuple):
        for item in then.this.expressions:
            item.set("table", None)
    if not is_update and not is_insert:
        return
    names = [column.name for column in table.now.columns]
    known = {name.lower() for name in source}
    for name in names:
        if name.lower() not in known:
            suggestion = ", ".join(f"`{item}`" for item in source)
            raise SqlError("UNRESOLVED_COLUMN.WITH_SUGGESTION", f"`{name}`", suggestion)
    values = [exp.column(name, table=source_name, quoted=True) for name in names]
    targets = [exp.column(name, quoted=True) for name in names]
    if is_update:
        pairs = [exp.EQ(this=target, expression=value) for target, value in zip(targets, values)]
        when.set("then", exp.Update(expressions=pairs))
    else:
        when.set(
            "then",
            exp.Insert(this=exp.Tuple(expressions=targets), expression=exp.Tuple(expressions=values)),
        )


def _refuse_ambiguous(session: Session, tree: exp.Expr) -> None:
    """Several source rows that would change one target row are an error, as Delta has it."""
    whens = [when for when in tree.args["whens"].expressions if when.args.get("matched")]
    if not whens:
        return
    if (
        len(whens) == 1
        and isinstance(whens[0].args["then"], exp.Var)
        and whens[0].args.get("condition") is None
    ):
        return  # an unconditional DELETE: twice is no different
    conditions = [when.args["condition"].copy() for when in whens if when.args.get("condition") is not None]
    on = tree.args["on"].copy()
    if len(conditions) == len(whens):
        on = exp.and_(on, exp.or_(*conditions))
    name = quoted(tree.this.alias)
    joined = exp.select("1").from_(tree.this.copy()).join(tree.args["using"].copy(), on=on)
    text = Translator(session.scope).text(joined)
    found = session.run(f"{text} GROUP BY {name}.rowid HAVING count(*) > 1 LIMIT 1")
    if found:
        raise SqlError("DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE")
