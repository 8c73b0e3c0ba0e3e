"""Files API 2.0: files and folders of volumes."""

import base64
import binascii
import os
import shutil
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from towpath_sandbox.databricks import storage
from towpath_sandbox.databricks.catalog import Catalog
from towpath_sandbox.databricks.errors import SqlError, refuse
from towpath_sandbox.databricks.links import ranged
from towpath_sandbox.settings import Settings
from towpath_sandbox.web import Request, Response, json_response

SIZE_LIMIT = 5 << 30
FILES = "/api/2.0/fs/files"
DIRECTORIES = "/api/2.0/fs/directories"


class Files:
    def __init__(self, root: Path, catalog: Catalog, settings: Callable[[], Settings]) -> None:
        self._root = root
        self._catalog = catalog
        self._settings = settings

    def _place(self, request: Request, prefix: str) -> tuple[str, Path]:
        """The path that a request names, and where that is."""
        name = unquote(request.path.removeprefix(prefix)).rstrip("/")
        parts = name.split("/")
        if len(parts) < 5 or parts[1] != "Volumes" or not all(parts[2:]) or {".", ".."} & set(parts):
            raise refuse(
                400,
                "INVALID_PARAMETER_VALUE",
                f"Invalid path {name}: it must be /Volumes/catalog/schema/volume/...",
            )
        try:
            self._catalog.need_volume((parts[2].lower(), parts[3].lower(), parts[4].lower()))
        except SqlError as error:
            raise refuse(404, "NOT_FOUND", error.message) from error
        place = storage.place_of(name, self._root)
        if len(parts) == 5:
            place.path.mkdir(parents=True, exist_ok=True)
        return name, place.path

    # -- files ---------------------------------------------------------------------------------

    def put(self, request: Request) -> Response:
        name, path = self._place(request, FILES)
        overwrite = request.query.get("overwrite", "false")
        if overwrite not in ("true", "false"):
            raise refuse(
                400,
                "INVALID_PARAMETER_VALUE",
                f"overwrite must be true or false, not {overwrite!r}",
            )
        if request.entry.received > SIZE_LIMIT:
            raise refuse(413, "INVALID_PARAMETER_VALUE", f"{name} is larger than {SIZE_LIMIT} bytes")
        if path.is_dir():
            raise refuse(409, "ALREADY_EXISTS", f"{name} is a directory.")
        if path.exists() and overwrite == "false":
            raise refuse(409, "ALREADY_EXISTS", "The file being created already exists.")
        write(path, self._root, request)
        return Response(204)

    def get(self, request: Request) -> Response:
        name, path = self._file(request)
        headers = {
            "Content-Type": "application/octet-stream",
            "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True),
        }
        if request.method == "HEAD":
            return Response(200, b"", {**headers, "Content-Length": str(path.stat().st_size)})
        return ranged(request, path.read_bytes(), {**headers, "Accept-Ranges": "bytes"})

    def delete(self, request: Request) -> Response:
        self._file(request)[1].unlink()
        return Response(204)

    def _file(self, request: Request) -> tuple[str, Path]:
        name, path = self._place(request, FILES)
        if not path.is_file():
            raise refuse(404, "NOT_FOUND", f"The file being accessed is not found: {name}")
        return name, path

    # -- folders -------------------------------------------------------------------------------

    def make_directory(self, request: Request) -> Response:
        name, path = self._place(request, DIRECTORIES)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise refuse(409, "ALREADY_EXISTS", f"{name}, or a part of it, is a file.") from None
        return Response(204)

    def list_directory(self, request: Request) -> Response:
        name, path = self._directory(request)
        if request.method == "HEAD":
            return Response(200)
        entries = sorted(path.iterdir())
        start = _page(request.query.get("page_token", ""))
        limit = self._settings().page_size
        size = min(int(request.query.get("page_size") or limit), limit) or limit
        answer: dict[str, Any] = {"contents": [_entry(name, item) for item in entries[start : start + size]]}
        if start + size < len(entries):
            answer["next_page_token"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        return json_response(answer)

    def delete_directory(self, request: Request) -> Response:
        name, path = self._directory(request)
        if any(path.iterdir()):
            raise refuse(400, "BAD_REQUEST", f"The directory {name} is not empty.")
        path.rmdir()
        return Response(204)

    def _directory(self, request: Request) -> tuple[str, Path]:
        name, path = self._place(request, DIRECTORIES)
        if not path.is_dir():
            raise refuse(404, "NOT_FOUND", f"The directory being accessed is not found: {name}")
        return name, path


def write(path: Path, root: Path, request: Request) -> None:
    """Puts a request's body into a file, all of it or nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise refuse(409, "ALREADY_EXISTS", "A part of the path is a file.") from None
    half = root / f"half-{request.entry.number}"
    try:
        with open(half, "wb") as out:
            if request.body is not None:
                shutil.copyfileobj(request.body, out, 1 << 20)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)


def _page(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except (ValueError, binascii.Error):
        raise refuse(400, "INVALID_PARAMETER_VALUE", "Invalid page token") from None


def _entry(parent: str, path: Path) -> dict[str, Any]:
    status = path.stat()
    entry: dict[str, Any] = {
        "path": f"{parent}/{path.name}",
        "name": path.name,
        "is_directory": path.is_dir(),
        "last_modified": int(status.st_mtime * 1000),
    }
    return entry if path.is_dir() else {**entry, "file_size": status.st_size}
