#include "plugins/databricks/columns.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- finding the key ------------------------------------------------------------------------ */

static int columns_find(const struct tow_scan_columns *columns, const char *name, size_t *index)
{
    for (*index = 0; *index < columns->count; (*index)++)
        if (strcasecmp(columns->items[*index].name, name) == 0)
            return 1;
    return 0;
}

static int columns_check_key(const struct tow_scan_columns *columns, size_t i, int is_cursor,
                             struct tow_error *err)
{
    const struct tow_scan_column *column = tow_scan_key(columns, i);
    const char *refusal = is_cursor ? tow_key_cursor_refusal(column->type, column->type_text)
                                    : tow_key_tie_refusal(column->type, column->type_text);

    if (!refusal)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG, "%s = \"%s\": the column's type is %s: %s",
                         is_cursor ? "cursor" : "tie_break", column->name, column->type_text,
                         refusal);
}

static int columns_find_keys(struct tow_scan_columns *columns,
                             const struct tow_scan_options *options, struct tow_error *err)
{
    const size_t count = tow_scan_key_count(options);
    int code = TOW_OK;

    for (size_t i = 0; i < count && code == TOW_OK; i++) {
        const char *name = tow_scan_key_name(options, i);

        if (!columns_find(columns, name, &columns->keys[i]))
            return tow_error_set(err, TOW_E_CONFIG, "%s = \"%s\": %s has no such column",
                                 options->cursor && i == 0 ? "cursor" : "tie_break", name,
                                 tow_scan_what(options));
        columns->key_count = i + 1;
        code = columns_check_key(columns, i, options->cursor && i == 0, err);
    }
    return code;
}

/* What the cursor's type says about the other options. */
static int columns_check_cursor(const struct tow_scan_columns *columns,
                                const struct tow_scan_options *options, struct tow_error *err)
{
    const struct tow_scan_column *cursor = options->cursor ? tow_scan_key(columns, 0) : NULL;
    struct tow_buffer text = {0};
    int code = TOW_OK;

    if (!cursor)
        return TOW_OK;
    if ((options->lag || options->overlap) && !tow_key_is_time(cursor->type))
        return tow_error_set(err, TOW_E_CONFIG,
                             "%s needs a cursor that is a timestamp or a date; \"%s\" is %s",
                             options->lag ? "lag" : "overlap", cursor->name, cursor->type_text);
    if (options->since)
        code = tow_key_since_put(&text, cursor->type, options->since, err);
    tow_buffer_release(&text);
    return code;
}

/* ---- taking them ---------------------------------------------------------------------------- */

static int columns_check_names(const struct tow_scan_columns *columns, const char *what,
                               struct tow_error *err)
{
    for (size_t i = 0; i < columns->count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcasecmp(columns->items[i].name, columns->items[j].name) == 0)
                return tow_error_set(err, TOW_E_CONFIG,
                                     "%s has two columns named \"%s\" (%zu and %zu); give one of "
                                     "them another name with AS",
                                     what, columns->items[i].name, j + 1, i + 1);
    return TOW_OK;
}

static int columns_take(struct tow_scan_columns *columns, const struct tow_statement_column *found,
                        size_t count, struct tow_error *err)
{
    columns->items = calloc(count + 1, sizeof *columns->items);
    columns->fields = calloc(count + 1, sizeof *columns->fields);
    if (!columns->items || !columns->fields)
        return tow_error_nomem(err);
    for (size_t i = 0; i < count; i++) {
        struct tow_scan_column *column = &columns->items[i];

        columns->count = i + 1;
        column->name = strdup(found[i].name);
        column->type_text = strdup(found[i].type_text);
        if (!column->name || !column->type_text)
            return tow_error_nomem(err);
        column->type = tow_databricks_type(column->type_text);
        columns->fields[i] = (struct tow_field){.name = column->name, .type = column->type};
    }
    return TOW_OK;
}

int tow_scan_columns_init(struct tow_scan_columns *columns, const struct tow_scan_options *options,
                          const struct tow_statement_column *found, size_t count,
                          struct tow_error *err)
{
    int code;

    tow_scan_columns_release(columns);
    if (count == 0)
        return tow_error_set(err, TOW_E_CONFIG, "%s has no columns", tow_scan_what(options));
    code = columns_take(columns, found, count, err);
    if (code != TOW_OK)
        return code;
    columns->shown = options->columns.count > 0 ? options->columns.count : count;
    if (columns->shown > count)
        return tow_error_set(err, TOW_E_ENV, "%s: %zu columns were asked for, and %zu came",
                             tow_scan_what(options), columns->shown, count);
    code = columns_check_names(columns, tow_scan_what(options), err);
    if (code == TOW_OK)
        code = columns_find_keys(columns, options, err);
    if (code == TOW_OK)
        code = columns_check_cursor(columns, options, err);
    return code;
}

void tow_scan_columns_release(struct tow_scan_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        free(columns->items[i].name);
        free(columns->items[i].type_text);
    }
    free(columns->items);
    free(columns->fields);
    *columns = (struct tow_scan_columns){0};
}

/* ---- order ---------------------------------------------------------------------------------- */

int tow_scan_column_is_ordered(const struct tow_scan_column *column)
{
    static const char *const unordered[] = {"map",  "variant", "geometry", "geography",
                                            "void", "null",    "object"};

    for (size_t i = 0; i < sizeof unordered / sizeof *unordered; i++)
        if (strncasecmp(column->type_text, unordered[i], strlen(unordered[i])) == 0)
            return 0;
    /* Nested ones are, where what they hold is. A field's name may say so wrongly: then the column
     * is left out of the order, no more. */
    return !strcasestr(column->type_text, "map<") && !strcasestr(column->type_text, "variant") &&
           !strcasestr(column->type_text, "geometry") &&
           !strcasestr(column->type_text, "geography");
}

static int columns_is_void(const struct tow_scan_column *column)
{
    return strcasecmp(column->type_text, "void") == 0 || strcasecmp(column->type_text, "null") == 0;
}

int tow_scan_columns_are_ordered(const struct tow_scan_columns *columns,
                                 const struct tow_scan_options *options)
{
    if (options->tie_break.count > 0)
        return 1;
    for (size_t i = 0; i < columns->count; i++)
        if (!tow_scan_column_is_ordered(&columns->items[i]) && !columns_is_void(&columns->items[i]))
            return 0;
    return 1;
}

/* ---- casts ---------------------------------------------------------------------------------- */

static int columns_is_nested(const struct tow_scan_column *column)
{
    return column->type.id == TOW_TYPE_JSON && strncasecmp(column->type_text, "variant", 7) != 0;
}

struct tow_scan_cast tow_scan_column_cast(const struct tow_scan_column *column)
{
    if (column->type.id == TOW_TYPE_TIMESTAMP)
        return (struct tow_scan_cast){"unix_micros(", ")", "BIGINT"};
    if (column->type.id == TOW_TYPE_TIMESTAMP_NTZ)
        return (struct tow_scan_cast){"CAST(", " AS STRING)", "STRING"};
    if (column->type.id == TOW_TYPE_BINARY)
        return (struct tow_scan_cast){"hex(", ")", "STRING"};
    if (columns_is_nested(column))
        return (struct tow_scan_cast){
            "to_json(",
            ", map('timestampFormat', 'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSSXXX', 'timestampNTZFormat', "
            "'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSS', 'ignoreNullFields', 'false'))",
            "STRING"};
    return (struct tow_scan_cast){"", "", NULL};
}

int tow_scan_columns_compare(const struct tow_scan_columns *columns,
                             const struct tow_statement_column *found, size_t count, int is_cast,
                             const char *what, struct tow_error *err)
{
    if (count != columns->count)
        return tow_error_set(err, TOW_E_ENV,
                             "%s was altered while it was opened: %zu columns then, %zu now; run "
                             "the job again",
                             what, columns->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct tow_scan_column *column = &columns->items[i];
        const char *type = is_cast ? tow_scan_column_cast(column).type_text : NULL;

        if (!type)
            type = column->type_text;
        if (strcasecmp(column->name, found[i].name) != 0)
            return tow_error_set(err, TOW_E_ENV,
                                 "%s was altered while it was opened: column %zu was \"%s\" and is "
                                 "now \"%s\"; run the job again",
                                 what, i + 1, column->name, found[i].name);
        if (strcasecmp(type, found[i].type_text) != 0)
            return tow_error_set(
                err, TOW_E_ENV,
                "%s was altered while it was opened: the type of column \"%s\" was "
                "%s and is now %s; run the job again",
                what, column->name, type, found[i].type_text);
    }
    return TOW_OK;
}
