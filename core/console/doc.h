/*
 * A JSON document on its way out, for --json: a call writes one value, commas and line ends come
 * by themselves. One member or item a line.
 */
#ifndef CORE_CONSOLE_DOC_H
#define CORE_CONSOLE_DOC_H

#include <stdint.h>
#include <stdio.h>

#include "towpath/rowtext.h"

struct tow_doc {
    FILE *to;
    int depth;
    int begun;  /* the container at hand has a value */
    int failed; /* memory ran out */
    struct tow_buffer scratch;
};

/* `key` is NULL for the outermost value and in arrays. bracket: '{' or '['. */
void tow_doc_open(struct tow_doc *doc, const char *key, char bracket);
/* bracket: '}' or ']'. Closing the outermost ends the line. */
void tow_doc_close(struct tow_doc *doc, char bracket);
/* NULL writes null. Bytes that are not UTF-8 become U+FFFD. */
void tow_doc_text(struct tow_doc *doc, const char *key, const char *text);
void tow_doc_int(struct tow_doc *doc, const char *key, int64_t value);
/* The same for numbers from 1 on (ids, limits); 0 writes null. */
void tow_doc_nonzero(struct tow_doc *doc, const char *key, int64_t value);
void tow_doc_real(struct tow_doc *doc, const char *key, double value);
void tow_doc_bool(struct tow_doc *doc, const char *key, int value);
/* Microseconds since 1970 as RFC 3339 text in UTC; 0 writes null. */
void tow_doc_time(struct tow_doc *doc, const char *key, int64_t us);
/* Text that is JSON already. */
void tow_doc_raw(struct tow_doc *doc, const char *key, const char *json, size_t length);
/* Frees the scratch: TOW_OK, or TOW_E_NOMEM where the document is not whole. */
int tow_doc_end(struct tow_doc *doc, struct tow_error *err);

#endif
