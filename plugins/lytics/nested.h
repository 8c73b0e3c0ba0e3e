/* What is nested in JSON values, and how it is made flat. */
#ifndef PLUGINS_LYTICS_NESTED_H
#define PLUGINS_LYTICS_NESTED_H

#include "towpath/json.h"

/* Nesting of a value that is looked into; one that is deeper goes as text. */
#define TOW_IMPORT_DEPTH 64

/* 1 where the text is JSON that stands in an upload as it is: arrays are of scalars. */
int tow_import_is_plain(const char *text, size_t length);
/* 1 where the text is a JSON array or object, or no JSON at all. */
int tow_import_is_nested(const char *text, size_t length);

/*
 * Appends `,"name":value` for a scalar and for an array of scalars, `,"name.key":value` for each
 * member of an object, down to any depth; an array that has another, or an object, in it as a
 * string that holds its text. omits_empty: no members that are null, or empty strings.
 */
int tow_import_flatten(struct tow_buffer *out, const char *name, struct tow_json_part value,
                       int omits_empty, struct tow_error *err);

#endif
