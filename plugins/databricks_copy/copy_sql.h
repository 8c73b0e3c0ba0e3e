/*
 * The text of every statement that the sink runs. A text depends on its arguments alone, so that
 * what was submitted before a crash is submitted again word by word.
 *
 * All append to `out`; what fails is TOW_E_NOMEM, or a name that SQL cannot have.
 */
#ifndef PLUGINS_DATABRICKS_COPY_COPY_SQL_H
#define PLUGINS_DATABRICKS_COPY_COPY_SQL_H

#include "connectors/databricks/sql.h"
#include "plugins/databricks_copy/columns.h"

int tow_copy_sql_describe(struct tow_buffer *out, const struct tow_sql_table *table,
                          struct tow_error *err);
int tow_copy_sql_count(struct tow_buffer *out, const struct tow_sql_table *table,
                       struct tow_error *err);
int tow_copy_sql_drop(struct tow_buffer *out, const struct tow_sql_table *table,
                      struct tow_error *err);

/* Where it is not there. comment NULL: none. has_ordinal: with TOW_COPY_ORDINAL behind the columns.
 */
int tow_copy_sql_create(struct tow_buffer *out, const struct tow_sql_table *table,
                        const struct tow_copy_columns *columns, const char *comment,
                        int has_ordinal, struct tow_error *err);
/* The same without columns: the first COPY INTO gives it those of its files. */
int tow_copy_sql_placeholder(struct tow_buffer *out, const struct tow_sql_table *table,
                             const char *comment, struct tow_error *err);
/* Behind the text of tow_copy_sql_create: where the table's files go. */
int tow_copy_sql_location(struct tow_buffer *out, const char *location, struct tow_error *err);
/* The missing columns. */
int tow_copy_sql_add_columns(struct tow_buffer *out, const struct tow_sql_table *table,
                             const struct tow_copy_columns *columns, struct tow_error *err);

/* What a COPY INTO reads. */
struct tow_copy_files {
    const char *uri; /* of their folder, with '/' at the end */
    const char *const *names;
    size_t count;
    int is_json;            /* else CSV */
    int infers;             /* CSV with a header, of which the table gets names and types */
    const char *null_text;  /* of CSV */
    const char *credential; /* name of a storage credential; NULL: none */
    const char *access_key, *secret_key, *session_token; /* or keys; NULL: none */
};
/* The only text that may hold a secret: it goes into no log and no message. */
int tow_copy_sql_copy(struct tow_buffer *out, const struct tow_sql_table *table,
                      const struct tow_copy_columns *columns, const struct tow_copy_files *files,
                      int has_ordinal, struct tow_error *err);

/* From a load table into the one that readers see; each is one commit. */
int tow_copy_sql_overwrite(struct tow_buffer *out, const struct tow_sql_table *table,
                           const struct tow_sql_table *load, const struct tow_copy_columns *columns,
                           struct tow_error *err);
/* The same where the table gets other columns. */
int tow_copy_sql_replace(struct tow_buffer *out, const struct tow_sql_table *table,
                         const struct tow_sql_table *load, const struct tow_copy_columns *columns,
                         struct tow_error *err);
/* Of rows with the same keys the last one of the load wins. */
int tow_copy_sql_merge(struct tow_buffer *out, const struct tow_sql_table *table,
                       const struct tow_sql_table *load, const struct tow_copy_columns *columns,
                       struct tow_error *err);

#endif
