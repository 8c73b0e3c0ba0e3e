#include "state/sql.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct tow_sql_cached {
    struct tow_sql_cached *next;
    const char *text; /* a literal of the caller */
    sqlite3_stmt *statement;
};

/* Of the file that this thread was last refused. SQLite looks at other files before it fails, and
 * takes their error for the reason. */
static _Thread_local int sql_open_errno;

static void sql_note(void *context, int code, const char *message)
{
    (void)context;
    if ((code & 0xff) == SQLITE_CANTOPEN && strstr(message, "os_unix.c"))
        sql_open_errno = errno;
}

static void sql_set_up(void)
{
    sqlite3_config(SQLITE_CONFIG_LOG, sql_note, NULL);
}

/* The system's error with the database or its log; 0: there was none. */
static int sql_files_errno(struct tow_sql *sql)
{
    int errnum = 0;
    sqlite3_file *log = NULL;

    sqlite3_file_control(sql->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (log && log->pMethods)
        log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &errnum);
    if (errnum == 0)
        sqlite3_file_control(sql->db, "main", SQLITE_FCNTL_LAST_ERRNO, &errnum);
    return errnum;
}

/* A quick_check of a large file takes long; it only runs once damage has been met. */
static int sql_damaged(struct tow_sql *sql, struct tow_error *err)
{
    char reason[256];
    sqlite3_stmt *row = NULL;
    int errnum = sql_files_errno(sql);

    /* SQLite takes what a disk refuses to read for damage, too. */
    if (errnum != 0)
        return tow_error_errno(err, TOW_E_ENV, errnum, "state file %s cannot be read", sql->path);
    snprintf(reason, sizeof reason, "%s", sqlite3_errmsg(sql->db));
    if (sqlite3_prepare_v2(sql->db, "PRAGMA quick_check(1)", -1, &row, NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW && sqlite3_column_text(row, 0))
        snprintf(reason, sizeof reason, "%s", (const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    for (char *p = reason; *p; p++)
        if (*p == '\n')
            *p = ' ';
    return tow_error_set(err, TOW_E_ENV,
                         "state file %s is damaged: %s; restore it from a backup, or move it away "
                         "to start anew (`PRAGMA integrity_check` of sqlite3 shows all findings)",
                         sql->path, reason);
}

/* The system's error behind an SQLite error; 0: not known. A commit that fails only leaves it with
 * the file that could not be written. */
static int sql_system_errno(struct tow_sql *sql, int code)
{
    int errnum = sqlite3_system_errno(sql->db);

    if ((code & 0xff) == SQLITE_CANTOPEN)
        return sql_open_errno;
    return errnum == 0 && (code & 0xff) == SQLITE_IOERR ? sql_files_errno(sql) : errnum;
}

static int sql_system_fail(struct tow_sql *sql, int code, struct tow_error *err)
{
    int errnum = sql_system_errno(sql, code);

    if (errnum == 0)
        return tow_error_set(err, TOW_E_ENV, "state file %s: %s", sql->path,
                             sqlite3_errmsg(sql->db));
    return tow_error_errno(err, TOW_E_ENV, errnum, "state file %s: %s", sql->path,
                           sqlite3_errmsg(sql->db));
}

/* Says what an SQLite result code means for this file; returns the class. */
static int sql_fail(struct tow_sql *sql, int code, struct tow_error *err)
{
    if (code == SQLITE_IOERR_NOMEM)
        return tow_error_nomem(err);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return tow_error_nomem(err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: /* of its log */
        return tow_error_set(err, TOW_E_TRANSIENT,
                             "state file %s is busy: another process has kept it locked for %d s",
                             sql->path, TOW_SQL_BUSY_MS / 1000);
    case SQLITE_FULL:
        return tow_error_set(err, TOW_E_ENV, "state file %s: no room left to write it: %s",
                             sql->path, sqlite3_errmsg(sql->db));
    case SQLITE_CORRUPT:
        return sql_damaged(sql, err);
    case SQLITE_NOTADB:
        return tow_error_set(err, TOW_E_ENV,
                             "state file %s is not a SQLite database; it was left as it is",
                             sql->path);
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
        return tow_error_set(err, TOW_E_BUG, "state file %s: %s", sql->path,
                             sqlite3_errmsg(sql->db));
    default:
        return sql_system_fail(sql, code, err);
    }
}

/* "file:/path?immutable=1", the path's own '?', '#' and '%' escaped. */
static char *sql_immutable_uri(const char *path)
{
    static const char digits[] = "0123456789ABCDEF";
    char *uri = malloc(3 * strlen(path) + sizeof "file:?immutable=1");
    char *p = uri;

    if (!uri)
        return NULL;
    p = stpcpy(p, "file:");
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;

        if (!strchr("?#%", c)) {
            *p++ = *path;
            continue;
        }
        *p++ = '%';
        *p++ = digits[c >> 4];
        *p++ = digits[c & 15];
    }
    strcpy(p, "?immutable=1");
    return uri;
}

static int sql_connect(struct tow_sql *sql, int how, struct tow_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    /* Never SQLITE_OPEN_CREATE: SQLite would make the file with the umask's permissions. */
    int flags = SQLITE_OPEN_NOMUTEX;
    char *uri = NULL;
    int code;

    pthread_once(&once, sql_set_up);
    sql_open_errno = 0;
    if (how == TOW_SQL_IMMUTABLE && !(uri = sql_immutable_uri(sql->path)))
        return tow_error_nomem(err);
    if (how == TOW_SQL_WRITE || how == TOW_SQL_READ)
        flags |= SQLITE_OPEN_READWRITE;
    else
        flags |= SQLITE_OPEN_READONLY | (uri ? SQLITE_OPEN_URI : 0);
    code = sqlite3_open_v2(uri ? uri : sql->path, &sql->db, flags, NULL);
    free(uri);
    if (!sql->db)
        return tow_error_nomem(err);
    return code == SQLITE_OK ? TOW_OK : sql_fail(sql, code, err);
}

int tow_sql_open(struct tow_sql *sql, const char *path, int how, struct tow_error *err)
{
    /* Little memory, and no mapping that a truncated file could turn into SIGBUS. A write-ahead
     * log of 1 MiB is moved into the file before it grows further. */
    static const char limits[] = "PRAGMA cache_size=-256; PRAGMA mmap_size=0;"
                                 "PRAGMA temp_store=MEMORY; PRAGMA synchronous=FULL;"
                                 "PRAGMA wal_autocheckpoint=256; PRAGMA trusted_schema=OFF;"
                                 "PRAGMA cell_size_check=ON";
    int result;

    *sql = (struct tow_sql){.path = path};
    result = sql_connect(sql, how, err);
    if (result == TOW_OK) {
        sqlite3_extended_result_codes(sql->db, 1);
        sqlite3_busy_timeout(sql->db, TOW_SQL_BUSY_MS);
        result = tow_sql_script(sql, limits, err);
    }
    if (result == TOW_OK && how != TOW_SQL_WRITE)
        result = tow_sql_script(sql, "PRAGMA query_only=ON", err);
    /* SQLite falls back to reading where the system refuses to write. */
    if (result == TOW_OK && how == TOW_SQL_WRITE && sqlite3_db_readonly(sql->db, "main") == 1)
        result = tow_error_set(err, TOW_E_ENV, "state file %s cannot be written", path);
    if (result != TOW_OK)
        tow_sql_close(sql);
    return result;
}

void tow_sql_close(struct tow_sql *sql)
{
    while (sql->cached) {
        struct tow_sql_cached *cached = sql->cached;

        sql->cached = cached->next;
        sqlite3_finalize(cached->statement);
        free(cached);
    }
    sqlite3_close(sql->db);
    sql->db = NULL;
}

static int sql_statement(struct tow_sql *sql, const char *text, sqlite3_stmt **out,
                         struct tow_error *err)
{
    struct tow_sql_cached *cached;
    int code;

    for (cached = sql->cached; cached; cached = cached->next)
        if (strcmp(cached->text, text) == 0) {
            *out = cached->statement;
            sqlite3_reset(*out);
            sqlite3_clear_bindings(*out);
            return TOW_OK;
        }
    cached = calloc(1, sizeof *cached);
    if (!cached)
        return tow_error_nomem(err);
    code =
        sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &cached->statement, NULL);
    if (code != SQLITE_OK) {
        free(cached);
        return sql_fail(sql, code, err);
    }
    cached->text = text;
    cached->next = sql->cached;
    sql->cached = cached;
    *out = cached->statement;
    return TOW_OK;
}

static int sql_bind(sqlite3_stmt *statement, int index, const struct tow_sql_value *value)
{
    /* A NULL pointer would bind NULL: empty values need an address. */
    const void *bytes = value->bytes ? value->bytes : "";

    if (value->kind == SQLITE_INTEGER)
        return sqlite3_bind_int64(statement, index, value->number);
    if (value->kind == SQLITE_TEXT)
        return sqlite3_bind_text64(statement, index, bytes, value->length, SQLITE_STATIC,
                                   SQLITE_UTF8);
    return sqlite3_bind_blob64(statement, index, bytes, value->length, SQLITE_STATIC);
}

int tow_sql_next(struct tow_sql *sql, sqlite3_stmt *row, struct tow_error *err)
{
    int code = sqlite3_step(row);

    if (code == SQLITE_ROW)
        return TOW_OK;
    if (code == SQLITE_DONE) {
        sqlite3_reset(row);
        return TOW_END;
    }
    code = sql_fail(sql, code, err);
    sqlite3_reset(row);
    return code;
}

int tow_sql_query(struct tow_sql *sql, const char *text, const struct tow_sql_value *values,
                  sqlite3_stmt **row, struct tow_error *err)
{
    int result = sql_statement(sql, text, row, err);

    if (result != TOW_OK)
        return result;
    for (int i = 0; values && values[i].kind; i++) {
        int code = sql_bind(*row, i + 1, &values[i]);

        if (code != SQLITE_OK)
            return sql_fail(sql, code, err);
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): what failed has returned. */
    return tow_sql_next(sql, *row, err);
}

int tow_sql_run(struct tow_sql *sql, const char *text, const struct tow_sql_value *values,
                struct tow_error *err)
{
    sqlite3_stmt *row;
    int result = tow_sql_query(sql, text, values, &row, err);

    return result == TOW_END ? TOW_OK : result;
}

static int sql_misfit(struct tow_sql *sql, sqlite3_stmt *row, int column, size_t limit,
                      struct tow_error *err)
{
    return tow_error_set(
        err, TOW_E_ENV, "state file %s is damaged: column %s holds %d bytes, at most %zu fit",
        sql->path, sqlite3_column_name(row, column), sqlite3_column_bytes(row, column), limit);
}

int tow_sql_column_text(struct tow_sql *sql, sqlite3_stmt *row, int column, char *out, size_t room,
                        struct tow_error *err)
{
    const unsigned char *text = sqlite3_column_text(row, column);
    size_t length = (size_t)sqlite3_column_bytes(row, column);

    if (!text && sqlite3_column_type(row, column) != SQLITE_NULL)
        return tow_error_nomem(err);
    if (length >= room)
        return sql_misfit(sql, row, column, room - 1, err);
    memcpy(out, text ? text : (const unsigned char *)"", length);
    out[length] = '\0';
    return TOW_OK;
}

int tow_sql_column_position(struct tow_sql *sql, sqlite3_stmt *row, int column,
                            struct tow_position *out, struct tow_error *err)
{
    const void *bytes = sqlite3_column_blob(row, column);
    size_t length = (size_t)sqlite3_column_bytes(row, column);

    if (length > TOW_POSITION_MAX)
        return sql_misfit(sql, row, column, TOW_POSITION_MAX, err);
    if (length > 0 && !bytes)
        return tow_error_nomem(err);
    out->size = sizeof *out;
    out->length = (uint32_t)length;
    if (length > 0)
        memcpy(out->bytes, bytes, length);
    return TOW_OK;
}

int tow_sql_script(struct tow_sql *sql, const char *text, struct tow_error *err)
{
    int code = sqlite3_exec(sql->db, text, NULL, NULL, NULL);

    return code == SQLITE_OK ? TOW_OK : sql_fail(sql, code, err);
}

int tow_sql_number(struct tow_sql *sql, const char *text, int64_t *out, struct tow_error *err)
{
    sqlite3_stmt *row = NULL;
    int result = TOW_OK;
    int code = sqlite3_prepare_v2(sql->db, text, -1, &row, NULL);

    *out = 0;
    if (code == SQLITE_OK)
        code = sqlite3_step(row);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(row, 0);
    else if (code != SQLITE_DONE)
        result = sql_fail(sql, code, err);
    sqlite3_finalize(row);
    return result;
}

/* SQLite's code; *wal tells whether the file is in WAL mode now. */
static int sql_try_wal(struct tow_sql *sql, int *wal)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(sql->db, "PRAGMA journal_mode=WAL", -1, &row, NULL);

    *wal = 0;
    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const unsigned char *mode = sqlite3_column_text(row, 0);

        *wal = mode && strcmp((const char *)mode, "wal") == 0;
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code;
}

/*
 * Where two processes make the mode WAL at once, SQLite refuses one as busy without waiting.
 * Taking the write lock waits for the other, who holds it meanwhile.
 */
int tow_sql_use_wal(struct tow_sql *sql, struct tow_error *err)
{
    int wal = 0;
    int code = sql_try_wal(sql, &wal);

    for (int tries = 0; (code & 0xff) == SQLITE_BUSY && tries < 50; tries++) {
        int result = tow_sql_begin_write(sql, err);

        if (result != TOW_OK)
            return result;
        tow_sql_end(sql, TOW_OK, NULL);
        code = sql_try_wal(sql, &wal);
    }
    if (code != SQLITE_OK)
        return sql_fail(sql, code, err);
    if (!wal)
        return tow_error_set(err, TOW_E_ENV,
                             "state file %s: its file system does not carry a write-ahead log (a "
                             "network file system?): put the state on a local disk",
                             sql->path);
    return TOW_OK;
}

int tow_sql_begin_write(struct tow_sql *sql, struct tow_error *err)
{
    return tow_sql_run(sql, "BEGIN IMMEDIATE", NULL, err);
}

int tow_sql_begin_read(struct tow_sql *sql, struct tow_error *err)
{
    return tow_sql_run(sql, "BEGIN", NULL, err);
}

int tow_sql_end(struct tow_sql *sql, int result, struct tow_error *err)
{
    /* A row that is still being read would keep the transaction open. */
    for (struct tow_sql_cached *cached = sql->cached; cached; cached = cached->next)
        sqlite3_reset(cached->statement);
    if (result == TOW_OK || result == TOW_END) {
        int committed = tow_sql_run(sql, "COMMIT", NULL, err);

        if (committed == TOW_OK)
            return result;
        result = committed;
    }
    /* After some errors, a full disk among them, SQLite has rolled back already. */
    if (!sqlite3_get_autocommit(sql->db))
        tow_sql_run(sql, "ROLLBACK", NULL, NULL);
    return result;
}
