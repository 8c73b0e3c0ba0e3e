#include "columns_fixture.h"

int rejects_take(void *context, int64_t row, const char *code, const char *message)
{
    struct rejects *rejects = context;

    if (rejects->refuse != TOW_OK && rejects->count > 0)
        return rejects->refuse;
    assert_in_range(rejects->count, 0, COLUMNS_REJECTS_MAX - 1);
    if (rejects->count > 0)
        assert_true(row > rejects->rows[rejects->count - 1]);
    else
        snprintf(rejects->message, sizeof rejects->message, "%s", message);
    rejects->rows[rejects->count] = row;
    snprintf(rejects->codes[rejects->count], sizeof *rejects->codes, "%s", code);
    rejects->count++;
    return TOW_OK;
}

struct tow_type type_of(const char *name)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_type type;

    assert_ok(tow_type_parse(name, &type, &err), err);
    return type;
}

void schema_of(struct ArrowSchema *schema, const struct tow_field *fields, size_t count)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_ok(tow_schema_make(schema, fields, count, &err), err);
}

static int append_number(struct tow_builder *builder, size_t column, struct tow_type type,
                         const char *text, struct tow_error *err)
{
    size_t length = strlen(text);
    struct tow_decimal decimal;
    uint64_t bits;
    int64_t integer;
    double number;
    int value;

    switch (type.id) {
    case TOW_TYPE_BOOL:
        assert_int_equal(tow_parse_bool(text, length, &value), TOW_PARSE_OK);
        return tow_append_bool(builder, column, value, err);
    case TOW_TYPE_UINT64:
        assert_int_equal(tow_parse_uint64(text, length, &bits), TOW_PARSE_OK);
        return tow_append_uint64(builder, column, bits, err);
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        assert_int_equal(tow_parse_double(text, length, &number), TOW_PARSE_OK);
        return tow_append_double(builder, column, number, err);
    case TOW_TYPE_DECIMAL:
        assert_int_equal(tow_parse_decimal(text, length, type.precision, type.scale, &decimal),
                         TOW_PARSE_OK);
        return tow_append_decimal(builder, column, decimal, err);
    default:
        assert_int_equal(tow_parse_int64(text, length, &integer), TOW_PARSE_OK);
        return tow_append_int64(builder, column, integer, err);
    }
}

static int append_time(struct tow_builder *builder, size_t column, struct tow_type type,
                       const char *text, struct tow_error *err)
{
    int64_t micros;
    int32_t days;
    int zone;

    /* Days and microseconds can be given as such, for those that no date says. */
    if (text[0] == '#')
        return append_number(builder, column, (struct tow_type){TOW_TYPE_INT64, 0, 0}, text + 1,
                             err);
    if (type.id == TOW_TYPE_DATE) {
        assert_int_equal(tow_parse_date(text, strlen(text), &days), TOW_PARSE_OK);
        return tow_append_int64(builder, column, days, err);
    }
    assert_int_equal(tow_parse_timestamp(text, strlen(text), &micros, &zone), TOW_PARSE_OK);
    return tow_append_int64(builder, column, micros, err);
}

void append_text(struct tow_builder *builder, size_t column, struct tow_type type, const char *text)
{
    struct tow_error err = TOW_ERROR_INIT;
    char bytes[256];
    size_t length;
    int code;

    if (!text) {
        assert_ok(tow_append_null(builder, column, &err), err);
        return;
    }
    switch (type.id) {
    case TOW_TYPE_STRING:
    case TOW_TYPE_JSON:
        code = tow_append_text(builder, column, text, &err);
        break;
    case TOW_TYPE_BINARY:
        assert_int_equal(tow_parse_hex(text, strlen(text), bytes, &length), TOW_PARSE_OK);
        code = tow_append_bytes(builder, column, bytes, length, &err);
        break;
    case TOW_TYPE_DATE:
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        code = append_time(builder, column, type, text, &err);
        break;
    default:
        code = append_number(builder, column, type, text, &err);
        break;
    }
    if (code != TOW_OK)
        fail_msg("%s: %s", text, err.message);
}

struct tow_share *batch_of(const struct tow_field *fields, size_t columns, const char *const *texts,
                           int64_t rows)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_builder *builder = tow_builder_new(fields, columns, &err);
    struct ArrowArray array;
    struct tow_share *share;

    assert_non_null(builder);
    for (int64_t row = 0; row < rows; row++) {
        for (size_t i = 0; i < columns; i++)
            append_text(builder, i, fields[i].type, texts[(size_t)row * columns + i]);
        assert_ok(tow_builder_end_row(builder, &err), err);
    }
    assert_ok(tow_builder_finish(builder, &array, &err), err);
    tow_builder_free(builder);
    share = tow_share_new(&array, &err);
    assert_non_null(share);
    return share;
}

struct tow_share *slice_of(struct tow_share *share, int64_t first, int64_t count)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowArray array;
    struct tow_share *slice;

    assert_ok(tow_share_slice(share, first, count, &array, &err), err);
    tow_share_unref(share);
    slice = tow_share_new(&array, &err);
    assert_non_null(slice);
    return slice;
}

static char *put_view(char *p, const struct tow_view *view, int64_t row)
{
    const char *bytes;
    size_t length;

    switch (view->type.id) {
    case TOW_TYPE_BOOL:
        return p + sprintf(p, "%s", tow_view_bool(view, row) ? "true" : "false");
    case TOW_TYPE_UINT64:
        return tow_put_uint64(p, (uint64_t)tow_view_int64(view, row));
    case TOW_TYPE_FLOAT32:
        return tow_put_float(p, (float)tow_view_double(view, row));
    case TOW_TYPE_FLOAT64:
        return tow_put_double(p, tow_view_double(view, row));
    case TOW_TYPE_DECIMAL:
        return tow_put_decimal(p, tow_view_decimal(view, row), view->type.scale);
    case TOW_TYPE_DATE:
        return tow_put_date(p, (int32_t)tow_view_int64(view, row));
    case TOW_TYPE_TIMESTAMP:
    case TOW_TYPE_TIMESTAMP_NTZ:
        return tow_put_timestamp(p, tow_view_int64(view, row), view->type.id == TOW_TYPE_TIMESTAMP);
    case TOW_TYPE_STRING:
    case TOW_TYPE_JSON:
    case TOW_TYPE_BINARY:
        bytes = tow_view_bytes(view, row, &length);
        assert_in_range(length, 0, view->type.id == TOW_TYPE_BINARY ? 60 : 120);
        if (view->type.id == TOW_TYPE_BINARY)
            return tow_put_hex(p, bytes, length);
        memcpy(p, bytes, length);
        return p + length;
    default:
        return tow_put_int64(p, tow_view_int64(view, row));
    }
}

const char *text_at(const struct ArrowSchema *schema, const struct ArrowArray *array,
                    int64_t column, int64_t row, char text[128])
{
    struct tow_view view;

    tow_view_init(&view, schema, array, column);
    assert_true(row < view.length);
    if (tow_view_is_null(&view, row))
        return "NULL";
    *put_view(text, &view, row) = '\0';
    return text;
}

struct tow_columns *columns_of(const struct tow_column_spec *specs, size_t count,
                               const struct ArrowSchema *in)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_diags diags = {0};
    struct tow_columns *columns;

    assert_ok(tow_columns_new(specs, count, in, &columns, &diags, &err), err);
    if (diags.count > 0)
        fail_msg("finding: %s", diags.items[0].text);
    assert_non_null(columns);
    return columns;
}

void columns_run(struct tow_columns *columns, struct tow_share *in, struct ArrowArray *out,
                 struct rejects *rejects)
{
    struct tow_error err = TOW_ERROR_INIT;

    rejects->count = 0;
    assert_ok(tow_columns_apply(columns, in, out, rejects_take, rejects, &err), err);
    assert_ok(tow_array_validate(out, tow_columns_schema(columns), &err), err);
    assert_int_equal(out->length, tow_share_array(in)->length - rejects->count);
    for (int64_t i = 0; i < out->n_children; i++)
        assert_int_equal(out->children[i]->length, out->length);
}

const struct tow_field two_fields[2] = {{"a", {TOW_TYPE_INT64, 0, 0}, 0},
                                        {"b", {TOW_TYPE_STRING, 0, 0}, 0}};

void outcome_init(struct outcome *outcome, const struct tow_column_spec *specs, size_t count,
                  const struct tow_field *fields, size_t field_count, const char *const *texts,
                  int64_t rows)
{
    outcome->rejects.refuse = TOW_OK;
    schema_of(&outcome->schema, fields, field_count);
    outcome->columns = columns_of(specs, count, &outcome->schema);
    outcome->in = batch_of(fields, field_count, texts, rows);
    columns_run(outcome->columns, outcome->in, &outcome->out, &outcome->rejects);
}

void outcome_release(struct outcome *outcome)
{
    outcome->out.release(&outcome->out);
    tow_share_unref(outcome->in);
    tow_columns_free(outcome->columns);
    outcome->schema.release(&outcome->schema);
}

void check_row(const struct outcome *outcome, int64_t row, const char *const *texts)
{
    char text[128];

    for (int64_t i = 0; i < outcome->out.n_children; i++)
        assert_string_equal(
            text_at(tow_columns_schema(outcome->columns), &outcome->out, i, row, text), texts[i]);
}
