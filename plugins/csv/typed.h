/* From a table of rows to the values of one column that is not text. */
#ifndef PLUGINS_CSV_TYPED_H
#define PLUGINS_CSV_TYPED_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/csv/dialect.h"
#include "plugins/csv/rows.h"
#include "towpath/batch.h"
#include "towpath/error.h"
#include "towpath/rowtext.h"
#include "towpath/texts.h"

/* What is wished of a column. */
struct tow_csv_wish {
    size_t column;                        /* of the header */
    int is_required;                      /* a null is no value */
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

/* One column being filled with the rows of a table. */
struct tow_csv_fill {
    const struct tow_csv_dialect *dialect;
    const struct tow_csv_table *table;
    const char *bytes;
    struct tow_column *column;
    struct tow_buffer *repair;       /* a value whose bytes are replaced */
    const struct tow_csv_wish *wish; /* NULL: text */
    size_t field;
    int64_t base;  /* rows that the column has already */
    size_t used;   /* text: its bytes */
    int64_t nulls; /* among the table's rows so far */
    int is_odd;    /* typed: fields are looked at before they are converted */
};

/* What is_odd is at first. */
int tow_csv_typed_is_odd(const struct tow_csv_fill *fill);

/* Puts rows [first, first + count) of the table, TOW_TEXTS_MAX at most; there is room for that many
 * behind the last row. 0 where a text is not of the type. The dialect is simple, and the table
 * needs no care. */
int tow_csv_typed_put(struct tow_csv_fill *fill, size_t first, size_t count);

#endif
