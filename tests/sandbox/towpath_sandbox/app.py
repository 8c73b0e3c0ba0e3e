"""The process: its servers, the log, the control endpoint /_sandbox/, and resets."""

import contextlib
import itertools
import json
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from towpath_sandbox.databricks.errors import refuse
from towpath_sandbox.databricks.workspace import Workspace
from towpath_sandbox.faults import BadRule, Faults, Rule
from towpath_sandbox.lytics.api import Api as LyticsApi
from towpath_sandbox.settings import BadSetting, Settings, changed
from towpath_sandbox.ttd.api import Api as TtdApi
from towpath_sandbox.zerobus.service import Service as Zerobus
from towpath_sandbox.web import Entry, HttpError, Request, Response, Server, json_response

SPOOL_MEMORY = 1 << 20  # of a request's body; more of it goes to disk
SECRET = re.compile(r"((?:Signature|Credential|token|key)=)[^&]*", re.IGNORECASE)


class Sandbox:
    """Implements web.App."""

    def __init__(self, settings: Settings) -> None:
        self._start = settings
        self._temporary = None if settings.root else tempfile.mkdtemp(prefix="towpath-sandbox-")
        self.root = Path(self._temporary or settings.root).resolve()
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._log: list[Entry] = []
        self.hooks: Faults = Faults()
        self.servers = [Server(settings.port, self), Server(settings.storage_port, self)]
        self.workspace = self._workspace(0)
        self.ttd = self._ttd()
        self.lytics = self._lytics()
        self.zerobus = Zerobus(lambda: self.workspace, self.root)

    def _workspace(self, number: int) -> Workspace:
        return Workspace(self._start, self.root / str(number), self.hooks, self._bases)

    def _ttd(self) -> TtdApi:
        return TtdApi(lambda: self.workspace.settings)

    def _lytics(self) -> LyticsApi:
        return LyticsApi(lambda: self.workspace.settings)

    def _bases(self) -> tuple[str, str]:
        return self.servers[0].url, self.servers[1].url

    def start(self) -> None:
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        self.zerobus.start()

    def close(self) -> None:
        self.hooks.close()
        self.zerobus.close()
        self.workspace.close()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def describe(self) -> dict[str, Any]:
        """What a client needs to know; the first line of the output."""
        settings = self._start
        return {
            "url": self.servers[0].url,
            "storage_url": self.servers[1].url,
            "token": settings.token,
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "warehouse_id": settings.warehouse_id,
            "s3_endpoint": self.servers[0].url + "/s3",
            "access_key": settings.access_key,
            "secret_key": settings.secret_key,
            "session_token": settings.session_token,
            "region": settings.region,
            "folder": str(self.workspace.root),
            "ttd_token": settings.ttd_token,
            "lytics_url": self.servers[0].url,
            "lytics_bulk_url": self.servers[0].url + "/bulk",
            "lytics_token": settings.lytics_token,
            "zerobus_url": self.zerobus.url,
            "zerobus_tls_url": self.zerobus.tls_url,
            "zerobus_ca": self.zerobus.ca_file,
        }

    # -- web.App -------------------------------------------------------------------------------

    def begin(self, method: str, path: str, query: str, headers: dict[str, str]) -> Entry:
        entry = Entry(
            number=next(self._numbers),
            method=method,
            path=path,
            query=SECRET.sub(r"\1...", query),
            authorization="authorization" in headers,
            range=headers.get("range", ""),
            headers=sorted(headers),
            started=time.monotonic(),
        )
        if not path.startswith("/_sandbox/"):
            with self._lock:
                self._log.append(entry)
        return entry

    def spool(self) -> IO[bytes]:
        return tempfile.SpooledTemporaryFile(max_size=SPOOL_MEMORY, dir=str(self.root))

    def received(self, request: Request) -> None:
        """Notes the statement of a request, so that rules can look at it."""
        if request.method != "POST" or not re.fullmatch(r"/api/2\.0/sql/statements/?", request.path):
            return
        with contextlib.suppress(ValueError, AttributeError):
            request.entry.sql = json.loads(request.peek()).get("statement")

    def handle(self, request: Request) -> Response:
        if request.path.startswith("/_sandbox/"):
            return self._control(request)
        if self.ttd.has(request.path):
            return self.ttd.handle(request)
        if self.lytics.has(request.path):
            return self.lytics.handle(request)
        return self.workspace.handle(request)

    # -- control -------------------------------------------------------------------------------

    def _control(self, request: Request) -> Response:
        function = CONTROLS.get((request.method, request.path.removeprefix("/_sandbox/")))
        if function is None:
            raise refuse(
                404,
                "ENDPOINT_NOT_FOUND",
                f"no {request.method} {request.path}; there are {sorted(CONTROLS)}",
            )
        try:
            return json_response(function(self, request))
        except (BadRule, BadSetting, ValueError) as error:
            raise HttpError(json_response({"error": str(error)}, 400)) from error

    def reset(self, request: Request) -> dict[str, Any]:
        """Forgets everything: tables, files, tokens, rules, log; settings are those of the start."""
        old, hooks = self.workspace, self.hooks
        with self._lock:
            number = next(self._numbers)
            self._log = []
            self.hooks = Faults()
            self.workspace = self._workspace(number)
            self.ttd = self._ttd()
            self.lytics = self._lytics()
        hooks.close()
        old.close()
        return {}

    def change(self, request: Request) -> dict[str, Any]:
        self.workspace.change(changed(self.workspace.settings, json.loads(request.read())))
        return asdict(self.workspace.settings)

    def log(self, request: Request) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(entry) for entry in self._log]

    def rules(self, request: Request) -> list[dict[str, Any]]:
        return [{**asdict(rule), "seen": rule.seen, "done": rule.done} for rule in self.hooks.rules()]

    def set_rules(self, request: Request) -> dict[str, Any]:
        """Instead of those before; with ?add=1 beside them."""
        value = json.loads(request.read())
        if not isinstance(value, list):
            raise BadRule("faults are a list of rules")
        rules = [Rule.of(item) for item in value]
        (self.hooks.add if request.query.get("add") else self.hooks.set)(rules)
        return {}

    def holds(self, request: Request) -> list[dict[str, Any]]:
        """What is held; with ?seconds=N waits so long for something to be."""
        held = self.hooks.wait_held(request.query.get("name"), float(request.query.get("seconds", 0)))
        return [{"name": item.name, "point": item.point, "what": item.what} for item in held]

    def release(self, request: Request) -> dict[str, Any]:
        name = json.loads(request.read() or b"{}").get("name")
        return {"released": self.hooks.release(name)}


Control = Callable[[Sandbox, Request], Any]

CONTROLS: dict[tuple[str, str], Control] = {
    ("POST", "reset"): Sandbox.reset,
    ("POST", "settings"): Sandbox.change,
    ("GET", "settings"): lambda app, request: asdict(app.workspace.settings),
    ("GET", "log"): Sandbox.log,
    ("GET", "statements"): lambda app, request: app.workspace.statements.texts(),
    ("GET", "faults"): Sandbox.rules,
    ("POST", "faults"): Sandbox.set_rules,
    ("GET", "holds"): Sandbox.holds,
    ("POST", "release"): Sandbox.release,
    ("POST", "expire_tokens"): lambda app, request: app.workspace.login.expire(),
    ("GET", "ttd"): lambda app, request: app.ttd.taken(),
    ("GET", "lytics"): lambda app, request: app.lytics.taken(),
    ("POST", "lytics"): lambda app, request: app.lytics.seed(json.loads(request.read())),
    ("POST", "expire_cursors"): lambda app, request: app.lytics.expire(),
    ("GET", "about"): lambda app, request: app.describe(),
}
