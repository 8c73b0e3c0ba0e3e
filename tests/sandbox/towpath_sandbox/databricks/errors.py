"""What a workspace says when it refuses: HTTP errors, and error classes of SQL."""

from typing import Any

from towpath_sandbox.web import HttpError, json_response

# SQLSTATE and message of the classes that the sandbox raises itself, or is asked to by a fault.
CLASSES: dict[str, tuple[str, str]] = {
    "TABLE_OR_VIEW_NOT_FOUND": (
        "42P01",
        "The table or view {0} cannot be found. "
        "Verify the spelling and correctness of the schema and catalog.",
    ),
    "TABLE_OR_VIEW_ALREADY_EXISTS": (
        "42P07",
        "Cannot create table or view {0} because it already exists.",
    ),
    "SCHEMA_NOT_FOUND": ("42704", "The schema {0} cannot be found."),
    "SCHEMA_ALREADY_EXISTS": ("42P06", "Cannot create schema {0} because it already exists."),
    "SCHEMA_NOT_EMPTY": ("2BP01", "Cannot drop a schema {0} because it contains objects."),
    "NO_SUCH_CATALOG_EXCEPTION": ("42704", "Catalog '{0}' was not found."),
    "VOLUME_DOES_NOT_EXIST": ("42704", "Volume '{0}' does not exist."),
    "VOLUME_ALREADY_EXISTS": ("42000", "Cannot create volume {0} because it already exists."),
    "INVALID_SCHEMA_OR_RELATION_NAME": ("42602", "{0} is not a valid name for tables/schemas."),
    "PARSE_SYNTAX_ERROR": ("42601", "Syntax error at or near {0}."),
    "UNRESOLVED_COLUMN.WITH_SUGGESTION": (
        "42703",
        "A column, variable, or function parameter with name {0} cannot be resolved. "
        "Did you mean one of the following? [{1}].",
    ),
    "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION": (
        "42703",
        "A column, variable, or function parameter with name {0} cannot be resolved.",
    ),
    "UNRESOLVED_ROUTINE": ("42883", "Cannot resolve routine {0} on search path."),
    "UNBOUND_SQL_PARAMETER": ("42P02", "Found the unbound parameter: {0}."),
    "DATATYPE_MISMATCH": ("42K09", "Cannot resolve {0} due to data type mismatch."),
    "CAST_INVALID_INPUT": (
        "22018",
        "The value {0} of the type {1} cannot be cast to {2} because it is malformed. "
        "Correct the value as per the syntax, or change its target type.",
    ),
    "CAST_OVERFLOW": ("22003", "The value {0} cannot be cast to {1} due to an overflow."),
    "ARITHMETIC_OVERFLOW": ("22003", "{0}"),
    "NUMERIC_VALUE_OUT_OF_RANGE": ("22003", "{0}"),
    "DIVIDE_BY_ZERO": ("22012", "Division by zero."),
    "FIELD_ALREADY_EXISTS": ("42710", "Cannot add column, because {0} already exists."),
    "FIELDS_ALREADY_EXISTS": ("42710", "Cannot add column, because {0} already exists."),
    "COLUMN_ALREADY_EXISTS": ("42711", "The column {0} already exists."),
    "DELTA_DUPLICATE_COLUMNS_FOUND": (
        "42711",
        "Found duplicate column(s) in the data to save: {0}",
    ),
    "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES": (
        "42K05",
        "Found invalid character(s) among ' ,;{{}}()\\n\\t=' in the column names of your schema: {0}.",
    ),
    "DELTA_NOT_NULL_CONSTRAINT_VIOLATED": (
        "23502",
        "NOT NULL constraint violated for column: {0}.",
    ),
    "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE": (
        "21506",
        "Cannot perform Merge as multiple source rows matched and attempted to modify the same target row "
        "in the Delta table in possibly conflicting ways.",
    ),
    "DELTA_UNSUPPORTED_DROP_COLUMN": (
        "0AKDC",
        "DROP COLUMN is not supported for your Delta table: {0}",
    ),
    "DELTA_UNSUPPORTED_RENAME_COLUMN": (
        "0AKDC",
        "Column rename is not supported for your Delta table: {0}",
    ),
    "DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP": (
        "42837",
        "ALTER TABLE CHANGE COLUMN is not supported for changing column {0}.",
    ),
    "DELTA_VERSION_NOT_FOUND": (
        "22003",
        "Cannot time travel Delta table to version {0}. Available versions: [{1}].",
    ),
    "DELTA_VERSIONS_NOT_CONTIGUOUS": ("KD00C", "Versions {0} are not contiguous."),
    "UNSUPPORTED_FEATURE.TIME_TRAVEL": (
        "0A000",
        "The feature is not supported: Time travel on the relation: {0}.",
    ),
    "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE": ("42809", "'{0}' expects a table but {1} is a view."),
    "INSERT_COLUMN_ARITY_MISMATCH": ("21S01", "Cannot write to {0}, the reason is {1}."),
    "INSUFFICIENT_PERMISSIONS": ("42501", "Insufficient privileges: {0}"),
    "UNSUPPORTED_FEATURE": ("0A000", "The feature is not supported: {0}"),
    "DELTA_FAILED_TO_MERGE_FIELDS": ("22005", "Failed to merge fields '{0}' and '{0}'. {1}"),
    "DELTA_MISSING_DELTA_TABLE_COPY_INTO": (
        "42P01",
        "Table doesn't exist. Create an empty Delta table first using {0}.",
    ),
    "COPY_INTO_SYNTAX_ERROR": ("42601", "Failed to parse the COPY INTO command. {0}"),
    "COPY_INTO_SCHEMA_MISMATCH_WITH_TARGET_TABLE": (
        "42KDG",
        "A schema mismatch was detected while copying into the Delta table (Table: {0}). {1}",
    ),
    "COPY_INTO_COLUMN_ARITY_MISMATCH": ("21S01", "Cannot write to {0}, the reason is {1}."),
    "COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED": (
        "42KD9",
        "The source directory did not contain any parsable files of type {0}. "
        "Please check the contents of '{1}'.",
    ),
    "COPY_INTO_SOURCE_FILE_FORMAT_NOT_SUPPORTED": (
        "0AKDC",
        "The format of the source files must be {0}.",
    ),
    "COPY_INTO_CREDENTIALS_REQUIRED": ("42601", "COPY INTO source credentials must specify {0}."),
    "COPY_INTO_CREDENTIALS_NOT_ALLOWED_ON": (
        "0AKDC",
        "Invalid scheme {0}. COPY INTO source credentials are not allowed.",
    ),
    "COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED": (
        "25000",
        "Duplicated files were committed in a concurrent COPY INTO operation. Please try again later.",
    ),
    "COPY_INTO_NON_BLIND_APPEND_NOT_ALLOWED": (
        "25000",
        "COPY INTO other than appending data is not allowed to run concurrently with other transactions.",
    ),
    "PATH_NOT_FOUND": ("42K03", "Path does not exist: {0}."),
    "FAILED_READ_FILE.FILE_NOT_EXIST": (
        "KD001",
        "Error while reading file {0}. File does not exist.",
    ),
    "MALFORMED_CSV_RECORD": ("KD000", "Malformed CSV record: {0}"),
    "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION": (
        "22023",
        "Malformed records are detected in record parsing: {0}. Parse Mode: FAILFAST. "
        "To process malformed records "
        "as null result, try setting the option 'mode' as 'PERMISSIVE'.",
    ),
    "DELTA_CONCURRENT_APPEND": (
        "2D521",
        "Files were added to the table by a concurrent update. Please try again.",
    ),
    "DELTA_METADATA_CHANGED": (
        "2D521",
        "The metadata of the Delta table has been changed by a concurrent update.",
    ),
    "DELTA_PROTOCOL_CHANGED": (
        "2D521",
        "The protocol version of the Delta table has been changed by a concurrent update.",
    ),
    "INTERNAL_ERROR": ("XX000", "{0}"),
}


class SqlError(Exception):
    """A statement that fails: HTTP 200, state FAILED."""

    def __init__(self, error_class: str, *values: object, code: str = "BAD_REQUEST"):
        sql_state, text = CLASSES.get(error_class, ("XX000", "{0}"))
        values = values or ("the sandbox was told to",) * 3
        with_class = f"[{error_class}] {text.format(*values)} SQLSTATE: {sql_state}"
        super().__init__(with_class)
        self.error_class = error_class
        self.message = with_class
        self.sql_state = sql_state
        self.code = code


class LimitError(SqlError):
    """A statement that fails without an error class."""

    def __init__(self, message: str):
        Exception.__init__(self, message)
        self.error_class, self.message, self.sql_state, self.code = "", message, "", "BAD_REQUEST"


def refuse(status: int, code: str | int, message: str, headers: dict[str, str] | None = None) -> HttpError:
    """An HTTP error in the shape of the REST API."""
    body: dict[str, Any] = {"error_code": code, "message": message}
    if isinstance(code, str):
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code, "domain": ""}
        body["details"] = [info]
    return HttpError(json_response(body, status, headers))
