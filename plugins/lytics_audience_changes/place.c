#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "plugins/lytics_audience_changes/source.h"

void tow_changes_place_put(const struct tow_changes_place *place, struct tow_position *out)
{
    char text[128] = "";
    int length = 0;

    if (place->phase == TOW_CHANGES_DONE)
        length = snprintf(text, sizeof text, "done %" PRIu64, place->generation);
    else if (place->phase != TOW_CHANGES_START)
        length = snprintf(text, sizeof text, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
                          place->phase == TOW_CHANGES_EMIT ? "emit" : "hook", place->generation,
                          place->message.segment, place->message.offset, place->item);
    memcpy(out->bytes, text, (size_t)length);
    out->length = (uint32_t)length;
}

int tow_changes_place_get(struct tow_changes_place *place, const struct tow_position *position,
                          struct tow_error *err)
{
    char text[128] = "", word[8] = "";
    int fields;

    *place = (struct tow_changes_place){.phase = TOW_CHANGES_START};
    if (position->length == 0)
        return TOW_OK;
    if (position->length < sizeof text)
        memcpy(text, position->bytes, position->length);
    fields =
        sscanf(text, "%7s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, word, &place->generation,
               &place->message.segment, &place->message.offset, &place->item);
    if (fields == 2 && strcmp(word, "done") == 0)
        place->phase = TOW_CHANGES_DONE;
    else if (fields == 5 && strcmp(word, "emit") == 0)
        place->phase = TOW_CHANGES_EMIT;
    else if (fields == 5 && strcmp(word, "hook") == 0)
        place->phase = TOW_CHANGES_HOOK;
    else
        return tow_error_set(err, TOW_E_CONFIG,
                             "the checkpoint's position is none of this source; start anew with "
                             "--full");
    return TOW_OK;
}
