#include "plugins/csv/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Text, so that a person can read it in the state file:
 *   csv 1 OFFSET LINE ROWS DONE CHECKSUM CHECKED\nPATH
 */
#define RESUME_FORMAT "csv 1 %" PRId64 " %" PRId64 " %" PRId64 " %d %" PRIu32 " %" PRIu32 "\n%s"

void tow_csv_resume_put(const struct tow_csv_resume *resume, struct tow_position *out)
{
    char text[TOW_FILE_PLACE_MAX];
    int length =
        snprintf(text, sizeof text, RESUME_FORMAT, resume->at.offset, resume->line, resume->rows,
                 resume->is_done, resume->at.checksum, resume->at.checked, resume->path);

    out->length = (uint32_t)length;
    memcpy(out->bytes, text, (size_t)length);
}

/* The six numbers. */
static const char *resume_parse(void *context, const char *p)
{
    static const char head[] = "csv 1 ";
    struct tow_csv_resume *resume = context;
    int64_t done = 0;

    if (strncmp(p, head, sizeof head - 1) != 0)
        return NULL;
    p = tow_file_place_number(p + sizeof head - 1, INT64_MAX, ' ', &resume->at.offset);
    p = tow_file_place_number(p, INT64_MAX, ' ', &resume->line);
    p = tow_file_place_number(p, INT64_MAX, ' ', &resume->rows);
    p = tow_file_place_number(p, 1, ' ', &done);
    p = tow_file_place_check(p, &resume->at);
    resume->is_done = (int)done;
    return resume->line > 0 ? p : NULL;
}

int tow_csv_resume_get(struct tow_csv_resume *resume, const struct tow_position *position,
                       struct tow_error *err)
{
    if (position->length == 0)
        return TOW_END;
    return tow_file_place_get(position, resume_parse, resume, resume->path, TOW_CSV_PATH_MAX, err);
}
