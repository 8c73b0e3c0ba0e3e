"""Which function runs which statement."""

from sqlglot import exp

from towpath_sandbox.databricks import copy_into, ddl, dml, show
from towpath_sandbox.databricks.engine import Command, TreeCommand

# By the first words; the first that fits. All else is parsed.
COMMANDS: list[tuple[str, Command]] = [
    (r"COPY\s+INTO\s", copy_into.copy_into),
    (r"DESC(RIBE)?\s+HISTORY\s", show.history),
    (r"DESC(RIBE)?\s", show.describe),
    (r"SHOW\s+CATALOGS\b", show.show_catalogs),
    (r"SHOW\s+(SCHEMAS|DATABASES)\b", show.show_schemas),
    (r"SHOW\s+TABLES\b", show.show_tables),
    (r"SHOW\s+VOLUMES\b", show.show_volumes),
    (r"SHOW\s+CREATE\s+TABLE\b", show.show_create),
    (r"SHOW\s+COLUMNS\b", show.show_columns),
    (r"SHOW\s+TBLPROPERTIES\b", show.show_properties),
    (r"(CREATE|DROP)\s+(EXTERNAL\s+)?(VOLUME|CATALOG)\s", ddl.volume_or_catalog),
    (r"(USE|SET|OPTIMIZE|VACUUM|ANALYZE|GRANT|REVOKE)\s", show.nothing),
]

# These call the session's gate themselves, once they know what they work on.
GATED: tuple[Command, ...] = (copy_into.copy_into,)

TREES: list[tuple[type[exp.Expr], TreeCommand]] = [
    (exp.Create, ddl.create),
    (exp.Alter, ddl.alter),
    (exp.Drop, ddl.drop),
    (exp.Insert, dml.insert),
    (exp.Update, dml.update),
    (exp.Delete, dml.delete),
    (exp.Merge, dml.merge),
    (exp.TruncateTable, dml.truncate),
]
