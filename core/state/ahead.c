/* What sinks have settled for good beyond the checkpoint, batch by batch. */
#include "state/connection.h"

/* A batch's rows and why some were refused; a larger one was not written by this program. */
#define AHEAD_BYTES_MAX (256u << 20)

int tow_state_ahead_put(struct tow_state *state, const struct tow_ahead *ahead, int64_t run,
                        struct tow_error *err)
{
    static const char text[] =
        "INSERT OR REPLACE INTO ahead (job, seq, sink, rows) VALUES (?, ?, ?, ?)";
    const struct tow_sql_value values[] = {
        tow_sql_text(ahead->job), tow_sql_int((int64_t)ahead->seq), tow_sql_text(ahead->sink),
        tow_sql_blob(ahead->rows, ahead->length), TOW_SQL_END};
    int result = tow_state_begin_write(state, err);

    if (result != TOW_OK)
        return result;
    result = tow_state_check_running(state, run, err);
    if (result == TOW_OK)
        result = tow_sql_run(&state->sql, text, values, err);
    return tow_state_end(state, result, err);
}

static int ahead_visit_all(struct tow_state *state, const char *job, const char *sink,
                           int (*visit)(void *context, const struct tow_ahead *ahead,
                                        struct tow_error *err),
                           void *context, struct tow_error *err)
{
    static const char text[] =
        "SELECT seq, rows FROM ahead WHERE job = ? AND sink = ? ORDER BY seq";
    const struct tow_sql_value values[] = {tow_sql_text(job), tow_sql_text(sink), TOW_SQL_END};
    sqlite3_stmt *row;
    int result = tow_sql_query(&state->sql, text, values, &row, err);

    while (result == TOW_OK) {
        const struct tow_ahead ahead = {
            .job = job,
            .sink = sink,
            .seq = (uint64_t)sqlite3_column_int64(row, 0),
            .rows = sqlite3_column_blob(row, 1),
            .length = (size_t)sqlite3_column_bytes(row, 1),
        };

        if (ahead.length > AHEAD_BYTES_MAX)
            return tow_error_set(err, TOW_E_ENV,
                                 "state file %s is damaged: job %s, batch %llu is %zu bytes ahead",
                                 state->path, job, (unsigned long long)ahead.seq, ahead.length);
        result = visit(context, &ahead, err);
        if (result == TOW_OK)
            result = tow_sql_next(&state->sql, row, err);
    }
    return result == TOW_END ? TOW_OK : result;
}

int tow_state_ahead_each(struct tow_state *state, const char *job, const char *sink,
                         int (*visit)(void *context, const struct tow_ahead *ahead,
                                      struct tow_error *err),
                         void *context, struct tow_error *err)
{
    int result = tow_state_begin_read(state, err);

    if (result == TOW_END)
        return TOW_OK;
    if (result != TOW_OK)
        return result;
    result = ahead_visit_all(state, job, sink, visit, context, err);
    return tow_state_end(state, result, err);
}

int tow_state_ahead_forget(struct tow_state *state, const char *job, uint64_t seq,
                           struct tow_error *err)
{
    const struct tow_sql_value values[] = {tow_sql_text(job), tow_sql_int((int64_t)seq),
                                           TOW_SQL_END};

    return tow_sql_run(&state->sql, "DELETE FROM ahead WHERE job = ? AND seq <= ?", values, err);
}
