/* Whatever a profile holds, it is a row or a reason; whatever a json column holds, what is sent of
 * it is JSON on one line; whatever a position holds, it is one or none. */
#include <stdint.h>

#include "fuzz_demand.h"
#include "plugins/lytics/nested.h"
#include "plugins/lytics_audience/position.h"
#include "plugins/lytics_audience/profile.h"
#include "towpath/rowtext.h"

#define DEPTH_MAX 200 /* of what is made of a value: its own, and a little */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a json column -------------------------------------------------------------------------- */

static void demand_line(const struct tow_buffer *out)
{
    demand(tow_json_valid(out->data, out->size, DEPTH_MAX), "JSON");
    demand(!memchr(out->data, '\n', out->size) && !memchr(out->data, '\r', out->size), "one line");
}

static void try_flatten(struct tow_json_part value, int omits_empty)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {.data = NULL};

    demand(tow_buffer_append(&out, "{\"a\":1", 6, &err) == TOW_OK, "memory");
    demand(tow_import_flatten(&out, "odd \"name\"\n", value, omits_empty, &err) == TOW_OK,
           "what any text becomes");
    demand(tow_buffer_append(&out, "}", 1, &err) == TOW_OK, "memory");
    demand_line(&out);
    tow_buffer_release(&out);
}

static void try_column(struct tow_json_part value)
{
    if (!tow_utf8_valid(value.text, value.length))
        return; /* which the core does not hand on */
    for (int omits_empty = 0; omits_empty < 2; omits_empty++)
        try_flatten(value, omits_empty);
    if (tow_import_is_plain(value.text, value.length))
        demand(tow_json_valid(value.text, value.length, TOW_IMPORT_DEPTH), "plain JSON is JSON");
    else
        demand(value.length == 0 || tow_import_is_nested(value.text, value.length) ||
                   tow_json_valid(value.text, value.length, 0) == 0,
               "what is not plain is nested, or no JSON");
}

/* ---- a profile ------------------------------------------------------------------------------ */

static void demand_rows(struct tow_profile_maker *maker, const struct ArrowSchema *schema)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_json_writer *writer = tow_json_writer_new(schema, 0, &err);
    struct tow_buffer out = {.data = NULL};
    struct ArrowArray array;

    demand(writer && tow_builder_finish(maker->builder, &array, &err) == TOW_OK, "a batch");
    demand(tow_array_validate(&array, schema, &err) == TOW_OK, "a sound batch");
    for (int64_t row = 0; row < array.length; row++) {
        out.size = 0;
        demand(tow_json_writer_object(writer, &array, row, &out, &err) == TOW_OK, "a row");
        demand(tow_json_valid(out.data, out.size, DEPTH_MAX), "a row that is JSON");
    }
    array.release(&array);
    tow_buffer_release(&out);
    tow_json_writer_free(writer);
}

static void try_profile(struct tow_json_part profile, int is_text, int makes_bad_null)
{
    static const char *const names[] = {"s", "b", "i", "n", "t", "o"};
    struct tow_member_columns columns = {.items = NULL};
    struct tow_profile_maker maker = {
        .columns = &columns, .is_text = is_text, .makes_bad_null = makes_bad_null};
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowSchema schema;

    for (int i = 0; i < 6; i++)
        demand(tow_member_columns_add(&columns, names[i], (enum tow_lytics_kind)(i + 1), &err) ==
                   TOW_OK,
               "a column");
    demand(tow_member_columns_end(&columns, &err) == TOW_OK, "columns");
    demand(tow_member_columns_schema(&columns, is_text, &schema, &err) == TOW_OK, "a schema");
    maker.builder = tow_builder_new_schema(&schema, &err);
    demand(maker.builder && tow_profile_maker_init(&maker, &err) == TOW_OK, "a maker");
    for (int i = 0; i < 2; i++) {
        int code = tow_profile_put(&maker, profile, &err);

        demand(code == TOW_OK || code == TOW_E_DATA, "a row or a reason");
        if (code == TOW_E_DATA)
            demand_message(&err);
    }
    demand_rows(&maker, &schema);
    tow_builder_free(maker.builder);
    tow_profile_maker_release(&maker);
    tow_member_columns_release(&columns);
    schema.release(&schema);
}

/* Names of fields are whatever customers call them. */
static void try_names(char *text)
{
    struct tow_member_columns columns = {.items = NULL};
    struct tow_error err = TOW_ERROR_INIT;

    while (text && columns.count < 64)
        demand(tow_member_columns_add(&columns, strsep(&text, "|"), TOW_LYTICS_TEXT, &err) ==
                   TOW_OK,
               "a column");
    if (tow_member_columns_end(&columns, &err) == TOW_OK)
        for (size_t i = 0; i < columns.count; i++) {
            demand(!strpbrk(columns.items[i].name, " ,;{}()\n\t="), "a name for a table");
            for (size_t j = 0; j < i; j++)
                demand(strcasecmp(columns.items[i].name, columns.items[j].name) != 0,
                       "names that differ");
            demand(tow_member_columns_find(&columns, columns.items[i].field,
                                           strlen(columns.items[i].field)) == (int64_t)i,
                   "each field's own column");
        }
    tow_member_columns_release(&columns);
}

/* ---- positions ------------------------------------------------------------------------------ */

static void try_position(const uint8_t *data, size_t size)
{
    struct tow_position position = {.size = sizeof position}, again = {.size = sizeof again};
    struct tow_members_position at, same;
    struct tow_error err = TOW_ERROR_INIT;

    position.length = (uint32_t)(size < TOW_POSITION_MAX ? size : TOW_POSITION_MAX);
    if (position.length)
        memcpy(position.bytes, data, position.length);
    if (tow_members_position_read(&at, &position, &err) != TOW_OK)
        return;
    demand(tow_members_position_put(&at, &again, &err) == TOW_OK, "a position that is written");
    demand(tow_members_position_read(&same, &again, &err) == TOW_OK, "and read again");
    demand(at.rows == same.rows && at.count == same.count && at.next == same.next, "the same");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text)
        exit(99);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    const struct tow_json_part part = {text, size};
    try_position(data, size);
    try_column(part);
    if (tow_json_valid(text, size, TOW_LYTICS_DEPTH))
        for (int kind = 0; kind < 4; kind++)
            try_profile(part, kind & 1, kind >> 1);
    try_names(text);
    free(text);
    return 0;
}
