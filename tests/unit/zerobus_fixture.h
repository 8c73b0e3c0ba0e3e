/*
 * A stream and the scripted server at its other end, plain and over TLS: ZEROBUS_TEST makes a pair
 * of entries for cmocka.
 */
#ifndef TESTS_UNIT_ZEROBUS_FIXTURE_H
#define TESTS_UNIT_ZEROBUS_FIXTURE_H

#include "connectors/zerobus/stream.h"
#include "scratch.h"
#include "unit.h"
#include "zerobus_server.h"

struct zerobus_fixture {
    struct scratch *scratch;
    char certificate[200];
    struct zerobus_step steps[32];
    struct zerobus_server_options options; /* change before zerobus_start */
    struct zerobus_server *server;
    struct tow_zerobus_settings settings; /* change before zerobus_start */
    struct tow_zerobus *stream;
    struct tow_error err;

    const char *token;     /* what the login gives */
    _Atomic int logins;    /* headers asked for */
    _Atomic int refusals;  /* and refused */
    const char *new_token; /* what it gives once refused; NULL: the same */

    _Atomic int signals; /* of the server, that it will close */

    uint64_t tickets;      /* given to puts */
    size_t put;            /* records */
    size_t acked, refused; /* of the outcomes that were taken */
    char last_refused[64]; /* "ticket:first" */
    char refusal[512];
};

#define ZEROBUS_TEST(test)                                                        \
    cmocka_unit_test_setup_teardown(test, zerobus_setup_plain, zerobus_teardown), \
    {                                                                             \
#test " over TLS", test, zerobus_setup_tls, zerobus_teardown, NULL        \
    }

int zerobus_setup_plain(void **state);
int zerobus_setup_tls(void **state);
int zerobus_teardown(void **state);

/* Adds a step to the script. */
void zerobus_step(struct zerobus_fixture *fixture, struct zerobus_step step);
#define STEP_OPEN            ((struct zerobus_step){.kind = ZEROBUS_OPEN})
#define STEP_ACK(offset)     ((struct zerobus_step){.kind = ZEROBUS_ACK, .value = offset})
#define STEP_CLOSE(grace_ms) ((struct zerobus_step){.kind = ZEROBUS_CLOSE, .value = grace_ms})
#define STEP_END(code)       ((struct zerobus_step){.kind = ZEROBUS_END, .value = code})

/* Starts the server and opens the stream. */
void zerobus_start(struct zerobus_fixture *fixture);
/* Starts the server; opening fails with that class and says that. */
void zerobus_start_fails(struct zerobus_fixture *fixture, int code, const char *says);
void zerobus_serve(struct zerobus_fixture *fixture);

/* Puts one request with records "r<first>" ... */
int zerobus_put_batch(struct zerobus_fixture *fixture, size_t first, size_t count);
/* ... or `count` requests with one each. */
void zerobus_put_each(struct zerobus_fixture *fixture, size_t first, size_t count);
/* One record of these bytes. */
int zerobus_put_text(struct zerobus_fixture *fixture, const char *text, size_t length);
/* Takes outcomes that are there. */
void zerobus_take(struct zerobus_fixture *fixture);
/* Flushes and takes outcomes. */
void zerobus_flush_well(struct zerobus_fixture *fixture);
/* Flush fails with that class and says that. */
void zerobus_flush_fails(struct zerobus_fixture *fixture, int code, const char *says);
/* Takes outcomes until so many records are acknowledged, 10 s at most. */
void zerobus_await_acked(struct zerobus_fixture *fixture, size_t records);
/* Waits until the stream has heard so many signals of the server, 10 s at most. */
void zerobus_await_signals(struct zerobus_fixture *fixture, int signals);
/* Waits until the stream has failed, 10 s at most. */
void zerobus_await_failed(struct zerobus_fixture *fixture, int code, const char *says);
/* Each of the records r<0> ... was stored once. */
void zerobus_stored_once(struct zerobus_fixture *fixture, size_t records);

#endif
