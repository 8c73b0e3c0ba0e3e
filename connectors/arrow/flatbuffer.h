/*
 * Reading flatbuffers from outside (FlatBuffers documentation, Internals): every position is
 * checked before it is used.
 *
 * The first damage that a call meets is kept in the buffer; that call and all later ones give what
 * an absent member gives. So a reader may take what it needs and look at `damage` once before it
 * uses any of it.
 */
#ifndef CONNECTORS_ARROW_FLATBUFFER_H
#define CONNECTORS_ARROW_FLATBUFFER_H

#include <stddef.h>
#include <stdint.h>

struct tow_flatbuffer {
    const uint8_t *bytes;
    size_t size;
    const char *damage; /* what is wrong, NULL: nothing so far */
    size_t damage_at;   /* and where */
};

/* A table; one that is absent lacks all members. */
struct tow_flat_table {
    struct tow_flatbuffer *of;
    size_t at;          /* 0: absent */
    size_t size;        /* of its inline part */
    size_t vtable;      /* where the slots begin */
    size_t vtable_size; /* bytes of the slots */
};

/* Elements that lie one behind the other; an absent vector has none. */
struct tow_flat_vector {
    struct tow_flatbuffer *of;
    size_t at; /* of the first element */
    size_t count;
    size_t width; /* of an element */
};

/* The bytes are borrowed. */
void tow_flatbuffer_init(struct tow_flatbuffer *flat, const void *bytes, size_t size);

struct tow_flat_table tow_flat_root(struct tow_flatbuffer *flat);

static inline int tow_flat_is_absent(const struct tow_flat_table *table)
{
    return table->at == 0;
}

/* A signed number of 1, 2, 4 or 8 bytes. */
int64_t tow_flat_number(const struct tow_flat_table *table, unsigned slot, size_t width,
                        int64_t otherwise);
struct tow_flat_table tow_flat_table(const struct tow_flat_table *table, unsigned slot);
/* Without its NUL, which stands behind it; NULL where it is absent. */
const char *tow_flat_string(const struct tow_flat_table *table, unsigned slot, size_t *length);
/* width: bytes of an element, 4 for tables and strings. */
struct tow_flat_vector tow_flat_vector(const struct tow_flat_table *table, unsigned slot,
                                       size_t width);

/* Element i, which is below count; of vectors that hold numbers and structs. */
const uint8_t *tow_flat_element(const struct tow_flat_vector *vector, size_t i);
/* Element i, which is below count; of vectors that hold tables. */
struct tow_flat_table tow_flat_element_table(const struct tow_flat_vector *vector, size_t i);

/* A number as it lies in memory, aligned or not. */
static inline int64_t tow_flat_int64(const uint8_t *bytes)
{
    int64_t number;

    __builtin_memcpy(&number, bytes, sizeof number);
    return number;
}

#endif
