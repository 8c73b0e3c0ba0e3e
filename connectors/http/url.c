#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/http/http_priv.h"

int tow_http_host_is_loopback(const char *host)
{
    size_t length = strlen(host);
    char plain[INET6_ADDRSTRLEN];
    struct in6_addr six;
    struct in_addr four;

    if (strcasecmp(host, "localhost") == 0)
        return 1;
    if (inet_pton(AF_INET, host, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    if (host[0] != '[' || length < 2 || length - 2 >= sizeof plain)
        return 0;
    memcpy(plain, host + 1, length - 2);
    plain[length - 2] = '\0';
    return inet_pton(AF_INET6, plain, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static int url_failed(CURLUcode code, struct tow_error *err)
{
    if (code == CURLUE_OUT_OF_MEMORY)
        return tow_error_nomem(err);
    if (code == CURLUE_USER_NOT_ALLOWED)
        return tow_error_set(err, TOW_E_CONFIG, "a URL holds no user and password here");
    return tow_error_set(err, TOW_E_CONFIG, "not a URL such as \"https://host/path\": %s",
                         curl_url_strerror(code));
}

static int url_check_bytes(const char *text, struct tow_error *err)
{
    const char *at;

    for (at = text; *at; at++)
        if (*at < 0x21 || *at > 0x7E)
            return tow_error_set(err, TOW_E_CONFIG,
                                 "a URL has the byte 0x%02X at offset %zu, which is to be "
                                 "percent-encoded",
                                 (unsigned char)*at, (size_t)(at - text));
    return TOW_OK;
}

/* Whether scheme and host go together. */
static int url_check_scheme(CURLU *url, int *is_plain, int *is_loopback, struct tow_error *err)
{
    char *scheme = NULL, *host = NULL;
    CURLUcode bad = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    int code = TOW_OK;

    if (bad == CURLUE_OK)
        bad = curl_url_get(url, CURLUPART_HOST, &host, 0);
    if (bad != CURLUE_OK) {
        code = url_failed(bad, err);
    } else {
        *is_loopback = tow_http_host_is_loopback(host);
        *is_plain = strcmp(scheme, "http") == 0;
        if (*is_plain && !*is_loopback)
            code = tow_error_set(err, TOW_E_CONFIG,
                                 "http://%s: plain http is for this machine only (localhost, "
                                 "127.0.0.0/8, ::1): use https",
                                 host);
        else if (!*is_plain && strcmp(scheme, "https") != 0)
            code = tow_error_set(err, TOW_E_CONFIG, "%s://%s: not an https URL", scheme, host);
    }
    curl_free(scheme);
    curl_free(host);
    return code;
}

int tow_http_url_parse(const char *text, CURLU **url, int *is_plain, int *is_loopback,
                       struct tow_error *err)
{
    int code = url_check_bytes(text, err);
    CURLUcode bad;

    *url = NULL;
    if (code != TOW_OK)
        return code;
    *url = curl_url();
    if (!*url)
        return tow_error_nomem(err);
    /* libcurl reads the address by the same parser: nobody sees another host in it. */
    bad = curl_url_set(*url, CURLUPART_URL, text, CURLU_DISALLOW_USER | CURLU_PATH_AS_IS);
    code = bad == CURLUE_OK ? url_check_scheme(*url, is_plain, is_loopback, err)
                            : url_failed(bad, err);
    if (code != TOW_OK) {
        curl_url_cleanup(*url);
        *url = NULL;
    }
    return code;
}

int tow_http_check_url(const char *text, struct tow_error *err)
{
    CURLU *url;
    int is_plain, is_loopback;
    int code = tow_http_url_parse(text, &url, &is_plain, &is_loopback, err);

    curl_url_cleanup(url);
    return code;
}

static int proxy_check_scheme(CURLU *url, struct tow_error *err)
{
    static const char *const known[] = {"http",   "https",   "socks4", "socks4a",
                                        "socks5", "socks5h", NULL};
    char *scheme = NULL;
    int i, code;

    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
        return tow_error_nomem(err);
    for (i = 0; known[i] && strcasecmp(known[i], scheme) != 0; i++)
        continue;
    code = known[i] ? TOW_OK
                    : tow_error_set(err, TOW_E_CONFIG,
                                    "proxy: \"%.32s://\" is no kind of proxy; there are http://, "
                                    "https:// and socks5://",
                                    scheme);
    curl_free(scheme);
    return code;
}

int tow_http_proxy_parse(const char *text, CURLU **url, struct tow_error *err)
{
    CURLUcode bad;
    int code = TOW_OK;

    *url = curl_url();
    if (!*url)
        return tow_error_nomem(err);
    bad = curl_url_set(*url, CURLUPART_URL, text, CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME);
    if (bad == CURLUE_OUT_OF_MEMORY)
        code = tow_error_nomem(err);
    else if (bad != CURLUE_OK)
        code = tow_error_set(err, TOW_E_CONFIG,
                             "proxy: not a URL such as \"http://proxy.example:3128\": %s",
                             curl_url_strerror(bad));
    else
        code = proxy_check_scheme(*url, err);
    if (code != TOW_OK) {
        curl_url_cleanup(*url);
        *url = NULL;
    }
    return code;
}

void tow_http_url_name(CURLU *url, char *name, size_t size)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL;

    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
    curl_url_get(url, CURLUPART_HOST, &host, 0);
    curl_url_get(url, CURLUPART_PORT, &port, 0);
    curl_url_get(url, CURLUPART_PATH, &path, 0);
    snprintf(name, size, "%s://%s%s%s%s", scheme ? scheme : "", host ? host : "", port ? ":" : "",
             port ? port : "", path ? path : "");
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
}

int tow_http_encode(struct tow_buffer *out, const char *text, size_t length, int keep_slashes,
                    struct tow_error *err)
{
    static const char hex[] = "0123456789ABCDEF";
    /* RFC 3986, section 2.3 */
    static const char plain[] =
        "-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t room, i;
    char *p;
    int code;

    if (__builtin_mul_overflow(length, (size_t)3, &room))
        return tow_error_nomem(err);
    code = tow_buffer_reserve(out, room, err);
    if (code != TOW_OK)
        return code;
    p = out->data + out->size;
    for (i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        if ((byte && strchr(plain, byte)) || (byte == '/' && keep_slashes)) {
            *p++ = (char)byte;
        } else {
            *p++ = '%';
            *p++ = hex[byte >> 4];
            *p++ = hex[byte & 15];
        }
    }
    out->size = (size_t)(p - out->data);
    return TOW_OK;
}
