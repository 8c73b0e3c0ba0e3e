/*
 * The bytes of one file or of standard input, front to back, uncompressed on the way.
 *
 * gzip (also of many members, with zeros behind the last) and zstd (also of many frames) are known
 * by their first bytes, whatever the file is called; everything else is taken as it is.
 *
 * A large compressed file is uncompressed ahead of its reader, in a thread of the input's own,
 * where the process may run on more than one processor.
 *
 * Memory is bounded by two buffers and what the format needs: 32 KiB for gzip, for zstd the window
 * that the writer chose (8 MiB up to level 19; windows above 128 MiB are refused).
 *
 * One thread at a time.
 */
#ifndef CONNECTORS_FILES_INPUT_H
#define CONNECTORS_FILES_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/files/listing.h"
#include "towpath/error.h"

struct tow_input;

/* Bytes that come from elsewhere than a file of this machine. */
struct tow_reader {
    /* As tow_input_read; after TOW_E_TRANSIENT and TOW_E_RATE it goes on where it was. NULL: none.
     */
    int (*read)(void *context, void *into, size_t capacity, size_t *length, struct tow_error *err);
    void (*free)(void *context);
    void *context;
};

struct tow_input_options {
    int cancel_fd;      /* readable once reading shall stop; -1: none */
    size_t buffer_size; /* bytes of compressed input read at once; 0: 256 KiB */
};

/* Opens a path; "-" is standard input. NULL where that fails: TOW_E_ENV with path and reason. A
 * FIFO that nobody writes to yet is waited for by the first read. */
struct tow_input *tow_input_new(const char *path, const struct tow_input_options *options,
                                struct tow_error *err);
/* The same over a reader, which is the input's from then on, also on failure. `path` names it in
 * messages. */
struct tow_input *tow_input_new_reader(const char *path, const struct tow_reader *reader,
                                       const struct tow_input_options *options,
                                       struct tow_error *err);
void tow_input_free(struct tow_input *input);

/*
 * Puts 1 to `capacity` (not 0) bytes at `into`, and their number in *length: 0 at the end.
 *
 * What cannot be read (I/O error, damaged or cut compressed data, bytes behind the compressed data)
 * is TOW_E_ENV with path, offset in the file and reason. All bytes before the break are delivered
 * first; from then on each call returns that error again. TOW_E_CANCELLED within a second of
 * cancel_fd becoming readable.
 */
int tow_input_read(struct tow_input *input, void *into, size_t capacity, size_t *length,
                   struct tow_error *err);

/* 1 for a regular file that is not compressed; known once something was read. */
int tow_input_is_plain(const struct tow_input *input);

/* Uncompressed bytes handed out or skipped so far. */
int64_t tow_input_offset(const struct tow_input *input);

/* Goes forward to an uncompressed offset: by seeking in a plain file, otherwise by reading. An
 * input that ends before is TOW_E_ENV; an offset that lies behind is TOW_E_BUG. */
int tow_input_skip_to(struct tow_input *input, int64_t offset, struct tow_error *err);

/* What the open file is at the moment; not of a reader. path is borrowed from the input. */
int tow_input_stat(const struct tow_input *input, struct tow_file *out, struct tow_error *err);

/* Reads up to `capacity` of the file's own bytes (compressed, where it is) at `offset`, without
 * moving the input. Regular files only. *length is less than `capacity` at the end of the file. */
int tow_input_peek(const struct tow_input *input, int64_t offset, void *into, size_t capacity,
                   size_t *length, struct tow_error *err);

#endif
