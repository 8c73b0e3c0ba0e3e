#include <stdlib.h>
#include <string.h>

#include "state/connection.h"

void tow_checkpoint_release(struct tow_checkpoint *checkpoint)
{
    free(checkpoint->tokens);
    checkpoint->tokens = NULL;
    checkpoint->token_count = 0;
}

static int checkpoint_damaged(struct tow_state *state, const char *job, const char *what,
                              int64_t number, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_ENV,
                         "state file %s is damaged: the checkpoint of job %s has %s %lld",
                         state->path, job, what, (long long)number);
}

static int checkpoint_read_tokens(struct tow_state *state, const char *job, int64_t count,
                                  struct tow_checkpoint *out, struct tow_error *err)
{
    static const char text[] = "SELECT sink, token FROM tokens WHERE job = ? ORDER BY sink";
    const struct tow_sql_value values[] = {tow_sql_text(job), TOW_SQL_END};
    sqlite3_stmt *row;
    int result;

    if (count < 0 || count > TOW_STATE_TOKENS_MAX)
        return checkpoint_damaged(state, job, "a token count of", count, err);
    if (count == 0)
        return TOW_OK;
    out->tokens = calloc((size_t)count, sizeof *out->tokens);
    if (!out->tokens)
        return tow_error_nomem(err);
    result = tow_sql_query(&state->sql, text, values, &row, err);
    while (result == TOW_OK) {
        int64_t sink = sqlite3_column_int64(row, 0);

        if (sink != out->token_count || sink >= count)
            return checkpoint_damaged(state, job, "an unexpected token of sink", sink, err);
        result = tow_sql_column_position(&state->sql, row, 1, &out->tokens[sink], err);
        if (result != TOW_OK)
            return result;
        out->token_count++;
        result = tow_sql_next(&state->sql, row, err);
    }
    if (result != TOW_END)
        return result;
    if (out->token_count != count)
        return checkpoint_damaged(state, job, "no token of sink", out->token_count, err);
    return TOW_OK;
}

static int checkpoint_read(struct tow_state *state, const char *job, struct tow_checkpoint *out,
                           struct tow_error *err)
{
    static const char text[] =
        "SELECT source, source_version, sink, fingerprint, load_id, run, "
        "saved_us, seq, position, token_count FROM checkpoints WHERE job = ?";
    const struct {
        char *out;
        size_t room;
    } texts[] = {{out->source, sizeof out->source},
                 {out->source_version, sizeof out->source_version},
                 {out->sink, sizeof out->sink},
                 {out->fingerprint, sizeof out->fingerprint},
                 {out->load_id, sizeof out->load_id}};
    const struct tow_sql_value values[] = {tow_sql_text(job), TOW_SQL_END};
    struct tow_sql *sql = &state->sql;
    sqlite3_stmt *row;
    int result = tow_sql_query(sql, text, values, &row, err);

    for (int i = 0; i < 5 && result == TOW_OK; i++)
        result = tow_sql_column_text(sql, row, i, texts[i].out, texts[i].room, err);
    if (result == TOW_OK)
        result = tow_sql_column_position(sql, row, 8, &out->position, err);
    if (result != TOW_OK)
        return result;
    out->run = sqlite3_column_int64(row, 5);
    out->saved_us = sqlite3_column_int64(row, 6);
    out->seq = (uint64_t)sqlite3_column_int64(row, 7);
    return checkpoint_read_tokens(state, job, sqlite3_column_int64(row, 9), out, err);
}

int tow_state_checkpoint(struct tow_state *state, const char *job, struct tow_checkpoint *out,
                         struct tow_error *err)
{
    int result;

    memset(out, 0, sizeof *out);
    out->position.size = sizeof out->position;
    result = tow_state_begin_read(state, err);
    if (result == TOW_OK)
        result = tow_state_end(state, checkpoint_read(state, job, out, err), err);
    if (result != TOW_OK)
        tow_checkpoint_release(out);
    return result;
}

static int checkpoint_check(const char *job, const struct tow_checkpoint *checkpoint,
                            struct tow_error *err)
{
    if (checkpoint->token_count > TOW_STATE_TOKENS_MAX)
        return tow_error_set(err, TOW_E_BUG, "checkpoint of job %s: %u tokens, at most %d", job,
                             checkpoint->token_count, TOW_STATE_TOKENS_MAX);
    if (checkpoint->position.length > TOW_POSITION_MAX)
        return tow_error_set(err, TOW_E_BUG,
                             "checkpoint of job %s: a position of %u bytes, at most %d", job,
                             checkpoint->position.length, TOW_POSITION_MAX);
    for (uint32_t i = 0; i < checkpoint->token_count; i++)
        if (checkpoint->tokens[i].length > TOW_POSITION_MAX)
            return tow_error_set(err, TOW_E_BUG,
                                 "checkpoint of job %s: token %u has %u bytes, at most %d", job, i,
                                 checkpoint->tokens[i].length, TOW_POSITION_MAX);
    return TOW_OK;
}

static int checkpoint_write_row(struct tow_state *state, const char *job, int64_t run,
                                const struct tow_checkpoint *checkpoint, struct tow_error *err)
{
    static const char text[] =
        "INSERT OR REPLACE INTO checkpoints (job, source, source_version, sink, fingerprint,"
        " load_id, run, saved_us, seq, position, token_count)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    const struct tow_sql_value values[] = {
        tow_sql_text(job),
        tow_sql_text(checkpoint->source),
        tow_sql_text(checkpoint->source_version),
        tow_sql_text(checkpoint->sink),
        tow_sql_text(checkpoint->fingerprint),
        tow_sql_text(checkpoint->load_id),
        tow_sql_int(run),
        tow_sql_int(checkpoint->saved_us),
        tow_sql_int((int64_t)checkpoint->seq),
        tow_sql_blob(checkpoint->position.bytes, checkpoint->position.length),
        tow_sql_int(checkpoint->token_count),
        TOW_SQL_END};

    return tow_sql_run(&state->sql, text, values, err);
}

static int checkpoint_write_tokens(struct tow_state *state, const char *job,
                                   const struct tow_checkpoint *checkpoint, struct tow_error *err)
{
    const struct tow_sql_value surplus[] = {tow_sql_text(job), tow_sql_int(checkpoint->token_count),
                                            TOW_SQL_END};
    int result =
        tow_sql_run(&state->sql, "DELETE FROM tokens WHERE job = ? AND sink >= ?", surplus, err);

    for (uint32_t i = 0; i < checkpoint->token_count && result == TOW_OK; i++) {
        const struct tow_sql_value values[] = {
            tow_sql_text(job), tow_sql_int(i),
            tow_sql_blob(checkpoint->tokens[i].bytes, checkpoint->tokens[i].length), TOW_SQL_END};

        result = tow_sql_run(&state->sql,
                             "INSERT OR REPLACE INTO tokens (job, sink, token) VALUES (?, ?, ?)",
                             values, err);
    }
    return result;
}

int tow_state_checkpoint_write(struct tow_state *state, const char *job, int64_t run,
                               const struct tow_checkpoint *checkpoint, struct tow_error *err)
{
    int result = checkpoint_check(job, checkpoint, err);

    if (result == TOW_OK)
        result = checkpoint_write_row(state, job, run, checkpoint, err);
    if (result == TOW_OK)
        result = checkpoint_write_tokens(state, job, checkpoint, err);
    /* Between loads nothing is ahead. */
    if (result == TOW_OK)
        result = tow_state_ahead_forget(state, job,
                                        checkpoint->load_id[0] ? checkpoint->seq : INT64_MAX, err);
    return result;
}

int tow_state_checkpoint_set(struct tow_state *state, const char *job,
                             const struct tow_checkpoint *checkpoint, struct tow_error *err)
{
    int result = tow_state_begin_write(state, err);

    if (result != TOW_OK)
        return result;
    result = tow_state_checkpoint_write(state, job, checkpoint->run, checkpoint, err);
    if (result == TOW_OK)
        result = tow_state_ahead_forget(state, job, INT64_MAX, err);
    return tow_state_end(state, result, err);
}

int tow_state_checkpoint_reset(struct tow_state *state, const char *job, int with_ledger,
                               struct tow_error *err)
{
    const struct tow_sql_value values[] = {tow_sql_text(job), TOW_SQL_END};
    int result = tow_state_begin_write(state, err);

    if (result != TOW_OK)
        return result;
    result = tow_sql_run(&state->sql, "DELETE FROM checkpoints WHERE job = ?", values, err);
    if (result == TOW_OK)
        result = tow_sql_run(&state->sql, "DELETE FROM tokens WHERE job = ?", values, err);
    if (result == TOW_OK)
        result = tow_state_ahead_forget(state, job, INT64_MAX, err);
    if (result == TOW_OK && with_ledger)
        result = tow_sql_run(&state->sql, "DELETE FROM ledger WHERE job = ?", values, err);
    return tow_state_end(state, result, err);
}
