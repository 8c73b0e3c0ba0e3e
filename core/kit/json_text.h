/*
 * The inside of JSON strings and JSON values on one line.
 *
 * `readable` is the end of the memory that holds the text, at or behind the text's own end: the
 * more there is, the wider the reads. Writers may store up to 32 bytes behind the end that they
 * return; TOW_BUFFER_SLACK covers it.
 */
#ifndef KIT_JSON_TEXT_H
#define KIT_JSON_TEXT_H

#include <stddef.h>

/* A byte becomes at most this many: \u00xx. */
#define TOW_JSON_EXPANSION 6

/* Text as it stands between the quotes of a JSON string; needs TOW_JSON_EXPANSION * length of
 * room. Well-formed UTF-8 stays as it is. Returns the end. */
char *tow_put_json_escaped(char *p, const char *text, size_t length, const char *readable);

/* A JSON value with its line ends, which can only stand between tokens, made spaces. Needs
 * `length` of room. */
char *tow_put_json_line(char *p, const char *text, size_t length, const char *readable);

#endif
