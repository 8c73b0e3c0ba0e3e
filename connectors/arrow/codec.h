/* Buffers of a record batch that were compressed one by one. */
#ifndef CONNECTORS_ARROW_CODEC_H
#define CONNECTORS_ARROW_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

/* As the metadata number them. */
enum tow_ipc_compression { TOW_IPC_LZ4_FRAME = 0, TOW_IPC_ZSTD = 1 };

/* Zero-initialized is valid. */
struct tow_ipc_codec {
    enum tow_ipc_compression compression;
    struct LZ4F_dctx_s *lz4; /* each made when it is needed first */
    struct ZSTD_DCtx_s *zstd;
};

/* Some bytes of a message, borrowed. */
struct tow_ipc_span {
    const uint8_t *bytes;
    size_t length;
};

/* Decompresses to exactly `length` bytes at `out`; TOW_E_DATA where there are more or fewer. */
int tow_ipc_codec_run(struct tow_ipc_codec *codec, struct tow_ipc_span in, uint8_t *out,
                      size_t length, struct tow_error *err);
void tow_ipc_codec_release(struct tow_ipc_codec *codec);

#endif
