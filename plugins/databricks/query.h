/*
 * The statements that the source sends: their text and parameters.
 *
 * Values never stand in the text: they are parameters. Names stand in backticks. `query` and
 * `where` are the user's own SQL, in parentheses that they cannot leave (fragment.h).
 */
#ifndef PLUGINS_DATABRICKS_QUERY_H
#define PLUGINS_DATABRICKS_QUERY_H

#include "connectors/databricks/sql.h"
#include "connectors/databricks/statement.h"
#include "plugins/databricks/columns.h"
#include "plugins/databricks/options.h"

#define TOW_QUERY_PARAMETERS_MAX (2 * TOW_KEYS_MAX + 1)

struct tow_query {
    struct tow_buffer text; /* NUL behind it */
    struct tow_statement_parameter parameters[TOW_QUERY_PARAMETERS_MAX];
    size_t parameter_count;
    char names[TOW_QUERY_PARAMETERS_MAX][8];
    char types[TOW_QUERY_PARAMETERS_MAX][TOW_DATABRICKS_TYPE_MAX];
};

void tow_query_release(struct tow_query *query);

/* What is read: borrowed. */
struct tow_query_source {
    const struct tow_scan_options *options;
    const struct tow_sql_table *table; /* where options.table is set */
    int64_t version;                   /* of the table; -1: the newest */
};

/* The values of a key, or of its first columns; NULL among them are SQL's. Borrowed. */
struct tow_query_key {
    const char *values[TOW_KEYS_MAX];
    size_t count;
};

/* Which rows. Borrowed until the statement has run. */
struct tow_query_range {
    struct tow_query_key after; /* those behind this key; count 0: from the first */
    int has_upto;
    const char *upto;          /* whose cursor is at most that; NULL: SQL's, so none but nulls */
    struct tow_query_key from; /* of these, those from this key on, itself included */
    int64_t limit;             /* so many; 0: all */
};

/* SELECT ... LIMIT 0: tells the columns. */
int tow_query_columns(struct tow_query *query, const struct tow_query_source *source,
                      struct tow_error *err);
/* DESCRIBE HISTORY: column "version" is the newest one's number. */
int tow_query_version(struct tow_query *query, const struct tow_query_source *source,
                      struct tow_error *err);

/* DESCRIBE TABLE: its columns. */
int tow_query_describe(struct tow_query *query, const struct tow_query_source *source,
                       struct tow_error *err);

/* The catalog and schema that names without one stand in: columns "catalog" and "schema". */
int tow_query_place(struct tow_query *query, struct tow_error *err);

/* A column of a table to create; sql_type is no user's text. Borrowed. */
struct tow_query_definition {
    const char *name, *sql_type;
    int not_null;
};
/* CREATE TABLE IF NOT EXISTS. */
int tow_query_create(struct tow_query *query, const struct tow_query_source *source,
                     const struct tow_query_definition *columns, size_t count,
                     struct tow_error *err);

/*
 * One row with what is to be known before rows are read: column "newest", the greatest cursor value
 * as bound (timestamps as microseconds since 1970), "nulls", how many rows have none, and "now",
 * the warehouse's clock in microseconds since 1970; each where it is asked for.
 */
#define TOW_QUERY_NEWEST 1u
#define TOW_QUERY_NULLS  2u
#define TOW_QUERY_NOW    4u
int tow_query_bounds(struct tow_query *query, const struct tow_query_source *source,
                     const struct tow_scan_column *cursor, unsigned wanted, struct tow_error *err);

/* The rows, in the order of the key where there is one. is_cast: with the casts of an inline
 * result. */
int tow_query_rows(struct tow_query *query, const struct tow_query_source *source,
                   const struct tow_scan_columns *columns, const struct tow_query_range *range,
                   int is_cast, struct tow_error *err);

#endif
