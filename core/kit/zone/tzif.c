/* TZif files, RFC 9636. */
#include <string.h>

#include "kit/zone/zone_changes.h"

#define TZIF_HEADER     44
#define TZIF_OFFSET_MAX 93599 /* RFC 9636, section 3.2: -24:59:59 to 25:59:59, and so */

/* The block of a file that is read: its counts, and the size of its times. */
struct tzif_block {
    size_t isut, isstd, leap, time, type, chars;
    size_t time_size;
    const unsigned char *data;
};

static uint32_t tzif_u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t tzif_time(const unsigned char *p, size_t size)
{
    if (size == 4)
        return (int32_t)tzif_u32(p);
    return (int64_t)((uint64_t)tzif_u32(p) << 32 | tzif_u32(p + 4));
}

static int tzif_damaged(struct tow_error *err, const char *what)
{
    return tow_error_set(err, TOW_E_ENV, "its file is damaged: %s", what);
}

static size_t tzif_block_size(const struct tzif_block *block)
{
    return block->time * (block->time_size + 1) + block->type * 6 + block->chars +
           block->leap * (block->time_size + 4) + block->isstd + block->isut;
}

/* Counts are 32-bit, so sums of a few of them do not wrap in 64. */
static int tzif_block(const unsigned char *bytes, size_t length, size_t time_size,
                      struct tzif_block *block, struct tow_error *err)
{
    _Static_assert(sizeof(size_t) >= 8, "sizes are 64-bit");
    if (length < TZIF_HEADER || memcmp(bytes, "TZif", 4) != 0)
        return tzif_damaged(err, "a header is missing");
    *block = (struct tzif_block){
        .isut = tzif_u32(bytes + 20),
        .isstd = tzif_u32(bytes + 24),
        .leap = tzif_u32(bytes + 28),
        .time = tzif_u32(bytes + 32),
        .type = tzif_u32(bytes + 36),
        .chars = tzif_u32(bytes + 40),
        .time_size = time_size,
        .data = bytes + TZIF_HEADER,
    };
    if (tzif_block_size(block) > length - TZIF_HEADER)
        return tzif_damaged(err, "it is shorter than it says");
    if (block->type == 0)
        return tzif_damaged(err, "it has no offset");
    return TOW_OK;
}

static int tzif_offset(const struct tzif_block *block, size_t type, int32_t *offset,
                       struct tow_error *err)
{
    const unsigned char *types = block->data + block->time * (block->time_size + 1);

    if (type >= block->type)
        return tzif_damaged(err, "a change leads to no offset");
    *offset = (int32_t)tzif_u32(types + type * 6);
    if (*offset < -TZIF_OFFSET_MAX || *offset > TZIF_OFFSET_MAX)
        return tzif_damaged(err, "an offset is longer than a day");
    return TOW_OK;
}

/* *last: the time of the last change; it tells from when the rule at the end holds. */
static int tzif_read_block(const struct tzif_block *block, struct tow_zone_changes *changes,
                           int64_t *last, struct tow_error *err)
{
    const unsigned char *types = block->data + block->time * block->time_size;
    int32_t offset;
    int rc = tzif_offset(block, 0, &offset, err);

    *last = INT64_MIN;
    if (rc)
        return rc;
    if (tow_zone_changes_init(changes, offset))
        return tow_error_nomem(err);
    for (size_t i = 0; i < block->time; i++) {
        int64_t at = tzif_time(block->data + i * block->time_size, block->time_size);

        if (at < *last)
            return tzif_damaged(err, "its changes are not in order");
        *last = at;
        rc = tzif_offset(block, types[i], &offset, err);
        if (rc)
            return rc;
        if (at < TOW_ZONE_END && tow_zone_changes_add(changes, at, offset))
            return tow_error_nomem(err);
    }
    return TOW_OK;
}

/* What stands behind the second block: a rule between two line feeds. */
static int tzif_read_rule(const char *text, size_t length, int64_t last,
                          struct tow_zone_changes *changes, struct tow_error *err)
{
    const char *end;

    if (length < 2 || text[0] != '\n')
        return tzif_damaged(err, "its last line is missing");
    end = memchr(text + 1, '\n', length - 1);
    if (!end)
        return tzif_damaged(err, "its last line does not end");
    if (end == text + 1)
        return TOW_OK;
    return tow_tzrule_expand(text + 1, (size_t)(end - text - 1), last, changes, err);
}

int tow_tzif_read(const unsigned char *bytes, size_t length, struct tow_zone_changes *changes,
                  struct tow_error *err)
{
    struct tzif_block block;
    int64_t last;
    size_t size;
    int rc = tzif_block(bytes, length, 4, &block, err);

    if (rc)
        return rc;
    if (block.leap)
        return tow_error_set(err, TOW_E_CONFIG,
                             "it counts leap seconds, which the system's clock does not");
    if (bytes[4] < '2')
        return tzif_read_block(&block, changes, &last, err);
    /* The first block is for readers of 32-bit times. */
    size = TZIF_HEADER + tzif_block_size(&block);
    bytes += size;
    length -= size;
    rc = tzif_block(bytes, length, 8, &block, err);
    if (!rc)
        rc = tzif_read_block(&block, changes, &last, err);
    if (rc)
        return rc;
    size = TZIF_HEADER + tzif_block_size(&block);
    return tzif_read_rule((const char *)bytes + size, length - size, last, changes, err);
}
