"""External links: addresses in storage that need no login, and end."""

import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from towpath_sandbox.settings import Settings
from towpath_sandbox.web import HttpError, Request, Response, xml_error

KEY_HEADER = "x-sandbox-key"


@dataclass
class Link:
    body: bytes
    ends: float
    uses: int | None
    headers: dict[str, str]  # that a request must have


class Links:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[str, Link] = {}

    def make(self, path: str, body: bytes, base: str, settings: Settings) -> dict[str, Any]:
        """A new link to these bytes, as an answer has it. Each is another."""
        signature, seconds = secrets.token_hex(16), settings.link_seconds
        headers = {KEY_HEADER: secrets.token_hex(8)} if settings.link_headers else {}
        with self._lock:
            ends_at = time.monotonic() + seconds
            self._links[signature] = Link(body, ends_at, settings.link_uses or None, headers)
        ends = datetime.now(UTC) + timedelta(seconds=seconds)
        shown = ends.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        query = f"X-Amz-Expires={int(seconds)}&X-Amz-Signature={signature}"
        url = f"{settings.link_url or base}/storage/{path}?{query}"
        return {"external_link": url, "expiration": shown, "http_headers": headers}

    def forget(self, bodies: list[bytes]) -> None:
        """What is behind these links is gone."""
        gone = {id(body) for body in bodies}
        with self._lock:
            self._links = {key: link for key, link in self._links.items() if id(link.body) not in gone}

    def get(self, request: Request) -> Response:
        if "authorization" in request.headers:
            raise xml_error(400, "InvalidArgument", "Only one auth mechanism allowed")
        with self._lock:
            link = self._links.get(request.query.get("X-Amz-Signature", ""))
            if link is None:
                raise xml_error(404, "NoSuchKey", "The specified key does not exist.")
            if time.monotonic() >= link.ends or link.uses == 0:
                raise xml_error(403, "AccessDenied", "Request has expired")
            if any(request.headers.get(name) != value for name, value in link.headers.items()):
                raise xml_error(403, "AccessDenied", "A header that was signed did not come")
            if link.uses is not None:
                link.uses -= 1
        headers = {"Content-Type": "binary/octet-stream", "Accept-Ranges": "bytes"}
        return ranged(request, link.body, headers)


def ranged(request: Request, body: bytes, headers: dict[str, str]) -> Response:
    """The bytes that the request wants: all, or one range."""
    wanted = request.headers.get("range", "")
    if not wanted.startswith("bytes=") or "," in wanted:
        return Response(200, body, headers)
    first, _, last = wanted[6:].partition("-")
    size = len(body)
    try:
        start = int(first) if first else max(0, size - int(last))
        end = min(size - 1, int(last)) if first and last else size - 1
    except ValueError:
        return Response(200, body, headers)
    if start >= size or start > end:
        raise HttpError(Response(416, b"", {"Content-Range": f"bytes */{size}"}))
    headers = {**headers, "Content-Range": f"bytes {start}-{end}/{size}"}
    return Response(206, memoryview(body)[start : end + 1], headers)
