/* Where reading begins: with a new load, or in the middle of one that was stopped. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plugins/databricks/scan.h"

#define BEGIN_FNV_START UINT64_C(14695981039346656037)
#define BEGIN_FNV_PRIME UINT64_C(1099511628211)

/* ---- what the load is ----------------------------------------------------------------------- */

static uint64_t begin_hash(uint64_t hash, const char *text)
{
    /* The terminator too, so that neighbours cannot run together; absent is not empty. */
    const char *p = text ? text : "\1";

    do {
        hash = (hash ^ (unsigned char)*p) * BEGIN_FNV_PRIME;
    } while (*p++);
    return hash;
}

static uint64_t begin_hash_all(uint64_t hash, struct tow_strings texts)
{
    for (uint64_t i = 0; i < texts.count; i++)
        hash = begin_hash(hash, texts.items[i]);
    return begin_hash(hash, "");
}

/* All that says which rows there are, and in which order. */
static uint64_t begin_shape(const struct tow_scan *scan)
{
    const struct tow_scan_options *options = &scan->options;
    char numbers[64];
    uint64_t hash = begin_hash(BEGIN_FNV_START, scan->config.url);

    snprintf(numbers, sizeof numbers, "%" PRId64 " %d", options->limit, (int)options->null_cursor);
    hash = begin_hash(hash, options->table);
    hash = begin_hash(hash, options->query);
    hash = begin_hash(hash, options->catalog);
    hash = begin_hash(hash, options->schema);
    hash = begin_hash(hash, options->where);
    hash = begin_hash(hash, options->cursor);
    hash = begin_hash(hash, numbers);
    return begin_hash_all(begin_hash_all(hash, options->columns), options->tie_break);
}

char *tow_scan_order(const struct tow_scan_columns *columns, size_t count, struct tow_error *err)
{
    struct tow_buffer text = {0};
    int code = tow_buffer_printf(&text, err, "%s", "");

    for (size_t i = 0; i < count && code == TOW_OK; i++)
        code = tow_buffer_printf(&text, err, "%s%s %s", i > 0 ? ", " : "",
                                 tow_scan_key(columns, i)->name,
                                 tow_key_kind(tow_scan_key(columns, i)->type));
    if (code == TOW_OK)
        code = tow_buffer_append(&text, "", 1, err);
    if (code != TOW_OK)
        tow_buffer_release(&text);
    return text.data;
}

int tow_scan_check_order(const struct tow_scan *scan, const struct tow_scan_position *position,
                         struct tow_error *err)
{
    const size_t key_count = scan->columns.key_count;
    const size_t count = position->is_load ? key_count : position->after.count;
    char *order;
    int code = TOW_OK;

    if (scan->after.count > key_count || scan->progress.last.count > key_count ||
        (!position->is_load && (count > key_count || !scan->options.cursor)))
        return tow_error_set(err, TOW_E_CONFIG,
                             "the last run ended at a value of cursor and tie_break \"%s\", and "
                             "the job has others now: go back, or start anew with `towpath run "
                             "--full`",
                             position->order);
    order = tow_scan_order(&scan->columns, count, err);
    if (!order)
        return TOW_E_NOMEM;
    if (strcasecmp(order, position->order) != 0)
        code = tow_error_set(err, TOW_E_CONFIG,
                             "the last run ended at a value of cursor and tie_break \"%s\", now "
                             "they are \"%s\": go back, or start anew with `towpath run --full`",
                             position->order, order);
    free(order);
    return code;
}

/* ---- beginning ------------------------------------------------------------------------------ */

/* A single statement reads one state of the table; a version is needed to read it again. */
static int begin_pin(struct tow_scan *scan, struct tow_error *err)
{
    const int32_t snapshot = scan->options.snapshot;

    if (!scan->options.table || snapshot == TOW_SCAN_SNAPSHOT_NONE ||
        (snapshot == TOW_SCAN_SNAPSHOT_AUTO && !tow_scan_is_ordered(scan)))
        return TOW_OK;
    return tow_scan_find_version(scan, err);
}

static int begin_new(struct tow_scan *scan, const struct tow_scan_position *position,
                     struct tow_error *err)
{
    int code = tow_scan_find_columns(scan, err);

    if (code == TOW_OK && position)
        code = tow_scan_check_order(scan, position, err);
    if (code == TOW_OK)
        code = tow_scan_set_after(scan, position, err);
    if (code == TOW_OK)
        code = begin_pin(scan, err);
    if (code == TOW_OK)
        code = tow_scan_find_bounds(scan, err);
    return code;
}

static void begin_warn_of_order(const struct tow_scan *scan)
{
    if (!tow_scan_is_ordered(scan) || tow_scan_columns_are_ordered(&scan->columns, &scan->options))
        return;
    tow_log(scan->host, TOW_LOG_WARN,
            "rows that differ in columns without an order alone (maps, variants) "
            "cannot be told apart where a load is gone on with: set tie_break");
}

int tow_scan_begin(struct tow_scan *scan, const struct tow_position *from, struct tow_error *err)
{
    struct tow_scan_position position;
    int code = tow_scan_position_get(&position, from, err);

    scan->shape = begin_shape(scan);
    scan->version = -1;
    scan->total = -1;
    if (code == TOW_END)
        code = begin_new(scan, NULL, err);
    else if (code == TOW_OK && position.is_load)
        code = tow_scan_resume(scan, &position, err);
    else if (code == TOW_OK)
        code = begin_new(scan, &position, err);
    tow_scan_position_release(&position);
    if (code != TOW_OK)
        return code;
    begin_warn_of_order(scan);
    scan->order = tow_scan_order(&scan->columns, scan->columns.key_count, err);
    return scan->order ? TOW_OK : TOW_E_NOMEM;
}
