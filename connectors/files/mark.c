#include "connectors/files/mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "towpath/value.h"

#define MARK_PIECE 4096
#define MARK_TEXT  "size=%" PRId64 " mtime_ns=%" PRId64 " head=%08" PRIx32 " tail=%08" PRIx32

/* CRC-32 of up to 4 KiB of a regular file's own bytes that begin at `offset` and end at `end`. */
static int mark_checksum(const struct tow_input *input, int64_t offset, int64_t end, uint32_t *out,
                         struct tow_error *err)
{
    unsigned char piece[MARK_PIECE];
    size_t wanted = end - offset < MARK_PIECE ? (size_t)(end - offset) : MARK_PIECE, length;
    int code = tow_input_peek(input, offset, piece, wanted, &length, err);

    *out = (uint32_t)crc32(0, piece, (uInt)length);
    return code;
}

static int mark_checksums(const struct tow_input *input, int64_t size, uint32_t *head,
                          uint32_t *tail, struct tow_error *err)
{
    int code = mark_checksum(input, 0, size, head, err);

    if (code != TOW_OK)
        return code;
    return mark_checksum(input, size > MARK_PIECE ? size - MARK_PIECE : 0, size, tail, err);
}

int tow_file_mark_take(struct tow_file_mark *mark, const struct tow_input *input,
                       struct tow_error *err)
{
    struct tow_file file;
    int code = tow_input_stat(input, &file, err);

    if (code != TOW_OK)
        return code;
    mark->size = file.size;
    mark->mtime_ns = file.mtime_ns;
    return mark_checksums(input, file.size, &mark->head, &mark->tail, err);
}

void tow_file_mark_text(const struct tow_file_mark *mark, char text[TOW_FILE_MARK_MAX])
{
    snprintf(text, TOW_FILE_MARK_MAX, MARK_TEXT, mark->size, mark->mtime_ns, mark->head,
             mark->tail);
}

int tow_file_mark_parse(struct tow_file_mark *mark, const char *text, struct tow_error *err)
{
    char again[TOW_FILE_MARK_MAX];
    int fields =
        sscanf(text, "size=%" SCNd64 " mtime_ns=%" SCNd64 " head=%" SCNx32 " tail=%" SCNx32,
               &mark->size, &mark->mtime_ns, &mark->head, &mark->tail);

    /* Takes nothing but what tow_file_mark_text writes. */
    if (fields == 4)
        tow_file_mark_text(mark, again);
    if (fields != 4 || strcmp(text, again) != 0)
        return tow_error_set(err, TOW_E_ENV, "ledger entry \"%s\" is none of this plugin's", text);
    return TOW_OK;
}

/* 1 where the bytes that were there before are still there, in front of others. */
static int mark_has_grown(const struct tow_file *file, const struct tow_file_mark *recorded)
{
    struct tow_input_options options = {.cancel_fd = -1, .buffer_size = 1};
    struct tow_input *input =
        file->size > recorded->size ? tow_input_new(file->path, &options, NULL) : NULL;
    uint32_t head = 0, tail = 0;
    int code;

    if (!input)
        return 0;
    code = mark_checksums(input, recorded->size, &head, &tail, NULL);
    tow_input_free(input);
    return code == TOW_OK && head == recorded->head && tail == recorded->tail;
}

void tow_file_mark_describe(const struct tow_file *file, const struct tow_file_mark *recorded,
                            char text[TOW_FILE_CHANGE_MAX])
{
    char before[TOW_TIMESTAMP_TEXT_MAX + 1], now[TOW_TIMESTAMP_TEXT_MAX + 1];

    *tow_put_timestamp(before, recorded->mtime_ns / 1000, 1) = '\0';
    *tow_put_timestamp(now, file->mtime_ns / 1000, 1) = '\0';
    snprintf(text, TOW_FILE_CHANGE_MAX,
             "%s since it was loaded: %" PRId64 " bytes of %s then, %" PRId64 " bytes of %s now",
             mark_has_grown(file, recorded) ? "has grown" : "has changed", recorded->size, before,
             file->size, now);
}
