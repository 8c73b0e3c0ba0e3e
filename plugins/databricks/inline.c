/* A result that comes inline: cells of text, in JSON. The select list has casts where the plain
 * text of a value would lose something (tow_scan_column_cast). */
#include <stdlib.h>
#include <string.h>

#include "plugins/databricks/result.h"

/* Bytes after which a page is closed. */
#define INLINE_PAGE_BYTES (1u << 20)
/* The most of a cell that a message shows. */
#define INLINE_SHOWN 100

struct inline_result {
    struct tow_result result;
    struct tow_result_settings settings;
    struct tow_cells *cells;
    struct tow_builder *builder;
    struct tow_buffer bytes; /* scratch */
    int64_t row;             /* of the result: the next one */
    int64_t page_row;        /* the first of the page being made */
    int at_end;
};

/* A cell on its way into its column. */
struct inline_cell {
    size_t column;
    struct tow_type type;
    const char *text;
    size_t length;
};

static int inline_is_gone(const struct tow_result *result)
{
    (void)result;
    return 0;
}

static void inline_free(struct tow_result *result)
{
    struct inline_result *made = (struct inline_result *)result;

    tow_cells_free(made->cells);
    tow_builder_free(made->builder);
    tow_buffer_release(&made->bytes);
    free(made);
}

/* ---- cells ---------------------------------------------------------------------------------- */

/* Each returns a TOW_PARSE_ code, with *code set where appending failed. */
static int inline_put_number(struct inline_result *made, const struct inline_cell *cell, int *code,
                             struct tow_error *err)
{
    int64_t value = 0;
    int32_t days = 0;
    int zone, parsed;

    if (cell->type.id == TOW_TYPE_DATE) {
        parsed = tow_parse_date(cell->text, cell->length, &days);
        value = days;
    } else if (cell->type.id == TOW_TYPE_TIMESTAMP_NTZ) {
        parsed = tow_parse_timestamp(cell->text, cell->length, &value, &zone);
    } else {
        parsed = tow_parse_int64(cell->text, cell->length, &value);
    }
    if (parsed == TOW_PARSE_OK)
        *code = tow_append_int64(made->builder, cell->column, value, err);
    return parsed;
}

static int inline_put_float(struct inline_result *made, const struct inline_cell *cell, int *code,
                            struct tow_error *err)
{
    double value = 0;
    float narrow = 0;
    int parsed;

    if (cell->type.id == TOW_TYPE_FLOAT64) {
        parsed = tow_parse_double(cell->text, cell->length, &value);
    } else {
        parsed = tow_parse_float(cell->text, cell->length, &narrow);
        value = narrow;
    }
    if (parsed == TOW_PARSE_OK)
        *code = tow_append_double(made->builder, cell->column, value, err);
    return parsed;
}

static int inline_put_decimal(struct inline_result *made, const struct inline_cell *cell, int *code,
                              struct tow_error *err)
{
    struct tow_decimal value = {0, 0};
    int parsed =
        tow_parse_decimal(cell->text, cell->length, cell->type.precision, cell->type.scale, &value);

    if (parsed == TOW_PARSE_OK)
        *code = tow_append_decimal(made->builder, cell->column, value, err);
    return parsed;
}

static int inline_put_bool(struct inline_result *made, const struct inline_cell *cell, int *code,
                           struct tow_error *err)
{
    int value = 0;
    int parsed = tow_parse_bool(cell->text, cell->length, &value);

    if (parsed == TOW_PARSE_OK)
        *code = tow_append_bool(made->builder, cell->column, value, err);
    return parsed;
}

static int inline_put_hex(struct inline_result *made, const struct inline_cell *cell, int *code,
                          struct tow_error *err)
{
    size_t length = 0;
    int parsed;

    made->bytes.size = 0;
    *code = tow_buffer_reserve(&made->bytes, cell->length / 2 + 1, err);
    if (*code != TOW_OK)
        return TOW_PARSE_OK;
    parsed = tow_parse_hex(cell->text, cell->length, made->bytes.data, &length);
    if (parsed == TOW_PARSE_OK)
        *code = tow_append_bytes(made->builder, cell->column, made->bytes.data, length, err);
    return parsed;
}

static int inline_put_text(struct inline_result *made, const struct inline_cell *cell, int *code,
                           struct tow_error *err)
{
    if (cell->type.id == TOW_TYPE_JSON ? !tow_json_valid(cell->text, cell->length, 1000)
                                       : !tow_utf8_valid(cell->text, cell->length))
        return TOW_PARSE_SYNTAX;
    *code = tow_append_bytes(made->builder, cell->column, cell->text, cell->length, err);
    return TOW_PARSE_OK;
}

static int inline_put(struct inline_result *made, const struct inline_cell *cell, int *code,
                      struct tow_error *err)
{
    switch (cell->type.id) {
    case TOW_TYPE_BOOL:
        return inline_put_bool(made, cell, code, err);
    case TOW_TYPE_FLOAT32:
    case TOW_TYPE_FLOAT64:
        return inline_put_float(made, cell, code, err);
    case TOW_TYPE_DECIMAL:
        return inline_put_decimal(made, cell, code, err);
    case TOW_TYPE_BINARY:
        return inline_put_hex(made, cell, code, err);
    case TOW_TYPE_STRING:
    case TOW_TYPE_JSON:
        return inline_put_text(made, cell, code, err);
    default:
        return inline_put_number(made, cell, code, err);
    }
}

/* ---- rows ----------------------------------------------------------------------------------- */

static int inline_add_fault(struct inline_result *made, const struct inline_cell *cell,
                            struct tow_scan_page *page, struct tow_error *err)
{
    const struct tow_scan_column *column = &made->settings.columns->items[cell->column];
    const char *code = cell->type.id == TOW_TYPE_JSON     ? "invalid_json"
                       : cell->type.id == TOW_TYPE_STRING ? "invalid_utf8"
                                                          : "out_of_range";
    const size_t shown = cell->length < INLINE_SHOWN ? cell->length : INLINE_SHOWN;

    return tow_scan_page_add_fault(page, made->row - made->page_row, cell->column, code, err,
                                   "\"%.*s\" is no %s that can be read",
                                   (int)tow_utf8_prefix(cell->text, shown), cell->text,
                                   column->type_text);
}

/* A value that does not fit its column is null there, and the row faulty. */
static int inline_add_row(struct inline_result *made, const char *const *texts,
                          const size_t *lengths, struct tow_scan_page *page, struct tow_error *err)
{
    const struct tow_scan_columns *columns = made->settings.columns;
    int code = TOW_OK;

    for (size_t i = 0; i < columns->count && code == TOW_OK; i++) {
        const struct inline_cell cell = {i, columns->items[i].type, texts[i], lengths[i]};

        if (!texts[i])
            continue;
        if (inline_put(made, &cell, &code, err) != TOW_PARSE_OK || code == TOW_E_DATA)
            code = inline_add_fault(made, &cell, page, err);
    }
    if (code == TOW_OK)
        code = tow_builder_end_row(made->builder, err);
    if (code != TOW_OK)
        tow_builder_cancel_row(made->builder);
    made->row += code == TOW_OK;
    return code;
}

static int inline_is_full(const struct inline_result *made)
{
    return tow_builder_full(made->builder, (uint32_t)made->settings.page_rows, INLINE_PAGE_BYTES);
}

/* Rows that were handed out before. */
static int inline_skip(struct inline_result *made, struct tow_error *err)
{
    const char *const *texts;
    const size_t *lengths;
    int code = TOW_OK;

    while (made->row < made->settings.row && code == TOW_OK) {
        code = tow_cells_next(made->cells, &texts, &lengths, err);
        made->row += code == TOW_OK;
    }
    made->page_row = made->row;
    return code;
}

static int inline_fill(struct inline_result *made, struct tow_scan_page *page,
                       struct tow_error *err)
{
    int code = inline_skip(made, err);

    while (code == TOW_OK && !inline_is_full(made)) {
        const char *const *texts;
        const size_t *lengths;

        code = tow_cells_next(made->cells, &texts, &lengths, err);
        if (code == TOW_OK)
            code = inline_add_row(made, texts, lengths, page, err);
    }
    made->at_end = code == TOW_END;
    return code == TOW_END ? TOW_OK : code;
}

static int inline_hand_over(struct inline_result *made, struct tow_scan_page *page,
                            struct tow_error *err)
{
    struct ArrowArray array;
    int code = tow_builder_finish(made->builder, &array, err);

    if (code != TOW_OK)
        return code;
    code = tow_scan_page_take(page, &array, made->row - made->page_row, err);
    if (code != TOW_OK)
        return code;
    page->chunk_row = made->page_row;
    made->page_row = made->row;
    tow_scan_page_sort_faults(page);
    return TOW_OK;
}

/* Faults of rows that wait in the builder belong to the page that they will be in, so what was read
 * before a call that fails in passing is handed out by that call. */
static int inline_next(struct tow_result *result, struct tow_scan_page *page, struct tow_error *err)
{
    struct inline_result *made = (struct inline_result *)result;
    int code = made->at_end ? TOW_OK : inline_fill(made, page, err);

    if ((code == TOW_E_TRANSIENT || code == TOW_E_RATE) && tow_builder_rows(made->builder) > 0)
        code = TOW_OK;
    if (code != TOW_OK)
        return code;
    return tow_builder_rows(made->builder) > 0 ? inline_hand_over(made, page, err) : TOW_END;
}

struct tow_result *tow_inline_new(const struct tow_result_settings *settings, struct tow_error *err)
{
    static const struct tow_result_ops ops = {inline_next, inline_is_gone, inline_free};
    struct inline_result *made = calloc(1, sizeof *made);

    if (!made) {
        tow_error_nomem(err);
        return NULL;
    }
    made->result.ops = &ops;
    made->settings = *settings;
    made->builder = tow_builder_new(settings->columns->fields, settings->columns->count, err);
    if (made->builder)
        made->cells = tow_cells_new(settings->client, settings->statement, err);
    if (made->cells)
        return &made->result;
    inline_free(&made->result);
    return NULL;
}
