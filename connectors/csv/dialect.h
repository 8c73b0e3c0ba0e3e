/*
 * What a CSV file looks like: checked settings, ready for the parsers.
 *
 * The grammar, in the order in which things are looked for:
 * - A line that begins with the comment text, and one with nothing on it, is skipped.
 * - A field that begins with the quote byte is quoted; inside, delimiters and line ends are data
 *   and a doubled quote is one quote. Behind the closing quote comes a delimiter or a line end.
 * - Any other field ends at the next delimiter or line end; quotes in it are data.
 * - The escape byte makes the byte behind it data: inside quotes, or, where there is no quote byte,
 *   anywhere.
 * - A line ends with LF or CR LF; other CRs are data. The last line may lack its end.
 * - trim takes spaces and tabs (those that are not part of the delimiter) off both ends of a field,
 *   outside its quotes.
 */
#ifndef CONNECTORS_CSV_DIALECT_H
#define CONNECTORS_CSV_DIALECT_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

#define TOW_CSV_DELIMITER_MAX 4
#define TOW_CSV_COMMENT_MAX   64
#define TOW_CSV_NO_BYTE       (-1) /* equals no byte */

/* The settings as a user writes them; borrowed. */
struct tow_csv_settings {
    const char *delimiter;
    const char *quote;   /* "": none */
    const char *escape;  /* "": none */
    const char *comment; /* NULL or "": none */
    const char *const *null_values;
    size_t null_count;
    int trim;
};

struct tow_csv_dialect {
    char delimiter[TOW_CSV_DELIMITER_MAX];
    size_t delimiter_length;
    int quote;  /* byte or TOW_CSV_NO_BYTE */
    int escape; /* byte or TOW_CSV_NO_BYTE; never the quote byte */
    const char *comment;
    size_t comment_length;
    const char *const *null_values;
    size_t null_count;
    int empty_is_null;     /* 1: "" is among them */
    uint64_t null_lengths; /* bit n: another one has n bytes; bit 63: it has 63 or more */
    int trim;
    unsigned char blank[256];   /* 1: taken off by trim; all 0 without it */
    unsigned char special[256]; /* 1: may end an unquoted field */
    int can_index;              /* the structural index knows this dialect */
    int is_simple;              /* fields need no trimming, and unquoted ones no unescaping */
};

/* Borrows comment and null_values. TOW_E_CONFIG names the setting, its value and what is wrong. */
int tow_csv_dialect_init(struct tow_csv_dialect *dialect, const struct tow_csv_settings *settings,
                         struct tow_error *err);

/* 1 where an unquoted field of these bytes, as they stand in the file, is null. */
int tow_csv_dialect_is_null(const struct tow_csv_dialect *dialect, const char *text, size_t length);

#endif
