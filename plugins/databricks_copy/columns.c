#include "plugins/databricks_copy/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugins/databricks_copy/types.h"
#include "plugins/shared/databricks_types.h"

#define COLUMNS_NAMED_MAX 8 /* in a message */

/* Databricks compares names without regard to case. Beyond ASCII the far end decides. */
static int columns_is(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

static struct tow_copy_column *columns_find(const struct tow_copy_columns *columns,
                                            const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (columns_is(columns->items[i].name, name))
            return &columns->items[i];
    return NULL;
}

/* ---- a table to create ---------------------------------------------------------------------- */

static int columns_check_name(const struct tow_copy_columns *columns, const char *name,
                              struct tow_error *err)
{
    const struct tow_copy_column *other = columns_find(columns, name);

    if (other)
        return tow_error_set(err, TOW_E_CONFIG,
                             "columns \"%s\" and \"%s\" differ in case only, which is one name to "
                             "Databricks: rename one in `columns`",
                             other->name, name);
    if (columns_is(name, TOW_COPY_ORDINAL))
        return tow_error_set(err, TOW_E_CONFIG,
                             "column \"%s\" has the name of the column that a load keeps the order "
                             "of rows in: rename it in `columns`",
                             name);
    return TOW_OK;
}

static int columns_add(struct tow_copy_columns *columns, const struct tow_field *field,
                       struct tow_error *err)
{
    struct tow_copy_column *column = &columns->items[columns->count];
    char sql_type[TOW_DATABRICKS_TYPE_MAX];
    int code = columns_check_name(columns, field->name, err);

    if (code != TOW_OK)
        return code;
    *column = (struct tow_copy_column){
        .name = strdup(field->name),
        .sql_type = strdup(tow_databricks_type_sql(field->type, sql_type)),
        .type = field->type,
        .index = (int64_t)columns->count,
        .is_missing = 1,
    };
    columns->count++;
    columns->missing++;
    return column->name && column->sql_type ? TOW_OK : tow_error_nomem(err);
}

static int columns_set_type(struct tow_copy_columns *columns, const char *text,
                            struct tow_error *err)
{
    const char *equals = strchr(text, '=');
    char *name = equals ? strndup(text, (size_t)(equals - text)) : NULL;
    struct tow_copy_column *column = name ? columns_find(columns, name) : NULL;
    char type[TOW_TYPE_TEXT_MAX];
    int code = TOW_OK;

    if (!equals)
        code = tow_error_set(err, TOW_E_CONFIG, "column_types: \"%s\" is not of the form name=TYPE",
                             text);
    else if (!name)
        code = tow_error_nomem(err);
    else if (!column)
        code = tow_error_set(err, TOW_E_CONFIG, "column_types: there is no column \"%s\"", name);
    else if (!tow_copy_type_is_safe(equals + 1))
        code = tow_error_set(err, TOW_E_CONFIG, "column_types: \"%s\" is no SQL type", equals + 1);
    else if (!tow_copy_type_fits(column->type, equals + 1))
        code = tow_error_set(err, TOW_E_CONFIG,
                             "column_types: %s does not hold every value of column \"%s\", which "
                             "is %s: give it another type in `columns`",
                             equals + 1, column->name, tow_type_name(column->type, type));
    free(name);
    if (code != TOW_OK)
        return code;
    free(column->sql_type);
    column->sql_type = strdup(equals + 1);
    return column->sql_type ? TOW_OK : tow_error_nomem(err);
}

static int columns_set_key(struct tow_copy_columns *columns, const char *name,
                           struct tow_error *err)
{
    struct tow_copy_column *column = columns_find(columns, name);

    if (!column)
        return tow_error_set(err, TOW_E_CONFIG, "keys: there is no column \"%s\"", name);
    if (column->is_key)
        return tow_error_set(err, TOW_E_CONFIG, "keys: column \"%s\" is named twice", name);
    if (column->type.id == TOW_TYPE_JSON)
        return tow_error_set(err, TOW_E_CONFIG,
                             "keys: column \"%s\" is json, of which there are several texts for "
                             "one value: make it a string in `columns`",
                             name);
    column->is_key = 1;
    return TOW_OK;
}

int tow_copy_columns_init(struct tow_copy_columns *columns, const struct ArrowSchema *schema,
                          const struct tow_copy_column_spec *spec, struct tow_error *err)
{
    int code = TOW_OK;

    *columns = (struct tow_copy_columns){.items = NULL};
    if (schema->n_children < 1)
        return tow_error_set(err, TOW_E_CONFIG, "a table needs one column at least");
    columns->items = calloc((size_t)schema->n_children, sizeof *columns->items);
    if (!columns->items)
        return tow_error_nomem(err);
    for (int64_t i = 0; i < schema->n_children && code == TOW_OK; i++) {
        struct tow_field field;

        code = tow_schema_field(schema, i, &field, err);
        if (code == TOW_OK)
            code = columns_add(columns, &field, err);
    }
    for (uint64_t i = 0; i < spec->types.count && code == TOW_OK; i++)
        code = columns_set_type(columns, spec->types.items[i], err);
    for (uint64_t i = 0; i < spec->keys.count && code == TOW_OK; i++)
        code = columns_set_key(columns, spec->keys.items[i], err);
    return code;
}

void tow_copy_columns_release(struct tow_copy_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        free(columns->items[i].name);
        free(columns->items[i].sql_type);
    }
    free(columns->items);
    *columns = (struct tow_copy_columns){.items = NULL};
}

/* ---- a table that is there ------------------------------------------------------------------ */

static void columns_exchange(struct tow_copy_column *a, struct tow_copy_column *b)
{
    struct tow_copy_column kept = *a;

    *a = *b;
    *b = kept;
}

static void columns_take_text(char **mine, char **theirs)
{
    free(*mine);
    *mine = *theirs;
    *theirs = NULL;
}

/* Appends to a message as far as there is room; a message is one line, names need not be. */
__attribute__((format(printf, 4, 5))) static size_t columns_say(char *text, size_t size,
                                                                size_t used, const char *format,
                                                                ...)
{
    va_list args;
    int length;

    if (used + 1 >= size)
        return used;
    va_start(args, format);
    length = vsnprintf(text + used, size - used, format, args);
    va_end(args);
    for (char *p = text + used; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    /* A character that was cut goes as a whole. */
    text[tow_utf8_prefix(text, strlen(text))] = '\0';
    return length < 0 ? used : used + (size_t)length;
}

/* One that a key or a value cannot go into is added to what is said. */
static void columns_look(const struct tow_copy_column *column, char *wrong, size_t size,
                         size_t *used)
{
    const char *between = *used > 0 ? "; " : "";
    char type[TOW_TYPE_TEXT_MAX];

    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was freed was another text. */
    if (!tow_copy_type_fits(column->type, column->sql_type))
        *used = columns_say(wrong, size, *used, "%scolumn %s is %s there, %s here", between,
                            column->name, column->sql_type, tow_type_name(column->type, type));
    else if (column->is_key && !tow_copy_type_is_key(column->sql_type))
        *used = columns_say(wrong, size, *used, "%skey %s is %s there, which cannot be compared",
                            between, column->name, column->sql_type);
}

/* Spelling and type of a column that the table has; *found are in the table's order by now. */
static int columns_match(struct tow_copy_columns *columns, struct tow_copy_column *column,
                         const struct tow_described *there, size_t *found, struct tow_error *err)
{
    struct tow_described copy = {strdup(there->name), strdup(there->sql_type)};
    int is_whole = copy.name && copy.sql_type;

    if (is_whole) {
        columns_take_text(&column->name, &copy.name);
        columns_take_text(&column->sql_type, &copy.sql_type);
        column->is_missing = 0;
        columns->missing--;
        columns_exchange(&columns->items[(*found)++], column);
    }
    free(copy.name);
    free(copy.sql_type);
    return is_whole ? TOW_OK : tow_error_nomem(err);
}

static int columns_by_index(const void *a, const void *b)
{
    const struct tow_copy_column *one = a, *other = b;

    return (one->index > other->index) - (one->index < other->index);
}

int tow_copy_columns_fit(struct tow_copy_columns *columns, const char *table,
                         const struct tow_described *there, size_t count, struct tow_error *err)
{
    char wrong[sizeof err->message / 2];
    size_t found = 0, used = 0;

    wrong[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        struct tow_copy_column *column = columns_find(columns, there[i].name);
        int code;

        if (!column || !column->is_missing) {
            columns->extra++;
            continue;
        }
        code = columns_match(columns, column, &there[i], &found, err);
        if (code != TOW_OK)
            return code;
        columns_look(&columns->items[found - 1], wrong, sizeof wrong, &used);
    }
    qsort(columns->items + found, columns->count - found, sizeof *columns->items, columns_by_index);
    if (used == 0)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "table %s does not hold these values: %s%s. Change their types in "
                         "`columns`, or the table",
                         table, wrong, used + 1 >= sizeof wrong ? " ..." : "");
}

void tow_copy_columns_name_missing(const struct tow_copy_columns *columns, char *text, size_t size)
{
    size_t used = 0, named = 0;

    text[0] = '\0';
    for (size_t i = 0; i < columns->count && named < COLUMNS_NAMED_MAX; i++)
        if (columns->items[i].is_missing)
            used =
                columns_say(text, size, used, "%s%s", named++ ? ", " : "", columns->items[i].name);
    if (columns->missing > named)
        columns_say(text, size, used, " and %zu more", columns->missing - named);
}

static int columns_needs_mapping(const char *name)
{
    return strpbrk(name, " ,;{}()\n\t=") != NULL;
}

int tow_copy_columns_need_mapping(const struct tow_copy_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        if (columns_needs_mapping(columns->items[i].name))
            return 1;
    return 0;
}

int tow_copy_columns_check_plain(const struct tow_copy_columns *columns, struct tow_error *err)
{
    for (size_t i = 0; i < columns->count; i++)
        if (columns_needs_mapping(columns->items[i].name))
            return tow_error_set(err, TOW_E_CONFIG,
                                 "column \"%.200s\" has one of the characters \" ,;{}()=\", tab or "
                                 "newline, which an inferred table cannot have in a name: rename "
                                 "it in `columns`, or set schema = \"typed\"",
                                 columns->items[i].name);
    return TOW_OK;
}
