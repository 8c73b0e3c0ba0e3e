/* The bytes of a file as they lie there: a buffer over a descriptor that can be cancelled. */
#ifndef CONNECTORS_FILES_RAW_H
#define CONNECTORS_FILES_RAW_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/files/input.h"
#include "towpath/error.h"

struct tow_raw {
    char *path; /* for messages: "standard input" where that is meant */
    int fd;
    int own_fd; /* 1: closed on release */
    int cancel_fd;
    int regular;
    struct tow_reader reader; /* read NULL: fd is read */
    int at_end;               /* a read has found the end */
    unsigned char *buffer;
    size_t buffer_size;
    size_t at, filled; /* bytes [at, filled) of the buffer are not consumed yet */
    int64_t offset;    /* in the file, of the byte at `filled` */
};

int tow_raw_init(struct tow_raw *raw, const char *path, int cancel_fd, size_t buffer_size,
                 struct tow_error *err);
/* The reader is released in any case. */
int tow_raw_init_reader(struct tow_raw *raw, const char *name, const struct tow_reader *reader,
                        size_t buffer_size, struct tow_error *err);
void tow_raw_release(struct tow_raw *raw);

/* Offset in the file of the first byte that is not consumed. */
static inline int64_t tow_raw_offset(const struct tow_raw *raw)
{
    return raw->offset - (int64_t)(raw->filled - raw->at);
}

/* One read past the buffer, which must be empty. *length is 0 at the end. */
int tow_raw_read(struct tow_raw *raw, void *into, size_t capacity, size_t *length,
                 struct tow_error *err);

/* Reads more behind what the buffer holds, at least one byte unless the file ends (at_end). */
int tow_raw_fill(struct tow_raw *raw, struct tow_error *err);

#endif
