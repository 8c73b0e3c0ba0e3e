/*
 * A stream of records into one table, acknowledged when they are durable (Zerobus Ingest
 * documentation).
 *
 * Records are put in requests; each has a ticket, and every record of it ends up in one outcome:
 * durable, or refused by the server. A thread of the stream sends, takes acknowledgements, answers
 * the server's signals and recovers; functions are called by one other thread at a time, and none
 * waits longer than it says, or than cancel_fd allows.
 *
 * Recovery. The server ends streams as a matter of course, so connecting anew and sending again
 * what is not acknowledged belongs to the protocol; it is the one thing that is tried again outside
 * the core. It is bounded: `recovery_retries` attempts without progress, with a wait of
 * `recovery_backoff_ms`, which doubles and is shortened by chance, between them. Then the stream
 * has failed, and every function says so with the class of the last error. What is unacknowledged
 * then is exactly what has no outcome.
 *
 * Refusal. Where the server refuses records for what they hold (INVALID_ARGUMENT behind a stream
 * that it had opened), requests are sent one by one, and a refused one in halves, until the records
 * at fault are known; these alone are refused, and all others go on.
 */
#ifndef CONNECTORS_ZEROBUS_STREAM_H
#define CONNECTORS_ZEROBUS_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/grpc/grpc.h"
#include "connectors/zerobus/wire.h"
#include "towpath/error.h"
#include "towpath/rowtext.h"

#define TOW_ZEROBUS_PAYLOAD_MAX  INT64_C(10420224) /* record bytes of a request: the service's */
#define TOW_ZEROBUS_MESSAGE_MAX  INT64_C(10485760) /* and its bytes on the wire */
#define TOW_ZEROBUS_TABLE_HEADER "x-databricks-zerobus-table-name"
#define TOW_ZEROBUS_METADATA_MAX 32

/* Metadata of a call; names and values are owned and wiped by release. */
struct tow_zerobus_headers {
    struct tow_grpc_metadata items[TOW_ZEROBUS_METADATA_MAX];
    size_t count;
};
/* Copies both. TOW_E_CONFIG where there are too many. */
int tow_zerobus_headers_add(struct tow_zerobus_headers *headers, const char *name,
                            const char *value, int is_secret, struct tow_error *err);
const char *tow_zerobus_headers_find(const struct tow_zerobus_headers *headers, const char *name);
void tow_zerobus_headers_release(struct tow_zerobus_headers *headers);

/* Where the metadata of each connection comes from. Called in the stream's thread. */
struct tow_zerobus_login {
    /* Fills headers within timeout_ms: at least authorization and the table's header. Errors as
     * those of a connection: TOW_E_TRANSIENT is tried again. */
    int (*headers)(void *context, int64_t timeout_ms, struct tow_zerobus_headers *headers,
                   struct tow_error *err);
    /* The server has refused what `headers` gave: once more, with others. May be NULL. */
    void (*refused)(void *context, const struct tow_zerobus_headers *headers);
    void *context;
};

struct tow_zerobus_settings {
    const char *endpoint; /* URL of grpc.h */
    const char *table;    /* "catalog.schema.table" */
    enum tow_zerobus_format format;
    const struct tow_buffer *descriptor; /* TOW_ZEROBUS_PROTO */
    struct tow_zerobus_login login;
    const char *ca_file, *proxy, *user_agent; /* of grpc.h */
    struct tow_identity identity;             /* of grpc.h */
    int64_t max_inflight_records;             /* not acknowledged; 0: 50,000 */
    int64_t max_inflight_bytes;               /* 0: 64 MiB */
    int64_t max_payload_bytes;                /* 0: TOW_ZEROBUS_PAYLOAD_MAX */
    int no_recovery;                          /* 1: the first error is the end */
    int64_t recovery_timeout_ms;              /* of one attempt to connect; 0: 15 s */
    int64_t recovery_backoff_ms;              /* 0: 2 s */
    int64_t recovery_retries;                 /* -1: none; 0: 3 */
    int64_t ack_timeout_ms;                   /* from sending to acknowledgement; 0: 60 s */
    int64_t flush_timeout_ms;                 /* 0: 5 min */
    int64_t pause_ms; /* longest wait for acknowledgements after the server's close signal; -1: as
                         long as it says */
    int64_t drain_ms; /* and after the end of what is sent; 0: 500 ms */
    int64_t ping_ms, ping_idle_ms, ping_timeout_ms; /* of grpc.h */
    /* is_detail: 1 where only who looks for a fault wants to know. From the stream's thread; may be
     * NULL. */
    void (*log)(void *context, int is_detail, const char *message);
    void *log_context;
    int cancel_fd; /* -1: none */
};

/* Names as in the service's own clients. */
enum tow_zerobus_state {
    TOW_ZEROBUS_UNINITIALIZED,
    TOW_ZEROBUS_OPENED,
    TOW_ZEROBUS_FLUSHING,
    TOW_ZEROBUS_CLOSED,
    TOW_ZEROBUS_RECOVERING,
    TOW_ZEROBUS_FAILED
};

struct tow_zerobus;

/* Opens the stream and waits until the server has taken it. Settings are copied, save what login
 * and log point to. */
struct tow_zerobus *tow_zerobus_open(const struct tow_zerobus_settings *settings,
                                     struct tow_error *err);
/* Ends everything at once; what is unacknowledged is given up. NULL is taken. */
void tow_zerobus_free(struct tow_zerobus *zerobus);

enum tow_zerobus_state tow_zerobus_state(struct tow_zerobus *zerobus);
/* The reason of TOW_ZEROBUS_FAILED; TOW_OK in any other state. */
int tow_zerobus_failure(struct tow_zerobus *zerobus, struct tow_error *err);
/* "" before the first one; the server's name of the last. Cut where longer than `size`. */
void tow_zerobus_stream_id(struct tow_zerobus *zerobus, char *id, size_t size);

/* A buffer for the records of a request, empty, used before where there is one. */
struct tow_buffer tow_zerobus_buffer(struct tow_zerobus *zerobus);
/* Body bytes that a request should have now: more, the more is under way. */
size_t tow_zerobus_request_size(struct tow_zerobus *zerobus);

/*
 * Queues a request of `count` records, of `payload` bytes together without what stands before
 * them (tow_zerobus_put_record_head); waits while records or bytes under way are at their bound,
 * which a request alone may exceed. On TOW_OK the body is the stream's; otherwise it stays the
 * caller's. TOW_E_DATA for more bytes than a request may have; TOW_E_BUG for one without records,
 * and after close; TOW_E_CANCELLED; or as tow_zerobus_failure.
 */
int tow_zerobus_put(struct tow_zerobus *zerobus, uint64_t ticket, struct tow_buffer *body,
                    size_t count, size_t payload, struct tow_error *err);

struct tow_zerobus_outcome {
    uint64_t ticket;
    size_t first, count; /* records of the request, from 0 */
    int is_refused;      /* 0: durable */
    char message[512];   /* what the server said where it refused */
};
/* The next outcome, in the order of requests: TOW_OK, or TOW_END where there is none now. Also of a
 * stream that has failed or is closed. */
int tow_zerobus_next(struct tow_zerobus *zerobus, struct tow_zerobus_outcome *outcome);

/* Waits until all requests have outcomes: TOW_OK; TOW_E_TRANSIENT after flush_timeout_ms;
 * TOW_E_CANCELLED; or as tow_zerobus_failure, at once. */
int tow_zerobus_flush(struct tow_zerobus *zerobus, struct tow_error *err);

/* The same, but returns TOW_END as soon as there is an outcome to be taken; then it is to be called
 * again. The time counts from the first of these calls. */
int tow_zerobus_flush_some(struct tow_zerobus *zerobus, struct tow_error *err);

/* Flushes, then ends the stream as the protocol has it, so that the server sees an end and no
 * reset. What flush said is returned, and the stream closed in any case. May come again. */
int tow_zerobus_close(struct tow_zerobus *zerobus, struct tow_error *err);

/* Records and bytes that have no outcome. */
size_t tow_zerobus_unacknowledged(struct tow_zerobus *zerobus, size_t *bytes);

#endif
