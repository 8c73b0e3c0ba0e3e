/*
 * The source at work: one load of a table or a query.
 *
 * databricks.c has the options and the plugin's functions. begin.c finds out where to begin: a new
 * load (bounds.c), or one that was stopped (resume.c); ask.c runs the small statements for that.
 * load.c runs the one that brings the rows, and another one where its result is gone. batch.c hands
 * them out.
 */
#ifndef PLUGINS_DATABRICKS_SCAN_H
#define PLUGINS_DATABRICKS_SCAN_H

#include "plugins/databricks/columns.h"
#include "plugins/databricks/options.h"
#include "plugins/databricks/page.h"
#include "plugins/databricks/position.h"
#include "plugins/databricks/progress.h"
#include "plugins/databricks/query.h"
#include "plugins/databricks/result.h"
#include "towpath/plugin.h"

/* The statement that brings rows. */
struct tow_scan_statement {
    struct tow_statement run;
    int is_there;         /* it has succeeded */
    int is_inline;        /* its result comes inline */
    int64_t succeeded_us; /* since 1970 UTC */
    int64_t done;         /* rows of its result that have been dealt with */
    int64_t chunk, row;   /* where the next ones lie */
    int64_t begun_at;     /* rows of the load when it was submitted; -1: by an earlier run */
};

struct tow_scan {
    struct tow_scan_options options;
    const struct tow_host *host; /* NULL while closed */

    struct tow_databricks_config config;
    struct tow_databricks *client;
    struct tow_sql_table table; /* where options.table is set */
    struct tow_scan_columns columns;
    struct ArrowSchema schema;   /* of all columns */
    struct tow_view *views;      /* of the page, all columns */
    struct tow_json_writer *raw; /* for rejects; NULL until needed */

    /* What the load is: see position.h. */
    char *order;
    uint64_t shape;
    int64_t version;
    struct tow_key after;
    int has_upto;
    char *upto;
    struct tow_key end; /* where the load before this one ended; none on the way */

    /* How far it is. */
    struct tow_scan_progress progress;
    int64_t total;        /* rows of the load; -1: not known yet */
    int64_t rows_at_open; /* progress.same[0] at open */
    int is_unbound;       /* rows with the last key may have changed: they come again */
    struct tow_scan_statement statement;
    int avoids_links; /* the workspace does not allow them */
    struct tow_result *result;
    struct tow_scan_page page;
    int64_t skip; /* rows with the last key that the statement brings once more */
    int warned_of_end;
    int at_end;
};

/* ---- begin.c -------------------------------------------------------------------------------- */

/* Gets ready to read from `from`. */
int tow_scan_begin(struct tow_scan *scan, const struct tow_position *from, struct tow_error *err);

/* 1 where rows come in the order of a key. */
static inline int tow_scan_is_ordered(const struct tow_scan *scan)
{
    return scan->columns.key_count > 0;
}

/* 1 where a second statement can go on exactly behind the last row. */
static inline int tow_scan_is_exact(const struct tow_scan *scan)
{
    return tow_scan_is_ordered(scan) && (scan->version >= 0 || scan->options.tie_break.count > 0);
}

/* "updated_at timestamp, id number": the first `count` columns of the key; heap. */
char *tow_scan_order(const struct tow_scan_columns *columns, size_t count, struct tow_error *err);
/* The values in a position belong to columns that are still there and of the same kind;
 * TOW_E_CONFIG otherwise. What the scan has taken of it is looked at too. */
int tow_scan_check_order(const struct tow_scan *scan, const struct tow_scan_position *position,
                         struct tow_error *err);

/* ---- resume.c ------------------------------------------------------------------------------- */

/* Goes on with a load; what it takes of the position is moved out. */
int tow_scan_resume(struct tow_scan *scan, struct tow_scan_position *position,
                    struct tow_error *err);

/* ---- bounds.c ------------------------------------------------------------------------------- */

/* Where a new load begins: behind `since` without a position, else where the last one ended. */
int tow_scan_set_after(struct tow_scan *scan, const struct tow_scan_position *position,
                       struct tow_error *err);
/* Up to where it goes, and whether there are nulls that must not be. */
int tow_scan_find_bounds(struct tow_scan *scan, struct tow_error *err);

/* ---- ask.c ---------------------------------------------------------------------------------- */

static inline struct tow_query_source tow_scan_source(const struct tow_scan *scan)
{
    return (struct tow_query_source){&scan->options, &scan->table, scan->version};
}

/* A statement of this load, with its budgets. `what` is for messages. */
struct tow_statement_request tow_scan_request(struct tow_scan *scan, const char *what,
                                              const struct tow_query *query);
/* Runs a small one: "<doing> <what is read>" in messages. out is to be released in any case. */
int tow_scan_run(struct tow_scan *scan, const char *doing, const struct tow_query *query,
                 struct tow_statement *out, struct tow_error *err);

/* Sets the columns, those of the version where there is one; leaves a version that is gone. */
int tow_scan_find_columns(struct tow_scan *scan, struct tow_error *err);
/* Sets the newest version of the table; -1 where it has none, which `pinned` makes an error. */
int tow_scan_find_version(struct tow_scan *scan, struct tow_error *err);

/* 1 where a statement failed since the table's version can no longer be read. */
int tow_scan_version_is_gone(const struct tow_scan *scan, const struct tow_statement *failed,
                             int code);
/* Goes on with the newest version instead: rows with the last key come again, unless tie-breakers
 * tell them apart. With snapshot = "pinned" it passes on what err holds. */
int tow_scan_leave_version(struct tow_scan *scan, struct tow_error *err);

/* ---- load.c --------------------------------------------------------------------------------- */

/* Makes sure that scan->page has rows to hand out: TOW_OK; TOW_END at the end of the load. */
int tow_scan_load(struct tow_scan *scan, struct tow_error *err);

/* Frees the result at the far end, where nothing can need it any more. */
void tow_scan_close_statement(struct tow_scan *scan);

/* ---- batch.c -------------------------------------------------------------------------------- */

/* Hands out rows of scan->page. */
int tow_scan_hand_out(struct tow_scan *scan, struct tow_batch *out, struct tow_error *err);

/* Fills in the end of the load: where the next one begins, and the count. */
int tow_scan_end(struct tow_scan *scan, struct tow_batch *out, struct tow_error *err);

/* ---- names.c -------------------------------------------------------------------------------- */

/* What the source is called: "catalog", "schema", "table", "cursor"; a new text. TOW_E_CONFIG where
 * it has no such. */
#define TOW_SCAN_NAMES "catalog|schema|table|cursor"
int tow_scan_name(struct tow_scan *scan, const char *name, char **word, struct tow_error *err);

/* ---- setup.c -------------------------------------------------------------------------------- */

/* Makes the table, where it is not there: see tow_source_ops.setup. The scan is connected. */
int tow_scan_setup(struct tow_scan *scan, const struct tow_setup *setup, struct ArrowSchema *out,
                   struct tow_error *err);

#endif
