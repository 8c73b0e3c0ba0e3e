/*
 * A far end for the source databricks, in place of the connector: one table in memory, statements
 * of which the rows are worked out from their parameters, and their results as Arrow streams.
 *
 * It stands in for connectors/databricks/{client,statement,fetch}.h, save login and SQL text.
 */
#ifndef TESTS_UNIT_FAR_END_H
#define TESTS_UNIT_FAR_END_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/databricks/statement.h"

#define FAR_ROWS_MAX       64
#define FAR_STATEMENTS_MAX 128

/* Columns: id BIGINT, at TIMESTAMP, name STRING. */
struct far_row {
    int64_t id, at; /* microseconds */
    int at_is_null;
    const char *name;
};

/* A SELECT that has run: its rows as they were then. */
struct far_statement {
    char *text;
    struct far_row rows[FAR_ROWS_MAX];
    size_t count;
    int is_closed;
};

struct far_end {
    /* The table, in any order. */
    struct far_row rows[FAR_ROWS_MAX];
    size_t count;
    int64_t version; /* -1: it has none */
    int64_t now_us;
    const char *id_type;      /* what manifests say of column id; NULL: BIGINT */
    const char *main_id_type; /* and of the statement with the rows; NULL: the same */

    /* What goes wrong. */
    int fail_every; /* each so-many-th fetch fails in passing */
    int gone_after; /* results are gone after so many fetches; -1: never */
    int chunk_rows; /* rows of a chunk */
    int padding;    /* rows more in each chunk */
    int missing;    /* rows less in the last chunk */
    int truncated, no_links, too_large;
    int untold;                /* neither link nor manifest says how many rows a chunk has */
    int submit_failures;       /* so many submissions fail in passing */
    const char *history_class; /* DESCRIBE HISTORY fails with it, and this class */
    int history_code;
    const char *version_class; /* so does a SELECT that names a version */
    const char *rows_class;    /* so does each that brings rows */
    int forgets;               /* results of earlier runs are gone */
    const char *damage;        /* these bytes instead of chunk 0 */

    /* Told when the far end makes a chunk, and has made it; NULL: nobody is. */
    void (*working)(int begins);

    /* What happened. */
    struct far_statement statements[FAR_STATEMENTS_MAX];
    size_t statement_count;
    char *texts[256]; /* of all that was submitted */
    size_t text_count;
    int fetches, finds, closes, waited;
};

extern struct far_end far;

/* An empty table without versions, of which nothing goes wrong. */
void far_reset(void);
void far_release(void);
/* Forgets texts, and statements but the first `kept`. */
void far_forget(size_t kept);
/* at < 0: null. */
void far_add(int64_t id, int64_t at, const char *name);
/* How many statements that were submitted hold the text. */
size_t far_submitted(const char *text);

#endif
