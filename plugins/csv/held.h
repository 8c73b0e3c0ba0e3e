/*
 * The text of a typed batch: where its rows lie in the blocks that were read. Only a batch whose
 * rows all were taken, one behind the other, is typed, so that parsing the same bytes again finds
 * the same rows.
 */
#ifndef PLUGINS_CSV_HELD_H
#define PLUGINS_CSV_HELD_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/files/window.h"
#include "plugins/csv/header.h"
#include "plugins/csv/rows.h"
#include "towpath/batch.h"
#include "towpath/error.h"

struct tow_csv_held;

/* What is needed to read the text; good until the last held one is let go. */
struct tow_csv_reading {
    const struct tow_csv_rules *rules;
    const struct tow_csv_header *header;
};

/* `fields` (see tow_csv_columns) are copied. */
struct tow_csv_held *tow_csv_held_new(const struct tow_csv_reading *reading, const size_t *fields,
                                      struct tow_error *err);
void tow_csv_held_free(struct tow_csv_held *held);

/* Makes room for one more add. */
int tow_csv_held_reserve(struct tow_csv_held *held, struct tow_error *err);
/* The next `length` bytes of the window, which hold `rows` rows; it keeps the block. */
void tow_csv_held_add(struct tow_csv_held *held, const struct tow_window *window, size_t length,
                      size_t rows);

/* Memory that it keeps from being used again, about. */
int64_t tow_csv_held_bytes(const struct tow_csv_held *held);

/* Appends all rows to a builder of string columns, as they would have been at first. From any
 * thread. */
int tow_csv_held_append(const struct tow_csv_held *held, struct tow_builder *builder,
                        struct tow_error *err);

/* The calls of struct tow_batch. */
int32_t tow_csv_held_as_text(void *held, struct ArrowArray *out, struct tow_error *err);
void tow_csv_held_let_go(void *held);

#endif
