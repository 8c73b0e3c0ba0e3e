/* From a table of rows to columns: a block of rows in one column, then in the next. */
#ifndef PLUGINS_CSV_COLUMNS_H
#define PLUGINS_CSV_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/csv/dialect.h"
#include "plugins/csv/rows.h"
#include "plugins/csv/typed.h"
#include "towpath/batch.h"
#include "towpath/error.h"
#include "towpath/rowtext.h"

struct tow_csv_columns {
    const struct tow_csv_dialect *dialect; /* borrowed, like the builder */
    struct tow_builder *builder;
    size_t count;                      /* of its columns */
    const struct tow_csv_wish *wishes; /* one for each; NULL: all columns of the file, as text */
    const size_t *fields;       /* of each column of the file: the field of a row it comes from */
    struct tow_csv_fill *fills; /* count of them: scratch */
    struct tow_buffer repair;   /* a value whose bytes are replaced */
};

/*
 * Appends the table's rows, whose bytes are `bytes`, to the builder. On failure the builder's rows
 * are as before, and the call can be made again; also where *converts is 0, since a text is not of
 * the type that is wished for, or the table is not plain enough to tell.
 */
int tow_csv_columns_append(struct tow_csv_columns *columns, const struct tow_csv_table *table,
                           const char *bytes, int *converts, struct tow_error *err);

#endif
