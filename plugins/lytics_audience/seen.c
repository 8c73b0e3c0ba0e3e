#include "plugins/lytics_audience/seen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "towpath/batch.h"

#define SEEN_FIRST      1024
#define SEEN_HASH_BYTES 12

/* ---- hashes --------------------------------------------------------------------------------- */

/* Finalizer of MurmurHash3, 64 bits: every bit of x changes half of the bits. */
static uint64_t seen_mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

struct tow_member_hash tow_member_hash_of(const void *bytes, size_t length)
{
    const unsigned char *p = bytes;
    uint64_t a = 0x9e3779b97f4a7c15u ^ length, b = 0xd1b54a32d192ed03u + length;

    for (; length > 0; length -= length < 8 ? length : 8, p += 8) {
        uint64_t word = 0;

        memcpy(&word, p, length < 8 ? length : 8);
        a = seen_mix(a ^ word);
        b = seen_mix(b + word) ^ a >> 17;
    }
    a = seen_mix(a + b);
    return (struct tow_member_hash){a ? a : 1, (uint32_t)(seen_mix(b ^ a) >> 32)};
}

/* ---- the set -------------------------------------------------------------------------------- */

void tow_member_set_release(struct tow_member_set *set)
{
    free(set->items);
    *set = (struct tow_member_set){.items = NULL};
}

void tow_member_set_clear(struct tow_member_set *set)
{
    if (set->count > 0)
        memset(set->items, 0, set->capacity * sizeof *set->items);
    set->count = 0;
}

/* The hash's place, or where it would go; capacity is a power of two, and a place is free. */
static struct tow_member_hash *seen_place(struct tow_member_hash *items, size_t capacity,
                                          struct tow_member_hash hash)
{
    size_t i = hash.high & (capacity - 1);

    while (items[i].high && (items[i].high != hash.high || items[i].low != hash.low))
        i = (i + 1) & (capacity - 1);
    return &items[i];
}

/* At most two thirds are taken. */
static int seen_grow(struct tow_member_set *set, struct tow_error *err)
{
    const size_t capacity = set->capacity ? 2 * set->capacity : SEEN_FIRST;
    struct tow_member_hash *items;

    if (3 * (set->count + 1) <= 2 * set->capacity)
        return TOW_OK;
    items = calloc(capacity, sizeof *items);
    if (!items)
        return tow_error_nomem(err);
    for (size_t i = 0; i < set->capacity; i++)
        if (set->items[i].high)
            *seen_place(items, capacity, set->items[i]) = set->items[i];
    free(set->items);
    set->items = items;
    set->capacity = capacity;
    return TOW_OK;
}

int tow_member_set_add(struct tow_member_set *set, struct tow_member_hash hash, int *is_new,
                       struct tow_error *err)
{
    struct tow_member_hash *place;
    int code = seen_grow(set, err);

    if (code != TOW_OK)
        return code;
    place = seen_place(set->items, set->capacity, hash);
    *is_new = place->high == 0;
    set->count += (size_t)*is_new;
    *place = hash;
    return TOW_OK;
}

/* ---- texts ---------------------------------------------------------------------------------- */

/* Least significant byte first, whatever the machine. */
static void seen_to_bytes(struct tow_member_hash hash, unsigned char bytes[SEEN_HASH_BYTES])
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(hash.high >> 8 * i);
    for (int i = 0; i < 4; i++)
        bytes[8 + i] = (unsigned char)(hash.low >> 8 * i);
}

static struct tow_member_hash seen_of_bytes(const unsigned char bytes[SEEN_HASH_BYTES])
{
    struct tow_member_hash hash = {0, 0};

    for (int i = 0; i < 8; i++)
        hash.high |= (uint64_t)bytes[i] << 8 * i;
    for (int i = 0; i < 4; i++)
        hash.low |= (uint32_t)bytes[8 + i] << 8 * i;
    return hash;
}

int tow_member_hash_put(struct tow_buffer *out, struct tow_member_hash hash, struct tow_error *err)
{
    unsigned char bytes[SEEN_HASH_BYTES];
    int code = tow_buffer_reserve(out, TOW_MEMBER_HASH_TEXT, err);

    if (code != TOW_OK)
        return code;
    seen_to_bytes(hash, bytes);
    tow_put_base64(out->data + out->size, bytes, sizeof bytes);
    out->size += TOW_MEMBER_HASH_TEXT;
    return TOW_OK;
}

/* ---- the ledger ----------------------------------------------------------------------------- */

void tow_member_key(char key[TOW_MEMBER_KEY_MAX], int part, uint64_t batch)
{
    snprintf(key, TOW_MEMBER_KEY_MAX, "seen/%02d/%010" PRIu64, part, batch);
}

int tow_member_entry(struct tow_buffer *out, const char *load, struct tow_error *err)
{
    out->size = 0;
    return tow_member_hash_put(out, tow_member_hash_of(load, strlen(load)), err);
}

struct seen_walk {
    struct tow_member_set *set;
    const char *mark; /* of the load: TOW_MEMBER_HASH_TEXT bytes */
    uint64_t batches;
    struct tow_error *err;
};

static int seen_add_text(struct tow_member_set *set, const char *text, struct tow_error *err)
{
    unsigned char bytes[SEEN_HASH_BYTES + 3];
    size_t length;
    struct tow_member_hash hash;
    int is_new;

    if (tow_parse_base64(text, TOW_MEMBER_HASH_TEXT, bytes, &length) != TOW_PARSE_OK ||
        length != SEEN_HASH_BYTES)
        return TOW_E_ENV;
    hash = seen_of_bytes(bytes);
    return hash.high ? tow_member_set_add(set, hash, &is_new, err) : TOW_E_ENV;
}

static int seen_take_entry(struct seen_walk *walk, const char *key, const char *text,
                           uint32_t length)
{
    const char *number = strrchr(key, '/') + 1;
    int code = length % TOW_MEMBER_HASH_TEXT ? TOW_E_ENV : TOW_OK;

    for (uint32_t i = TOW_MEMBER_HASH_TEXT; i < length && code == TOW_OK; i += TOW_MEMBER_HASH_TEXT)
        code = seen_add_text(walk->set, text + i, walk->err);
    if (code == TOW_OK && tow_parse_uint64(number, strlen(number), &walk->batches) != TOW_PARSE_OK)
        code = TOW_E_ENV;
    walk->batches++;
    return code;
}

static int32_t seen_take(void *context, const char *key, const void *value, uint32_t length)
{
    struct seen_walk *walk = context;
    int code;

    if (length < TOW_MEMBER_HASH_TEXT || memcmp(value, walk->mark, TOW_MEMBER_HASH_TEXT) != 0)
        return TOW_OK; /* of a load before */
    code = seen_take_entry(walk, key, value, length);
    if (code == TOW_E_ENV)
        tow_error_set(walk->err, TOW_E_ENV,
                      "the ledger's entry %s is not of its form; start the load anew with --full",
                      key);
    return code;
}

int tow_member_set_read(struct tow_member_set *set, const struct tow_host *host, int part,
                        uint64_t *batches, struct tow_error *err)
{
    struct tow_buffer mark = {.data = NULL};
    struct seen_walk walk = {.set = set, .err = err};
    char prefix[TOW_MEMBER_KEY_MAX];
    int code = tow_member_entry(&mark, host->load_id, err);

    walk.mark = mark.data;
    snprintf(prefix, sizeof prefix, "seen/%02d/", part);
    if (code == TOW_OK)
        code = host->ledger_each(host, prefix, seen_take, &walk, err);
    *batches = walk.batches;
    tow_buffer_release(&mark);
    return code;
}
