/*
 * towpath/rowtext.h - rows as CSV or JSON text, straight from the buffers of a batch.
 *
 * Part of libtowpath-kit. The file sink, the reject store and every plugin with a text body write
 * through these. Functions return TOW_OK or TOW_E_NOMEM, unless a comment says more, and append:
 * what a buffer holds already stays, also where they fail. A writer is used by one thread at a
 * time; batches have passed tow_array_validate.
 */
#ifndef TOWPATH_ROWTEXT_H
#define TOWPATH_ROWTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/arrow.h"
#include "towpath/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A growing run of bytes. Zero-initialized is empty and valid. */
struct tow_buffer {
    char *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes that may be written; 64 more lie behind for wide stores */
};

void tow_buffer_release(struct tow_buffer *buffer);
/* Makes room for `extra` bytes behind the used ones; `data` may move. */
int tow_buffer_reserve(struct tow_buffer *buffer, size_t extra, struct tow_error *err);
int tow_buffer_append(struct tow_buffer *buffer, const void *bytes, size_t length,
                      struct tow_error *err);
int tow_buffer_printf(struct tow_buffer *buffer, struct tow_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Appends text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
int tow_buffer_json_string(struct tow_buffer *buffer, const char *text, size_t length,
                           struct tow_error *err);

/*
 * CSV as RFC 4180 has it: a field is quoted where it holds the delimiter, a quote, CR or LF, or
 * where it is empty but not null; quotes inside are doubled. Null is `null_text`, by default
 * nothing; a value equal to a non-empty null_text is quoted, so that the two stay apart.
 * Timestamps are RFC 3339, with Z where they are UTC; decimals have all digits of their scale;
 * binary is base64.
 */
struct tow_csv_format {
    const char *delimiter; /* 1 to 4 bytes; NULL: "," */
    const char *null_text; /* NULL: "" */
    const char *line_end;  /* NULL: "\n" */
    int quote_all;         /* 1: every value that is not null is quoted; or TOW_CSV_QUOTE_TEXT */
};
/* Every value of string, binary and json columns that is not null; others where they need it. */
#define TOW_CSV_QUOTE_TEXT 2

struct tow_csv_writer;
/* Keeps what it needs of schema and format. NULL: TOW_E_CONFIG for a format that could not be read
 * back (a delimiter or null_text with a quote or a line end in it, a null_text with the delimiter
 * or beyond 255 bytes), or TOW_E_NOMEM. */
struct tow_csv_writer *tow_csv_writer_new(const struct ArrowSchema *schema,
                                          const struct tow_csv_format *format,
                                          struct tow_error *err);
void tow_csv_writer_free(struct tow_csv_writer *writer);
/* The line of column names. */
int tow_csv_writer_header(struct tow_csv_writer *writer, struct tow_buffer *out,
                          struct tow_error *err);
/* Rows [first, first + count) of a batch of that schema. */
int tow_csv_writer_rows(struct tow_csv_writer *writer, const struct ArrowArray *array,
                        int64_t first, int64_t count, struct tow_buffer *out,
                        struct tow_error *err);

/*
 * One JSON object a line. Numbers are bare with all their digits; NaN and the infinities, which
 * JSON lacks, are the strings "NaN", "Infinity", "-Infinity"; dates and timestamps are strings;
 * binary is base64; json columns stand as they are, with line ends between tokens made spaces.
 */
struct tow_json_writer;
#define TOW_JSON_OMIT_NULLS 1 /* null members are left out; otherwise they are null */
/* Every value is a string with the text that CSV has for it, json columns included: for readers
 * that would take digits off numbers. */
#define TOW_JSON_STRINGS 2
/* A string, binary or json without a byte is written as a null is. */
#define TOW_JSON_OMIT_EMPTY 4
struct tow_json_writer *tow_json_writer_new(const struct ArrowSchema *schema, int flags,
                                            struct tow_error *err);
void tow_json_writer_free(struct tow_json_writer *writer);
/* Each row with "\n" behind it. */
int tow_json_writer_rows(struct tow_json_writer *writer, const struct ArrowArray *array,
                         int64_t first, int64_t count, struct tow_buffer *out,
                         struct tow_error *err);
/* One row without the "\n", for use inside another object. */
int tow_json_writer_object(struct tow_json_writer *writer, const struct ArrowArray *array,
                           int64_t row, struct tow_buffer *out, struct tow_error *err);

#ifdef __cplusplus
}
#endif
#endif
