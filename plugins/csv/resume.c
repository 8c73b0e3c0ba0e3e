#include "plugins/csv/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "connectors/files/window.h"

/*
 * Text, so that a person can read it in the state file:
 *   csv 1 OFFSET LINE ROWS DONE CHECKSUM CHECKED\nPATH
 */
#define RESUME_FORMAT "csv 1 %" PRId64 " %" PRId64 " %" PRId64 " %d %" PRIu32 " %" PRIu32 "\n%s"

void tow_csv_resume_put(const struct tow_csv_resume *resume, struct tow_position *out)
{
    char text[TOW_POSITION_MAX + 1];
    int length =
        snprintf(text, sizeof text, RESUME_FORMAT, resume->offset, resume->line, resume->rows,
                 resume->is_done, resume->checksum, resume->checked, resume->path);

    out->length = (uint32_t)length;
    memcpy(out->bytes, text, (size_t)length);
}

/* Digits and the byte behind them; NULL where there is something else. */
static const char *resume_parse(const char *p, int64_t most, char behind, int64_t *out)
{
    const char *start = p;

    for (*out = 0; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *p - '0', out))
            return NULL;
    return p > start && *p == behind && *out <= most ? p + 1 : NULL;
}

/* The six numbers; NULL where they are not that. */
static const char *resume_parse_all(struct tow_csv_resume *resume, const char *p)
{
    static const char head[] = "csv 1 ";
    int64_t done = 0, checksum = 0, checked = 0;

    if (strncmp(p, head, sizeof head - 1) != 0)
        return NULL;
    p = resume_parse(p + sizeof head - 1, INT64_MAX, ' ', &resume->offset);
    p = p ? resume_parse(p, INT64_MAX, ' ', &resume->line) : NULL;
    p = p ? resume_parse(p, INT64_MAX, ' ', &resume->rows) : NULL;
    p = p ? resume_parse(p, 1, ' ', &done) : NULL;
    p = p ? resume_parse(p, UINT32_MAX, ' ', &checksum) : NULL;
    p = p ? resume_parse(p, TOW_WINDOW_HISTORY, '\n', &checked) : NULL;
    resume->is_done = (int)done;
    resume->checksum = (uint32_t)checksum;
    resume->checked = (uint32_t)checked;
    return p && checked <= resume->offset && resume->line > 0 ? p : NULL;
}

int tow_csv_resume_get(struct tow_csv_resume *resume, const struct tow_position *position,
                       struct tow_error *err)
{
    char text[TOW_POSITION_MAX + 1];
    const char *path;
    size_t length;

    if (position->length == 0)
        return TOW_END;
    length = position->length <= TOW_POSITION_MAX ? position->length : 0;
    memcpy(text, position->bytes, length);
    text[length] = '\0';
    path = resume_parse_all(resume, text);
    length -= path ? (size_t)(path - text) : length;
    if (length == 0 || length > TOW_CSV_PATH_MAX || strlen(path) != length)
        return tow_error_set(err, TOW_E_ENV,
                             "the saved position (%u bytes) is none of this plugin's",
                             position->length);
    memcpy(resume->path, path, length + 1);
    return TOW_OK;
}
