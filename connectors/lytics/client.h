/*
 * Calls of the Lytics API (version 1 under /api and /collect, version 2 under /v2): login, query,
 * envelopes, errors that say what to do.
 *
 * A client has connections of its own and is used by one thread at a time. Nothing is retried here.
 * The token goes as it is into the header Authorization, without "Bearer", and never into a URL.
 *
 * Envelopes: {"data", "status", "message"} of version 1, whose status may be a text, and {"data",
 * "status", "request_id", "_meta"} of version 2; errors {"status", "message"}, which a 401 has
 * under /v2 as well, and {"status", "errors": [{"code", "message"}], "request_id"}. An answer of
 * 200 whose message is "Not Found" is one of 404.
 */
#ifndef CONNECTORS_LYTICS_CLIENT_H
#define CONNECTORS_LYTICS_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/http/identity.h"
#include "towpath/error.h"
#include "towpath/json.h"
#include "towpath/rowtext.h"

#define TOW_LYTICS_API_URL  "https://api.lytics.io"
#define TOW_LYTICS_BULK_URL "https://bulk.lytics.io"

/* Nesting of arrays and objects that an answer may have. */
#define TOW_LYTICS_DEPTH 128

struct tow_lytics;

/* NULL, "" and 0 stand for what the comment says. */
struct tow_lytics_settings {
    const char *api_url;    /* TOW_LYTICS_API_URL; a path in it stays in front */
    const char *bulk_url;   /* TOW_LYTICS_BULK_URL */
    const char *token;      /* needed */
    const char *account_id; /* which of the accounts that the token reaches: id or number; none: the
                               token's own */
    const char *ca_file;    /* as in http.h */
    struct tow_identity identity; /* as in http.h */
    const char *proxy;            /* as in http.h: NULL is the environment's, "" none */
    /* Of a call, from connecting to the end of its answer; 60 s. Of an upload, for connecting, and
     * in which no byte moves. */
    int64_t timeout_ms;
    int64_t rate_wait_ms; /* after a 429, which says nothing of it; 10 s */
    int cancel_fd;        /* as in http.h; -1: none */
};

/* What can be judged without a connection: URLs, the token's form, files and proxy. TOW_E_CONFIG
 * names the option that is meant. */
int tow_lytics_check(const struct tow_lytics_settings *settings, struct tow_error *err);
/* Settings, which have passed tow_lytics_check, are copied. */
struct tow_lytics *tow_lytics_new(const struct tow_lytics_settings *settings,
                                  struct tow_error *err);
void tow_lytics_free(struct tow_lytics *lytics);

/* ---- calls ----------------------------------------------------------------------------------- */

/* A part of the query; with value NULL it is left out. */
struct tow_lytics_argument {
    const char *name, *value; /* not encoded */
};

struct tow_lytics_call {
    const char *what;                            /* for messages: "listing the audiences" */
    const char *method;                          /* NULL: "GET" */
    const char *path;                            /* "/v2/event": percent-encoded, without a query */
    const struct tow_lytics_argument *arguments; /* account_id is added to them */
    size_t argument_count;
    int is_bulk;      /* 1: goes to bulk_url */
    const void *body; /* body_length bytes; or NULL and a file */
    int body_fd;      /* where body is NULL and body_length > 0: read by offset from 0 */
    int64_t body_length;
    const char *body_type; /* NULL: "application/json" */
    int64_t timeout_ms;    /* 0: the client's */
    size_t limit;          /* bytes of the answer; 0: 16 MiB */
};

/* An answer, whose parts lie in its body. Zero-initialized is empty and valid; used again for any
 * number of calls, each of which takes away what the one before has left. */
struct tow_lytics_answer {
    struct tow_buffer body;
    int status;                /* of HTTP; 0: none came */
    struct tow_json_part data; /* "data"; length 0: there is none, or it is null */
    struct tow_json_part meta; /* "_meta", the same */
    struct tow_buffer next;    /* "_next" or "next": the next page's token, with a NUL that is not
                                  counted; size 0: this was the last page */
    int64_t total;             /* "total"; -1: not said */
    int is_stale;              /* of a scan: see scan.h */
};
void tow_lytics_answer_release(struct tow_lytics_answer *answer);

/*
 * One exchange. TOW_OK for a success whose body is JSON nested at most TOW_LYTICS_DEPTH deep, or
 * empty. TOW_E_AUTH: 401, 403 and their codes; TOW_E_RATE: 429, with retry_after_ms in any case;
 * TOW_E_TRANSIENT: 408, 5xx, and exchanges that broke; TOW_E_DATA: 413; TOW_E_CONFIG: other 4xx;
 * TOW_E_ENV: what is no answer of the API (a page of a proxy, a redirect), or too long;
 * TOW_E_CANCELLED. No message holds the token. answer->status is set also where the call fails
 * (404: there is no such thing, by a 200 with "Not Found" too).
 */
int tow_lytics_call(struct tow_lytics *lytics, const struct tow_lytics_call *call,
                    struct tow_lytics_answer *answer, struct tow_error *err);

/* ---- several calls at once --------------------------------------------------------------------
 */

struct tow_lytics_pending;

/* Begins a call, of which only what it says of a body has to live on until it has ended; `what`
 * longer, until finish. */
struct tow_lytics_pending *tow_lytics_start(struct tow_lytics *lytics,
                                            const struct tow_lytics_call *call,
                                            struct tow_error *err);
/* Moves all calls on, and returns once one has ended, or after timeout_ms. TOW_E_CANCELLED once
 * cancel_fd is readable. */
int tow_lytics_wait(struct tow_lytics *lytics, int timeout_ms, struct tow_error *err);
int tow_lytics_ended(const struct tow_lytics_pending *pending);
/* Ends a call, if need be in its middle (TOW_E_CANCELLED), and frees it. As tow_lytics_call;
 * answer NULL: nobody wants to know. */
int tow_lytics_finish(struct tow_lytics_pending *pending, struct tow_lytics_answer *answer,
                      struct tow_error *err);

/* ---- parts of answers ------------------------------------------------------------------------ */

/* Puts what a string, number or bool says into out, in place of what was there, with a NUL behind
 * it that is not counted. For null, a part of length 0, arrays and objects out is empty. */
int tow_lytics_text(struct tow_buffer *out, struct tow_json_part value, struct tow_error *err);
/* The same into an array of `size` bytes; TOW_E_ENV where it does not fit, naming it `what`. */
int tow_lytics_copy(char *to, size_t size, struct tow_json_part value, const char *what,
                    struct tow_error *err);
/* A whole number, also one that came as a string: 1; 0 where it is none. */
int tow_lytics_int(struct tow_json_part value, int64_t *out);
/* The object's member of that name; length 0 where there is none, or it is null. */
struct tow_json_part tow_lytics_member(struct tow_json_part object, const char *name);
/* 1 where a part is there and is not null. */
int tow_lytics_has(struct tow_json_part value);

#endif
