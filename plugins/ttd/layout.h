/*
 * Which column of a batch goes where in an item: an endpoint's columns bound to those that a job
 * has.
 */
#ifndef PLUGINS_TTD_LAYOUT_H
#define PLUGINS_TTD_LAYOUT_H

#include "connectors/ttd/endpoint.h"
#include "towpath/batch.h"
#include "towpath/rowtext.h"

/* Text that stands in front of a value. TOW_TTD_KEY_STEP bytes at a time may be copied, so that
 * as many more are readable. */
#define TOW_TTD_KEY_STEP 16
struct tow_ttd_key {
    size_t offset; /* in layout->keys */
    size_t length;
};

/* One value of an item, in the order in which they stand there. */
struct tow_ttd_step {
    const struct tow_ttd_column *column;
    int64_t index;          /* of the batch's column */
    struct tow_ttd_key key; /* with the quote that opens a string */
};

/* Most id types that an endpoint has. */
#define TOW_TTD_ID_TYPES_MAX 16

struct tow_ttd_layout {
    const struct tow_ttd_endpoint *endpoint;
    struct ArrowSchema schema;
    struct tow_cursor cursor;
    struct tow_ttd_step *steps;
    size_t step_count;
    int64_t id_type;                                  /* index of the id_type column; -1: none */
    struct tow_ttd_key id_keys[TOW_TTD_ID_TYPES_MAX]; /* by endpoint->id_types */
    struct tow_buffer keys;
    size_t fixed; /* most bytes of an item besides the content of its strings */
};

/* TOW_E_CONFIG names all columns that are missing or of a type that does not fit. Release it in
 * every case. */
int tow_ttd_layout_init(struct tow_ttd_layout *layout, const struct tow_ttd_endpoint *endpoint,
                        const struct ArrowSchema *schema, struct tow_error *err);
void tow_ttd_layout_release(struct tow_ttd_layout *layout);

/* Appends the names of the batch's columns that are not sent, with ", " between them. */
int tow_ttd_layout_unsent(const struct tow_ttd_layout *layout, struct tow_buffer *out,
                          struct tow_error *err);

/* The type that a column of the kind should have, as job files say it. */
const char *tow_ttd_type_name(int kind);

#endif
