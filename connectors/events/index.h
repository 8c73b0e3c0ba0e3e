/*
 * Where the parts of a JSON text begin: a pass over its bytes, 64 at a time, that knows strings and
 * escapes and nothing of grammar.
 *
 * A part is a bracket, a colon, a comma, the opening quote of a string, or the first byte of
 * anything else that is not white space. Two parts with nothing but white space between them are
 * two positions; so `"a"b` is two parts, and `a"b"` is one.
 */
#ifndef CONNECTORS_EVENTS_INDEX_H
#define CONNECTORS_EVENTS_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

/* Bytes that are looked at at once. */
#define TOW_JSON_INDEX_BYTES 4096u
/* Bytes behind the text that may be read. */
#define TOW_JSON_INDEX_SLACK 64u

struct tow_json_index {
    const char *text;
    size_t length;
    size_t next;        /* first byte that was not looked at */
    uint64_t in_string; /* all ones: that byte is inside a string */
    uint64_t escaped;   /* 1: behind a backslash that escapes it */
    uint64_t in_scalar; /* 1: behind a byte of a part that is neither bracket nor string */
    uint64_t high;      /* not 0: bytes above 127 were met */
    uint64_t backslash; /* not 0: backslashes were met */
    uint64_t control;   /* not 0: bytes below 0x20 were met in a string */
    uint32_t count;
    uint32_t at[TOW_JSON_INDEX_BYTES + 64]; /* count positions from the start of text */
};

/* Begins with a text of less than 4 GiB, behind which TOW_JSON_INDEX_SLACK bytes can be read. */
void tow_json_index_begin(struct tow_json_index *index, const char *text, size_t length);

/* The next positions, in place of those before, until some were found or the text ends: 0 there. */
typedef int tow_json_index_more(struct tow_json_index *index);

/* The fastest variant for this processor, or where `name` is not NULL, that one: "scalar", "sse2"
 * or "avx2". NULL: there is no such name (TOW_E_CONFIG), or this processor cannot run it
 * (TOW_E_UNSUPPORTED). */
tow_json_index_more *tow_json_index_choose(const char *name, struct tow_error *err);

#endif
