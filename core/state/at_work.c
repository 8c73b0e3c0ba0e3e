#include <string.h>

#include "state/connection.h"
#include "state/owner.h"
#include "towpath/clock.h"

static int at_work_read(struct tow_sql *sql, sqlite3_stmt *row, struct tow_at_work *out,
                        struct tow_owner *owner, struct tow_error *err)
{
    int64_t *const numbers[] = {&out->run,
                                &out->reported_us,
                                &out->counts.read,
                                &out->counts.accepted,
                                &out->counts.rejected,
                                &out->counts.filtered,
                                &out->counts.bytes,
                                &out->counts.batches,
                                &out->counts.retries,
                                &out->in_flight,
                                &out->lag_us};
    int result;

    *out = (struct tow_at_work){0};
    *owner = (struct tow_owner){0};
    if ((result = tow_sql_column_text(sql, row, 0, out->job, sizeof out->job, err)) != TOW_OK ||
        (result = tow_sql_column_text(sql, row, 1, owner->host, sizeof owner->host, err)) !=
            TOW_OK ||
        (result = tow_sql_column_text(sql, row, 2, owner->boot, sizeof owner->boot, err)) != TOW_OK)
        return result;
    owner->pid = out->pid = sqlite3_column_int64(row, 3);
    owner->started = sqlite3_column_int64(row, 4);
    owner->since_us = out->since_us = sqlite3_column_int64(row, 5);
    owner->heartbeat_us = out->heartbeat_us = sqlite3_column_int64(row, 6);
    out->stopping = sqlite3_column_int(row, 7);
    for (int i = 0; i < (int)(sizeof numbers / sizeof numbers[0]); i++)
        *numbers[i] = sqlite3_column_int64(row, 8 + i);
    memcpy(out->host, owner->host, sizeof out->host);
    out->counts.pending =
        out->counts.read - out->counts.accepted - out->counts.rejected - out->counts.filtered;
    return TOW_OK;
}

/* The first lock behind a job's name. */
static int at_work_next(struct tow_state *state, const char *after, struct tow_at_work *out,
                        struct tow_owner *owner, struct tow_error *err)
{
    static const char text[] =
        "SELECT job, host, boot, pid, started, since_us, heartbeat_us, stopping, run, progress_us,"
        " read, accepted, rejected, filtered, bytes, batches, retries, in_flight, lag_us"
        " FROM locks"
        " WHERE job > ? ORDER BY job LIMIT 1";
    const struct tow_sql_value values[] = {tow_sql_text(after), TOW_SQL_END};
    sqlite3_stmt *row;
    int result = tow_state_query(state, text, values, &row, err);

    if (result != TOW_OK)
        return result;
    return tow_state_end(state, at_work_read(&state->sql, row, out, owner, err), err);
}

/* One transaction a lock: visit may take its time, and may call back into the state. */
int tow_state_at_work(struct tow_state *state,
                      int (*visit)(void *context, const struct tow_at_work *activity),
                      void *context, struct tow_error *err)
{
    struct tow_owner self, owner;
    struct tow_at_work activity = {.job = ""};

    tow_owner_self(&self);
    for (;;) {
        char after[sizeof activity.job];
        int result;

        memcpy(after, activity.job, sizeof after);
        result = at_work_next(state, after, &activity, &owner, err);
        if (result == TOW_END)
            return TOW_OK;
        if (result == TOW_OK && tow_owner_alive(&owner, &self, tow_now_us()))
            result = visit(context, &activity);
        if (result != TOW_OK)
            return result;
    }
}
