"""Audiences: what there are, their fields, and the scan of their members."""

import json
import secrets
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from towpath_sandbox.lytics.answers import new, not_found, old, refuse_new, refuse_old
from towpath_sandbox.settings import Settings
from towpath_sandbox.web import Response

SCALARS = {"string", "bool", "int", "number", "date"}


@dataclass
class Cursor:
    segment: str
    offset: int
    made: float
    pages: int  # that came before it
    query: str


class Audiences:
    def __init__(self) -> None:
        self._segments: dict[str, dict[str, Any]] = {}
        self._members: dict[str, list[dict[str, Any]]] = {}
        self._fields: dict[str, dict[str, Any]] = {}
        self._cursors: dict[str, Cursor] = {}

    # -- what tests put there ------------------------------------------------------------------

    def seed(self, segments: list[dict[str, Any]]) -> None:
        """Each with id, slug_name and members; one that is there already is replaced."""
        for segment in segments:
            described = {"name": segment.get("slug_name", segment["id"]), "table": "user", "kind": "segment"}
            described.update({name: segment[name] for name in segment if name != "members"})
            self._segments[segment["id"]] = described
            self._members[segment["id"]] = list(segment.get("members", []))

    def seed_fields(self, fields: list[dict[str, Any]]) -> None:
        for item in fields:
            self._fields[item["id"]] = {"is_identifier": False, **item}

    def expire(self) -> None:
        """Ends all page tokens that were given out."""
        self._cursors.clear()

    # -- lists ---------------------------------------------------------------------------------

    def _find(self, name: str) -> dict[str, Any] | None:
        for segment in self._segments.values():
            if name in (segment["id"], segment.get("slug_name")):
                return segment
        return None

    def _described(self, segment: dict[str, Any], sizes: bool) -> dict[str, Any]:
        return {**segment, "size": len(self._members[segment["id"]])} if sizes else segment

    def listed(self, query: dict[str, str]) -> Response:
        sizes = query.get("sizes") == "true"
        valid = query.get("valid", "true")
        return new(
            [
                self._described(segment, sizes)
                for segment in self._segments.values()
                if query.get("table", segment["table"]) == segment["table"]
                and query.get("kind", segment["kind"]) == segment["kind"]
                and (valid == "all" or (valid == "true") != bool(segment.get("invalid")))
            ]
        )

    def get(self, name: str, query: dict[str, str]) -> Response:
        segment = self._find(name)
        if segment is None:
            raise refuse_new(404, f"no segment {name}")
        return new(self._described(segment, query.get("sizes") == "true"))

    def sizes(self, names: Iterable[str]) -> Response:
        found = [self._find(name) for name in names]
        return old(
            [
                {key: self._described(item, True).get(key) for key in ("id", "slug_name", "name", "size")}
                for item in found
                if item
            ]
        )

    def fields(self, which: str) -> Response:
        return new(
            [
                item
                for item in self._fields.values()
                if which in ("", "all") or (item["type"] in SCALARS) == (which == "scalar")
            ]
        )

    def fieldnames(self) -> Response:
        return new(list(self._fields))

    def idconfig(self) -> Response:
        return new([{"field": name} for name, item in self._fields.items() if item["is_identifier"]])

    def schema(self) -> Response:
        columns = [
            {"as": item["id"], "is_by": item["is_identifier"], "type": item["type"], "shortdesc": ""}
            for item in self._fields.values()
        ]
        return old({"by_fields": [item["as"] for item in columns if item["is_by"]], "columns": columns})

    # -- scan ----------------------------------------------------------------------------------

    def scan(self, name: str, query: dict[str, str], settings: Settings) -> Response:
        segment = self._find(name)
        if segment is None:
            return not_found()
        limit = query.get("limit", "10")
        if not limit.isdigit() or not 1 <= int(limit) <= 100:
            raise refuse_old(400, f"limit must be from 1 to 100, not {limit!r}")
        cursor = self._cursor(segment["id"], query, settings)
        members = self._chosen(segment["id"], query)
        end = cursor.offset + int(limit)
        found = [self._profile(item, query) for item in members[cursor.offset : end]]
        token = ""
        if end < len(members):
            token = secrets.token_urlsafe(24)
            self._cursors[token] = Cursor(
                segment["id"], end, time.monotonic(), cursor.pages + 1, cursor.query
            )
        return old(
            found or None,
            settings.lytics_text_status,
            total=len(members),
            **{settings.lytics_next_name: token},
        )

    def _cursor(self, segment: str, query: dict[str, str], settings: Settings) -> Cursor:
        rest = json.dumps({key: query[key] for key in sorted(query) if key not in ("start", "limit")})
        if not query.get("start"):
            return Cursor(segment, 0, time.monotonic(), 0, rest)
        cursor = self._cursors.get(query["start"])
        if (
            cursor is None
            or (cursor.segment, cursor.query) != (segment, rest)
            or time.monotonic() - cursor.made > settings.lytics_cursor_seconds
            or (settings.lytics_cursor_pages and cursor.pages >= settings.lytics_cursor_pages)
        ):
            raise refuse_old(400, "the scan token is unknown or has expired")
        return cursor

    def _chosen(self, segment: str, query: dict[str, str]) -> list[dict[str, Any]]:
        members = self._members[segment]
        if query.get("splits"):
            wanted = {int(text) for text in query["splits"].split(",") if text.isdigit()}
            members = [item for item in members if self.split(item) in wanted]
        if query.get("sortfield"):
            name = query["sortfield"]
            members = sorted(
                members,
                key=lambda item: (name in item, str(item.get(name))),
                reverse=query.get("sortorder") == "desc",
            )
        return members

    @staticmethod
    def split(member: dict[str, Any]) -> int:
        """Which of the hundred parts of all profiles it is in."""
        return zlib.crc32(json.dumps(member, sort_keys=True).encode()) % 100

    def _profile(self, member: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        wanted = [name for name in query.get("fields", "").split(",") if name]
        found = {name: member[name] for name in wanted if name in member} if wanted else member
        if query.get("segments") == "true":
            slugs = [
                self._segments[segment].get("slug_name", segment)
                for segment, members in self._members.items()
                if member in members
            ]
            found = {**found, "segments": slugs}
        return found
