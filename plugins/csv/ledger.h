/*
 * incremental = "file": which files have been loaded, and whether they are still what they were.
 *
 * The ledger has an entry "file:PATH" for each file that was read to its end, written together with
 * the checkpoint behind its last row. Two numbers decide: a file whose size and modification time
 * are as recorded is done, any other has changed. Checksums of its first and last bytes only serve
 * to say how.
 */
#ifndef PLUGINS_CSV_LEDGER_H
#define PLUGINS_CSV_LEDGER_H

#include <stdint.h>

#include "connectors/files/input.h"
#include "connectors/files/listing.h"
#include "towpath/error.h"
#include "towpath/plugin.h"

#define TOW_CSV_MARK_MAX 128

/* A file as it was read. Head and tail are CRC-32 of its first and last 4 KiB. */
struct tow_csv_mark {
    int64_t size, mtime_ns;
    uint32_t head, tail;
};

enum tow_csv_verdict {
    TOW_CSV_NEW,
    TOW_CSV_DONE,
    TOW_CSV_CHANGED,
};

/* Looks at an open file. */
int tow_csv_mark_take(struct tow_csv_mark *mark, const struct tow_input *input,
                      struct tow_error *err);
void tow_csv_mark_text(const struct tow_csv_mark *mark, char text[TOW_CSV_MARK_MAX]);
/* TOW_E_ENV where the text is no mark. */
int tow_csv_mark_parse(struct tow_csv_mark *mark, const char *text, struct tow_error *err);

/* The ledger's key of a file; heap. NULL: out of memory. */
char *tow_csv_ledger_key(const char *path);

/* What the ledger says of a file; *recorded is filled unless it is new. */
int tow_csv_ledger_judge(const struct tow_host *host, const struct tow_file *file,
                         enum tow_csv_verdict *verdict, struct tow_csv_mark *recorded,
                         struct tow_error *err);

/* One line that says how a file differs from what was recorded, with both sizes and times. */
#define TOW_CSV_CHANGE_MAX 256
void tow_csv_ledger_describe(const struct tow_file *file, const struct tow_csv_mark *recorded,
                             char text[TOW_CSV_CHANGE_MAX]);

#endif
