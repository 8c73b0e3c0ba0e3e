#include "connectors/files/gzip_writer.h"

#include <stdlib.h>

#include "connectors/files/deflater.h"

#define GZIP_OUT_SIZE (64 << 10)

struct tow_gzip_writer {
    struct tow_deflater *deflater;
    struct tow_gzip_drain drain;
    int is_open;
    size_t used; /* bytes of out that are not drained yet */
    unsigned char out[GZIP_OUT_SIZE];
};

struct tow_gzip_writer *tow_gzip_writer_new(int level, struct tow_gzip_drain drain,
                                            struct tow_error *err)
{
    struct tow_gzip_writer *writer;

    if (level < 0 || level > TOW_GZIP_LEVEL_MAX) {
        tow_error_set(err, TOW_E_CONFIG, "gzip level %d is not within 0 to %d", level,
                      TOW_GZIP_LEVEL_MAX);
        return NULL;
    }
    writer = malloc(sizeof *writer);
    if (!writer) {
        tow_error_nomem(err);
        return NULL;
    }
    writer->deflater = tow_deflater_new(level, err);
    writer->drain = drain;
    writer->is_open = 0;
    writer->used = 0;
    if (!writer->deflater) {
        free(writer);
        return NULL;
    }
    return writer;
}

void tow_gzip_writer_free(struct tow_gzip_writer *writer)
{
    if (!writer)
        return;
    tow_deflater_free(writer->deflater);
    free(writer);
}

static int gzip_drain(struct tow_gzip_writer *writer, struct tow_error *err)
{
    size_t used = writer->used;

    writer->used = 0;
    return writer->drain.put(writer->drain.context, writer->out, used, err);
}

static int gzip_step(struct tow_gzip_writer *writer, struct tow_deflate_step *step,
                     struct tow_error *err)
{
    int code = writer->used == GZIP_OUT_SIZE ? gzip_drain(writer, err) : TOW_OK;

    if (code != TOW_OK)
        return code;
    step->out = writer->out + writer->used;
    step->out_left = GZIP_OUT_SIZE - writer->used;
    code = tow_deflater_step(writer->deflater, step, err);
    writer->used = GZIP_OUT_SIZE - step->out_left;
    return code;
}

int tow_gzip_writer_write(struct tow_gzip_writer *writer, const void *bytes, size_t length,
                          struct tow_error *err)
{
    struct tow_deflate_step step = {.in = bytes, .in_left = length};
    int code = TOW_OK;

    while (step.in_left > 0 && code == TOW_OK) {
        writer->is_open = 1;
        code = gzip_step(writer, &step, err);
    }
    return code;
}

int tow_gzip_writer_end_member(struct tow_gzip_writer *writer, struct tow_error *err)
{
    struct tow_deflate_step step = {.in = writer->out, .in_left = 0, .last = 1};
    int code = TOW_OK;

    while (!step.done && code == TOW_OK)
        code = gzip_step(writer, &step, err);
    if (code == TOW_OK)
        code = gzip_drain(writer, err);
    tow_deflater_reset(writer->deflater);
    writer->is_open = 0;
    return code;
}

int tow_gzip_writer_is_open(const struct tow_gzip_writer *writer)
{
    return writer->is_open;
}
