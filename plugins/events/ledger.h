/*
 * What the ledger keeps: which files were read, and how far those that grow.
 *
 *   file:PATH          a file that was read to its end (plugins/shared/file_ledger.h), or an object
 *                      with its size and entity tag
 *   tail:INODE:FIRST   a file that is followed: how far it was read, and its path at the time. It
 *                      is known again by its inode and the CRC-32 of its first line, whatever it
 *                      is called, so a rotated file is the same one and a new one is not. (Device
 *                      numbers change from boot to boot on some file systems, so they have no say.)
 *   start              what was there when `start_from_end` began was passed over
 *
 * Each is written together with the checkpoint behind the last row that it tells of.
 */
#ifndef PLUGINS_EVENTS_LEDGER_H
#define PLUGINS_EVENTS_LEDGER_H

#include <stdint.h>

#include "connectors/files/input.h"
#include "connectors/files/listing.h"
#include "connectors/files/mark.h"
#include "plugins/shared/file_ledger.h"
#include "towpath/error.h"
#include "towpath/plugin.h"

#define TOW_EVENTS_START_KEY "start"
#define TOW_EVENTS_TAIL_KEY  "tail:"
#define TOW_EVENTS_TAIL_MAX  48
/* Bytes of a first line that tell files apart. */
#define TOW_EVENTS_FIRST_MAX 4096

/* A file that is followed. inode 0: not known. */
struct tow_events_identity {
    uint64_t inode;
    uint32_t first;
};

/* How far it was read. */
struct tow_events_progress {
    struct tow_events_identity identity;
    int64_t offset, line; /* of the next record */
};

static inline int tow_events_identity_is(struct tow_events_identity a, struct tow_events_identity b)
{
    return a.inode == b.inode && a.first == b.first;
}

/* ---- whole files ---------------------------------------------------------------------------- */

/* The entry of a file at its end: an open one, or an object, whose input may be NULL. */
int tow_events_ledger_whole(const struct tow_file *file, const struct tow_input *input,
                            char text[TOW_FILE_MARK_MAX], struct tow_error *err);

/* What the ledger says of a file. Where it has changed, *change says how. */
int tow_events_ledger_judge(const struct tow_host *host, const struct tow_file *file,
                            enum tow_file_verdict *verdict, char change[TOW_FILE_CHANGE_MAX],
                            struct tow_error *err);

/* ---- files that are followed ---------------------------------------------------------------- */

/* Looks at an open regular file; inode 0 while it has no whole first line. */
int tow_events_identity_take(struct tow_events_identity *identity, const struct tow_input *input,
                             struct tow_error *err);
void tow_events_tail_key(struct tow_events_identity identity, char text[TOW_EVENTS_TAIL_MAX]);
/* Heap. NULL: out of memory. */
char *tow_events_tail_text(const struct tow_events_progress *progress, const char *path);
/* TOW_OK, or TOW_END where the ledger does not know it: then progress is that of a new file. */
int tow_events_tail_get(const struct tow_host *host, struct tow_events_identity identity,
                        struct tow_events_progress *progress, struct tow_error *err);
/* An entry as tow_host.ledger_each has it; path is part of the value, without a NUL behind. TOW_END
 * where it is none. */
int tow_events_tail_parse(const char *key, const void *value, uint32_t length,
                          struct tow_events_progress *progress, const char **path,
                          size_t *path_length);

#endif
