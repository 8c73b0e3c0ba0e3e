/* From a table of rows to the values of one column that is not text. */
#ifndef PLUGINS_CSV_TYPED_H
#define PLUGINS_CSV_TYPED_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/csv/dialect.h"
#include "plugins/csv/rows.h"
#include "towpath/batch.h"
#include "towpath/error.h"
#include "towpath/texts.h"

/* What is wished of a column. */
struct tow_csv_wish {
    size_t column;                        /* of the header */
    int is_text;                          /* it stays text, and nothing below holds */
    struct tow_texts_converter converter; /* its format belongs to us */
    int trim;
    struct tow_strings null_if; /* heap, like its strings */
    uint64_t null_lengths;      /* bit n: one of them has n bytes; bit 63: it has 63 or more */
};

/* Zero-initialized is valid. */
struct tow_csv_wishes {
    struct tow_csv_wish *items;
    size_t count;
};

/*
 * Copies the host's wishes. What cannot be made here stays text; where all of them would, and all
 * `columns` of the file are wished for, there are none. `level` as in tow_texts_converter_init.
 */
int tow_csv_wishes_init(struct tow_csv_wishes *wishes, const struct tow_wish *from, uint64_t count,
                        size_t columns, const char *level, struct tow_error *err);
void tow_csv_wishes_release(struct tow_csv_wishes *wishes);

/* One column being filled. */
struct tow_csv_typed_fill {
    const struct tow_csv_dialect *dialect; /* simple */
    const struct tow_csv_table *table;     /* needs no care */
    const char *bytes;
    const struct tow_csv_wish *wish;
    struct tow_column *column;
    size_t field;
    int64_t base; /* rows that the column has already */
};

/* Fills rows behind the column's own, without counting them in. *null_count is that of these rows;
 * *converts is 0 where a value is not of the type. */
int tow_csv_typed_fill(const struct tow_csv_typed_fill *fill, int64_t *null_count, int *converts,
                       struct tow_error *err);

#endif
