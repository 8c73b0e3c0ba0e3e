/*
 * Where the source stands, as it is saved between runs: JSON text.
 *
 * Between two loads, of a job with a cursor, it says where the next one begins:
 *   {"v":1, "order":"updated_at timestamp", "next":["2026-01-02T03:04:05.123456Z"]}
 * "next" holds the cursor's value alone, or, where `limit` ended the load, the whole key of the
 * last row.
 *
 * In the middle of a load:
 *   {"v":1, "order":"updated_at timestamp, id number", "shape":"00f3...", "version":7,
 *    "after":[...], "upto":["..."], "key":[...], "same":[5000,3,1], "total":1000000,
 *    "statement":{"id":"01ef...", "inline":false, "chunk":2, "row":800, "done":5000,
 *                 "at":1767323045000000}}
 * "after" is where the load began and "upto" the greatest cursor value that belongs to it. "key" is
 * that of the last row handed out, or its first columns, where more would be too long: of all rows
 * of the load so far, same[0] of them, the last same[i] had the first i values of it. "statement"
 * is the one whose result was being read, and "at" when it had succeeded; chunk and row are those
 * of the first row that has not been dealt with, and "done" is how many came before it.
 */
#ifndef PLUGINS_DATABRICKS_POSITION_H
#define PLUGINS_DATABRICKS_POSITION_H

#include <stdint.h>

#include "plugins/databricks/key.h"
#include "towpath/plugin.h"

#define TOW_SCAN_ID_MAX 128

struct tow_scan_place {
    char id[TOW_SCAN_ID_MAX]; /* statement; "": none */
    int is_inline;
    int64_t chunk, row, done;
    int64_t succeeded_us; /* since 1970 UTC */
};

struct tow_scan_position {
    int is_load;    /* 1: in the middle of one */
    char *order;    /* names and kinds of the key's columns; heap */
    uint64_t shape; /* of what the load reads: another one cannot be gone on with */
    int64_t version;
    struct tow_key after; /* or "next" */
    int has_upto;
    char *upto; /* heap; NULL: SQL's */
    struct tow_key key;
    int64_t same[TOW_KEYS_MAX + 1];
    int64_t total; /* rows of the load, as its first statement said; -1: not known */
    struct tow_scan_place place;
};

/* Zeroed, with no version and no total. */
void tow_scan_position_init(struct tow_scan_position *position);
void tow_scan_position_release(struct tow_scan_position *position);

/* TOW_E_UNSUPPORTED where it does not fit, even with nothing of the key. */
int tow_scan_position_put(const struct tow_scan_position *position, struct tow_position *out,
                          struct tow_error *err);
/* position was released, or initialized. TOW_END for an empty one, TOW_E_ENV for bytes that are
 * none. */
int tow_scan_position_get(struct tow_scan_position *position, const struct tow_position *from,
                          struct tow_error *err);

#endif
