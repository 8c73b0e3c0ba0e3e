/*
 * Records by REST: one request each time, which is durable once it is answered. For low
 * rates, and networks without HTTP/2.
 */
#ifndef CONNECTORS_ZEROBUS_REST_H
#define CONNECTORS_ZEROBUS_REST_H

#include "connectors/zerobus/stream.h"

struct tow_zerobus_rest_settings {
    const char *endpoint; /* "https://host[:port]" */
    const char *table;
    struct tow_zerobus_login login; /* called in the caller's thread */
    const char *ca_file, *proxy;    /* of http.h */
    struct tow_identity identity;   /* of http.h */
    int64_t timeout_ms;             /* for one request */
    int cancel_fd;
};

struct tow_zerobus_rest;

/* Settings are copied, save what login points to. */
struct tow_zerobus_rest *tow_zerobus_rest_new(const struct tow_zerobus_rest_settings *settings,
                                              struct tow_error *err);
void tow_zerobus_rest_free(struct tow_zerobus_rest *rest);

/*
 * Sends `count` JSON records, as a request's body has them, and tells outcomes as they come, whose
 * ticket is 0; `take` returns TOW_OK, or an error, which ends it. Records that are refused for what
 * they hold are found by halving. On any other error than `take`'s the records without outcome were
 * not taken, or nobody knows: TOW_E_TRANSIENT, TOW_E_RATE, TOW_E_AUTH, TOW_E_CONFIG ...
 */
int tow_zerobus_rest_insert(struct tow_zerobus_rest *rest, const struct tow_buffer *body,
                            size_t count,
                            int (*take)(void *context, const struct tow_zerobus_outcome *outcome,
                                        struct tow_error *err),
                            void *context, struct tow_error *err);

#endif
