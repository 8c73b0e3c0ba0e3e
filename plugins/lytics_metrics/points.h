/* The points of a series, out of an answer of the API. */
#ifndef PLUGINS_LYTICS_METRICS_POINTS_H
#define PLUGINS_LYTICS_METRICS_POINTS_H

#include "connectors/lytics/client.h"

struct tow_point {
    int64_t at_us;
    double value;
};

/* What is no point: where it lies, and why. */
struct tow_no_point {
    struct tow_json_part part;
    const char *problem;
};

/* Zero-initialized is empty and valid; used again. */
struct tow_points {
    struct tow_point *items; /* by time, each time once */
    size_t count, capacity;
    struct tow_no_point *bad;
    size_t bad_count, bad_capacity;
    struct tow_buffer scratch;
};

void tow_points_release(struct tow_points *points);
/* Those of `values`, an array of {"ts", "value"}, that lie in [from_us, to_us); ones without a
 * value are none. The parts of `bad` lie in the answer. */
int tow_points_read(struct tow_points *points, struct tow_json_part values, int64_t from_us,
                    int64_t to_us, struct tow_error *err);

#endif
