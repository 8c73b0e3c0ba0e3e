#include "connectors/files/input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/files/ahead.h"
#include "connectors/files/decoder.h"
#include "connectors/files/raw.h"

#define INPUT_BUFFER_SIZE (256u << 10)
#define INPUT_MAGIC_SIZE  4u

struct tow_input {
    struct tow_raw raw;
    struct tow_decoder decoder; /* decode is NULL for a plain file */
    int known;                  /* the format has been looked at */
    int64_t offset;
    struct tow_error failure; /* code is TOW_OK until reading has failed for good */
};

struct tow_input *tow_input_new(const char *path, const struct tow_input_options *options,
                                struct tow_error *err)
{
    const struct tow_reader none = {NULL, NULL, NULL};

    return tow_input_new_reader(path, &none, options, err);
}

struct tow_input *tow_input_new_reader(const char *path, const struct tow_reader *reader,
                                       const struct tow_input_options *options,
                                       struct tow_error *err)
{
    struct tow_input *input = calloc(1, sizeof *input);
    size_t size = options->buffer_size ? options->buffer_size : INPUT_BUFFER_SIZE;
    int code;

    if (!input) {
        tow_error_nomem(err);
        if (reader->read)
            reader->free(reader->context);
        return NULL;
    }
    input->failure = (struct tow_error)TOW_ERROR_INIT;
    if (size < INPUT_MAGIC_SIZE)
        size = INPUT_MAGIC_SIZE;
    code = reader->read ? tow_raw_init_reader(&input->raw, path, reader, size, err)
                        : tow_raw_init(&input->raw, path, options->cancel_fd, size, err);
    if (code != TOW_OK) {
        free(input);
        return NULL;
    }
    return input;
}

void tow_input_free(struct tow_input *input)
{
    if (!input)
        return;
    if (input->decoder.free)
        input->decoder.free(input->decoder.state);
    tow_raw_release(&input->raw);
    free(input);
}

/* RFC 1952 section 2.3.1; RFC 8878 section 3.1.1, and 3.1.2 for skippable frames. */
static int input_choose_decoder(struct tow_input *input, struct tow_error *err)
{
    static const unsigned char zstd[] = {0x28, 0xB5, 0x2F, 0xFD}, skippable[] = {0x2A, 0x4D, 0x18};
    const struct tow_raw *raw = &input->raw;
    const unsigned char *p = raw->buffer;

    if (raw->filled >= 2 && p[0] == 0x1F && p[1] == 0x8B)
        return tow_gunzip_init(&input->decoder, err);
    if (raw->filled < INPUT_MAGIC_SIZE)
        return TOW_OK;
    if (memcmp(p, zstd, sizeof zstd) == 0 ||
        (p[0] >> 4 == 5 && memcmp(p + 1, skippable, sizeof skippable) == 0))
        return tow_unzstd_init(&input->decoder, err);
    return TOW_OK;
}

static int input_run_ahead(struct tow_input *input, struct tow_error *err)
{
    int code = tow_ahead_init(&input->decoder, &input->raw, err);

    if (code == TOW_OK)
        return TOW_OK;
    /* It is chosen anew by the next call. */
    input->decoder.free(input->decoder.state);
    input->decoder = (struct tow_decoder){NULL, NULL, NULL};
    return code;
}

static int input_know_format(struct tow_input *input, struct tow_error *err)
{
    struct tow_raw *raw = &input->raw;
    int code = TOW_OK;

    while (code == TOW_OK && raw->filled < INPUT_MAGIC_SIZE && !raw->at_end)
        code = tow_raw_fill(raw, err);
    /* An error behind a byte or two of plain text: those come first. */
    if (code != TOW_OK && (code != TOW_E_ENV || raw->filled == 0))
        return code;
    code = input_choose_decoder(input, err);
    if (code == TOW_OK && input->decoder.decode && tow_ahead_is_worth_it(raw))
        code = input_run_ahead(input, err);
    input->known = code == TOW_OK;
    return code;
}

static int input_read_plain(struct tow_input *input, void *into, size_t capacity, size_t *length,
                            struct tow_error *err)
{
    struct tow_raw *raw = &input->raw;
    size_t buffered = raw->filled - raw->at;

    if (buffered == 0)
        return tow_raw_read(raw, into, capacity, length, err);
    *length = buffered < capacity ? buffered : capacity;
    memcpy(into, raw->buffer + raw->at, *length);
    raw->at += *length;
    return TOW_OK;
}

static int input_decode(struct tow_input *input, void *into, size_t capacity, size_t *length,
                        struct tow_error *err)
{
    int code = input->known ? TOW_OK : input_know_format(input, err);

    if (code != TOW_OK)
        return code;
    if (!input->decoder.decode)
        return input_read_plain(input, into, capacity, length, err);
    return input->decoder.decode(input->decoder.state, &input->raw, into, capacity, length, err);
}

int tow_input_read(struct tow_input *input, void *into, size_t capacity, size_t *length,
                   struct tow_error *err)
{
    int code;

    *length = 0;
    if (input->failure.code != TOW_OK)
        return tow_error_set(err, input->failure.code, "%s", input->failure.message);
    code = input_decode(input, into, capacity, length, &input->failure);
    input->offset += (int64_t)*length;
    if (code == TOW_OK)
        return TOW_OK;
    tow_error_set(err, code, "%s", input->failure.message);
    /* Damage stays; memory and a cancelled wait may come back. */
    if (code != TOW_E_ENV)
        input->failure.code = TOW_OK;
    return code;
}

int tow_input_is_plain(const struct tow_input *input)
{
    return input->known && input->raw.regular && !input->decoder.decode;
}

int64_t tow_input_offset(const struct tow_input *input)
{
    return input->offset;
}

static int input_too_short(const struct tow_input *input, int64_t size, int64_t offset,
                           struct tow_error *err)
{
    return tow_error_set(
        err, TOW_E_ENV, "%s has %" PRId64 " bytes%s, but was read up to offset %" PRId64,
        input->raw.path, size, input->decoder.decode ? " uncompressed" : "", offset);
}

/* Drops what is buffered and seeks: a plain regular file only. */
static int input_seek(struct tow_input *input, int64_t offset, struct tow_error *err)
{
    struct tow_raw *raw = &input->raw;
    struct stat st;

    if (fstat(raw->fd, &st) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "%s cannot be looked at", raw->path);
    if (st.st_size < offset)
        return input_too_short(input, st.st_size, offset, err);
    if (lseek(raw->fd, offset, SEEK_SET) < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "%s, offset %" PRId64, raw->path, offset);
    raw->at = raw->filled = 0;
    raw->at_end = 0;
    raw->offset = input->offset = offset;
    return TOW_OK;
}

static int input_discard(struct tow_input *input, int64_t offset, struct tow_error *err)
{
    unsigned char *scratch = malloc(INPUT_BUFFER_SIZE);
    int code = scratch ? TOW_OK : tow_error_nomem(err);

    while (code == TOW_OK && input->offset < offset) {
        int64_t left = offset - input->offset;
        size_t length;

        code = tow_input_read(input, scratch,
                              left < INPUT_BUFFER_SIZE ? (size_t)left : INPUT_BUFFER_SIZE, &length,
                              err);
        if (code == TOW_OK && length == 0)
            code = input_too_short(input, input->offset, offset, err);
    }
    free(scratch);
    return code;
}

int tow_input_skip_to(struct tow_input *input, int64_t offset, struct tow_error *err)
{
    int code = TOW_OK;

    if (offset < input->offset)
        return tow_error_set(err, TOW_E_BUG,
                             "%s: asked to skip back to offset %" PRId64 " from %" PRId64,
                             input->raw.path, offset, input->offset);
    if (!input->known)
        code = input_know_format(input, err);
    if (code != TOW_OK || offset == input->offset)
        return code;
    if (input->raw.regular && !input->decoder.decode)
        return input_seek(input, offset, err);
    return input_discard(input, offset, err);
}

int tow_input_stat(const struct tow_input *input, struct tow_file *out, struct tow_error *err)
{
    struct stat st;

    if (fstat(input->raw.fd, &st) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "%s cannot be looked at", input->raw.path);
    tow_file_set(out, input->raw.path, &st);
    return TOW_OK;
}

int tow_input_peek(const struct tow_input *input, int64_t offset, void *into, size_t capacity,
                   size_t *length, struct tow_error *err)
{
    *length = 0;
    if (!input->raw.regular)
        return tow_error_set(err, TOW_E_BUG, "%s is no regular file to look into", input->raw.path);
    while (*length < capacity) {
        ssize_t got = pread(input->raw.fd, (char *)into + *length, capacity - *length,
                            offset + (int64_t)*length);

        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return tow_error_errno(err, TOW_E_ENV, errno, "%s, offset %" PRId64, input->raw.path,
                                   offset + (int64_t)*length);
        if (got > 0)
            *length += (size_t)got;
    }
    return TOW_OK;
}
