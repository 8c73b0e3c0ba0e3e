/*
 * Which files have been loaded, and whether they are still what they were.
 *
 * The ledger has an entry "file:PATH" for each file that was read to its end, written together with
 * the checkpoint behind its last row: its mark (connectors/files/mark.h), or what else a plugin
 * knows a file by.
 */
#ifndef PLUGINS_SHARED_FILE_LEDGER_H
#define PLUGINS_SHARED_FILE_LEDGER_H

#include "connectors/files/mark.h"
#include "towpath/error.h"
#include "towpath/plugin.h"

enum tow_file_verdict {
    TOW_FILE_NEW,
    TOW_FILE_DONE,
    TOW_FILE_CHANGED,
};

/* The ledger's key of a file; heap. NULL: out of memory. */
char *tow_file_ledger_key(const char *path);

/* A file's entry as text, or TOW_END where there is none. An entry that is too long for a mark is
 * empty text. */
int tow_file_ledger_get(const struct tow_host *host, const char *path, char text[TOW_FILE_MARK_MAX],
                        struct tow_error *err);
/* What the ledger says of a file that is known by its mark; *recorded is filled unless it is new.
 */
int tow_file_ledger_judge(const struct tow_host *host, const struct tow_file *file,
                          enum tow_file_verdict *verdict, struct tow_file_mark *recorded,
                          struct tow_error *err);

#endif
