#include "plugins/lytics_audience/position.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "towpath/value.h"

#define POSITION_MAGIC     "audience1"
#define POSITION_PLACE_MAX 24 /* of a place without its token: two numbers and their separators */

/* ---- writing -------------------------------------------------------------------------------- */

/* Room is kept for the places behind this one, as far as they have no tokens. */
static void position_put_place(const struct tow_members_place *place, size_t behind,
                               struct tow_position *out)
{
    const size_t kept = (behind + 1) * POSITION_PLACE_MAX;
    const size_t room = sizeof out->bytes - out->length;
    const size_t size = room > kept && place->size <= room - kept ? place->size : 0;
    char *p = (char *)out->bytes + out->length;

    out->length += (uint32_t)snprintf(p, room, "%d %zu\n", place->part, size);
    if (size > 0)
        memcpy(out->bytes + out->length, place->token, size);
    out->length += (uint32_t)size;
}

int tow_members_position_put(const struct tow_members_position *at, struct tow_position *out,
                             struct tow_error *err)
{
    const int length = snprintf((char *)out->bytes, sizeof out->bytes,
                                POSITION_MAGIC "\n%s\n%d\n%d\n%" PRId64 "\n%zu\n", at->segment,
                                at->parts, at->next, at->rows, at->count);

    if (length < 0 || (size_t)length >= sizeof out->bytes / 2)
        return tow_error_set(err, TOW_E_BUG, "a position of %d bytes", length);
    out->length = (uint32_t)length;
    for (size_t i = 0; i < at->count; i++)
        position_put_place(&at->places[i], at->count - i - 1, out);
    return TOW_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct position_text {
    const char *p, *end;
    int is_bad;
};

/* What stands before the next `stop`. */
static const char *position_word(struct position_text *text, char stop, size_t *length)
{
    const char *word = text->p;
    const char *found = text->is_bad ? NULL : memchr(word, stop, (size_t)(text->end - word));

    if (!found) {
        text->is_bad = 1;
        *length = 0;
        return "";
    }
    *length = (size_t)(found - word);
    text->p = found + 1;
    return word;
}

static int64_t position_number(struct position_text *text, char stop, int64_t most)
{
    int64_t number = 0;
    size_t length;
    const char *word = position_word(text, stop, &length);

    if (tow_parse_int64(word, length, &number) != TOW_PARSE_OK || number < 0 || number > most)
        text->is_bad = 1;
    return number;
}

static void position_place(struct position_text *text, struct tow_members_place *place)
{
    place->part = (int)position_number(text, ' ', TOW_MEMBERS_PARTS_MAX - 1);
    place->size = (size_t)position_number(text, '\n', TOW_POSITION_MAX);
    place->token = text->p;
    if (text->is_bad || place->size > (size_t)(text->end - text->p))
        text->is_bad = 1;
    else
        text->p += place->size;
}

static int position_is(const char *word, size_t length, const char *known)
{
    return length == strlen(known) && memcmp(word, known, length) == 0;
}

int tow_members_position_read(struct tow_members_position *at, const struct tow_position *from,
                              struct tow_error *err)
{
    const char *bytes = (const char *)from->bytes;
    struct position_text text = {bytes, bytes + from->length, 0};
    size_t length;
    const char *word = position_word(&text, '\n', &length);

    *at = (struct tow_members_position){.parts = 0};
    text.is_bad |= !position_is(word, length, POSITION_MAGIC);
    word = position_word(&text, '\n', &length);
    text.is_bad |= length >= sizeof at->segment;
    if (!text.is_bad)
        memcpy(at->segment, word, length);
    at->parts = (int)position_number(&text, '\n', TOW_MEMBERS_PARTS_MAX);
    at->next = (int)position_number(&text, '\n', at->parts);
    at->rows = position_number(&text, '\n', INT64_MAX);
    at->count = (size_t)position_number(&text, '\n', TOW_MEMBERS_SCANS_MAX);
    for (size_t i = 0; i < at->count && !text.is_bad; i++)
        position_place(&text, &at->places[i]);
    if (!text.is_bad && text.p == text.end)
        return TOW_OK;
    return tow_error_set(err, TOW_E_ENV,
                         "the position is none of this source; start anew with --full");
}
