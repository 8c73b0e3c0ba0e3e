/* A source of numbers as text, which can also make them itself, and gets one of them wrong. The
 * conformance suite must find out. */
#include <stdio.h>
#include <stdlib.h>

#include "towpath/batch.h"

#define ROWS  350
#define WRONG 77

struct liar {
    const struct tow_host *host;
    struct tow_builder *builder;
    int64_t next;
    int is_typed; /* int64 is wished for */
};

/* Rows [first, first + count). */
struct liar_held {
    int64_t first, count;
};

static const struct tow_field liar_text = {"n", {TOW_TYPE_STRING, 0, 0}, 0};
static const struct tow_field liar_number = {"n", {TOW_TYPE_INT64, 0, 0}, 0};

static int32_t liar_open(void *self, const struct tow_host *host, const struct tow_position *from,
                         struct tow_error *err)
{
    struct liar *liar = self;

    (void)err;
    liar->host = host;
    liar->next = tow_position_get_int(from, 0);
    return TOW_OK;
}

static int32_t liar_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    (void)self;
    return tow_schema_make(out, &liar_text, 1, err);
}

static int32_t liar_types(void *self, const struct tow_wish *wishes, uint64_t count,
                          struct ArrowSchema *out, struct tow_error *err)
{
    struct tow_type type;
    int code = count == 1 ? tow_type_parse(wishes->type, &type, err) : TOW_E_BUG;

    if (code != TOW_OK || type.id != TOW_TYPE_INT64)
        return code;
    ((struct liar *)self)->is_typed = 1;
    return tow_schema_make(out, &liar_number, 1, err);
}

static int liar_append(struct tow_builder *builder, int64_t n, int is_typed, struct tow_error *err)
{
    char text[24];
    int code;

    snprintf(text, sizeof text, "%lld", (long long)n);
    code = is_typed ? tow_append_int64(builder, 0, n + (n == WRONG), err)
                    : tow_append_text(builder, 0, text, err);
    return code == TOW_OK ? tow_builder_end_row(builder, err) : code;
}

static int liar_make(const struct liar_held *rows, int is_typed, struct ArrowArray *out,
                     struct tow_error *err)
{
    struct tow_builder *builder = tow_builder_new(is_typed ? &liar_number : &liar_text, 1, err);
    int code = builder ? TOW_OK : TOW_E_NOMEM;

    for (int64_t n = rows->first; code == TOW_OK && n < rows->first + rows->count; n++)
        code = liar_append(builder, n, is_typed, err);
    if (code == TOW_OK)
        code = tow_builder_finish(builder, out, err);
    tow_builder_free(builder);
    return code;
}

static int32_t liar_as_text(void *held, struct ArrowArray *out, struct tow_error *err)
{
    return liar_make(held, 0, out, err);
}

static int32_t liar_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct liar *liar = self;
    int64_t left = ROWS - liar->next, most = liar->host->batch_rows;
    struct liar_held rows = {liar->next, left < most ? left : most}, *held;
    int code;

    if (left <= 0)
        return TOW_END;
    code = liar_make(&rows, liar->is_typed, &out->array, err);
    if (code != TOW_OK)
        return code;
    if (liar->is_typed) {
        held = malloc(sizeof *held);
        if (!held)
            return tow_error_nomem(err);
        *held = rows;
        out->flags = TOW_BATCH_TYPED;
        out->held = held;
        out->as_text = liar_as_text;
        out->let_go = free;
    }
    liar->next += rows.count;
    tow_position_set_int(&out->position, liar->next);
    return TOW_OK;
}

static const struct tow_option liar_options[] = {TOW_OPTIONS_END};

TOW_SOURCE_PLUGIN(unruly_types, "1", "makes types, and one wrong value", struct liar, liar_options,
                  0, .open = liar_open, .schema = liar_schema, .read = liar_read,
                  .types = liar_types)
