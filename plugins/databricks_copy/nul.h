/* Rows whose text holds U+0000: readers of CSV take it for marks of their own. */
#ifndef PLUGINS_DATABRICKS_COPY_NUL_H
#define PLUGINS_DATABRICKS_COPY_NUL_H

#include "towpath/batch.h"

/* The first such row of the cursor's batch from row `from` on, and one such column of it; the
 * batch's length where there is none. */
int64_t tow_copy_next_nul(const struct tow_cursor *cursor, int64_t from, int64_t *column);

#endif
