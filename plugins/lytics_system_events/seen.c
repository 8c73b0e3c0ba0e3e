#include "plugins/lytics_system_events/seen.h"

#include <string.h>

#define SEEN_SECOND INT64_C(1000000)

/* FNV-1a, and a last mix, since ids may differ in their last byte alone. */
uint64_t tow_seen_hash(const char *text, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

void tow_seen_init(struct tow_seen *seen, int64_t from_us)
{
    seen->from_us = from_us;
    seen->count = 0;
}

int tow_seen_has(const struct tow_seen *seen, uint64_t hash)
{
    for (size_t i = 0; i < seen->count; i++)
        if (seen->hashes[i] == hash)
            return 1;
    return 0;
}

/* Forgets all of the oldest second: what is left is complete from the next one on. */
static void seen_shrink(struct tow_seen *seen)
{
    const uint16_t oldest = seen->seconds[0];
    const unsigned moved = oldest + 1u;
    size_t gone = 0;

    while (gone < seen->count && seen->seconds[gone] == oldest)
        gone++;
    seen->count -= gone;
    memmove(seen->hashes, seen->hashes + gone, seen->count * sizeof *seen->hashes);
    memmove(seen->seconds, seen->seconds + gone, seen->count * sizeof *seen->seconds);
    for (size_t i = 0; i < seen->count; i++)
        seen->seconds[i] = (uint16_t)(seen->seconds[i] - moved);
    seen->from_us += moved * SEEN_SECOND;
}

void tow_seen_add(struct tow_seen *seen, int64_t at_us, uint64_t hash)
{
    int64_t second;

    if (seen->count == TOW_SEEN_MAX)
        seen_shrink(seen);
    second = (at_us - seen->from_us) / SEEN_SECOND;
    if (at_us < seen->from_us || second > UINT16_MAX)
        return;
    seen->hashes[seen->count] = hash;
    seen->seconds[seen->count++] = (uint16_t)second;
}
