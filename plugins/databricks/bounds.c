/* The bounds of a new load: behind what, and up to where. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/databricks/scan.h"

/* ---- behind what ---------------------------------------------------------------------------- */

static int bounds_add_text(struct tow_key *key, struct tow_buffer *text, struct tow_error *err)
{
    int code = tow_buffer_append(text, "", 1, err);

    return code == TOW_OK ? tow_key_add(key, text->data, err) : code;
}

/* Rows behind `since`. */
static int bounds_after_since(struct tow_scan *scan, struct tow_error *err)
{
    struct tow_buffer text = {0};
    int code =
        tow_key_since_put(&text, tow_scan_key(&scan->columns, 0)->type, scan->options.since, err);

    if (code == TOW_OK)
        code = bounds_add_text(&scan->after, &text, err);
    tow_buffer_release(&text);
    return code;
}

/* Rows behind where the last load ended, less the overlap, but not before `since`. */
static int bounds_after_overlap(struct tow_scan *scan, const char *end, struct tow_error *err)
{
    const struct tow_type type = tow_scan_key(&scan->columns, 0)->type;
    struct tow_buffer text = {0}, since = {0};
    int code = tow_key_before_put(&text, type, end, scan->options.overlap, err);

    if (code == TOW_OK && scan->options.since)
        code = tow_key_since_put(&since, type, scan->options.since, err);
    if (code == TOW_OK)
        code = tow_buffer_append(&text, "", 1, err);
    if (code == TOW_OK)
        code = tow_buffer_append(&since, "", 1, err);
    if (code == TOW_OK)
        code = tow_key_add(&scan->after,
                           since.size > 1 ? tow_key_later(text.data, since.data) : text.data, err);
    tow_buffer_release(&text);
    tow_buffer_release(&since);
    return code;
}

int tow_scan_set_after(struct tow_scan *scan, const struct tow_scan_position *position,
                       struct tow_error *err)
{
    const char *end = position ? position->after.values[0] : NULL;

    if (!position)
        return scan->options.since ? bounds_after_since(scan, err) : TOW_OK;
    if (tow_key_copy(&scan->end, &position->after, position->after.count, err) != TOW_OK)
        return TOW_E_NOMEM;
    /* Where `limit` ended the load, the next one takes the rest first. */
    if (position->after.count > 1 || scan->options.overlap == 0 || !end)
        return tow_key_copy(&scan->after, &position->after, position->after.count, err);
    return bounds_after_overlap(scan, end, err);
}

/* ---- up to where ---------------------------------------------------------------------------- */

static unsigned bounds_wanted(const struct tow_scan *scan)
{
    const struct tow_scan_options *options = &scan->options;
    unsigned wanted = 0;

    if (!options->cursor)
        return 0;
    if (options->null_cursor == TOW_SCAN_NULLS_FAIL)
        wanted |= TOW_QUERY_NULLS;
    /* A day may get more rows until it is over. */
    if (options->lag > 0 || tow_scan_key(&scan->columns, 0)->type.id == TOW_TYPE_DATE)
        wanted |= TOW_QUERY_NOW;
    else if (scan->version < 0)
        wanted |= TOW_QUERY_NEWEST;
    return wanted;
}

static int bounds_check_nulls(struct tow_scan *scan, struct tow_statement *statement,
                              struct tow_error *err)
{
    char *nulls = tow_statement_text(scan->client, statement, "nulls", err);
    int code = err->code;

    if (nulls && strcmp(nulls, "0") != 0)
        code = tow_error_set(err, TOW_E_CONFIG,
                             "%s rows of %s have no %s: null_cursor = \"first\" takes them in the "
                             "first load, \"skip\" leaves them out",
                             nulls, tow_scan_what(&scan->options), scan->options.cursor);
    else if (!nulls && code == TOW_OK)
        code = tow_error_set(err, TOW_E_ENV, "the count of rows without %s did not come",
                             scan->options.cursor);
    free(nulls);
    return code;
}

static int bounds_set_upto(struct tow_scan *scan, struct tow_buffer *text, struct tow_error *err)
{
    if (!tow_key_is_kept(text->data, text->size))
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "cursor \"%s\": its greatest value has %zu bytes, or is no UTF-8; up "
                             "to %d can be kept",
                             scan->options.cursor, text->size, TOW_KEY_TEXT_MAX);
    scan->upto = strndup(text->data, text->size);
    return scan->upto ? TOW_OK : tow_error_nomem(err);
}

static int bounds_limit_by_clock(struct tow_scan *scan, struct tow_statement *statement,
                                 struct tow_error *err)
{
    char *now = tow_statement_text(scan->client, statement, "now", err);
    struct tow_buffer text = {0};
    int64_t now_us;
    int code = err->code;

    if (!now && code == TOW_OK)
        code = tow_error_set(err, TOW_E_ENV, "the warehouse's time did not come");
    if (now && tow_parse_int64(now, strlen(now), &now_us) != TOW_PARSE_OK)
        code = tow_error_set(err, TOW_E_ENV, "the warehouse's time came as \"%.40s\"", now);
    if (code == TOW_OK)
        code = tow_key_limit_put(&text, tow_scan_key(&scan->columns, 0)->type, now_us,
                                 scan->options.lag, err);
    if (code == TOW_OK)
        code = bounds_set_upto(scan, &text, err);
    tow_buffer_release(&text);
    free(now);
    return code;
}

static int bounds_limit_by_newest(struct tow_scan *scan, struct tow_statement *statement,
                                  struct tow_error *err)
{
    char *newest = tow_statement_text(scan->client, statement, "newest", err);
    struct tow_buffer text = {0};
    int code = err->code;

    /* None: nothing but rows without a value. */
    if (newest && code == TOW_OK) {
        code = tow_key_said_put(&text, tow_scan_key(&scan->columns, 0)->type, newest, err);
        if (code == TOW_OK)
            code = bounds_set_upto(scan, &text, err);
    }
    tow_buffer_release(&text);
    free(newest);
    return code;
}

int tow_scan_find_bounds(struct tow_scan *scan, struct tow_error *err)
{
    const struct tow_query_source source = tow_scan_source(scan);
    struct tow_statement statement = {.columns = NULL};
    struct tow_query query = {.parameter_count = 0};
    const unsigned wanted = bounds_wanted(scan);
    int code = TOW_OK;

    if (!wanted)
        return TOW_OK;
    code = tow_query_bounds(&query, &source, tow_scan_key(&scan->columns, 0), wanted, err);
    if (code == TOW_OK)
        code = tow_scan_run(scan, "looking for the newest rows of", &query, &statement, err);
    if (code == TOW_OK && wanted & TOW_QUERY_NULLS)
        code = bounds_check_nulls(scan, &statement, err);
    scan->has_upto = (wanted & (TOW_QUERY_NOW | TOW_QUERY_NEWEST)) != 0;
    if (code == TOW_OK && wanted & TOW_QUERY_NOW)
        code = bounds_limit_by_clock(scan, &statement, err);
    if (code == TOW_OK && wanted & TOW_QUERY_NEWEST)
        code = bounds_limit_by_newest(scan, &statement, err);
    tow_statement_release(&statement);
    tow_query_release(&query);
    return code;
}
