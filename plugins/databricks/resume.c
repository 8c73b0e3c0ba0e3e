/* A load that was stopped goes on: in the same result, or behind the last row. */
#include <inttypes.h>
#include <string.h>

#include "plugins/databricks/scan.h"

static int resume_take_position(struct tow_scan *scan, struct tow_scan_position *position,
                                struct tow_error *err)
{
    if (position->shape != scan->shape)
        return tow_error_set(
            err, TOW_E_CONFIG,
            "what is read was changed in the middle of a load (host, table, query, "
            "catalog, schema, columns, where, cursor, tie_break, null_cursor or "
            "limit): go back, or start anew with `towpath run --full`");
    scan->version = position->version;
    scan->after = position->after;
    position->after.count = 0;
    scan->has_upto = position->has_upto;
    scan->upto = position->upto;
    position->upto = NULL;
    scan->progress.last = position->key;
    position->key.count = 0;
    memcpy(scan->progress.same, position->same, sizeof position->same);
    scan->total = position->total;
    scan->rows_at_open = position->same[0];
    return TOW_OK;
}

static int resume_find_statement(struct tow_scan *scan, const struct tow_scan_place *place,
                                 struct tow_error *err)
{
    struct tow_scan_statement *statement = &scan->statement;
    int code;

    if (!place->id[0])
        return TOW_OK;
    code = tow_statement_find(scan->client, place->id, &statement->run, err);
    if (code == TOW_END)
        return TOW_OK;
    if (code != TOW_OK)
        return code;
    statement->is_there = 1;
    statement->is_inline = place->is_inline;
    statement->succeeded_us = place->succeeded_us;
    statement->done = place->done;
    statement->chunk = place->chunk;
    statement->row = place->row;
    statement->begun_at = -1;
    tow_log(scan->host, TOW_LOG_INFO,
            "going on with the result of statement %s behind row %" PRId64, place->id, place->done);
    return TOW_OK;
}

/* Of a result with casts the columns are not known by itself. */
static int resume_compare(const struct tow_scan *scan, struct tow_error *err)
{
    const struct tow_statement *found = &scan->statement.run;

    if (!scan->statement.is_there)
        return TOW_OK;
    return tow_scan_columns_compare(&scan->columns, found->columns, found->column_count,
                                    scan->statement.is_inline, tow_scan_what(&scan->options), err);
}

static int resume_check(const struct tow_scan *scan, struct tow_error *err)
{
    if (scan->statement.is_there || scan->progress.same[0] == scan->total ||
        tow_scan_is_ordered(scan))
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "the result that the stopped load read is gone (it is kept for an hour), "
                         "and its rows have no order to go on in: start it anew with `towpath run "
                         "--full`. With cursor, or with tie_break = [unique columns], such a load "
                         "can be gone on with at any time");
}

int tow_scan_resume(struct tow_scan *scan, struct tow_scan_position *position,
                    struct tow_error *err)
{
    const struct tow_statement *found = &scan->statement.run;
    int code = resume_take_position(scan, position, err);

    if (code == TOW_OK)
        code = resume_find_statement(scan, &position->place, err);
    if (code != TOW_OK)
        return code;
    /* Inline results have casts in place of the columns. */
    if (scan->statement.is_there && !scan->statement.is_inline)
        code = tow_scan_columns_init(&scan->columns, &scan->options, found->columns,
                                     found->column_count, err);
    else
        code = tow_scan_find_columns(scan, err);
    if (code == TOW_OK)
        code = resume_compare(scan, err);
    if (code == TOW_OK)
        code = tow_scan_check_order(scan, position, err);
    if (code == TOW_OK)
        code = resume_check(scan, err);
    return code;
}
