/* The ways in which one column is converted; convert.c picks among them. */
#ifndef PLUGINS_DATABRICKS_CONVERT_COLUMN_H
#define PLUGINS_DATABRICKS_CONVERT_COLUMN_H

#include "connectors/arrow/json.h"
#include "plugins/databricks/page.h"

#define TOW_CONVERT_JSON_DEPTH 1000
/* A nested value's text: far less than a batch may hold. */
#define TOW_CONVERT_JSON_MAX ((size_t)256 << 20)

/* What is at hand: `rows` rows of one column of a batch. */
struct tow_convert_job {
    const struct tow_ipc_column *from;
    struct tow_ipc_memory *memory; /* that `from` lies in */
    int64_t rows;
    size_t column; /* its number, and what it shall be */
    struct tow_type type;
    struct tow_builder *builder; /* for text that is made: one column */
    struct tow_ipc_json *json;
    struct tow_buffer *text; /* scratch */
    struct tow_scan_page *page;
};

/* Each makes *out; on failure there is nothing to release. */
typedef int tow_convert_column(const struct tow_convert_job *job, struct ArrowArray *out,
                               struct tow_error *err);

/* ---- convert_share.c: the buffers as they are -------------------------------------------------
 */

tow_convert_column tow_convert_values; /* fixed-width values, bits */
tow_convert_column tow_convert_bytes;  /* binary */
tow_convert_column tow_convert_text;   /* text and JSON text, looked at */

/* ---- convert_make.c: buffers of our own -------------------------------------------------------
 */

tow_convert_column tow_convert_timestamp;   /* of another unit */
tow_convert_column tow_convert_date;        /* in milliseconds */
tow_convert_column tow_convert_large_bytes; /* 64-bit offsets; then as their short cousins */
tow_convert_column tow_convert_large_text;
tow_convert_column tow_convert_void;
tow_convert_column tow_convert_nested;
tow_convert_column tow_convert_interval;

/* An array over buffers, the validity of job->from among them. made is freed with it; it may be
 * NULL. On failure made stays the caller's. */
int tow_convert_wrap(const struct tow_convert_job *job, const void *values, const void *bytes,
                     void *made, struct ArrowArray *out, struct tow_error *err);
/* Looks at text, or JSON text, over 32-bit offsets and adds faults to the page. */
int tow_convert_look(const struct tow_convert_job *job, const int32_t *offsets, const char *bytes,
                     struct tow_error *err);

#endif
