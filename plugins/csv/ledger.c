#include "plugins/csv/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *tow_csv_ledger_key(const char *path)
{
    char *key;

    return asprintf(&key, "file:%s", path) < 0 ? NULL : key;
}

int tow_csv_ledger_judge(const struct tow_host *host, const struct tow_file *file,
                         enum tow_csv_verdict *verdict, struct tow_file_mark *recorded,
                         struct tow_error *err)
{
    struct tow_position value = {.size = sizeof value};
    char text[TOW_FILE_MARK_MAX] = "";
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
    code = tow_file_mark_parse(recorded, text, err);
    if (code != TOW_OK)
        return tow_error_prefix(err, "%s", file->path);
    *verdict = recorded->size == file->size && recorded->mtime_ns == file->mtime_ns
                   ? TOW_CSV_DONE
                   : TOW_CSV_CHANGED;
    return TOW_OK;
}
