#include "plugins/shared/file_place.h"

#include <inttypes.h>
#include <string.h>

const char *tow_file_place_number(const char *p, int64_t most, char behind, int64_t *out)
{
    const char *start = p;

    for (*out = 0; p && *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *p - '0', out))
            return NULL;
    return p && p > start && *p == behind && *out <= most ? p + 1 : NULL;
}

const char *tow_file_place_check(const char *p, struct tow_file_place *place)
{
    int64_t checksum = 0, checked = 0;

    p = tow_file_place_number(p, UINT32_MAX, ' ', &checksum);
    p = tow_file_place_number(p, TOW_WINDOW_HISTORY, '\n', &checked);
    place->checksum = (uint32_t)checksum;
    place->checked = (uint32_t)checked;
    return checked <= place->offset ? p : NULL;
}

int tow_file_place_get(const struct tow_position *position,
                       const char *(*parse)(void *context, const char *text), void *context,
                       char *path, size_t path_max, struct tow_error *err)
{
    char text[TOW_FILE_PLACE_MAX];
    size_t length = position->length <= TOW_POSITION_MAX ? position->length : 0;
    const char *rest;

    memcpy(text, position->bytes, length);
    text[length] = '\0';
    rest = parse(context, text);
    length -= rest ? (size_t)(rest - text) : length;
    if (length == 0 || length > path_max || strlen(rest) != length)
        return tow_error_set(err, TOW_E_ENV,
                             "the saved position (%u bytes) is none of this plugin's",
                             position->length);
    memcpy(path, rest, length + 1);
    return TOW_OK;
}

int tow_file_place_go(struct tow_window *window, const struct tow_file_place *place,
                      const char *path, const struct tow_host *host, struct tow_error *err)
{
    int is_there = place->offset >= tow_window_offset(window);

    if (is_there) {
        int code = tow_window_skip_to(window, place->offset, err);

        if (code != TOW_OK)
            return code;
        is_there = tow_window_history(window) >= place->checked &&
                   tow_window_checksum(window, place->checked) == place->checksum;
    }
    if (is_there)
        return TOW_OK;
    return tow_error_set(err, TOW_E_ENV,
                         "%s changed before the point where the last run stopped, offset %" PRId64
                         ": bring the old content back, or start anew with `towpath state reset "
                         "%s`",
                         path, place->offset, host->job);
}
