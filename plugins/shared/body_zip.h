/* Request bodies in gzip. */
#ifndef PLUGINS_SHARED_BODY_ZIP_H
#define PLUGINS_SHARED_BODY_ZIP_H

#include "towpath/rowtext.h"

struct tow_body_zip;

struct tow_body_zip *tow_body_zip_new(struct tow_error *err);
void tow_body_zip_free(struct tow_body_zip *zip);

/* Compresses; *out lives until the next call. */
int tow_body_zip(struct tow_body_zip *zip, const void *bytes, size_t length,
                 const struct tow_buffer **out, struct tow_error *err);

#endif
