#include "config.h"

#include <inttypes.h>
#include <stdlib.h>

#include "connectors/files/decoder.h"

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

#define GUNZIP_STEP (1u << 30) /* the libraries count in 32 bits */

enum gunzip_state {
    GUNZIP_MEMBER,  /* inside a member, or before the first */
    GUNZIP_BETWEEN, /* behind a whole member */
    GUNZIP_PADDING, /* among the zeros behind the last one */
};

/* What a step of the library said. */
enum gunzip_result {
    GUNZIP_GOES_ON,
    GUNZIP_MEMBER_ENDS,
    GUNZIP_IS_DAMAGED,
};

struct gunzip {
#ifdef HAVE_ISAL
    struct inflate_state stream;
    struct isal_gzip_header header; /* as far as it has been read */
#else
    z_stream stream;
#endif
    enum gunzip_state state;
    int is_damaged; /* the library need not say so twice */
};

/* ---- the library underneath ----------------------------------------------------------------- */

#ifdef HAVE_ISAL

static int gunzip_stream_init(struct gunzip *gunzip)
{
    isal_inflate_init(&gunzip->stream);
    isal_gzip_header_init(&gunzip->header);
    gunzip->stream.crc_flag = ISAL_GZIP;
    return 0;
}

static void gunzip_stream_reset(struct gunzip *gunzip)
{
    isal_inflate_reset(&gunzip->stream);
    isal_gzip_header_init(&gunzip->header);
    gunzip->stream.crc_flag = ISAL_GZIP;
}

static void gunzip_stream_release(struct gunzip *gunzip)
{
    (void)gunzip;
}

/* The header by a call of its own: isal_inflate forgets, where the input ends within one, what it
 * has seen of it. */
static enum gunzip_result gunzip_stream_run(struct gunzip *gunzip)
{
    int result = ISAL_DECOMP_OK;

    if (!gunzip->stream.wrapper_flag)
        result = isal_read_gzip_header(&gunzip->stream, &gunzip->header);
    if (result == ISAL_END_INPUT)
        return GUNZIP_GOES_ON;
    if (result == ISAL_DECOMP_OK)
        result = isal_inflate(&gunzip->stream);
    if (gunzip->stream.block_state == ISAL_BLOCK_FINISH && result == ISAL_DECOMP_OK)
        return GUNZIP_MEMBER_ENDS;
    return result < 0 || result == ISAL_NEED_DICT ? GUNZIP_IS_DAMAGED : GUNZIP_GOES_ON;
}

#else

static int gunzip_stream_init(struct gunzip *gunzip)
{
    return inflateInit2(&gunzip->stream, 16 + MAX_WBITS) == Z_OK ? 0 : -1;
}

static void gunzip_stream_reset(struct gunzip *gunzip)
{
    (void)inflateReset(&gunzip->stream);
}

static void gunzip_stream_release(struct gunzip *gunzip)
{
    (void)inflateEnd(&gunzip->stream);
}

static enum gunzip_result gunzip_stream_run(struct gunzip *gunzip)
{
    int result = inflate(&gunzip->stream, Z_NO_FLUSH);

    if (result == Z_STREAM_END)
        return GUNZIP_MEMBER_ENDS;
    /* Z_BUF_ERROR: no progress without more input. */
    return result == Z_OK || result == Z_BUF_ERROR ? GUNZIP_GOES_ON : GUNZIP_IS_DAMAGED;
}

#endif

/* ---- members -------------------------------------------------------------------------------- */

static int gunzip_member(struct gunzip *gunzip, struct tow_raw *raw, void *into, size_t capacity,
                         size_t *length, struct tow_error *err)
{
    uint32_t in =
        raw->filled - raw->at < GUNZIP_STEP ? (uint32_t)(raw->filled - raw->at) : GUNZIP_STEP;
    uint32_t out = capacity < GUNZIP_STEP ? (uint32_t)capacity : GUNZIP_STEP;
    enum gunzip_result result = GUNZIP_GOES_ON;

    gunzip->stream.next_in = raw->buffer + raw->at;
    gunzip->stream.avail_in = in;
    gunzip->stream.next_out = into;
    gunzip->stream.avail_out = out;
    if (!gunzip->is_damaged)
        result = gunzip_stream_run(gunzip);
    raw->at += in - gunzip->stream.avail_in;
    *length = out - gunzip->stream.avail_out;
    if (result == GUNZIP_IS_DAMAGED)
        gunzip->is_damaged = 1;
    if (gunzip->is_damaged && *length > 0)
        return TOW_OK;
    if (gunzip->is_damaged)
        return tow_error_set(err, TOW_E_ENV, "%s: the gzip data is damaged near offset %" PRId64,
                             raw->path, tow_raw_offset(raw));
    if (result == GUNZIP_MEMBER_ENDS)
        gunzip->state = GUNZIP_BETWEEN;
    else if (*length == 0 && raw->at == raw->filled && raw->at_end)
        return tow_error_set(err, TOW_E_ENV,
                             "%s ends in the middle of a gzip member, at offset %" PRId64,
                             raw->path, tow_raw_offset(raw));
    return TOW_OK;
}

/* Behind a member: another one, or zeros up to the end, as tapes and block devices leave them. */
static int gunzip_between(struct gunzip *gunzip, struct tow_raw *raw, struct tow_error *err)
{
    while (raw->at < raw->filled && raw->buffer[raw->at] == 0) {
        gunzip->state = GUNZIP_PADDING;
        raw->at++;
    }
    if (raw->at == raw->filled)
        return TOW_OK;
    if (gunzip->state == GUNZIP_PADDING || raw->buffer[raw->at] != 0x1F)
        return tow_error_set(err, TOW_E_ENV,
                             "%s: at offset %" PRId64
                             ", behind the gzip data, there are bytes that do not belong to it",
                             raw->path, tow_raw_offset(raw));
    gunzip_stream_reset(gunzip);
    gunzip->state = GUNZIP_MEMBER;
    return TOW_OK;
}

static int gunzip_decode(void *state, struct tow_raw *raw, void *into, size_t capacity,
                         size_t *length, struct tow_error *err)
{
    struct gunzip *gunzip = state;
    int code = TOW_OK;

    *length = 0;
    while (code == TOW_OK && *length == 0) {
        int is_empty = raw->at == raw->filled;

        if (is_empty && raw->at_end && gunzip->state != GUNZIP_MEMBER)
            return TOW_OK;
        /* Output that the library still holds comes without input, so it is asked first. */
        if (gunzip->state == GUNZIP_MEMBER)
            code = gunzip_member(gunzip, raw, into, capacity, length, err);
        else if (!is_empty)
            code = gunzip_between(gunzip, raw, err);
        if (code == TOW_OK && *length == 0 && raw->at == raw->filled && !raw->at_end)
            code = tow_raw_fill(raw, err);
    }
    return code;
}

static void gunzip_free(void *state)
{
    if (state)
        gunzip_stream_release(state);
    free(state);
}

int tow_gunzip_init(struct tow_decoder *decoder, struct tow_error *err)
{
    struct gunzip *gunzip = calloc(1, sizeof *gunzip);

    if (!gunzip || gunzip_stream_init(gunzip) != 0) {
        free(gunzip);
        return tow_error_nomem(err);
    }
    *decoder = (struct tow_decoder){gunzip_decode, gunzip_free, gunzip};
    return TOW_OK;
}
