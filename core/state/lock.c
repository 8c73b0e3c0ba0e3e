#include "state/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "state/connection.h"
#include "state/owner.h"
#include "towpath/clock.h"
#include "towpath/value.h"

#define LOCK_TOKEN_SIZE 16

/* A lock is the row that holds its token; whoever took the row over wrote another one. */
struct tow_lock {
    struct tow_lock *next; /* in state->orphans */
    struct tow_state *state;
    char job[TOW_STATE_JOB_MAX + 1];
    unsigned char token[LOCK_TOKEN_SIZE];
};

/* TOW_END where nobody holds the lock. */
static int lock_read(struct tow_lock *lock, struct tow_owner *owner,
                     unsigned char token[LOCK_TOKEN_SIZE], struct tow_error *err)
{
    static const char text[] = "SELECT host, boot, pid, started, since_us, heartbeat_us, token "
                               "FROM locks WHERE job = ?";
    const struct tow_sql_value values[] = {tow_sql_text(lock->job), TOW_SQL_END};
    struct tow_sql *sql = &lock->state->sql;
    sqlite3_stmt *row;
    int result = tow_sql_query(sql, text, values, &row, err);

    if (result != TOW_OK ||
        (result = tow_sql_column_text(sql, row, 0, owner->host, sizeof owner->host, err)) !=
            TOW_OK ||
        (result = tow_sql_column_text(sql, row, 1, owner->boot, sizeof owner->boot, err)) != TOW_OK)
        return result;
    owner->pid = sqlite3_column_int64(row, 2);
    owner->started = sqlite3_column_int64(row, 3);
    owner->since_us = sqlite3_column_int64(row, 4);
    owner->heartbeat_us = sqlite3_column_int64(row, 5);
    memset(token, 0, LOCK_TOKEN_SIZE);
    if (sqlite3_column_bytes(row, 6) == LOCK_TOKEN_SIZE)
        memcpy(token, sqlite3_column_blob(row, 6), LOCK_TOKEN_SIZE);
    return TOW_OK;
}

static int lock_write(struct tow_lock *lock, const struct tow_owner *self, struct tow_error *err)
{
    static const char text[] = "INSERT OR REPLACE INTO locks"
                               " (job, token, host, boot, pid, started, since_us, heartbeat_us)"
                               " VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    const struct tow_sql_value values[] = {tow_sql_text(lock->job),
                                           tow_sql_blob(lock->token, sizeof lock->token),
                                           tow_sql_text(self->host),
                                           tow_sql_text(self->boot),
                                           tow_sql_int(self->pid),
                                           tow_sql_int(self->started),
                                           tow_sql_int(self->since_us),
                                           tow_sql_int(self->heartbeat_us),
                                           TOW_SQL_END};

    return tow_sql_run(&lock->state->sql, text, values, err);
}

/* 1 where the token is that of a lock which this state gave back without the row going. */
static int lock_is_orphan(const struct tow_lock *lock, const unsigned char token[LOCK_TOKEN_SIZE])
{
    for (const struct tow_lock *orphan = lock->state->orphans; orphan; orphan = orphan->next)
        if (memcmp(orphan->token, token, LOCK_TOKEN_SIZE) == 0)
            return 1;
    return 0;
}

static void lock_drop_orphans_of(struct tow_state *state, const char *job)
{
    struct tow_lock **link = &state->orphans;

    pthread_mutex_lock(&state->mutex);
    while (*link) {
        struct tow_lock *orphan = *link;

        if (strcmp(orphan->job, job) != 0) {
            link = &orphan->next;
            continue;
        }
        *link = orphan->next;
        free(orphan);
    }
    pthread_mutex_unlock(&state->mutex);
}

static int lock_refuse(const struct tow_lock *lock, const struct tow_owner *owner,
                       struct tow_error *err)
{
    char since[TOW_TIMESTAMP_TEXT_MAX + 1];

    *tow_put_timestamp(since, owner->since_us, 1) = '\0';
    return tow_error_set(err, TOW_E_TRANSIENT,
                         "job %s is being run by process %lld on host %s since %s", lock->job,
                         (long long)owner->pid, owner->host, since);
}

/* In a write transaction: takes the row, or refuses. */
static int lock_take(struct tow_lock *lock, struct tow_owner *self, int *busy,
                     struct tow_error *err)
{
    struct tow_owner owner = {.pid = 0};
    unsigned char token[LOCK_TOKEN_SIZE];
    int result;

    self->since_us = self->heartbeat_us = tow_now_us();
    result = lock_read(lock, &owner, token, err);
    if (result == TOW_OK && !lock_is_orphan(lock, token) &&
        tow_owner_alive(&owner, self, self->since_us)) {
        *busy = 1;
        return lock_refuse(lock, &owner, err);
    }
    if (result != TOW_OK && result != TOW_END)
        return result;
    return lock_write(lock, self, err);
}

int tow_state_lock(struct tow_state *state, const char *job, struct tow_lock **out, int *busy,
                   struct tow_error *err)
{
    struct tow_owner self;
    struct tow_lock *lock;
    int result = tow_state_check_job(job, err);

    *out = NULL;
    *busy = 0;
    if (result != TOW_OK)
        return result;
    lock = calloc(1, sizeof *lock);
    if (!lock)
        return tow_error_nomem(err);
    lock->state = state;
    strcpy(lock->job, job);
    tow_owner_self(&self);
    if (getrandom(lock->token, sizeof lock->token, 0) != (ssize_t)sizeof lock->token)
        result =
            tow_error_errno(err, TOW_E_ENV, errno, "no random bytes for the lock of job %s", job);
    if (result == TOW_OK)
        result = tow_state_begin_write(state, err);
    if (result == TOW_OK)
        result = tow_state_end(state, lock_take(lock, &self, busy, err), err);
    if (result != TOW_OK) {
        free(lock);
        return result;
    }
    /* Their row is overwritten. */
    lock_drop_orphans_of(state, job);
    *out = lock;
    return TOW_OK;
}

int tow_state_lock_holder(struct tow_state *state, const char *job, int64_t *pid,
                          struct tow_error *err)
{
    struct tow_lock lock = {.state = state};
    struct tow_owner owner = {.pid = 0}, self;
    unsigned char token[LOCK_TOKEN_SIZE];
    int result = tow_state_check_job(job, err);

    *pid = 0;
    if (result == TOW_OK)
        result = tow_state_begin_read(state, err);
    if (result != TOW_OK)
        return result;
    strcpy(lock.job, job);
    result = tow_state_end(state, lock_read(&lock, &owner, token, err), err);
    if (result != TOW_OK)
        return result;
    tow_owner_self(&self);
    if (!tow_owner_alive(&owner, &self, tow_now_us()))
        return TOW_END;
    if (self.boot[0] && strcmp(owner.boot, self.boot) == 0 && strcmp(owner.host, self.host) == 0)
        *pid = owner.pid;
    return TOW_OK;
}

static int lock_lost(struct tow_lock *lock, struct tow_error *err)
{
    struct tow_owner owner = {.pid = 0};
    unsigned char token[LOCK_TOKEN_SIZE];
    int result = lock_read(lock, &owner, token, err);

    if (result == TOW_OK)
        return tow_error_set(err, TOW_E_ENV,
                             "the lock of job %s was taken over by process %lld on host %s",
                             lock->job, (long long)owner.pid, owner.host);
    if (result == TOW_END)
        return tow_error_set(err, TOW_E_ENV, "the lock of job %s was taken away", lock->job);
    return result;
}

/* The statement changes the lock's row, or there is none any more. */
static int lock_update(struct tow_lock *lock, const char *text, const struct tow_sql_value *values,
                       struct tow_error *err)
{
    int result = tow_state_begin_write(lock->state, err);

    if (result != TOW_OK)
        return result;
    result = tow_sql_run(&lock->state->sql, text, values, err);
    if (result == TOW_OK && sqlite3_changes(lock->state->sql.db) == 0)
        result = lock_lost(lock, err);
    return tow_state_end(lock->state, result, err);
}

int tow_state_report(struct tow_lock *lock, const struct tow_at_work *activity,
                     struct tow_error *err)
{
    static const char text[] =
        "UPDATE locks SET heartbeat_us = ?3, progress_us = ?3, run = ?4, read = ?5, accepted = ?6,"
        " rejected = ?7, filtered = ?8, bytes = ?9, batches = ?10, retries = ?11, in_flight = ?12,"
        " stopping = ?13, lag_us = ?14 WHERE job = ?1 AND token = ?2";
    const struct tow_counts *counts = &activity->counts;
    const struct tow_sql_value values[] = {tow_sql_text(lock->job),
                                           tow_sql_blob(lock->token, sizeof lock->token),
                                           tow_sql_int(tow_now_us()),
                                           tow_sql_int(activity->run),
                                           tow_sql_int(counts->read),
                                           tow_sql_int(counts->accepted),
                                           tow_sql_int(counts->rejected),
                                           tow_sql_int(counts->filtered),
                                           tow_sql_int(counts->bytes),
                                           tow_sql_int(counts->batches),
                                           tow_sql_int(counts->retries),
                                           tow_sql_int(activity->in_flight),
                                           tow_sql_int(activity->stopping),
                                           tow_sql_int(activity->lag_us),
                                           TOW_SQL_END};

    return lock_update(lock, text, values, err);
}

/*
 * Where the row cannot be deleted (a full disk), it would keep the job locked for as long as this
 * process lives: the lock is remembered as given back.
 */
void tow_state_unlock(struct tow_lock *lock)
{
    static const char text[] = "DELETE FROM locks WHERE job = ? AND token = ?";
    struct tow_sql_value values[3];
    struct tow_state *state;
    int result;

    if (!lock)
        return;
    state = lock->state;
    values[0] = tow_sql_text(lock->job);
    values[1] = tow_sql_blob(lock->token, sizeof lock->token);
    values[2] = (struct tow_sql_value)TOW_SQL_END;
    result = tow_state_begin_write(state, NULL);
    if (result == TOW_OK) {
        result = tow_sql_run(&state->sql, text, values, NULL);
        result = tow_state_end(state, result, NULL);
    }
    if (result == TOW_OK) {
        free(lock);
        return;
    }
    pthread_mutex_lock(&state->mutex);
    lock->next = state->orphans;
    state->orphans = lock;
    pthread_mutex_unlock(&state->mutex);
}

void tow_lock_free_orphans(struct tow_state *state)
{
    while (state->orphans) {
        struct tow_lock *orphan = state->orphans;

        state->orphans = orphan->next;
        free(orphan);
    }
}
