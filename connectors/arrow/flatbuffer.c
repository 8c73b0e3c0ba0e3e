#include "connectors/arrow/flatbuffer.h"

#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "flatbuffers and Arrow buffers are read as they lie in memory, which is little-endian"
#endif

#define FLAT_OFFSET ((size_t)4) /* bytes of an offset, and of a vector's count */
#define FLAT_SLOT   ((size_t)2) /* bytes of a slot, and of the two sizes in front of the slots */

void tow_flatbuffer_init(struct tow_flatbuffer *flat, const void *bytes, size_t size)
{
    *flat = (struct tow_flatbuffer){.bytes = bytes, .size = size};
}

static void flat_damage(struct tow_flatbuffer *flat, const char *damage, size_t at)
{
    if (flat->damage)
        return;
    flat->damage = damage;
    flat->damage_at = at;
}

/* 1 where `length` bytes lie at `at`; otherwise that is the damage. */
static int flat_has(struct tow_flatbuffer *flat, size_t at, size_t length, const char *what)
{
    if (flat->damage)
        return 0;
    if (at <= flat->size && length <= flat->size - at)
        return 1;
    flat_damage(flat, what, at);
    return 0;
}

static uint16_t flat_uint16(const struct tow_flatbuffer *flat, size_t at)
{
    uint16_t number;

    memcpy(&number, flat->bytes + at, sizeof number);
    return number;
}

static uint32_t flat_uint32(const struct tow_flatbuffer *flat, size_t at)
{
    uint32_t number;

    memcpy(&number, flat->bytes + at, sizeof number);
    return number;
}

/* A table begins with the signed distance back to its vtable: two sizes, then a slot a member. */
static struct tow_flat_table flat_table_at(struct tow_flatbuffer *flat, size_t at)
{
    struct tow_flat_table absent = {.of = flat}, table = {.of = flat, .at = at};
    int64_t vtable;
    size_t vtable_size;

    if (!flat_has(flat, at, FLAT_OFFSET, "a table lies outside of it"))
        return absent;
    vtable = (int64_t)at - (int32_t)flat_uint32(flat, at);
    if (vtable < 0) {
        flat_damage(flat, "a table's layout lies outside of it", at);
        return absent;
    }
    if (!flat_has(flat, (size_t)vtable, 2 * FLAT_SLOT, "a table's layout lies outside of it"))
        return absent;
    vtable_size = flat_uint16(flat, (size_t)vtable);
    table.size = flat_uint16(flat, (size_t)vtable + FLAT_SLOT);
    if (vtable_size < 2 * FLAT_SLOT || vtable_size % FLAT_SLOT != 0 || table.size < FLAT_OFFSET) {
        flat_damage(flat, "a table's layout is none", (size_t)vtable);
        return absent;
    }
    if (!flat_has(flat, (size_t)vtable, vtable_size, "a table's layout lies outside of it") ||
        !flat_has(flat, at, table.size, "a table lies outside of it"))
        return absent;
    table.vtable = (size_t)vtable + 2 * FLAT_SLOT;
    table.vtable_size = vtable_size - 2 * FLAT_SLOT;
    return table;
}

struct tow_flat_table tow_flat_root(struct tow_flatbuffer *flat)
{
    if (!flat_has(flat, 0, FLAT_OFFSET, "it is too short to be one"))
        return (struct tow_flat_table){.of = flat};
    return flat_table_at(flat, flat_uint32(flat, 0));
}

/* Where a member of `width` bytes lies; 0 where it is absent. */
static size_t flat_member(const struct tow_flat_table *table, unsigned slot, size_t width)
{
    size_t offset;

    if (table->at == 0 || table->of->damage || (slot + 1) * FLAT_SLOT > table->vtable_size)
        return 0;
    offset = flat_uint16(table->of, table->vtable + slot * FLAT_SLOT);
    if (offset == 0)
        return 0;
    if (offset < FLAT_OFFSET || width > table->size || offset > table->size - width) {
        flat_damage(table->of, "a member lies outside of its table", table->at);
        return 0;
    }
    return table->at + offset;
}

/* Follows the offset at `at`, which lies inside; what it leads to need not. */
static size_t flat_follow(const struct tow_flatbuffer *flat, size_t at)
{
    size_t to;

    return __builtin_add_overflow(at, flat_uint32(flat, at), &to) ? SIZE_MAX : to;
}

int64_t tow_flat_number(const struct tow_flat_table *table, unsigned slot, size_t width,
                        int64_t otherwise)
{
    size_t at = flat_member(table, slot, width);
    const uint8_t *bytes = table->of->bytes + at;

    if (at == 0)
        return otherwise;
    switch (width) {
    case 1:
        return (int8_t)*bytes;
    case 2:
        return (int16_t)flat_uint16(table->of, at);
    case 4:
        return (int32_t)flat_uint32(table->of, at);
    default:
        return tow_flat_int64(bytes);
    }
}

struct tow_flat_table tow_flat_table(const struct tow_flat_table *table, unsigned slot)
{
    size_t at = flat_member(table, slot, FLAT_OFFSET);

    if (at == 0)
        return (struct tow_flat_table){.of = table->of};
    return flat_table_at(table->of, flat_follow(table->of, at));
}

struct tow_flat_vector tow_flat_vector(const struct tow_flat_table *table, unsigned slot,
                                       size_t width)
{
    struct tow_flat_vector none = {.of = table->of, .width = width}, vector = none;
    size_t at = flat_member(table, slot, FLAT_OFFSET), size;

    if (at == 0)
        return none;
    at = flat_follow(table->of, at);
    if (!flat_has(table->of, at, FLAT_OFFSET, "a vector lies outside of it"))
        return none;
    vector.at = at + FLAT_OFFSET;
    vector.count = flat_uint32(table->of, at);
    if (__builtin_mul_overflow(vector.count, width, &size) ||
        !flat_has(table->of, vector.at, size, "a vector lies outside of it"))
        return none;
    return vector;
}

const char *tow_flat_string(const struct tow_flat_table *table, unsigned slot, size_t *length)
{
    struct tow_flat_vector vector = tow_flat_vector(table, slot, 1);

    *length = 0;
    if (vector.at == 0)
        return NULL;
    if (!flat_has(table->of, vector.at + vector.count, 1, "a string lies outside of it"))
        return NULL;
    if (table->of->bytes[vector.at + vector.count] != 0) {
        flat_damage(table->of, "a string has no end", vector.at);
        return NULL;
    }
    *length = vector.count;
    return (const char *)table->of->bytes + vector.at;
}

const uint8_t *tow_flat_element(const struct tow_flat_vector *vector, size_t i)
{
    return vector->of->bytes + vector->at + i * vector->width;
}

struct tow_flat_table tow_flat_element_table(const struct tow_flat_vector *vector, size_t i)
{
    if (vector->of->damage)
        return (struct tow_flat_table){.of = vector->of};
    return flat_table_at(vector->of, flat_follow(vector->of, vector->at + i * FLAT_OFFSET));
}
