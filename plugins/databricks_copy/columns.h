/*
 * The columns of a load, and those of its table: which goes where, in which spelling, as which SQL
 * type. No network.
 */
#ifndef PLUGINS_DATABRICKS_COPY_COLUMNS_H
#define PLUGINS_DATABRICKS_COPY_COLUMNS_H

#include "connectors/databricks/describe.h"
#include "towpath/batch.h"

/* Of the rows of a merge, in load tables: where each stood in the load. */
#define TOW_COPY_ORDINAL "__towpath_ordinal"

struct tow_copy_column {
    char *name;           /* as the table spells it */
    char *sql_type;       /* the table's, or the one to create */
    struct tow_type type; /* of the values */
    int64_t index;        /* column of the batches, hence cell of the staged rows */
    int is_missing;       /* 1: the table lacks it */
    int is_key;           /* 1: of a merge */
};

struct tow_copy_columns {
    struct tow_copy_column *items; /* in the order of the table, missing ones last */
    size_t count;
    size_t missing; /* that the table lacks */
    size_t extra;   /* that only the table has */
};

/* What a job says of its columns. */
struct tow_copy_column_spec {
    struct tow_strings keys;
    struct tow_strings types; /* "name=TYPE" */
};

/*
 * As for a table that is to be created: all columns are missing. TOW_E_CONFIG names what cannot be:
 * columns that differ in case only, keys that are no columns or cannot be compared, types that do
 * not hold the values. Release it in any case.
 */
int tow_copy_columns_init(struct tow_copy_columns *columns, const struct ArrowSchema *schema,
                          const struct tow_copy_column_spec *spec, struct tow_error *err);
void tow_copy_columns_release(struct tow_copy_columns *columns);

/*
 * Takes spelling, types and order from a table that is there; once, after init. TOW_E_CONFIG names
 * every column whose type does not hold the values, with both types; `table` is for the message.
 */
int tow_copy_columns_fit(struct tow_copy_columns *columns, const char *table,
                         const struct tow_described *there, size_t count, struct tow_error *err);

/* "a, b and 3 more", of the missing ones; for messages. */
void tow_copy_columns_name_missing(const struct tow_copy_columns *columns, char *text, size_t size);

/* For columns whose names a table takes from a file: TOW_E_CONFIG names one that it cannot have
 * without column mapping. */
int tow_copy_columns_check_plain(const struct tow_copy_columns *columns, struct tow_error *err);

/* 1 where a table needs column mapping for one of these names. */
int tow_copy_columns_need_mapping(const struct tow_copy_columns *columns);

#endif
