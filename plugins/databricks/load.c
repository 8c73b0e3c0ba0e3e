/* The statement that brings the rows of a load, and the one after it, where its result is gone. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/databricks/scan.h"

/* A result is kept for an hour. */
#define LOAD_RENEW_US (INT64_C(50) * 60 * 1000000)

/* ---- where a statement begins --------------------------------------------------------------- */

static int load_cannot_go_on(const struct tow_scan *scan, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_CONFIG,
                         "%s: the result is gone (it is kept for an hour) before all of it was "
                         "read, and there is nothing to go on behind: start the load anew with "
                         "`towpath run --full`, and set cursor, or tie_break = [unique columns]; "
                         "then a load goes on by itself",
                         tow_scan_what(&scan->options));
}

/* 1 where rows with the last key can be told from those that are still to come. */
static int load_knows_last(const struct tow_scan *scan)
{
    const struct tow_scan_progress *progress = &scan->progress;

    if (scan->version >= 0 && !scan->is_unbound)
        return 1;
    return scan->options.tie_break.count > 0 && progress->last.count == scan->columns.key_count;
}

/* Rows that have the last key are asked for again, since others may have it too; those of them that
 * were handed out are skipped, as far as they can be told. */
static int load_go_on(struct tow_scan *scan, struct tow_query_range *range, struct tow_error *err)
{
    struct tow_scan_progress *progress = &scan->progress;

    scan->skip = 0;
    if (progress->same[0] == 0)
        return TOW_OK;
    if (!tow_scan_is_ordered(scan) || (!load_knows_last(scan) && progress->last.count == 0))
        return load_cannot_go_on(scan, err);
    range->from.count = progress->last.count;
    for (size_t i = 0; i < progress->last.count; i++)
        range->from.values[i] = progress->last.values[i];
    if (load_knows_last(scan)) {
        scan->skip = progress->same[progress->last.count];
        return TOW_OK;
    }
    if (progress->same[progress->last.count] > 0)
        tow_log(scan->host, TOW_LOG_WARN,
                "going on in what may have changed: %" PRId64 " rows with the last "
                "%s may come a second time; tie_break = [unique columns] would tell them apart",
                progress->same[progress->last.count], scan->options.cursor);
    memset(progress->same + 1, 0, sizeof progress->same - sizeof *progress->same);
    return TOW_OK;
}

static int load_range(struct tow_scan *scan, struct tow_query_range *range, struct tow_error *err)
{
    *range = (struct tow_query_range){.has_upto = scan->has_upto, .upto = scan->upto};
    range->after.count = scan->after.count;
    for (size_t i = 0; i < scan->after.count; i++)
        range->after.values[i] = scan->after.values[i];
    if (load_go_on(scan, range, err) != TOW_OK)
        return err->code;
    if (scan->options.limit > 0)
        range->limit = scan->options.limit - scan->progress.same[0] + scan->skip;
    return TOW_OK;
}

/* ---- running it ----------------------------------------------------------------------------- */

static int load_run(struct tow_scan *scan, const struct tow_query_range *range, int is_inline,
                    struct tow_error *err)
{
    const struct tow_query_source source = tow_scan_source(scan);
    struct tow_statement_request request;
    struct tow_query query = {.parameter_count = 0};
    char what[320];
    int code = tow_query_rows(&query, &source, &scan->columns, range, is_inline, err);

    tow_statement_release(&scan->statement.run);
    if (code == TOW_OK) {
        snprintf(what, sizeof what, "reading %.256s", tow_scan_what(&scan->options));
        request = tow_scan_request(scan, what, &query);
        request.result = is_inline ? TOW_STATEMENT_INLINE : TOW_STATEMENT_LINKS;
        code = tow_statement_run(scan->client, &request, &scan->statement.run, err);
    }
    tow_query_release(&query);
    scan->statement.is_inline = is_inline;
    return code;
}

static int load_wants_inline(const struct tow_scan *scan)
{
    const int64_t limit = scan->options.limit;

    if (scan->options.result != TOW_SCAN_RESULT_AUTO)
        return scan->options.result == TOW_SCAN_RESULT_INLINE;
    return scan->avoids_links || (limit > 0 && limit <= TOW_SCAN_INLINE_ROWS);
}

/* A few rows may still be too large to come inline, which the far end tells by its words alone. */
static int load_is_too_large(const struct tow_error *err)
{
    return strcasestr(err->message, "inline byte limit") != NULL;
}

/* With result = "auto" the other way is tried where one is refused. */
static int load_run_either(struct tow_scan *scan, const struct tow_query_range *range,
                           struct tow_error *err)
{
    const int is_auto = scan->options.result == TOW_SCAN_RESULT_AUTO;
    const int wants_inline = load_wants_inline(scan);
    int code = load_run(scan, range, wants_inline, err);

    if (!is_auto || scan->avoids_links || code == TOW_OK)
        return code;
    if (wants_inline && load_is_too_large(err))
        return load_run(scan, range, 0, err);
    if (wants_inline || code != TOW_E_UNSUPPORTED || scan->statement.run.id[0])
        return code;
    tow_log(scan->host, TOW_LOG_INFO,
            "the workspace hands out no links, so rows come inline, 25 MiB of them at "
            "most: %s",
            err->message);
    scan->avoids_links = 1;
    return load_run(scan, range, 1, err);
}

static int load_check(const struct tow_scan *scan, struct tow_error *err)
{
    const struct tow_statement *run = &scan->statement.run;

    if (run->truncated)
        return tow_error_set(err, TOW_E_ENV,
                             "%s: the result was cut off at %" PRId64 " rows, %" PRId64
                             " bytes: a statement gives 100 GiB at most; read less at once, with "
                             "where, columns, or limit and cursor",
                             tow_scan_what(&scan->options), run->rows, run->bytes);
    return tow_scan_columns_compare(&scan->columns, run->columns, run->column_count,
                                    scan->statement.is_inline, tow_scan_what(&scan->options), err);
}

static void load_count(struct tow_scan *scan)
{
    const int64_t done = scan->progress.same[0];

    if (done == 0 || scan->total < 0 || scan->version < 0 || scan->is_unbound)
        scan->total = done + scan->statement.run.rows - scan->skip;
    scan->is_unbound = 0;
}

static int load_start(struct tow_scan *scan, struct tow_error *err)
{
    struct tow_scan_statement *statement = &scan->statement;
    struct tow_query_range range;
    int code = load_range(scan, &range, err);

    if (code == TOW_OK)
        code = load_run_either(scan, &range, err);
    if (code != TOW_OK && scan->progress.same[0] > 0 && !scan->is_unbound &&
        tow_scan_version_is_gone(scan, &statement->run, code)) {
        code = tow_scan_leave_version(scan, err);
        return code == TOW_OK ? load_start(scan, err) : code;
    }
    if (code == TOW_OK)
        code = load_check(scan, err);
    /* What the statement could not make of the table's values is nothing that rows can be rejected
     * for. */
    if (code == TOW_E_DATA)
        err->code = code = TOW_E_ENV;
    if (code != TOW_OK)
        return code;
    statement->is_there = 1;
    statement->succeeded_us = scan->host->now_us(scan->host);
    statement->done = statement->chunk = statement->row = 0;
    statement->begun_at = scan->progress.same[0];
    load_count(scan);
    tow_log(scan->host, TOW_LOG_DEBUG,
            "statement %s gives %" PRId64 " rows in %" PRId64 " chunks, %" PRId64 " bytes",
            statement->run.id, statement->run.rows, statement->run.chunks, statement->run.bytes);
    return TOW_OK;
}

static int load_open(struct tow_scan *scan, struct tow_error *err)
{
    const struct tow_result_settings settings = {
        .what = tow_scan_what(&scan->options),
        .config = &scan->config,
        .client = scan->client,
        .statement = &scan->statement.run,
        .columns = &scan->columns,
        .cancel_fd = scan->host->cancel_fd(scan->host),
        .parallel = (int)scan->options.fetches,
        .chunk = scan->statement.chunk,
        .row = scan->statement.row,
        .page_rows = scan->host->batch_rows,
    };

    scan->result =
        scan->statement.is_inline ? tow_inline_new(&settings, err) : tow_links_new(&settings, err);
    return scan->result ? TOW_OK : err->code;
}

/* ---- reading -------------------------------------------------------------------------------- */

static void load_drop(struct tow_scan *scan)
{
    tow_result_free(scan->result);
    scan->result = NULL;
    tow_statement_release(&scan->statement.run);
    scan->statement = (struct tow_scan_statement){.is_there = 0};
}

/* A result that is about to go is left for another statement in time, where that can go on
 * exactly. */
static void load_look_at_clock(struct tow_scan *scan)
{
    const int64_t age = scan->host->now_us(scan->host) - scan->statement.succeeded_us;

    if (age < LOAD_RENEW_US || scan->warned_of_end)
        return;
    if (tow_scan_is_ordered(scan) && load_knows_last(scan)) {
        tow_log(scan->host, TOW_LOG_INFO,
                "the result of statement %s will soon be gone: another one goes on "
                "behind row %" PRId64 " of the load",
                scan->statement.run.id, scan->progress.same[0]);
        load_drop(scan);
        return;
    }
    scan->warned_of_end = 1;
    tow_log(scan->host, TOW_LOG_WARN,
            "%s has been read for %" PRId64 " minutes, and its result is kept for an "
            "hour: %s",
            tow_scan_what(&scan->options), age / 60000000,
            tow_scan_is_ordered(scan) ? "then some rows may come twice; set tie_break"
                                      : "then the load fails; set cursor or tie_break");
}

/* Skipped rows that are not there after all. */
static int load_end_skip(struct tow_scan *scan, struct tow_error *err)
{
    if (scan->skip == 0)
        return TOW_OK;
    if (scan->version >= 0)
        return tow_error_set(err, TOW_E_ENV,
                             "%s: version %" PRId64
                             " is not what it was: of the rows with the last "
                             "key, %" PRId64 " that were read before are not there; start the load "
                             "anew with `towpath run --full`",
                             tow_scan_what(&scan->options), scan->version, scan->skip);
    scan->total += scan->skip;
    scan->skip = 0;
    return TOW_OK;
}

static void load_views(struct tow_scan *scan, struct tow_view *keys)
{
    for (size_t i = 0; i < scan->columns.key_count; i++)
        keys[i] = scan->views[scan->columns.keys[i]];
}

/* Passes over rows that were handed out before. */
static int load_skip(struct tow_scan *scan, struct tow_error *err)
{
    struct tow_scan_page *page = &scan->page;
    struct tow_view keys[TOW_KEYS_MAX];
    int code = TOW_OK, matches = 1;

    load_views(scan, keys);
    while (scan->skip > 0 && page->at < page->length && code == TOW_OK && matches) {
        code = tow_scan_progress_matches(&scan->progress, keys, page->at, &matches, err);
        if (code != TOW_OK || !matches)
            continue;
        page->at++;
        scan->skip--;
        scan->statement.done++;
    }
    return code == TOW_OK && !matches ? load_end_skip(scan, err) : code;
}

/* The result is gone. A statement that brought nothing new is one that failed: whether there shall
 * be another one is the core's to say. */
static int load_replace(struct tow_scan *scan, struct tow_error *err)
{
    const int was_idle = scan->statement.begun_at == scan->progress.same[0];

    if (was_idle)
        err->code = TOW_E_TRANSIENT;
    else
        tow_log(scan->host, TOW_LOG_INFO, "%s", err->message);
    load_drop(scan);
    if (scan->progress.same[0] > 0 && !tow_scan_is_ordered(scan))
        return load_cannot_go_on(scan, err);
    return was_idle ? TOW_E_TRANSIENT : TOW_OK;
}

static int load_next(struct tow_scan *scan, struct tow_error *err)
{
    int code = tow_result_next(scan->result, &scan->page, err);

    if (code == TOW_END) {
        scan->at_end = 1;
        return load_end_skip(scan, err);
    }
    if (code != TOW_OK && tow_result_is_gone(scan->result))
        return load_replace(scan, err);
    for (size_t i = 0; code == TOW_OK && i < scan->columns.count; i++)
        tow_view_init(&scan->views[i], &scan->schema, tow_share_array(scan->page.rows), (int64_t)i);
    return code;
}

static int load_step(struct tow_scan *scan, struct tow_error *err)
{
    if (scan->page.rows)
        return load_skip(scan, err);
    if (!scan->result && scan->total == scan->progress.same[0]) {
        scan->at_end = 1;
        return TOW_OK;
    }
    if (scan->host->cancelled(scan->host))
        return tow_error_set(err, TOW_E_CANCELLED, "reading %s was cancelled",
                             tow_scan_what(&scan->options));
    if (!scan->statement.is_there)
        return load_start(scan, err);
    if (!scan->result)
        return load_open(scan, err);
    load_look_at_clock(scan);
    return scan->result ? load_next(scan, err) : TOW_OK;
}

int tow_scan_load(struct tow_scan *scan, struct tow_error *err)
{
    int code = TOW_OK;

    while (code == TOW_OK) {
        if (scan->page.rows && scan->page.at == scan->page.length)
            tow_scan_page_release(&scan->page);
        if (scan->page.rows && scan->skip == 0)
            return TOW_OK;
        if (scan->at_end)
            return TOW_END;
        code = load_step(scan, err);
    }
    return code;
}

void tow_scan_close_statement(struct tow_scan *scan)
{
    /* Rows on their way may still fail; then the load is read on from the last checkpoint, for
     * which rows without an order need this very result. It is dropped an hour after it was made.
     */
    if (scan->at_end && scan->statement.is_there && tow_scan_is_exact(scan) &&
        !scan->host->cancelled(scan->host))
        tow_statement_close(scan->client, &scan->statement.run);
}
