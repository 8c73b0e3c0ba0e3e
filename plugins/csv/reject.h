/* Rows that cannot be turned into values, on their way to the host. */
#ifndef PLUGINS_CSV_REJECT_H
#define PLUGINS_CSV_REJECT_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/plugin.h"

/* Codes; stable, since rejects are looked up by them. */
#define TOW_CSV_CODE_BAD_QUOTE   "bad_quote"
#define TOW_CSV_CODE_UNCLOSED    "unclosed_quote"
#define TOW_CSV_CODE_TOO_LONG    "row_too_long"
#define TOW_CSV_CODE_NUL         "nul_byte"
#define TOW_CSV_CODE_UTF8        "invalid_utf8"
#define TOW_CSV_CODE_FIELD_COUNT "field_count"

/* Bytes kept of a row that is longer than rows may be. */
#define TOW_CSV_RAW_MAX (64u << 10)

struct tow_csv_rejecter {
    const struct tow_host *host;
    const char *origin;
    int64_t count; /* rows reported, ever */
    int pause;     /* 1: the host wants the batch now; cleared by who hands it over */
};

/* Where a bad row stands and what it is. */
struct tow_csv_bad_row {
    const char *code;
    int64_t line, offset;
    const char *raw;
    size_t raw_length;
};

void tow_csv_reject(struct tow_csv_rejecter *rejecter, const struct tow_csv_bad_row *row,
                    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
