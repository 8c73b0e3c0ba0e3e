#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/others.h"
#include "state/connection.h"
#include "state/lock.h"
#include "state/migrate.h"
#include "state/paths.h"

static int state_allowed(const char *path, int how)
{
    return faccessat(AT_FDCWD, path, how, AT_EACCESS) == 0;
}

/* No database is smaller. SQLite would take a file of one byte for an empty one and overwrite it.
 */
#define STATE_FILE_MIN 512

static int state_check_file(const char *path, const struct stat *st, struct tow_error *err)
{
    if (S_ISDIR(st->st_mode))
        return tow_error_set(err, TOW_E_ENV, "state file %s is a folder", path);
    if (!S_ISREG(st->st_mode))
        return tow_error_set(err, TOW_E_ENV, "state file %s is not a regular file", path);
    if (st->st_mode & (S_IWGRP | S_IWOTH))
        return tow_error_set(err, TOW_E_ENV,
                             "state file %s can be written by other users (mode %04o): chmod go-w "
                             "it after making sure that its content is yours",
                             path, (unsigned)(st->st_mode & 07777));
    if (st->st_size > 0 && st->st_size < STATE_FILE_MIN)
        return tow_error_set(err, TOW_E_ENV,
                             "state file %s is not a SQLite database (%lld bytes); it was left as "
                             "it is",
                             path, (long long)st->st_size);
    return TOW_OK;
}

/*
 * mknod, not open: closing a descriptor of the file would drop the locks of every SQLite connection
 * that this process has on it.
 */
static int state_create_file(const char *path, struct tow_error *err)
{
    if (mknod(path, S_IFREG | S_IRUSR | S_IWUSR, 0) != 0 && errno != EEXIST)
        return tow_error_errno(err, TOW_E_ENV, errno, "state file %s cannot be made", path);
    return TOW_OK;
}

/* Whoever can replace entries of the folder can put another file there. */
static int state_check_folder(const char *path, const char *folder, struct tow_error *err)
{
    char who[TOW_OTHERS_MAX];
    struct stat st;

    if (stat(folder, &st) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "state file %s: folder %s", path, folder);
    if (tow_others_replace(&st, who))
        return tow_error_set(err, TOW_E_ENV,
                             "state file %s lies in %s, and %s: chmod go-w the folder after making "
                             "sure that what it holds is yours",
                             path, folder, who);
    return TOW_OK;
}

static int state_prepare_file(const char *path, const char *folder, struct tow_error *err)
{
    struct stat st;
    int result = tow_folder_make(folder, err);

    if (result != TOW_OK)
        return tow_error_prefix(err, "state file %s", path);
    result = state_check_folder(path, folder, err);
    if (result == TOW_OK)
        result = state_create_file(path, err);
    if (result != TOW_OK)
        return result;
    if (stat(path, &st) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "state file %s cannot be read", path);
    result = state_check_file(path, &st, err);
    if (result != TOW_OK)
        return result;
    if (!state_allowed(path, R_OK | W_OK))
        return tow_error_errno(err, TOW_E_ENV, errno, "state file %s cannot be written", path);
    if (!state_allowed(folder, W_OK | X_OK))
        return tow_error_errno(err, TOW_E_ENV, errno,
                               "state file %s: its folder %s cannot be written, and the log beside "
                               "the file goes there",
                               path, folder);
    return TOW_OK;
}

/*
 * A file that was removed or replaced under an open connection takes changes that nobody will ever
 * read, and SQLite does not mind. By its path alone, see state_create_file.
 */
static int state_remember_file(struct tow_state *state, struct tow_error *err)
{
    struct stat st;

    if (stat(state->path, &st) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "state file %s", state->path);
    state->device = st.st_dev;
    state->inode = st.st_ino;
    return TOW_OK;
}

static int state_check_there(const struct tow_state *state, struct tow_error *err)
{
    struct stat st;

    if (stat(state->path, &st) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno,
                               "state file %s is gone: nothing more is recorded", state->path);
    if (st.st_dev != state->device || st.st_ino != state->inode)
        return tow_error_set(err, TOW_E_ENV,
                             "state file %s was replaced by another: nothing more is recorded",
                             state->path);
    return TOW_OK;
}

static int state_open_write(struct tow_state *state, const char *folder, struct tow_error *err)
{
    int version;
    int result = state_prepare_file(state->path, folder, err);

    if (result == TOW_OK)
        result = tow_sql_open(&state->sql, state->path, TOW_SQL_WRITE, err);
    /* Before anything is changed: the file must be ours. */
    if (result == TOW_OK)
        result = tow_state_version(&state->sql, tow_state_migration.count, &version, err);
    if (result == TOW_OK)
        result = tow_sql_use_wal(&state->sql, err);
    if (result == TOW_OK)
        result = tow_state_migrate(&state->sql, &tow_state_migration, err);
    return result == TOW_OK ? state_remember_file(state, err) : result;
}

static int state_log_exists(const char *path)
{
    char log[PATH_MAX];
    struct stat st;

    if (strlen(path) + sizeof "-wal" > sizeof log)
        return 1;
    strcpy(stpcpy(log, path), "-wal");
    return stat(log, &st) == 0;
}

/*
 * SQLite wants to make files beside the database even to read it. Where the folder lets nobody do
 * that, nobody can be writing either, so the file can be read without them.
 */
static int state_how_to_read(const char *path, const char *folder)
{
    struct stat st;
    int folder_writable = state_allowed(folder, W_OK | X_OK);
    int read_only_system = !folder_writable && errno == EROFS;

    if (folder_writable && state_allowed(path, W_OK))
        return TOW_SQL_READ;
    if (!folder_writable && !state_log_exists(path) &&
        (read_only_system || (stat(folder, &st) == 0 && !(st.st_mode & 0222))))
        return TOW_SQL_IMMUTABLE;
    return TOW_SQL_READ_ONLY;
}

static int state_open_read(struct tow_state *state, const char *folder, struct tow_error *err)
{
    struct stat st;
    int version = 0;
    int result;

    if (stat(state->path, &st) != 0)
        return errno == ENOENT ? TOW_OK
                               : tow_error_errno(err, TOW_E_ENV, errno,
                                                 "state file %s cannot be read", state->path);
    result = state_check_file(state->path, &st, err);
    if (result == TOW_OK && !state_allowed(state->path, R_OK))
        result =
            tow_error_errno(err, TOW_E_ENV, errno, "state file %s cannot be read", state->path);
    /* Opening an empty database would leave files behind. */
    if (result != TOW_OK || st.st_size == 0)
        return result;
    result = tow_sql_open(&state->sql, state->path, state_how_to_read(state->path, folder), err);
    if (result == TOW_OK)
        result = tow_state_version(&state->sql, tow_state_migration.count, &version, err);
    if (result == TOW_OK && version == 0)
        tow_sql_close(&state->sql);
    else if (result == TOW_OK && version < tow_state_migration.count)
        result = tow_error_set(err, TOW_E_CONFIG,
                               "state file %s has schema version %d, this program reads %d: the "
                               "next run of a job brings it up to date",
                               state->path, version, tow_state_migration.count);
    return result;
}

int tow_state_open(const char *path, int mode, struct tow_state **out, struct tow_error *err)
{
    struct tow_state *state;
    char *folder = NULL;
    int result;

    *out = NULL;
    if (!path[0])
        return tow_error_set(err, TOW_E_CONFIG, "the path of the state file is empty");
    state = calloc(1, sizeof *state);
    if (!state)
        return tow_error_nomem(err);
    state->mode = mode;
    pthread_mutex_init(&state->mutex, NULL);
    state->path = tow_path_absolute(path);
    if (state->path)
        folder = tow_path_folder(state->path);
    if (!folder)
        result = tow_error_nomem(err);
    else if (mode == TOW_STATE_CREATE)
        result = state_open_write(state, folder, err);
    else
        result = state_open_read(state, folder, err);
    free(folder);
    if (result == TOW_OK)
        *out = state;
    else
        tow_state_close(state);
    return result;
}

void tow_state_close(struct tow_state *state)
{
    if (!state)
        return;
    tow_lock_free_orphans(state);
    tow_sql_close(&state->sql);
    pthread_mutex_destroy(&state->mutex);
    free(state->path);
    free(state);
}

const char *tow_state_path(const struct tow_state *state)
{
    return state->path;
}

int tow_state_begin_read(struct tow_state *state, struct tow_error *err)
{
    int result = TOW_END;

    pthread_mutex_lock(&state->mutex);
    if (state->sql.db)
        result = tow_sql_begin_read(&state->sql, err);
    if (result != TOW_OK)
        pthread_mutex_unlock(&state->mutex);
    return result;
}

int tow_state_query(struct tow_state *state, const char *text, const struct tow_sql_value *values,
                    sqlite3_stmt **row, struct tow_error *err)
{
    int result = tow_state_begin_read(state, err);

    if (result != TOW_OK)
        return result;
    result = tow_sql_query(&state->sql, text, values, row, err);
    return result == TOW_OK ? TOW_OK : tow_state_end(state, result, err);
}

int tow_state_begin_write(struct tow_state *state, struct tow_error *err)
{
    int result;

    if (state->mode != TOW_STATE_CREATE)
        return tow_error_set(err, TOW_E_BUG, "state file %s was opened for reading only",
                             state->path);
    result = state_check_there(state, err);
    if (result != TOW_OK)
        return result;
    pthread_mutex_lock(&state->mutex);
    result = tow_sql_begin_write(&state->sql, err);
    if (result != TOW_OK)
        pthread_mutex_unlock(&state->mutex);
    return result;
}

int tow_state_end(struct tow_state *state, int result, struct tow_error *err)
{
    result = tow_sql_end(&state->sql, result, err);
    pthread_mutex_unlock(&state->mutex);
    return result;
}

int tow_state_check_job(const char *job, struct tow_error *err)
{
    if (!job[0] || strlen(job) > TOW_STATE_JOB_MAX || job[0] == '.' || strchr(job, '/'))
        return tow_error_set(err, TOW_E_CONFIG,
                             "\"%.80s\" is no job name: 1 to %d bytes, without \"/\", not "
                             "starting with \".\"",
                             job, TOW_STATE_JOB_MAX);
    return TOW_OK;
}
