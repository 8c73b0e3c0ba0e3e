#include "connectors/arrow/offsets.h"

#include <inttypes.h>

#define OFFSETS_BLOCK 32

/* Without branches and in blocks of constant size, which compilers turn into vectors. A sign bit is
 * left over where an offset is negative, or, where none is, if one lies before the one in front:
 * the difference of numbers that are not negative does not wrap. */
#define OFFSETS_RISE(name, type, utype)                                                 \
    static int offsets_rise_##name(const type *offsets, int64_t count)                  \
    {                                                                                   \
        utype bad = (utype)offsets[0];                                                  \
        int64_t i = 0;                                                                  \
                                                                                        \
        for (; i + OFFSETS_BLOCK <= count; i += OFFSETS_BLOCK)                          \
            for (int j = 0; j < OFFSETS_BLOCK; j++)                                     \
                bad |= ((utype)offsets[i + j + 1] - (utype)offsets[i + j]) |            \
                       (utype)offsets[i + j + 1];                                       \
        for (; i < count; i++)                                                          \
            bad |= ((utype)offsets[i + 1] - (utype)offsets[i]) | (utype)offsets[i + 1]; \
        return (type)bad >= 0;                                                          \
    }

OFFSETS_RISE(int32, int32_t, uint32_t)
OFFSETS_RISE(int64, int64_t, uint64_t)

static int64_t offsets_get(const void *offsets, size_t width, int64_t i)
{
    return width == 4 ? ((const int32_t *)offsets)[i] : ((const int64_t *)offsets)[i];
}

/* What is wrong, once something is. */
static int offsets_explain(const void *offsets, size_t width, int64_t count, struct tow_error *err)
{
    int64_t row = 0;

    if (offsets_get(offsets, width, 0) < 0)
        return tow_error_set(err, TOW_E_DATA, "row 0 begins at offset %" PRId64,
                             offsets_get(offsets, width, 0));
    while (row < count - 1 &&
           offsets_get(offsets, width, row + 1) >= offsets_get(offsets, width, row))
        row++;
    return tow_error_set(
        err, TOW_E_DATA, "row %" PRId64 " ends at offset %" PRId64 ", before its start at %" PRId64,
        row, offsets_get(offsets, width, row + 1), offsets_get(offsets, width, row));
}

int tow_ipc_offsets_check(const void *offsets, size_t width, int64_t count, int64_t end,
                          struct tow_error *err)
{
    int64_t last = offsets_get(offsets, width, count);
    int rise = width == 4 ? offsets_rise_int32(offsets, count) : offsets_rise_int64(offsets, count);

    if (!rise)
        return offsets_explain(offsets, width, count, err);
    if (last > end)
        return tow_error_set(err, TOW_E_DATA,
                             "the last row ends at offset %" PRId64 ", where there are %" PRId64,
                             last, end);
    return TOW_OK;
}
