"""Unity Catalog's part: catalogs, schemas, volumes, and Delta tables with their versions.

A version of a table is a table of DuckDB's and a number of rows in it. Appends add rows behind
those of earlier versions; all else writes a new table. So each version stays readable, exactly.
"""

import itertools
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlglot import exp

from towpath_sandbox.databricks.errors import SqlError
from towpath_sandbox.databricks.types import SqlType

Name = tuple[str, str, str]


@dataclass(frozen=True)
class Column:
    name: str
    type: SqlType
    nullable: bool = True
    comment: str = ""


@dataclass(frozen=True)
class Version:
    number: int
    operation: str
    columns: tuple[Column, ...]
    storage: str  # DuckDB's table; "": none yet
    rows: int  # its row ids below this belong to the version
    parameters: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, str] = field(default_factory=dict)
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Table:
    name: Name
    comment: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)  # files that COPY INTO has loaded: by path alone
    loading: set[str] = field(default_factory=set)  # files of COPY INTOs that run
    id: int = field(default_factory=itertools.count(1).__next__)

    @property
    def now(self) -> Version:
        return self.versions[-1]

    def version(self, number: int) -> Version:
        for version in self.versions:
            if version.number == number:
                return version
        raise SqlError("DELTA_VERSION_NOT_FOUND", number, f"0, {self.now.number}")

    def column(self, name: str) -> Column | None:
        return next((column for column in self.now.columns if column.name.lower() == name.lower()), None)

    @property
    def is_schemaless(self) -> bool:
        return not self.now.columns


@dataclass
class View:
    name: Name
    query: exp.Expr
    text: str
    catalog: str  # of the names in it
    schema: str


Relation = Table | View


def shown(name: Sequence[str]) -> str:
    """A name as messages and listings have it."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in name)


def check_name(name: str) -> None:
    """A name that Unity Catalog takes for a new catalog, schema, table, view or volume."""
    if not name or len(name) > 255 or re.search(r"[. /\x00-\x1f\x7f]", name):
        raise SqlError("INVALID_SCHEMA_OR_RELATION_NAME", f"`{name}`")


def check_columns(columns: Sequence[Column], properties: dict[str, str]) -> None:
    seen = set()
    for column in columns:
        if column.name.lower() in seen:
            raise SqlError("COLUMN_ALREADY_EXISTS", f"`{column.name.lower()}`")
        seen.add(column.name.lower())
        if set(column.name) & set(" ,;{}()\n\t=") and properties.get("delta.columnMapping.mode") != "name":
            raise SqlError("DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES", column.name)


class Catalog:
    """All names of a workspace. Anything here may be called from any thread."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.lock = threading.RLock()
        self._schemas: dict[str, set[str]] = {"main": {"default"}, "system": {"information_schema"}}
        self._relations: dict[Name, Relation] = {}
        self._volumes: set[Name] = set()

    def catalogs(self) -> list[str]:
        return sorted(self._schemas)

    def schemas(self, catalog: str) -> list[str]:
        self.need_catalog(catalog)
        return sorted(self._schemas[catalog])

    def relations(self, catalog: str, schema: str) -> list[Relation]:
        self.need_schema(catalog, schema)
        with self.lock:
            return [
                self._relations[name] for name in sorted(self._relations) if name[:2] == (catalog, schema)
            ]

    def volumes(self, catalog: str, schema: str) -> list[str]:
        self.need_schema(catalog, schema)
        return sorted(name[2] for name in self._volumes if name[:2] == (catalog, schema))

    def need_catalog(self, catalog: str) -> None:
        if catalog not in self._schemas:
            if self.strict:
                raise SqlError("NO_SUCH_CATALOG_EXCEPTION", catalog)
            self._schemas[catalog] = {"default"}

    def need_schema(self, catalog: str, schema: str) -> None:
        self.need_catalog(catalog)
        if schema not in self._schemas[catalog]:
            if self.strict:
                raise SqlError("SCHEMA_NOT_FOUND", shown((catalog, schema)))
            self._schemas[catalog].add(schema)

    def need_volume(self, name: Name) -> None:
        self.need_schema(*name[:2])
        if name not in self._volumes:
            if self.strict:
                raise SqlError("VOLUME_DOES_NOT_EXIST", ".".join(name))
            self._volumes.add(name)

    def add_catalog(self, catalog: str) -> None:
        self._schemas.setdefault(catalog, {"default"})

    def add_schema(self, catalog: str, schema: str, if_absent: bool) -> None:
        check_name(schema)
        self.need_catalog(catalog)
        if schema in self._schemas[catalog] and not if_absent:
            raise SqlError("SCHEMA_ALREADY_EXISTS", shown((catalog, schema)))
        self._schemas[catalog].add(schema)

    def drop_schema(self, catalog: str, schema: str, if_exists: bool, cascade: bool) -> list[Relation]:
        """What was in it."""
        if catalog not in self._schemas or schema not in self._schemas[catalog]:
            if if_exists:
                return []
            raise SqlError("SCHEMA_NOT_FOUND", shown((catalog, schema)))
        with self.lock:
            inside = self.relations(catalog, schema)
            if inside and not cascade:
                raise SqlError("SCHEMA_NOT_EMPTY", shown((catalog, schema)))
            for relation in inside:
                del self._relations[relation.name]
            self._schemas[catalog].discard(schema)
            return inside

    def add_volume(self, name: Name, if_absent: bool) -> None:
        check_name(name[2])
        self.need_schema(*name[:2])
        if name in self._volumes and not if_absent:
            raise SqlError("VOLUME_ALREADY_EXISTS", shown(name))
        self._volumes.add(name)

    def drop_volume(self, name: Name, if_exists: bool) -> None:
        if name not in self._volumes and not if_exists:
            raise SqlError("VOLUME_DOES_NOT_EXIST", ".".join(name))
        self._volumes.discard(name)

    def find(self, name: Name) -> Relation | None:
        return self._relations.get(name)

    def relation(self, name: Name) -> Relation:
        found = self.find(name)
        if found is None:
            raise SqlError("TABLE_OR_VIEW_NOT_FOUND", shown(name))
        return found

    def table(self, name: Name) -> Table:
        found = self.relation(name)
        if isinstance(found, View):
            raise SqlError("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", "the statement", shown(name))
        return found

    def put(self, relation: Relation) -> None:
        check_name(relation.name[2])
        self.need_schema(*relation.name[:2])
        self._relations[relation.name] = relation

    def drop(self, name: Name) -> None:
        self._relations.pop(name, None)
