/*
 * A CSV parser written from the rules in connectors/csv/dialect.h and rows.h alone, a byte at a time
 * over the whole text: slow, simple, and what the plugin is compared with.
 */
#ifndef TESTS_UNIT_NAIVE_CSV_H
#define TESTS_UNIT_NAIVE_CSV_H

#include <stddef.h>

#include "towpath/rowtext.h"

struct naive_csv {
    const char *delimiter; /* 1 to 4 bytes */
    int quote, escape;     /* -1: none */
    const char *comment;   /* "": none */
    const char *null_text; /* a null value besides ""; NULL: none */
    int trim, pad, replace;
    size_t columns;
    size_t row_bytes;
};

/* Appends a line for each row ("LINE [field] null ...") to rows and for each reject ("CODE LINE
 * OFFSET [raw]") to rejects. There is no header. */
void naive_csv_parse(const struct naive_csv *csv, const char *text, size_t length,
                     struct tow_buffer *rows, struct tow_buffer *rejects);

#endif
