/*
 * The text of a job file with its includes put in, for libconfig to read; and the way back from a
 * line of that text to a line of a file.
 *
 * Reading looks at each word, since libconfig 1.5 is silent about what it cannot hold: integers
 * without `L` that do not fit 32 bits, NUL in strings, values beyond a double. It also names the
 * place of what libconfig would report at the end of the text: strings, comments and brackets
 * that are never closed. Each file closes what it opens.
 *
 * `@include "file"` stands at the start of a line; the path is relative to the including file.
 */
#ifndef CORE_CONFIG_SOURCE_SOURCE_TEXT_H
#define CORE_CONFIG_SOURCE_SOURCE_TEXT_H

#include "config/diag.h"
#include "config/pool.h"
#include "config/text.h"
#include "towpath/error.h"

/* Limits of one job file with all that it includes. */
#define TOW_SOURCE_BYTES_MAX   (4u << 20)
#define TOW_SOURCE_FILES_MAX   256
#define TOW_SOURCE_INCLUDE_MAX 10 /* includes within includes */

/* Lines from first_line of the text on are those of `file` from `line` on. */
struct tow_source_part {
    int first_line;
    const char *file;
    int line;
};

struct tow_source {
    struct tow_text text;
    struct tow_source_part *parts;
    size_t part_count, part_capacity;
    int unreadable; /* findings were made that leave nothing to parse */
    int incomplete; /* an include is missing */
};

/* A place in a file, for messages. */
struct tow_place {
    const char *file;
    int line;
};

/*
 * Reads `path`, the name that findings show and that is opened. Names of files go to `names`, and
 * places point there. Findings go to diags; other than TOW_OK only where memory ran out.
 */
int tow_source_read(struct tow_source *source, const char *path, struct tow_pool *names,
                    struct tow_diags *diags, struct tow_error *err);
/* The same with the text of `copy`, a regular file, in the place of that of `path`. Lines are those
 * of the copy. */
int tow_source_read_copy(struct tow_source *source, const char *path, const char *copy,
                         struct tow_pool *names, struct tow_diags *diags, struct tow_error *err);
void tow_source_release(struct tow_source *source);

/* Where a line of the text stands, counted from 1. */
struct tow_place tow_source_place(const struct tow_source *source, int line);

#endif
