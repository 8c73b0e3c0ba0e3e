/* The entries of `columns`, as far as they can be judged without the source's columns. */
#include <stdlib.h>
#include <string.h>

#include "config/excerpt.h"
#include "config/job_keys.h"
#include "config/job_reader.h"
#include "config/option/bind.h"
#include "towpath/value.h"

#define COLUMN_NAME_MAX 255

struct column_entry {
    const char *name, *from, *type, *format;
    int32_t required, trim, lower;
    int32_t hash; /* -1: none */
};

const struct tow_option tow_job_column_options[] = {
    {"name", TOW_OPTION_STRING, TOW_OPTION_REQUIRED, offsetof(struct column_entry, name), NULL, 1,
     COLUMN_NAME_MAX, NULL, "name of the column that goes out"},
    {"from", TOW_OPTION_STRING, 0, offsetof(struct column_entry, from), NULL, 1, COLUMN_NAME_MAX,
     NULL, "column of the source"},
    {"type", TOW_OPTION_STRING, 0, offsetof(struct column_entry, type), NULL, 0, 0, NULL,
     "type that goes out"},
    {"format", TOW_OPTION_STRING, 0, offsetof(struct column_entry, format), NULL, 1,
     COLUMN_NAME_MAX, NULL, "how dates, timestamps and binary stand in text"},
    {"required", TOW_OPTION_BOOL, 0, offsetof(struct column_entry, required), "false", 0, 0, NULL,
     "null rejects the row"},
    {"trim", TOW_OPTION_BOOL, 0, offsetof(struct column_entry, trim), "false", 0, 0, NULL,
     "drop blanks around text"},
    {"lower", TOW_OPTION_BOOL, 0, offsetof(struct column_entry, lower), "false", 0, 0, NULL,
     "lower case"},
    {"hash", TOW_OPTION_CHOICE, 0, offsetof(struct column_entry, hash), NULL, 0, 0, "sha256",
     "replace text by its hash"},
    TOW_OPTIONS_END,
};

/* Keys that take values of any plain kind. */
const char *const tow_job_column_values[] = {"default", "value", "null_if", NULL};

/* The value as text, in the pool; *out stays NULL after a finding. */
static int column_read_text(struct tow_job_reader *reader, const struct tow_setting *value,
                            const char *key, const char **out)
{
    char number[TOW_DOUBLE_TEXT_MAX + 1] = "";
    const char *text = number;

    switch (value->kind) {
    case TOW_SETTING_STRING:
        text = value->text;
        break;
    case TOW_SETTING_INT:
        *tow_put_int64(number, value->integer) = '\0';
        break;
    case TOW_SETTING_DOUBLE:
        *tow_put_double(number, value->number) = '\0';
        break;
    case TOW_SETTING_BOOL:
        text = value->integer ? "true" : "false";
        break;
    default:
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, value->file, value->line,
                      "%s: is of type %s, must be a string, number or boolean", key,
                      tow_setting_kind_name(value->kind));
        return TOW_OK;
    }
    *out = tow_pool_text(&reader->content->pool, text, strlen(text));
    return *out ? TOW_OK : tow_error_nomem(reader->err);
}

static int column_read_null_if(struct tow_job_reader *reader, const struct tow_setting *value,
                               struct tow_column_spec *spec)
{
    const struct tow_setting *items = value->kind == TOW_SETTING_LIST ? value->items : value;
    size_t count = value->kind == TOW_SETTING_LIST ? value->count : 1;
    const char **texts = tow_pool_alloc(&reader->content->pool, (count + 1) * sizeof *texts);
    int rc = texts ? TOW_OK : tow_error_nomem(reader->err);

    for (size_t i = 0; !rc && i < count; i++)
        rc = column_read_text(reader, &items[i], "null_if", &texts[i]);
    spec->null_if = texts;
    spec->null_if_count = rc ? 0 : count;
    return rc;
}

static int column_read_values(struct tow_job_reader *reader, const struct tow_setting *entry,
                              struct tow_column_spec *spec)
{
    const struct tow_setting *fallback = tow_setting_get(entry, "default");
    const struct tow_setting *value = tow_setting_get(entry, "value");
    const struct tow_setting *null_if = tow_setting_get(entry, "null_if");
    int rc = TOW_OK;

    if (fallback)
        rc = column_read_text(reader, fallback, "default", &spec->fallback);
    if (!rc && value)
        rc = column_read_text(reader, value, "value", &spec->value);
    if (!rc && null_if)
        rc = column_read_null_if(reader, null_if, spec);
    return rc;
}

static void column_check_value(const struct tow_job_reader *reader, const struct tow_setting *entry)
{
    static const char *const excluded[] = {"from", "required", "default", "null_if"};

    if (!tow_setting_get(entry, "value"))
        return;
    for (size_t i = 0; i < sizeof excluded / sizeof *excluded; i++) {
        const struct tow_setting *key = tow_setting_get(entry, excluded[i]);

        if (key)
            tow_diags_add(reader->diags, TOW_DIAG_ERROR, key->file, key->line,
                          "\"value\" and \"%s\" exclude each other", key->name);
    }
}

static void column_read_type(const struct tow_job_reader *reader, const struct tow_setting *entry,
                             const char *text, struct tow_column_spec *spec)
{
    static const char *const names[] = {
        "bool",   "int8",    "int16",   "int32",  "int64",  "uint8",   "uint16",    "uint32",
        "uint64", "float32", "float64", "string", "binary", "date",    "timestamp", "timestamp_ntz",
        "json",   "int",     "double",  "float",  "text",   "boolean", NULL,
    };
    const struct tow_setting *at = tow_setting_get(entry, "type");
    struct tow_error own = TOW_ERROR_INIT;
    char shown[TOW_EXCERPT_MAX];

    if (tow_type_parse(text, &spec->type, &own) == TOW_OK) {
        spec->has_type = 1;
        return;
    }
    const char *nearest = tow_nearest(text, names);
    if (nearest)
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, at->file, at->line,
                      "type \"%s\" is not known; did you mean \"%s\"?",
                      tow_excerpt(text, strlen(text), shown), nearest);
    else
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, at->file, at->line, "%s", own.message);
}

static int column_read(struct tow_job_reader *reader, const struct tow_setting *entry,
                       struct tow_column_spec *spec)
{
    struct column_entry read = {.hash = -1};
    struct tow_binding binding = {
        .options = tow_job_column_options,
        .others = tow_job_column_values,
        .owner = "a column",
        .self = &read,
        .target = {&reader->content->pool, reader->job->dir},
        .diags = reader->diags,
    };
    int rc = tow_bind(&binding, entry, reader->err);

    if (!rc)
        rc = column_read_values(reader, entry, spec);
    if (rc)
        return rc;
    column_check_value(reader, entry);
    if (read.type)
        column_read_type(reader, entry, read.type, spec);
    spec->name = read.name;
    spec->from = read.from || spec->value ? read.from : read.name;
    spec->format = read.format;
    spec->required = read.required;
    spec->trim = read.trim;
    spec->lower = read.lower;
    spec->hash_sha256 = read.hash == 0;
    spec->file = entry->file;
    spec->line = entry->line;
    return TOW_OK;
}

static int column_compare(const void *a, const void *b)
{
    const struct tow_column_spec *left = *(const struct tow_column_spec *const *)a;
    const struct tow_column_spec *right = *(const struct tow_column_spec *const *)b;
    int by_name = strcmp(left->name, right->name);

    /* Specs lie in one array, in order of the file. */
    return by_name ? by_name : (left > right) - (left < right);
}

static int columns_check_names(struct tow_job_reader *reader)
{
    const struct tow_job *job = reader->job;
    const struct tow_column_spec **sorted = calloc(job->column_count + 1, sizeof *sorted);
    size_t count = 0;

    if (!sorted)
        return tow_error_nomem(reader->err);
    for (size_t i = 0; i < job->column_count; i++)
        if (job->columns[i].name)
            sorted[count++] = &job->columns[i];
    qsort(sorted, count, sizeof *sorted, column_compare);
    for (size_t i = 1; i < count; i++) {
        char shown[TOW_EXCERPT_MAX];
        const char *name = sorted[i]->name;

        if (strcmp(name, sorted[i - 1]->name) == 0)
            tow_diags_add(reader->diags, TOW_DIAG_ERROR, sorted[i]->file, sorted[i]->line,
                          "two columns are named \"%s\"; the first in line %d",
                          tow_excerpt(name, strlen(name), shown), sorted[i - 1]->line);
    }
    free(sorted);
    return TOW_OK;
}

int tow_job_read_columns(struct tow_job_reader *reader)
{
    const struct tow_setting *list = tow_setting_get(&reader->content->group, "columns");
    struct tow_job *job = reader->job;
    int rc = TOW_OK;

    if (!list || !tow_job_expect_kind(reader, list, TOW_SETTING_LIST))
        return TOW_OK;
    job->has_columns = 1;
    if (list->count == 0) {
        tow_diags_add(reader->diags, TOW_DIAG_ERROR, list->file, list->line,
                      "columns: the list is empty; leave it out to pass all columns");
        return TOW_OK;
    }
    job->columns = calloc(list->count, sizeof *job->columns);
    if (!job->columns)
        return tow_error_nomem(reader->err);
    job->column_count = list->count;
    for (size_t i = 0; !rc && i < list->count; i++)
        if (tow_job_expect_kind(reader, &list->items[i], TOW_SETTING_GROUP))
            rc = column_read(reader, &list->items[i], &job->columns[i]);
    return rc ? rc : columns_check_names(reader);
}
