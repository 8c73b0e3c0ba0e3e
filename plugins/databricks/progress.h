/*
 * How far a load is: the key of the last row, and how many rows in a row shared it, or its first
 * columns. It goes on across statements.
 */
#ifndef PLUGINS_DATABRICKS_PROGRESS_H
#define PLUGINS_DATABRICKS_PROGRESS_H

#include "plugins/databricks/key.h"

struct tow_scan_progress {
    /* Of the last row; its first columns only, where a value behind them cannot be kept. */
    struct tow_key last;
    /* same[i]: how many rows, the last one among them, had the first i values of it; same[0] is all
     * rows. */
    int64_t same[TOW_KEYS_MAX + 1];
};

void tow_scan_progress_release(struct tow_scan_progress *progress);

/* The progress after rows [first, first + count), at least one, with these key columns; `to` is
 * zeroed before. */
int tow_scan_progress_advance(const struct tow_scan_progress *from, const struct tow_view *keys,
                              size_t key_count, int64_t first, int64_t count,
                              struct tow_scan_progress *to, struct tow_error *err);

/* *matches 1 where a row has the key `last`, as far as that goes. */
int tow_scan_progress_matches(const struct tow_scan_progress *progress, const struct tow_view *keys,
                              int64_t row, int *matches, struct tow_error *err);

#endif
