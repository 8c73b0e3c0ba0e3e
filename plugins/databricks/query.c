#include "plugins/databricks/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The alias of what `query` selects. */
#define QUERY_ALIAS "q"

/* A statement being put together: after a failure nothing more is appended. */
struct query_writer {
    struct tow_query *query;
    const struct tow_query_source *source;
    const struct tow_scan_columns *columns;
    int code;
    struct tow_error *err;
};

static struct query_writer query_begin(struct tow_query *query,
                                       const struct tow_query_source *source,
                                       const struct tow_scan_columns *columns,
                                       struct tow_error *err)
{
    query->text.size = 0;
    query->parameter_count = 0;
    return (struct query_writer){query, source, columns, TOW_OK, err};
}

void tow_query_release(struct tow_query *query)
{
    tow_buffer_release(&query->text);
}

static void query_put(struct query_writer *w, const char *text)
{
    if (w->code == TOW_OK)
        w->code = tow_buffer_append(&w->query->text, text, strlen(text), w->err);
}

static void query_put_number(struct query_writer *w, int64_t number)
{
    char text[TOW_INT64_TEXT_MAX + 1];

    *tow_put_int64(text, number) = '\0';
    query_put(w, text);
}

static void query_put_name(struct query_writer *w, const char *name)
{
    if (w->code == TOW_OK)
        w->code = tow_sql_name(&w->query->text, name, w->err);
}

/* A column of what is read, whatever the select list calls the same. */
static void query_put_column(struct query_writer *w, const char *name)
{
    const struct tow_sql_table *table = w->source->table;

    query_put_name(w, w->source->options->table ? table->parts[table->count - 1] : QUERY_ALIAS);
    query_put(w, ".");
    query_put_name(w, name);
}

static void query_put_from(struct query_writer *w)
{
    query_put(w, " FROM ");
    if (!w->source->options->table) {
        query_put(w, "(");
        query_put(w, w->source->options->query);
        /* A comment may be the last of it. */
        query_put(w, "\n) AS ");
        query_put_name(w, QUERY_ALIAS);
        return;
    }
    if (w->code == TOW_OK)
        w->code = tow_sql_table(&w->query->text, w->source->table, w->err);
    if (w->source->version >= 0) {
        query_put(w, " VERSION AS OF ");
        query_put_number(w, w->source->version);
    }
}

static int query_end(struct query_writer *w)
{
    struct tow_buffer *text = &w->query->text;

    if (w->code == TOW_OK)
        w->code = tow_buffer_append(text, "", 1, w->err);
    if (w->code != TOW_OK)
        return w->code;
    text->size--;
    if (text->size > TOW_STATEMENT_TEXT_MAX)
        return tow_error_set(w->err, TOW_E_CONFIG,
                             "a statement of %zu bytes; at most %u can be sent", text->size,
                             TOW_STATEMENT_TEXT_MAX);
    return TOW_OK;
}

/* ---- before the rows ------------------------------------------------------------------------ */

static int query_is_listed(const struct tow_scan_options *options, const char *name)
{
    for (uint64_t i = 0; i < options->columns.count; i++)
        if (strcasecmp(options->columns.items[i], name) == 0)
            return 1;
    return 0;
}

int tow_query_columns(struct tow_query *query, const struct tow_query_source *source,
                      struct tow_error *err)
{
    const struct tow_scan_options *options = source->options;
    struct query_writer w = query_begin(query, source, NULL, err);

    query_put(&w, "SELECT ");
    if (options->columns.count == 0)
        query_put(&w, "*");
    for (uint64_t i = 0; i < options->columns.count; i++) {
        query_put(&w, i > 0 ? ", " : "");
        query_put_column(&w, options->columns.items[i]);
    }
    for (size_t i = 0; options->columns.count > 0 && i < tow_scan_key_count(options); i++) {
        if (query_is_listed(options, tow_scan_key_name(options, i)))
            continue;
        query_put(&w, ", ");
        query_put_column(&w, tow_scan_key_name(options, i));
    }
    query_put_from(&w);
    query_put(&w, " LIMIT 0");
    return query_end(&w);
}

int tow_query_version(struct tow_query *query, const struct tow_query_source *source,
                      struct tow_error *err)
{
    struct query_writer w = query_begin(query, source, NULL, err);

    query_put(&w, "DESCRIBE HISTORY ");
    if (w.code == TOW_OK)
        w.code = tow_sql_table(&query->text, source->table, err);
    query_put(&w, " LIMIT 1");
    return query_end(&w);
}

int tow_query_describe(struct tow_query *query, const struct tow_query_source *source,
                       struct tow_error *err)
{
    struct query_writer w = query_begin(query, source, NULL, err);

    query_put(&w, "DESCRIBE TABLE ");
    if (w.code == TOW_OK)
        w.code = tow_sql_table(&query->text, source->table, err);
    return query_end(&w);
}

int tow_query_place(struct tow_query *query, struct tow_error *err)
{
    struct query_writer w = query_begin(query, NULL, NULL, err);

    query_put(&w, "SELECT current_catalog() AS `catalog`, current_schema() AS `schema`");
    return query_end(&w);
}

int tow_query_create(struct tow_query *query, const struct tow_query_source *source,
                     const struct tow_query_definition *columns, size_t count,
                     struct tow_error *err)
{
    const char *location = source->options->location;
    struct query_writer w = query_begin(query, source, NULL, err);

    query_put(&w, "CREATE TABLE IF NOT EXISTS ");
    if (w.code == TOW_OK)
        w.code = tow_sql_table(&query->text, source->table, err);
    for (size_t i = 0; i < count; i++) {
        query_put(&w, i ? ", " : " (");
        query_put_name(&w, columns[i].name);
        query_put(&w, " ");
        query_put(&w, columns[i].sql_type);
        query_put(&w, columns[i].not_null ? " NOT NULL" : "");
    }
    query_put(&w, ") USING DELTA");
    if (location) {
        query_put(&w, " LOCATION ");
        if (w.code == TOW_OK)
            w.code = tow_sql_string(&query->text, location, strlen(location), err);
    }
    return query_end(&w);
}

static void query_put_newest(struct query_writer *w, const struct tow_scan_column *cursor)
{
    const int is_instant = cursor->type.id == TOW_TYPE_TIMESTAMP;

    query_put(w, is_instant ? "unix_micros(max(" : "CAST(max(");
    query_put_column(w, cursor->name);
    query_put(w, is_instant ? ")) AS `newest`" : ") AS STRING) AS `newest`");
}

int tow_query_bounds(struct tow_query *query, const struct tow_query_source *source,
                     const struct tow_scan_column *cursor, unsigned wanted, struct tow_error *err)
{
    struct query_writer w = query_begin(query, source, NULL, err);

    query_put(&w, "SELECT ");
    if (wanted & TOW_QUERY_NOW)
        query_put(&w, "unix_micros(current_timestamp()) AS `now`");
    if (wanted & TOW_QUERY_NEWEST) {
        query_put(&w, wanted & TOW_QUERY_NOW ? ", " : "");
        query_put_newest(&w, cursor);
    }
    if (wanted & TOW_QUERY_NULLS) {
        query_put(&w, wanted != TOW_QUERY_NULLS ? ", " : "");
        query_put(&w, "count_if(");
        query_put_column(&w, cursor->name);
        query_put(&w, " IS NULL) AS `nulls`");
    }
    if (wanted == TOW_QUERY_NOW)
        return query_end(&w);
    query_put_from(&w);
    if (source->options->where) {
        query_put(&w, " WHERE (");
        query_put(&w, source->options->where);
        query_put(&w, "\n)");
    }
    return query_end(&w);
}

/* ---- the rows ------------------------------------------------------------------------------- */

static void query_put_select(struct query_writer *w, int is_cast)
{
    query_put(w, "SELECT ");
    for (size_t i = 0; i < w->columns->count; i++) {
        const struct tow_scan_column *column = &w->columns->items[i];
        const struct tow_scan_cast cast = tow_scan_column_cast(column);

        query_put(w, i > 0 ? ", " : "");
        query_put(w, is_cast ? cast.before : "");
        query_put_column(w, column->name);
        if (is_cast && cast.type_text) {
            query_put(w, cast.behind);
            query_put(w, " AS ");
            query_put_name(w, column->name);
        }
    }
}

/* ":name" of a new parameter for a value of column i of the key. */
static void query_put_parameter(struct query_writer *w, const char *name, size_t i,
                                const char *value)
{
    struct tow_query *query = w->query;
    struct tow_type type = tow_scan_key(w->columns, i)->type;
    const size_t n = query->parameter_count;

    if (w->code != TOW_OK)
        return;
    /* A whole number of any width compares well with the widest, and none is out of its range. */
    if (type.id == TOW_TYPE_INT8 || type.id == TOW_TYPE_INT16 || type.id == TOW_TYPE_INT32)
        type.id = TOW_TYPE_INT64;
    snprintf(query->names[n], sizeof query->names[n], "%s%zu", name, i);
    query->parameters[n] = (struct tow_statement_parameter){
        query->names[n], tow_databricks_type_sql(type, query->types[n]), value};
    query->parameter_count++;
    query_put(w, ":");
    query_put(w, query->names[n]);
}

/* "`c` > :name" with nulls as the least: there is no parameter for one. */
static void query_put_compare(struct query_writer *w, size_t i, const char *how,
                              const char *parameter)
{
    query_put_column(w, tow_scan_key(w->columns, i)->name);
    query_put(w, how);
    query_put(w, parameter ? ":" : "");
    query_put(w, parameter ? parameter : "");
}

/*
 * Rows behind a key, or from it on, in the order of its columns:
 *   (c0 > :a0 OR (c0 = :a0 AND (c1 > :a1 OR ...)))
 * where a null value makes "c0 > NULL" into "c0 IS NOT NULL", and "c0 = NULL" into "c0 IS NULL".
 */
static void query_put_beyond(struct query_writer *w, const struct tow_query_key *key,
                             const char *name, int with_itself)
{
    for (size_t i = 0; i < key->count; i++) {
        const char *value = key->values[i];
        const int is_last = i + 1 == key->count;
        const char *parameter = NULL;

        query_put(w, "(");
        query_put_column(w, tow_scan_key(w->columns, i)->name);
        if (value) {
            query_put(w, is_last && with_itself ? " >= " : " > ");
            query_put_parameter(w, name, i, value);
            parameter = w->code == TOW_OK ? w->query->names[w->query->parameter_count - 1] : NULL;
        } else {
            query_put(w, " IS NOT NULL");
        }
        if (is_last && with_itself && !value) {
            query_put(w, " OR ");
            query_put_compare(w, i, " IS NULL", NULL);
        }
        if (!is_last) {
            query_put(w, " OR (");
            query_put_compare(w, i, value ? " = " : " IS NULL", parameter);
            query_put(w, " AND ");
        }
    }
    for (size_t i = 0; i < key->count; i++)
        query_put(w, i > 0 ? "))" : ")");
}

static void query_put_and(struct query_writer *w, int *count)
{
    query_put(w, (*count)++ > 0 ? " AND " : " WHERE ");
}

/* Rows without a cursor value come in a load that has no lower bound, or has not left them
 * behind. */
static int query_wants_nulls(const struct query_writer *w, const struct tow_query_range *range)
{
    return w->source->options->null_cursor != TOW_SCAN_NULLS_SKIP &&
           (range->after.count == 0 || !range->after.values[0]);
}

static void query_put_cursor_bounds(struct query_writer *w, const struct tow_query_range *range,
                                    int *count)
{
    const int wants_nulls = query_wants_nulls(w, range);

    if (range->has_upto) {
        query_put_and(w, count);
        query_put(w, wants_nulls ? "(" : "");
        query_put_column(w, tow_scan_key(w->columns, 0)->name);
        query_put(w, " <= ");
        query_put_parameter(w, "upto", 0, range->upto);
        if (wants_nulls) {
            query_put(w, " OR ");
            query_put_compare(w, 0, " IS NULL)", NULL);
        }
    } else if (!wants_nulls && range->after.count == 0) {
        query_put_and(w, count);
        query_put_compare(w, 0, " IS NOT NULL", NULL);
    }
}

static void query_put_where(struct query_writer *w, const struct tow_query_range *range)
{
    int count = 0;

    if (w->source->options->where) {
        query_put_and(w, &count);
        query_put(w, "(");
        query_put(w, w->source->options->where);
        query_put(w, "\n)");
    }
    if (range->after.count > 0) {
        query_put_and(w, &count);
        query_put_beyond(w, &range->after, "after", 0);
    }
    if (w->source->options->cursor)
        query_put_cursor_bounds(w, range, &count);
    if (range->from.count > 0) {
        query_put_and(w, &count);
        query_put_beyond(w, &range->from, "from", 1);
    }
}

static int query_is_key(const struct tow_scan_columns *columns, size_t column)
{
    for (size_t i = 0; i < columns->key_count; i++)
        if (columns->keys[i] == column)
            return 1;
    return 0;
}

/* By the key; where nothing breaks its ties, by all else that has an order, so that two readings
 * of one snapshot agree. Nulls come first, as they do by default. */
static void query_put_order(struct query_writer *w)
{
    const struct tow_scan_columns *columns = w->columns;

    if (columns->key_count == 0)
        return;
    query_put(w, " ORDER BY ");
    for (size_t i = 0; i < columns->key_count; i++) {
        query_put(w, i > 0 ? ", " : "");
        query_put_column(w, tow_scan_key(columns, i)->name);
    }
    for (size_t i = 0; w->source->options->tie_break.count == 0 && i < columns->count; i++) {
        if (query_is_key(columns, i) || !tow_scan_column_is_ordered(&columns->items[i]))
            continue;
        query_put(w, ", ");
        query_put_column(w, columns->items[i].name);
    }
}

int tow_query_rows(struct tow_query *query, const struct tow_query_source *source,
                   const struct tow_scan_columns *columns, const struct tow_query_range *range,
                   int is_cast, struct tow_error *err)
{
    struct query_writer w = query_begin(query, source, columns, err);

    query_put_select(&w, is_cast);
    query_put_from(&w);
    query_put_where(&w, range);
    query_put_order(&w);
    if (range->limit > 0) {
        query_put(&w, " LIMIT ");
        query_put_number(&w, range->limit);
    }
    return query_end(&w);
}
