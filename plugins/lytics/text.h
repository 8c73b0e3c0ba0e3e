/*
 * Rows as the text of an upload: lines of CSV, or JSON objects with a comma behind each.
 *
 * What the far end cannot take as it is goes otherwise: binary as base64 or hex; an array that has
 * an array or object in it, which is no JSON for Lytics (API: data upload), as the text that it
 * has.
 */
#ifndef PLUGINS_LYTICS_TEXT_H
#define PLUGINS_LYTICS_TEXT_H

#include "towpath/batch.h"
#include "towpath/rowtext.h"

/* Indexes of the options' choices. */
enum { TOW_IMPORT_CSV, TOW_IMPORT_JSON };
enum { TOW_IMPORT_NESTED_JSON, TOW_IMPORT_NESTED_FLATTEN, TOW_IMPORT_NESTED_FAIL };
enum { TOW_IMPORT_BASE64, TOW_IMPORT_HEX };

struct tow_import_text_spec {
    int format;
    int nested; /* of json columns */
    int binary;
    int omits_empty; /* JSON: no members that are null, or texts without a byte */
};

struct tow_import_text;

struct tow_import_text *tow_import_text_new(const struct ArrowSchema *schema,
                                            const struct tow_import_text_spec *spec,
                                            struct tow_error *err);
void tow_import_text_free(struct tow_import_text *text);

/* Starts on a batch, which is borrowed until the next one. */
int tow_import_text_batch(struct tow_import_text *text, const struct ArrowArray *array,
                          struct tow_error *err);

/* What stands before the rows: the line of names, or a bracket. */
int tow_import_text_head(struct tow_import_text *text, struct tow_buffer *out,
                         struct tow_error *err);
/* Rows [first, first + count) of the batch, each with a line end or comma behind it. */
int tow_import_text_rows(struct tow_import_text *text, int64_t first, int64_t count,
                         struct tow_buffer *out, struct tow_error *err);
/* Ends what has a row at least: the last comma becomes a bracket. */
void tow_import_text_end(const struct tow_import_text *text, struct tow_buffer *out);

/* Of nested = "fail": the first row of [first, end) that has a nested value, and its column; end
 * where there is none. */
int64_t tow_import_text_nested(const struct tow_import_text *text, int64_t first, int64_t end,
                               int64_t *column);

#endif
