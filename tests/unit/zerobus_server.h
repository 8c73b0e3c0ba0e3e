/*
 * The far end of Zerobus streams, scripted: it opens streams, acknowledges, signals, refuses and
 * ends them as its steps say, and keeps what it was sent. A script goes on over connections:
 * opening a stream steps forward to the next that opens or refuses one.
 */
#ifndef TESTS_UNIT_ZEROBUS_SERVER_H
#define TESTS_UNIT_ZEROBUS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "grpc_server.h"

enum zerobus_step_kind {
    ZEROBUS_OPEN,        /* takes a stream */
    ZEROBUS_ACK,         /* once offset `value` has come, acknowledges up to it */
    ZEROBUS_CLOSE,       /* with the next request: will close in `value` ms */
    ZEROBUS_CLOSE_BADLY, /* the same, but ends with an error before that */
    ZEROBUS_END,         /* with the next request, or in place of opening: ends with code `value` */
    ZEROBUS_SAY,  /* with the next request, or in place of opening: `text`, `length` bytes of it */
    ZEROBUS_DROP, /* with the next request: closes the connection */
    ZEROBUS_WIND_UP /* with the next request: GOAWAY, which lets the stream go on */
};

struct zerobus_step {
    enum zerobus_step_kind kind;
    int64_t value;
    int delay_ms;
    const char *text; /* message of ZEROBUS_END */
    size_t length;
};

/* A request with records. */
struct zerobus_seen {
    int connection; /* from 1 */
    int64_t offset;
    size_t records;
    char first[24]; /* bytes of the first record, cut */
};

/* What came and went. */
struct zerobus_totals {
    int opened;     /* streams */
    size_t records; /* in all requests, also those that were sent again */
    size_t requests;
    size_t acked;    /* records that were acknowledged */
    int half_closed; /* streams that the client ended as it should */
};

struct zerobus_server;

struct zerobus_server_options {
    const char *certificate;          /* of grpc_server.h */
    const struct zerobus_step *steps; /* NULL: opens all, acknowledges each request */
    size_t count;
    int ack_on_half_close; /* 1: acknowledges all when the client ends the stream ... */
    int half_close_delay_ms;
    const char *poison; /* a request with a record that holds this is INVALID_ARGUMENT */
    const char *token;  /* "Bearer ..." that is asked for; NULL: any */
    int goes_on;        /* 1: behind the script, opens all and acknowledges each request */
};

struct zerobus_server *zerobus_server_new(const struct zerobus_server_options *options);
void zerobus_server_free(struct zerobus_server *server);
const char *zerobus_server_url(const struct zerobus_server *server);
struct grpc_server *zerobus_server_grpc(struct zerobus_server *server);
/* From now on this token is asked for. */
void zerobus_server_want(struct zerobus_server *server, const char *token);

struct zerobus_totals zerobus_server_totals(struct zerobus_server *server);
/* Copies request `index`, from 0. */
struct zerobus_seen zerobus_server_seen(struct zerobus_server *server, size_t index);
/* How often a record of exactly these bytes has been acknowledged. */
size_t zerobus_server_stored(struct zerobus_server *server, const char *record);
/* The last create_stream request's bytes, new. */
char *zerobus_server_create(struct zerobus_server *server, size_t *length);
/* Waits until so many requests have come, 10 s at most. */
void zerobus_server_wait(struct zerobus_server *server, size_t requests);

#endif
