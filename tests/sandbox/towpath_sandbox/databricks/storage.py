"""Where files lie: volumes, buckets and local folders behind the addresses that SQL has for them."""

import bz2
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa

from towpath_sandbox.databricks.errors import SqlError

S3_SCHEMES = ("s3", "s3a", "s3n")
CREDENTIAL_SCHEMES = (*S3_SCHEMES, "wasbs", "abfss")


class CorruptFile(Exception):
    """A file whose compression is broken."""


@dataclass(frozen=True)
class File:
    name: str  # its whole address: what load history knows it by
    path: Path

    @property
    def modified(self) -> datetime:
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)

    def read(self) -> bytes:
        """The content, decompressed by the name's extension alone."""
        data = self.path.read_bytes()
        try:
            if self.name.endswith(".gz"):
                return gzip.decompress(data)
            if self.name.endswith(".bz2"):
                return bz2.decompress(data)
            if self.name.endswith(".deflate"):
                return zlib.decompress(data)
            if self.name.endswith((".zst", ".zstd")):
                return bytes(pa.input_stream(pa.py_buffer(data), compression="zstd").read())
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise CorruptFile(f"{self.name}: {error}") from error
        if re.search(r"\.(snappy|lz4|xz)\Z", self.name):
            raise SqlError("UNSUPPORTED_FEATURE", f"the compression of {self.name} in the sandbox")
        return data


@dataclass(frozen=True)
class Place:
    """A file or folder by its address."""

    scheme: str  # "": a volume
    name: str  # normalised address, without a slash at its end
    path: Path

    def file(self, relative: str) -> File:
        return File(f"{self.name}/{relative}", self.path / relative)

    def files(self, deep: bool) -> Iterator[tuple[str, File]]:
        """Visible files and their names below this place, in order; the place itself where it is one."""
        if self.path.is_file():
            if not is_hidden(self.path.name):
                yield self.path.name, File(self.name, self.path)
            return
        found = self.path.rglob("*") if deep else self.path.glob("*")
        for path in sorted(found):
            relative = path.relative_to(self.path).as_posix()
            if path.is_file() and not is_hidden(relative):
                yield relative, self.file(relative)


def is_hidden(relative: str) -> bool:
    """Whether Spark overlooks a name: a segment of it begins with _ or a dot."""
    return any(part.startswith(("_", ".")) for part in relative.split("/"))


def place_of(uri: str, root: Path) -> Place:
    """What an address in SQL means; `root` holds Volumes/ and s3/."""
    scheme, mark, rest = uri.partition(":")
    if not mark:
        scheme, rest = "", uri
    scheme = scheme.lower()
    if scheme in ("", "dbfs"):
        rest = "/" + rest.strip("/")
        _check(rest, uri)
        if not rest.startswith("/Volumes/") or rest.count("/") < 4:
            raise SqlError("PATH_NOT_FOUND", uri)
        return Place("", rest, root / _volume_path(rest))
    if scheme in S3_SCHEMES:
        key = rest.strip("/")
        _check(key, uri)
        return Place(scheme, f"s3://{key}", root / "s3" / key)
    if scheme == "file":
        path = "/" + unquote(rest).strip("/")
        return Place(scheme, f"file:{path}", Path(path))
    raise SqlError("UNSUPPORTED_FEATURE", f"the scheme of {uri} in the sandbox")


def _volume_path(path: str) -> str:
    """/Volumes/Cat/Sch/Vol/rest below the root: names of the catalog's are in lower case."""
    parts = path.strip("/").split("/")
    return "/".join([parts[0], *[part.lower() for part in parts[1:4]], *parts[4:]])


def _check(path: str, uri: str) -> None:
    if ".." in path.split("/") or "\0" in path:
        raise SqlError("PATH_NOT_FOUND", uri)
