/*
 * An HTTP endpoint that takes messages into a spool: each is answered with 200 once it is durable,
 * many at a time, and with 503 where it cannot be.
 *
 * It runs in threads of its own from start to stop. Bodies are not looked at. Requests for another
 * path are 404, other methods than POST, PUT and PATCH 405, a missing or wrong secret 401, a body
 * that is too long 413, an empty one 400, an encoded one 415; a spool that is full, and more bytes
 * under way than `max_pending`, 503 with Retry-After.
 */
#ifndef CONNECTORS_WEBHOOK_RECEIVER_H
#define CONNECTORS_WEBHOOK_RECEIVER_H

#include "connectors/webhook/spool.h"

struct tow_receiver;

struct tow_receiver_settings {
    const char *listen;        /* "127.0.0.1:8088", "[::1]:8088", "0.0.0.0:443"; port 0: any */
    const char *path;          /* "/lytics" */
    const char *secret_header; /* its name; NULL: none is asked for */
    const char *secret;        /* the value that it must have */
    const char *certificate;   /* PEM files; NULL: plain HTTP */
    const char *key;
    int allow_plain; /* 1: plain HTTP, and no secret, also where others than this machine reach it
                      */
    size_t max_body;
    size_t max_pending; /* bytes of bodies in memory, of all connections together */
    int connections;    /* at most */
    /* Of a connection on which nothing moves; in four times as long, each has to bring a whole
     * request, so that who sends a byte now and then does not hold it. */
    int64_t timeout_ms;
};

/* What can be judged without listening: TOW_E_CONFIG, TOW_E_ENV. */
int tow_receiver_check(const struct tow_receiver_settings *settings, struct tow_error *err);
/* Settings are copied. The spool stays the caller's, and open until stop has returned. */
int tow_receiver_start(const struct tow_receiver_settings *settings, struct tow_spool *spool,
                       struct tow_receiver **out, struct tow_error *err);
/* Answers what is durable, breaks off the rest. NULL is nothing. */
void tow_receiver_stop(struct tow_receiver *receiver);

/* The port that it listens on. */
int tow_receiver_port(const struct tow_receiver *receiver);
/* Readable when something has been received since the last call of tow_receiver_quiet. */
int tow_receiver_fd(const struct tow_receiver *receiver);
void tow_receiver_quiet(struct tow_receiver *receiver);
/* TOW_OK, or why it takes nothing any more. */
int tow_receiver_health(struct tow_receiver *receiver, struct tow_error *err);

#endif
