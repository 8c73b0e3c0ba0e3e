/*
 * SQL Statement Execution API 2.0: submit, wait, cancel, close (Databricks REST API reference,
 * Statement Execution).
 *
 * There is no idempotency key: what may be submitted again after an unknown outcome is the
 * caller's to know (`repeatable`).
 *
 * A poll that brings no answer leaves the statement as it is: the next one asks the same, a few
 * times over. That is no retry of the statement.
 */
#ifndef CONNECTORS_DATABRICKS_STATEMENT_H
#define CONNECTORS_DATABRICKS_STATEMENT_H

#include <stdint.h>

#include "connectors/databricks/client.h"

#define TOW_STATEMENT_TEXT_MAX (16u << 20)

struct tow_statement_parameter {
    const char *name;  /* ":name" without the colon */
    const char *type;  /* "TIMESTAMP", "DECIMAL(10,2)"; NULL: STRING */
    const char *value; /* NULL: SQL NULL */
};

enum tow_statement_result {
    TOW_STATEMENT_INLINE, /* JSON_ARRAY in the answer: 25 MiB at most */
    TOW_STATEMENT_LINKS   /* EXTERNAL_LINKS, ARROW_STREAM, LZ4_FRAME where the server does it */
};

struct tow_statement_request {
    const char *what; /* for messages: "reading main.crm.vip" */
    const char *text;
    const struct tow_statement_parameter *parameters;
    size_t parameter_count;
    const char *catalog, *schema; /* NULL: the workspace's */
    enum tow_statement_result result;
    /* 1: to submit it twice does no harm (SELECT, COPY INTO with FILES, CREATE IF NOT EXISTS ...):
     * an unknown outcome is TOW_E_TRANSIENT. 0: it is TOW_E_ENV, which nobody tries again. */
    int repeatable;
    int64_t start_budget_ms; /* for PENDING: a warehouse that starts; 0: 20 min */
    int64_t run_budget_ms;   /* for RUNNING; then it is cancelled: TOW_E_ENV; 0: none */
    /* Told once when the statement waits for its warehouse; may be NULL. */
    void (*waiting)(void *context, const char *state);
    void *context;
};

struct tow_statement_column {
    char *name;
    char *type_name;      /* "LONG", "TIMESTAMP_NTZ", ...: also ones this program does not know */
    char *type_text;      /* "DECIMAL(18,4)", "STRUCT<a: INT>" */
    int precision, scale; /* of DECIMAL */
};

/* A statement that succeeded; all texts are its own. */
struct tow_statement {
    char id[128];
    struct tow_statement_column *columns;
    size_t column_count;
    int64_t rows;   /* total_row_count */
    int64_t bytes;  /* total_byte_count */
    int64_t chunks; /* total_chunk_count */
    int truncated;
    int lz4;                /* manifest.result_compression */
    int64_t *chunk_rows;    /* row_count of each chunk; NULL where the manifest has none */
    int64_t succeeded_ms;   /* monotonic clock, when this client learned of it */
    json_t *first;          /* the first `result` object, links or data_array; may be NULL */
    struct tow_buffer body; /* TOW_STATEMENT_INLINE: the answer that holds the first data_array */
    char sql_state[8];      /* of a failed one, "" otherwise */
    char error_class[128];  /* of a failed one: "COPY_INTO_DUPLICATED_FILES_COPY_NOT_ALLOWED" */
};

/*
 * Submits and waits for the end, within the budgets; poll delays grow from 200 ms to 5 s. Classes
 * of a failed statement come from its error class: INSUFFICIENT_PERMISSIONS and the like
 * TOW_E_AUTH, TABLE_OR_VIEW_NOT_FOUND, UNRESOLVED_COLUMN, PARSE_SYNTAX_ERROR and the like
 * TOW_E_CONFIG, concurrency conflicts TOW_E_TRANSIENT, CAST_INVALID_INPUT TOW_E_DATA, other
 * TOW_E_ENV. On TOW_E_CANCELLED, a used up budget, or any failure once it has an id, the statement
 * is cancelled at the far end as well as that goes. *out is to be released in any case; error_class
 * and sql_state are set where the server said them.
 */
int tow_statement_run(struct tow_databricks *databricks,
                      const struct tow_statement_request *request, struct tow_statement *out,
                      struct tow_error *err);

/* Looks up a statement of an earlier run whose result may still be kept (one hour): TOW_OK, or
 * TOW_END where it is gone, failed or closed. */
int tow_statement_find(struct tow_databricks *databricks, const char *id, struct tow_statement *out,
                       struct tow_error *err);

/* Frees the result at the far end; failing to do so is no failure. */
void tow_statement_close(struct tow_databricks *databricks, struct tow_statement *statement);
void tow_statement_release(struct tow_statement *statement);

/* ---- small inline results -------------------------------------------------------------------- */

/*
 * Walks the cells of an inline result, chunk after chunk, without building a tree of them.
 */
struct tow_cells;
struct tow_cells *tow_cells_new(struct tow_databricks *databricks, struct tow_statement *statement,
                                struct tow_error *err);
void tow_cells_free(struct tow_cells *cells);
/* The next row: TOW_OK, TOW_END. texts[i] NULL is SQL NULL; good until the next call; behind each
 * text stands a NUL, and there may be some in it. A chunk that could not be fetched is asked for
 * anew by the next call. Fewer or more rows than the manifest says are TOW_E_ENV, never an end. */
int tow_cells_next(struct tow_cells *cells, const char *const **texts, const size_t **lengths,
                   struct tow_error *err);

/* A cell of the first row by its column's name, in any case of letters, as a new text; NULL with
 * TOW_OK in err->code where the row, the column or the value is absent, NULL with another code
 * where it could not be read. For answers of COPY INTO, DESCRIBE HISTORY and the like. */
char *tow_statement_text(struct tow_databricks *databricks, struct tow_statement *statement,
                         const char *column, struct tow_error *err);

#endif
