/*
 * A load of the source databricks, driven by hand over the far end. Failures fail the running test.
 */
#ifndef TESTS_UNIT_SOURCE_LOAD_H
#define TESTS_UNIT_SOURCE_LOAD_H

#include "fake_host.h"
#include "far_end.h"
#include "towpath/batch.h"
#include "towpath/rowtext.h"

struct tow_scan;

#define SECOND INT64_C(1000000)
#define AT(s)  (INT64_C(1767225600) * SECOND + (s)*SECOND) /* 2026-01-01, and seconds */

#define POSITIONS_MAX 128

struct load {
    struct fake_host fake;
    struct tow_scan *scan;
    struct ArrowSchema schema;
    struct tow_buffer rows; /* ids, with a space behind each */
    int64_t count, counted;
    struct tow_position positions[POSITIONS_MAX]; /* after each batch */
    int64_t row_at[POSITIONS_MAX];
    size_t batches;
    struct tow_position end;
    struct tow_error err;
};

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})
#define LOGIN    "host", "http://localhost", "token", "x", "warehouse_id", "w", "table", "t"

/* A cmocka fixture: an empty far end. */
int load_setup(void **state);
int load_teardown(void **state);
/* Nine rows in the far end, with ids 0 to 8, of which three have one time and two another. */
void load_fill(void);

/* settings: pairs that a NULL ends. Batches have two rows. */
void load_init(struct load *load, const char *const *settings);
void load_release(struct load *load);
/* open and schema; from: NULL is the beginning. */
int load_open(struct load *load, const struct tow_position *from);
/* One read; what it brings is noted in the load. */
int load_read(struct load *load);
/* open, and reads to the end or to an error; TOW_E_TRANSIENT is asked again. */
int load_run(struct load *load, const struct tow_position *from);
/* The ids so far, with a space behind each; the load's. */
const char *load_rows(struct load *load);

/* A whole load, which gives these ids; what it ends with is left in `end`, which may be NULL. */
void assert_load(const char *const *settings, const struct tow_position *from, const char *ids,
                 struct tow_position *end);
/* A whole load that ends with an error of that class, whose message has these words. */
void assert_load_fails(const char *const *settings, const struct tow_position *from, int class,
                       const char *says);

#endif
