/* Who may ask what: addresses, tokens, and requests that a browser was made to send. Pure. */
#ifndef CORE_DAEMON_WEB_GUARD_H
#define CORE_DAEMON_WEB_GUARD_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "towpath/error.h"

struct tow_web_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    int loopback;
};

/* "127.0.0.1:9477", "[::1]:9477", "localhost:9477"; numbers otherwise, port 0 .. 65535. */
int tow_web_parse(const char *text, struct tow_web_address *out, struct tow_error *err);

/* 1 where both are the same; takes as long whatever of `given` is right. */
int tow_web_same(const char *given, const char *secret);

/* A request's headers, counted: what a proxy in front may have understood in another way (RFC 9112,
 * section 11.2). */
struct tow_web_heads {
    unsigned hosts, logins, lengths, codings;
    int is_odd; /* a name that is no name */
};

void tow_web_heads_add(struct tow_web_heads *heads, const char *name);
/* NULL, or why a request with these is refused (400). */
const char *tow_web_heads_refuse(const struct tow_web_heads *heads);

/* What of a request the guard looks at; NULL where it lacks it. */
struct tow_web_request {
    int post;
    int open; /* /healthz and /readyz, which tell nothing */
    const char *host, *origin, *fetch_site, *authorization;
};

/* 200, or the status of the refusal with its reason. token: NULL for none. */
int tow_web_guard(const struct tow_web_request *request, const char *token, const char **why);

#endif
