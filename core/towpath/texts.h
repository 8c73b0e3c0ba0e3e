/*
 * towpath/texts.h - many texts of one column to values at once, for sources that make typed
 * batches.
 *
 * Part of libtowpath-kit. What is a value, and which one, is what the single parsers of
 * towpath/value.h say, with the bounds of the type; only the speed is another.
 */
#ifndef TOWPATH_TEXTS_H
#define TOWPATH_TEXTS_H

#include <stdint.h>

#include "towpath/batch.h"
#include "towpath/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TOW_TEXTS_MAX 64
/* Bytes that are readable in front of the first text and behind the last, whatever is there. */
#define TOW_TEXTS_SLACK 64

struct tow_texts {
    const char *base;              /* borrowed, like the texts */
    uint32_t count;                /* of rows, TOW_TEXTS_MAX at most */
    uint64_t null;                 /* bit i: row i is null; its length is 0 */
    uint32_t start[TOW_TEXTS_MAX]; /* of each text, from base */
    uint32_t length[TOW_TEXTS_MAX];
};

struct tow_texts_converter;

/* Fills `out` with the values: those of the type's buffer, TOW_TEXTS_MAX of them may be written
 * whatever the count; of bool one word of bits. Returns the rows that are no value of the type, as
 * bits; what those and null rows get does not matter. */
typedef uint64_t tow_texts_convert(const struct tow_texts_converter *converter,
                                   const struct tow_texts *texts, void *out);

struct tow_texts_converter {
    tow_texts_convert *convert;
    struct tow_type type;
    const char *format; /* borrowed */
};

/*
 * `format` is what towpath/value.h's tow_parse_time_format takes, for dates and timestamps; NULL:
 * RFC 3339. A timestamp_ntz takes no zone, a date no time of day but midnight. 0 where the
 * combination is not known here: string, binary, json, and other formats.
 *
 * `level`: "scalar", "avx2", "avx512"; NULL: the fastest that this processor can run. 0 for others,
 * and where the processor lacks it.
 */
int tow_texts_converter_init(struct tow_texts_converter *converter, struct tow_type type,
                             const char *format, const char *level);

#ifdef __cplusplus
}
#endif
#endif
