/*
 * A file that readers see whole or not at all: it is written under a hidden name in its folder and
 * renamed when it is complete (hidden.h). What is durable of it can be continued by a later
 * process.
 *
 * A file that is replaced passes its permissions on (its owner can write in any case); other files
 * are made with 0666 less the umask.
 * Whatever else stands under the name (a folder, a link, a device) is refused. "-" is standard
 * output: written through, with nothing to publish or to continue.
 *
 * Pieces are handed to the system as they come, so make them large. The process must ignore
 * SIGPIPE and SIGXFSZ. One thread at a time. The caller keeps two loads apart: output_lock.h.
 */
#ifndef CONNECTORS_FILES_OUTPUT_H
#define CONNECTORS_FILES_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/files/gzip_writer.h"
#include "towpath/error.h"
#include "towpath/rowtext.h"

#define TOW_OUTPUT_STDOUT "-"

struct tow_output_spec {
    const char *path; /* of the finished file; copied */
    int gzip;         /* 1: compressed; an empty file is an empty gzip member */
    int level;        /* of gzip_writer.h */
    int use_helpers;  /* 1: other threads may compress, too */
    int cancel_fd;    /* readable: stop waiting for a slow reader of standard output; -1: none */
};

struct tow_output;

/* Begins anew; a hidden file that was left behind is replaced. */
struct tow_output *tow_output_create(const struct tow_output_spec *spec, struct tow_error *err);

/* Goes on with the hidden file at `length`, as a sync told it; what lies behind is cut off.
 * TOW_E_ENV where it is missing or shorter. */
struct tow_output *tow_output_continue(const struct tow_output_spec *spec, uint64_t length,
                                       struct tow_error *err);

/*
 * After any error (TOW_E_ENV: full disk, quota, closed pipe; TOW_E_CANCELLED) part of the bytes may
 * be in the file: only close may follow, and continue at the length of the last good sync.
 */
int tow_output_write(struct tow_output *output, const void *bytes, size_t length,
                     struct tow_error *err);

/* The same for all that is in `text`, which is empty then; its memory may be another. */
int tow_output_take(struct tow_output *output, struct tow_buffer *text, struct tow_error *err);

/* Makes all that was written durable, a gzip stream with its member ended, so that the file can be
 * cut at *length and is whole. */
int tow_output_sync(struct tow_output *output, uint64_t *length, struct tow_error *err);

/* Leaves the hidden file as it is. NULL is taken. */
void tow_output_close(struct tow_output *output);

#endif
