"""Envelopes and refusals of both versions of the API."""

import secrets
from datetime import datetime, timezone
from typing import Any

from towpath_sandbox.web import HttpError, Response, json_response

CODES = {400: "BADREQ-001", 403: "FORBIDDEN-026", 404: "NOTFOUND-003", 500: "INTERNAL-019"}


def old(data: Any, text_status: bool = False, **members: Any) -> Response:
    """A success of version 1; old answers have a text for a status."""
    status = "success" if text_status else 200
    return json_response({"data": data, "status": status, "message": "success", **members})


def new(data: Any, **members: Any) -> Response:
    """A success of version 2."""
    return json_response({"data": data, "status": 200, "request_id": secrets.token_hex(8), **members})


def refuse_old(status: int, message: str) -> HttpError:
    return HttpError(json_response({"data": None, "status": status, "message": message}, status))


def refuse_new(status: int, message: str, code: str = "") -> HttpError:
    error = {
        "code": code or CODES.get(status, "UNKNOWN-000"),
        "message": message,
        "level": "error",
        "timestamp": datetime.now(timezone.utc).isoformat().replace("+00:00", "Z"),
    }
    body = {"status": status, "errors": [error], "request_id": secrets.token_hex(8)}
    return HttpError(json_response(body, status))


def unauthorized(message: str) -> HttpError:
    """401 has the shape of version 1 everywhere."""
    return HttpError(json_response({"message": message, "status": 401}, 401))


def not_found() -> Response:
    """What version 1 says, with a 200, of a thing that there is not."""
    return json_response({"data": None, "status": 200, "message": "Not Found"})
