/* What the files of connectors/http share. */
#ifndef CONNECTORS_HTTP_HTTP_PRIV_H
#define CONNECTORS_HTTP_HTTP_PRIV_H

#include <curl/curl.h>
#include <stdatomic.h>
#include <time.h>

#include "connectors/http/http.h"

#define TOW_HTTP_LIMIT         ((size_t)16 << 20)  /* of a body that is kept */
#define TOW_HTTP_ERROR_LIMIT   ((size_t)256 << 10) /* of one that tells an error: the rest is cut */
#define TOW_HTTP_HEAD_LIMIT    ((size_t)256 << 10) /* of header lines, also of interim answers */
#define TOW_HTTP_RETRY_MAX     INT64_C(86400000)   /* ms: a day */
#define TOW_HTTP_NAME_SIZE     256
#define TOW_HTTP_DURATION_SIZE 32

struct tow_http {
    CURLM *multi;
    char *user_agent, *ca_file, *proxy;
    struct tow_identity identity;
    int64_t connect_timeout_ms, idle_timeout_ms;
    int cancel_fd;
    int is_ready; /* curl_global_init was done for this client */
    atomic_int woken;
    struct tow_http_call *calls; /* all that are not finished */
    int running;                 /* those among them that have not ended */
    int64_t next_look_ms;        /* when idle exchanges are looked for again */
    int was_unsent;
    int *sockets; /* that are open */
    size_t socket_count;
    atomic_int was_asked; /* a server wanted a client certificate, and there is none */
};

struct tow_http_call {
    struct tow_http *http;
    struct tow_http_call *next, *previous;
    const struct tow_http_request *request;
    CURL *easy;
    CURLU *url;
    struct curl_slist *headers;
    char name[TOW_HTTP_NAME_SIZE]; /* "GET https://host/path" */
    char detail[CURL_ERROR_SIZE];  /* libcurl's words */

    int64_t sent; /* bytes of body_fd that libcurl has taken */

    int64_t idle_timeout_ms;
    int64_t moved;               /* bytes both ways when last looked at */
    int64_t moved_ms;            /* when that had changed */
    int64_t pace_moved, pace_ms; /* the same, when enough had moved */

    int socket_errno; /* why libcurl got no socket */

    int has_begun; /* the request is being sent: from now on it may have reached the server */
    int is_paused, resumes, has_ended;

    size_t head_bytes; /* of all header lines so far, and of trailers */
    int has_body;      /* the answer's header is over */
    int is_cut;        /* an error's body is long enough: the rest is not wanted */
    char date[64];     /* the server's clock, for a Retry-After that is a date */
    char waits[64];    /* Retry-After */
    char packing[32];  /* Content-Encoding */
    char framing[32];  /* Transfer-Encoding */
    struct tow_http_response response;

    int code; /* how the exchange ended; also set by a callback that breaks it off */
    struct tow_error err;
};

/* "60 s", "300 ms". */
void tow_http_duration(char text[TOW_HTTP_DURATION_SIZE], int64_t ms);

/* ---- client.c -------------------------------------------------------------------------------- */

/* Takes an exchange out of the multi handle and writes down how it ended. */
void tow_http_end(struct tow_http_call *call, CURLcode result);

/* ---- request.c ------------------------------------------------------------------------------- */

/* Fills call->easy, headers and url from its request. */
int tow_http_prepare(struct tow_http_call *call, struct tow_error *err);
/* Checks and adds a header. */
int tow_http_add_header(struct tow_http_call *call, const struct tow_http_header *header,
                        struct tow_error *err);

/* ---- socket.c: callbacks of libcurl ---------------------------------------------------------- */

/* The context is the exchange. */
curl_socket_t tow_http_open_socket(void *context, curlsocktype purpose,
                                   struct curl_sockaddr *address);
/* The context is the client. */
int tow_http_close_socket(void *context, curl_socket_t fd);
/* Whether bytes wait on the connection of that local port. */
int tow_http_is_unread(const struct tow_http *http, int local_port);

/* ---- sign.c ---------------------------------------------------------------------------------- */

/* Adds the headers that sign the request. is_plain: 1 for http. */
int tow_http_sign(struct tow_http_call *call, int is_plain, struct tow_error *err);

/* ---- answer.c: callbacks of libcurl; the last argument is the call ----------------------------
 */

size_t tow_http_on_header(char *bytes, size_t size, size_t count, void *call);
size_t tow_http_on_body(char *bytes, size_t size, size_t count, void *call);

/* ---- failure.c ------------------------------------------------------------------------------- */

/* Sets call->code and call->err from what libcurl says of an exchange that is over. */
void tow_http_judge(struct tow_http_call *call, CURLcode result);

/* ---- url.c ----------------------------------------------------------------------------------- */

/* As tow_http_check_url; *url is to be cleaned up by the caller. */
int tow_http_url_parse(const char *text, CURLU **url, int *is_plain, int *is_loopback,
                       struct tow_error *err);
/* "https://host:port/path", cut to what fits. */
void tow_http_url_name(CURLU *url, char *name, size_t size);
int tow_http_host_is_loopback(const char *host);
/* Takes a proxy's URL to pieces, which may lack its scheme (http). TOW_E_CONFIG where it is none,
 * or of a kind that libcurl does not know; never shows it: it may hold a password. */
int tow_http_proxy_parse(const char *text, CURLU **url, struct tow_error *err);

/* ---- retry_after.c --------------------------------------------------------------------------- */

/* Milliseconds that a Retry-After header asks for, at most a day; -1 where it makes no sense. A
 * date counts from `date`, the answer's Date header, or where that makes no sense from now. */
int64_t tow_http_retry_after(const char *value, const char *date, time_t now);

#endif
