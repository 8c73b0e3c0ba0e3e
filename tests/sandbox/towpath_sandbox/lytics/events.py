"""System events: GET /v2/event and /v2/event/{id}."""

import re
from typing import Any

from towpath_sandbox.lytics import moments
from towpath_sandbox.lytics.answers import new, refuse_new
from towpath_sandbox.settings import Settings
from towpath_sandbox.web import Response

TYPES = {"work", "auth", "segment", "entity", "account", "user", "report"}
VERBS = {"created", "updated", "deleted", "status"}


def _number(query: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
        raise refuse_new(400, f"{name} must be a number from {least} to {most}, not {text!r}")
    return int(text)


class Events:
    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._arriving: list[dict[str, Any]] = []

    def seed(self, events: list[dict[str, Any]]) -> None:
        self._events += events

    def arrive(self, events: list[dict[str, Any]]) -> None:
        """Events that turn up one by one, each behind an answer to a page."""
        self._arriving += events

    def get(self, name: str) -> Response:
        for event in self._events:
            if event.get("id") == name:
                return new(event)
        raise refuse_new(404, f"no event {name}")

    def page(self, query: dict[str, str], settings: Settings) -> Response:
        limit = _number(query, "limit", 20, 1, 100)
        start = _number(query, "start", 0, 0, 10**9)
        for name, known in (("type", TYPES), ("verb", VERBS)):
            if query.get(name) and query[name] not in known:
                raise refuse_new(400, f"{name} must be one of {', '.join(sorted(known))}")
        found = sorted(
            (event for event in self._events if self._fits(event, query, settings)),
            key=self._moment,
            reverse=settings.lytics_event_order == "desc",
        )
        if self._arriving:
            self._events.append(self._arriving.pop(0))
        meta = {"_meta": {"has_more": len(found) > start + limit}} if settings.lytics_event_meta else {}
        return new(found[start : start + limit], **meta)

    @staticmethod
    def _moment(event: dict[str, Any]) -> int:
        try:
            return moments.parse(event["timestamp"])
        except (KeyError, ValueError, TypeError):
            return 0  # one that a test has damaged

    def _fits(self, event: dict[str, Any], query: dict[str, str], settings: Settings) -> bool:
        for argument, member in (("type", "subject_type"), ("id", "subject_id"), ("verb", "verb")):
            if query.get(argument) and event.get(member) != query[argument]:
                return False
        at = self._moment(event)
        if at == 0:
            return True
        inclusive = settings.lytics_event_bounds == "inclusive"
        try:
            if "after" in query and not at > moments.parse(query["after"]) - inclusive:
                return False
            if "before" in query and not at < moments.parse(query["before"]) + inclusive:
                return False
        except ValueError as error:
            raise refuse_new(400, str(error)) from error
        return True
