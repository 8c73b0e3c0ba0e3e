/*
 * What the fuzz targets of Arrow IPC streams share. The first byte of an input says how the rest is
 * read: bit 0, in LZ4 frames; bits 1 and 2, in pieces of all, 1, 7 or 64 bytes.
 */
#ifndef TESTS_FUZZ_FUZZ_ARROW_H
#define TESTS_FUZZ_FUZZ_ARROW_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "connectors/arrow/ipc.h"

#define FUZZ_LIMIT ((size_t)1 << 20) /* bytes of a record batch */

static inline void demand(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

typedef void fuzz_arrow_visit(const struct tow_ipc_batch *batch, void *context);

/* Reads a piece; 1 where the stream goes on. */
static inline int fuzz_arrow_piece(struct tow_ipc *ipc, const uint8_t *bytes, size_t length,
                                   fuzz_arrow_visit *visit, void *context)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_ipc_batch batch;
    size_t used;
    int code;

    for (;;) {
        code = tow_ipc_read(ipc, bytes, length, &used, &batch, &err);
        demand(used <= length, "no more is used than there is");
        bytes += used;
        length -= used;
        if (code != TOW_OK)
            break;
        visit(&batch, context);
        tow_ipc_memory_unref(batch.memory);
    }
    demand(code == TOW_END || code == TOW_E_DATA || code == TOW_E_UNSUPPORTED,
           "bytes are damaged or unsupported, or more are needed");
    demand(code != TOW_END || length == 0, "all bytes are used before more are asked for");
    demand(code == TOW_END || err.message[0], "an error has a message");
    return code == TOW_END;
}

static inline void fuzz_arrow(const uint8_t *data, size_t size, fuzz_arrow_visit *visit,
                              void *context)
{
    static const size_t pieces[] = {SIZE_MAX, 1, 7, 64};
    struct tow_error err = TOW_ERROR_INIT;
    size_t piece;
    struct tow_ipc *ipc;
    int goes_on = 1;

    if (size == 0)
        return;
    ipc = tow_ipc_new(data[0] & 1 ? TOW_IPC_LZ4_FRAMES : TOW_IPC_PLAIN, FUZZ_LIMIT, &err);
    demand(ipc != NULL, "there is memory");
    piece = pieces[data[0] >> 1 & 3];
    for (data++, size--; size > 0 && goes_on;) {
        size_t length = piece < size ? piece : size;

        goes_on = fuzz_arrow_piece(ipc, data, length, visit, context);
        data += length;
        size -= length;
    }
    if (goes_on)
        (void)tow_ipc_end(ipc, &err);
    tow_ipc_free(ipc);
}

#endif
