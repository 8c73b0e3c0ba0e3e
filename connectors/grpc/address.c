#include "connectors/grpc/address.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/http/http.h"

void grpc_address_release(struct grpc_address *address)
{
    free(address->host);
    free(address->authority);
    free(address->url);
    free(address->proxy);
    free(address->no_proxy);
    *address = (struct grpc_address){0};
}

/* The first of the variables that is set and not empty; NULL where none is. */
static const char *address_variable(const char *const *names)
{
    for (; *names; names++) {
        const char *value = getenv(*names);

        if (value && *value)
            return value;
    }
    return NULL;
}

/* Plain http stays on this machine: the environment's proxies are not asked for it. */
static int address_find_proxy(struct grpc_address *address, const char *proxy,
                              struct tow_error *err)
{
    static const char *const proxies[] = {"grpc_proxy", "GRPC_PROXY", "https_proxy", "HTTPS_PROXY",
                                          "all_proxy",  "ALL_PROXY",  NULL};
    static const char *const exceptions[] = {"no_grpc_proxy", "NO_GRPC_PROXY", NULL};
    const char *no_proxy = address_variable(exceptions);

    if (!proxy && address->is_secure)
        proxy = address_variable(proxies);
    if (!proxy)
        proxy = "";
    if (strncasecmp(proxy, "https:", 6) == 0)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "a proxy that is itself reached by https is not supported; name it as "
                             "http://host:port");
    address->proxy = strdup(proxy);
    address->no_proxy = no_proxy ? strdup(no_proxy) : NULL;
    return address->proxy && (!no_proxy || address->no_proxy) ? TOW_OK : tow_error_nomem(err);
}

/* NULL where it does not have the part. Owned by libcurl: curl_free. */
static char *address_part(CURLU *parts, CURLUPart part)
{
    char *text = NULL;

    return curl_url_get(parts, part, &text, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) ==
                   CURLUE_OK
               ? text
               : NULL;
}

/* What a URL may have otherwise; scheme, user and password were looked at before. */
static int address_check_rest(CURLU *parts, const char *url, struct tow_error *err)
{
    static const CURLUPart rest[] = {CURLUPART_PATH, CURLUPART_QUERY, CURLUPART_FRAGMENT};
    int is_more = 0;

    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        char *part = address_part(parts, rest[i]);

        is_more |= part && strcmp(part, "/") != 0;
        curl_free(part);
    }
    if (!is_more)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "\"%s\": a gRPC endpoint is a host and a port, with nothing behind", url);
}

static int address_take_host(struct grpc_address *address, const char *host, const char *port,
                             struct tow_error *err)
{
    size_t length = strlen(host);
    int is_bracketed = length > 2 && host[0] == '[';

    address->host = is_bracketed ? strndup(host + 1, length - 2) : strdup(host);
    if (asprintf(&address->authority, "%s:%s", host, port) < 0)
        address->authority = NULL;
    if (asprintf(&address->url, "http://%s:%s", host, port) < 0)
        address->url = NULL;
    return address->host && address->authority && address->url ? TOW_OK : tow_error_nomem(err);
}

static int address_take(struct grpc_address *address, CURLU *parts, const char *url,
                        struct tow_error *err)
{
    char *scheme = address_part(parts, CURLUPART_SCHEME);
    char *host = address_part(parts, CURLUPART_HOST);
    char *port = address_part(parts, CURLUPART_PORT);
    int code = address_check_rest(parts, url, err);

    if (code == TOW_OK)
        code = scheme && host && port ? address_take_host(address, host, port, err)
                                      : tow_error_nomem(err);
    address->is_secure = scheme && strcmp(scheme, "https") == 0;
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return code;
}

int grpc_address_init(struct grpc_address *address, const char *url, const char *proxy,
                      struct tow_error *err)
{
    CURLU *parts;
    int code = tow_http_check_url(url, err);

    *address = (struct grpc_address){0};
    if (code != TOW_OK)
        return code;
    parts = curl_url();
    code = parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK
               ? address_take(address, parts, url, err)
               : tow_error_nomem(err);
    curl_url_cleanup(parts);
    if (code == TOW_OK)
        code = address_find_proxy(address, proxy, err);
    if (code != TOW_OK)
        grpc_address_release(address);
    return code;
}
