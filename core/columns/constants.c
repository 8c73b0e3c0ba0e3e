#include <stdlib.h>

#include "columns/columns_priv.h"

/* Batches are rarely all of one size: a little larger than the last does not mean once more. */
#define CONSTANTS_ROUND 1024

static int constants_is(const struct tow_column_plan *plan)
{
    return plan->source < 0;
}

int tow_constants_init(struct tow_constants *constants, const struct tow_column_plan *plans,
                       size_t count, struct tow_error *err)
{
    struct tow_field *fields = calloc(count + 1, sizeof *fields);
    size_t used = 0;

    if (!fields)
        return tow_error_nomem(err);
    for (size_t i = 0; i < count; i++)
        if (constants_is(&plans[i]))
            fields[used++] = (struct tow_field){plans[i].spec.name, plans[i].type, 0};
    if (used > 0)
        constants->builder = tow_builder_new(fields, used, err);
    free(fields);
    return used == 0 || constants->builder ? TOW_OK : TOW_E_NOMEM;
}

void tow_constants_release(struct tow_constants *constants)
{
    tow_share_unref(constants->share);
    tow_builder_free(constants->builder);
    *constants = (struct tow_constants){0};
}

static int constants_fill(struct tow_constants *constants, const struct tow_column_plan *plans,
                          size_t count, int64_t rows, struct tow_error *err)
{
    size_t index = 0;
    int code = TOW_OK;

    tow_builder_reset(constants->builder);
    for (size_t i = 0; i < count && code == TOW_OK; i++)
        if (constants_is(&plans[i]))
            code = tow_fill_all(&plans[i].fill, tow_builder_column(constants->builder, index++),
                                rows, err);
    return code;
}

int tow_constants_reserve(struct tow_constants *constants, const struct tow_column_plan *plans,
                          size_t count, int64_t rows, struct tow_error *err)
{
    struct ArrowArray array;
    struct tow_share *share;
    int code;

    if (!constants->builder || (constants->share && rows <= constants->rows))
        return TOW_OK;
    rows = (rows + CONSTANTS_ROUND - 1) / CONSTANTS_ROUND * CONSTANTS_ROUND;
    code = constants_fill(constants, plans, count, rows, err);
    if (code == TOW_OK)
        code = tow_builder_finish(constants->builder, &array, err);
    if (code != TOW_OK)
        return code;
    share = tow_share_new(&array, err);
    if (!share) {
        array.release(&array);
        return TOW_E_NOMEM;
    }
    tow_share_unref(constants->share);
    constants->share = share;
    constants->rows = rows;
    return TOW_OK;
}

int tow_constants_column(const struct tow_constants *constants, int64_t index, int64_t rows,
                         struct ArrowArray *out, struct tow_error *err)
{
    int code = tow_share_column(constants->share, index, out, err);

    if (code == TOW_OK)
        out->length = rows;
    return code;
}
