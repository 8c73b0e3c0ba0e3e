/*
 * A batch with one column more: where each row stands in its load, an int64 that rises from batch
 * to batch and from row to row. The other columns are the batch's own.
 */
#ifndef PLUGINS_DATABRICKS_COPY_ORDINAL_H
#define PLUGINS_DATABRICKS_COPY_ORDINAL_H

#include <stdint.h>

#include "towpath/arrow.h"
#include "towpath/error.h"

struct tow_copy_ordinal;

/* For batches of so many columns. */
struct tow_copy_ordinal *tow_copy_ordinal_new(int64_t columns, struct tow_error *err);
void tow_copy_ordinal_free(struct tow_copy_ordinal *ordinal);

/* Batch seq, which is borrowed until the next one. TOW_E_UNSUPPORTED for a number beyond 2^31 - 1,
 * or more than 2^32 - 1 rows. */
int tow_copy_ordinal_join(struct tow_copy_ordinal *ordinal, const struct ArrowArray *array,
                          uint64_t seq, struct tow_error *err);
/* The last one with its column; never released. */
const struct ArrowArray *tow_copy_ordinal_array(const struct tow_copy_ordinal *ordinal);

#endif
