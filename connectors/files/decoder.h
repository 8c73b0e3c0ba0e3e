/*
 * How the compressed formats look to an input: one object that turns raw bytes into plain ones.
 */
#ifndef CONNECTORS_FILES_DECODER_H
#define CONNECTORS_FILES_DECODER_H

#include <stddef.h>

#include "connectors/files/raw.h"

/*
 * Puts up to `capacity` (not 0) plain bytes at `into`; *length is 0 at the end. Where bytes were
 * made before an error was met, they are returned first; the next call meets the error again.
 */
struct tow_decoder {
    int (*decode)(void *state, struct tow_raw *raw, void *into, size_t capacity, size_t *length,
                  struct tow_error *err);
    void (*free)(void *state);
    void *state;
};

/* TOW_OK, or TOW_E_NOMEM. */
int tow_gunzip_init(struct tow_decoder *decoder, struct tow_error *err);
int tow_unzstd_init(struct tow_decoder *decoder, struct tow_error *err);

#endif
