#include "plugins/lytics/nested.h"

#include <string.h>

#include "towpath/value.h"

/* An array that has an array or object in it. Of valid JSON. */
static int nested_is_deep_array(const char *text, size_t length)
{
    const char *end = text + length;
    int is_array = 0, is_text = 0; /* 1: inside of one */

    for (const char *p = text; p < end; p++) {
        if (is_text && *p == '\\')
            p++;
        else if (*p == '"')
            is_text = !is_text;
        else if (is_text)
            continue;
        else if ((*p == '{' || *p == '[') && is_array)
            return 1;
        else if (*p == '[')
            is_array = 1;
        else if (*p == ']')
            is_array = 0;
    }
    return 0;
}

static char nested_first(const char *text, size_t length)
{
    size_t i = 0;

    while (i < length && strchr(" \t\r\n", text[i]))
        i++;
    return i < length ? text[i] : '\0';
}

int tow_import_is_plain(const char *text, size_t length)
{
    return tow_json_valid(text, length, TOW_IMPORT_DEPTH) && !nested_is_deep_array(text, length);
}

int tow_import_is_nested(const char *text, size_t length)
{
    const char first = nested_first(text, length);

    return first == '[' || first == '{' || !tow_json_valid(text, length, TOW_IMPORT_DEPTH);
}

/* ---- flat ----------------------------------------------------------------------------------- */

struct nested_flat {
    struct tow_buffer *out;
    struct tow_buffer path; /* of the member at hand, as it stands in JSON, without quotes */
    int omits_empty;
    struct tow_error *err;
};

static int nested_put_key(struct nested_flat *flat)
{
    struct tow_buffer *out = flat->out;
    int code = tow_buffer_append(out, ",\"", 2, flat->err);

    if (code == TOW_OK)
        code = tow_buffer_append(out, flat->path.data, flat->path.size, flat->err);
    return code == TOW_OK ? tow_buffer_append(out, "\":", 2, flat->err) : code;
}

static int nested_put_plain(struct nested_flat *flat, struct tow_json_part value)
{
    int code;

    if (flat->omits_empty && (tow_json_part_is(value, "null") || tow_json_part_is(value, "\"\"")))
        return TOW_OK;
    code = nested_put_key(flat);
    if (code == TOW_OK && nested_is_deep_array(value.text, value.length))
        return tow_buffer_json_string(flat->out, value.text, value.length, flat->err);
    if (code == TOW_OK)
        code = tow_buffer_append(flat->out, value.text, value.length, flat->err);
    return code;
}

/* Goes as deep as the value, which is TOW_IMPORT_DEPTH at most. */
static int nested_put(struct nested_flat *flat, struct tow_json_part value)
{
    const size_t length = flat->path.size;
    struct tow_json_part key, member;
    struct tow_json_scan scan;
    int code = TOW_OK;

    if (!tow_json_scan_object(&scan, value))
        return nested_put_plain(flat, value);
    while (code == TOW_OK && tow_json_scan_member(&scan, &key, &member)) {
        flat->path.size = length;
        code = tow_buffer_append(&flat->path, ".", 1, flat->err);
        if (code == TOW_OK)
            code = tow_buffer_append(&flat->path, key.text + 1, key.length - 2, flat->err);
        if (code == TOW_OK)
            code = nested_put(flat, member);
    }
    flat->path.size = length;
    return code;
}

/* As it stands between the quotes of a JSON string. */
static int nested_begin(struct nested_flat *flat, const char *name)
{
    struct tow_buffer quoted = {.data = NULL};
    int code = tow_buffer_json_string(&quoted, name, strlen(name), flat->err);

    if (code == TOW_OK)
        code = tow_buffer_append(&flat->path, quoted.data + 1, quoted.size - 2, flat->err);
    tow_buffer_release(&quoted);
    return code;
}

/* A line end that stood between tokens may end no row of JSON lines. */
static void nested_join_lines(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] == '\n' || text[i] == '\r')
            text[i] = ' ';
}

int tow_import_flatten(struct tow_buffer *out, const char *name, struct tow_json_part value,
                       int omits_empty, struct tow_error *err)
{
    const size_t before = out->size;
    struct nested_flat flat = {.out = out, .omits_empty = omits_empty, .err = err};
    int code = nested_begin(&flat, name);

    if (code == TOW_OK && tow_json_valid(value.text, value.length, TOW_IMPORT_DEPTH)) {
        code = nested_put(&flat, value);
    } else if (code == TOW_OK) {
        code = nested_put_key(&flat);
        if (code == TOW_OK)
            code = tow_buffer_json_string(out, value.text, value.length, err);
    }
    if (code == TOW_OK)
        nested_join_lines(out->data + before, out->size - before);
    tow_buffer_release(&flat.path);
    return code;
}
