/* What the parts of a reject reader share: lines (reject_reader.c), the header (reject_header.c),
 * values (reject_parse.c). */
#ifndef CORE_STATE_REJECT_READER_H
#define CORE_STATE_REJECT_READER_H

#include "state/rejects.h"

/* As deep as tow_json_valid goes. */
#define REJECT_DEPTH_MAX 4096

/* Room that parsing uses again for each line. */
struct reject_scratch {
    struct tow_buffer key, value;
    unsigned char *seen; /* of each column: 1 where the row had it */
};

struct tow_reject_reader {
    char *path;
    int fd;
    int64_t valid;       /* bytes of the file that count */
    int64_t taken;       /* bytes of them that have been read */
    int64_t line_number; /* of the line last handed out, from 1 */
    char *data;          /* the bytes read and not yet handed out are [start, end) */
    size_t capacity, start, end;
    struct ArrowSchema schema;
    struct tow_field *fields; /* names borrowed from schema */
    struct reject_scratch *scratch;
};

/* Takes the columns from the first line ("" for none): fills schema, fields and scratch->seen. */
int tow_reject_header_parse(struct tow_reject_reader *reader, const char *line, size_t length,
                            struct tow_error *err);

#endif
