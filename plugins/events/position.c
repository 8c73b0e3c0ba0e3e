#include "plugins/events/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
    char text[TOW_FILE_PLACE_MAX];
    int length;

    out->length = 0;
    if (position->place == TOW_EVENTS_NOWHERE)
        return;
    length = snprintf(text, sizeof text, POSITION_FORMAT, position_places[position->place],
                      position->at.offset, position->line, position->taken, position->at.checksum,
                      position->at.checked, position->path);
    out->length = (uint32_t)length;
    memcpy(out->bytes, text, (size_t)length);
}

/* All but the path. */
static const char *position_parse(void *context, const char *p)
{
    static const char head[] = "events 1 ";
    struct tow_events_position *position = context;
    const char *place;

    if (strncmp(p, head, sizeof head - 1) != 0)
        return NULL;
    p += sizeof head - 1;
    place = memchr(position_places + TOW_EVENTS_IN_FILE, *p, sizeof position_places - 1);
    if (!place || p[1] != ' ')
        return NULL;
    position->place = (enum tow_events_place)(place - position_places);
    p = tow_file_place_number(p + 2, INT64_MAX, ' ', &position->at.offset);
    p = tow_file_place_number(p, INT64_MAX, ' ', &position->line);
    p = tow_file_place_number(p, INT64_MAX, ' ', &position->taken);
    p = tow_file_place_check(p, &position->at);
    return position->line > 0 ? p : NULL;
}

int tow_events_position_get(struct tow_events_position *position, const struct tow_position *from,
                            struct tow_error *err)
{
    *position = (struct tow_events_position){.place = TOW_EVENTS_NOWHERE};
    if (from->length == 0)
        return TOW_OK;
    return tow_file_place_get(from, position_parse, position, position->path, TOW_EVENTS_PATH_MAX,
                              err);
}
