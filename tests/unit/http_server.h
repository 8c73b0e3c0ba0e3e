/*
 * A scripted HTTP server on 127.0.0.1 and a free port, for tests of what speaks HTTP: each
 * connection has a thread of its own, so one that stalls holds up no other. All is ended by free.
 * What cannot be done fails the test.
 */
#ifndef TESTS_UNIT_HTTP_SERVER_H
#define TESTS_UNIT_HTTP_SERVER_H

#include <stddef.h>

struct http_server;

/* One answer. {.body = "text"} is a plain 200 with a Content-Length on a connection that is kept.
 */
struct http_reply {
    int status;          /* 0: 200 */
    const char *headers; /* lines, each with "\r\n"; NULL: none */
    const char *body;    /* NULL: none */
    size_t length;       /* of the body; 0: strlen */
    unsigned how;        /* HTTP_REPLY_... */
    size_t cut;          /* bytes of the body that come before HTTP_REPLY_CUT or _STALL */
    size_t piece;        /* the body is sent in pieces of so many bytes; 0: at once */
    int pause_ms;        /* between two pieces */
};

#define HTTP_REPLY_CHUNKED   0x01u  /* Transfer-Encoding: chunked; a piece is a chunk */
#define HTTP_REPLY_CLOSE     0x02u  /* closes behind the answer, and says so in it */
#define HTTP_REPLY_LEAVE     0x04u  /* closes behind the answer without a word */
#define HTTP_REPLY_NO_LENGTH 0x08u  /* the body ends with the connection */
#define HTTP_REPLY_CUT       0x10u  /* closes after `cut` bytes of the body */
#define HTTP_REPLY_STALL     0x20u  /* after `cut` bytes waits for http_server_go_on */
#define HTTP_REPLY_RAW       0x40u  /* the body is all that is sent, and closes */
#define HTTP_REPLY_EARLY     0x80u  /* answers before the request's body is read, and closes */
#define HTTP_REPLY_NOTHING   0x100u /* closes without an answer */
#define HTTP_REPLY_RESET     0x200u /* where it closes: by a reset */
#define HTTP_REPLY_RUDE      0x400u /* where it closes TLS: without close_notify */
#define HTTP_REPLY_NO_END    0x800u /* chunked: without the last chunk, and closes */

/* A request as it came. */
struct http_seen {
    char method[16];
    char target[2048]; /* "/path?query" */
    char *head;        /* all of it up to the empty line */
    char *body;        /* NUL behind it; NULL where it was not read */
    size_t length;
    int connection; /* which one it came by, from 1 */
};

struct http_server_options {
    /* Answers where the script has nothing more; one call at a time, from a thread of the server.
     * What reply points to must live until the server is freed. NULL: 500. */
    void (*handle)(void *context, const struct http_seen *seen, struct http_reply *reply);
    void *context;
    const char *certificate; /* TLS by this PEM file with certificate and key; NULL: plain */
    const char *client_ca;   /* PEM: clients need a certificate from it; NULL: none */
    int tls_max;             /* an OpenSSL version such as TLS1_1_VERSION; 0: the newest */
    const char *greets;      /* sent at once, and then the connection is closed; NULL: nothing */
    int ignores_expect;      /* 1: never says "100 Continue" */
    int tunnel_port; /* a proxy: CONNECT, to whatever host, leads to this port of 127.0.0.1 */
};

/* options may be NULL: plain, scripted answers only. */
struct http_server *http_server_new(const struct http_server_options *options);
void http_server_free(struct http_server *server);

int http_server_port(const struct http_server *server);
/* "http://127.0.0.1:PORT" or https. */
const char *http_server_base(const struct http_server *server);

/* Appends an answer to the script: requests are answered in the order in which they come, whatever
 * they ask for. What it points to must live until the server is freed. */
void http_server_reply(struct http_server *server, struct http_reply reply);
/* Lets all answers that stall, now or later, go on. */
void http_server_go_on(struct http_server *server);

/* Waits (10 s at most) until so many requests have come. */
void http_server_wait(struct http_server *server, size_t count);
/* Waits as long until so many connections have been closed by the server. */
void http_server_wait_closed(struct http_server *server, size_t count);
size_t http_server_count(struct http_server *server);
/* A request by its number, from 0; good until the server is freed. */
const struct http_seen *http_server_seen(struct http_server *server, size_t index);
/* A header's value as new text; NULL where there is none. */
char *http_seen_header(const struct http_seen *seen, const char *name);
int http_server_connections(struct http_server *server);

#endif
