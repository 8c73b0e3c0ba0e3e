/*
 * From what a user calls "the input" to the files that it means.
 */
#ifndef CONNECTORS_FILES_LISTING_H
#define CONNECTORS_FILES_LISTING_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

struct stat;

struct tow_file {
    char *path; /* as opened; "-" is standard input */
    int64_t size;
    int64_t mtime_ns; /* since 1970 UTC */
    uint64_t device, inode;
    char *etag;    /* of an object in a store: what it is known by, with its size; NULL: a file */
    int is_stream; /* 1: standard input, a FIFO or a device: its bytes can be read once only */
    int is_lost;   /* 1: put into the list by its inode, not by what the user calls the input */
};

/* Files sorted by the bytes of their paths. Zero-initialized is empty and valid. */
struct tow_listing {
    struct tow_file *files;
    size_t count;
};

/*
 * Lists what `spec` names:
 *   "-"          standard input
 *   a file       that file; also a FIFO or a device
 *   a folder     the regular files in it, not those below it and none whose name starts with "."
 *   a pattern    with * ? [ ]: the regular files that match; "*" does not match a leading "."
 * Something that exists under exactly that name is not taken for a pattern. Symbolic links are
 * followed. Files that vanish while a folder is read, and links to nothing in it, are left out.
 *
 * A folder or pattern without files is an empty list. A named file that is missing, a pattern's
 * folder that is, and any listed file or folder that may not be read, are TOW_E_ENV.
 */
int tow_listing_init(struct tow_listing *listing, const char *spec, struct tow_error *err);
void tow_listing_release(struct tow_listing *listing);

/* Adds a file at the end; takes `path`, which is freed also on failure. Afterwards the list is to
 * be sorted. */
int tow_listing_add(struct tow_listing *listing, char *path, const struct stat *st,
                    struct tow_error *err);
/* The same with a file whose texts are heap; they are the list's or freed afterwards. */
int tow_listing_take(struct tow_listing *listing, struct tow_file *file, struct tow_error *err);
void tow_listing_sort(struct tow_listing *listing);

/* Fills file from what the system says of it; path is stored as it is. */
void tow_file_set(struct tow_file *file, char *path, const struct stat *st);

#endif
