"""Who may call, and which part of the API answers."""

import re
import secrets
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from towpath_sandbox.lytics.answers import new, old, refuse_new, refuse_old, unauthorized
from towpath_sandbox.lytics.audiences import Audiences
from towpath_sandbox.lytics.collect import Collect
from towpath_sandbox.lytics.events import Events
from towpath_sandbox.lytics.metrics import Metrics
from towpath_sandbox.settings import Settings
from towpath_sandbox.web import Request, Response

# The API, and with /bulk in front the host that takes large uploads.
PATHS = re.compile(r"(/bulk)?(/v2/.*|/api/(?:account|segment|schema)(?:/.*)?|/collect/.*)")

Route = Callable[["Api", Request, Settings, list[str]], Response]


class Api:
    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._accounts: list[dict[str, Any]] = []
        self._lists: dict[str, list[dict[str, Any]]] = {"jobs": [], "auths": [], "flows": []}
        self.audiences = Audiences()
        self.events = Events()
        self.metrics = Metrics()
        self.collect = Collect()

    @staticmethod
    def has(path: str) -> bool:
        return PATHS.fullmatch(path) is not None

    # -- control -------------------------------------------------------------------------------

    def seed(self, what: dict[str, Any]) -> dict[str, Any]:
        """Puts things there; README.md says which."""
        takes: dict[str, Callable[[Any], None]] = {
            "accounts": self._accounts.extend,
            "segments": self.audiences.seed,
            "fields": self.audiences.seed_fields,
            "streams": self.collect.seed,
            "events": self.events.seed,
            "arriving_events": self.events.arrive,
            "metrics": self.metrics.seed,
            "broken_metric_ids": self.metrics.break_ids,
            **{name: items.extend for name, items in self._lists.items()},
        }
        if unknown := sorted(set(what) - set(takes)):
            raise ValueError(f"nothing is called {unknown[0]!r}; there are {', '.join(sorted(takes))}")
        with self._lock:
            for name, value in what.items():
                takes[name](value)
        return {}

    def taken(self) -> dict[str, Any]:
        """What came by uploads."""
        with self._lock:
            return {"streams": self.collect.streams(), "uploads": self.collect.uploads()}

    def expire(self) -> dict[str, Any]:
        with self._lock:
            self.audiences.expire()
        return {}

    # -- requests ------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        settings = self._settings()
        self._check_token(request, settings)
        fit = PATHS.fullmatch(request.path)
        assert fit
        path = fit[2]
        if fit[1] and not path.startswith("/collect/"):
            raise refuse_old(404, f"the bulk host has no {path}")
        self._check_account(request, settings, path)
        for method, pattern, route in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                with self._lock:
                    return route(self, request, settings, [unquote(part) for part in found.groups()])
        refuse = refuse_new if path.startswith("/v2/") else refuse_old
        raise refuse(404, f"no {request.method} {path}")

    @staticmethod
    def _check_token(request: Request, settings: Settings) -> None:
        token = request.headers.get("authorization", "") or request.query.get("access_token", "")
        if not token:
            raise unauthorized("Not authorized")
        if not secrets.compare_digest(token.encode(), settings.lytics_token.encode()):
            raise unauthorized("Expired Token" if token.startswith("at.") else "Not authorized")

    def _known(self, settings: Settings) -> list[dict[str, Any]]:
        own = {
            "id": settings.lytics_account_id,
            "aid": settings.lytics_aid,
            "name": "Sandbox",
            "timezone": "UTC",
        }
        return [own, *self._accounts]

    def _check_account(self, request: Request, settings: Settings, path: str) -> None:
        wanted = request.query.get("account_id")
        if wanted and not any(
            wanted in (account["id"], str(account["aid"])) for account in self._known(settings)
        ):
            refuse = refuse_new if path.startswith("/v2/") else refuse_old
            raise refuse(403, f"no access to account {wanted}")

    def account(self, request: Request, settings: Settings, parts: list[str]) -> Response:
        known = self._known(settings)
        if not parts or not parts[0]:
            return old(known, settings.lytics_text_status)
        for account in known:
            if parts[0] in (account["id"], str(account["aid"])):
                return old(account, settings.lytics_text_status)
        raise refuse_old(404, f"no account {parts[0]}")

    def named(self, name: str) -> Response:
        return new(self._lists[name])

    def stream(self, request: Request, settings: Settings, parts: list[str]) -> Response:
        streams = self.collect.streams()
        if parts[0] not in streams:
            raise refuse_new(404, f"no stream {parts[0]}", "STREAM-NOTFOUND-014")
        return new({"name": parts[0], "count": len(streams[parts[0]])})

    def upload(self, request: Request, settings: Settings, parts: list[str]) -> Response:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", parts[1]):
            raise refuse_old(400, f"a stream cannot be called {parts[1]!r}")
        is_bulk = request.path.startswith("/bulk/")
        return self.collect.take(parts[1], parts[0], is_bulk, request, settings)


ROUTES: list[tuple[str, str, Route]] = [
    ("GET", r"/api/account/?", Api.account),
    ("GET", r"/api/account/([^/]+)", Api.account),
    ("GET", r"/v2/account", lambda api, request, settings, parts: new(api._known(settings))),
    ("GET", r"/v2/segment", lambda api, request, settings, parts: api.audiences.listed(request.query)),
    ("GET", r"/v2/segment/([^/]+)", lambda api, request, settings, parts: api.audiences.get(parts[0], request.query)),
    ("GET", r"/api/segment/sizes", lambda api, request, settings, parts: api.audiences.sizes(request.query.get("ids", "").split(","))),
    ("GET", r"/api/segment/([^/]+)/size", lambda api, request, settings, parts: api.audiences.sizes(parts)),
    ("GET", r"/api/segment/([^/]+)/scan", lambda api, request, settings, parts: api.audiences.scan(parts[0], request.query, settings)),
    ("GET", r"/v2/schema/user/field", lambda api, request, settings, parts: api.audiences.fields(request.query.get("filter", ""))),
    ("GET", r"/v2/schema/user/fieldnames", lambda api, request, settings, parts: api.audiences.fieldnames()),
    ("GET", r"/v2/schema/user/idconfig", lambda api, request, settings, parts: api.audiences.idconfig()),
    ("GET", r"/api/schema/user", lambda api, request, settings, parts: api.audiences.schema()),
    ("GET", r"/v2/stream/names", lambda api, request, settings, parts: new(api.collect.names())),
    ("GET", r"/v2/stream", lambda api, request, settings, parts: new([{"name": name} for name in api.collect.names()])),
    ("GET", r"/v2/stream/([^/]+)", Api.stream),
    ("GET", r"/v2/job", lambda api, request, settings, parts: api.named("jobs")),
    ("GET", r"/v2/auth", lambda api, request, settings, parts: api.named("auths")),
    ("GET", r"/v2/flow/ui", lambda api, request, settings, parts: api.named("flows")),
    ("GET", r"/v2/event", lambda api, request, settings, parts: api.events.page(request.query, settings)),
    ("GET", r"/v2/event/([^/]+)", lambda api, request, settings, parts: api.events.get(parts[0])),
    ("GET", r"/v2/metric", lambda api, request, settings, parts: api.metrics.answer(request, settings)),
    ("POST", r"/v2/metric", lambda api, request, settings, parts: api.metrics.answer(request, settings)),
    ("POST", r"/collect/(bulk|json)/([^/]+)", Api.upload),
]  # fmt: skip
