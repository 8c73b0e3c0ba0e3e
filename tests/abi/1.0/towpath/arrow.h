/*
 * towpath/arrow.h - the Arrow C data interface.
 *
 * Layout and names are fixed by the specification of the Apache Arrow project ("The Arrow C data
 * interface"), so that a batch can leave for, or come from, any library that speaks it. The
 * include guard is the one that the specification prescribes.
 *
 * Ownership, in the specification's words made short: a structure with release == NULL is
 * released; whoever holds a structure calls release once; moving is copying the bytes and setting
 * the source's release to NULL; a child may be moved out of its parent before the parent goes.
 */
#ifndef TOWPATH_ARROW_H
#define TOWPATH_ARROW_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE           2
#define ARROW_FLAG_MAP_KEYS_SORTED    4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count; /* -1 where not counted */
    int64_t offset;     /* rows to skip in every buffer */
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

#ifdef __cplusplus
}
#endif
#endif
