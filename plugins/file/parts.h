/*
 * The files of one load: written one after the other under hidden names, all of them published in
 * the end. Standard output is a single part that is never published.
 */
#ifndef PLUGINS_FILE_PARTS_H
#define PLUGINS_FILE_PARTS_H

#include <stddef.h>

#include "connectors/files/output.h"
#include "connectors/files/output_lock.h"
#include "plugins/file/target.h"
#include "towpath/plugin.h"

struct tow_file_parts {
    const struct tow_file_target *target; /* borrowed */
    int cancel_fd;
    struct tow_output_lock *lock;
    uint64_t part;             /* the one being written, from 1 */
    uint64_t length;           /* of it, durable */
    struct tow_output *output; /* NULL: closed, or published by an earlier process */
};

/* Takes the lock and begins part 1. Zero-initialized or closed before. */
int tow_file_parts_create(struct tow_file_parts *parts, const struct tow_file_target *target,
                          int cancel_fd, struct tow_error *err);
/* Takes the lock and goes on with a part at its durable length; what lies behind is cut off. */
int tow_file_parts_continue(struct tow_file_parts *parts, const struct tow_file_target *target,
                            uint64_t part, uint64_t length, struct tow_error *err);
/* Closes what is open and drops the lock; files stay as they are. */
void tow_file_parts_close(struct tow_file_parts *parts);

/* After an error of these three only close may follow. Takes all that is in `text`, which is empty
 * then. */
int tow_file_parts_write(struct tow_file_parts *parts, struct tow_buffer *text,
                         struct tow_error *err);
/* Makes the part durable and sets `length`. */
int tow_file_parts_sync(struct tow_file_parts *parts, struct tow_error *err);
/* Completes the part and begins the next one. */
int tow_file_parts_next(struct tow_file_parts *parts, struct tow_error *err);

/* Gives all parts, synced, their final names, in their order; a second time finds it done. */
int tow_file_parts_publish(struct tow_file_parts *parts, struct tow_error *err);

/* How many parts of an earlier, longer result stand behind those of this load. */
int tow_file_parts_stale(const struct tow_file_parts *parts, uint64_t *count,
                         struct tow_error *err);

#endif
