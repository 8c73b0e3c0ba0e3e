#include <string.h>

#include "state/connection.h"

#define ALERT_COLUMNS "id, job, event, channel, run, slot_us, created_us, due_us, tries"

int tow_state_health(struct tow_state *state, const char *job, struct tow_health *health,
                     struct tow_error *err)
{
    static const char text[] =
        "SELECT judged_run, failing, rejecting, late FROM health WHERE job = ?";
    const struct tow_sql_value values[] = {tow_sql_text(job), TOW_SQL_END};
    sqlite3_stmt *row;
    int result = tow_state_query(state, text, values, &row, err);

    *health = (struct tow_health){0};
    if (result != TOW_OK)
        return result;
    *health = (struct tow_health){.judged = sqlite3_column_int64(row, 0),
                                  .failing = sqlite3_column_int(row, 1) != 0,
                                  .rejecting = sqlite3_column_int(row, 2) != 0,
                                  .late = sqlite3_column_int(row, 3) != 0};
    return tow_state_end(state, TOW_OK, err);
}

static int alerts_insert(struct tow_state *state, const struct tow_alert *alert,
                         struct tow_error *err)
{
    static const char text[] = "INSERT INTO alerts (job, event, channel, run, slot_us, created_us,"
                               " due_us) VALUES (?, ?, ?, ?, ?, ?, ?)";
    const struct tow_sql_value values[] = {
        tow_sql_text(alert->job),    tow_sql_text(alert->event),
        tow_sql_int(alert->channel), tow_sql_int(alert->run),
        tow_sql_int(alert->slot_us), tow_sql_int(alert->created_us),
        tow_sql_int(alert->due_us),  TOW_SQL_END};

    return tow_sql_run(&state->sql, text, values, err);
}

static int health_write(struct tow_state *state, const char *job, const struct tow_health *health,
                        struct tow_error *err)
{
    static const char text[] = "INSERT OR REPLACE INTO health (job, judged_run, failing, rejecting,"
                               " late) VALUES (?, ?, ?, ?, ?)";
    const struct tow_sql_value values[] = {tow_sql_text(job),
                                           tow_sql_int(health->judged),
                                           tow_sql_int(health->failing),
                                           tow_sql_int(health->rejecting),
                                           tow_sql_int(health->late),
                                           TOW_SQL_END};

    return tow_sql_run(&state->sql, text, values, err);
}

int tow_state_health_put(struct tow_state *state, const char *job, const struct tow_health *health,
                         const struct tow_alert *alerts, size_t count, struct tow_error *err)
{
    int result = tow_state_check_job(job, err);

    if (result == TOW_OK)
        result = tow_state_begin_write(state, err);
    if (result != TOW_OK)
        return result;
    result = health_write(state, job, health, err);
    for (size_t i = 0; i < count && result == TOW_OK; i++)
        result = alerts_insert(state, &alerts[i], err);
    return tow_state_end(state, result, err);
}

static int alerts_read(struct tow_sql *sql, sqlite3_stmt *row, struct tow_alert *alert,
                       struct tow_error *err)
{
    int64_t *const numbers[] = {&alert->channel,    &alert->run,    &alert->slot_us,
                                &alert->created_us, &alert->due_us, &alert->tries};
    int result;

    alert->id = sqlite3_column_int64(row, 0);
    for (int i = 0; i < (int)(sizeof numbers / sizeof numbers[0]); i++)
        *numbers[i] = sqlite3_column_int64(row, 3 + i);
    result = tow_sql_column_text(sql, row, 1, alert->job, sizeof alert->job, err);
    if (result == TOW_OK)
        result = tow_sql_column_text(sql, row, 2, alert->event, sizeof alert->event, err);
    return result;
}

int tow_state_alert_next(struct tow_state *state, struct tow_alert *alert, struct tow_error *err)
{
    static const char text[] = "SELECT " ALERT_COLUMNS " FROM alerts ORDER BY due_us, id LIMIT 1";
    sqlite3_stmt *row;
    int result = tow_state_query(state, text, NULL, &row, err);

    *alert = (struct tow_alert){0};
    if (result != TOW_OK)
        return result;
    return tow_state_end(state, alerts_read(&state->sql, row, alert, err), err);
}

int tow_state_alert_count(struct tow_state *state, int64_t *count, struct tow_error *err)
{
    sqlite3_stmt *row;
    int result = tow_state_query(state, "SELECT count(*) FROM alerts", NULL, &row, err);

    *count = 0;
    if (result != TOW_OK)
        return result == TOW_END ? TOW_OK : result;
    *count = sqlite3_column_int64(row, 0);
    return tow_state_end(state, TOW_OK, err);
}

static int alerts_change(struct tow_state *state, const char *text,
                         const struct tow_sql_value *values, struct tow_error *err)
{
    int result = tow_state_begin_write(state, err);

    if (result != TOW_OK)
        return result;
    return tow_state_end(state, tow_sql_run(&state->sql, text, values, err), err);
}

int tow_state_alert_delay(struct tow_state *state, int64_t id, int64_t tries, int64_t due_us,
                          struct tow_error *err)
{
    const struct tow_sql_value values[] = {tow_sql_int(id), tow_sql_int(tries), tow_sql_int(due_us),
                                           TOW_SQL_END};

    return alerts_change(state, "UPDATE alerts SET tries = ?2, due_us = ?3 WHERE id = ?1", values,
                         err);
}

int tow_state_alert_remove(struct tow_state *state, int64_t id, struct tow_error *err)
{
    const struct tow_sql_value values[] = {tow_sql_int(id), TOW_SQL_END};

    return alerts_change(state, "DELETE FROM alerts WHERE id = ?", values, err);
}
