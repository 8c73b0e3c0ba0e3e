#include "plugins/lytics_metrics/points.h"

#include <stdlib.h>

#include "towpath/value.h"

#define POINTS_MS_MAX (INT64_MAX / 1000)

void tow_points_release(struct tow_points *points)
{
    free(points->items);
    free(points->bad);
    tow_buffer_release(&points->scratch);
    *points = (struct tow_points){.count = 0};
}

/* Room for one more of so many bytes; NULL where there is none. */
static void *points_grow(void *items, size_t count, size_t *capacity, size_t size,
                         struct tow_error *err)
{
    size_t more = *capacity ? 2 * *capacity : 256;
    void *grown = count < *capacity ? items : reallocarray(items, more, size);

    if (!grown)
        tow_error_nomem(err);
    else if (count == *capacity)
        *capacity = more;
    return grown;
}

static int points_add(struct tow_points *points, struct tow_point point, struct tow_error *err)
{
    struct tow_point *items =
        points_grow(points->items, points->count, &points->capacity, sizeof *items, err);

    if (!items)
        return TOW_E_NOMEM;
    points->items = items;
    points->items[points->count++] = point;
    return TOW_OK;
}

static int points_add_bad(struct tow_points *points, struct tow_json_part part, const char *problem,
                          struct tow_error *err)
{
    struct tow_no_point *bad =
        points_grow(points->bad, points->bad_count, &points->bad_capacity, sizeof *bad, err);

    if (!bad)
        return TOW_E_NOMEM;
    points->bad = bad;
    points->bad[points->bad_count++] = (struct tow_no_point){part, problem};
    return TOW_OK;
}

/* TOW_OK, or TOW_END for a bucket without a value; *problem says why it is no point. */
static int points_look(struct tow_points *points, struct tow_json_part item,
                       struct tow_point *point, const char **problem, struct tow_error *err)
{
    const struct tow_json_part value = tow_lytics_member(item, "value");
    int64_t ms;
    int code;

    *problem = NULL;
    if (!tow_lytics_int(tow_lytics_member(item, "ts"), &ms) || ms > POINTS_MS_MAX ||
        ms < -POINTS_MS_MAX) {
        *problem = "its ts is missing, or no number of milliseconds";
        return TOW_OK;
    }
    point->at_us = ms * 1000;
    if (!tow_lytics_has(value))
        return TOW_END;
    code = tow_lytics_text(&points->scratch, value, err);
    if (code != TOW_OK && code != TOW_E_DATA)
        return code;
    if (code != TOW_OK ||
        tow_parse_double(points->scratch.data, points->scratch.size, &point->value) != TOW_PARSE_OK)
        *problem = "its value is no number";
    return TOW_OK;
}

static int points_compare(const void *left, const void *right)
{
    const struct tow_point *a = left, *b = right;

    return a->at_us == b->at_us ? 0 : a->at_us < b->at_us ? -1 : 1;
}

/* The API has them by time, though it does not say so. */
static void points_sort(struct tow_points *points)
{
    size_t kept = 0;

    if (points->count > 1)
        qsort(points->items, points->count, sizeof *points->items, points_compare);
    for (size_t i = 0; i < points->count; i++)
        if (i == 0 || points_compare(&points->items[i], &points->items[kept - 1]) != 0)
            points->items[kept++] = points->items[i];
    points->count = kept;
}

int tow_points_read(struct tow_points *points, struct tow_json_part values, int64_t from_us,
                    int64_t to_us, struct tow_error *err)
{
    struct tow_json_scan scan;
    struct tow_json_part item;
    struct tow_point point;
    const char *problem;
    int code = TOW_OK;

    points->count = points->bad_count = 0;
    if (values.length == 0)
        return TOW_OK;
    if (!tow_json_scan_array(&scan, values))
        return tow_error_set(err, TOW_E_ENV, "\"values\" of a metric is no array");
    while (code >= TOW_OK && tow_json_scan_item(&scan, &item)) {
        code = points_look(points, item, &point, &problem, err);
        if (code == TOW_OK && problem)
            code = points_add_bad(points, item, problem, err);
        else if (code == TOW_OK && point.at_us >= from_us && point.at_us < to_us)
            code = points_add(points, point, err);
    }
    points_sort(points);
    return code < TOW_OK ? code : TOW_OK;
}
