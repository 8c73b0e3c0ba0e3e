#include <string.h>

#include "state/connection.h"
#include "towpath/value.h"

#define RUN_COLUMNS                                                                            \
    "SELECT id, start_us, end_us, exit_code, error_class, read, accepted, rejected, filtered," \
    " pending, bytes, batches, retries, reject_bytes, replay_of, replayed_by,"                 \
    " job, load_id, status, error, job_file, slot_us, attempt FROM runs "

/* The message may come from a hand-edited file or a newer, longer struct: it is cut. */
static void runs_copy_error(sqlite3_stmt *row, int column, struct tow_run *out)
{
    const unsigned char *text = sqlite3_column_text(row, column);
    size_t length = text ? strlen((const char *)text) : 0;

    if (length >= sizeof out->error)
        length = sizeof out->error - 1;
    memcpy(out->error, text ? text : (const unsigned char *)"", length);
    out->error[length] = '\0';
}

static int runs_read_row(struct tow_sql *sql, sqlite3_stmt *row, struct tow_run *out,
                         struct tow_error *err)
{
    int64_t *const numbers[] = {&out->counts.read,     &out->counts.accepted, &out->counts.rejected,
                                &out->counts.filtered, &out->counts.pending,  &out->counts.bytes,
                                &out->counts.batches,  &out->counts.retries,  &out->reject_bytes,
                                &out->replay_of,       &out->replayed_by};
    int result;

    memset(out, 0, sizeof *out);
    out->id = sqlite3_column_int64(row, 0);
    out->slot_us = sqlite3_column_int64(row, 21);
    out->attempt = sqlite3_column_int(row, 22);
    out->start_us = sqlite3_column_int64(row, 1);
    out->end_us = sqlite3_column_int64(row, 2);
    out->exit_code = sqlite3_column_int(row, 3);
    out->error_class = sqlite3_column_int(row, 4);
    for (int i = 0; i < (int)(sizeof numbers / sizeof numbers[0]); i++)
        *numbers[i] = sqlite3_column_int64(row, 5 + i);
    if ((result = tow_sql_column_text(sql, row, 16, out->job, sizeof out->job, err)) != TOW_OK ||
        (result = tow_sql_column_text(sql, row, 17, out->load_id, sizeof out->load_id, err)) !=
            TOW_OK ||
        (result = tow_sql_column_text(sql, row, 18, out->status, sizeof out->status, err)) !=
            TOW_OK ||
        (result = tow_sql_column_text(sql, row, 20, out->job_file, sizeof out->job_file, err)) !=
            TOW_OK)
        return result;
    runs_copy_error(row, 19, out);
    return TOW_OK;
}

/* Reads the one run that a query finds, in a transaction of its own. */
static int runs_read_one(struct tow_state *state, const char *text,
                         const struct tow_sql_value *values, struct tow_run *out,
                         struct tow_error *err)
{
    sqlite3_stmt *row;
    int result = tow_state_query(state, text, values, &row, err);

    if (result != TOW_OK)
        return result;
    return tow_state_end(state, runs_read_row(&state->sql, row, out, err), err);
}

int tow_state_run(struct tow_state *state, int64_t id, struct tow_run *out, struct tow_error *err)
{
    const struct tow_sql_value values[] = {tow_sql_int(id), TOW_SQL_END};

    return runs_read_one(state, RUN_COLUMNS "WHERE id = ?", values, out, err);
}

int tow_state_slot_run(struct tow_state *state, const char *job, int64_t slot_us,
                       struct tow_run *out, struct tow_error *err)
{
    const struct tow_sql_value values[] = {tow_sql_text(job), tow_sql_int(slot_us), TOW_SQL_END};

    return runs_read_one(state,
                         RUN_COLUMNS
                         "WHERE job = ? AND slot_us <> 0 AND slot_us = ? ORDER BY id DESC LIMIT 1",
                         values, out, err);
}

int tow_state_last_run(struct tow_state *state, const char *job, struct tow_run *out,
                       struct tow_error *err)
{
    const struct tow_sql_value values[] = {tow_sql_text(job), TOW_SQL_END};

    return runs_read_one(state, RUN_COLUMNS "WHERE job = ? ORDER BY id DESC LIMIT 1", values, out,
                         err);
}

int tow_state_running(struct tow_state *state, int64_t after, struct tow_run *out,
                      struct tow_error *err)
{
    const struct tow_sql_value values[] = {tow_sql_int(after), TOW_SQL_END};

    return runs_read_one(
        state, RUN_COLUMNS "WHERE status = '" TOW_RUN_RUNNING "' AND id > ? ORDER BY id LIMIT 1",
        values, out, err);
}

int tow_state_load_counts(struct tow_state *state, const char *load_id, struct tow_counts *out,
                          struct tow_error *err)
{
    static const char text[] =
        "SELECT total(read), total(accepted), total(rejected), total(filtered), total(pending),"
        " total(bytes), total(batches), total(retries) FROM runs WHERE load_id = ?";
    const struct tow_sql_value values[] = {tow_sql_text(load_id), TOW_SQL_END};
    int64_t *const numbers[] = {&out->read,    &out->accepted, &out->rejected, &out->filtered,
                                &out->pending, &out->bytes,    &out->batches,  &out->retries};
    sqlite3_stmt *row;
    int result = tow_state_query(state, text, values, &row, err);

    *out = (struct tow_counts){0};
    if (result != TOW_OK)
        return result == TOW_END ? TOW_OK : result;
    for (int i = 0; result == TOW_OK && i < (int)(sizeof numbers / sizeof numbers[0]); i++)
        *numbers[i] = sqlite3_column_int64(row, i);
    return tow_state_end(state, result, err);
}

/* One transaction a run: visit may take its time, and may call back into the state. */
int tow_state_runs(struct tow_state *state, const char *job, int64_t limit,
                   int (*visit)(void *context, const struct tow_run *run), void *context,
                   struct tow_error *err)
{
    struct tow_run run = {.id = INT64_MAX};

    for (int64_t seen = 0; limit == 0 || seen < limit; seen++) {
        const struct tow_sql_value values[] = {
            tow_sql_int(run.id), job ? tow_sql_text(job) : (struct tow_sql_value)TOW_SQL_END,
            TOW_SQL_END};
        int result =
            runs_read_one(state,
                          job ? RUN_COLUMNS "WHERE id < ?1 AND job = ?2 ORDER BY id DESC LIMIT 1"
                              : RUN_COLUMNS "WHERE id < ?1 ORDER BY id DESC LIMIT 1",
                          values, &run, err);

        if (result == TOW_END)
            return TOW_OK;
        if (result == TOW_OK)
            result = visit(context, &run);
        if (result != TOW_OK)
            return result;
    }
    return TOW_OK;
}

int tow_state_jobs(struct tow_state *state, int (*visit)(void *context, const char *job),
                   void *context, struct tow_error *err)
{
    /* Each branch is one step into an index, however many runs a job has. */
    static const char text[] =
        "SELECT min(job) FROM (SELECT min(job) AS job FROM runs WHERE job > ?1"
        " UNION ALL SELECT min(job) FROM checkpoints WHERE job > ?1)";
    char job[256] = "";
    int result;

    for (;;) {
        const struct tow_sql_value values[] = {tow_sql_text(job), TOW_SQL_END};
        char next[sizeof job] = "";
        sqlite3_stmt *row;

        result = tow_state_begin_read(state, err);
        if (result != TOW_OK)
            return result == TOW_END ? TOW_OK : result;
        result = tow_sql_query(&state->sql, text, values, &row, err);
        if (result == TOW_OK)
            result = tow_sql_column_text(&state->sql, row, 0, next, sizeof next, err);
        result = tow_state_end(state, result, err);
        if (result != TOW_OK || !next[0])
            return result;
        memcpy(job, next, sizeof job);
        result = visit(context, job);
        if (result != 0)
            return result;
    }
}

/* Nobody saw a dead run end: its last checkpoint is the last sign of it. */
static int runs_close_dead(struct tow_state *state, const char *job, struct tow_error *err)
{
    static const char text[] =
        "UPDATE runs SET status = '" TOW_RUN_INTERRUPTED "', exit_code = -1, end_us ="
        " max(start_us, coalesce((SELECT max(saved_us) FROM checkpoints WHERE run = runs.id), 0))"
        " WHERE job = ? AND status = '" TOW_RUN_RUNNING "'";
    const struct tow_sql_value values[] = {tow_sql_text(job), TOW_SQL_END};

    return tow_sql_run(&state->sql, text, values, err);
}

static int runs_check_start(const struct tow_run_start *start, struct tow_error *err)
{
    const struct tow_run *run = NULL;
    int result = tow_state_check_job(start->job, err);

    if (result != TOW_OK)
        return result;
    if (strlen(start->load_id) >= sizeof run->load_id)
        return tow_error_set(err, TOW_E_BUG, "load id \"%.80s\" has %zu bytes, at most 32 fit",
                             start->load_id, strlen(start->load_id));
    if (strlen(start->job_file) >= sizeof run->job_file)
        return tow_error_set(err, TOW_E_CONFIG,
                             "the job file's path has %zu bytes, at most %zu fit",
                             strlen(start->job_file), sizeof run->job_file - 1);
    return TOW_OK;
}

/*
 * In the transaction that begins the run, so that of two runs for one slot only one begins, whoever
 * started them. A run that was cut off does not stand in the way of the one that goes on with it.
 */
static int runs_check_slot(struct tow_state *state, const struct tow_run_start *start,
                           struct tow_error *err)
{
    static const char text[] =
        "SELECT id, status FROM runs WHERE job = ?1 AND slot_us <> 0"
        " AND slot_us >= ?2 AND slot_us <= ?4 AND (slot_us > ?2 OR attempt > ?3 OR (attempt = ?3"
        " AND status NOT IN ('" TOW_RUN_INTERRUPTED "', '" TOW_RUN_CANCELLED "')))"
        " ORDER BY slot_us DESC, attempt DESC LIMIT 1";
    const struct tow_sql_value values[] = {
        tow_sql_text(start->job), tow_sql_int(start->slot_us), tow_sql_int(start->attempt),
        tow_sql_int(start->slot_us + TOW_AGENDA_BACK_MAX_US), TOW_SQL_END};
    char slot[TOW_TIMESTAMP_TEXT_MAX + 1];
    sqlite3_stmt *row;
    int result = tow_sql_query(&state->sql, text, values, &row, err);

    if (result != TOW_OK)
        return result == TOW_END ? TOW_OK : result;
    *tow_put_timestamp(slot, start->slot_us, 1) = '\0';
    if (start->taken)
        *start->taken = 1;
    return tow_error_set(err, TOW_E_TRANSIENT,
                         "slot %s of job %s (attempt %d) has been taken by run %lld, which is %s",
                         slot, start->job, (int)start->attempt,
                         (long long)sqlite3_column_int64(row, 0),
                         (const char *)sqlite3_column_text(row, 1));
}

int tow_state_run_begin(struct tow_state *state, const struct tow_run_start *start, int64_t *id,
                        struct tow_error *err)
{
    static const char text[] =
        "INSERT INTO runs (job, job_file, load_id, replay_of, start_us, slot_us, attempt, status)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, '" TOW_RUN_RUNNING "')";
    const struct tow_sql_value values[] = {
        tow_sql_text(start->job),     tow_sql_text(start->job_file),
        tow_sql_text(start->load_id), tow_sql_int(start->replay_of),
        tow_sql_int(start->now_us),   tow_sql_int(start->slot_us),
        tow_sql_int(start->attempt),  TOW_SQL_END};
    int result = runs_check_start(start, err);

    *id = 0;
    if (result != TOW_OK)
        return result;
    result = tow_state_begin_write(state, err);
    if (result != TOW_OK)
        return result;
    result = runs_close_dead(state, start->job, err);
    if (result == TOW_OK && start->slot_us)
        result = runs_check_slot(state, start, err);
    if (result == TOW_OK)
        result = tow_sql_run(&state->sql, text, values, err);
    if (result == TOW_OK)
        *id = sqlite3_last_insert_rowid(state->sql.db);
    result = tow_state_end(state, result, err);
    if (result != TOW_OK)
        *id = 0;
    return result;
}

/* A run whose lock was taken over has been closed by its successor, and may not move anything. */
int tow_state_check_running(struct tow_state *state, int64_t id, struct tow_error *err)
{
    const struct tow_sql_value values[] = {tow_sql_int(id), TOW_SQL_END};
    sqlite3_stmt *row;
    int result =
        tow_sql_query(&state->sql, "SELECT status FROM runs WHERE id = ?", values, &row, err);
    const unsigned char *status;

    if (result == TOW_END)
        return tow_error_set(err, TOW_E_ENV, "run %lld is not in state file %s", (long long)id,
                             state->path);
    if (result != TOW_OK)
        return result;
    status = sqlite3_column_text(row, 0);
    if (status && strcmp((const char *)status, TOW_RUN_RUNNING) == 0)
        return TOW_OK;
    return tow_error_set(err, TOW_E_ENV,
                         "run %lld is \"%s\" in state file %s, not running: another run of the job "
                         "took over, so this one changes nothing more",
                         (long long)id, status ? (const char *)status : "", state->path);
}

static int runs_write_counts(struct tow_state *state, const struct tow_commit *commit,
                             struct tow_error *err)
{
    static const char text[] =
        "UPDATE runs SET reject_bytes = ?2, read = ?3, accepted = ?4, rejected = ?5, filtered = ?6,"
        " pending = ?7, bytes = ?8, batches = ?9, retries = ?10 WHERE id = ?1";
    const struct tow_counts *counts = commit->counts;
    const struct tow_sql_value values[] = {tow_sql_int(commit->run),
                                           tow_sql_int(commit->reject_bytes),
                                           tow_sql_int(counts->read),
                                           tow_sql_int(counts->accepted),
                                           tow_sql_int(counts->rejected),
                                           tow_sql_int(counts->filtered),
                                           tow_sql_int(counts->pending),
                                           tow_sql_int(counts->bytes),
                                           tow_sql_int(counts->batches),
                                           tow_sql_int(counts->retries),
                                           TOW_SQL_END};

    return tow_sql_run(&state->sql, text, values, err);
}

static int runs_write_marks(struct tow_state *state, const struct tow_commit *commit,
                            struct tow_error *err)
{
    int result = TOW_OK;

    if (commit->mark_count > 0 && !commit->ledger)
        return tow_error_set(err, TOW_E_BUG, "marks of run %lld without the name of their ledger",
                             (long long)commit->run);
    for (size_t i = 0; i < commit->mark_count && result == TOW_OK; i++) {
        const struct tow_mark *mark = &commit->marks[i];

        result = tow_state_ledger_write(state, commit->job, commit->ledger, mark->key,
                                        tow_sql_blob(mark->value, strlen(mark->value)), err);
    }
    return result;
}

static int runs_write_commit(struct tow_state *state, const struct tow_commit *commit,
                             struct tow_error *err)
{
    int result = tow_state_check_running(state, commit->run, err);

    if (result == TOW_OK)
        result = runs_write_counts(state, commit, err);
    if (result == TOW_OK && commit->checkpoint)
        result =
            tow_state_checkpoint_write(state, commit->job, commit->run, commit->checkpoint, err);
    if (result == TOW_OK)
        result = runs_write_marks(state, commit, err);
    return result;
}

int tow_state_commit(struct tow_state *state, const struct tow_commit *commit,
                     struct tow_error *err)
{
    int result = tow_state_begin_write(state, err);

    if (result != TOW_OK)
        return result;
    return tow_state_end(state, runs_write_commit(state, commit, err), err);
}

static int runs_write_replayed(struct tow_state *state, int64_t id, struct tow_error *err)
{
    static const char text[] = "UPDATE runs SET replayed_by = ?1 WHERE id ="
                               " (SELECT replay_of FROM runs WHERE id = ?1)";
    const struct tow_sql_value values[] = {tow_sql_int(id), TOW_SQL_END};

    return tow_sql_run(&state->sql, text, values, err);
}

int tow_state_run_end(struct tow_state *state, const struct tow_commit *commit, const char *status,
                      int32_t exit_code, const struct tow_error *error, int64_t now_us,
                      struct tow_error *err)
{
    static const char text[] = "UPDATE runs SET status = ?2, exit_code = ?3, error_class = ?4,"
                               " error = ?5, end_us = ?6 WHERE id = ?1";
    const struct tow_sql_value values[] = {tow_sql_int(commit->run),
                                           tow_sql_text(status),
                                           tow_sql_int(exit_code),
                                           tow_sql_int(error ? error->code : TOW_OK),
                                           tow_sql_text(error ? error->message : ""),
                                           tow_sql_int(now_us),
                                           TOW_SQL_END};
    int result;

    if (strcmp(status, TOW_RUN_RUNNING) == 0 ||
        strlen(status) >= sizeof((struct tow_run *)NULL)->status)
        return tow_error_set(err, TOW_E_BUG, "\"%.80s\" is no status for the end of a run", status);
    result = tow_state_begin_write(state, err);
    if (result != TOW_OK)
        return result;
    result = runs_write_commit(state, commit, err);
    if (result == TOW_OK)
        result = tow_sql_run(&state->sql, text, values, err);
    if (result == TOW_OK && strcmp(status, TOW_RUN_OK) == 0)
        result = runs_write_replayed(state, commit->run, err);
    return tow_state_end(state, result, err);
}

int tow_state_run_close(struct tow_state *state, int64_t id, const char *status, int32_t exit_code,
                        const struct tow_error *error, int64_t now_us, struct tow_error *err)
{
    static const char text[] = "UPDATE runs SET status = ?2, exit_code = ?3, error_class = ?4,"
                               " error = ?5, end_us = CASE end_us WHEN 0 THEN max(start_us, ?6)"
                               " ELSE end_us END WHERE id = ?1"
                               " AND status IN ('" TOW_RUN_RUNNING "', '" TOW_RUN_CANCELLED "')";
    const struct tow_sql_value values[] = {tow_sql_int(id),
                                           tow_sql_text(status),
                                           tow_sql_int(exit_code),
                                           tow_sql_int(error->code),
                                           tow_sql_text(error->message),
                                           tow_sql_int(now_us),
                                           TOW_SQL_END};
    int result = tow_state_begin_write(state, err);

    if (result != TOW_OK)
        return result;
    return tow_state_end(state, tow_sql_run(&state->sql, text, values, err), err);
}
