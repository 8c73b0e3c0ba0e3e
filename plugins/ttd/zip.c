#include "plugins/ttd/zip.h"

#include <stdlib.h>

#include "connectors/files/gzip_writer.h"

struct tow_ttd_zip {
    struct tow_gzip_writer *writer;
    struct tow_buffer out;
};

static int zip_put(void *context, const void *bytes, size_t length, struct tow_error *err)
{
    struct tow_ttd_zip *zip = context;

    return tow_buffer_append(&zip->out, bytes, length, err);
}

struct tow_ttd_zip *tow_ttd_zip_new(struct tow_error *err)
{
    struct tow_ttd_zip *zip = calloc(1, sizeof *zip);

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

void tow_ttd_zip_free(struct tow_ttd_zip *zip)
{
    if (!zip)
        return;
    tow_gzip_writer_free(zip->writer);
    tow_buffer_release(&zip->out);
    free(zip);
}

int tow_ttd_zip_body(struct tow_ttd_zip *zip, struct tow_http_request *request,
                     struct tow_error *err)
{
    int rc;

    zip->out.size = 0;
    rc = tow_gzip_writer_write(zip->writer, request->body, (size_t)request->body_length, err);
    if (!rc)
        rc = tow_gzip_writer_end_member(zip->writer, err);
    request->body = zip->out.data;
    request->body_length = (int64_t)zip->out.size;
    return rc;
}
