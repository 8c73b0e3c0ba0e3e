/*
 * The columns that a statement selects: those of the batches, then cursor and tie-breakers that the
 * job does not ask for, which are read for their values alone.
 */
#ifndef PLUGINS_DATABRICKS_COLUMNS_H
#define PLUGINS_DATABRICKS_COLUMNS_H

#include <stddef.h>

#include "connectors/databricks/statement.h"
#include "plugins/databricks/key.h"
#include "plugins/databricks/options.h"
#include "towpath/batch.h"

struct tow_scan_column {
    char *name;      /* as the far end spells it */
    char *type_text; /* as the far end names it */
    struct tow_type type;
};

struct tow_scan_columns {
    struct tow_scan_column *items;
    size_t count;
    size_t shown;              /* the first of them: those of the batches */
    size_t keys[TOW_KEYS_MAX]; /* which are the cursor and the tie-breakers */
    size_t key_count;
    struct tow_field *fields; /* of all, names borrowed from items */
};

/*
 * Takes the columns of a manifest. TOW_E_CONFIG for doubled names, a cursor or tie-breaker that is
 * not among them or is of a type that cannot be one, and what since, lag and overlap cannot be
 * with.
 */
int tow_scan_columns_init(struct tow_scan_columns *columns, const struct tow_scan_options *options,
                          const struct tow_statement_column *found, size_t count,
                          struct tow_error *err);
void tow_scan_columns_release(struct tow_scan_columns *columns);

/* Column i of the key; type of it. */
static inline const struct tow_scan_column *tow_scan_key(const struct tow_scan_columns *columns,
                                                         size_t i)
{
    return &columns->items[columns->keys[i]];
}

/* 1 where rows can be ordered by a column of that type: maps, variants and shapes cannot. */
int tow_scan_column_is_ordered(const struct tow_scan_column *column);

/* 1 where all columns are ordered, or named as tie-breakers: no two rows that differ change places
 * between two readings of one snapshot. */
int tow_scan_columns_are_ordered(const struct tow_scan_columns *columns,
                                 const struct tow_scan_options *options);

/* How a column is written in the select list of a result that comes inline, where the plain value
 * would lose digits (Databricks REST API reference, Statement Execution, JSON_ARRAY): text before
 * and behind its name; "" for none. */
struct tow_scan_cast {
    const char *before, *behind;
    const char *type_text; /* of the outcome; NULL: the column's own */
};
struct tow_scan_cast tow_scan_column_cast(const struct tow_scan_column *column);

/*
 * Compares the columns of the statement that brings the rows with these. TOW_E_ENV names the first
 * that is another, or of another type. is_cast: 1 where it selects them by their casts.
 */
int tow_scan_columns_compare(const struct tow_scan_columns *columns,
                             const struct tow_statement_column *found, size_t count, int is_cast,
                             const char *what, struct tow_error *err);

#endif
