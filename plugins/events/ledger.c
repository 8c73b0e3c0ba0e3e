#include "plugins/events/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LEDGER_OBJECT   "size=%" PRId64 " etag=%.*s"
#define LEDGER_ETAG_MAX 80 /* bytes of an entity tag that count; S3's have 34 to 40 */
#define LEDGER_TAIL     TOW_EVENTS_TAIL_KEY "%" PRIu64 ":%08" PRIx32
#define LEDGER_PROGRESS "offset=%" PRId64 " line=%" PRId64 "\n"

/* ---- whole files ---------------------------------------------------------------------------- */

int tow_events_ledger_whole(const struct tow_file *file, const struct tow_input *input,
                            char text[TOW_FILE_MARK_MAX], struct tow_error *err)
{
    struct tow_file_mark mark;
    int code;

    if (file->etag) {
        snprintf(text, TOW_FILE_MARK_MAX, LEDGER_OBJECT, file->size, LEDGER_ETAG_MAX, file->etag);
        return TOW_OK;
    }
    code = tow_file_mark_take(&mark, input, err);
    if (code == TOW_OK)
        tow_file_mark_text(&mark, text);
    return code;
}

static void ledger_judge_object(const struct tow_file *file, const char *recorded,
                                enum tow_file_verdict *verdict, char change[TOW_FILE_CHANGE_MAX])
{
    char now[TOW_FILE_MARK_MAX];

    tow_events_ledger_whole(file, NULL, now, NULL);
    *verdict = strcmp(recorded, now) == 0 ? TOW_FILE_DONE : TOW_FILE_CHANGED;
    snprintf(change, TOW_FILE_CHANGE_MAX, "has changed since it was read: %.100s then, %.100s now",
             recorded, now);
}

int tow_events_ledger_judge(const struct tow_host *host, const struct tow_file *file,
                            enum tow_file_verdict *verdict, char change[TOW_FILE_CHANGE_MAX],
                            struct tow_error *err)
{
    struct tow_file_mark mark;
    char text[TOW_FILE_MARK_MAX];
    int code;

    if (!file->etag) {
        code = tow_file_ledger_judge(host, file, verdict, &mark, err);
        if (code == TOW_OK && *verdict == TOW_FILE_CHANGED)
            tow_file_mark_describe(file, &mark, change);
        return code;
    }
    *verdict = TOW_FILE_NEW;
    code = tow_file_ledger_get(host, file->path, text, err);
    if (code == TOW_OK)
        ledger_judge_object(file, text, verdict, change);
    return code == TOW_END ? TOW_OK : code;
}

/* ---- files that are followed ---------------------------------------------------------------- */

int tow_events_identity_take(struct tow_events_identity *identity, const struct tow_input *input,
                             struct tow_error *err)
{
    char first[TOW_EVENTS_FIRST_MAX];
    struct tow_file file;
    const char *end;
    size_t length = 0;
    int code = tow_input_stat(input, &file, err);

    *identity = (struct tow_events_identity){0, 0};
    if (code == TOW_OK)
        code = tow_input_peek(input, 0, first, sizeof first, &length, err);
    if (code != TOW_OK)
        return code;
    end = memchr(first, '\n', length);
    if (!end && length < sizeof first)
        return TOW_OK;
    length = end ? (size_t)(end + 1 - first) : length;
    identity->inode = file.inode;
    identity->first = (uint32_t)crc32(0, (const unsigned char *)first, (uInt)length);
    return TOW_OK;
}

void tow_events_tail_key(struct tow_events_identity identity, char text[TOW_EVENTS_TAIL_MAX])
{
    snprintf(text, TOW_EVENTS_TAIL_MAX, LEDGER_TAIL, identity.inode, identity.first);
}

char *tow_events_tail_text(const struct tow_events_progress *progress, const char *path)
{
    char *text;

    return asprintf(&text, LEDGER_PROGRESS "%s", progress->offset, progress->line, path) < 0 ? NULL
                                                                                             : text;
}

int tow_events_tail_parse(const char *key, const void *value, uint32_t length,
                          struct tow_events_progress *progress, const char **path,
                          size_t *path_length)
{
    char text[96], again[TOW_EVENTS_TAIL_MAX];
    const char *line = memchr(value, '\n', length);
    size_t head = line ? (size_t)(line - (const char *)value) : length;

    if (!line || head >= sizeof text ||
        sscanf(key, TOW_EVENTS_TAIL_KEY "%" SCNu64 ":%8" SCNx32, &progress->identity.inode,
               &progress->identity.first) != 2)
        return TOW_END;
    memcpy(text, value, head);
    text[head] = '\0';
    tow_events_tail_key(progress->identity, again);
    if (strcmp(again, key) != 0 ||
        sscanf(text, "offset=%" SCNd64 " line=%" SCNd64, &progress->offset, &progress->line) != 2)
        return TOW_END;
    *path = line + 1;
    *path_length = length - head - 1;
    return progress->offset >= 0 && progress->line > 0 ? TOW_OK : TOW_END;
}

int tow_events_tail_get(const struct tow_host *host, struct tow_events_identity identity,
                        struct tow_events_progress *progress, struct tow_error *err)
{
    struct tow_position value = {.size = sizeof value};
    char key[TOW_EVENTS_TAIL_MAX];
    const char *path;
    size_t length;
    int code;

    *progress = (struct tow_events_progress){.identity = identity, .line = 1};
    tow_events_tail_key(identity, key);
    code = host->ledger_get(host, key, &value, err);
    if (code != TOW_OK)
        return code;
    if (tow_events_tail_parse(key, value.bytes, value.length, progress, &path, &length) == TOW_OK)
        return TOW_OK;
    return tow_error_set(err, TOW_E_ENV, "ledger entry \"%s\" is none of this plugin's", key);
}
