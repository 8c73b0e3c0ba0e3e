/* An input as a reader of files (connectors/files/input.h): at most `step` bytes at a time. */
#ifndef TESTS_FUZZ_MEMORY_H
#define TESTS_FUZZ_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "towpath/error.h"

struct memory {
    const uint8_t *data;
    size_t size, at, step;
};

static inline int memory_read(void *context, void *into, size_t capacity, size_t *length,
                              struct tow_error *err)
{
    struct memory *memory = context;
    size_t left = memory->size - memory->at;

    (void)err;
    *length = left < memory->step ? left : memory->step;
    if (*length > capacity)
        *length = capacity;
    if (*length)
        memcpy(into, memory->data + memory->at, *length);
    memory->at += *length;
    return TOW_OK;
}

static inline void memory_free(void *context)
{
    (void)context;
}

#endif
