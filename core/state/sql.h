/*
 * SQLite made comfortable for core/state: cached statements, typed arguments, transactions, and
 * SQLite's result codes as error classes with the file's name in the message.
 *
 * Not locked: the caller keeps two threads from using one connection at once.
 */
#ifndef CORE_STATE_SQL_H
#define CORE_STATE_SQL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sqlite3.h>

#include "towpath/error.h"
#include "towpath/plugin.h"

#define TOW_SQL_BUSY_MS 10000

struct tow_sql_cached;

struct tow_sql {
    sqlite3 *db;      /* NULL: not open */
    const char *path; /* for messages; borrowed */
    struct tow_sql_cached *cached;
};

/* How a file is opened. */
#define TOW_SQL_WRITE     0
#define TOW_SQL_READ      1 /* may use, and tidy up, the files beside it */
#define TOW_SQL_READ_ONLY 2 /* this user may not write the file */
#define TOW_SQL_IMMUTABLE 3 /* nobody can write it: no lock is taken, no file is made beside it */

/* Opens a file that exists and sets the connection's limits. On an error nothing stays open. */
int tow_sql_open(struct tow_sql *sql, const char *path, int how, struct tow_error *err);
void tow_sql_close(struct tow_sql *sql);

/* One argument of a statement; lists end with TOW_SQL_END. Bytes are borrowed until the statement
 * is run again or the transaction ends. */
struct tow_sql_value {
    int kind; /* SQLITE_INTEGER, SQLITE_TEXT, SQLITE_BLOB; 0 ends a list */
    int64_t number;
    const void *bytes;
    size_t length;
};

#define TOW_SQL_END   \
    {                 \
        0, 0, NULL, 0 \
    }

static inline struct tow_sql_value tow_sql_int(int64_t number)
{
    return (struct tow_sql_value){SQLITE_INTEGER, number, NULL, 0};
}

static inline struct tow_sql_value tow_sql_text(const char *text)
{
    return (struct tow_sql_value){SQLITE_TEXT, 0, text, strlen(text)};
}

static inline struct tow_sql_value tow_sql_blob(const void *bytes, size_t length)
{
    return (struct tow_sql_value){SQLITE_BLOB, 0, bytes, length};
}

/*
 * Statements are prepared on first use and kept by their text. run is for those that return no
 * row. query steps to the first row: TOW_OK, or TOW_END where there is none; next to the next one.
 * values may be NULL. A row is good until the same text is run again or the transaction ends.
 */
int tow_sql_run(struct tow_sql *sql, const char *text, const struct tow_sql_value *values,
                struct tow_error *err);
int tow_sql_query(struct tow_sql *sql, const char *text, const struct tow_sql_value *values,
                  sqlite3_stmt **row, struct tow_error *err);
int tow_sql_next(struct tow_sql *sql, sqlite3_stmt *row, struct tow_error *err);

/* Columns of a row that may have been damaged or edited by hand: what does not fit is TOW_E_ENV. */
int tow_sql_column_text(struct tow_sql *sql, sqlite3_stmt *row, int column, char *out, size_t room,
                        struct tow_error *err);
int tow_sql_column_position(struct tow_sql *sql, sqlite3_stmt *row, int column,
                            struct tow_position *out, struct tow_error *err);

/* Runs SQL text of one or more statements, uncached. */
int tow_sql_script(struct tow_sql *sql, const char *text, struct tow_error *err);
/* First column of the first row of an uncached statement, as number. */
int tow_sql_number(struct tow_sql *sql, const char *text, int64_t *out, struct tow_error *err);
/* Makes write-ahead logging the file's mode. */
int tow_sql_use_wal(struct tow_sql *sql, struct tow_error *err);

/* A transaction that takes the write lock at once, so that it cannot fail half way as busy. */
int tow_sql_begin_write(struct tow_sql *sql, struct tow_error *err);
/* A transaction that sees one state of the file. */
int tow_sql_begin_read(struct tow_sql *sql, struct tow_error *err);
/* Commits where result is TOW_OK or TOW_END, else rolls back. Returns result, or why the commit
 * failed. */
int tow_sql_end(struct tow_sql *sql, int result, struct tow_error *err);

#endif
