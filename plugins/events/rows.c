#include "plugins/events/rows.h"

#include <string.h>

#include "plugins/shared/lines.h"

#define ROWS_LIMIT     8192        /* where the host does not say */
#define ROWS_BYTES     (4 << 20)   /* the same */
#define ROWS_BYTES_MAX (256 << 20) /* with one more row, within what offsets can count */

enum {
    ROWS_ID,
    ROWS_EVENT_TS,
    ROWS_RECEIVE_TS,
    ROWS_STREAM,
    ROWS_DATA,
    ROWS_COLUMNS,
};

static void rows_fields(struct tow_field fields[ROWS_COLUMNS], int is_json)
{
    const struct tow_field all[ROWS_COLUMNS] = {
        {.name = "id", .type = {TOW_TYPE_INT64, 0, 0}, .not_null = 1},
        {.name = "ly_event_ts", .type = {TOW_TYPE_TIMESTAMP, 0, 0}, .not_null = 1},
        {.name = "ly_receive_ts", .type = {TOW_TYPE_TIMESTAMP, 0, 0}, .not_null = 1},
        {.name = "stream", .type = {TOW_TYPE_STRING, 0, 0}, .not_null = 1},
        {.name = "data", .type = {is_json ? TOW_TYPE_JSON : TOW_TYPE_STRING, 0, 0}},
    };

    memcpy(fields, all, sizeof all);
}

int tow_events_schema(struct ArrowSchema *out, int is_json, struct tow_error *err)
{
    struct tow_field fields[ROWS_COLUMNS];

    rows_fields(fields, is_json);
    return tow_schema_make(out, fields, ROWS_COLUMNS, err);
}

int tow_events_rows_init(struct tow_events_rows *rows, const struct tow_host *host, int is_json,
                         struct tow_error *err)
{
    const struct tow_field line = {.name = "line", .type = {TOW_TYPE_INT64, 0, 0}, .not_null = 1};
    struct tow_field fields[ROWS_COLUMNS];
    int64_t most = host->batch_bytes && host->batch_bytes < ROWS_BYTES_MAX
                       ? (int64_t)host->batch_bytes
                       : ROWS_BYTES_MAX;

    rows_fields(fields, is_json);
    tow_events_rows_release(rows);
    rows->limit = host->batch_rows ? host->batch_rows : ROWS_LIMIT;
    rows->most = host->batch_bytes ? most : ROWS_BYTES;
    rows->rows = tow_builder_new(fields, ROWS_COLUMNS, err);
    if (rows->rows)
        rows->lines = tow_builder_new(&line, 1, err);
    return rows->rows && rows->lines ? TOW_OK : err->code;
}

void tow_events_rows_release(struct tow_events_rows *rows)
{
    if (rows->ready.release)
        rows->ready.release(&rows->ready);
    tow_builder_free(rows->rows);
    tow_builder_free(rows->lines);
    *rows = (struct tow_events_rows){0};
}

/* ---- appending ------------------------------------------------------------------------------ */

static int rows_reserve(const struct tow_events_rows *rows, const struct tow_event *event,
                        struct tow_error *err)
{
    const size_t sizes[ROWS_COLUMNS] = {
        [ROWS_STREAM] = event->stream.length,
        [ROWS_DATA] = event->data.text ? event->data.length : 0,
    };
    int64_t count = rows->count + 1;
    int code = tow_column_reserve(tow_builder_column(rows->lines, 0), count, 0, err);

    for (size_t i = 0; i < ROWS_COLUMNS && code == TOW_OK; i++) {
        struct tow_column *column = tow_builder_column(rows->rows, i);
        int64_t used = i >= ROWS_STREAM && rows->count > 0 ? column->offsets[rows->count] : 0;

        code = tow_column_reserve(column, count, used + (int64_t)sizes[i], err);
    }
    return code;
}

static void rows_put_int(struct tow_builder *builder, size_t index, int64_t value)
{
    struct tow_column *column = tow_builder_column(builder, index);

    ((int64_t *)column->values)[column->length] = value;
    column->length++;
}

static void rows_put_text(struct tow_builder *builder, size_t index, struct tow_json_part part)
{
    struct tow_column *column = tow_builder_column(builder, index);
    int32_t end = column->offsets[column->length];

    if (part.text && part.length > 0)
        memcpy(column->bytes + end, part.text, part.length);
    column->offsets[++column->length] = end + (part.text ? (int32_t)part.length : 0);
}

/* Bits are set eight at a time; a null takes its own away. */
static void rows_put_validity(struct tow_column *column, int64_t row, int is_null)
{
    if (row % 8 == 0)
        column->validity[row / 8] = 0xFF;
    if (is_null) {
        column->validity[row / 8] &= (uint8_t) ~(1u << (row % 8));
        column->null_count++;
    }
}

int tow_events_rows_append(struct tow_events_rows *rows, const struct tow_event *event,
                           int64_t line, struct tow_error *err)
{
    int64_t row = rows->count;
    int code = rows_reserve(rows, event, err);

    if (code != TOW_OK)
        return code;
    rows_put_validity(tow_builder_column(rows->lines, 0), row, 0);
    for (size_t i = 0; i < ROWS_COLUMNS; i++)
        rows_put_validity(tow_builder_column(rows->rows, i), row,
                          i == ROWS_DATA && !event->data.text);
    rows_put_int(rows->lines, 0, line);
    rows_put_int(rows->rows, ROWS_ID, event->id);
    rows_put_int(rows->rows, ROWS_EVENT_TS, event->event_us);
    rows_put_int(rows->rows, ROWS_RECEIVE_TS, event->receive_us);
    rows_put_text(rows->rows, ROWS_STREAM, event->stream);
    rows_put_text(rows->rows, ROWS_DATA, event->data);
    rows->count++;
    rows->bytes += (int64_t)(event->stream.length + (event->data.text ? event->data.length : 0));
    return TOW_OK;
}

/* ---- handing over --------------------------------------------------------------------------- */

int tow_events_rows_finish(struct tow_events_rows *rows, struct tow_batch *out,
                           struct tow_error *err)
{
    int code = tow_lines_take(rows->lines, &rows->ready, err);

    if (code == TOW_OK)
        code = tow_builder_finish(rows->rows, &out->array, err);
    if (code != TOW_OK)
        return code;
    out->lines = rows->ready;
    rows->ready.release = NULL;
    rows->count = rows->bytes = 0;
    return TOW_OK;
}
