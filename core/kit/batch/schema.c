#include "kit/batch/schema.h"

#include <stdlib.h>
#include <string.h>

#include "kit/batch/type.h"

#define SCHEMA_EXTENSION_KEY "ARROW:extension:name"
#define SCHEMA_EXTENSION     "arrow.json"

/* Room for one key and value in Arrow's metadata: a count, and a length before each text. */
#define SCHEMA_METADATA_MAX \
    (3 * sizeof(int32_t) + sizeof SCHEMA_EXTENSION_KEY + sizeof SCHEMA_EXTENSION)

/* A child schema before it is made: borrowed texts. */
struct schema_parts {
    const char *format;
    const char *name;
    const char *metadata;
    size_t metadata_size;
    int64_t flags;
};

/* ---- Arrow's metadata: int32 count, then for each key and value an int32 length and bytes ---- */

static char *schema_put_text(char *p, const char *text)
{
    int32_t length = (int32_t)strlen(text);

    memcpy(p, &length, sizeof length);
    memcpy(p + sizeof length, text, (size_t)length);
    return p + sizeof length + length;
}

static size_t schema_put_json_metadata(char metadata[SCHEMA_METADATA_MAX])
{
    int32_t count = 1;
    char *p = metadata + sizeof count;

    memcpy(metadata, &count, sizeof count);
    p = schema_put_text(p, SCHEMA_EXTENSION_KEY);
    p = schema_put_text(p, SCHEMA_EXTENSION);
    return (size_t)(p - metadata);
}

/* Steps over a length and its bytes; NULL where the length is negative. */
static const char *schema_read_text(const char *p, const char **text, int32_t *length)
{
    memcpy(length, p, sizeof *length);
    *text = p + sizeof *length;
    return *length < 0 ? NULL : *text + *length;
}

static int schema_text_is(const char *text, int32_t length, const char *wanted)
{
    return (size_t)length == strlen(wanted) && memcmp(text, wanted, (size_t)length) == 0;
}

/* Walks all of it: its size, and whether it names the json extension. -1 where it is broken. */
static int schema_read_metadata(const char *metadata, size_t *size, int *is_json)
{
    const char *p = metadata, *key, *value;
    int32_t count, key_length, value_length;

    *size = 0;
    *is_json = 0;
    if (!metadata)
        return 0;
    memcpy(&count, p, sizeof count);
    p += sizeof count;
    for (int32_t i = 0; i < count; i++) {
        p = schema_read_text(p, &key, &key_length);
        if (p)
            p = schema_read_text(p, &value, &value_length);
        if (!p)
            return -1;
        if (schema_text_is(key, key_length, SCHEMA_EXTENSION_KEY))
            *is_json = schema_text_is(value, value_length, SCHEMA_EXTENSION);
    }
    *size = (size_t)(p - metadata);
    return count < 0 ? -1 : 0;
}

/* ---- making --------------------------------------------------------------------------------- */

static void schema_release_child(struct ArrowSchema *schema)
{
    free(schema->private_data);
    schema->release = NULL;
}

static void schema_release(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
    free(schema->children);
    schema_release_child(schema);
}

/* Texts of one schema lie in one block, which the schema owns by itself: it can be moved out. */
static int schema_init(struct ArrowSchema *out, const struct schema_parts *parts,
                       struct tow_error *err)
{
    size_t format_size = strlen(parts->format) + 1;
    size_t name_size = strlen(parts->name) + 1;
    char *block = malloc(format_size + name_size + parts->metadata_size);

    if (!block)
        return tow_error_nomem(err);
    memcpy(block, parts->format, format_size);
    memcpy(block + format_size, parts->name, name_size);
    *out = (struct ArrowSchema){.format = block,
                                .name = block + format_size,
                                .flags = parts->flags,
                                .release = schema_release_child,
                                .private_data = block};
    if (parts->metadata_size) {
        out->metadata = block + format_size + name_size;
        memcpy(block + format_size + name_size, parts->metadata, parts->metadata_size);
    }
    return TOW_OK;
}

/* A struct schema with room for `count` children, none of them made. */
static int schema_init_struct(struct ArrowSchema *out, const struct schema_parts *parts,
                              size_t count, struct tow_error *err)
{
    struct ArrowSchema **children, *child;
    int code = schema_init(out, parts, err);

    if (code != TOW_OK)
        return code;
    /* One block for pointers and children; never of size 0. */
    children = calloc(count + 1, sizeof *children + sizeof *child);
    if (!children) {
        schema_release_child(out);
        return tow_error_nomem(err);
    }
    child = (struct ArrowSchema *)(children + count + 1);
    for (size_t i = 0; i < count; i++)
        children[i] = &child[i];
    out->n_children = (int64_t)count;
    out->children = children;
    out->release = schema_release;
    return TOW_OK;
}

static int schema_init_field(struct ArrowSchema *out, const struct tow_field *field,
                             struct tow_error *err)
{
    char format[TOW_FORMAT_MAX], metadata[SCHEMA_METADATA_MAX];
    struct schema_parts parts = {.format = tow_type_format(field->type, format),
                                 .name = field->name,
                                 .metadata = metadata,
                                 .flags = field->not_null ? 0 : ARROW_FLAG_NULLABLE};

    if (field->type.id == TOW_TYPE_JSON)
        parts.metadata_size = schema_put_json_metadata(metadata);
    return schema_init(out, &parts, err);
}

int tow_schema_make(struct ArrowSchema *out, const struct tow_field *fields, size_t count,
                    struct tow_error *err)
{
    const struct schema_parts root = {.format = "+s", .name = ""};
    struct ArrowSchema made;
    int code = tow_fields_check(fields, count, err);

    out->release = NULL;
    if (code == TOW_OK)
        code = schema_init_struct(&made, &root, count, err);
    if (code != TOW_OK)
        return code;
    for (size_t i = 0; i < count && code == TOW_OK; i++)
        code = schema_init_field(made.children[i], &fields[i], err);
    if (code == TOW_OK)
        *out = made;
    else
        made.release(&made);
    return code;
}

static int schema_parts_of(const struct ArrowSchema *schema, struct schema_parts *parts,
                           struct tow_error *err)
{
    int is_json;

    *parts = (struct schema_parts){.format = schema->format,
                                   .name = schema->name ? schema->name : "",
                                   .metadata = schema->metadata,
                                   .flags = schema->flags};
    if (schema_read_metadata(schema->metadata, &parts->metadata_size, &is_json) != 0)
        return tow_error_set(err, TOW_E_BUG, "schema \"%s\": broken metadata", parts->name);
    return TOW_OK;
}

int tow_schema_copy(struct ArrowSchema *out, const struct ArrowSchema *schema,
                    struct tow_error *err)
{
    struct schema_parts parts;
    struct ArrowSchema made;
    int code = tow_schema_validate(schema, err);

    out->release = NULL;
    if (code == TOW_OK)
        code = schema_parts_of(schema, &parts, err);
    if (code == TOW_OK)
        code = schema_init_struct(&made, &parts, (size_t)schema->n_children, err);
    if (code != TOW_OK)
        return code;
    for (int64_t i = 0; i < schema->n_children && code == TOW_OK; i++) {
        code = schema_parts_of(schema->children[i], &parts, err);
        if (code == TOW_OK)
            code = schema_init(made.children[i], &parts, err);
    }
    if (code == TOW_OK)
        *out = made;
    else
        made.release(&made);
    return code;
}

/* ---- checking ------------------------------------------------------------------------------- */

static int schema_compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts names to find doubled ones: a wide table has thousands. */
static int schema_check_names(const char **names, size_t count, struct tow_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!names[i] || !*names[i])
            return tow_error_set(err, TOW_E_UNSUPPORTED, "column %zu of %zu has no name", i + 1,
                                 count);
    qsort(names, count, sizeof *names, schema_compare_names);
    for (size_t i = 1; i < count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return tow_error_set(err, TOW_E_UNSUPPORTED, "two columns are named \"%s\"", names[i]);
    return TOW_OK;
}

int tow_fields_check(const struct tow_field *fields, size_t count, struct tow_error *err)
{
    const char **names = calloc(count + 1, sizeof *names);
    int code;

    if (!names)
        return tow_error_nomem(err);
    for (size_t i = 0; i < count; i++)
        names[i] = fields[i].name;
    code = schema_check_names(names, count, err);
    free(names);
    for (size_t i = 0; i < count && code == TOW_OK; i++) {
        code = tow_type_check(fields[i].type, err);
        if (code != TOW_OK)
            tow_error_prefix(err, "column \"%s\"", fields[i].name);
    }
    return code;
}

static int schema_check_struct(const struct ArrowSchema *schema, struct tow_error *err)
{
    if (!schema || !schema->release || !schema->format)
        return tow_error_set(err, TOW_E_BUG, "the schema is released or has no format");
    if (strcmp(schema->format, "+s") != 0 || schema->dictionary)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "the schema's Arrow format is \"%s\"; a batch is a struct (\"+s\")",
                             schema->format);
    if (schema->n_children < 0 || (schema->n_children > 0 && !schema->children))
        return tow_error_set(err, TOW_E_BUG, "the schema has %lld columns and %s list of them",
                             (long long)schema->n_children, schema->children ? "a" : "no");
    return TOW_OK;
}

int tow_schema_validate(const struct ArrowSchema *schema, struct tow_error *err)
{
    struct tow_field field;
    const char **names;
    int code = schema_check_struct(schema, err);

    if (code != TOW_OK)
        return code;
    names = calloc((size_t)schema->n_children + 1, sizeof *names);
    if (!names)
        return tow_error_nomem(err);
    for (int64_t i = 0; i < schema->n_children && code == TOW_OK; i++) {
        code = tow_schema_field(schema, i, &field, err);
        names[i] = field.name;
    }
    if (code == TOW_OK)
        code = schema_check_names(names, (size_t)schema->n_children, err);
    free(names);
    return code;
}

/* ---- reading -------------------------------------------------------------------------------- */

static int schema_check_child(const struct ArrowSchema *child, struct tow_error *err)
{
    if (!child->format)
        return tow_error_set(err, TOW_E_BUG, "no Arrow format");
    if (child->dictionary)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "dictionary encoding is not supported; send the values themselves");
    return TOW_OK;
}

int tow_schema_field(const struct ArrowSchema *schema, int64_t index, struct tow_field *out,
                     struct tow_error *err)
{
    const struct ArrowSchema *child;
    size_t metadata_size;
    int is_json = 0, code;

    *out = (struct tow_field){NULL, {0, 0, 0}, 0};
    if (index < 0 || index >= schema->n_children)
        return tow_error_set(err, TOW_E_BUG, "column %lld of %lld was asked for", (long long)index,
                             (long long)schema->n_children);
    child = schema->children[index];
    if (!child || !child->release)
        return tow_error_set(err, TOW_E_BUG, "column %lld of the schema is released",
                             (long long)index);
    out->name = child->name ? child->name : "";
    out->not_null = !(child->flags & ARROW_FLAG_NULLABLE);
    code = schema_check_child(child, err);
    if (code == TOW_OK)
        code = tow_type_from_format(child->format, &out->type, err);
    if (code == TOW_OK && schema_read_metadata(child->metadata, &metadata_size, &is_json) != 0)
        code = tow_error_set(err, TOW_E_BUG, "broken metadata");
    if (code != TOW_OK)
        tow_error_prefix(err, "column \"%s\"", out->name);
    /* Extensions that are not known stay what they are stored as, as the specification wants. */
    else if (is_json && out->type.id == TOW_TYPE_STRING)
        out->type.id = TOW_TYPE_JSON;
    return code;
}

int64_t tow_schema_find(const struct ArrowSchema *schema, const char *name)
{
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->name && strcmp(schema->children[i]->name, name) == 0)
            return i;
    return -1;
}

static int schema_fields_equal(const struct tow_field *a, const struct tow_field *b)
{
    return strcmp(a->name, b->name) == 0 && a->type.id == b->type.id &&
           a->type.precision == b->type.precision && a->type.scale == b->type.scale &&
           a->not_null == b->not_null;
}

int tow_schema_equal(const struct ArrowSchema *a, const struct ArrowSchema *b)
{
    struct tow_field left, right;

    if (a->n_children != b->n_children)
        return 0;
    for (int64_t i = 0; i < a->n_children; i++)
        if (tow_schema_field(a, i, &left, NULL) != TOW_OK ||
            tow_schema_field(b, i, &right, NULL) != TOW_OK || !schema_fields_equal(&left, &right))
            return 0;
    return 1;
}
