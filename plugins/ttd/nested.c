#include "plugins/ttd/nested.h"

#include <stdio.h>
#include <string.h>

#include "towpath/json.h"
#include "towpath/value.h"

#define NESTED_DEPTH 32

/* What is being put, for refusals. */
struct nested {
    const struct tow_ttd_endpoint *endpoint;
    const struct tow_ttd_column *column;
    int number; /* of the element at hand, from 1 */
    struct tow_ttd_refusal *why;
};

static char *nested_refuse(const struct nested *nested, const char *code, const char *what)
{
    nested->why->code = code;
    snprintf(nested->why->message, sizeof nested->why->message, "%s, element %d: %s",
             nested->column->name, nested->number, what);
    return NULL;
}

static int nested_is_null(struct tow_json_part part)
{
    return part.length == 0 || tow_json_part_is(part, "null");
}

static int nested_is_string(struct tow_json_part part)
{
    return part.length >= 2 && part.text[0] == '"';
}

static char *nested_put_part(char *p, struct tow_json_part part)
{
    memcpy(p, part.text, part.length);
    return p + part.length;
}

/* A string as it stands; numbers and truth values in quotes. NULL for arrays and objects. */
static char *nested_put_as_string(char *p, struct tow_json_part value)
{
    if (nested_is_string(value))
        return nested_put_part(p, value);
    if (value.text[0] == '[' || value.text[0] == '{')
        return NULL;
    *p++ = '"';
    p = nested_put_part(p, value);
    *p++ = '"';
    return p;
}

/* ---- user ids ------------------------------------------------------------------------------- */

static char *nested_refuse_id_type(const struct nested *nested, struct tow_json_part type)
{
    char names[128], text[200];

    if (!nested_is_string(type))
        return nested_refuse(nested, "InvalidIdType", "has no type, which must be a string");
    snprintf(text, sizeof text, "type %.*s is none of %s",
             (int)tow_utf8_prefix(type.text, type.length < 32 ? type.length : 32), type.text,
             tow_ttd_id_type_names(nested->endpoint->id_types, names, sizeof names));
    return nested_refuse(nested, "InvalidIdType", text);
}

/* ["<code>","<id>"] */
static char *nested_put_user_id(const struct nested *nested, char *p, struct tow_json_part element)
{
    struct tow_json_part key, value, type = {NULL, 0}, id = {NULL, 0};
    const struct tow_ttd_id_type *found = NULL;
    struct tow_json_scan scan;

    if (!tow_json_scan_object(&scan, element))
        return nested_refuse(nested, "InvalidJson",
                             "is no object, as in {\"type\": ..., \"id\": "
                             "...}");
    while (tow_json_scan_member(&scan, &key, &value)) {
        if (tow_json_part_is(key, "\"type\""))
            type = value;
        else if (tow_json_part_is(key, "\"id\""))
            id = value;
    }
    if (nested_is_string(type))
        found = tow_ttd_find_id_type(nested->endpoint->id_types, type.text + 1, type.length - 2);
    if (!found)
        return nested_refuse_id_type(nested, type);
    if (nested_is_null(id) || tow_json_part_is(id, "\"\""))
        return nested_refuse(nested, "MissingValue", "id is empty, null or not there");
    p = stpcpy(p, "[\"");
    p = stpcpy(p, found->code);
    p = stpcpy(p, "\",");
    p = nested_put_as_string(p, id);
    if (!p)
        return nested_refuse(nested, "InvalidJson", "id is no string");
    *p++ = ']';
    return p;
}

/* ---- structures ----------------------------------------------------------------------------- */

/* `key` has its quotes; `members` a space behind each name. */
static int nested_has_member(const char *members, struct tow_json_part key)
{
    size_t length = key.length - 2;

    for (const char *name = members; *name;) {
        size_t name_length = (size_t)(strchr(name, ' ') - name);

        if (name_length == length && memcmp(name, key.text + 1, length) == 0)
            return 1;
        name += name_length + 1;
    }
    return 0;
}

static char *nested_put_structure(const struct nested *nested, char *p,
                                  struct tow_json_part element)
{
    struct tow_json_part key, value;
    struct tow_json_scan scan;
    char *start = p;

    if (!tow_json_scan_object(&scan, element))
        return nested_refuse(nested, "InvalidJson", "is no object");
    *p++ = '{';
    while (tow_json_scan_member(&scan, &key, &value)) {
        if (!nested_has_member(nested->column->members, key) || nested_is_null(value))
            continue;
        p = nested_put_part(p, key);
        *p++ = ':';
        p = nested_put_as_string(p, value);
        if (!p)
            return nested_refuse(nested, "InvalidJson", "has a member that is no string");
        *p++ = ',';
    }
    p -= p > start + 1;
    *p++ = '}';
    return p;
}

/* ---- arrays --------------------------------------------------------------------------------- */

static char *nested_put_array(struct nested *nested, char *p, struct tow_json_scan *scan)
{
    struct tow_json_part element;

    *p++ = '[';
    while (p && tow_json_scan_item(scan, &element)) {
        nested->number++;
        p = nested->column->kind == TOW_TTD_USER_IDS ? nested_put_user_id(nested, p, element)
                                                     : nested_put_structure(nested, p, element);
        if (p)
            *p++ = ',';
    }
    if (p && nested->number > 0)
        p[-1] = ']';
    return p;
}

char *tow_ttd_nested_put(const struct tow_ttd_endpoint *endpoint,
                         const struct tow_ttd_column *column, const struct tow_view *view,
                         int64_t row, char *p, int *count, struct tow_ttd_refusal *why)
{
    struct nested nested = {.endpoint = endpoint, .column = column, .why = why};
    struct tow_json_part part = {NULL, 0};
    struct tow_json_scan scan;

    *count = 0;
    part.text = tow_view_bytes(view, row, &part.length);
    if (nested_is_null(part))
        return p;
    if (!tow_json_valid(part.text, part.length, NESTED_DEPTH) ||
        !tow_json_scan_array(&scan, part)) {
        why->code = "InvalidJson";
        snprintf(why->message, sizeof why->message, "%s is no JSON array", column->name);
        return NULL;
    }
    p = nested_put_array(&nested, p, &scan);
    *count = nested.number;
    return p;
}
