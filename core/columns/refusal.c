#include <stdlib.h>
#include <string.h>

#include "columns/columns_priv.h"

int tow_refusals_reserve(struct tow_refusals *refusals, int64_t rows, struct tow_error *err)
{
    struct tow_refusal *grown;

    if (rows <= refusals->capacity)
        return TOW_OK;
    /* Nothing is marked between batches, so nothing has to be kept. */
    grown = calloc((size_t)rows, sizeof *grown);
    if (!grown)
        return tow_error_nomem(err);
    free(refusals->rows);
    refusals->rows = grown;
    refusals->capacity = rows;
    return TOW_OK;
}

void tow_refusals_release(struct tow_refusals *refusals)
{
    free(refusals->rows);
    *refusals = (struct tow_refusals){0};
}

void tow_refusals_add(struct tow_refusals *refusals, int64_t row, enum tow_refusal_reason reason)
{
    struct tow_refusal *refusal = &refusals->rows[row];

    if (refusal->reason != TOW_REFUSAL_NONE)
        return;
    *refusal = (struct tow_refusal){refusals->column, reason};
    refusals->count++;
}

void tow_refusals_clear(struct tow_refusals *refusals, int64_t rows)
{
    if (refusals->count > 0)
        memset(refusals->rows, 0, (size_t)rows * sizeof *refusals->rows);
    refusals->count = 0;
}
