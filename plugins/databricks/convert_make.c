#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/arrow/interval.h"
#include "plugins/databricks/convert_column.h"

#define MAKE_DAY_MS INT64_C(86400000)

static int make_is_null(const struct tow_ipc_column *column, int64_t row)
{
    return column->validity && !(column->validity[row >> 3] >> (row & 7) & 1);
}

/* Room for `rows` and one more values of a width; readers may look behind the last one. */
static void *make_room(int64_t rows, size_t width, struct tow_error *err)
{
    void *room = calloc((size_t)rows + 1 + TOW_BUFFER_SLACK, width);

    if (!room)
        tow_error_nomem(err);
    return room;
}

static int make_wrap(const struct tow_convert_job *job, void *made, const void *bytes,
                     struct ArrowArray *out, struct tow_error *err)
{
    int code = tow_convert_wrap(job, made, bytes, made, out, err);

    if (code != TOW_OK)
        free(made);
    return code;
}

/* ---- time ----------------------------------------------------------------------------------- */

/* Microseconds of a value of another unit; 0 where there are none, or digits would be lost. */
static int make_microseconds(int64_t value, enum tow_ipc_unit unit, int64_t *out)
{
    if (unit == TOW_IPC_NANO) {
        *out = value / 1000;
        return value % 1000 == 0;
    }
    return !__builtin_mul_overflow(value, unit == TOW_IPC_SECOND ? 1000000 : 1000, out);
}

int tow_convert_timestamp(const struct tow_convert_job *job, struct ArrowArray *out,
                          struct tow_error *err)
{
    const int64_t *from = job->from->values;
    int64_t *made = make_room(job->rows, sizeof *made, err);
    int code = made ? TOW_OK : TOW_E_NOMEM;

    for (int64_t row = 0; row < job->rows && code == TOW_OK; row++)
        if (!make_is_null(job->from, row) &&
            !make_microseconds(from[row], job->from->field->unit, &made[row]))
            code = tow_scan_page_add_fault(job->page, row, job->column, "out_of_range", err,
                                           "%" PRId64 " %s since 1970 are no whole number of "
                                           "microseconds of 64 bits",
                                           from[row],
                                           job->from->field->unit == TOW_IPC_NANO    ? "ns"
                                           : job->from->field->unit == TOW_IPC_MILLI ? "ms"
                                                                                     : "s");
    if (code != TOW_OK) {
        free(made);
        return code;
    }
    return make_wrap(job, made, NULL, out, err);
}

int tow_convert_date(const struct tow_convert_job *job, struct ArrowArray *out,
                     struct tow_error *err)
{
    const int64_t *from = job->from->values;
    int32_t *made = make_room(job->rows, sizeof *made, err);
    int code = made ? TOW_OK : TOW_E_NOMEM;

    for (int64_t row = 0; row < job->rows && code == TOW_OK; row++) {
        const int64_t days = from[row] / MAKE_DAY_MS;

        if (make_is_null(job->from, row))
            continue;
        made[row] = (int32_t)days;
        if (from[row] % MAKE_DAY_MS != 0 || made[row] != days)
            code = tow_scan_page_add_fault(job->page, row, job->column, "out_of_range", err,
                                           "%" PRId64 " ms since 1970 are no date", from[row]);
    }
    if (code != TOW_OK) {
        free(made);
        return code;
    }
    return make_wrap(job, made, NULL, out, err);
}

/* ---- bytes ---------------------------------------------------------------------------------- */

/* Offsets of 32 bits that count from the first byte in use. */
static int32_t *make_short_offsets(const struct tow_convert_job *job, struct tow_error *err)
{
    const int64_t *from = job->from->offsets;
    int32_t *made;

    if (from[job->rows] - from[0] > INT32_MAX) {
        tow_error_set(err, TOW_E_UNSUPPORTED,
                      "%" PRId64 " bytes of text in one column of a batch, at most %d are read",
                      from[job->rows] - from[0], INT32_MAX);
        return NULL;
    }
    made = make_room(job->rows, sizeof *made, err);
    for (int64_t row = 0; made && row <= job->rows; row++)
        made[row] = (int32_t)(from[row] - from[0]);
    return made;
}

static int make_large(const struct tow_convert_job *job, int is_text, struct ArrowArray *out,
                      struct tow_error *err)
{
    const char *bytes = job->from->bytes + *(const int64_t *)job->from->offsets;
    int32_t *made = make_short_offsets(job, err);
    int code = made ? TOW_OK : err->code;

    if (code == TOW_OK && is_text)
        code = tow_convert_look(job, made, bytes, err);
    if (code != TOW_OK) {
        free(made);
        return code;
    }
    return make_wrap(job, made, bytes, out, err);
}

int tow_convert_large_bytes(const struct tow_convert_job *job, struct ArrowArray *out,
                            struct tow_error *err)
{
    return make_large(job, 0, out, err);
}

int tow_convert_large_text(const struct tow_convert_job *job, struct ArrowArray *out,
                           struct tow_error *err)
{
    return make_large(job, 1, out, err);
}

/* ---- text that is made ---------------------------------------------------------------------- */

/* The builder's column as an array of its own. */
static int make_finish(const struct tow_convert_job *job, struct ArrowArray *out,
                       struct tow_error *err)
{
    struct ArrowArray whole;
    int code = tow_builder_finish(job->builder, &whole, err);

    if (code != TOW_OK)
        return code;
    *out = *whole.children[0];
    whole.children[0]->release = NULL;
    whole.release(&whole);
    return TOW_OK;
}

static int make_append(const struct tow_convert_job *job, const char *text, size_t length,
                       struct tow_error *err)
{
    int code = text ? tow_append_bytes(job->builder, 0, text, length, err)
                    : tow_append_null(job->builder, 0, err);

    return code == TOW_OK ? tow_builder_end_row(job->builder, err) : code;
}

int tow_convert_void(const struct tow_convert_job *job, struct ArrowArray *out,
                     struct tow_error *err)
{
    int code = TOW_OK;

    tow_builder_reset(job->builder);
    for (int64_t row = 0; row < job->rows && code == TOW_OK; row++)
        code = make_append(job, NULL, 0, err);
    return code == TOW_OK ? make_finish(job, out, err) : code;
}

int tow_convert_nested(const struct tow_convert_job *job, struct ArrowArray *out,
                       struct tow_error *err)
{
    int code = TOW_OK;

    tow_builder_reset(job->builder);
    for (int64_t row = 0; row < job->rows && code == TOW_OK; row++) {
        struct tow_error reason = TOW_ERROR_INIT;
        const int is_null = make_is_null(job->from, row);
        int put = TOW_OK;

        job->text->size = 0;
        if (!is_null)
            put = tow_ipc_json_put(job->json, job->from, row, job->text, &reason);
        if (put == TOW_E_DATA)
            code = tow_scan_page_add_fault(job->page, row, job->column, "no_text", err, "%s",
                                           reason.message);
        else if (put != TOW_OK)
            code = tow_error_set(err, put, "%s", reason.message);
        if (code == TOW_OK)
            code = make_append(job, is_null || put != TOW_OK ? NULL : job->text->data,
                               job->text->size, err);
    }
    return code == TOW_OK ? make_finish(job, out, err) : code;
}

static char *make_put_interval(char *p, const struct tow_ipc_column *column, int64_t row)
{
    const int32_t *pair = (const int32_t *)column->values + 2 * row;

    switch (column->field->type) {
    case TOW_IPC_INTERVAL_MONTHS:
        return tow_put_interval_months(p, ((const int32_t *)column->values)[row]);
    case TOW_IPC_INTERVAL_DAYS:
        return tow_put_interval_days(p, pair[0], pair[1]);
    default:
        return tow_put_interval_time(p, ((const int64_t *)column->values)[row],
                                     column->field->unit);
    }
}

int tow_convert_interval(const struct tow_convert_job *job, struct ArrowArray *out,
                         struct tow_error *err)
{
    char text[TOW_INTERVAL_TEXT_MAX];
    int code = TOW_OK;

    tow_builder_reset(job->builder);
    for (int64_t row = 0; row < job->rows && code == TOW_OK; row++) {
        const char *end = text;
        const int is_null = make_is_null(job->from, row);

        if (!is_null)
            end = make_put_interval(text, job->from, row);
        code = make_append(job, is_null ? NULL : text, (size_t)(end - text), err);
    }
    return code == TOW_OK ? make_finish(job, out, err) : code;
}
