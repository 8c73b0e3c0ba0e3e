#include <string.h>

#include "columns/columns_priv.h"

struct tow_integer_range tow_integer_range(enum tow_type_id id)
{
    switch (id) {
    case TOW_TYPE_BOOL:
        return (struct tow_integer_range){0, 1};
    case TOW_TYPE_INT8:
        return (struct tow_integer_range){INT8_MIN, INT8_MAX};
    case TOW_TYPE_INT16:
        return (struct tow_integer_range){INT16_MIN, INT16_MAX};
    case TOW_TYPE_INT32:
        return (struct tow_integer_range){INT32_MIN, INT32_MAX};
    case TOW_TYPE_UINT8:
        return (struct tow_integer_range){0, UINT8_MAX};
    case TOW_TYPE_UINT16:
        return (struct tow_integer_range){0, UINT16_MAX};
    case TOW_TYPE_UINT32:
        return (struct tow_integer_range){0, UINT32_MAX};
    case TOW_TYPE_UINT64:
        return (struct tow_integer_range){0, UINT64_MAX};
    default:
        return (struct tow_integer_range){INT64_MIN, INT64_MAX};
    }
}

/* ---- reading -------------------------------------------------------------------------------- */

/* The type is constant where this is called: each case is a loop that only widens. */
#define BLOCK_WIDEN(type)                                         \
    do {                                                          \
        const type *values = (const type *)view->values;          \
        for (int64_t i = 0; i < count; i++)                       \
            block[i] = (int64_t)values[view->offset + first + i]; \
    } while (0)

void tow_block_read(const struct tow_view *view, int64_t first, int64_t count, int64_t *block)
{
    switch (view->type.id) {
    case TOW_TYPE_BOOL:
        for (int64_t i = 0; i < count; i++)
            block[i] = tow_view_bool(view, first + i);
        break;
    case TOW_TYPE_INT8:
        BLOCK_WIDEN(int8_t);
        break;
    case TOW_TYPE_INT16:
        BLOCK_WIDEN(int16_t);
        break;
    case TOW_TYPE_INT32:
    case TOW_TYPE_DATE:
        BLOCK_WIDEN(int32_t);
        break;
    case TOW_TYPE_UINT8:
        BLOCK_WIDEN(uint8_t);
        break;
    case TOW_TYPE_UINT16:
        BLOCK_WIDEN(uint16_t);
        break;
    case TOW_TYPE_UINT32:
        BLOCK_WIDEN(uint32_t);
        break;
    default:
        BLOCK_WIDEN(int64_t);
        break;
    }
}

void tow_block_check(const struct tow_step *step, int64_t first, int64_t count,
                     const int64_t *block)
{
    struct tow_integer_range range = tow_integer_range(step->conversion->to.id);
    int64_t low = range.low;
    int64_t high = range.high > INT64_MAX ? INT64_MAX : (int64_t)range.high;
    int bad = 0;

    /* By its bits, the upper half of uint64 looks negative. */
    if (step->in.type.id == TOW_TYPE_UINT64 && low < 0)
        low = 0;
    for (int64_t i = 0; i < count; i++)
        bad |= (block[i] < low) | (block[i] > high);
    if (!bad)
        return;
    for (int64_t i = 0; i < count; i++)
        if ((block[i] < low || block[i] > high) && !tow_view_is_null(&step->in, first + i))
            tow_step_refuse(step, first + i, TOW_REFUSAL_RANGE);
}

/* ---- writing -------------------------------------------------------------------------------- */

/* Blocks start at whole bytes; the buffer has room for the last one's. */
static void block_write_bits(uint8_t *bits, int64_t count, const int64_t *block)
{
    unsigned byte = 0;

    for (int64_t i = 0; i < count; i++) {
        byte |= (unsigned)(block[i] & 1) << (i & 7);
        if ((i & 7) != 7)
            continue;
        bits[i >> 3] = (uint8_t)byte;
        byte = 0;
    }
    if (count & 7)
        bits[count >> 3] = (uint8_t)byte;
}

static void block_write(struct tow_column *column, int64_t first, int64_t count,
                        const int64_t *block)
{
    switch (tow_type_width(column->type.id)) {
    case 0:
        block_write_bits((uint8_t *)column->values + first / 8, count, block);
        break;
    case 1:
        for (int64_t i = 0; i < count; i++)
            ((uint8_t *)column->values)[first + i] = (uint8_t)block[i];
        break;
    case 2:
        for (int64_t i = 0; i < count; i++)
            ((uint16_t *)column->values)[first + i] = (uint16_t)block[i];
        break;
    case 4:
        for (int64_t i = 0; i < count; i++)
            ((uint32_t *)column->values)[first + i] = (uint32_t)block[i];
        break;
    default:
        memcpy((int64_t *)column->values + first, block, (size_t)count * sizeof *block);
        break;
    }
}

int tow_block_convert(struct tow_step *step, tow_block_load *load, struct tow_error *err)
{
    int64_t block[TOW_BLOCK_ROWS];
    int code = tow_step_reserve(step, 0, err);

    if (code != TOW_OK)
        return code;
    for (int64_t first = 0; first < step->in.length; first += TOW_BLOCK_ROWS) {
        int64_t left = step->in.length - first;
        int64_t count = left < TOW_BLOCK_ROWS ? left : TOW_BLOCK_ROWS;

        load(step, first, count, block);
        block_write(step->out, first, count, block);
    }
    return TOW_OK;
}
