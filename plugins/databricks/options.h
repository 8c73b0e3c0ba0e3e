/*
 * The options of the source `databricks`, and what can be said of them without the network.
 */
#ifndef PLUGINS_DATABRICKS_OPTIONS_H
#define PLUGINS_DATABRICKS_OPTIONS_H

#include <stdint.h>

#include "connectors/databricks/config.h"
#include "towpath/plugin.h"

/* Indexes of the option choices. */
#define TOW_SCAN_SNAPSHOT_AUTO   0
#define TOW_SCAN_SNAPSHOT_PINNED 1
#define TOW_SCAN_SNAPSHOT_NONE   2
#define TOW_SCAN_NULLS_FIRST     0
#define TOW_SCAN_NULLS_SKIP      1
#define TOW_SCAN_NULLS_FAIL      2
#define TOW_SCAN_RESULT_AUTO     0
#define TOW_SCAN_RESULT_LINKS    1
#define TOW_SCAN_RESULT_INLINE   2

/* Rows up to which result = "auto" takes them inline, where `limit` bounds them. */
#define TOW_SCAN_INLINE_ROWS 1000

struct tow_scan_options {
    struct tow_databricks_settings connection;
    const char *table, *query;
    const char *where;
    const char *catalog, *schema;
    const char *location; /* of a table that setup creates; NULL: the catalog's own */
    const char *cursor, *since;
    struct tow_strings columns, tie_break;
    int32_t snapshot, null_cursor, result;
    int64_t lag, overlap;                 /* ms */
    int64_t query_timeout, start_timeout; /* ms */
    int64_t limit, fetches;
};

/* Looks at the options together. TOW_E_CONFIG says which and what to write instead. Login and
 * warehouse are not looked at. */
int tow_scan_options_check(const struct tow_scan_options *options, struct tow_error *err);

/* Columns that rows are ordered by and gone on after: the cursor, then those of tie_break. */
static inline size_t tow_scan_key_count(const struct tow_scan_options *options)
{
    return (options->cursor ? 1 : 0) + options->tie_break.count;
}

static inline const char *tow_scan_key_name(const struct tow_scan_options *options, size_t i)
{
    if (options->cursor && i == 0)
        return options->cursor;
    return options->tie_break.items[i - (options->cursor ? 1 : 0)];
}

/* What is read, for messages: the table's name, or "the query". */
static inline const char *tow_scan_what(const struct tow_scan_options *options)
{
    return options->table ? options->table : "the query";
}

#endif
