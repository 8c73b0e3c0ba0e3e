/*
 * A server that counts messages and acknowledges them now and then, as services of streaming
 * ingestion do, a client that uploads to it as fast as it can, and TLS for both.
 *
 * Every test over this runs twice, plain and over TLS: GRPC_TEST makes a pair of entries for
 * cmocka, and fixture_url says which it is.
 */
#ifndef TESTS_UNIT_GRPC_FIXTURE_H
#define TESTS_UNIT_GRPC_FIXTURE_H

#include "connectors/grpc/grpc.h"
#include "grpc_server.h"
#include "scratch.h"
#include "unit.h"

#define FIXTURE_PATH "/test.Ingest/Stream"

struct fixture;

/* What the server does when message `at` (from 1; 0: never) has been counted. */
struct fixture_plan {
    uint64_t ack_every; /* 0: never */
    uint64_t at;
    void (*fault)(struct fixture *fixture, struct grpc_peer *peer);
    /* 1: refuses with this status instead of the first answer. */
    const char *refuse;
    unsigned refuse_how;
    int hangs; /* 1: never answers */
};

struct fixture {
    struct scratch *scratch;
    int is_tls;
    char certificate[200];
    struct grpc_server_options options; /* change before fixture_serve */
    struct fixture_plan plan;
    struct grpc_server *server;
    struct tow_grpc *grpc;
    struct tow_grpc_call *call;
    struct tow_grpc_settings settings; /* change before fixture_connect */
    struct tow_error err;

    uint64_t counted; /* by the server's thread, until the call is closed */
    uint64_t sent, acked;
    _Atomic int64_t fault_ms; /* when the fault happened */
    char body[1000];
};

/* One test, plain and over TLS. */
#define GRPC_TEST(test)                                                           \
    cmocka_unit_test_setup_teardown(test, fixture_setup_plain, fixture_teardown), \
    {                                                                             \
#test " over TLS", test, fixture_setup_tls, fixture_teardown, NULL        \
    }

int fixture_setup_plain(void **state);
int fixture_setup_tls(void **state);
int fixture_teardown(void **state);

/* Starts the server with fixture->options; its service counts and acknowledges, unless the test
 * has set one. */
void fixture_serve(struct fixture *fixture);
void fixture_connect(struct fixture *fixture);
void fixture_start(struct fixture *fixture);
/* All of it. */
void fixture_begin(struct fixture *fixture);

/* Moves bytes until `done`, or fails the test after 10 s. */
void fixture_run_until(struct fixture *fixture, int (*done)(struct fixture *fixture));
int fixture_has_ended(struct fixture *fixture);
int fixture_all_acked(struct fixture *fixture);
/* Sends messages as fast as they go out, and takes acknowledgements, until the call has ended (or
 * fails the test after 10 s), or `most` are sent (0: no limit). */
void fixture_upload(struct fixture *fixture, uint64_t most);
/* Takes what has come. */
void fixture_take(struct fixture *fixture);
/* The call ended with that code, within a second of the fault. */
void fixture_ended_promptly(struct fixture *fixture, int code);

/* The server acknowledges up to message `count`. */
void fixture_acknowledge(struct fixture *fixture, struct grpc_peer *peer, uint64_t count);

#endif
