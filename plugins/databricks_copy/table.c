#include "plugins/databricks_copy/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/databricks/describe.h"
#include "plugins/databricks_copy/copy_sql.h"
#include "towpath/batch.h"

#define TABLE_NAMED_MAX 400 /* bytes of column names in a message */

/* ---- statements ----------------------------------------------------------------------------- */

static void table_waiting(void *context, const char *state)
{
    const struct tow_copy_session *session = context;

    tow_log(session->host, TOW_LOG_INFO, "the statement waits for its warehouse (%s)", state);
}

int tow_copy_run(const struct tow_copy_session *session, const char *what, const char *text,
                 struct tow_statement *statement, struct tow_error *err)
{
    const struct tow_copy_options *options = session->target->options;
    const struct tow_statement_request request = {
        .what = what,
        .text = text,
        .result = TOW_STATEMENT_INLINE,
        .repeatable = 1,
        .start_budget_ms = options->start_timeout_ms,
        .run_budget_ms = options->query_timeout_ms,
        .waiting = table_waiting,
        .context = (void *)session,
    };
    struct tow_statement own = {.rows = 0};
    int code = tow_statement_run(session->databricks, &request, statement ? statement : &own, err);

    if (!statement)
        tow_statement_release(&own);
    return code;
}

int tow_copy_pass_on(const struct tow_error *own, struct tow_error *err)
{
    tow_error_set(err, own->code, "%s", own->message);
    if (err)
        err->retry_after_ms = own->retry_after_ms;
    return own->code;
}

/* Runs what `text` holds, if it could be made; releases it. `code` is of its making. */
static int table_run(const struct tow_copy_session *session, const char *what,
                     struct tow_buffer *text, int code, struct tow_error *err)
{
    if (code == TOW_OK)
        code = tow_buffer_append(text, "", 1, err);
    if (code == TOW_OK)
        code = tow_copy_run(session, what, text->data, NULL, err);
    tow_buffer_release(text);
    return code;
}

/* ---- DESCRIBE ------------------------------------------------------------------------------- */

/* *is_absent: there is no such table. */
static int table_describe(const struct tow_copy_session *session, const char *what,
                          struct tow_description *described, int *is_absent, struct tow_error *err)
{
    struct tow_error own = TOW_ERROR_INIT;
    struct tow_statement statement = {.rows = 0};
    struct tow_buffer text = {.data = NULL};
    int code = tow_copy_sql_describe(&text, &session->target->table, err);

    *is_absent = 0;
    if (code == TOW_OK)
        code = tow_buffer_append(&text, "", 1, err);
    if (code != TOW_OK)
        goto out;
    code = tow_copy_run(session, what, text.data, &statement, &own);
    *is_absent = code == TOW_E_CONFIG && tow_statement_lacks_table(&statement);
    if (code == TOW_OK)
        code = tow_description_read(session->databricks, &statement, described, err);
    else
        code = *is_absent ? TOW_OK : tow_copy_pass_on(&own, err);
    tow_statement_release(&statement);
out:
    tow_buffer_release(&text);
    return code;
}

/* ---- does it fit ---------------------------------------------------------------------------- */

static int table_refuse_missing(const struct tow_copy_target *target,
                                const struct tow_copy_columns *columns, struct tow_error *err)
{
    char names[TABLE_NAMED_MAX];

    tow_copy_columns_name_missing(columns, names, sizeof names);
    return tow_error_set(err, TOW_E_CONFIG,
                         "table %s has no column for: %s. Add them there, leave them out in "
                         "`columns`, or set schema_change = \"add_columns\"",
                         target->options->table, names);
}

/* A table whose columns may be replaced need not fit. */
static int table_fit(const struct tow_copy_target *target, struct tow_copy_columns *columns,
                     const struct tow_description *described, enum tow_copy_fit *fit,
                     struct tow_error *err)
{
    const int32_t change = target->options->schema_change;
    struct tow_error own = TOW_ERROR_INIT;
    int code = tow_copy_columns_fit(columns, target->options->table, described->items,
                                    described->count, &own);

    *fit = columns->missing ? TOW_COPY_LACKS : TOW_COPY_FITS;
    if (change == TOW_COPY_CHANGE_REPLACE &&
        (code == TOW_E_CONFIG || columns->missing || columns->extra)) {
        *fit = TOW_COPY_DIFFERS;
        return TOW_OK;
    }
    if (code == TOW_OK && columns->missing && change == TOW_COPY_CHANGE_FAIL)
        return table_refuse_missing(target, columns, err);
    return code == TOW_OK ? TOW_OK : tow_copy_pass_on(&own, err);
}

int tow_copy_table_look(const struct tow_copy_session *session, const struct ArrowSchema *schema,
                        struct tow_copy_columns *columns, enum tow_copy_fit *fit,
                        struct tow_error *err)
{
    const struct tow_copy_target *target = session->target;
    const struct tow_copy_column_spec spec = tow_copy_target_columns(target);
    struct tow_description described = {.items = NULL};
    char what[sizeof err->message / 2];
    int is_absent = 0;
    int code = tow_copy_columns_init(columns, schema, &spec, err);

    snprintf(what, sizeof what, "looking at table %s", target->options->table);
    if (code == TOW_OK)
        code = table_describe(session, what, &described, &is_absent, err);
    if (code == TOW_OK && is_absent) {
        *fit = TOW_COPY_ABSENT;
        if (!target->options->create_table)
            code = tow_error_set(err, TOW_E_CONFIG,
                                 "table %s is not there; create it, or set create_table = true",
                                 target->options->table);
    } else if (code == TOW_OK && tow_copy_target_remakes(target)) {
        *fit = TOW_COPY_DIFFERS;
    } else if (code == TOW_OK) {
        code = table_fit(target, columns, &described, fit, err);
    }
    if (code == TOW_OK && *fit == TOW_COPY_DIFFERS) {
        /* It gets this load's columns, as if there were none. */
        tow_copy_columns_release(columns);
        code = tow_copy_columns_init(columns, schema, &spec, err);
    }
    tow_description_release(&described);
    return code;
}

/* ---- making it fit -------------------------------------------------------------------------- */

static int table_create_text(const struct tow_copy_target *target,
                             const struct tow_copy_columns *columns, struct tow_buffer *text,
                             struct tow_error *err)
{
    const char *location = target->options->location;
    int code = tow_copy_sql_create(text, &target->table, columns, NULL, 0, err);

    return code == TOW_OK && location ? tow_copy_sql_location(text, location, err) : code;
}

static int table_create(const struct tow_copy_session *session,
                        const struct tow_copy_columns *columns, struct tow_error *err)
{
    const struct tow_copy_target *target = session->target;
    struct tow_buffer text = {.data = NULL};
    char what[sizeof err->message / 2];
    int code = table_create_text(target, columns, &text, err);

    snprintf(what, sizeof what, "creating table %s", target->options->table);
    return table_run(session, what, &text, code, err);
}

/* Columns that somebody else has just added are as good. */
static int table_add_columns(const struct tow_copy_session *session,
                             const struct tow_copy_columns *columns, struct tow_error *err)
{
    const struct tow_copy_target *target = session->target;
    struct tow_error own = TOW_ERROR_INIT;
    struct tow_statement statement = {.rows = 0};
    struct tow_buffer text = {.data = NULL};
    char what[sizeof err->message / 2], names[TABLE_NAMED_MAX];
    int code = tow_copy_sql_add_columns(&text, &target->table, columns, &own);

    tow_copy_columns_name_missing(columns, names, sizeof names);
    snprintf(what, sizeof what, "adding columns %s to table %s", names, target->options->table);
    if (code == TOW_OK)
        code = tow_buffer_append(&text, "", 1, &own);
    if (code == TOW_OK)
        code = tow_copy_run(session, what, text.data, &statement, &own);
    if (code == TOW_OK)
        tow_log(session->host, TOW_LOG_INFO, "added to table %s: %s", target->options->table,
                names);
    else if (strcmp(statement.error_class, "FIELDS_ALREADY_EXISTS") == 0)
        code = TOW_OK;
    tow_statement_release(&statement);
    tow_buffer_release(&text);
    return code == TOW_OK ? TOW_OK : tow_copy_pass_on(&own, err);
}

int tow_copy_table_make(const struct tow_copy_session *session, const struct ArrowSchema *schema,
                        int is_placeholder, struct tow_copy_columns *columns, struct tow_error *err)
{
    const struct tow_copy_target *target = session->target;
    const struct tow_copy_column_spec spec = tow_copy_target_columns(target);
    struct tow_buffer text = {.data = NULL};
    char what[sizeof err->message / 2];
    int code = tow_copy_columns_init(columns, schema, &spec, err);

    snprintf(what, sizeof what, "dropping table %s", target->options->table);
    if (code == TOW_OK) {
        code = tow_copy_sql_drop(&text, &target->table, err);
        code = table_run(session, what, &text, code, err);
    }
    if (code != TOW_OK || !is_placeholder)
        return code == TOW_OK ? table_create(session, columns, err) : code;
    code = tow_copy_sql_placeholder(&text, &target->table, NULL, err);
    snprintf(what, sizeof what, "creating table %s", target->options->table);
    return table_run(session, what, &text, code, err);
}

int tow_copy_table_prepare(const struct tow_copy_session *session, const struct ArrowSchema *schema,
                           struct tow_copy_columns *columns, enum tow_copy_fit *fit,
                           struct tow_error *err)
{
    int code = tow_copy_table_look(session, schema, columns, fit, err);

    if (code != TOW_OK || *fit == TOW_COPY_FITS || *fit == TOW_COPY_DIFFERS)
        return code;
    code = *fit == TOW_COPY_ABSENT ? table_create(session, columns, err)
                                   : table_add_columns(session, columns, err);
    if (code != TOW_OK)
        return code;
    /* As it is now: somebody else may have been faster. */
    tow_copy_columns_release(columns);
    code = tow_copy_table_look(session, schema, columns, fit, err);
    if (code == TOW_OK && (*fit == TOW_COPY_ABSENT || *fit == TOW_COPY_LACKS))
        code = tow_error_set(err, TOW_E_TRANSIENT, "table %s is not as it was just made",
                             session->target->options->table);
    return code;
}

/* ---- setting up ----------------------------------------------------------------------------- */

static int table_say(const struct tow_copy_session *session, const struct tow_setup *setup,
                     enum tow_copy_fit fit, struct tow_buffer *statement, struct tow_error *err)
{
    const int32_t outcome = fit == TOW_COPY_ABSENT  ? TOW_SETUP_CREATED
                            : fit == TOW_COPY_LACKS ? TOW_SETUP_CHANGED
                                                    : TOW_SETUP_EXISTS;
    struct tow_buffer thing = {.data = NULL};
    int code = tow_buffer_printf(&thing, err, "table %s", session->target->options->table);

    if (code == TOW_OK)
        code = tow_buffer_append(&thing, "", 1, err);
    if (code == TOW_OK)
        code = tow_buffer_append(statement, "", 1, err);
    if (code == TOW_OK && setup->say(setup, outcome, thing.data,
                                     outcome == TOW_SETUP_EXISTS ? NULL : statement->data))
        code = tow_error_nomem(err);
    tow_buffer_release(&thing);
    return code;
}

int tow_copy_table_setup(const struct tow_copy_session *session, const struct tow_setup *setup,
                         struct tow_error *err)
{
    struct tow_copy_columns columns;
    struct tow_buffer text = {.data = NULL};
    enum tow_copy_fit fit, now;
    int code = tow_copy_table_look(session, setup->columns, &columns, &fit, err);

    if (code == TOW_OK && fit == TOW_COPY_ABSENT)
        code = table_create_text(session->target, &columns, &text, err);
    if (code == TOW_OK && fit == TOW_COPY_LACKS)
        code = tow_copy_sql_add_columns(&text, &session->target->table, &columns, err);
    tow_copy_columns_release(&columns);
    if (code == TOW_OK && text.size && !setup->is_dry_run) {
        code = tow_copy_table_prepare(session, setup->columns, &columns, &now, err);
        tow_copy_columns_release(&columns);
    }
    if (code == TOW_OK)
        code = table_say(session, setup, fit, &text, err);
    tow_buffer_release(&text);
    return code;
}

/* ---- counting and dropping ------------------------------------------------------------------ */

int tow_copy_number(const struct tow_copy_session *session, struct tow_statement *statement,
                    const char *column, int64_t *value, struct tow_error *err)
{
    struct tow_error own = TOW_ERROR_INIT;
    char *text = tow_statement_text(session->databricks, statement, column, &own);

    *value = -1;
    if (!text)
        return own.code == TOW_OK ? TOW_OK : tow_copy_pass_on(&own, err);
    if (tow_parse_int64(text, strlen(text), value) != TOW_PARSE_OK)
        *value = -1;
    free(text);
    return TOW_OK;
}

int tow_copy_table_count(const struct tow_copy_session *session, const struct tow_sql_table *table,
                         int64_t *rows, struct tow_error *err)
{
    struct tow_statement statement = {.rows = 0};
    struct tow_buffer text = {.data = NULL};
    int code = tow_copy_sql_count(&text, table, err);

    if (code == TOW_OK)
        code = tow_buffer_append(&text, "", 1, err);
    if (code == TOW_OK)
        code = tow_copy_run(session, "counting the rows of the load", text.data, &statement, err);
    if (code == TOW_OK)
        code = tow_copy_number(session, &statement, "rows", rows, err);
    tow_statement_release(&statement);
    tow_buffer_release(&text);
    return code;
}

int tow_copy_table_drop(const struct tow_copy_session *session, const struct tow_sql_table *table,
                        struct tow_error *err)
{
    struct tow_buffer text = {.data = NULL};
    int code = tow_copy_sql_drop(&text, table, err);

    return table_run(session, "dropping the load table", &text, code, err);
}

int tow_copy_load_table(const struct tow_sql_table *target, const char *name, uint32_t round,
                        struct tow_sql_table *out, struct tow_error *err)
{
    char suffix[128];

    if (round == 1)
        snprintf(suffix, sizeof suffix, "__load_%s", name);
    else
        snprintf(suffix, sizeof suffix, "__load_%s_%" PRIu32, name, round);
    return tow_sql_table_sibling(out, target, suffix, err);
}
