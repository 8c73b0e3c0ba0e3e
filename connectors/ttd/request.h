/*
 * A request to the Data API apart from its items: where it goes, and what stands around them.
 */
#ifndef CONNECTORS_TTD_REQUEST_H
#define CONNECTORS_TTD_REQUEST_H

#include "connectors/http/http.h"
#include "connectors/ttd/endpoint.h"

/* "Who handled the data": {"Id", "Type"}. */
struct tow_ttd_origin {
    const char *type; /* "Advertiser", "DataProvider", "Integration" or "Onboarder" */
    size_t type_length;
    const char *id;
};

/* What the user wrote; borrowed. NULL, 0: nothing. */
struct tow_ttd_context {
    const struct tow_ttd_endpoint *endpoint;
    const char *advertiser_id, *data_provider_id, *brand_id;
    int64_t merchant_id;
    const char *request_type; /* "OptOut" or "Deletion" */
    int is_already_hashed;
    const char *trace_id; /* "DataLoadTraceId" */
    const struct tow_ttd_origin *origins;
    size_t origin_count;
    const char *server_url; /* instead of the endpoint's host; a path in it stays in front */
    const char *region;     /* as in TOW_TTD_REGIONS */
    const char *token;
};

/* Hosts that take uploads of the regional endpoints: <region>-data.adsrvr.org, in China
 * data-cn2.adsrvr.cn. Data, and its deletion, belong to one of them. */
#define TOW_TTD_REGIONS "usw|use|euw|sin|tok|cn2"

/* Reads "Onboarder:some id", borrowing from it; a type in any case of letters. TOW_E_CONFIG. */
int tow_ttd_origin_parse(struct tow_ttd_origin *origin, const char *text, struct tow_error *err);

/* Looks at all of it: TOW_E_CONFIG says what the endpoint needs and lacks, or has no use for, all
 * in one message. */
int tow_ttd_context_check(const struct tow_ttd_context *context, struct tow_error *err);

/* Appends the URL, without a NUL. */
int tow_ttd_url(const struct tow_ttd_context *context, struct tow_buffer *out,
                struct tow_error *err);

/*
 * The body is head, items with ',' between them, tail. All three are UTF-8 JSON without spaces.
 * The tail says that the data came through towpath (DataOrigins), where the endpoint takes that.
 */
int tow_ttd_head(const struct tow_ttd_context *context, struct tow_buffer *out,
                 struct tow_error *err);
int tow_ttd_tail(const struct tow_ttd_context *context, struct tow_buffer *out,
                 struct tow_error *err);

/* The headers of every request; the token is in one of them. */
#define TOW_TTD_HEADERS 4
/* Returns how many there are: the last one says that the body is gzipped. */
size_t tow_ttd_headers(const struct tow_ttd_context *context, int is_gzipped,
                       struct tow_http_header headers[TOW_TTD_HEADERS]);

#endif
