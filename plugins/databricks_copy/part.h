/*
 * The part under way: rows as text, compressed into a file without a name, so that neither memory
 * nor a crash leaves anything behind. One thread.
 */
#ifndef PLUGINS_DATABRICKS_COPY_PART_H
#define PLUGINS_DATABRICKS_COPY_PART_H

#include <stdint.h>

#include "towpath/arrow.h"
#include "towpath/error.h"

struct tow_copy_part_spec {
    const struct ArrowSchema *schema;
    int is_json;           /* else CSV */
    const char *null_text; /* of CSV */
    int level;             /* of gzip_writer.h */
    const char *spool;     /* folder for the file */
    int has_header;        /* of CSV: the columns' own names on top */
    int has_ordinal;       /* a column more: where each row stands in the load */
};

struct tow_copy_part;

/* The spec's strings are copied, its schema is, too. */
struct tow_copy_part *tow_copy_part_new(const struct tow_copy_part_spec *spec,
                                        struct tow_error *err);
void tow_copy_part_free(struct tow_copy_part *part);

/* Rows [first, first + count) of batch seq. After an error (TOW_E_ENV: disk full; TOW_E_NOMEM)
 * only free may follow: part of a row may be in the file. */
int tow_copy_part_add(struct tow_copy_part *part, const struct ArrowArray *array, uint64_t seq,
                      int64_t first, int64_t count, struct tow_error *err);
/* Completes the file; nothing can be added any more. Again: nothing to do. */
int tow_copy_part_seal(struct tow_copy_part *part, struct tow_error *err);
/* Begins the next part in the same file. */
int tow_copy_part_clear(struct tow_copy_part *part, struct tow_error *err);

int64_t tow_copy_part_rows(const struct tow_copy_part *part);
/* Text so far, before it is compressed. */
int64_t tow_copy_part_text(const struct tow_copy_part *part);
/* Compressed so far; all of it once sealed. */
int64_t tow_copy_part_bytes(const struct tow_copy_part *part);
int tow_copy_part_is_sealed(const struct tow_copy_part *part);
/* To read from, by offset. */
int tow_copy_part_fd(const struct tow_copy_part *part);

/* For `check`: whether such a file can be made there. */
int tow_copy_spool_check(const char *folder, struct tow_error *err);
/* The folder of the option, or where there is none, the system's for temporary files. */
const char *tow_copy_spool_folder(const char *option);

#endif
