#include <inttypes.h>
#include <stdlib.h>

#include "plugins/databricks/convert_column.h"

/* What an array that lies in a batch's memory holds on to. */
struct share_buffers {
    const void *buffers[3];
    struct tow_ipc_memory *memory;
    void *made;
};

static void share_release(struct ArrowArray *array)
{
    struct share_buffers *held = array->private_data;

    tow_ipc_memory_unref(held->memory);
    free(held->made);
    free(held);
    array->release = NULL;
}

int tow_convert_wrap(const struct tow_convert_job *job, const void *values, const void *bytes,
                     void *made, struct ArrowArray *out, struct tow_error *err)
{
    const struct tow_ipc_column *from = job->from;
    struct share_buffers *held = malloc(sizeof *held);

    if (!held)
        return tow_error_nomem(err);
    *held = (struct share_buffers){
        {from->validity, values, bytes}, tow_ipc_memory_ref(job->memory), made};
    *out = (struct ArrowArray){.length = job->rows,
                               .null_count = !from->validity             ? 0
                                             : job->rows == from->length ? from->null_count
                                                                         : -1,
                               .n_buffers = tow_type_is_bytes(job->type.id) ? 3 : 2,
                               .buffers = held->buffers,
                               .release = share_release,
                               .private_data = held};
    return TOW_OK;
}

int tow_convert_values(const struct tow_convert_job *job, struct ArrowArray *out,
                       struct tow_error *err)
{
    return tow_convert_wrap(job, job->from->values, NULL, NULL, out, err);
}

int tow_convert_bytes(const struct tow_convert_job *job, struct ArrowArray *out,
                      struct tow_error *err)
{
    return tow_convert_wrap(job, job->from->offsets, job->from->bytes, NULL, out, err);
}

/* ---- looking at text ------------------------------------------------------------------------ */

/* Whether a row begins within a character of text that is sound as a whole. */
static int share_cuts_characters(const int32_t *offsets, const char *bytes, int64_t rows)
{
    int cuts = 0;

    for (int64_t i = 1; i < rows && offsets[i] < offsets[rows]; i++)
        cuts |= ((unsigned char)bytes[offsets[i]] & 0xC0) == 0x80;
    return cuts;
}

/* One pass over all of the text is many times as fast as one over each value. */
static int share_all_is_utf8(const int32_t *offsets, const char *bytes, int64_t rows)
{
    return tow_utf8_valid(bytes + offsets[0], (size_t)(offsets[rows] - offsets[0])) &&
           !share_cuts_characters(offsets, bytes, rows);
}

static int share_is_null(const struct tow_ipc_column *column, int64_t row)
{
    return column->validity && !(column->validity[row >> 3] >> (row & 7) & 1);
}

static int share_look_at_value(const struct tow_convert_job *job, int64_t row, const char *text,
                               size_t length, struct tow_error *err)
{
    const size_t good = tow_utf8_prefix(text, length);

    if (good < length)
        return tow_scan_page_add_fault(job->page, row, job->column, "invalid_utf8", err,
                                       "byte %zu of %zu, 0x%02X, is not UTF-8", good + 1, length,
                                       (unsigned char)text[good]);
    if (job->type.id == TOW_TYPE_JSON && !tow_json_valid(text, length, TOW_CONVERT_JSON_DEPTH))
        return tow_scan_page_add_fault(job->page, row, job->column, "invalid_json", err,
                                       "the %zu bytes are no JSON value, or one nested deeper than "
                                       "%d",
                                       length, TOW_CONVERT_JSON_DEPTH);
    return TOW_OK;
}

int tow_convert_look(const struct tow_convert_job *job, const int32_t *offsets, const char *bytes,
                     struct tow_error *err)
{
    int code = TOW_OK;

    if (job->type.id == TOW_TYPE_STRING && share_all_is_utf8(offsets, bytes, job->rows))
        return TOW_OK;
    for (int64_t row = 0; row < job->rows && code == TOW_OK; row++)
        if (!share_is_null(job->from, row))
            code = share_look_at_value(job, row, bytes + offsets[row],
                                       (size_t)(offsets[row + 1] - offsets[row]), err);
    return code;
}

int tow_convert_text(const struct tow_convert_job *job, struct ArrowArray *out,
                     struct tow_error *err)
{
    int code = tow_convert_look(job, job->from->offsets, job->from->bytes, err);

    return code == TOW_OK ? tow_convert_bytes(job, out, err) : code;
}
