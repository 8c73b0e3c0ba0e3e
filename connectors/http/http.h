/*
 * HTTP over libcurl: the one place for TLS, proxies, timeouts, connection reuse, limits of answers
 * and error bodies.
 *
 * A client owns its connections and is used by one thread at a time; tow_http_wake alone may come
 * from any. Nothing is retried and no redirect is followed here: a 3xx is an answer like any other.
 * https is verified, TLS 1.2 at least; plain http is taken for loopback hosts only ("localhost",
 * 127.0.0.0/8, ::1). HTTP/1.1: many connections beat one shared window for downloads. Compression
 * is not asked for.
 *
 * Proxies come from the settings, else from the usual environment (https_proxy, all_proxy); hosts
 * in its no_proxy are reached directly in either case. Loopback hosts are reached directly unless
 * the settings name a proxy, and plain http only through one that is on this machine as well.
 *
 * A kept connection on which the server closes before a byte of an answer is no failure: libcurl
 * sends the request again on a fresh one. A POST is not sent again but TOW_E_TRANSIENT, since the
 * server may have acted on it; to make that rare it takes no connection that was idle for 4 s. One
 * on which something came that was not asked for is given up, TOW_E_TRANSIENT and unsent.
 *
 * No message of this module holds a query string, a header's value or a user name: they may be
 * secrets. URLs are named by scheme, host, port and path.
 */
#ifndef CONNECTORS_HTTP_HTTP_H
#define CONNECTORS_HTTP_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/http/identity.h"
#include "towpath/error.h"
#include "towpath/rowtext.h"

struct tow_http;
struct tow_http_call;

struct tow_http_settings {
    const char *user_agent; /* NULL: "towpath/<version>" */
    const char *ca_file;    /* PEM, instead of the system's certificates; NULL: SSL_CERT_FILE of
                               the environment, else the system's */
    struct tow_identity identity; /* shown to servers that ask for it; {NULL}: none */
    const char *proxy;            /* URL; NULL: the environment decides; "": none */
    int64_t connect_timeout_ms;   /* names, TCP and TLS together; 0: 30 s */
    /* An exchange in which no byte moves for so long ends, and one in which less than 64 KiB move
     * in five times as long, so that a far end which drips bytes holds nobody; 0: 60 s. */
    int64_t idle_timeout_ms;
    int connections; /* kept open at most; 0: 16 */
    int cancel_fd;   /* readable: every wait ends with TOW_E_CANCELLED; -1: none */
};

struct tow_http_header {
    const char *name, *value; /* no control bytes: a value with one is TOW_E_CONFIG */
};

/* AWS Signature Version 4 for `service` in `region`; credentials go into headers only. */
struct tow_http_sigv4 {
    const char *region, *service;
    const char *access_key, *secret_key;
    const char *session_token; /* NULL: none */
};

/* Borrowed, with all it points to, until the exchange is over. */
struct tow_http_request {
    const char *method; /* "GET", "POST", "PUT", "DELETE", "HEAD" */
    const char *url;    /* absolute, percent-encoded */
    const struct tow_http_header *headers;
    size_t header_count;
    const void *body; /* body_length bytes; or NULL and a file */
    int body_fd;      /* where body is NULL and body_length > 0: read by offset from 0 */
    int64_t body_length;
    const char *user, *password; /* HTTP Basic; NULL: none */
    const struct tow_http_sigv4 *sigv4;
    int is_elsewhere;        /* 1: a server that is not told who is calling, by no certificate */
    int64_t timeout_ms;      /* for the whole exchange; 0: none but the idle one */
    int64_t idle_timeout_ms; /* instead of the client's; 0: the client's */
    /* Bytes of a 2xx answer that are kept; one that has more is TOW_E_ENV ("answer longer than").
     * 0: 16 MiB. The body of any other answer is cut after 256 KiB. Header lines, of interim
     * answers and behind the body too, have 256 KiB together; more are TOW_E_ENV. */
    size_t limit;
    /* Takes the body of a 2xx answer piece by piece instead: TOW_OK, TOW_END to pause the exchange
     * until tow_http_resume (the piece comes again), or an error, which ends it. The body of any
     * other answer is kept as usual. Called from within tow_http_run and tow_http_perform; of this
     * module it may call tow_http_status, tow_http_length, tow_http_wake and tow_http_resume. */
    int (*take)(void *context, const struct tow_http_call *call, const void *bytes, size_t length,
                struct tow_error *err);
    void *context;
};

struct tow_http_response {
    int status;             /* 0: none came */
    struct tow_buffer body; /* NUL behind it, not counted */
    char content_type[128]; /* "" where there is none; cut where longer */
    int64_t content_length; /* as announced; -1: not */
    int64_t retry_after_ms; /* Retry-After in either form; -1: none, or not understood */
    char etag[128];
    char reason[256]; /* x-databricks-reason-phrase or the like; "" where there is none */
};

/* What of the settings can be judged without a connection: the proxy's URL, whether ca_file can be
 * read, and the client certificate. TOW_E_CONFIG. */
int tow_http_check(const struct tow_http_settings *settings, struct tow_error *err);
/* Settings are copied. */
struct tow_http *tow_http_new(const struct tow_http_settings *settings, struct tow_error *err);
/* Breaks off what has not been finished. */
void tow_http_free(struct tow_http *http);

void tow_http_response_release(struct tow_http_response *response);

/*
 * Does one exchange and waits for its end. TOW_OK where an answer came, whatever its status.
 * Otherwise: TOW_E_TRANSIENT (names, connect, cut, timeout, short body), TOW_E_ENV (certificate
 * refused, answer too long, ...), TOW_E_CONFIG (a URL or header that cannot be), TOW_E_CANCELLED.
 * A body shorter than its Content-Length is an error, never an end; a 2xx answer whose body would
 * end with the connection, by no length and no last chunk, is TOW_E_ENV. *response is to be
 * released in any case.
 */
int tow_http_perform(struct tow_http *http, const struct tow_http_request *request,
                     struct tow_http_response *response, struct tow_error *err);

/* Whether a request of which perform said TOW_E_TRANSIENT has certainly not reached the server
 * (failed before its first byte was sent): of the last exchange that ended with an error. */
int tow_http_was_unsent(const struct tow_http *http);

/* ---- several at once ------------------------------------------------------------------------ */

/* Begins an exchange, which tow_http_run moves on. */
struct tow_http_call *tow_http_start(struct tow_http *http, const struct tow_http_request *request,
                                     struct tow_error *err);
/* Moves all exchanges; returns once one has ended, a wake came (also before the call), or after
 * timeout_ms. TOW_E_CANCELLED once cancel_fd is readable. */
int tow_http_run(struct tow_http *http, int timeout_ms, struct tow_error *err);
/* Any thread: lets tow_http_run return. */
void tow_http_wake(struct tow_http *http);
int tow_http_ended(const struct tow_http_call *call);
/* Lets an exchange that `take` paused go on. A paused exchange does not time out for idling. */
void tow_http_resume(struct tow_http_call *call);
/* Ends an exchange, if need be in its middle (TOW_E_CANCELLED), and frees it. Result as of
 * tow_http_perform. response may be NULL. */
int tow_http_finish(struct tow_http_call *call, struct tow_http_response *response,
                    struct tow_error *err);
/* Status so far; 0 while no answer has begun. For `take`. */
int tow_http_status(const struct tow_http_call *call);
/* What the answer's header says of the body's length; -1: nothing. For `take`. */
int64_t tow_http_length(const struct tow_http_call *call);

/* ---- what an answer means -------------------------------------------------------------------- */

/* The class of a status for an exchange that may be repeated: 2xx TOW_OK; 401 and 403 TOW_E_AUTH;
 * 408, 425, 500, 502, 503, 504 TOW_E_TRANSIENT; 429 TOW_E_RATE, and so 503 with Retry-After; other
 * 4xx TOW_E_CONFIG; the rest TOW_E_ENV. */
int tow_http_class(const struct tow_http_response *response);

/*
 * What an error body says, found in any of the shapes that are seen in the wild: {"error_code",
 * "message"} with a text or an integer, {"error", "error_description"}, {"error": {"message"}},
 * {"errorCode", "errorSummary"}, S3's and Azure's XML, "CODE: text", HTML (its title), nothing.
 * Both are "" where it says nothing; control bytes are made spaces.
 */
struct tow_http_problem {
    char code[128];
    char message[512];
    int is_html; /* 1: a page, as proxies and log-in pages send them */
};
void tow_http_problem(const struct tow_http_response *response, struct tow_http_problem *problem);

/* Sets err from an answer that is no success: class, retry_after_ms, and "<what>: HTTP 403
 * PERMISSION_DENIED: <message>". Returns the class. */
int tow_http_refused(const struct tow_http_response *response, const char *what,
                     struct tow_error *err);

/* ---- URLs ------------------------------------------------------------------------------------ */

/* Appends text percent-encoded; keep_slashes leaves '/' as it is. */
int tow_http_encode(struct tow_buffer *out, const char *text, size_t length, int keep_slashes,
                    struct tow_error *err);
/* TOW_OK for an https URL, or http to loopback; TOW_E_CONFIG with the reason otherwise. */
int tow_http_check_url(const char *url, struct tow_error *err);

#endif
