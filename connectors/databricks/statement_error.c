/* Why statements fail: the classes that Databricks has for it, and ours (Databricks documentation,
 * Error conditions). Several of theirs share one SQLSTATE, so the name in brackets decides. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "connectors/databricks/statement_priv.h"
#include "towpath/value.h"

#define ERROR_LOOKED_AT 512 /* bytes of a message in which its class is looked for */

struct error_rule {
    const char *name; /* with '*' at its end: what begins so */
    int code;
    const char *hint;
};

#define HINT_WAIT  "another statement writes to the same table or loads the same files"
#define HINT_TABLE "check the table's name, and that the login may see it"
#define HINT_SQL   "correct the statement"

static const struct error_rule error_rules[] = {
    {"INSUFFICIENT_PERMISSIONS", TOW_E_AUTH, NULL},
    {"INSUFFICIENT_PRIVILEGES*", TOW_E_AUTH, NULL},
    {"PERMISSION_DENIED*", TOW_E_AUTH, NULL},
    {"UNAUTHORIZED_ACCESS*", TOW_E_AUTH, NULL},

    {"TABLE_OR_VIEW_NOT_FOUND", TOW_E_CONFIG, HINT_TABLE},
    {"DELTA_MISSING_DELTA_TABLE*", TOW_E_CONFIG, HINT_TABLE},
    {"DELTA_TABLE_NOT_FOUND", TOW_E_CONFIG, HINT_TABLE},
    {"SCHEMA_NOT_FOUND", TOW_E_CONFIG, "check the schema's name, and that the login may see it"},
    {"NO_SUCH_CATALOG_EXCEPTION", TOW_E_CONFIG,
     "check the catalog's name, and that the login may see it"},
    {"CATALOG_NOT_FOUND", TOW_E_CONFIG, "check the catalog's name, and that the login may see it"},
    {"UC_VOLUME_NOT_FOUND", TOW_E_CONFIG, "check the volume's name, and that the login may see it"},
    {"UNRESOLVED_COLUMN*", TOW_E_CONFIG,
     "the table has no such column, or has lost it: compare columns with DESCRIBE TABLE"},
    {"DELTA_MISSING_COLUMN", TOW_E_CONFIG, NULL},
    {"PARSE_SYNTAX_ERROR", TOW_E_CONFIG, HINT_SQL},
    {"TABLE_OR_VIEW_ALREADY_EXISTS", TOW_E_CONFIG, NULL},
    {"DATATYPE_MISMATCH", TOW_E_CONFIG, HINT_SQL},
    {"UNRESOLVED_ROUTINE", TOW_E_CONFIG, HINT_SQL},
    {"UNBOUND_SQL_PARAMETER", TOW_E_CONFIG, HINT_SQL},
    {"AMBIGUOUS_REFERENCE", TOW_E_CONFIG, HINT_SQL},
    {"MISSING_AGGREGATION", TOW_E_CONFIG, HINT_SQL},
    {"INVALID_PARAMETER_VALUE*", TOW_E_CONFIG, NULL},
    {"UNSUPPORTED_FEATURE", TOW_E_CONFIG, NULL},
    {"UNSUPPORTED_TIME_TRAVEL*", TOW_E_CONFIG, NULL},
    {"DELTA_INVALID_CHARACTERS_IN_COLUMN_NAME*", TOW_E_CONFIG,
     "rename the column, or set delta.columnMapping.mode = 'name' on the table"},
    {"DELTA_FAILED_TO_MERGE_FIELDS", TOW_E_CONFIG,
     "a column's type differs from the table's: compare with DESCRIBE TABLE"},
    {"DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE", TOW_E_CONFIG,
     "the keys are not unique"},

    {"COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED", TOW_E_TRANSIENT, HINT_WAIT},
    {"COPY_INTO_NON_BLIND_APPEND_NOT_ALLOWED", TOW_E_TRANSIENT, HINT_WAIT},
    {"COPY_INTO_ROCKSDB_MAX_RETRY_EXCEEDED", TOW_E_TRANSIENT, HINT_WAIT},
    {"COPY_INTO_STATE_INTERNAL_ERROR", TOW_E_TRANSIENT, HINT_WAIT},
    {"TRANSACTION_CONCURRENT_COPY_INTO", TOW_E_TRANSIENT, HINT_WAIT},
    {"DELTA_CONCURRENT_*", TOW_E_TRANSIENT, HINT_WAIT},
    {"DELTA_METADATA_CHANGED", TOW_E_TRANSIENT, HINT_WAIT},
    {"DELTA_PROTOCOL_CHANGED", TOW_E_TRANSIENT, HINT_WAIT},
    {"CONCURRENT_*", TOW_E_TRANSIENT, HINT_WAIT},
    {"COPY_INTO_SOURCE_SCHEMA_INFERENCE_FAILED", TOW_E_ENV,
     "no readable file was found: their names may begin with '_' or '.', or they were removed"},
    {"COPY_INTO_*", TOW_E_CONFIG, NULL},
    {"DELTA_COPY_INTO_TARGET_FORMAT", TOW_E_CONFIG, NULL},

    {"CAST_INVALID_INPUT", TOW_E_DATA, NULL},
    {"CAST_OVERFLOW*", TOW_E_DATA, NULL},
    {"CANNOT_PARSE_TIMESTAMP", TOW_E_DATA, NULL},
    {"NUMERIC_VALUE_OUT_OF_RANGE", TOW_E_DATA, NULL},
    {"ARITHMETIC_OVERFLOW", TOW_E_DATA, NULL},
    {"CONVERSION_INVALID_INPUT", TOW_E_DATA, NULL},
    {"MALFORMED_RECORD_IN_PARSING", TOW_E_DATA, NULL},
    {"MALFORMED_CSV_RECORD", TOW_E_DATA, NULL},
    {"DELTA_NOT_NULL_CONSTRAINT_VIOLATED", TOW_E_DATA, NULL},
    {"DELTA_VIOLATE_CONSTRAINT*", TOW_E_DATA, NULL},
};

/* Codes of the API itself behind which the trouble may pass. */
static const char *const error_passing[] = {
    "ABORTED",
    "DEADLINE_EXCEEDED",
    "INTERNAL_ERROR",
    "IO_ERROR",
    "RESOURCE_EXHAUSTED",
    "SERVICE_UNDER_MAINTENANCE",
    "TEMPORARILY_UNAVAILABLE",
    "UNKNOWN",
    "WORKSPACE_TEMPORARILY_UNAVAILABLE",
};

/* ---- texts ---------------------------------------------------------------------------------- */

static int error_is_class_byte(char byte)
{
    return isupper((unsigned char)byte) || isdigit((unsigned char)byte) || byte == '_' ||
           byte == '.';
}

/* Finds "[CLASS.SUBCLASS]" in a message; "" where there is none. */
static void error_class_of(const char *message, char *error_class, size_t size)
{
    const char *open = message;

    error_class[0] = '\0';
    while ((open = strchr(open, '[')) && open - message < ERROR_LOOKED_AT) {
        size_t length = 0;

        open++;
        while (error_is_class_byte(open[length]))
            length++;
        if (length == 0 || open[length] != ']' || !isupper((unsigned char)*open))
            continue;
        snprintf(error_class, size, "%.*s", (int)(length < size ? length : size - 1), open);
        return;
    }
}

void tow_statement_line(const char *text, char *line, size_t size)
{
    static const char *const ends[] = {"== SQL", "JVM stacktrace", "\n\tat "};
    size_t length = strlen(text);

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const char *end = strstr(text, ends[i]);

        if (end && (size_t)(end - text) < length)
            length = (size_t)(end - text);
    }
    if (length > size - 1)
        length = size - 1;
    length = tow_utf8_prefix(text, length);
    memcpy(line, text, length);
    while (length > 0 && (unsigned char)line[length - 1] <= ' ')
        length--;
    line[length] = '\0';
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
}

/* ---- classes -------------------------------------------------------------------------------- */

/* The class without its subclass is `length` bytes long. */
static int error_matches(const struct error_rule *rule, const char *error_class, size_t length)
{
    size_t named = strlen(rule->name);

    if (rule->name[named - 1] == '*')
        return length >= named - 1 && memcmp(error_class, rule->name, named - 1) == 0;
    return length == named && memcmp(error_class, rule->name, named) == 0;
}

static const struct error_rule *error_find(const char *error_class)
{
    size_t length = strcspn(error_class, ".");

    for (size_t i = 0; i < sizeof error_rules / sizeof *error_rules; i++)
        if (error_matches(&error_rules[i], error_class, length))
            return &error_rules[i];
    return NULL;
}

static int error_passes(const char *code)
{
    for (size_t i = 0; i < sizeof error_passing / sizeof *error_passing; i++)
        if (strcmp(code, error_passing[i]) == 0)
            return 1;
    return 0;
}

/* "User does not have USE SCHEMA on Schema 'main.crm'.": the two parts that a GRANT needs. */
static int error_find_grant(const char *message, struct tow_json_part *privilege,
                            struct tow_json_part *object)
{
    static const char lacks[] = "does not have ", on[] = " on ";
    const char *p = strstr(message, lacks), *end;

    if (!p)
        return 0;
    privilege->text = p + sizeof lacks - 1;
    p = strstr(privilege->text, on);
    if (!p)
        return 0;
    privilege->length = (size_t)(p - privilege->text);
    object->text = p + sizeof on - 1;
    p = strchr(object->text, '\'');
    end = p ? strchr(p + 1, '\'') : NULL;
    if (!end)
        return 0;
    object->length = (size_t)(end + 1 - object->text);
    return 1;
}

static int error_permission(const char *message, struct tow_error *err)
{
    struct tow_json_part privilege, object;

    if (error_find_grant(message, &privilege, &object))
        return tow_databricks_hint(
            err, TOW_E_AUTH, "its owner can allow it: GRANT %.*s ON %.*s TO this login",
            (int)privilege.length, privilege.text, (int)object.length, object.text);
    return tow_databricks_hint(err, TOW_E_AUTH,
                               "reading a table needs USE CATALOG, USE SCHEMA and SELECT, writing "
                               "it MODIFY too, making one CREATE TABLE, files READ VOLUME and "
                               "WRITE VOLUME");
}

static int error_unclassed(const struct tow_statement_status *status,
                           const struct tow_statement_request *request, struct tow_error *err)
{
    if (strstr(status->message, "inline byte limit exceeded") ||
        strstr(status->message, "Inline byte limit exceeded"))
        return tow_databricks_hint(err, TOW_E_CONFIG,
                                   "an inline result may have 25 MiB: fetch it by links");
    if (strcmp(status->code, "UNAUTHENTICATED") == 0)
        return tow_databricks_hint(err, TOW_E_AUTH, "check the login");
    if (strcmp(status->code, "NOT_FOUND") == 0)
        return tow_databricks_hint(err, TOW_E_CONFIG, "check the names in the statement");
    if (!error_passes(status->code))
        return err ? err->code : TOW_E_ENV;
    if (request->repeatable)
        return tow_databricks_hint(err, TOW_E_TRANSIENT, "it may pass");
    return tow_databricks_hint(err, TOW_E_ENV, "look at the query history before running it again");
}

int tow_statement_failed(struct tow_statement *out, const struct tow_statement_status *status,
                         const struct tow_statement_request *request, struct tow_error *err)
{
    const struct error_rule *rule;

    error_class_of(status->message, out->error_class, sizeof out->error_class);
    snprintf(out->sql_state, sizeof out->sql_state, "%s", status->sql_state);
    tow_error_set(err, TOW_E_ENV, "%s: %s", request->what,
                  status->message[0] ? status->message
                  : status->code[0]  ? status->code
                                     : "the statement failed without a reason");
    rule = error_find(out->error_class);
    if (!rule)
        return error_unclassed(status, request, err);
    if (rule->code == TOW_E_AUTH)
        return error_permission(status->message, err);
    if (rule->hint)
        return tow_databricks_hint(err, rule->code, "%s", rule->hint);
    if (err)
        err->code = rule->code;
    return rule->code;
}
