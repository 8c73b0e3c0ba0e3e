"""The endpoints: who may call, what a request must be, and what is said of its items."""

import gzip
import json
import secrets
import threading
import zlib
from collections.abc import Callable
from typing import Any

from towpath_sandbox.settings import Settings
from towpath_sandbox.ttd.items import problem
from towpath_sandbox.ttd.schema import ENDPOINTS, Endpoint, text
from towpath_sandbox.web import HttpError, Request, Response, json_response

KEPT_MAX = 1_000_000  # items that are kept to be looked at


def _plain(status: int, message: str) -> HttpError:
    return HttpError(Response(status, message.encode(), {"Content-Type": "text/plain; charset=utf-8"}))


class Api:
    """Keeps what it took: each item in the order in which it came, with the error code or None."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._requests = 0
        self._items: list[dict[str, Any]] = []

    @staticmethod
    def has(path: str) -> bool:
        return path in ENDPOINTS

    def taken(self) -> dict[str, Any]:
        with self._lock:
            return {"requests": self._requests, "items": list(self._items)}

    def handle(self, request: Request) -> Response:
        endpoint = ENDPOINTS[request.path]
        if request.method != "POST":
            raise _plain(405, "The requested resource does not support this method.")
        self._check_token(request)
        body = self._body(request, endpoint)
        return json_response({"FailedLines": self._take(body, endpoint) or None})

    def _check_token(self, request: Request) -> None:
        settings = self._settings()
        token = request.headers.get("ttd-auth", "")
        if not secrets.compare_digest(token.encode(), settings.ttd_token.encode()):
            raise HttpError(json_response("Unauthorized", 401))
        if not settings.ttd_allowed:
            raise HttpError(json_response("Forbidden", 403))

    def _body(self, request: Request, endpoint: Endpoint) -> dict[str, Any]:
        settings = self._settings()
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise _plain(415, "The content type must be application/json.")
        data = request.read()
        if request.headers.get("content-encoding") == "gzip":
            try:
                data = gzip.decompress(data)
            except (OSError, EOFError, zlib.error):
                raise _plain(400, "The body is no gzip.") from None
        if len(data) > settings.ttd_max_bytes:
            raise _plain(
                413, f"The request has {len(data)} bytes; at most {settings.ttd_max_bytes} are taken."
            )
        try:
            body = json.loads(data)
        except ValueError:
            raise _plain(400, "The body is no JSON.") from None
        self._check_body(body, endpoint)
        return body

    @staticmethod
    def _check_body(body: Any, endpoint: Endpoint) -> None:
        members = {**endpoint.required, **endpoint.optional, "DataLoadTraceId": text}
        if not isinstance(body, dict):
            raise _plain(400, "The body must be an object.")
        for name, value in body.items():
            if name != "Items" and name not in members:
                raise _plain(400, f"There is no member {name}.")
            if name != "Items" and not (
                members[name](value) or (value is None and name not in endpoint.required)
            ):
                raise _plain(400, f"{name} has a value that it cannot have.")
        for name in endpoint.required:
            if not body.get(name):  # 0 is no merchant, "" no advertiser
                raise _plain(400, f"{name} is required.")
        if not isinstance(body.get("Items"), list) or not body["Items"]:
            raise _plain(400, "Items attribute must be a non-empty list.")

    def _take(self, body: dict[str, Any], endpoint: Endpoint) -> list[dict[str, Any]]:
        failed, kept = [], []
        for number, item in enumerate(body["Items"], 1):
            found = problem(item, endpoint)
            kept.append({"endpoint": endpoint.name, "item": item, "error_code": found and found[0]})
            if found:
                failed.append(self._line(number, item, found, endpoint))
        with self._lock:
            self._requests += 1
            self._items += kept[: max(0, KEPT_MAX - len(self._items))]
        return failed

    @staticmethod
    def _line(number: int, item: Any, found: tuple[str, str], endpoint: Endpoint) -> dict[str, Any]:
        code, reason = found
        line = {"ErrorCode": code, "Message": f"{reason}, item #{number}", "ItemNumber": str(number)}
        if endpoint.data is not None or endpoint.is_deletion:
            line["DataNumber"] = "1"
        return line
