#include "plugins/shared/file_ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *tow_file_ledger_key(const char *path)
{
    char *key;

    return asprintf(&key, "file:%s", path) < 0 ? NULL : key;
}

int tow_file_ledger_get(const struct tow_host *host, const char *path, char text[TOW_FILE_MARK_MAX],
                        struct tow_error *err)
{
    struct tow_position value = {.size = sizeof value};
    char *key = tow_file_ledger_key(path);
    int code;

    memset(text, 0, TOW_FILE_MARK_MAX);
    if (!key)
        return tow_error_nomem(err);
    code = host->ledger_get(host, key, &value, err);
    free(key);
    if (code == TOW_OK && value.length < TOW_FILE_MARK_MAX)
        memcpy(text, value.bytes, value.length);
    return code;
}

int tow_file_ledger_judge(const struct tow_host *host, const struct tow_file *file,
                          enum tow_file_verdict *verdict, struct tow_file_mark *recorded,
                          struct tow_error *err)
{
    char text[TOW_FILE_MARK_MAX];
    int code = tow_file_ledger_get(host, file->path, text, err);

    *verdict = TOW_FILE_NEW;
    if (code != TOW_OK)
        return code == TOW_END ? TOW_OK : code;
    code = tow_file_mark_parse(recorded, text, err);
    if (code != TOW_OK)
        return tow_error_prefix(err, "%s", file->path);
    *verdict = recorded->size == file->size && recorded->mtime_ns == file->mtime_ns
                   ? TOW_FILE_DONE
                   : TOW_FILE_CHANGED;
    return TOW_OK;
}
