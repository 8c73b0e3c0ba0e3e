/*
 * Answers about statements (Databricks REST API reference, Statement Execution: "get"). Rows and
 * the list of chunks may be long: they are walked over as text; of the rest, which is small, a tree
 * is made.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/databricks/statement_priv.h"
#include "connectors/http/json_load.h"
#include "towpath/value.h"

static int answer_bad(struct tow_error *err, const char *reason)
{
    return tow_error_set(err, TOW_E_ENV, "the answer cannot be read: %s", reason);
}

/* ---- parts ---------------------------------------------------------------------------------- */

static int answer_load(struct tow_json_part part, json_t **value, struct tow_error *err)
{
    struct tow_error reason = TOW_ERROR_INIT;
    int code = tow_json_load(part.text, part.length, JSON_DECODE_ANY, value, &reason);

    if (code == TOW_E_NOMEM)
        return tow_error_nomem(err);
    return code == TOW_OK ? TOW_OK : answer_bad(err, reason.message);
}

/* Puts a member whose key stands with its quotes into an object. */
static int answer_put(json_t *object, struct tow_json_part key, struct tow_json_part part,
                      struct tow_error *err)
{
    struct tow_buffer name = {0};
    json_t *value = NULL;
    int code = tow_json_unescape(&name, key, err);

    if (code == TOW_OK)
        code = tow_buffer_append(&name, "", 1, err);
    if (code == TOW_OK)
        code = answer_load(part, &value, err);
    if (code == TOW_OK && json_object_set_new(object, name.data, value) != 0)
        code = tow_error_nomem(err);
    tow_buffer_release(&name);
    return code == TOW_E_DATA ? answer_bad(err, "a key is no text") : code;
}

int tow_json_object_without(struct tow_json_part object, const char *apart, json_t **rest,
                            struct tow_json_part *value, struct tow_error *err)
{
    struct tow_json_part key, part;
    struct tow_json_scan scan;
    int code = TOW_OK;

    *value = (struct tow_json_part){"", 0};
    *rest = NULL;
    if (!tow_json_scan_object(&scan, object))
        return answer_bad(err, "no object where one belongs");
    *rest = json_object();
    if (!*rest)
        return tow_error_nomem(err);
    while (code == TOW_OK && tow_json_scan_member(&scan, &key, &part)) {
        if (tow_json_part_is(key, apart))
            *value = part;
        else
            code = answer_put(*rest, key, part, err);
    }
    if (code == TOW_OK)
        return TOW_OK;
    json_decref(*rest);
    *rest = NULL;
    return code;
}

/* A number that stands as such or in quotes. */
static int64_t answer_number(struct tow_json_part part, int64_t fallback)
{
    int64_t number;

    if (part.length >= 2 && part.text[0] == '"') {
        part.text++;
        part.length -= 2;
    }
    return tow_parse_int64(part.text, part.length, &number) == TOW_PARSE_OK ? number : fallback;
}

/* ---- status --------------------------------------------------------------------------------- */

static int answer_state(const char *name, enum tow_statement_state *state)
{
    static const char *const names[] = {
        [TOW_STATEMENT_PENDING] = "PENDING",     [TOW_STATEMENT_RUNNING] = "RUNNING",
        [TOW_STATEMENT_SUCCEEDED] = "SUCCEEDED", [TOW_STATEMENT_FAILED] = "FAILED",
        [TOW_STATEMENT_CANCELED] = "CANCELED",   [TOW_STATEMENT_CLOSED] = "CLOSED",
    };

    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        *state = (enum tow_statement_state)i;
        return 1;
    }
    return 0;
}

/* A text, or a number as text: error codes come as either. */
static void answer_text(const json_t *object, const char *key, char *text, size_t size)
{
    const json_t *value = json_object_get(object, key);

    text[0] = '\0';
    if (json_is_string(value))
        tow_statement_line(json_string_value(value), text, size);
    else if (json_is_integer(value))
        snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

static int answer_status(struct tow_statement_status *status, struct tow_json_part part,
                         struct tow_error *err)
{
    const json_t *error;
    json_t *root;
    int code = answer_load(part, &root, err), known;

    if (code != TOW_OK)
        return code;
    known = answer_state(json_string_value(json_object_get(root, "state")), &status->state);
    error = json_object_get(root, "error");
    answer_text(error, "error_code", status->code, sizeof status->code);
    answer_text(error, "message", status->message, sizeof status->message);
    answer_text(root, "sql_state", status->sql_state, sizeof status->sql_state);
    json_decref(root);
    return known ? TOW_OK : answer_bad(err, "it has no state that is known");
}

int tow_statement_is_id(const char *text, size_t length)
{
    if (length == 0 || length >= sizeof((struct tow_statement *)NULL)->id)
        return 0;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_')
            return 0;
    return 1;
}

static int answer_id(struct tow_statement *out, struct tow_json_part part, struct tow_error *err)
{
    if (part.length < 2 || part.text[0] != '"' ||
        !tow_statement_is_id(part.text + 1, part.length - 2))
        return answer_bad(err, "it has no statement_id that could be one");
    memcpy(out->id, part.text + 1, part.length - 2);
    out->id[part.length - 2] = '\0';
    return TOW_OK;
}

/* ---- manifest ------------------------------------------------------------------------------- */

static char *answer_copy(const json_t *object, const char *key, int *failed)
{
    const char *text = json_string_value(json_object_get(object, key));
    char *copy = strdup(text ? text : "");

    *failed |= !copy;
    return copy;
}

static int answer_columns(struct tow_statement *out, const json_t *schema, struct tow_error *err)
{
    const json_t *columns = json_object_get(schema, "columns");
    size_t count = json_array_size(columns);
    int failed = 0;

    if (count > TOW_STATEMENT_COLUMNS)
        return tow_error_set(err, TOW_E_UNSUPPORTED, "a result of %zu columns: %d are allowed",
                             count, TOW_STATEMENT_COLUMNS);
    if (count == 0)
        return TOW_OK;
    out->columns = calloc(count, sizeof *out->columns);
    if (!out->columns)
        return tow_error_nomem(err);
    for (out->column_count = 0; out->column_count < count && !failed; out->column_count++) {
        const json_t *from = json_array_get(columns, out->column_count);
        struct tow_statement_column *column = &out->columns[out->column_count];

        column->name = answer_copy(from, "name", &failed);
        column->type_name = answer_copy(from, "type_name", &failed);
        column->type_text = answer_copy(from, "type_text", &failed);
        column->precision = (int)tow_databricks_json_int(from, "type_precision", 0);
        column->scale = (int)tow_databricks_json_int(from, "type_scale", 0);
    }
    return failed ? tow_error_nomem(err) : TOW_OK;
}

/* One entry of the list of chunks: 1 where it is the one that belongs at `index`. */
static int answer_chunk(struct tow_json_part part, int64_t index, int64_t *rows)
{
    struct tow_json_part key, value;
    struct tow_json_scan scan;
    int64_t said = 0;

    *rows = 0;
    if (!tow_json_scan_object(&scan, part))
        return 0;
    while (tow_json_scan_member(&scan, &key, &value)) {
        if (tow_json_part_is(key, "\"chunk_index\""))
            said = answer_number(value, -1);
        else if (tow_json_part_is(key, "\"row_count\""))
            *rows = answer_number(value, -1);
    }
    return said == index && *rows >= 0;
}

/* The rows of each chunk, where the list is whole. */
static int answer_chunks(struct tow_statement *out, struct tow_json_part part,
                         struct tow_error *err)
{
    struct tow_json_part chunk;
    struct tow_json_scan scan;
    int64_t *rows = NULL, count = 0, room = 0;

    if (part.length == 0 || !tow_json_scan_array(&scan, part))
        return TOW_OK;
    while (tow_json_scan_item(&scan, &chunk)) {
        if (count == room) {
            int64_t *more = reallocarray(rows, (size_t)room * 2 + 64, sizeof *rows);

            if (!more) {
                free(rows);
                return tow_error_nomem(err);
            }
            rows = more;
            room = room * 2 + 64;
        }
        if (!answer_chunk(chunk, count, &rows[count]))
            break;
        count++;
    }
    if (count == out->chunks && count > 0)
        out->chunk_rows = rows;
    else
        free(rows);
    return TOW_OK;
}

static int answer_manifest(struct tow_statement *out, struct tow_json_part part,
                           struct tow_error *err)
{
    struct tow_json_part chunks;
    const char *compression;
    json_t *manifest;
    int code = tow_json_object_without(part, "\"chunks\"", &manifest, &chunks, err);

    if (code != TOW_OK)
        return code;
    out->rows = tow_databricks_json_int(manifest, "total_row_count", 0);
    out->bytes = tow_databricks_json_int(manifest, "total_byte_count", 0);
    out->chunks = tow_databricks_json_int(manifest, "total_chunk_count", 0);
    out->truncated = json_is_true(json_object_get(manifest, "truncated"));
    compression = json_string_value(json_object_get(manifest, "result_compression"));
    out->lz4 = compression && strcmp(compression, "LZ4_FRAME") == 0;
    if (compression && !out->lz4 && strcmp(compression, "NONE") != 0)
        code = tow_error_set(err, TOW_E_UNSUPPORTED, "the result is compressed as \"%.40s\"",
                             compression);
    else if (out->rows < 0 || out->bytes < 0 || out->chunks < 0)
        code = answer_bad(err, "the manifest counts below zero");
    if (code == TOW_OK)
        code = answer_columns(out, json_object_get(manifest, "schema"), err);
    if (code == TOW_OK)
        code = answer_chunks(out, chunks, err);
    json_decref(manifest);
    return code;
}

/* ---- all of it ------------------------------------------------------------------------------ */

struct answer_parts {
    struct tow_json_part id, status, manifest, result;
};

static int answer_split(struct answer_parts *parts, const struct tow_buffer *body,
                        struct tow_error *err)
{
    struct tow_json_part key, value;
    struct tow_json_scan scan;

    *parts = (struct answer_parts){.id = {NULL, 0}};
    if (!tow_json_valid(body->data, body->size, TOW_STATEMENT_DEPTH) ||
        !tow_json_scan_object(&scan, (struct tow_json_part){body->data, body->size}))
        return answer_bad(err, "it is no JSON object; check host and proxy settings");
    while (tow_json_scan_member(&scan, &key, &value)) {
        if (tow_json_part_is(key, "\"statement_id\""))
            parts->id = value;
        else if (tow_json_part_is(key, "\"status\""))
            parts->status = value;
        else if (tow_json_part_is(key, "\"manifest\"") && value.text[0] == '{')
            parts->manifest = value;
        else if (tow_json_part_is(key, "\"result\"") && value.text[0] == '{')
            parts->result = value;
    }
    if (parts->status.length == 0)
        return answer_bad(err, "it has no status");
    return TOW_OK;
}

static int answer_read(struct tow_statement *out, struct tow_statement_status *status,
                       struct tow_buffer *body, struct tow_error *err)
{
    struct tow_json_part rows = {NULL, 0};
    struct answer_parts parts;
    int code = answer_split(&parts, body, err);

    if (code == TOW_OK && !out->id[0])
        code = answer_id(out, parts.id, err);
    if (code == TOW_OK)
        code = answer_status(status, parts.status, err);
    if (code != TOW_OK || status->state < TOW_STATEMENT_SUCCEEDED)
        return code;
    status->has_result = parts.manifest.length > 0 || parts.result.length > 0;
    if (parts.manifest.length > 0)
        code = answer_manifest(out, parts.manifest, err);
    if (code == TOW_OK && parts.result.length > 0)
        code = tow_json_object_without(parts.result, "\"data_array\"", &out->first, &rows, err);
    if (code == TOW_OK && rows.length > 0) {
        out->body = *body;
        *body = (struct tow_buffer){NULL, 0, 0};
    }
    return code;
}

int tow_statement_read(struct tow_statement *out, struct tow_statement_status *status,
                       struct tow_buffer *body, const char *what, struct tow_error *err)
{
    int code = answer_read(out, status, body, err);

    if (code != TOW_OK)
        tow_error_prefix(err, "%s", what);
    return code;
}

void tow_statement_release(struct tow_statement *statement)
{
    for (size_t i = 0; i < statement->column_count; i++) {
        free(statement->columns[i].name);
        free(statement->columns[i].type_name);
        free(statement->columns[i].type_text);
    }
    free(statement->columns);
    free(statement->chunk_rows);
    json_decref(statement->first);
    tow_buffer_release(&statement->body);
    *statement = (struct tow_statement){.columns = NULL};
}
