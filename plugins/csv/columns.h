/* From a table of rows to columns of text: field after field of one column, then the next. */
#ifndef PLUGINS_CSV_COLUMNS_H
#define PLUGINS_CSV_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/csv/dialect.h"
#include "plugins/csv/rows.h"
#include "towpath/batch.h"
#include "towpath/error.h"
#include "towpath/rowtext.h"

struct tow_csv_columns {
    const struct tow_csv_dialect *dialect; /* borrowed, like the builder */
    struct tow_builder *builder;           /* all columns are strings */
    size_t count;
    const size_t *fields;     /* of each column: the field of a row that it comes from */
    int64_t *added;           /* count of them: scratch, nulls that an append brings */
    struct tow_buffer repair; /* a value whose bytes are replaced */
};

/*
 * Appends the table's rows, whose bytes are `bytes`, to the builder. On failure the builder's rows
 * are as before, and the call can be made again.
 */
int tow_csv_columns_append(struct tow_csv_columns *columns, const struct tow_csv_table *table,
                           const char *bytes, struct tow_error *err);

#endif
