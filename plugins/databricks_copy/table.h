/*
 * The tables of a load at the far end: what they look like, and the statements that make, fill,
 * compare and drop them.
 */
#ifndef PLUGINS_DATABRICKS_COPY_TABLE_H
#define PLUGINS_DATABRICKS_COPY_TABLE_H

#include "connectors/databricks/statement.h"
#include "plugins/databricks_copy/columns.h"
#include "plugins/databricks_copy/target.h"

/* A connection, and what statements have in common. Borrowed. */
struct tow_copy_session {
    struct tow_databricks *databricks;
    const struct tow_copy_target *target;
    const struct tow_host *host;
};

/* Runs a statement that may be submitted twice, which all of the sink's may. `statement` may be
 * NULL where its result is of no interest; else release it in any case. */
int tow_copy_run(const struct tow_copy_session *session, const char *what, const char *text,
                 struct tow_statement *statement, struct tow_error *err);

/* The class and words of an error of one's own. */
int tow_copy_pass_on(const struct tow_error *own, struct tow_error *err);

/* What a table is for a load. */
enum tow_copy_fit {
    TOW_COPY_FITS,   /* as it is; it may have more columns */
    TOW_COPY_ABSENT, /* it is to be created */
    TOW_COPY_LACKS,  /* columns are to be added */
    TOW_COPY_DIFFERS /* it is to be replaced, types and all, or to be made anew */
};

/*
 * Looks at the target table and makes `columns`, which are initialized in any case, fit it. What
 * the job does not allow is TOW_E_CONFIG that says what to do: no table and create_table = false,
 * missing columns and schema_change = "fail", types that do not hold the values.
 */
int tow_copy_table_look(const struct tow_copy_session *session, const struct ArrowSchema *schema,
                        struct tow_copy_columns *columns, enum tow_copy_fit *fit,
                        struct tow_error *err);

/* Looks, and creates the table or adds columns to it, so that *fit is TOW_COPY_FITS or, with
 * schema_change = "replace", TOW_COPY_DIFFERS. */
int tow_copy_table_prepare(const struct tow_copy_session *session, const struct ArrowSchema *schema,
                           struct tow_copy_columns *columns, enum tow_copy_fit *fit,
                           struct tow_error *err);

/* Drops the table and makes it anew, with columns, or as a placeholder that gets those of the first
 * files. `columns` are initialized in any case. */
int tow_copy_table_make(const struct tow_copy_session *session, const struct ArrowSchema *schema,
                        int is_placeholder, struct tow_copy_columns *columns,
                        struct tow_error *err);

/* The same for `towpath setup`: nothing in a dry run, and says what became of the table. */
int tow_copy_table_setup(const struct tow_copy_session *session, const struct tow_setup *setup,
                         struct tow_error *err);

/* A number of a statement's only row; -1 where there is none. */
int tow_copy_number(const struct tow_copy_session *session, struct tow_statement *statement,
                    const char *column, int64_t *value, struct tow_error *err);
/* Rows of a table; -1 where the answer has no number. */
int tow_copy_table_count(const struct tow_copy_session *session, const struct tow_sql_table *table,
                         int64_t *rows, struct tow_error *err);
int tow_copy_table_drop(const struct tow_copy_session *session, const struct tow_sql_table *table,
                        struct tow_error *err);

/* The load table's name: beside the target, by the load's own name and the round. Release it. */
int tow_copy_load_table(const struct tow_sql_table *target, const char *name, uint32_t round,
                        struct tow_sql_table *out, struct tow_error *err);

#endif
