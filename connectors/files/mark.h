/*
 * A file as it was when it was read, in a line of text that can be kept, and how one that was read
 * before differs from it now.
 *
 * Two numbers decide: a file whose size and modification time are as they were is the same, any
 * other has changed. Checksums of its first and last bytes only serve to say how.
 */
#ifndef CONNECTORS_FILES_MARK_H
#define CONNECTORS_FILES_MARK_H

#include <stdint.h>

#include "connectors/files/input.h"
#include "connectors/files/listing.h"
#include "towpath/error.h"

#define TOW_FILE_MARK_MAX 128

/* Head and tail are CRC-32 of its first and last 4 KiB. */
struct tow_file_mark {
    int64_t size, mtime_ns;
    uint32_t head, tail;
};

/* Looks at an open file. */
int tow_file_mark_take(struct tow_file_mark *mark, const struct tow_input *input,
                       struct tow_error *err);
void tow_file_mark_text(const struct tow_file_mark *mark, char text[TOW_FILE_MARK_MAX]);
/* TOW_E_ENV where the text is no mark. */
int tow_file_mark_parse(struct tow_file_mark *mark, const char *text, struct tow_error *err);

/* One line that says how a file differs from what was recorded, with both sizes and times. */
#define TOW_FILE_CHANGE_MAX 256
void tow_file_mark_describe(const struct tow_file *file, const struct tow_file_mark *recorded,
                            char text[TOW_FILE_CHANGE_MAX]);

#endif
