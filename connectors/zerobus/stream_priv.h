/*
 * What the parts of a stream share. The stream's thread owns its connection; what lies under `lock`
 * is shared with the caller's.
 */
#ifndef CONNECTORS_ZEROBUS_STREAM_PRIV_H
#define CONNECTORS_ZEROBUS_STREAM_PRIV_H

#include <pthread.h>

#include "connectors/grpc/clock.h"
#include "connectors/zerobus/request.h"

#define STREAM_ID_MAX 64

/* How a connection ended. */
enum connection_end {
    CONNECTION_CLOSED,  /* as close wanted it */
    CONNECTION_ROTATED, /* the server had asked for it */
    CONNECTION_REFUSED, /* the server will not take the records at hand */
    CONNECTION_BROKEN   /* for the reason in *err */
};

struct tow_zerobus {
    struct tow_zerobus_settings settings; /* texts and descriptor are copies */
    struct tow_buffer descriptor;
    pthread_t thread;
    int is_running; /* the thread was started and not joined */
    int news_fd;    /* tells the caller's thread that something below has changed */
    int work_fd;    /* tells the stream's, while it has no connection */
    int stop_fd;    /* readable: the stream's thread is to end */

    pthread_mutex_t lock;
    enum tow_zerobus_state state;
    struct tow_error failure;
    int is_flushing;
    int64_t flush_until_ms;    /* while it is */
    int is_closing;            /* nothing more will be put */
    int is_given_up;           /* and what is open is not waited for */
    int is_over;               /* the thread has done its last */
    struct request_list open;  /* without outcome, oldest first */
    struct request *unsent;    /* of those, the first that this connection was not given */
    struct request_list ended; /* outcomes that were not taken */
    struct request_pool pool;
    struct tow_grpc *grpc; /* to be woken; NULL while there is no connection */
    char stream_id[STREAM_ID_MAX];

    /* The stream's thread alone. */
    size_t suspects;         /* oldest requests that are sent one by one, since one was refused */
    size_t refused_in_a_row; /* records, with none acknowledged in between */
    char refusal[512];       /* what the server said last */
    int64_t failures;        /* attempts without progress */
    int was_login_renewed;   /* since the last stream that was opened */
    uint64_t random;         /* of waits */
};

/* By settings.log. */
void stream_log(struct tow_zerobus *zerobus, int is_detail, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Tells the caller's thread. */
void stream_notify(struct tow_zerobus *zerobus);

/* recovery.c: the stream's thread; context is the struct tow_zerobus. The first connection is made
 * at once, so that whoever opens the stream learns whether it can be; later ones when there is
 * something to send. */
void *recovery_main(void *context);

struct connection_report {
    int was_opened;       /* the server took the stream */
    int was_useful;       /* and acknowledged something, or kept it for a while */
    int is_oldest_guilty; /* CONNECTION_REFUSED: nothing but the oldest request was sent */
};

/* connection.c: connects, opens a stream on the server, and runs it until it ends. What is not
 * acknowledged then is unsent again. *err is set for CONNECTION_REFUSED and CONNECTION_BROKEN. */
enum connection_end connection_live(struct tow_zerobus *zerobus, struct connection_report *report,
                                    struct tow_error *err);

#endif
