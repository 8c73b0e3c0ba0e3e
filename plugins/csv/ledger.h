/*
 * incremental = "file": which files have been loaded, and whether they are still what they were.
 *
 * The ledger has an entry "file:PATH" for each file that was read to its end, written together with
 * the checkpoint behind its last row: its mark.
 */
#ifndef PLUGINS_CSV_LEDGER_H
#define PLUGINS_CSV_LEDGER_H

#include "connectors/files/mark.h"
#include "towpath/error.h"
#include "towpath/plugin.h"

enum tow_csv_verdict {
    TOW_CSV_NEW,
    TOW_CSV_DONE,
    TOW_CSV_CHANGED,
};

/* The ledger's key of a file; heap. NULL: out of memory. */
char *tow_csv_ledger_key(const char *path);

/* What the ledger says of a file; *recorded is filled unless it is new. */
int tow_csv_ledger_judge(const struct tow_host *host, const struct tow_file *file,
                         enum tow_csv_verdict *verdict, struct tow_file_mark *recorded,
                         struct tow_error *err);

#endif
