#include "kit/rowtext/cells.h"

#include <math.h>
#include <string.h>

/* One loop for a type, so that a writer chooses once for a column and not for each value. */
#define CELLS_PUT(name, type, put)                                                          \
    static void cells_put_##name(const struct tow_view *view, int64_t first, int64_t count, \
                                 struct tow_cells *cells)                                   \
    {                                                                                       \
        const type *values = (const type *)view->values + view->offset + first;             \
        struct tow_dates *dates = cells->dates;                                             \
        char *p = cells->slots;                                                             \
                                                                                            \
        (void)dates;                                                                        \
        for (int64_t i = 0; i < count; i++, p += TOW_CELL_SLOT)                             \
            cells->cell[i] = (struct tow_cell){p, (size_t)(put(p, values[i]) - p)};         \
    }

/* What is no number has no JSON text but a string. */
#define CELLS_PUT_JSON(name, type, put)                 \
    static char *cells_json_##name(char *p, type value) \
    {                                                   \
        if (__builtin_expect(isfinite(value), 1))       \
            return put(p, value);                       \
        *p++ = '"';                                     \
        p = put(p, value);                              \
        *p++ = '"';                                     \
        return p;                                       \
    }                                                   \
    CELLS_PUT(json_##name, type, cells_json_##name)

#define CELLS_DATE(p, value) tow_put_kept_date(dates, p, value)
#define CELLS_UTC(p, value)  tow_put_kept_timestamp(dates, p, value, 1)
#define CELLS_NTZ(p, value)  tow_put_kept_timestamp(dates, p, value, 0)

CELLS_PUT(int8, int8_t, tow_put_int64)
CELLS_PUT(int16, int16_t, tow_put_int64)
CELLS_PUT(int32, int32_t, tow_put_int64)
CELLS_PUT(int64, int64_t, tow_put_int64)
CELLS_PUT(uint8, uint8_t, tow_put_uint64)
CELLS_PUT(uint16, uint16_t, tow_put_uint64)
CELLS_PUT(uint32, uint32_t, tow_put_uint64)
CELLS_PUT(uint64, uint64_t, tow_put_uint64)
CELLS_PUT(float32, float, tow_put_float)
CELLS_PUT(float64, double, tow_put_double)
CELLS_PUT(date, int32_t, CELLS_DATE)
CELLS_PUT(timestamp, int64_t, CELLS_UTC)
CELLS_PUT(timestamp_ntz, int64_t, CELLS_NTZ)
CELLS_PUT_JSON(float32, float, tow_put_float)
CELLS_PUT_JSON(float64, double, tow_put_double)

static void cells_put_bool(const struct tow_view *view, int64_t first, int64_t count,
                           struct tow_cells *cells)
{
    static const char words[2][TOW_CELL_STEP] = {"false", "true"};

    for (int64_t i = 0; i < count; i++) {
        size_t value = (size_t)tow_view_bool(view, first + i);

        cells->cell[i] = (struct tow_cell){words[value], 5 - value};
    }
}

static void cells_put_decimal(const struct tow_view *view, int64_t first, int64_t count,
                              struct tow_cells *cells)
{
    const struct tow_decimal *values = (const struct tow_decimal *)view->values + view->offset;
    char *p = cells->slots;

    for (int64_t i = 0; i < count; i++, p += TOW_CELL_SLOT_MAX) {
        char *end = tow_put_decimal(p, values[first + i], view->type.scale);

        cells->cell[i] = (struct tow_cell){p, (size_t)(end - p)};
    }
}

tow_cells_put *tow_cells_put_of(enum tow_type_id id)
{
    static tow_cells_put *const puts[] = {
        [TOW_TYPE_BOOL] = cells_put_bool,
        [TOW_TYPE_INT8] = cells_put_int8,
        [TOW_TYPE_INT16] = cells_put_int16,
        [TOW_TYPE_INT32] = cells_put_int32,
        [TOW_TYPE_INT64] = cells_put_int64,
        [TOW_TYPE_UINT8] = cells_put_uint8,
        [TOW_TYPE_UINT16] = cells_put_uint16,
        [TOW_TYPE_UINT32] = cells_put_uint32,
        [TOW_TYPE_UINT64] = cells_put_uint64,
        [TOW_TYPE_FLOAT32] = cells_put_float32,
        [TOW_TYPE_FLOAT64] = cells_put_float64,
        [TOW_TYPE_DECIMAL] = cells_put_decimal,
        [TOW_TYPE_DATE] = cells_put_date,
        [TOW_TYPE_TIMESTAMP] = cells_put_timestamp,
        [TOW_TYPE_TIMESTAMP_NTZ] = cells_put_timestamp_ntz,
        [TOW_TYPE_BINARY] = NULL,
        [TOW_TYPE_STRING] = NULL,
        [TOW_TYPE_JSON] = NULL,
    };

    return puts[id];
}

tow_cells_put *tow_cells_put_json_of(enum tow_type_id id)
{
    if (id == TOW_TYPE_FLOAT32)
        return cells_put_json_float32;
    if (id == TOW_TYPE_FLOAT64)
        return cells_put_json_float64;
    return tow_cells_put_of(id);
}
