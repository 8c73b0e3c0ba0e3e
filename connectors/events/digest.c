#include "connectors/events/digest.h"

#include <endian.h>
#include <string.h>

/* XXH64: github.com/Cyan4973/xxHash, doc/xxhash_spec.md. */
#define DIGEST_1 UINT64_C(0x9E3779B185EBCA87)
#define DIGEST_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define DIGEST_3 UINT64_C(0x165667B19E3779F9)
#define DIGEST_4 UINT64_C(0x85EBCA77C2B2AE63)
#define DIGEST_5 UINT64_C(0x27D4EB2F165667C5)

static inline uint64_t digest_load8(const unsigned char *p)
{
    uint64_t value;

    memcpy(&value, p, sizeof value);
    return le64toh(value);
}

static inline uint64_t digest_load4(const unsigned char *p)
{
    uint32_t value;

    memcpy(&value, p, sizeof value);
    return le32toh(value);
}

static inline uint64_t digest_turn(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static inline uint64_t digest_round(uint64_t lane, uint64_t input)
{
    return digest_turn(lane + input * DIGEST_2, 31) * DIGEST_1;
}

static inline uint64_t digest_merge(uint64_t hash, uint64_t lane)
{
    return (hash ^ digest_round(0, lane)) * DIGEST_1 + DIGEST_4;
}

static uint64_t digest_stripes(const unsigned char **p, const unsigned char *end, uint64_t seed)
{
    uint64_t lanes[4] = {seed + DIGEST_1 + DIGEST_2, seed + DIGEST_2, seed, seed - DIGEST_1};
    uint64_t hash;

    for (; end - *p >= 32; *p += 32)
        for (int i = 0; i < 4; i++)
            lanes[i] = digest_round(lanes[i], digest_load8(*p + (ptrdiff_t)8 * i));
    hash = digest_turn(lanes[0], 1) + digest_turn(lanes[1], 7) + digest_turn(lanes[2], 12) +
           digest_turn(lanes[3], 18);
    for (int i = 0; i < 4; i++)
        hash = digest_merge(hash, lanes[i]);
    return hash;
}

uint64_t tow_digest(const void *bytes, size_t length, uint64_t seed)
{
    const unsigned char *p = bytes, *end = p + length;
    uint64_t hash = length >= 32 ? digest_stripes(&p, end, seed) : seed + DIGEST_5;

    hash += length;
    for (; end - p >= 8; p += 8)
        hash = digest_turn(hash ^ digest_round(0, digest_load8(p)), 27) * DIGEST_1 + DIGEST_4;
    if (end - p >= 4) {
        hash = digest_turn(hash ^ digest_load4(p) * DIGEST_1, 23) * DIGEST_2 + DIGEST_3;
        p += 4;
    }
    for (; p < end; p++)
        hash = digest_turn(hash ^ *p * DIGEST_5, 11) * DIGEST_1;
    hash = (hash ^ hash >> 33) * DIGEST_2;
    hash = (hash ^ hash >> 29) * DIGEST_3;
    return hash ^ hash >> 32;
}
