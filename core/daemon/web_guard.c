#include "daemon/web_guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "towpath/value.h"

#define GUARD_BEARER "Bearer "

static int guard_v4(const char *host, uint16_t port, struct tow_web_address *out)
{
    out->address.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &out->address.v4.sin_addr) != 1)
        return 0;
    out->loopback = ntohl(out->address.v4.sin_addr.s_addr) >> 24 == 127;
    return 1;
}

static int guard_v6(const char *host, uint16_t port, struct tow_web_address *out)
{
    out->address.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET6, host, &out->address.v6.sin6_addr) != 1)
        return 0;
    out->loopback = IN6_IS_ADDR_LOOPBACK(&out->address.v6.sin6_addr);
    return 1;
}

int tow_web_parse(const char *text, struct tow_web_address *out, struct tow_error *err)
{
    const char *colon = strrchr(text, ':');
    int bracketed = text[0] == '[', known = 0;
    size_t length = colon ? (size_t)(colon - text) : 0;
    char host[64];
    int64_t port;

    memset(out, 0, sizeof *out);
    if (length > 0 && length < sizeof host &&
        tow_parse_int64(colon + 1, strlen(colon + 1), &port) == TOW_PARSE_OK && port >= 0 &&
        port <= 65535) {
        if (bracketed && text[length - 1] == ']' && length > 2) {
            snprintf(host, sizeof host, "%.*s", (int)length - 2, text + 1);
            known = guard_v6(host, (uint16_t)port, out);
        } else if (!bracketed) {
            snprintf(host, sizeof host, "%.*s", (int)length, text);
            known =
                guard_v4(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, (uint16_t)port, out);
        }
    }
    if (known)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "\"%.60s\" is no address such as 127.0.0.1:9477 or [::1]:9477", text);
}

int tow_web_same(const char *given, const char *secret)
{
    size_t length = strlen(given), wanted = strlen(secret);
    volatile unsigned char different = length != wanted;

    for (size_t i = 0; i < length; i++)
        different |= (unsigned char)given[i] ^ (unsigned char)secret[wanted ? i % wanted : 0];
    return !different;
}

/* A name that no DNS answer can make another machine's page be at home under. */
static int guard_host_is_local(const char *host)
{
    char name[64];
    size_t length;

    if (host[0] == '[')
        length = strcspn(host, "]") + 1;
    else
        length = strcspn(host, ":");
    if (length >= sizeof name || length > strlen(host) || (host[length] && host[length] != ':'))
        return 0;
    snprintf(name, sizeof name, "%.*s", (int)length, host);
    struct in_addr v4;
    return strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0 ||
           (inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

static int guard_has_token(const char *authorization, const char *token)
{
    size_t length = strlen(GUARD_BEARER);

    return authorization && strncasecmp(authorization, GUARD_BEARER, length) == 0 &&
           tow_web_same(authorization + length, token);
}

void tow_web_heads_add(struct tow_web_heads *heads, const char *name)
{
    /* RFC 9110, section 5.6.2 */
    size_t length = strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    heads->is_odd |= length == 0 || name[length] != '\0';
    heads->hosts += strcasecmp(name, "Host") == 0;
    heads->logins += strcasecmp(name, "Authorization") == 0;
    heads->lengths += strcasecmp(name, "Content-Length") == 0;
    heads->codings += strcasecmp(name, "Transfer-Encoding") == 0;
}

const char *tow_web_heads_refuse(const struct tow_web_heads *heads)
{
    if (heads->is_odd)
        return "a header's name is none";
    if (heads->hosts > 1 || heads->logins > 1)
        return "a header is there twice that can be there once";
    if (heads->lengths + heads->codings > 1)
        return "the body's length is told twice";
    return NULL;
}

int tow_web_guard(const struct tow_web_request *request, const char *token, const char **why)
{
    *why = NULL;
    if (request->open)
        return 200;
    if (token && !guard_has_token(request->authorization, token)) {
        *why = "the token is missing or wrong";
        return 401;
    }
    if (!token && (!request->host || !guard_host_is_local(request->host))) {
        *why = "without a token, only requests to this machine by its loopback name are answered";
        return 403;
    }
    if (request->post &&
        (request->origin || (request->fetch_site && strcmp(request->fetch_site, "none") != 0))) {
        *why = "runs are not started from web pages";
        return 403;
    }
    return 200;
}
