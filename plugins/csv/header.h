/* Column names: from the job, or from the first line of a file. */
#ifndef PLUGINS_CSV_HEADER_H
#define PLUGINS_CSV_HEADER_H

#include <stddef.h>

#include "towpath/batch.h"
#include "towpath/error.h"
#include "towpath/plugin.h"

struct tow_csv_name {
    char *text;
    size_t position; /* field that it names, from 0 */
};

/* Zero-initialized is empty and valid. */
struct tow_csv_header {
    struct tow_csv_name *names;  /* by position */
    struct tow_csv_name *sorted; /* by text; the texts belong to names */
    size_t count;
};

void tow_csv_header_release(struct tow_csv_header *header);

/* Makes room for `count` names, which tow_csv_header_set then gives; text is copied. */
int tow_csv_header_init(struct tow_csv_header *header, size_t count, struct tow_error *err);
int tow_csv_header_set(struct tow_csv_header *header, size_t position, const char *text,
                       size_t length, struct tow_error *err);
int tow_csv_header_set_all(struct tow_csv_header *header, struct tow_strings names,
                           struct tow_error *err);

/* All names are given: refuses empty and doubled ones (TOW_E_CONFIG). `where` names the place in
 * the message: a file, or "columns". */
int tow_csv_header_finish(struct tow_csv_header *header, const char *where, struct tow_error *err);

/*
 * Fills fields[c] with the position, in the file, of the job's column c. The file has to have the
 * same names, in any order; others and missing ones are TOW_E_ENV, with the file and the names.
 */
int tow_csv_header_match(const struct tow_csv_header *job, const struct tow_csv_header *file,
                         const char *path, size_t *fields, struct tow_error *err);

/* The columns as the kit wants them: nullable strings, whose names belong to the header. Heap;
 * NULL: out of memory. */
struct tow_field *tow_csv_header_fields(const struct tow_csv_header *header);

#endif
