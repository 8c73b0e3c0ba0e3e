#include "plugins/databricks/convert.h"

#include <inttypes.h>
#include <stdlib.h>

#include "plugins/databricks/convert_column.h"

struct convert_way {
    tow_convert_column *convert;
    struct tow_builder *builder; /* where the text is made */
};

struct tow_convert {
    const struct tow_scan_columns *columns;
    struct convert_way *ways;  /* of each column */
    struct ArrowArray *arrays; /* room for one batch */
    struct tow_ipc_json *json; /* NULL until needed */
    struct tow_buffer text;
};

struct tow_convert *tow_convert_new(const struct tow_scan_columns *columns, struct tow_error *err)
{
    struct tow_convert *convert = calloc(1, sizeof *convert);

    if (convert) {
        convert->columns = columns;
        convert->ways = calloc(columns->count, sizeof *convert->ways);
        convert->arrays = calloc(columns->count, sizeof *convert->arrays);
    }
    if (!convert || !convert->ways || !convert->arrays) {
        tow_convert_free(convert);
        tow_error_nomem(err);
        return NULL;
    }
    return convert;
}

void tow_convert_free(struct tow_convert *convert)
{
    if (!convert)
        return;
    for (size_t i = 0; convert->ways && i < convert->columns->count; i++)
        tow_builder_free(convert->ways[i].builder);
    free(convert->ways);
    free(convert->arrays);
    tow_ipc_json_free(convert->json);
    tow_buffer_release(&convert->text);
    free(convert);
}

/* ---- which way ------------------------------------------------------------------------------ */

static int convert_is_int(const struct tow_ipc_field *field, int width)
{
    return field->type == TOW_IPC_INT && field->is_signed && field->width == width;
}

static tow_convert_column *convert_pick_text(const struct tow_ipc_field *field)
{
    switch (field->type) {
    case TOW_IPC_UTF8:
        return tow_convert_text;
    case TOW_IPC_LARGE_UTF8:
        return tow_convert_large_text;
    case TOW_IPC_NULL:
        return tow_convert_void;
    case TOW_IPC_INTERVAL_MONTHS:
    case TOW_IPC_INTERVAL_DAYS:
    case TOW_IPC_DURATION:
        return tow_convert_interval;
    default:
        return NULL;
    }
}

static tow_convert_column *convert_pick_json(const struct tow_ipc_field *field)
{
    switch (field->type) {
    case TOW_IPC_UTF8:
        return tow_convert_text;
    case TOW_IPC_LARGE_UTF8:
        return tow_convert_large_text;
    case TOW_IPC_LIST:
    case TOW_IPC_LARGE_LIST:
    case TOW_IPC_FIXED_LIST:
    case TOW_IPC_MAP:
    case TOW_IPC_STRUCT:
        return tow_convert_nested;
    default:
        return NULL;
    }
}

static tow_convert_column *convert_pick_timestamp(const struct tow_ipc_field *field, int is_utc)
{
    if (field->type != TOW_IPC_TIMESTAMP || (field->timezone[0] != '\0') != is_utc)
        return NULL;
    return field->unit == TOW_IPC_MICRO ? tow_convert_values : tow_convert_timestamp;
}

static tow_convert_column *convert_pick_date(const struct tow_ipc_field *field)
{
    if (field->type != TOW_IPC_DATE)
        return NULL;
    return field->unit == TOW_IPC_DAY ? tow_convert_values : tow_convert_date;
}

static tow_convert_column *convert_pick_binary(const struct tow_ipc_field *field)
{
    if (field->type == TOW_IPC_LARGE_BINARY)
        return tow_convert_large_bytes;
    return field->type == TOW_IPC_BINARY ? tow_convert_bytes : NULL;
}

static int convert_is_decimal(const struct tow_ipc_field *field, struct tow_type type)
{
    return field->type == TOW_IPC_DECIMAL && field->width == 128 &&
           field->precision == type.precision && field->scale == type.scale;
}

/* NULL where the two do not go together. */
static tow_convert_column *convert_pick(struct tow_type type, const struct tow_ipc_field *field)
{
    switch (type.id) {
    case TOW_TYPE_BOOL:
        return field->type == TOW_IPC_BOOL ? tow_convert_values : NULL;
    case TOW_TYPE_INT8:
    case TOW_TYPE_INT16:
    case TOW_TYPE_INT32:
    case TOW_TYPE_INT64:
        return convert_is_int(field, 8 * (int)tow_type_width(type.id)) ? tow_convert_values : NULL;
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        return field->type == TOW_IPC_FLOAT && field->width == 8 * (int)tow_type_width(type.id)
                   ? tow_convert_values
                   : NULL;
    case TOW_TYPE_DECIMAL:
        return convert_is_decimal(field, type) ? tow_convert_values : NULL;
    case TOW_TYPE_STRING:
        return convert_pick_text(field);
    case TOW_TYPE_JSON:
        return convert_pick_json(field);
    case TOW_TYPE_BINARY:
        return convert_pick_binary(field);
    case TOW_TYPE_DATE:
        return convert_pick_date(field);
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return convert_pick_timestamp(field, type.id == TOW_TYPE_TIMESTAMP);
    default:
        return NULL;
    }
}

static int convert_makes_text(tow_convert_column *convert)
{
    return convert == tow_convert_void || convert == tow_convert_nested ||
           convert == tow_convert_interval;
}

static int convert_equip(struct tow_convert *convert, size_t i, struct tow_error *err)
{
    struct convert_way *way = &convert->ways[i];

    if (convert_makes_text(way->convert) && !way->builder)
        way->builder = tow_builder_new(&convert->columns->fields[i], 1, err);
    if (convert_makes_text(way->convert) && !way->builder)
        return err->code;
    if (way->convert == tow_convert_nested && !convert->json)
        convert->json = tow_ipc_json_new(TOW_CONVERT_JSON_MAX, err);
    return way->convert == tow_convert_nested && !convert->json ? err->code : TOW_OK;
}

/* What a type of the stream is called in messages. */
static const char *convert_type_name(const struct tow_ipc_field *field)
{
    static const char *const names[] = {
        [TOW_IPC_NULL] = "null",
        [TOW_IPC_BOOL] = "bool",
        [TOW_IPC_INT] = "int",
        [TOW_IPC_FLOAT] = "float",
        [TOW_IPC_DECIMAL] = "decimal",
        [TOW_IPC_UTF8] = "utf8",
        [TOW_IPC_BINARY] = "binary",
        [TOW_IPC_LARGE_UTF8] = "large utf8",
        [TOW_IPC_LARGE_BINARY] = "large binary",
        [TOW_IPC_DATE] = "date",
        [TOW_IPC_TIMESTAMP] = "timestamp",
        [TOW_IPC_TIME] = "time",
        [TOW_IPC_DURATION] = "duration",
        [TOW_IPC_INTERVAL_MONTHS] = "interval of months",
        [TOW_IPC_INTERVAL_DAYS] = "interval of days",
        [TOW_IPC_FIXED_BINARY] = "fixed-size binary",
        [TOW_IPC_LIST] = "list",
        [TOW_IPC_LARGE_LIST] = "large list",
        [TOW_IPC_FIXED_LIST] = "fixed-size list",
        [TOW_IPC_MAP] = "map",
        [TOW_IPC_STRUCT] = "struct",
    };

    return names[field->type];
}

static int convert_mismatch(const struct tow_scan_column *column, const struct tow_ipc_field *field,
                            struct tow_error *err)
{
    char detail[64] = "";

    if (field->type == TOW_IPC_DECIMAL)
        snprintf(detail, sizeof detail, "(%d,%d)", field->precision, field->scale);
    else if (field->type == TOW_IPC_TIMESTAMP)
        snprintf(detail, sizeof detail, " with%s time zone", field->timezone[0] ? "" : "out");
    else if (field->type == TOW_IPC_INT || field->type == TOW_IPC_FLOAT)
        snprintf(detail, sizeof detail, "%d", field->width);
    return tow_error_set(err, TOW_E_ENV,
                         "column \"%s\" is %s, but its values come as Arrow %s%s, which cannot be "
                         "read as that; select it by an expression of another type (a query with "
                         "CAST), or leave it out with columns",
                         column->name, column->type_text, convert_type_name(field), detail);
}

int tow_convert_bind(struct tow_convert *convert, const struct tow_ipc_field *fields, size_t count,
                     struct tow_error *err)
{
    int code = TOW_OK;

    if (count != convert->columns->count)
        return tow_error_set(err, TOW_E_ENV, "the result has %zu columns, its manifest %zu", count,
                             convert->columns->count);
    for (size_t i = 0; i < count && code == TOW_OK; i++) {
        const struct tow_scan_column *column = &convert->columns->items[i];

        convert->ways[i].convert = convert_pick(column->type, &fields[i]);
        code = convert->ways[i].convert ? convert_equip(convert, i, err)
                                        : convert_mismatch(column, &fields[i], err);
    }
    return code;
}

/* ---- a batch -------------------------------------------------------------------------------- */

int tow_convert_batch(struct tow_convert *convert, const struct tow_ipc_batch *batch, int64_t rows,
                      struct tow_scan_page *page, struct tow_error *err)
{
    struct tow_convert_job job = {
        .memory = batch->memory, .rows = rows, .text = &convert->text, .page = page};
    size_t done = 0;
    int code = TOW_OK;

    for (; done < batch->column_count && code == TOW_OK; done++) {
        const struct tow_scan_column *column = &convert->columns->items[done];

        job.from = &batch->columns[done];
        job.column = done;
        job.type = column->type;
        job.builder = convert->ways[done].builder;
        job.json = convert->json;
        convert->arrays[done].release = NULL;
        code = convert->ways[done].convert(&job, &convert->arrays[done], err);
        if (code != TOW_OK)
            tow_error_prefix(err, "column \"%s\"", column->name);
    }
    if (code == TOW_OK)
        code = tow_scan_page_fill(page, convert->arrays, batch->column_count, rows, err);
    else
        for (size_t i = 0; i < done; i++)
            if (convert->arrays[i].release)
                convert->arrays[i].release(&convert->arrays[i]);
    tow_scan_page_sort_faults(page);
    return code;
}
