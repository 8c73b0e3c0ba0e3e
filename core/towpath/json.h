/*
 * towpath/json.h - walks over JSON text and hands out its parts as they stand, without a tree of
 * them, so that a number keeps all of its digits.
 *
 * The text must have passed tow_json_valid; no byte beyond it is read in any case.
 */
#ifndef TOWPATH_JSON_H
#define TOWPATH_JSON_H

#include <stddef.h>

#include "towpath/rowtext.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Part of the text: a value, or a key with its quotes. */
struct tow_json_part {
    const char *text;
    size_t length;
};

/* Where a walk stands; it ends of itself and holds nothing. */
struct tow_json_scan {
    const char *p, *end;
};

/* Starts on an object: 1, or 0 where the text is none. */
int tow_json_scan_object(struct tow_json_scan *scan, struct tow_json_part part);
/* The next member: 1, or 0 at the end. */
int tow_json_scan_member(struct tow_json_scan *scan, struct tow_json_part *key,
                         struct tow_json_part *value);

/* The same for an array. */
int tow_json_scan_array(struct tow_json_scan *scan, struct tow_json_part part);
int tow_json_scan_item(struct tow_json_scan *scan, struct tow_json_part *value);

/* 1 where the part is that text to the byte; a string or key with its quotes. */
int tow_json_part_is(struct tow_json_part part, const char *text);

/* Appends what a string (with its quotes) stands for. A lone surrogate, or what is no string, is
 * TOW_E_DATA. */
int tow_json_unescape(struct tow_buffer *out, struct tow_json_part string, struct tow_error *err);

#ifdef __cplusplus
}
#endif
#endif
