#include "plugins/csv/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "towpath/value.h"

#define LEDGER_PIECE 4096
#define LEDGER_TEXT  "size=%" PRId64 " mtime_ns=%" PRId64 " head=%08" PRIx32 " tail=%08" PRIx32

/* CRC-32 of up to 4 KiB of the file that begin at `offset` and end at `end`. */
static int ledger_checksum(const struct tow_input *input, int64_t offset, int64_t end,
                           uint32_t *out, struct tow_error *err)
{
    unsigned char piece[LEDGER_PIECE];
    size_t wanted = end - offset < LEDGER_PIECE ? (size_t)(end - offset) : LEDGER_PIECE, length;
    int code = tow_input_peek(input, offset, piece, wanted, &length, err);

    *out = (uint32_t)crc32(0, piece, (uInt)length);
    return code;
}

static int ledger_checksums(const struct tow_input *input, int64_t size, uint32_t *head,
                            uint32_t *tail, struct tow_error *err)
{
    int code = ledger_checksum(input, 0, size, head, err);

    if (code != TOW_OK)
        return code;
    return ledger_checksum(input, size > LEDGER_PIECE ? size - LEDGER_PIECE : 0, size, tail, err);
}

int tow_csv_mark_take(struct tow_csv_mark *mark, const struct tow_input *input,
                      struct tow_error *err)
{
    struct tow_file file;
    int code = tow_input_stat(input, &file, err);

    if (code != TOW_OK)
        return code;
    mark->size = file.size;
    mark->mtime_ns = file.mtime_ns;
    return ledger_checksums(input, file.size, &mark->head, &mark->tail, err);
}

void tow_csv_mark_text(const struct tow_csv_mark *mark, char text[TOW_CSV_MARK_MAX])
{
    snprintf(text, TOW_CSV_MARK_MAX, LEDGER_TEXT, mark->size, mark->mtime_ns, mark->head,
             mark->tail);
}

int tow_csv_mark_parse(struct tow_csv_mark *mark, const char *text, struct tow_error *err)
{
    char again[TOW_CSV_MARK_MAX] = "";
    int fields =
        sscanf(text, "size=%" SCNd64 " mtime_ns=%" SCNd64 " head=%" SCNx32 " tail=%" SCNx32,
               &mark->size, &mark->mtime_ns, &mark->head, &mark->tail);

    /* Takes nothing but what tow_csv_mark_text writes. */
    if (fields == 4)
        tow_csv_mark_text(mark, again);
    if (strcmp(text, again) != 0)
        return tow_error_set(err, TOW_E_ENV, "ledger entry \"%s\" is none of this plugin's", text);
    return TOW_OK;
}

char *tow_csv_ledger_key(const char *path)
{
    char *key;

    return asprintf(&key, "file:%s", path) < 0 ? NULL : key;
}

int tow_csv_ledger_judge(const struct tow_host *host, const struct tow_file *file,
                         enum tow_csv_verdict *verdict, struct tow_csv_mark *recorded,
                         struct tow_error *err)
{
    struct tow_position value = {.size = sizeof value};
    char text[TOW_CSV_MARK_MAX] = "";
    char *key = tow_csv_ledger_key(file->path);
    int code;

    *verdict = TOW_CSV_NEW;
    if (!key)
        return tow_error_nomem(err);
    code = host->ledger_get(host, key, &value, err);
    free(key);
    if (code != TOW_OK)
        return code == TOW_END ? TOW_OK : code;
    if (value.length < sizeof text)
        memcpy(text, value.bytes, value.length);
    code = tow_csv_mark_parse(recorded, text, err);
    if (code != TOW_OK)
        return tow_error_prefix(err, "%s", file->path);
    *verdict = recorded->size == file->size && recorded->mtime_ns == file->mtime_ns
                   ? TOW_CSV_DONE
                   : TOW_CSV_CHANGED;
    return TOW_OK;
}

/* 1 where the bytes that were there before are still there, in front of others. */
static int ledger_has_grown(const struct tow_file *file, const struct tow_csv_mark *recorded)
{
    struct tow_input_options options = {.cancel_fd = -1, .buffer_size = 1};
    struct tow_input *input =
        file->size > recorded->size ? tow_input_new(file->path, &options, NULL) : NULL;
    uint32_t head = 0, tail = 0;
    int code;

    if (!input)
        return 0;
    code = ledger_checksums(input, recorded->size, &head, &tail, NULL);
    tow_input_free(input);
    return code == TOW_OK && head == recorded->head && tail == recorded->tail;
}

void tow_csv_ledger_describe(const struct tow_file *file, const struct tow_csv_mark *recorded,
                             char text[TOW_CSV_CHANGE_MAX])
{
    char before[TOW_TIMESTAMP_TEXT_MAX + 1], now[TOW_TIMESTAMP_TEXT_MAX + 1];

    *tow_put_timestamp(before, recorded->mtime_ns / 1000, 1) = '\0';
    *tow_put_timestamp(now, file->mtime_ns / 1000, 1) = '\0';
    snprintf(text, TOW_CSV_CHANGE_MAX,
             "%s since it was loaded: %" PRId64 " bytes of %s then, %" PRId64 " bytes of %s now",
             ledger_has_grown(file, recorded) ? "has grown" : "has changed", recorded->size, before,
             file->size, now);
}
