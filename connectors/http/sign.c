#include <stdlib.h>
#include <string.h>

#include "connectors/http/http_priv.h"
#include "connectors/http/sigv4.h"

#define SIGN_OWN 4 /* headers that a signature brings at most: host, date, hash, token */

/* What a signature is made of. */
struct sign {
    struct tow_buffer host, path, query, authorization; /* texts with their NULs */
    char date[TOW_SIGV4_DATE_SIZE];
    char hash[TOW_SIGV4_HASH_SIZE];
    struct tow_http_header *headers; /* the caller's, then our own */
    size_t count;
};

static void sign_release(struct sign *sign)
{
    tow_buffer_release(&sign->host);
    tow_buffer_release(&sign->path);
    tow_buffer_release(&sign->query);
    tow_buffer_release(&sign->authorization);
    free(sign->headers);
}

/* Host (as libcurl puts it into its header), path and query of the URL. */
static int sign_url(struct sign *sign, CURLU *url, struct tow_error *err)
{
    char *host = NULL, *port = NULL, *path = NULL, *query = NULL;
    int code = TOW_OK;

    if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_PATH, &path, 0) != CURLUE_OK)
        code = tow_error_nomem(err);
    (void)curl_url_get(url, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
    (void)curl_url_get(url, CURLUPART_QUERY, &query, 0);
    if (code == TOW_OK)
        code = tow_buffer_printf(&sign->host, err, "%s%s%s%c", host, port ? ":" : "",
                                 port ? port : "", '\0');
    if (code == TOW_OK)
        code = tow_buffer_printf(&sign->path, err, "%s%c", path, '\0');
    if (code == TOW_OK)
        code = tow_buffer_printf(&sign->query, err, "%s%c", query ? query : "", '\0');
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_free(query);
    return code;
}

/*
 * The body's hash. For a file that goes to S3 over TLS it is left out, as S3 allows: TLS sees to it
 * that the bytes arrive, and the file need not be read twice.
 */
static int sign_payload(struct sign *sign, const struct tow_http_request *request, int is_plain,
                        struct tow_error *err)
{
    if (request->body || request->body_length <= 0)
        return tow_sigv4_hash(sign->hash, request->body ? request->body : "",
                              request->body ? (size_t)request->body_length : 0, err);
    if (!is_plain && strcmp(request->sigv4->service, "s3") == 0) {
        memcpy(sign->hash, TOW_SIGV4_UNSIGNED, sizeof TOW_SIGV4_UNSIGNED);
        return TOW_OK;
    }
    return tow_sigv4_hash_file(sign->hash, request->body_fd, request->body_length, err);
}

/* The caller's headers and those of a signature; these are added to the request, save the host,
 * which libcurl sends. */
static int sign_headers(struct sign *sign, struct tow_http_call *call, struct tow_error *err)
{
    const struct tow_http_request *request = call->request;
    const struct tow_http_sigv4 *keys = request->sigv4;
    size_t i, own = request->header_count + 1;
    int code = TOW_OK;

    sign->headers = calloc(request->header_count + SIGN_OWN, sizeof *sign->headers);
    if (!sign->headers)
        return tow_error_nomem(err);
    for (i = 0; i < request->header_count; i++)
        sign->headers[sign->count++] = request->headers[i];
    sign->headers[sign->count++] = (struct tow_http_header){"Host", sign->host.data};
    sign->headers[sign->count++] = (struct tow_http_header){"X-Amz-Date", sign->date};
    if (strcmp(keys->service, "s3") == 0)
        sign->headers[sign->count++] = (struct tow_http_header){"X-Amz-Content-Sha256", sign->hash};
    if (keys->session_token && *keys->session_token)
        sign->headers[sign->count++] =
            (struct tow_http_header){"X-Amz-Security-Token", keys->session_token};
    for (i = own; i < sign->count && code == TOW_OK; i++)
        code = tow_http_add_header(call, &sign->headers[i], err);
    return code;
}

static int sign_authorize(struct sign *sign, struct tow_http_call *call, struct tow_error *err)
{
    const struct tow_sigv4_request request = {call->request->method, sign->path.data,
                                              sign->query.data,      sign->headers,
                                              sign->count,           sign->hash};
    struct tow_http_header header = {"Authorization", NULL};
    int code =
        tow_sigv4_sign(&sign->authorization, call->request->sigv4, sign->date, &request, err);

    if (code == TOW_OK)
        code = tow_buffer_append(&sign->authorization, "", 1, err);
    header.value = sign->authorization.data;
    return code == TOW_OK ? tow_http_add_header(call, &header, err) : code;
}

int tow_http_sign(struct tow_http_call *call, int is_plain, struct tow_error *err)
{
    struct sign sign = {.count = 0};
    int code = sign_url(&sign, call->url, err);

    tow_sigv4_date(sign.date, time(NULL));
    if (code == TOW_OK)
        code = sign_payload(&sign, call->request, is_plain, err);
    if (code == TOW_OK)
        code = sign_headers(&sign, call, err);
    if (code == TOW_OK)
        code = sign_authorize(&sign, call, err);
    sign_release(&sign);
    return code;
}
