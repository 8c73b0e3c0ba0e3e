#include "connectors/arrow/json.h"

#include <stdlib.h>
#include <string.h>

#include "connectors/arrow/members.h"
#include "connectors/arrow/scalar.h"
#include "connectors/arrow/schema.h"

struct tow_ipc_json {
    size_t limit;
    struct tow_members members;
    struct tow_buffer key; /* the text of a map's key */

    /* The value under way. */
    struct tow_buffer *out;
    size_t start; /* where it begins in out */
};

/* Elements of a list or map. */
struct json_range {
    int64_t first, end;
};

struct tow_ipc_json *tow_ipc_json_new(size_t limit, struct tow_error *err)
{
    struct tow_ipc_json *json = calloc(1, sizeof *json);

    if (!json) {
        tow_error_nomem(err);
        return NULL;
    }
    json->limit = limit;
    return json;
}

void tow_ipc_json_free(struct tow_ipc_json *json)
{
    if (!json)
        return;
    tow_members_release(&json->members);
    tow_buffer_release(&json->key);
    free(json);
}

static int json_append(struct tow_ipc_json *json, const char *text, struct tow_error *err)
{
    return tow_buffer_append(json->out, text, strlen(text), err);
}

/* The depth of values is that of the schema, which is bounded. */
static int json_put(struct tow_ipc_json *json, const struct tow_ipc_column *column, int64_t i,
                    int depth, struct tow_error *err);

/* ---- lists ----------------------------------------------------------------------------------- */

static struct json_range json_range(const struct tow_ipc_column *column, int64_t i)
{
    const int32_t *small = column->offsets;
    const int64_t *large = column->offsets;
    int64_t size = column->field->list_size;

    switch (column->field->type) {
    case TOW_IPC_FIXED_LIST:
        return (struct json_range){i * size, (i + 1) * size};
    case TOW_IPC_LARGE_LIST:
        return (struct json_range){large[i], large[i + 1]};
    default:
        return (struct json_range){small[i], small[i + 1]};
    }
}

static int json_put_list(struct tow_ipc_json *json, const struct tow_ipc_column *column, int64_t i,
                         int depth, struct tow_error *err)
{
    struct json_range range = json_range(column, i);
    int code = json_append(json, "[", err);

    for (int64_t at = range.first; at < range.end && code == TOW_OK; at++) {
        if (at > range.first)
            code = json_append(json, ",", err);
        if (code == TOW_OK)
            code = json_put(json, column->children, at, depth + 1, err);
    }
    return code == TOW_OK ? json_append(json, "]", err) : code;
}

/* ---- objects --------------------------------------------------------------------------------- */

/* The name is what lies in out from `at` on. */
static int json_end_name(struct tow_ipc_json *json, size_t at, struct tow_error *err)
{
    int code = tow_members_push(&json->members, at, json->out->size - at, err);

    return code == TOW_OK ? json_append(json, ":", err) : code;
}

static int json_end_object(struct tow_ipc_json *json, size_t base, struct tow_error *err)
{
    int code = tow_members_pop(&json->members, base, json->out->data, err);

    return code == TOW_OK ? json_append(json, "}", err) : code;
}

static int json_put_struct(struct tow_ipc_json *json, const struct tow_ipc_column *column,
                           int64_t i, int depth, struct tow_error *err)
{
    size_t base = json->members.count;
    int code = json_append(json, "{", err);

    for (size_t member = 0; member < column->child_count && code == TOW_OK; member++) {
        const struct tow_ipc_column *child = &column->children[member];
        const char *name = child->field->name;
        size_t at;

        if (member > 0)
            code = json_append(json, ",", err);
        at = json->out->size;
        if (code == TOW_OK)
            code = tow_buffer_json_string(json->out, name, strlen(name), err);
        if (code == TOW_OK)
            code = json_end_name(json, at, err);
        if (code == TOW_OK)
            code = json_put(json, child, i, depth + 1, err);
    }
    return code == TOW_OK ? json_end_object(json, base, err) : code;
}

/* What is no string becomes one. */
static int json_put_key(struct tow_ipc_json *json, const struct tow_ipc_column *keys, int64_t i,
                        int depth, struct tow_error *err)
{
    size_t at = json->out->size, length;
    const char *text;
    int code = json_put(json, keys, i, depth, err);

    if (code != TOW_OK || json->out->data[at] == '"')
        return code;
    text = json->out->data + at;
    length = json->out->size - at;
    json->key.size = 0;
    code = tow_buffer_append(&json->key, text, length, err);
    json->out->size = at;
    return code == TOW_OK ? tow_buffer_json_string(json->out, json->key.data, length, err) : code;
}

static int json_is_null(const struct tow_ipc_column *column, int64_t i)
{
    if (column->validity)
        return !(column->validity[i / 8] >> (i % 8) & 1);
    return column->field->type == TOW_IPC_NULL;
}

static int json_put_entry(struct tow_ipc_json *json, const struct tow_ipc_column *entries,
                          int64_t i, int depth, struct tow_error *err)
{
    const struct tow_ipc_column *keys = &entries->children[0], *values = &entries->children[1];
    size_t at = json->out->size;
    int code;

    if (json_is_null(entries, i) || json_is_null(keys, i))
        return tow_error_set(err, TOW_E_DATA, "a key is null");
    code = json_put_key(json, keys, i, depth + 1, err);
    if (code == TOW_OK)
        code = json_end_name(json, at, err);
    return code == TOW_OK ? json_put(json, values, i, depth + 1, err) : code;
}

static int json_put_map(struct tow_ipc_json *json, const struct tow_ipc_column *column, int64_t i,
                        int depth, struct tow_error *err)
{
    struct json_range range = json_range(column, i);
    size_t base = json->members.count;
    int code = json_append(json, "{", err);

    for (int64_t at = range.first; at < range.end && code == TOW_OK; at++) {
        if (at > range.first)
            code = json_append(json, ",", err);
        if (code == TOW_OK)
            code = json_put_entry(json, column->children, at, depth + 1, err);
    }
    return code == TOW_OK ? json_end_object(json, base, err) : code;
}

/* ---- any value ------------------------------------------------------------------------------- */

static int json_put_any(struct tow_ipc_json *json, const struct tow_ipc_column *column, int64_t i,
                        int depth, struct tow_error *err)
{
    if (json_is_null(column, i))
        return json_append(json, "null", err);
    switch (column->field->type) {
    case TOW_IPC_LIST:
    case TOW_IPC_LARGE_LIST:
    case TOW_IPC_FIXED_LIST:
        return json_put_list(json, column, i, depth, err);
    case TOW_IPC_MAP:
        return json_put_map(json, column, i, depth, err);
    case TOW_IPC_STRUCT:
        return json_put_struct(json, column, i, depth, err);
    default:
        return tow_ipc_scalar_put(column, i, json->out, err);
    }
}

/* Looks at the limit after each value, since lists of nulls make text of no data at all. */
static int json_put(struct tow_ipc_json *json, const struct tow_ipc_column *column, int64_t i,
                    int depth, struct tow_error *err)
{
    int code = json_put_any(json, column, i, depth, err);

    if (code == TOW_OK && json->out->size - json->start > json->limit)
        code =
            tow_error_set(err, TOW_E_DATA, "a value of more than %zu bytes as text", json->limit);
    if (code != TOW_OK && code != TOW_E_NOMEM)
        tow_ipc_field_prefix(err, column->field, depth);
    return code;
}

int tow_ipc_json_put(struct tow_ipc_json *json, const struct tow_ipc_column *column, int64_t i,
                     struct tow_buffer *out, struct tow_error *err)
{
    int code;

    json->out = out;
    json->start = out->size;
    json->members.count = 0;
    code = json_put(json, column, i, 0, err);
    if (code != TOW_OK)
        out->size = json->start;
    return code;
}
