/*
 * Findings about a job file, collected so that a user sees all of them in one go.
 */
#ifndef CORE_CONFIG_DIAG_H
#define CORE_CONFIG_DIAG_H

#include <stddef.h>
#include <stdio.h>

#include "towpath/error.h"

enum tow_severity { TOW_DIAG_WARNING, TOW_DIAG_ERROR };

struct tow_diag {
    enum tow_severity severity;
    char *file; /* NULL where the finding belongs to no file */
    int line;   /* 0 where it belongs to no line */
    char *text; /* what, value seen, nearest name; never a secret */
};

/* Zero-initialized is empty and valid. */
struct tow_diags {
    struct tow_diag *items; /* in order of file and line, those without first */
    size_t count, capacity;
    size_t errors, warnings;
    size_t outside; /* of the errors, those that the job file is not to blame for: a missing input,
                       a permission, a full disk */
    int incomplete; /* 1: memory ran out and findings are missing; counts as an error */
};

/* A finding that is there already is not added again. Control characters are shown as '?'. */
void tow_diags_add(struct tow_diags *diags, enum tow_severity severity, const char *file, int line,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));
/* An error that a call returned: TOW_E_ENV is outside of the job file, and where memory ran out, that
 * is no finding about the file, but one that is missing. */
void tow_diags_found(struct tow_diags *diags, const char *file, int line,
                     const struct tow_error *found);
/* One line each, in order of file and line: "jobs/a.cfg:12: error: text". */
void tow_diags_print(struct tow_diags *diags, FILE *to);
void tow_diags_release(struct tow_diags *diags);
/* Where one error must stand for all: sets TOW_E_CONFIG with the first, and says if there are more.
 * TOW_OK where there is none. */
int tow_diags_error(const struct tow_diags *diags, struct tow_error *err);

/*
 * The name among `names` (NULL-terminated) that a user most likely meant: smallest edit distance
 * with transpositions, at most a third of the longer one's length; NULL where none is near. Case,
 * and '-' for '_', do not count. Names of more than 64 bytes are near to none.
 */
const char *tow_nearest(const char *name, const char *const *names);

#endif
