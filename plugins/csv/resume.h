/*
 * Positions: where in which file a load stands.
 *
 * A later run reads the files whose paths sort after that one, and that one from the offset on. A
 * file that appears with an earlier path in the meantime is left to the next load.
 */
#ifndef PLUGINS_CSV_RESUME_H
#define PLUGINS_CSV_RESUME_H

#include <stddef.h>
#include <stdint.h>

#include "plugins/shared/file_place.h"
#include "towpath/error.h"
#include "towpath/plugin.h"

/* Longest path that a position can hold. */
#define TOW_CSV_PATH_MAX 3900

struct tow_csv_resume {
    struct tow_file_place at;
    int64_t line; /* that the next row stands on */
    int64_t rows; /* of the file, handed out before */
    int is_done;  /* 1: the file has been read to its end */
    char path[TOW_CSV_PATH_MAX + 1];
};

/* path fits: the caller has seen to that. */
void tow_csv_resume_put(const struct tow_csv_resume *resume, struct tow_position *out);

/* TOW_END where the position is empty; TOW_E_ENV where it is none of this plugin's. */
int tow_csv_resume_get(struct tow_csv_resume *resume, const struct tow_position *position,
                       struct tow_error *err);

#endif
