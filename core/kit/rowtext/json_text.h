/* JSON values on one line; the inside of JSON strings stands in towpath/value.h. */
#ifndef KIT_ROWTEXT_JSON_TEXT_H
#define KIT_ROWTEXT_JSON_TEXT_H

#include <stddef.h>

#include "towpath/value.h"

/* A JSON value with its line ends, which can only stand between tokens, made spaces. Needs
 * `length` of room, and stores up to 32 bytes behind its end, as
 * tow_put_json_escaped does; `readable` as there. */
char *tow_put_json_line(char *p, const char *text, size_t length, const char *readable);

#endif
