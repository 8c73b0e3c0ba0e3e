/* Request bodies in gzip. */
#ifndef PLUGINS_TTD_ZIP_H
#define PLUGINS_TTD_ZIP_H

#include "connectors/http/http.h"

struct tow_ttd_zip;

struct tow_ttd_zip *tow_ttd_zip_new(struct tow_error *err);
void tow_ttd_zip_free(struct tow_ttd_zip *zip);

/* Puts a compressed body, which lives until the next call, in the place of the request's. */
int tow_ttd_zip_body(struct tow_ttd_zip *zip, struct tow_http_request *request,
                     struct tow_error *err);

#endif
