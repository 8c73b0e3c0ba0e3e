/*
 * Flatbuffers for tests, written front to back: what an offset points to comes behind it. Tables
 * may be given members that no schema knows.
 */
#ifndef TESTS_UNIT_FLAT_WRITER_H
#define TESTS_UNIT_FLAT_WRITER_H

#include <stdlib.h>

#include "towpath/rowtext.h"

#define FLAT_OFFSET 0 /* width of a member that is an offset, which is set later */

struct flat_member {
    unsigned slot;
    size_t width; /* 1, 2, 4, 8 or FLAT_OFFSET */
    int64_t value;
};

/* What a writer of tests and benches takes for granted. */
static inline void flat_require(int is_so)
{
    if (!is_so)
        abort();
}

/* Puts the offset that lies first, of the root table. Returns where it lies. */
size_t flat_begin(struct tow_buffer *out);
/* Puts a table that the offset at `from` then points to. places[i] is where members[i] lies, for
 * offsets to be set. Returns where the table lies. */
size_t flat_table(struct tow_buffer *out, size_t from, const struct flat_member *members,
                  size_t count, size_t *places);
void flat_string(struct tow_buffer *out, size_t from, const char *text);
/* Puts a vector; bytes NULL: zeros. Returns where its first element lies. */
size_t flat_vector(struct tow_buffer *out, size_t from, size_t count, size_t width,
                   const void *bytes);
void flat_align(struct tow_buffer *out, size_t alignment);
/* Lets the offset at `from` point to `to`, which lies behind it. */
void flat_point(struct tow_buffer *out, size_t from, size_t to);

#endif
