#include "plugins/lytics_system_events/position.h"

#include <string.h>

/* "lse1", three numbers, then both sets: a time, a count, and the entries, little-endian. */
#define POSITION_MARK  "lse1"
#define POSITION_HEAD  (4 + 3 * 8)
#define POSITION_SET   (8 + 2)
#define POSITION_ENTRY (8 + 2)

_Static_assert(POSITION_HEAD + 2 * (POSITION_SET + TOW_SEEN_MAX * POSITION_ENTRY) <=
                   TOW_POSITION_MAX,
               "a position has room for both sets");

static unsigned char *position_put(unsigned char *p, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *p++ = (unsigned char)(value >> 8 * i);
    return p;
}

static uint64_t position_get(const unsigned char **p, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value |= (uint64_t) * (*p)++ << 8 * i;
    return value;
}

static unsigned char *position_put_seen(unsigned char *p, const struct tow_seen *seen)
{
    p = position_put(p, (uint64_t)seen->from_us, 8);
    p = position_put(p, seen->count, 2);
    for (size_t i = 0; i < seen->count; i++) {
        p = position_put(p, seen->hashes[i], 8);
        p = position_put(p, seen->seconds[i], 2);
    }
    return p;
}

void tow_event_position_write(const struct tow_event_position *position, struct tow_position *out)
{
    unsigned char *p = out->bytes;

    memcpy(p, POSITION_MARK, 4);
    p = position_put(p + 4, (uint64_t)position->next_us, 8);
    p = position_put(p, position->next_hash, 8);
    p = position_put(p, (uint64_t)position->end_us, 8);
    p = position_put_seen(p, &position->past);
    p = position_put_seen(p, &position->fresh);
    out->length = (uint32_t)(p - out->bytes);
}

/* 1 where there was a set. */
static int position_get_seen(const unsigned char **p, const unsigned char *end,
                             struct tow_seen *seen)
{
    if (end - *p < POSITION_SET)
        return 0;
    seen->from_us = (int64_t)position_get(p, 8);
    seen->count = (size_t)position_get(p, 2);
    if (seen->count > TOW_SEEN_MAX || (size_t)(end - *p) < seen->count * POSITION_ENTRY)
        return 0;
    for (size_t i = 0; i < seen->count; i++) {
        seen->hashes[i] = position_get(p, 8);
        seen->seconds[i] = (uint16_t)position_get(p, 2);
    }
    return 1;
}

int tow_event_position_read(struct tow_event_position *position, const struct tow_position *from,
                            struct tow_error *err)
{
    const unsigned char *p = from->bytes + 4, *end = from->bytes + from->length;

    if (from->length >= POSITION_HEAD && memcmp(from->bytes, POSITION_MARK, 4) == 0) {
        position->next_us = (int64_t)position_get(&p, 8);
        position->next_hash = position_get(&p, 8);
        position->end_us = (int64_t)position_get(&p, 8);
        if (position_get_seen(&p, end, &position->past) &&
            position_get_seen(&p, end, &position->fresh) && p == end)
            return TOW_OK;
    }
    return tow_error_set(err, TOW_E_CONFIG,
                         "the saved position of %u bytes is none of system events: begin anew with "
                         "--full",
                         from->length);
}
