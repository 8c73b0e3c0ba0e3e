#include "plugins/shared/body_zip.h"

#include <stdlib.h>

#include "connectors/files/gzip_writer.h"

struct tow_body_zip {
    struct tow_gzip_writer *writer;
    struct tow_buffer out;
};

static int zip_put(void *context, const void *bytes, size_t length, struct tow_error *err)
{
    struct tow_body_zip *zip = context;

    return tow_buffer_append(&zip->out, bytes, length, err);
}

struct tow_body_zip *tow_body_zip_new(struct tow_error *err)
{
    struct tow_body_zip *zip = calloc(1, sizeof *zip);

    if (!zip) {
        tow_error_nomem(err);
        return NULL;
    }
    zip->writer =
        tow_gzip_writer_new(TOW_GZIP_LEVEL_DEFAULT, (struct tow_gzip_drain){zip_put, zip}, err);
    if (zip->writer)
        return zip;
    free(zip);
    return NULL;
}

void tow_body_zip_free(struct tow_body_zip *zip)
{
    if (!zip)
        return;
    tow_gzip_writer_free(zip->writer);
    tow_buffer_release(&zip->out);
    free(zip);
}

int tow_body_zip(struct tow_body_zip *zip, const void *bytes, size_t length,
                 const struct tow_buffer **out, struct tow_error *err)
{
    zip->out.size = 0;
    *out = &zip->out;
    return tow_gzip_writer_member(zip->writer, bytes, length, err);
}
