#include <string.h>

#include "state/connection.h"

/* Counts of runs are those of their last checkpoint: what is in them is settled. */
#define TOTALS_COLUMNS                                                                         \
    "job, sum(status = 'ok'), sum(status = 'failed'), sum(status = 'cancelled'),"              \
    " sum(status = 'interrupted'), sum(CASE end_us WHEN 0 THEN 0 ELSE end_us - start_us END)," \
    " sum(accepted), sum(rejected), sum(filtered), sum(bytes), sum(batches), sum(retries),"    \
    " max(CASE status WHEN 'ok' THEN end_us ELSE 0 END)"

int tow_state_settled(struct tow_state *state, int64_t *id, struct tow_error *err)
{
    static const char text[] =
        "SELECT coalesce((SELECT min(id) - 1 FROM runs WHERE status = '" TOW_RUN_RUNNING "'),"
        " (SELECT max(id) FROM runs), 0)";
    sqlite3_stmt *row;
    int result = tow_state_query(state, text, NULL, &row, err);

    *id = 0;
    if (result != TOW_OK)
        return result == TOW_END ? TOW_OK : result;
    *id = sqlite3_column_int64(row, 0);
    return tow_state_end(state, TOW_OK, err);
}

static int totals_read(struct tow_sql *sql, sqlite3_stmt *row, struct tow_totals *out,
                       struct tow_error *err)
{
    int64_t *const numbers[] = {
        &out->ok,           &out->failed,          &out->cancelled,       &out->interrupted,
        &out->duration_us,  &out->counts.accepted, &out->counts.rejected, &out->counts.filtered,
        &out->counts.bytes, &out->counts.batches,  &out->counts.retries,  &out->last_ok_us};

    *out = (struct tow_totals){.ok = 0};
    for (int i = 0; i < (int)(sizeof numbers / sizeof numbers[0]); i++)
        *numbers[i] = sqlite3_column_int64(row, 1 + i);
    return tow_sql_column_text(sql, row, 0, out->job, sizeof out->job, err);
}

int tow_state_totals(struct tow_state *state, int64_t after, int64_t upto,
                     void (*visit)(void *context, const struct tow_totals *totals), void *context,
                     struct tow_error *err)
{
    static const char text[] =
        "SELECT " TOTALS_COLUMNS " FROM runs WHERE id > ? AND id <= ? GROUP BY job";
    const struct tow_sql_value values[] = {tow_sql_int(after), tow_sql_int(upto), TOW_SQL_END};
    struct tow_totals totals;
    sqlite3_stmt *row;
    int result = tow_state_query(state, text, values, &row, err);

    if (result != TOW_OK)
        return result == TOW_END ? TOW_OK : result;
    while (result == TOW_OK) {
        result = totals_read(&state->sql, row, &totals, err);
        if (result == TOW_OK) {
            visit(context, &totals);
            result = tow_sql_next(&state->sql, row, err);
        }
    }
    result = tow_state_end(state, result, err);
    return result == TOW_END ? TOW_OK : result;
}

int tow_state_checkpoint_time(struct tow_state *state, const char *job, int64_t *saved_us,
                              struct tow_error *err)
{
    static const char text[] = "SELECT saved_us FROM checkpoints WHERE job = ?";
    const struct tow_sql_value values[] = {tow_sql_text(job), TOW_SQL_END};
    sqlite3_stmt *row;
    int result = tow_state_query(state, text, values, &row, err);

    *saved_us = 0;
    if (result != TOW_OK)
        return result;
    *saved_us = sqlite3_column_int64(row, 0);
    return tow_state_end(state, TOW_OK, err);
}
