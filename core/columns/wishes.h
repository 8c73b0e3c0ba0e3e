/*
 * What the columns of a job make of a source's texts, for sources that can do it themselves: the
 * wishes of tow_source_ops.types, and the columns of the batches that they answer with.
 */
#ifndef CORE_COLUMNS_WISHES_H
#define CORE_COLUMNS_WISHES_H

#include "columns/columns.h"

struct tow_wishes;

/*
 * A wish for each column of `in` that a spec takes something from, in order of `in`. What is wished
 * for is a type where all that is done to the column is one conversion of its text (null_if, trim
 * and format among it), by one spec or by several alike; otherwise the column as it is. Specs and
 * `in` have passed tow_columns_new, and stay borrowed. *out is NULL where that comes to all columns
 * as they are, or to none.
 */
int tow_wishes_new(const struct tow_column_spec *specs, size_t count, const struct ArrowSchema *in,
                   struct tow_wishes **out, struct tow_error *err);
void tow_wishes_free(struct tow_wishes *wishes);
const struct tow_wish *tow_wishes_list(const struct tow_wishes *wishes, size_t *count);

/*
 * The columns of batches that fit `typed`, the answer to the wishes: those that come typed need no
 * more than their name, default and `required`. An answer to something else is TOW_E_BUG.
 */
int tow_wishes_columns(const struct tow_wishes *wishes, const struct ArrowSchema *typed,
                       struct tow_columns **out, struct tow_error *err);

#endif
