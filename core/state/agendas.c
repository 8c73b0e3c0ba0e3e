#include <string.h>

#include "state/connection.h"

int tow_state_agenda_put(struct tow_state *state, const char *job, const struct tow_agenda *agenda,
                         struct tow_error *err)
{
    static const char text[] =
        "INSERT OR REPLACE INTO agendas (job, state, tries, since_us, slot_us,"
        " started_us, ended_us, fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    const struct tow_sql_value values[] = {tow_sql_text(job),
                                           tow_sql_int(agenda->state),
                                           tow_sql_int(agenda->tries),
                                           tow_sql_int(agenda->since_us),
                                           tow_sql_int(agenda->slot_us),
                                           tow_sql_int(agenda->started_us),
                                           tow_sql_int(agenda->ended_us),
                                           tow_sql_int((int64_t)agenda->fingerprint),
                                           TOW_SQL_END};
    int result = tow_state_check_job(job, err);

    if (result == TOW_OK)
        result = tow_state_begin_write(state, err);
    if (result != TOW_OK)
        return result;
    return tow_state_end(state, tow_sql_run(&state->sql, text, values, err), err);
}

static int agenda_read(struct tow_sql *sql, const char *job, struct tow_agenda *agenda,
                       struct tow_error *err)
{
    static const char text[] = "SELECT state, tries, since_us, slot_us, started_us, ended_us,"
                               " fingerprint FROM agendas WHERE job = ?";
    const struct tow_sql_value values[] = {tow_sql_text(job), TOW_SQL_END};
    sqlite3_stmt *row;
    int result = tow_sql_query(sql, text, values, &row, err);

    if (result != TOW_OK)
        return result;
    agenda->state = sqlite3_column_int(row, 0);
    agenda->tries = sqlite3_column_int(row, 1);
    agenda->since_us = sqlite3_column_int64(row, 2);
    agenda->slot_us = sqlite3_column_int64(row, 3);
    agenda->started_us = sqlite3_column_int64(row, 4);
    agenda->ended_us = sqlite3_column_int64(row, 5);
    agenda->fingerprint = (uint64_t)sqlite3_column_int64(row, 6);
    return TOW_OK;
}

int tow_state_agenda(struct tow_state *state, const char *job, struct tow_agenda *agenda,
                     struct tow_error *err)
{
    int result = tow_state_begin_read(state, err);

    *agenda = (struct tow_agenda)TOW_AGENDA_NEW;
    if (result != TOW_OK)
        return result;
    return tow_state_end(state, agenda_read(&state->sql, job, agenda, err), err);
}
