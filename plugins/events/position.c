#include "plugins/events/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "connectors/files/window.h"

/*
 * Text, so that a person can read it in the state file:
 *   events 1 PLACE OFFSET LINE TAKEN CHECKSUM CHECKED\nPATH
 */
#define POSITION_FORMAT \
    "events 1 %c %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu32 " %" PRIu32 "\n%s"

static const char position_places[] = {
    [TOW_EVENTS_NOWHERE] = '-',
    [TOW_EVENTS_IN_FILE] = 'f',
    [TOW_EVENTS_FILE_DONE] = 'd',
    [TOW_EVENTS_LOAD_DONE] = 'e',
};

void tow_events_position_put(const struct tow_events_position *position, struct tow_position *out)
{
    char text[TOW_POSITION_MAX + 1];
    int length;

    out->length = 0;
    if (position->place == TOW_EVENTS_NOWHERE)
        return;
    length = snprintf(text, sizeof text, POSITION_FORMAT, position_places[position->place],
                      position->offset, position->line, position->taken, position->checksum,
                      position->checked, position->path);
    out->length = (uint32_t)length;
    memcpy(out->bytes, text, (size_t)length);
}

/* Digits and the byte behind them; NULL where there is something else. */
static const char *position_number(const char *p, int64_t most, char behind, int64_t *out)
{
    const char *start = p;

    for (*out = 0; p && *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *p - '0', out))
            return NULL;
    return p && p > start && *p == behind && *out <= most ? p + 1 : NULL;
}

/* All but the path; NULL where that is not what it is. */
static const char *position_parse(struct tow_events_position *position, const char *p)
{
    static const char head[] = "events 1 ";
    int64_t checksum = 0, checked = 0;
    const char *place;

    if (strncmp(p, head, sizeof head - 1) != 0)
        return NULL;
    p += sizeof head - 1;
    place = memchr(position_places + TOW_EVENTS_IN_FILE, *p, sizeof position_places - 1);
    if (!place || p[1] != ' ')
        return NULL;
    position->place = (enum tow_events_place)(place - position_places);
    p = position_number(p + 2, INT64_MAX, ' ', &position->offset);
    p = position_number(p, INT64_MAX, ' ', &position->line);
    p = position_number(p, INT64_MAX, ' ', &position->taken);
    p = position_number(p, UINT32_MAX, ' ', &checksum);
    p = position_number(p, TOW_WINDOW_HISTORY, '\n', &checked);
    position->checksum = (uint32_t)checksum;
    position->checked = (uint32_t)checked;
    return p && checked <= position->offset && position->line > 0 ? p : NULL;
}

int tow_events_position_get(struct tow_events_position *position, const struct tow_position *from,
                            struct tow_error *err)
{
    char text[TOW_POSITION_MAX + 1];
    const char *path;
    size_t length;

    *position = (struct tow_events_position){.place = TOW_EVENTS_NOWHERE};
    if (from->length == 0)
        return TOW_OK;
    length = from->length <= TOW_POSITION_MAX ? from->length : 0;
    memcpy(text, from->bytes, length);
    text[length] = '\0';
    path = position_parse(position, text);
    length -= path ? (size_t)(path - text) : length;
    if (length == 0 || length > TOW_EVENTS_PATH_MAX || strlen(path) != length)
        return tow_error_set(
            err, TOW_E_ENV, "the saved position (%u bytes) is none of this plugin's", from->length);
    memcpy(position->path, path, length + 1);
    return TOW_OK;
}
