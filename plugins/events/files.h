/*
 * The files that a job's path names, what is known of each, and which of them are to be read.
 *
 * In a job that follows files (`tail`), a file is known by its inode and first line, and how far it
 * was read; in any other by its path, size and modification time.
 */
#ifndef PLUGINS_EVENTS_FILES_H
#define PLUGINS_EVENTS_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/files/listing.h"
#include "plugins/events/ledger.h"
#include "towpath/error.h"
#include "towpath/plugin.h"

struct tow_events_source;

struct tow_events_file {
    struct tow_file file;
    int is_due;      /* 1: there is something to read */
    int is_followed; /* 1: as far as it is known, a file of lines that may grow */
    int is_resumed;  /* 1: the load was in its middle, at source->position */
    int is_origin;   /* 1: its path was handed out */
    int is_lost;     /* 1: the path does not name it; it is read if it is the one that was read
                        before, under another name (a rotated file) */
    int64_t seen;    /* its size when it was last read to its end; -1: it was not */
};

/* Sorted by path. Zero-initialized is empty and valid. */
struct tow_events_files {
    struct tow_events_file *items;
    size_t count;
    /* Files that this instance has followed: sorted by identity. The ledger is behind. */
    struct tow_events_progress *known;
    size_t known_count, known_capacity;
    char **retired; /* paths that were handed out, of files that are not listed any more */
    size_t retired_count, retired_capacity;
    int looks_at_tails; /* 1: the ledger may know files as followed */
};

void tow_events_files_release(struct tow_events_files *files);

/* Lists the files anew, and judges those that are new or have changed. */
int tow_events_files_refresh(struct tow_events_source *source, struct tow_error *err);
/* After the first time: makes those not due that the load was through with, and finds the one in
 * whose middle it was. */
int tow_events_files_resume(struct tow_events_source *source, struct tow_error *err);

/* How far a file was read: by this instance, else as the ledger has it, else not at all, which is
 * TOW_END. */
int tow_events_files_progress(const struct tow_events_source *source,
                              struct tow_events_identity identity,
                              struct tow_events_progress *progress, struct tow_error *err);
/* Remembers it. */
int tow_events_files_note(struct tow_events_files *files,
                          const struct tow_events_progress *progress, struct tow_error *err);

/* ---- lost.c --------------------------------------------------------------------------------- */

/* Adds to the listing what was followed, is not in it, and lies in its old folder under another
 * name: *first_lost is where those begin. `old`: the files before. */
int tow_events_files_find_lost(struct tow_events_source *source, const struct tow_events_files *old,
                               struct tow_listing *listing, struct tow_error *err);

#endif
