#include "flat_writer.h"

#include <string.h>

static void flat_append(struct tow_buffer *out, const void *bytes, size_t length)
{
    flat_require(tow_buffer_append(out, bytes, length, NULL) == TOW_OK);
}

static void flat_zeros(struct tow_buffer *out, size_t length)
{
    flat_require(tow_buffer_reserve(out, length, NULL) == TOW_OK);
    memset(out->data + out->size, 0, length);
    out->size += length;
}

void flat_align(struct tow_buffer *out, size_t alignment)
{
    while (out->size % alignment)
        flat_zeros(out, 1);
}

void flat_point(struct tow_buffer *out, size_t from, size_t to)
{
    uint32_t offset = (uint32_t)(to - from);

    memcpy(out->data + from, &offset, sizeof offset);
}

size_t flat_begin(struct tow_buffer *out)
{
    flat_zeros(out, 4);
    return out->size - 4;
}

size_t flat_table(struct tow_buffer *out, size_t from, const struct flat_member *members,
                  size_t count, size_t *places)
{
    uint16_t layout[34] = {4, 4}; /* two sizes, then the slots */
    size_t table;
    int32_t back;

    for (size_t i = 0; i < count; i++) {
        uint16_t width = members[i].width ? (uint16_t)members[i].width : 4;
        uint16_t at = (uint16_t)((layout[1] + width - 1) / width * width);

        flat_require(members[i].slot <= 31);
        layout[2 + members[i].slot] = at;
        layout[1] = (uint16_t)(at + width);
        if (layout[0] < 6 + 2 * members[i].slot)
            layout[0] = (uint16_t)(6 + 2 * members[i].slot);
    }
    flat_align(out, 2);
    back = (int32_t)out->size;
    flat_append(out, layout, layout[0]);
    flat_align(out, 8);
    table = out->size;
    back = (int32_t)table - back;
    flat_zeros(out, layout[1]);
    memcpy(out->data + table, &back, sizeof back);
    for (size_t i = 0; i < count; i++) {
        size_t place = table + layout[2 + members[i].slot];

        memcpy(out->data + place, &members[i].value, members[i].width);
        if (places)
            places[i] = place;
    }
    flat_point(out, from, table);
    return table;
}

size_t flat_vector(struct tow_buffer *out, size_t from, size_t count, size_t width,
                   const void *bytes)
{
    uint32_t length = (uint32_t)count;

    flat_align(out, 4);
    if (width > 4 && out->size % 8 == 0)
        flat_zeros(out, 4);
    flat_point(out, from, out->size);
    flat_append(out, &length, sizeof length);
    if (bytes)
        flat_append(out, bytes, count * width);
    else
        flat_zeros(out, count * width);
    return out->size - count * width;
}

void flat_string(struct tow_buffer *out, size_t from, const char *text)
{
    flat_vector(out, from, strlen(text), 1, text);
    flat_zeros(out, 1);
}
