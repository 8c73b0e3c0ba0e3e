/*
 * JSON text into jansson's values. Not by json_loadb: where an allocation fails in the middle of a
 * string it goes on without that byte, and where another one fails it blames the text's syntax
 * (seen in 2.14).
 */
#ifndef CONNECTORS_HTTP_JSON_LOAD_H
#define CONNECTORS_HTTP_JSON_LOAD_H

#include <jansson.h>
#include <stddef.h>

#include "towpath/error.h"

#define TOW_JSON_LOAD_DEPTH 512 /* arrays and objects in each other */

/*
 * flags are those of json_loadb: JSON_DECODE_ANY, JSON_REJECT_DUPLICATES, JSON_ALLOW_NUL. *value is
 * the caller's, NULL on failure: TOW_E_NOMEM, or TOW_E_DATA, whose message says what is wrong with
 * the text.
 */
int tow_json_load(const char *text, size_t length, size_t flags, json_t **value,
                  struct tow_error *err);

#endif
