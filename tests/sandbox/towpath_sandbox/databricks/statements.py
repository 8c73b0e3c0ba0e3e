"""SQL Statement Execution API 2.0."""

import json
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from towpath_sandbox import web
from towpath_sandbox.databricks import engine
from towpath_sandbox.databricks.engine import Canceled, Engine, Session
from towpath_sandbox.databricks.errors import CLASSES, LimitError, SqlError, refuse
from towpath_sandbox.databricks.links import Links
from towpath_sandbox.databricks.results import Chunk, Outcome, Wanted, collect
from towpath_sandbox.databricks.sql import Parameter, Scope
from towpath_sandbox.databricks.warehouse import Warehouse
from towpath_sandbox.faults import Faults, StatementFault
from towpath_sandbox.settings import Settings
from towpath_sandbox.web import Request, Response, json_response

TEXT_LIMIT = 16 << 20
BYTE_LIMIT = 100 << 30
TERMINAL = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "CLOSED"})
PATH = "/api/2.0/sql/statements"


@dataclass
class Statement:
    text: str
    wanted: Wanted
    session: Session
    state: str = "PENDING"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    error: SqlError | None = None
    outcome: Outcome | None = None
    ended: float | None = None
    polls: int = 0  # that still find it running
    changed: threading.Condition = field(default_factory=threading.Condition)

    def move(self, state: str) -> None:
        """To another state; terminal ones stay."""
        with self.changed:
            if self.state not in TERMINAL:
                self.state = state
                self.ended = time.monotonic() if state in TERMINAL else None
                self.changed.notify_all()

    def wait(self, seconds: float) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.state in TERMINAL, seconds)

    def cancel(self) -> None:
        self.session.cancel()
        self.move("CANCELED")


class Statements:
    """All statements of a workspace. `settings` gives those in force."""

    def __init__(
        self,
        sql: Engine,
        warehouse: Warehouse,
        faults: Faults,
        settings: Callable[[], Settings],
        base: Callable[[], str],
        root: Path,
    ) -> None:
        self._engine = sql
        self.warehouse = warehouse
        self._faults = faults
        self._settings = settings
        self._base = base  # of links
        self._root = root
        self._statements: dict[str, Statement] = {}
        self.links = Links()

    def texts(self) -> list[dict[str, Any]]:
        return [
            {"id": item.id, "statement": item.text, "state": item.state} for item in self._statements.values()
        ]

    def close(self) -> None:
        for statement in list(self._statements.values()):
            if statement.state not in TERMINAL:
                statement.cancel()

    # -- submitting ----------------------------------------------------------------------------

    def submit(self, request: Request) -> Response:
        settings = self._settings()
        body = _object(request)
        seconds = _wait_timeout(str(body.get("wait_timeout", "10s")))
        on_timeout = _choice(body, "on_wait_timeout", ("CONTINUE", "CANCEL"))
        statement = self._statement(body, settings)
        self._statements[statement.id] = statement
        self.warehouse.start(settings)
        threading.Thread(target=self._run, args=(statement,), daemon=True).start()
        if not self.warehouse.is_counted():
            statement.wait(seconds)
        if statement.state not in TERMINAL and on_timeout == "CANCEL":
            statement.cancel()
        return json_response(self._describe(statement))

    def _statement(self, body: dict[str, Any], settings: Settings) -> Statement:
        text = body.get("statement")
        if not isinstance(text, str) or not text.strip():
            raise refuse(400, "INVALID_PARAMETER_VALUE", "statement must not be empty")
        if len(text.encode()) > TEXT_LIMIT:
            raise refuse(400, "INVALID_PARAMETER_VALUE", f"statement is longer than {TEXT_LIMIT} bytes")
        self.need_warehouse(str(body.get("warehouse_id", "")))
        wanted = _wanted(body, settings)
        parameters = _parameters(body.get("parameters") or [])
        catalog, schema = body.get("catalog") or "main", body.get("schema") or "default"
        scope = Scope(self._engine.catalog, catalog.lower(), schema.lower(), parameters)
        session = Session(self._engine, scope, settings.timezone, self._root)
        session.check_credential = self._check_credential
        return Statement(text, wanted, session, polls=settings.statement_polls)

    def _check_credential(self, given: dict[str, str]) -> None:
        """Inline credentials of COPY INTO for a bucket."""
        settings = self._settings()
        keys = {key.upper(): value for key, value in given.items()}
        for name, wanted in (
            ("AWS_ACCESS_KEY", settings.access_key),
            ("AWS_SECRET_KEY", settings.secret_key),
            ("AWS_SESSION_TOKEN", settings.session_token),
        ):
            if wanted and name not in keys:
                raise SqlError("COPY_INTO_CREDENTIALS_REQUIRED", name)
            if wanted and keys[name] != wanted:
                raise LimitError(
                    "Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)"
                )

    def need_warehouse(self, warehouse_id: str) -> None:
        settings = self._settings()
        if not warehouse_id:
            raise refuse(400, "INVALID_PARAMETER_VALUE", "warehouse_id is required")
        if warehouse_id != settings.warehouse_id or self.warehouse.state(settings) == "DELETED":
            raise refuse(404, "RESOURCE_DOES_NOT_EXIST", f"SQL warehouse {warehouse_id} was not found.")

    def _run(self, statement: Statement) -> None:
        is_over = statement.session.canceled.is_set
        ended = "SUCCEEDED"
        try:
            self.warehouse.wait(self._settings, is_over)
            statement.session.check()
            statement.move("RUNNING")
            ended = self._execute(statement)
        except Exception as error:  # a statement must come to an end, whatever happens
            if is_over() or isinstance(error, (Canceled, web.ClientGone)):
                ended = "CANCELED"
            elif isinstance(error, SqlError):
                statement.error, ended = error, "FAILED"
            else:
                statement.error, ended = (
                    SqlError("INTERNAL_ERROR", f"{type(error).__name__}: {error}"),
                    "FAILED",
                )
                raise
        finally:
            statement.session.close()
            statement.move(ended)

    def _execute(self, statement: Statement) -> str:
        """The state that it ends in."""
        closes: list[bool] = []
        statement.session.gate = lambda: self._pass("execute", statement, closes)
        result = engine.execute(statement.session, statement.text)
        statement.outcome = collect(result, statement.wanted, self._settings())
        self._pass("executed", statement, closes)
        return "CLOSED" if closes else "SUCCEEDED"

    def _pass(self, point: str, statement: Statement, closes: list[bool]) -> None:
        """Lets faults come in."""
        try:
            self._faults.statement(point, statement.text, statement.session.canceled.is_set)
        except StatementFault as fault:
            rule = fault.rule
            if rule.do == "close":
                closes.append(True)
            elif rule.error_class in CLASSES:
                raise SqlError(rule.error_class, *[rule.message] * 3) from fault
            else:
                raise LimitError(f"[{rule.error_class}] {rule.message}") from fault

    # -- what others ask -----------------------------------------------------------------------

    def find(self, statement_id: str) -> Statement:
        statement = self._statements.get(statement_id)
        if statement is None:
            raise refuse(404, "RESOURCE_DOES_NOT_EXIST", f"The statement {statement_id} was not found.")
        kept = self._settings().retention_seconds
        if statement.ended is not None and time.monotonic() - statement.ended > kept:
            self._release(statement)
        return statement

    def _release(self, statement: Statement) -> None:
        if statement.outcome is not None:
            self.links.forget([chunk.body for chunk in statement.outcome.chunks])
            statement.outcome = None
        if statement.state == "SUCCEEDED":
            statement.state = "CLOSED"

    def get(self, statement_id: str) -> Response:
        statement = self.find(statement_id)
        self.warehouse.poll(self._settings())
        if statement.state == "PENDING" and not self.warehouse.is_counted():
            statement.wait(0.005)
        answer = self._describe(statement)
        statement.polls = max(0, statement.polls - 1)
        return json_response(answer)

    def cancel(self, statement_id: str) -> Response:
        statement = self.find(statement_id)
        if statement.state not in TERMINAL:
            statement.cancel()
        return json_response({})

    def close_one(self, statement_id: str) -> Response:
        statement = self.find(statement_id)
        if statement.state not in TERMINAL:
            statement.cancel()
        self._release(statement)
        return json_response({})

    def chunk(self, statement_id: str, index: int) -> Response:
        statement = self.find(statement_id)
        outcome = statement.outcome
        if outcome is None or statement.state not in ("SUCCEEDED", "CLOSED"):
            raise refuse(
                404,
                "NOT_FOUND",
                f"The result of statement {statement_id} is not there, or no longer.",
            )
        if not 0 <= index < len(outcome.chunks):
            raise refuse(
                400,
                "INVALID_PARAMETER_VALUE",
                f"There is no chunk {index} of {len(outcome.chunks)}.",
            )
        return json_response(self._result(statement, outcome, outcome.chunks[index]))

    # -- shapes --------------------------------------------------------------------------------

    def _describe(self, statement: Statement) -> dict[str, Any]:
        state = statement.state
        if state in ("SUCCEEDED", "CLOSED") and statement.polls:
            state = "RUNNING"
        status: dict[str, Any] = {"state": state}
        answer: dict[str, Any] = {"statement_id": statement.id, "status": status}
        if state == "FAILED" and statement.error is not None:
            status["error"] = {
                "error_code": statement.error.code,
                "message": statement.error.message,
            }
            if statement.error.sql_state:
                status["sql_state"] = statement.error.sql_state
        outcome = statement.outcome
        if state in ("SUCCEEDED", "CLOSED") and outcome is not None:
            answer["manifest"] = outcome.manifest()
            answer["result"] = self._result(statement, outcome, outcome.chunks[0]) if outcome.chunks else {}
        return answer

    def _result(self, statement: Statement, outcome: Outcome, chunk: Chunk) -> dict[str, Any]:
        part: dict[str, Any] = {
            "chunk_index": chunk.index,
            "row_offset": chunk.row_offset,
            "row_count": chunk.row_count,
            "byte_count": chunk.byte_count,
        }
        if chunk.index + 1 < len(outcome.chunks):
            following = chunk.index + 1
            part["next_chunk_index"] = following
            offset = chunk.row_offset + chunk.row_count
            part["next_chunk_internal_link"] = (
                f"{PATH}/{statement.id}/result/chunks/{following}?row_offset={offset}"
            )
        if chunk.cells is not None:
            return {**part, "data_array": chunk.cells}
        link = self.links.make(f"{statement.id}/{chunk.index}", chunk.body, self._base(), self._settings())
        part["byte_count"] = len(chunk.body) if outcome.compressed else chunk.byte_count
        return {"external_links": [{**part, **link}]}


# -- reading requests ------------------------------------------------------------------------------


def _object(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(request.read() or b"{}")
    except ValueError as error:
        raise refuse(400, "MALFORMED_REQUEST", f"The body is no JSON: {error}") from error
    if not isinstance(body, dict):
        raise refuse(400, "MALFORMED_REQUEST", "The body is no JSON object.")
    return body


def _choice(body: dict[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = body.get(name) or choices[0]
    if value not in choices:
        raise refuse(
            400,
            "INVALID_PARAMETER_VALUE",
            f"{name} must be one of {', '.join(choices)}, not {value!r}",
        )
    return str(value)


def _wait_timeout(text: str) -> float:
    match = re.fullmatch(r"(\d+)s", text)
    seconds = int(match[1]) if match else -1
    if seconds != 0 and not 5 <= seconds <= 50:
        message = f"wait_timeout must be 0s, or between 5s and 50s, not {text}"
        raise refuse(400, "INVALID_PARAMETER_VALUE", message)
    return float(seconds)


def _wanted(body: dict[str, Any], settings: Settings) -> Wanted:
    disposition = _choice(body, "disposition", ("INLINE", "EXTERNAL_LINKS"))
    kind = _choice(body, "format", ("JSON_ARRAY", "ARROW_STREAM", "CSV"))
    compression = _choice(body, "result_compression", ("NONE", "LZ4_FRAME"))
    if disposition == "INLINE" and kind != "JSON_ARRAY":
        raise refuse(
            400,
            "INVALID_PARAMETER_VALUE",
            f"The INLINE disposition only supports JSON_ARRAY, not {kind}.",
        )
    if disposition == "EXTERNAL_LINKS" and not settings.external_links:
        raise refuse(
            403,
            "PERMISSION_DENIED",
            "The EXTERNAL_LINKS disposition is disabled in this workspace.",
        )
    byte_limit = _limit(body, "byte_limit")
    if byte_limit is None and disposition == "EXTERNAL_LINKS":
        byte_limit = BYTE_LIMIT
    return Wanted(disposition, kind, compression == "LZ4_FRAME", _limit(body, "row_limit"), byte_limit)


def _limit(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, (int, str)) or not str(value).isdigit() or int(value) < 1:
        raise refuse(400, "INVALID_PARAMETER_VALUE", f"{name} must be a positive number, not {value!r}")
    return int(value)


def _parameters(values: Any) -> dict[str, Parameter]:
    found = {}
    for item in values if isinstance(values, list) else [values]:
        if not isinstance(item, dict) or not re.fullmatch(r"\w+", str(item.get("name", ""))):
            raise refuse(400, "INVALID_PARAMETER_VALUE", f"a parameter needs a name: {item!r}")
        value, kind = item.get("value"), str(item.get("type") or "STRING")
        if value is not None and not isinstance(value, str):
            raise refuse(400, "MALFORMED_REQUEST", f"the value of parameter {item['name']} must be a string")
        if not PARAMETER_TYPE.fullmatch(kind):
            raise refuse(400, "INVALID_PARAMETER_VALUE", f"parameter {item['name']} cannot be of type {kind}")
        found[item["name"]] = Parameter(value, kind)
    return found


PARAMETER_TYPE = re.compile(
    r"(BOOLEAN|TINYINT|BYTE|SMALLINT|SHORT|INT|INTEGER|BIGINT|LONG|FLOAT|REAL|DOUBLE|STRING|BINARY|DATE|TIMESTAMP"
    r"|TIMESTAMP_NTZ|VOID|INTERVAL [A-Z ]+|(DECIMAL|DEC|NUMERIC)(\(\d+(, *\d+)?\))?)",
    re.IGNORECASE,
)
