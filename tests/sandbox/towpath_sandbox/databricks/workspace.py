"""One workspace: what lies behind its paths."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from towpath_sandbox.databricks import login
from towpath_sandbox.databricks.catalog import Catalog, Table
from towpath_sandbox.databricks.engine import Engine
from towpath_sandbox.databricks.errors import refuse
from towpath_sandbox.databricks.files import Files
from towpath_sandbox.databricks.login import Login
from towpath_sandbox.databricks.statements import Statements
from towpath_sandbox.databricks.warehouse import Warehouse
from towpath_sandbox.faults import Faults
from towpath_sandbox.s3 import Buckets
from towpath_sandbox.settings import Settings
from towpath_sandbox.web import Request, Response, json_response

Route = tuple[str, str, Callable[["Workspace", Request, re.Match[str]], Response]]
STATEMENTS = r"/api/2\.0/sql/statements"
FILES = r"/api/2\.0/fs/files/.*"
DIRECTORIES = r"/api/2\.0/fs/directories/.*"
WAREHOUSES = r"/api/2\.0/sql/warehouses"


class Workspace:
    """A fresh one has no tables and no files."""

    def __init__(
        self, settings: Settings, root: Path, faults: Faults, bases: Callable[[], tuple[str, str]]
    ) -> None:
        self.settings = settings
        self.root = root
        self.buckets = Buckets(root, lambda: self.settings)
        self.faults = faults
        self._bases = bases
        self.catalog = Catalog(settings.strict_names)
        self.engine = Engine(self.catalog)
        self.warehouse = Warehouse(settings)
        self.login = Login()
        self.statements = Statements(
            self.engine,
            self.warehouse,
            faults,
            lambda: self.settings,
            lambda: self._bases()[1],
            root,
        )
        self.files = Files(root, self.catalog, lambda: self.settings)
        root.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return self._bases()[0]

    def change(self, settings: Settings) -> None:
        if settings.warehouse_state != self.settings.warehouse_state:
            self.warehouse = Warehouse(settings)
            self.statements.warehouse = self.warehouse
        self.settings = settings
        self.catalog.strict = settings.strict_names

    def close(self) -> None:
        self.statements.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def handle(self, request: Request) -> Response:
        if request.path.startswith("/api/"):
            self.login.check(request, self.settings)
        if request.path.startswith("/s3/"):
            return self.buckets.handle(request)
        for method, pattern, function in ROUTES:
            match = re.fullmatch(pattern, request.path)
            if match and method == request.method:
                return function(self, request, match)
        raise refuse(404, "ENDPOINT_NOT_FOUND", f"No API found for '{request.method} {request.path}'")

    def _warehouse(self, warehouse_id: str) -> Warehouse:
        self.statements.need_warehouse(warehouse_id)
        return self.warehouse

    def show_warehouse(self, warehouse_id: str) -> Response:
        warehouse = self._warehouse(warehouse_id)
        answer = warehouse.describe(self.settings)
        warehouse.poll(self.settings)
        return json_response(answer)

    def start_warehouse(self, warehouse_id: str) -> Response:
        self._warehouse(warehouse_id).start(self.settings)
        return json_response({})

    def stop_warehouse(self, warehouse_id: str) -> Response:
        self._warehouse(warehouse_id).stop()
        return json_response({})

    def show_table(self, name: str) -> Response:
        from towpath_sandbox.zerobus.columns import describe

        parts = unquote(name).split(".")
        found = self.catalog.find((parts[0], parts[1], parts[2])) if len(parts) == 3 else None
        if not isinstance(found, Table):
            raise refuse(404, "TABLE_DOES_NOT_EXIST", f"Table '{unquote(name)}' does not exist.")
        return json_response(describe(found))

    def list_warehouses(self) -> Response:
        return json_response({"warehouses": [self.warehouse.describe(self.settings)]})


ROUTES: list[Route] = [
    ("POST", STATEMENTS + "/?", lambda w, r, m: w.statements.submit(r)),
    ("GET", STATEMENTS + "/([^/]+)", lambda w, r, m: w.statements.get(m[1])),
    ("DELETE", STATEMENTS + "/([^/]+)", lambda w, r, m: w.statements.close_one(m[1])),
    ("POST", STATEMENTS + "/([^/]+)/cancel", lambda w, r, m: w.statements.cancel(m[1])),
    (
        "GET",
        STATEMENTS + r"/([^/]+)/result/chunks/(\d+)",
        lambda w, r, m: w.statements.chunk(m[1], int(m[2])),
    ),
    ("GET", WAREHOUSES + "/?", lambda w, r, m: w.list_warehouses()),
    ("GET", WAREHOUSES + "/([^/]+)", lambda w, r, m: w.show_warehouse(m[1])),
    ("POST", WAREHOUSES + "/([^/]+)/start", lambda w, r, m: w.start_warehouse(m[1])),
    ("POST", WAREHOUSES + "/([^/]+)/stop", lambda w, r, m: w.stop_warehouse(m[1])),
    ("GET", r"/api/2\.1/unity-catalog/tables/([^/]+)", lambda w, r, m: w.show_table(m[1])),
    ("PUT", FILES, lambda w, r, m: w.files.put(r)),
    ("GET", FILES, lambda w, r, m: w.files.get(r)),
    ("HEAD", FILES, lambda w, r, m: w.files.get(r)),
    ("DELETE", FILES, lambda w, r, m: w.files.delete(r)),
    ("PUT", DIRECTORIES, lambda w, r, m: w.files.make_directory(r)),
    ("GET", DIRECTORIES, lambda w, r, m: w.files.list_directory(r)),
    ("HEAD", DIRECTORIES, lambda w, r, m: w.files.list_directory(r)),
    ("DELETE", DIRECTORIES, lambda w, r, m: w.files.delete_directory(r)),
    ("GET", r"/storage/.*", lambda w, r, m: w.statements.links.get(r)),
    ("GET", r"/\.well-known/databricks-config", lambda w, r, m: login.host_metadata(w.url)),
    ("POST", r"/oidc/v1/token", lambda w, r, m: w.login.token(r, w.settings)),
    (
        "GET",
        r"/oidc/\.well-known/(oauth-authorization-server|openid-configuration)",
        lambda w, r, m: login.discovery(w.url),
    ),
]
