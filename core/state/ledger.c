#include <stdlib.h>
#include <string.h>

#include "state/connection.h"

int tow_state_ledger_write(struct tow_state *state, const char *job, const char *ledger,
                           const char *key, struct tow_sql_value value, struct tow_error *err)
{
    static const char text[] =
        "INSERT OR REPLACE INTO ledger (job, ledger, key, value) VALUES (?, ?, ?, ?)";
    const struct tow_sql_value values[] = {tow_sql_text(job), tow_sql_text(ledger),
                                           tow_sql_text(key), value, TOW_SQL_END};

    if (value.length > TOW_POSITION_MAX)
        return tow_error_set(err, TOW_E_BUG,
                             "ledger %s of job %s: the value of key \"%.200s\" has %zu bytes, at "
                             "most %d",
                             ledger, job, key, value.length, TOW_POSITION_MAX);
    return tow_sql_run(&state->sql, text, values, err);
}

int tow_state_ledger_put(struct tow_state *state, const char *job, const char *ledger,
                         const char *key, const void *value, uint32_t length, struct tow_error *err)
{
    int result = tow_state_begin_write(state, err);

    if (result != TOW_OK)
        return result;
    result = tow_state_ledger_write(state, job, ledger, key, tow_sql_blob(value, length), err);
    return tow_state_end(state, result, err);
}

int tow_state_ledger_remove(struct tow_state *state, const char *job, const char *ledger,
                            const char *key, struct tow_error *err)
{
    const struct tow_sql_value values[] = {tow_sql_text(job), tow_sql_text(ledger),
                                           tow_sql_text(key), TOW_SQL_END};
    int result = tow_state_begin_write(state, err);

    if (result != TOW_OK)
        return result;
    result = tow_sql_run(&state->sql, "DELETE FROM ledger WHERE job = ? AND ledger = ? AND key = ?",
                         values, err);
    return tow_state_end(state, result, err);
}

void tow_ledger_give(const void *bytes, size_t length, struct tow_position *out)
{
    const size_t head = offsetof(struct tow_position, bytes);
    size_t room = out->size > head ? out->size - head : 0;

    if (room > length)
        room = length;
    out->length = (uint32_t)room;
    memcpy(out->bytes, bytes, room);
}

int tow_state_ledger_get(struct tow_state *state, const char *job, const char *ledger,
                         const char *key, struct tow_position *value, struct tow_error *err)
{
    const struct tow_sql_value values[] = {tow_sql_text(job), tow_sql_text(ledger),
                                           tow_sql_text(key), TOW_SQL_END};
    struct tow_position found = {.length = 0};
    sqlite3_stmt *row;
    int result =
        tow_state_query(state, "SELECT value FROM ledger WHERE job = ? AND ledger = ? AND key = ?",
                        values, &row, err);

    if (result != TOW_OK)
        return result;
    result = tow_sql_column_position(&state->sql, row, 0, &found, err);
    result = tow_state_end(state, result, err);
    if (result == TOW_OK)
        tow_ledger_give(found.bytes, found.length, value);
    return result;
}

/* An entry that was read; its key is reused from one to the next. */
struct ledger_entry {
    char *key;
    size_t room;
    struct tow_position value;
};

static int ledger_take(struct tow_sql *sql, sqlite3_stmt *row, struct ledger_entry *entry,
                       struct tow_error *err)
{
    size_t length = (size_t)sqlite3_column_bytes(row, 0);

    if (length >= entry->room) {
        char *grown = realloc(entry->key, length + 256);

        if (!grown)
            return tow_error_nomem(err);
        entry->key = grown;
        entry->room = length + 256;
    }
    return tow_sql_column_text(sql, row, 0, entry->key, entry->room, err);
}

/* The entry behind `after`, or the first that is not before `prefix` where after is NULL. */
static int ledger_step(struct tow_state *state, const struct tow_sql_value *values, int first,
                       struct ledger_entry *entry, struct tow_error *err)
{
    static const char start[] = "SELECT key, value FROM ledger WHERE job = ? AND ledger = ? AND "
                                "key >= ? ORDER BY key LIMIT 1";
    static const char step[] = "SELECT key, value FROM ledger WHERE job = ? AND ledger = ? AND "
                               "key > ? ORDER BY key LIMIT 1";
    sqlite3_stmt *row;
    int result = tow_state_query(state, first ? start : step, values, &row, err);

    if (result != TOW_OK)
        return result;
    result = tow_sql_column_position(&state->sql, row, 1, &entry->value, err);
    if (result == TOW_OK)
        result = ledger_take(&state->sql, row, entry, err);
    return tow_state_end(state, result, err);
}

/* One transaction an entry: visit may take its time, and may change the ledger. */
int tow_state_ledger_each(struct tow_state *state, const char *job, const char *ledger,
                          const char *prefix,
                          int32_t (*visit)(void *context, const char *key, const void *value,
                                           uint32_t length),
                          void *context, struct tow_error *err)
{
    struct ledger_entry entry = {.key = NULL};
    int result = TOW_OK;

    while (result == TOW_OK) {
        const struct tow_sql_value values[] = {tow_sql_text(job), tow_sql_text(ledger),
                                               tow_sql_text(entry.key ? entry.key : prefix),
                                               TOW_SQL_END};

        result = ledger_step(state, values, !entry.key, &entry, err);
        if (result == TOW_END ||
            (result == TOW_OK && strncmp(entry.key, prefix, strlen(prefix)) != 0)) {
            result = TOW_OK;
            break;
        }
        if (result == TOW_OK)
            result = visit(context, entry.key, entry.value.bytes, entry.value.length);
    }
    free(entry.key);
    return result;
}
