/*
 * The reject store: one file of JSON lines a run, readable by people and by `towpath replay`.
 *
 * First line: {"towpath_rejects":1,"job":"...","run":7,"columns":[{"name":"a","type":"string"}]}
 * with the source's columns. Then a line a row:
 * {"code":"bad_int32","message":"...","stage":"source|columns|sink","origin":"in.csv","line":12,
 *  "row":{...}} with the source's row, or "raw":"..." (and "offset") where the source could not
 * make a row of it. The file counts only up to the length that the state says; what lies behind
 * was written by a run that died before its checkpoint.
 */
#ifndef CORE_STATE_REJECTS_H
#define CORE_STATE_REJECTS_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/batch.h"
#include "towpath/rowtext.h"

/* Appends lines to a run's file. The file appears with the first line. One thread at a time. */
struct tow_rejects;

/* Keeps what it needs of the strings and the schema. */
struct tow_rejects *tow_rejects_new(const char *path, const char *job, int64_t run,
                                    const struct ArrowSchema *schema, struct tow_error *err);
/* Closes without syncing. */
void tow_rejects_free(struct tow_rejects *rejects);
/* Lines made by the functions below, whole, each with "\n". */
int tow_rejects_write(struct tow_rejects *rejects, const char *lines, size_t length,
                      struct tow_error *err);
/* Makes all that was written durable; *length is then the file's valid length (0: no file). */
int tow_rejects_sync(struct tow_rejects *rejects, int64_t *length, struct tow_error *err);

/* One line for a row that has columns. `writer` is a JSON writer of the source's schema that omits
 * nulls: in a line, a column that is missing has no value, and a null in a json column is the JSON
 * value null. Where it fails, `out` is as before. */
struct tow_reject_row {
    const char *code, *message, *stage;
    const char *origin; /* NULL: none */
    int64_t line;       /* 0: none */
    int64_t row;        /* of array */
    const struct ArrowArray *array;
};
int tow_reject_line(struct tow_buffer *out, struct tow_json_writer *writer,
                    const struct tow_reject_row *reject, struct tow_error *err);
/* One line for a row that the source could not read; raw text is kept up to 64 KiB, then cut with
 * "raw_truncated":true. */
int tow_reject_raw_line(struct tow_buffer *out, const struct tow_source_reject *reject,
                        struct tow_error *err);

/* Reading a file back, a line at a time, up to `valid` bytes; memory is bounded by the longest
 * line (64 MiB at most). */
struct tow_reject_reader;
struct tow_reject_reader *tow_reject_reader_new(const char *path, int64_t valid,
                                                struct tow_error *err);
void tow_reject_reader_free(struct tow_reject_reader *reader);
/* The columns of the header line. Borrowed. */
const struct ArrowSchema *tow_reject_reader_schema(const struct tow_reject_reader *reader);
/* The next line without its end, borrowed until the next call: TOW_OK or TOW_END. */
int tow_reject_reader_next(struct tow_reject_reader *reader, const char **line, size_t *length,
                           struct tow_error *err);
/* Parses a line into the open row of a builder over the header's columns, which the caller ends:
 * TOW_OK; TOW_END where the line has only raw text (the row is left out). Values come back as they
 * were. A damaged line is TOW_E_DATA, and the builder's row is cancelled; the next line may be
 * sound. One thread at a time. */
int tow_reject_parse(const struct tow_reject_reader *reader, const char *line, size_t length,
                     struct tow_builder *builder, struct tow_error *err);

#endif
