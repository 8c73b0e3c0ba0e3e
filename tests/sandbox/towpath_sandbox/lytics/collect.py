"""Uploads: POST /collect/bulk/{stream} and /collect/json/{stream}."""

import gzip
import json
import zlib
from typing import Any

from towpath_sandbox.lytics.answers import old, refuse_old
from towpath_sandbox.lytics.strictcsv import BadCsv, records
from towpath_sandbox.settings import Settings
from towpath_sandbox.web import Request, Response

KEPT_MAX = 2_000_000  # records that are kept to be looked at
DELIMITERS = {"": ",", ",": ",", "t": "\t", "|": "|"}


class Collect:
    """Keeps what it took, by stream, and a line for each upload."""

    def __init__(self) -> None:
        self._streams: dict[str, list[dict[str, Any]]] = {}
        self._uploads: list[dict[str, Any]] = []
        self._kept = 0

    def seed(self, names: list[str]) -> None:
        for name in names:
            self._streams.setdefault(name, [])

    def names(self) -> list[str]:
        return sorted(self._streams)

    def streams(self) -> dict[str, list[dict[str, Any]]]:
        return self._streams

    def uploads(self) -> list[dict[str, Any]]:
        return self._uploads

    def take(self, stream: str, kind: str, is_bulk: bool, request: Request, settings: Settings) -> Response:
        data = request.read()
        limit = settings.lytics_bulk_bytes if is_bulk else settings.lytics_api_bytes
        if len(data) > limit:
            raise refuse_old(413, f"the body has {len(data)} bytes; at most {limit} are taken")
        packed = data[:2] == b"\x1f\x8b"
        if packed:
            try:
                data = gzip.decompress(data)
            except (OSError, EOFError, zlib.error):
                raise refuse_old(400, "the body is a damaged gzip") from None
        content = request.headers.get("content-type", "").split(";")[0].strip()
        query = request.query
        line: dict[str, Any] = {
            "stream": stream,
            "filename": query.get("filename", ""),
            "content-type": content,
            "timestamp_field": query.get("timestamp_field", ""),
            "dryrun": query.get("dryrun") == "true",
            "droperrors": query.get("droperrors") == "true",
            "gzip": packed,
            "bytes": len(data),
            "account_id": query.get("account_id", ""),
        }
        self._uploads.append(line)
        if kind == "json" or content == "application/json":
            taken, rejected, problem = self._json(data, settings)
        elif content in ("application/csv", "text/csv"):
            taken, rejected, problem = self._csv(data, query, settings)
        else:
            raise refuse_old(400, f"the content type {content!r} is neither application/csv nor JSON")
        line["message_count"], line["rejected_count"] = len(taken), rejected
        if not line["dryrun"]:
            self._keep(stream, taken)
        if problem:
            line["problem"] = problem
            raise refuse_old(400, problem)
        members = ("message_count", "rejected_count", "content-type", "droperrors", "dryrun", "filename")
        return old({name: line[name] for name in (*members, "timestamp_field")})

    def _keep(self, stream: str, taken: list[dict[str, Any]]) -> None:
        room = max(0, KEPT_MAX - self._kept)
        self._kept += len(taken[:room])
        self._streams.setdefault(stream, []).extend(taken[:room])

    @staticmethod
    def _json(data: bytes, settings: Settings) -> tuple[list[dict[str, Any]], int, str]:
        try:
            value = json.loads(data)
        except ValueError:
            return [], 0, "the body is no JSON"
        taken, rejected = [], 0
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, dict) or any(
                isinstance(part, list) and any(isinstance(inner, (dict, list)) for inner in part)
                for part in item.values()
            ):
                rejected += 1
            elif len(json.dumps(item, ensure_ascii=False).encode()) > settings.lytics_record_bytes:
                rejected += 1
            else:
                taken.append(item)
        return taken, rejected, ""

    @staticmethod
    def _csv(data: bytes, query: dict[str, str], settings: Settings) -> tuple[list[dict[str, Any]], int, str]:
        drops = query.get("droperrors") == "true"
        taken: list[dict[str, Any]] = []
        rejected = 0
        try:
            more = json.loads(query["append"]) if query.get("append") else {}
            if not isinstance(more, dict):
                raise ValueError
        except ValueError:
            return [], 0, "append is no JSON object"
        if query.get("delimiter", "") not in DELIMITERS:
            return [], 0, f"delimiter {query['delimiter']!r} is not known"
        lines = records(data, DELIMITERS[query.get("delimiter", "")])
        header = query["headers"].split(",") if query.get("headers") else None
        try:
            for number, line in enumerate(lines, 1):
                if header is None and isinstance(line, list):
                    header = line
                    if problem := _header_problem(header, query):
                        return [], 0, problem
                    continue
                problem = _row_problem(line, header, settings)
                if problem and not drops:
                    return taken, rejected, f"line {number}: {problem}"
                if problem:
                    rejected += 1
                else:
                    taken.append({**dict(zip(header or [], line)), **more})
        except BadCsv as error:  # behind it nothing can be told apart
            return taken, rejected, str(error)
        return taken, rejected, ""


def _header_problem(header: list[str], query: dict[str, str]) -> str:
    field = query.get("timestamp_field")
    if len(set(header)) < len(header):
        return "two columns have the same name"
    if field and field not in header:
        return f"timestamp_field {field!r} is no column"
    return ""


def _row_problem(line: Any, header: list[str] | None, settings: Settings) -> str:
    if isinstance(line, str):
        return line
    if len(line) != len(header or []):
        return f"wrong number of fields: {len(line)} in place of {len(header or [])}"
    if sum(len(text.encode()) + 1 for text in line) > settings.lytics_record_bytes:
        return f"the record has more than {settings.lytics_record_bytes} bytes"
    return ""
