#include "plugins/csv/held.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/csv/columns.h"

/* Bytes [from, to) of a block, that begin and end with rows. */
struct held_part {
    struct tow_block *block;
    size_t from, to;
};

struct tow_csv_held {
    struct tow_csv_reading reading;
    struct held_part *parts;
    size_t count, capacity;
    int64_t rows;
    size_t fields[];
};

struct tow_csv_held *tow_csv_held_new(const struct tow_csv_reading *reading, const size_t *fields,
                                      struct tow_error *err)
{
    size_t size = reading->header->count * sizeof *fields;
    struct tow_csv_held *held = malloc(sizeof *held + size);

    if (!held) {
        tow_error_nomem(err);
        return NULL;
    }
    *held = (struct tow_csv_held){.reading = *reading};
    memcpy(held->fields, fields, size);
    return held;
}

void tow_csv_held_free(struct tow_csv_held *held)
{
    if (!held)
        return;
    for (size_t i = 0; i < held->count; i++)
        tow_block_unref(held->parts[i].block);
    free(held->parts);
    free(held);
}

int tow_csv_held_reserve(struct tow_csv_held *held, struct tow_error *err)
{
    size_t capacity = held->capacity ? 2 * held->capacity : 8;
    struct held_part *parts;

    if (held->count < held->capacity)
        return TOW_OK;
    parts = reallocarray(held->parts, capacity, sizeof *parts);
    if (!parts)
        return tow_error_nomem(err);
    held->parts = parts;
    held->capacity = capacity;
    return TOW_OK;
}

void tow_csv_held_add(struct tow_csv_held *held, const struct tow_window *window, size_t length,
                      size_t rows)
{
    struct held_part *last = held->count ? &held->parts[held->count - 1] : NULL;

    if (last && last->block == window->block && last->to == window->start)
        last->to += length;
    else
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the caller has reserved the room. */
        held->parts[held->count++] =
            (struct held_part){tow_block_ref(window->block), window->start, window->start + length};
    held->rows += (int64_t)rows;
}

int64_t tow_csv_held_bytes(const struct tow_csv_held *held)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < held->count; i++)
        bytes += (int64_t)(held->parts[i].to - held->parts[i].from);
    return bytes;
}

/* ---- as text -------------------------------------------------------------------------------- */

/* What reads the bytes again. */
struct held_reader {
    struct tow_window window; /* a view of one part */
    struct tow_csv_rejecter rejecter;
    struct tow_csv_rows rows;
    struct tow_csv_columns columns;
};

static int held_read_part(struct held_reader *reader, const struct held_part *part,
                          struct tow_error *err)
{
    int code = TOW_OK, converts;

    reader->window = (struct tow_window){.block = part->block,
                                         .data = part->block->data,
                                         .capacity = part->to,
                                         .start = part->from,
                                         .end = part->to,
                                         .at_end = 1};
    tow_csv_rows_attach(&reader->rows, &reader->window, 1);
    while (code == TOW_OK) {
        code = tow_csv_rows_next(&reader->rows, SIZE_MAX, UINT64_MAX, err);
        if (code == TOW_OK && reader->rows.table.row_count > 0)
            code = tow_csv_columns_append(&reader->columns, &reader->rows.table,
                                          reader->window.data, &converts, err);
        if (code == TOW_OK)
            tow_csv_rows_commit(&reader->rows);
    }
    return code == TOW_END ? TOW_OK : code;
}

int tow_csv_held_append(const struct tow_csv_held *held, struct tow_builder *builder,
                        struct tow_error *err)
{
    const size_t count = held->reading.header->count;
    struct tow_csv_fill *fills = calloc(count, sizeof *fills);
    struct held_reader reader = {0};
    int code =
        fills ? tow_csv_rows_init(&reader.rows, held->reading.rules, err) : tow_error_nomem(err);

    reader.rows.rejecter = &reader.rejecter;
    reader.columns = (struct tow_csv_columns){.dialect = held->reading.rules->dialect,
                                              .builder = builder,
                                              .count = count,
                                              .fields = held->fields,
                                              .fills = fills};
    for (size_t i = 0; i < held->count && code == TOW_OK; i++)
        code = held_read_part(&reader, &held->parts[i], err);
    if (code == TOW_OK && (tow_builder_rows(builder) != held->rows || reader.rejecter.count > 0))
        code = tow_error_set(err, TOW_E_BUG, "the text of a batch of %lld rows has %lld",
                             (long long)held->rows, (long long)tow_builder_rows(builder));
    tow_csv_rows_release(&reader.rows);
    tow_buffer_release(&reader.columns.repair);
    free(fills);
    return code;
}

int32_t tow_csv_held_as_text(void *self, struct ArrowArray *out, struct tow_error *err)
{
    struct tow_csv_held *held = self;
    struct tow_field *fields = tow_csv_header_fields(held->reading.header);
    struct tow_builder *builder = NULL;
    int code = fields ? TOW_OK : tow_error_nomem(err);

    if (code == TOW_OK) {
        builder = tow_builder_new(fields, held->reading.header->count, err);
        code = builder ? tow_csv_held_append(held, builder, err) : err->code;
    }
    if (code == TOW_OK)
        code = tow_builder_finish(builder, out, err);
    tow_builder_free(builder);
    free(fields);
    return code;
}

void tow_csv_held_let_go(void *held)
{
    tow_csv_held_free(held);
}
