"""Faults: rules that say which request goes wrong, where on its way, and how. README.md has them by
example."""

import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from towpath_sandbox import web
from towpath_sandbox.web import HttpError, Request, Response

# Where on the way of a request, or of a statement, a rule comes in.
REQUEST_POINTS = ("arrived", "receiving", "before", "after", "answer")
STATEMENT_POINTS = ("execute", "executed")
DEFAULT_POINT = {"cut": "answer", "short": "answer", "slow": "answer", "fail": "execute"}
ACTIONS = ("answer", "html", "redirect", "cut", "short", "slow", "delay", "hold", "fail", "close")
PAGE = (
    "<!DOCTYPE html><html><head><title>{title}</title></head>"
    "<body><h1>{title}</h1><p>The proxy could not do it.</p></body></html>"
)


class BadRule(ValueError):
    """A rule that cannot be, with the reason."""


@dataclass
class Rule:
    do: str
    name: str = ""  # for the log, and for holds
    method: str = ""
    path: str = ""  # searched for in the decoded path
    sql: str = ""  # searched for in the statement's text
    point: str = ""
    skip: int = 0  # matches that pass first
    times: int | None = None  # matches that it then applies to; None: all
    probability: float = 1.0
    seed: int = 1
    # What the actions want to know.
    status: int = 503
    retry_after: str | None = None
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    error_code: str | int = ""
    message: str = "the sandbox was told to"
    location: str = "/login"
    title: str = "502 Bad Gateway"
    stays: bool = False  # hold: also when the client goes away
    after_bytes: int | None = None
    seconds: float = 1.0
    bytes_per_second: int = 65536
    error_class: str = "INTERNAL_ERROR"

    def __post_init__(self) -> None:
        if self.do not in ACTIONS:
            raise BadRule(f"do is one of {', '.join(ACTIONS)}, not {self.do!r}")
        self.point = self.point or DEFAULT_POINT.get(self.do, "before")
        if self.point not in REQUEST_POINTS + STATEMENT_POINTS:
            raise BadRule(
                f"point is one of {', '.join(REQUEST_POINTS + STATEMENT_POINTS)}, not {self.point!r}"
            )
        if (self.do in ("fail", "close")) != (self.point in STATEMENT_POINTS) and self.do not in (
            "hold",
            "delay",
        ):
            raise BadRule(f"{self.do!r} does not go with point {self.point!r}")
        self.name = self.name or self.do
        self._path = re.compile(self.path)
        self._sql = re.compile(self.sql, re.IGNORECASE | re.DOTALL)
        self._random = random.Random(self.seed)
        self.seen = 0
        self.done = 0

    @classmethod
    def of(cls, value: Any) -> "Rule":
        if not isinstance(value, dict):
            raise BadRule(f"a rule is an object, not {value!r}")
        known = {item.name for item in fields(cls)}
        if unknown := sorted(set(value) - known):
            raise BadRule(f"a rule has no {unknown[0]!r}; it may have {', '.join(sorted(known))}")
        try:
            return cls(**value)
        except (TypeError, re.error) as error:
            raise BadRule(str(error)) from error

    def fits(self, method: str, path: str, sql: str | None) -> bool:
        if self.method and self.method != method:
            return False
        if self.sql and (sql is None or not self._sql.search(sql)):
            return False
        return bool(self._path.search(path))

    def counts(self) -> bool:
        """Counts a match; whether the rule applies to it."""
        if self.times is not None and self.done >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.skip or self._random.random() >= self.probability:
            return False
        self.done += 1
        return True

    def answer(self) -> Response:
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers["Retry-After"] = self.retry_after
        if self.do == "html":
            headers.setdefault("Content-Type", "text/html; charset=utf-8")
            return Response(self.status, (self.body or PAGE.format(title=self.title)).encode(), headers)
        if self.do == "redirect":
            status = self.status if 300 <= self.status < 400 else 302
            return Response(status, b"", {**headers, "Location": self.location})
        if self.body is not None:
            return Response(self.status, self.body.encode(), headers)
        code = self.error_code or ERROR_CODES.get(self.status, "UNKNOWN")
        return web.json_response({"error_code": code, "message": self.message}, self.status, headers)


ERROR_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    409: "ABORTED",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class StatementFault(Exception):
    """What a rule does to a statement that is being executed: "fail" or "close"."""

    def __init__(self, rule: Rule):
        super().__init__(rule.name)
        self.rule = rule


@dataclass
class Held:
    """A request or statement that a rule holds."""

    name: str
    point: str
    what: str
    released: threading.Event = field(default_factory=threading.Event)


class Faults:
    """The rules in force, and what they hold. Implements web.Hooks."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._rules: list[Rule] = []
        self._held: list[Held] = []
        self._open = True

    def set(self, rules: list[Rule]) -> None:
        with self._lock:
            self._rules = rules

    def add(self, rules: list[Rule]) -> None:
        with self._lock:
            self._rules = self._rules + rules

    def rules(self) -> list[Rule]:
        return self._rules

    def close(self) -> None:
        """Lets all go that is held, and holds nothing more."""
        with self._lock:
            self._open = False
            self._rules = []
        self.release(None)

    # -- holds ---------------------------------------------------------------------------------

    def held(self, name: str | None = None) -> list[Held]:
        with self._lock:
            return [item for item in self._held if name in (None, item.name)]

    def wait_held(self, name: str | None, seconds: float) -> list[Held]:
        """What is held under a name, as soon as there is something."""
        with self._lock:
            self._lock.wait_for(lambda: any(name in (None, item.name) for item in self._held), seconds)
        return self.held(name)

    def release(self, name: str | None) -> int:
        """Lets go what is held under a name, and takes the rule away that would hold more."""
        with self._lock:
            self._rules = [rule for rule in self._rules if rule.do != "hold" or name not in (None, rule.name)]
        found = self.held(name)
        for item in found:
            item.released.set()
        return len(found)

    def _hold(self, rule: Rule, what: str, is_gone: Callable[[], bool]) -> None:
        item = Held(rule.name, rule.point, what)
        with self._lock:
            if not self._open:
                return
            self._held.append(item)
            self._lock.notify_all()
        try:
            while not item.released.wait(0.02):
                if is_gone():
                    raise web.ClientGone
        finally:
            with self._lock:
                self._held.remove(item)

    def _hold_request(self, rule: Rule, request: Request) -> None:
        what = f"{request.method} {request.plain_path}"
        self._hold(rule, what, (lambda: False) if rule.stays else request.incoming.is_gone)

    # -- on the way of a request ---------------------------------------------------------------

    def _take(
        self, point: str, method: str, path: str, sql: str | None, reached: int | None = None
    ) -> list[Rule]:
        with self._lock:
            return [
                rule
                for rule in self._rules
                if rule.point == point
                and (reached is None or reached >= (rule.after_bytes or 1))
                and rule.fits(method, path, sql)
                and rule.counts()
            ]

    def _apply(self, request: Request, point: str, reached: int | None = None) -> None:
        path = request.plain_path
        if path.startswith("/_sandbox/"):
            return
        for rule in self._take(point, request.method, path, request.entry.sql, reached):
            request.entry.faults.append(rule.name)
            if rule.do == "hold":
                self._hold_request(rule, request)
            elif rule.do == "delay":
                time.sleep(rule.seconds)
            elif rule.do in ("cut", "short"):
                if rule.do == "cut":
                    web.reset(request.connection)
                raise web.ClientGone
            else:
                raise HttpError(rule.answer())

    def arrived(self, request: Request) -> None:
        self._apply(request, "arrived")

    def receiving(self, request: Request, count: int) -> None:
        if self._rules:
            self._apply(request, "receiving", count)

    def before(self, request: Request) -> None:
        self._apply(request, "before")

    def after(self, request: Request) -> None:
        self._apply(request, "after")

    def answering(self, request: Request, response: Response) -> web.Plan:
        plan = web.Plan()
        path = request.plain_path
        if path.startswith("/_sandbox/"):
            return plan
        for rule in self._take("answer", request.method, path, request.entry.sql):
            request.entry.faults.append(rule.name)
            if rule.do == "slow":
                plan.bytes_per_second = rule.bytes_per_second
            elif rule.do in ("cut", "short"):
                half = len(response.body) // 2
                plan.stop_at = half if rule.after_bytes is None else rule.after_bytes
                plan.reset = rule.do == "cut"
            elif rule.do == "hold":
                self._hold_request(rule, request)
            elif rule.do == "delay":
                time.sleep(rule.seconds)
            else:
                replaced = rule.answer()
                response.status, response.body = replaced.status, replaced.body
                response.headers = replaced.headers
        return plan

    # -- on the way of a statement -------------------------------------------------------------

    def statement(self, point: str, sql: str, is_canceled: Callable[[], bool]) -> None:
        """To be called by a statement that begins (execute) or has done its work (executed)."""
        for rule in self._take(point, "", "", sql):
            if rule.do == "hold":
                self._hold(rule, sql, is_canceled)
            elif rule.do == "delay":
                time.sleep(rule.seconds)
            else:
                raise StatementFault(rule)
