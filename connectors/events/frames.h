/*
 * Where records begin and end in a file: lines of NDJSON, the values of one JSON array, or rows of
 * CSV; none of these files is ever held as a whole.
 *
 * A line ends with LF; lines of white space are no records. Of an array only brackets and strings
 * are looked at here: what stands in its values is for who reads them. Where an array itself is
 * damaged (no comma, text behind its end), what follows cannot be told apart: that is TOW_E_ENV.
 * Of CSV, a row that is malformed ends with the line that its fault stands on.
 */
#ifndef CONNECTORS_EVENTS_FRAMES_H
#define CONNECTORS_EVENTS_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/csv/dialect.h"
#include "connectors/files/window.h"
#include "towpath/error.h"
#include "towpath/rowtext.h"

/* Bytes that are kept of a record that is too long. */
#define TOW_FRAME_RAW_MAX (64u << 10)

#define TOW_FRAMES_LINES 0
#define TOW_FRAMES_ARRAY 1
#define TOW_FRAMES_TABLE 2

struct tow_frame {
    const char *text;     /* good until the next call for a frame */
    size_t length;        /* without a line end */
    int64_t line, offset; /* where it begins: 1-based, and in the uncompressed file */
    /* NULL, or why it is no record: "row_too_long", then text is its first bytes only; of CSV also
     * "bad_quote" and "unclosed_quote". */
    const char *fault;
};

struct tow_frames {
    /* Set by tow_frames_begin. */
    struct tow_window *window;             /* borrowed */
    const char *path;                      /* borrowed; for messages */
    size_t row_bytes;                      /* longest record, with its line end */
    int kind;                              /* TOW_FRAMES_... */
    const struct tow_csv_dialect *dialect; /* of TOW_FRAMES_TABLE; borrowed */
    int is_tail; /* 1: a last line without its end is left where it is: it may grow */

    /* Behind the last record that was taken: where a later reading may begin. */
    int64_t offset, line;

    /* The reader's own. */
    int64_t here;    /* line of window->start */
    size_t searched; /* bytes behind window->start that hold no end */
    size_t length;   /* of the record at hand and its end; 0: none */
    int place;       /* in an array: what comes next */
    unsigned depth;  /* of the value being looked through */
    int in_string, is_escaped;
    const char *fault; /* of the record at hand */
    int is_discarding; /* it is too long */
    int is_discarded;  /* and its end was found */
    int64_t long_offset, long_line;
    struct tow_buffer raw; /* its first bytes */
};

/* Begins at window->start, which lies on `line`, and in an array behind a value unless it is the
 * beginning of the file, or of what is behind its byte order mark. Zero-initialized before the
 * first time; TOW_E_NOMEM. */
int tow_frames_begin(struct tow_frames *frames, struct tow_window *window, int64_t line,
                     struct tow_error *err);
void tow_frames_release(struct tow_frames *frames);

/* The next record; the same again until tow_frames_take. TOW_END where there is none. */
int tow_frames_next(struct tow_frames *frames, struct tow_frame *frame, struct tow_error *err);
/* Goes on behind it. */
void tow_frames_take(struct tow_frames *frames);

#endif
