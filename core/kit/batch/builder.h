/* The inside of the builder: builder.c keeps columns and rows, append.c puts values in. */
#ifndef KIT_BATCH_BUILDER_H
#define KIT_BATCH_BUILDER_H

#include "towpath/batch.h"

struct tow_frame;
struct tow_pool;

struct tow_builder_column {
    struct tow_column column; /* first: tow_column_reserve is given no more than this */
    struct tow_builder *builder;
    const char *name;
    int not_null;
    int64_t last_rows, last_bytes;   /* of the batch before */
    unsigned __int128 decimal_limit; /* decimals: 10^precision */
};

/*
 * While a row is open, columns that got a value have rows + 1 of them and others have rows, so that
 * cancelling is taking one off. While none is open, the columns' own lengths count: they may have
 * been filled by hand.
 */
struct tow_builder {
    struct tow_builder_column *columns;
    size_t count;
    size_t row_bits; /* of a row in all buffers, without text */
    int open;
    int64_t rows;            /* ended rows; good while a row is open, or where there is no column */
    struct tow_frame *frame; /* where the buffers go on finish; NULL: they are not there yet */
    struct tow_pool *pool;
    char *names;
};

#endif
