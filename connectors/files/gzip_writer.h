/*
 * A gzip stream in members: behind the end of any member it can be cut, or another be added, and
 * is still a whole gzip file (RFC 1952, section 2.2).
 *
 * Text is compressed in chunks of TOW_GZIP_CHUNK or a bit more, each for itself, so that several
 * can be worked on at once; a member has as many as come before its end. How large they are depends
 * on what is written alone: the same calls make the same bytes with and without helpers.
 */
#ifndef CONNECTORS_FILES_GZIP_WRITER_H
#define CONNECTORS_FILES_GZIP_WRITER_H

#include <stddef.h>

#include "towpath/error.h"
#include "towpath/rowtext.h"

/* Levels, the same for every library behind it: 1 is fastest, 9 smallest. The default is the one
 * that the library is best at. */
#define TOW_GZIP_LEVEL_DEFAULT 0
#define TOW_GZIP_LEVEL_MAX     9

#define TOW_GZIP_CHUNK (128u << 10)

/* Where compressed bytes go; all of them, or an error. Called by the thread that writes. */
struct tow_gzip_drain {
    int (*put)(void *context, const void *bytes, size_t length, struct tow_error *err);
    void *context;
};

struct tow_gzip_writer;

struct tow_gzip_writer *tow_gzip_writer_new(int level, struct tow_gzip_drain drain,
                                            struct tow_error *err);
void tow_gzip_writer_free(struct tow_gzip_writer *writer);

/* Lets threads compress, from the first full chunk on, where this process has more than one
 * processor. Before the first write. */
void tow_gzip_writer_use_helpers(struct tow_gzip_writer *writer);

/* Compresses; the first bytes begin a member. After an error only free may follow. */
int tow_gzip_writer_write(struct tow_gzip_writer *writer, const void *bytes, size_t length,
                          struct tow_error *err);
/* The same for all that is in `text`, which is empty then. It is not copied where it is about as
 * large as a chunk. */
int tow_gzip_writer_take(struct tow_gzip_writer *writer, struct tow_buffer *text,
                         struct tow_error *err);

/* Ends the open member, beginning one first where none is open: every call adds a whole member. */
int tow_gzip_writer_end_member(struct tow_gzip_writer *writer, struct tow_error *err);
/* These bytes as a whole member, behind the end of another. */
int tow_gzip_writer_member(struct tow_gzip_writer *writer, const void *bytes, size_t length,
                           struct tow_error *err);

/* 1 between the first write and the end of a member. */
int tow_gzip_writer_is_open(const struct tow_gzip_writer *writer);

#endif
