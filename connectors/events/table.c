#include "connectors/events/table.h"

#include <stdlib.h>
#include <string.h>

#include "connectors/csv/field.h"
#include "connectors/csv/scan.h"
#include "towpath/value.h"

void tow_event_table_release(struct tow_event_table *table)
{
    tow_buffer_release(&table->names);
    tow_buffer_release(&table->field);
    tow_buffer_release(&table->json);
    free(table->name_ends);
    free(table->field_ends);
    *table = (struct tow_event_table){.dialect = table->dialect};
}

/* The fields of a row that is known to be sound; their number. */
static size_t table_scan(struct tow_event_table *table, const char *text, size_t length)
{
    const struct tow_csv_scan_limits limits = {length, 1, length + 2};
    struct tow_csv_scan scan;

    return tow_csv_scan_row(table->dialect, text, 0, &limits, table->field_ends,
                            TOW_EVENT_COLUMNS_MAX, &scan) == TOW_CSV_ROW
               ? scan.field_count
               : 0;
}

/* Field i of the row at hand. */
static struct tow_csv_text table_field(const struct tow_event_table *table, const char *text,
                                       size_t i)
{
    size_t start = i ? table->field_ends[i - 1] + table->dialect->delimiter_length : 0;

    return tow_csv_field_trim(table->dialect, text + start, table->field_ends[i] - start);
}

/* Appends a field's value as a JSON string. */
static int table_put_string(struct tow_event_table *table, struct tow_csv_text field,
                            struct tow_buffer *out, struct tow_error *err)
{
    struct tow_buffer *scratch = &table->field;
    size_t length;
    char *end;
    int code;

    scratch->size = 0;
    code = tow_buffer_reserve(scratch, field.length, err);
    if (code != TOW_OK)
        return code;
    length = tow_csv_field_decode(table->dialect, field, scratch->data);
    if (length > SIZE_MAX / (2 * TOW_JSON_EXPANSION))
        return tow_error_nomem(err);
    code = tow_buffer_reserve(out, length * TOW_JSON_EXPANSION + 2, err);
    if (code != TOW_OK)
        return code;
    end = out->data + out->size;
    *end++ = '"';
    end = tow_put_json_escaped(end, scratch->data, length, scratch->data + scratch->capacity);
    *end++ = '"';
    out->size = (size_t)(end - out->data);
    return TOW_OK;
}

/* ---- the header ----------------------------------------------------------------------------- */

static int table_is_doubled(const struct tow_event_table *table, size_t at, size_t length)
{
    for (size_t i = 0, start = 0; i < table->count; start = table->name_ends[i++])
        if (table->name_ends[i] - start - (i > 0) == length &&
            memcmp(table->names.data + start + (i > 0), table->names.data + at, length) == 0)
            return 1;
    return 0;
}

static int table_take_name(struct tow_event_table *table, struct tow_csv_text field,
                           struct tow_error *err)
{
    struct tow_buffer *names = &table->names;
    size_t start = names->size + (table->count > 0), length;
    int code = tow_buffer_append(names, ",", table->count > 0, err);

    if (code == TOW_OK)
        code = table_put_string(table, field, names, err);
    if (code == TOW_OK)
        code = tow_buffer_append(names, ":", 1, err);
    if (code != TOW_OK)
        return code;
    length = names->size - start;
    if (length == 3 || !tow_utf8_valid(names->data + start, length))
        return tow_error_set(err, TOW_E_ENV, "the name of column %zu in the header is %s",
                             table->count + 1, length == 3 ? "empty" : "not valid UTF-8");
    if (table_is_doubled(table, start, length))
        return tow_error_set(err, TOW_E_ENV, "the header has the name %.*s twice", (int)length - 1,
                             names->data + start);
    table->name_ends[table->count++] = (uint32_t)names->size;
    return TOW_OK;
}

int tow_event_table_header(struct tow_event_table *table, const char *text, size_t length,
                           struct tow_error *err)
{
    size_t count;
    int code = TOW_OK;

    tow_event_table_release(table);
    table->name_ends = calloc(TOW_EVENT_COLUMNS_MAX, sizeof *table->name_ends);
    table->field_ends = calloc(TOW_EVENT_COLUMNS_MAX, sizeof *table->field_ends);
    if (!table->name_ends || !table->field_ends)
        return tow_error_nomem(err);
    count = table_scan(table, text, length);
    if (count > TOW_EVENT_COLUMNS_MAX)
        return tow_error_set(err, TOW_E_ENV, "the header has %zu columns; %d are possible", count,
                             TOW_EVENT_COLUMNS_MAX);
    for (size_t i = 0; i < count && code == TOW_OK; i++)
        code = table_take_name(table, table_field(table, text, i), err);
    return code;
}

/* ---- rows ----------------------------------------------------------------------------------- */

int tow_event_table_row(struct tow_event_table *table, const char *text, size_t length,
                        size_t *count, struct tow_error *err)
{
    struct tow_buffer *json = &table->json;
    int code;

    *count = table_scan(table, text, length);
    if (*count != table->count)
        return TOW_END;
    json->size = 0;
    code = tow_buffer_append(json, "{", 1, err);
    for (size_t i = 0, start = 0; i < *count && code == TOW_OK; start = table->name_ends[i++]) {
        struct tow_csv_text field = table_field(table, text, i);

        code = tow_buffer_append(json, table->names.data + start, table->name_ends[i] - start, err);
        if (code == TOW_OK)
            code = field.length == 0 ? tow_buffer_append(json, "null", 4, err)
                                     : table_put_string(table, field, json, err);
    }
    return code == TOW_OK ? tow_buffer_append(json, "}", 1, err) : code;
}
