#include "plugins/lytics_audience/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_NUMBER_MAX 24 /* digits behind a name, and their NUL */

/* ---- which ---------------------------------------------------------------------------------- */

void tow_member_columns_release(struct tow_member_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        free(columns->items[i].field);
        free(columns->items[i].name);
    }
    free(columns->items);
    free(columns->by_field);
    *columns = (struct tow_member_columns){.items = NULL};
}

static int columns_grow(struct tow_member_columns *columns, struct tow_error *err)
{
    const size_t capacity = columns->capacity ? 2 * columns->capacity : 32;
    struct tow_member_column *items;

    if (columns->count < columns->capacity)
        return TOW_OK;
    items = reallocarray(columns->items, capacity, sizeof *items);
    if (!items)
        return tow_error_nomem(err);
    columns->items = items;
    columns->capacity = capacity;
    return TOW_OK;
}

static struct tow_member_column *columns_find(const struct tow_member_columns *columns,
                                              const char *field)
{
    for (size_t i = 0; i < columns->count; i++)
        if (columns->items[i].field && strcmp(columns->items[i].field, field) == 0)
            return &columns->items[i];
    return NULL;
}

/* One that the API tells twice is one. */
int tow_member_columns_add(struct tow_member_columns *columns, const char *field,
                           enum tow_lytics_kind kind, struct tow_error *err)
{
    char *copy;
    int code;

    if (!*field || columns_find(columns, field))
        return TOW_OK;
    code = columns_grow(columns, err);
    copy = code == TOW_OK ? strdup(field) : NULL;
    if (code == TOW_OK && !copy)
        code = tow_error_nomem(err);
    if (code != TOW_OK)
        return code;
    columns->items[columns->count++] =
        (struct tow_member_column){.field = copy, .name = NULL, .kind = kind};
    return TOW_OK;
}

int tow_member_columns_pick(struct tow_member_columns *columns, const struct tow_strings *fields,
                            struct tow_error *err)
{
    struct tow_member_columns picked = {.items = NULL};
    int code = TOW_OK;

    if (fields->count == 0)
        return TOW_OK;
    for (uint64_t i = 0; i < fields->count && code == TOW_OK; i++) {
        const struct tow_member_column *column = columns_find(columns, fields->items[i]);

        code = column ? tow_member_columns_add(&picked, column->field, column->kind, err)
                      : tow_error_set(err, TOW_E_CONFIG,
                                      "fields: profiles have no field \"%.200s\" (of %zu)",
                                      fields->items[i], columns->count);
    }
    tow_member_columns_release(code == TOW_OK ? columns : &picked);
    if (code == TOW_OK)
        *columns = picked;
    return code;
}

/* ---- names ---------------------------------------------------------------------------------- */

static int columns_is_odd(char byte)
{
    return byte != '\0' && strchr(" ,;{}()\n\t=", byte) != NULL;
}

/* Beyond ASCII the far end decides what differs in case only. */
static int columns_is_taken(const struct tow_member_columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (columns->items[i].name && strcasecmp(columns->items[i].name, name) == 0)
            return 1;
    return 0;
}

/* The field's name with what a table can have, and a number where that is taken. */
static int columns_name(const struct tow_member_columns *columns, struct tow_member_column *column,
                        struct tow_error *err)
{
    const size_t length = strlen(column->field);
    char *name = malloc(length + COLUMNS_NUMBER_MAX);

    if (!name)
        return tow_error_nomem(err);
    memcpy(name, column->field, length + 1);
    for (char *p = name; *p; p++)
        if (columns_is_odd(*p))
            *p = '_';
    for (size_t i = 1; columns_is_taken(columns, name); i++)
        snprintf(name + length, COLUMNS_NUMBER_MAX, "%zu", i);
    column->name = name;
    return TOW_OK;
}

static int columns_is_plain(const char *field)
{
    return strpbrk(field, " ,;{}()\n\t=") == NULL;
}

static int columns_by_field(const void *a, const void *b, void *context)
{
    const struct tow_member_columns *columns = context;
    const size_t *one = a, *other = b;

    return strcmp(columns->items[*one].field, columns->items[*other].field);
}

int tow_member_columns_end(struct tow_member_columns *columns, struct tow_error *err)
{
    int code = TOW_OK;

    if (columns->count == 0)
        return tow_error_set(err, TOW_E_CONFIG, "profiles have no fields that could be columns");
    columns->by_field = calloc(columns->count, sizeof *columns->by_field);
    if (!columns->by_field)
        return tow_error_nomem(err);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < columns->count && code == TOW_OK; i++) {
            struct tow_member_column *column = &columns->items[i];
            const int is_natural =
                columns_is_plain(column->field) && !columns_is_taken(columns, column->field);

            if (!column->name && (round > 0 || is_natural))
                code = columns_name(columns, column, err);
        }
    for (size_t i = 0; i < columns->count; i++)
        columns->by_field[i] = i;
    qsort_r(columns->by_field, columns->count, sizeof *columns->by_field, columns_by_field,
            columns);
    return code;
}

/* ---- use ------------------------------------------------------------------------------------ */

int64_t tow_member_columns_find(const struct tow_member_columns *columns, const char *field,
                                size_t length)
{
    size_t low = 0, high = columns->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const char *there = columns->items[columns->by_field[middle]].field;
        int order = strncmp(field, there, length);

        if (order == 0 && there[length] == '\0')
            return (int64_t)columns->by_field[middle];
        /* The other is longer where they are equal up to here. */
        if (order <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

static struct tow_type columns_type(enum tow_lytics_kind kind, int is_text)
{
    static const enum tow_type_id types[] = {
        [TOW_LYTICS_TEXT] = TOW_TYPE_STRING,    [TOW_LYTICS_BOOL] = TOW_TYPE_BOOL,
        [TOW_LYTICS_INT] = TOW_TYPE_INT64,      [TOW_LYTICS_NUMBER] = TOW_TYPE_FLOAT64,
        [TOW_LYTICS_TIME] = TOW_TYPE_TIMESTAMP, [TOW_LYTICS_OTHER] = TOW_TYPE_JSON,
    };

    if (is_text && kind != TOW_LYTICS_OTHER)
        kind = TOW_LYTICS_TEXT;
    return (struct tow_type){types[kind], 0, 0};
}

int tow_member_columns_schema(const struct tow_member_columns *columns, int is_text,
                              struct ArrowSchema *out, struct tow_error *err)
{
    struct tow_field *fields = calloc(columns->count, sizeof *fields);
    int code;

    if (!fields)
        return tow_error_nomem(err);
    for (size_t i = 0; i < columns->count; i++)
        fields[i] = (struct tow_field){columns->items[i].name,
                                       columns_type(columns->items[i].kind, is_text), 0};
    code = tow_schema_make(out, fields, columns->count, err);
    free(fields);
    return code;
}
