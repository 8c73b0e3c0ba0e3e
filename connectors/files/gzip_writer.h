/*
 * A gzip stream in members: behind the end of any member it can be cut, or another be added, and
 * is still a whole gzip file (RFC 1952, section 2.2).
 */
#ifndef CONNECTORS_FILES_GZIP_WRITER_H
#define CONNECTORS_FILES_GZIP_WRITER_H

#include <stddef.h>

#include "towpath/error.h"

/* Levels, the same for every library behind it: 1 is fastest, 9 smallest. The default is the one
 * that the library is best at. */
#define TOW_GZIP_LEVEL_DEFAULT 0
#define TOW_GZIP_LEVEL_MAX     9

/* Where compressed bytes go; all of them, or an error. */
struct tow_gzip_drain {
    int (*put)(void *context, const void *bytes, size_t length, struct tow_error *err);
    void *context;
};

struct tow_gzip_writer;

/* All memory that it ever needs is taken here. */
struct tow_gzip_writer *tow_gzip_writer_new(int level, struct tow_gzip_drain drain,
                                            struct tow_error *err);
void tow_gzip_writer_free(struct tow_gzip_writer *writer);

/* Compresses; the first bytes begin a member. After an error only free may follow. */
int tow_gzip_writer_write(struct tow_gzip_writer *writer, const void *bytes, size_t length,
                          struct tow_error *err);

/* Ends the open member, beginning one first where none is open: every call adds a whole member. */
int tow_gzip_writer_end_member(struct tow_gzip_writer *writer, struct tow_error *err);

/* 1 between the first write and the end of a member. */
int tow_gzip_writer_is_open(const struct tow_gzip_writer *writer);

#endif
