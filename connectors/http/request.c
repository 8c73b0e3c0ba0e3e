#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "connectors/http/http_priv.h"

#define REQUEST_BUFFER        (64 * 1024L)  /* bytes that are read from a connection at once */
#define REQUEST_UPLOAD_BUFFER (128 * 1024L) /* bytes of a file that are read at once */
#define REQUEST_ASKS_FIRST    (1 << 20)     /* bytes of a file from which on it asks */
/* How long a large upload waits for "100 Continue". */
#define REQUEST_CONTINUE_WAIT 500L
/* Idle seconds after which a POST, which nobody may send twice, takes no kept connection. Servers
 * close idle ones after 5 s or more, and a request that meets the close may or may not have been
 * seen. libcurl compares whole seconds: up to 3.99 s pass. */
#define REQUEST_POST_MAX_AGE 3L

/* In functions that keep what libcurl said in `code`: sets an option unless one has failed. */
#define SET(option, value)                                    \
    do {                                                      \
        if (code == CURLE_OK)                                 \
            code = curl_easy_setopt(easy, (option), (value)); \
    } while (0)

/* ---- callbacks ------------------------------------------------------------------------------- */

/* RFC 9110, section 9.2.2: to send it twice does what to send it once does. */
static int request_is_idempotent(const char *method)
{
    static const char *const known[] = {"GET", "HEAD", "PUT", "DELETE"};
    size_t i;

    for (i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(method, known[i]) == 0)
            return 1;
    return 0;
}

/*
 * Whether bytes wait on a kept connection that answer no request of ours: an answer that came
 * twice, or garbage behind one. libcurl would take what waits for the answer to the next request,
 * and what became of some rows would be told of others.
 */
static int request_is_answered_already(const struct tow_http_call *call, int local_port)
{
    long made = 0;

    curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &made);
    return made == 0 && tow_http_is_unread(call->http, local_port);
}

/*
 * libcurl is about to send the request. It does so a second time, on a fresh connection, where a
 * kept one died without a byte of an answer. The server may have seen the first, so a POST is not
 * sent again: whether to repeat it is the caller's to know.
 */
static int request_begins(void *context, char *address, char *local_address, int port,
                          int local_port)
{
    struct tow_http_call *call = context;

    (void)address;
    (void)local_address;
    (void)port;
    if (call->has_begun && !request_is_idempotent(call->request->method)) {
        call->code = tow_error_set(
            &call->err, TOW_E_TRANSIENT,
            "%s: the server closed the connection as the request was being sent", call->name);
        return CURL_PREREQFUNC_ABORT;
    }
    if (request_is_answered_already(call, local_port)) {
        call->code = tow_error_set(&call->err, TOW_E_TRANSIENT,
                                   "%s: the server sent something that was not asked for on a kept "
                                   "connection, which is given up",
                                   call->name);
        return CURL_PREREQFUNC_ABORT;
    }
    call->has_begun = 1;
    return CURL_PREREQFUNC_OK;
}

/* The next bytes of body_fd. */
static size_t request_read(char *into, size_t size, size_t count, void *context)
{
    struct tow_http_call *call = context;
    int64_t left = call->request->body_length - call->sent;
    size_t room = size * count;
    ssize_t length;

    if (left <= 0)
        return 0;
    if ((uint64_t)left < room)
        room = (size_t)left;
    do
        length = pread(call->request->body_fd, into, room, call->sent);
    while (length < 0 && errno == EINTR);
    if (length < 0) {
        call->code =
            tow_error_errno(&call->err, TOW_E_ENV, errno, "%s: read the file to send", call->name);
        return CURL_READFUNC_ABORT;
    }
    if (length == 0) {
        call->code = tow_error_set(&call->err, TOW_E_ENV,
                                   "%s: the file to send ends after %lld of %lld bytes", call->name,
                                   (long long)call->sent, (long long)call->request->body_length);
        return CURL_READFUNC_ABORT;
    }
    call->sent += length;
    return (size_t)length;
}

static int request_seek(void *context, curl_off_t offset, int origin)
{
    struct tow_http_call *call = context;

    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_CANTSEEK;
    call->sent = offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- options --------------------------------------------------------------------------------- */

static int request_result(CURLcode code, struct tow_error *err)
{
    if (code == CURLE_OK)
        return TOW_OK;
    if (code == CURLE_OUT_OF_MEMORY)
        return tow_error_nomem(err);
    return tow_error_set(err, TOW_E_UNSUPPORTED, "libcurl lacks something that is needed: %s",
                         curl_easy_strerror(code));
}

static long request_long(int64_t ms)
{
    return ms < INT_MAX ? (long)ms : INT_MAX; /* libcurl refuses longer ones */
}

static CURLcode request_connection(struct tow_http_call *call)
{
    const struct tow_http *http = call->http;
    CURL *easy = call->easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_PRIVATE, call);
    SET(CURLOPT_ERRORBUFFER, call->detail);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CURLU, call->url);
    /* Paths go out, and are signed, as they were written. */
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_BUFFERSIZE, REQUEST_BUFFER);
    SET(CURLOPT_OPENSOCKETFUNCTION, tow_http_open_socket);
    SET(CURLOPT_OPENSOCKETDATA, call);
    SET(CURLOPT_CLOSESOCKETFUNCTION, tow_http_close_socket);
    SET(CURLOPT_CLOSESOCKETDATA, call->http);
    SET(CURLOPT_PREREQFUNCTION, request_begins);
    SET(CURLOPT_PREREQDATA, call);
    SET(CURLOPT_CONNECTTIMEOUT_MS, request_long(http->connect_timeout_ms));
    if (call->request->timeout_ms > 0)
        SET(CURLOPT_TIMEOUT_MS, request_long(call->request->timeout_ms));
#if LIBCURL_VERSION_NUM >= 0x075700
    /* To break off a name lookup must not wait for its end. */
    SET(CURLOPT_QUICK_EXIT, 1L);
#endif
    return code;
}

/* OpenSSL's callback for a server that asks who is calling. The client lives longer than its
 * connections. */
static int request_is_asked(SSL *ssl, X509 **certificate, EVP_PKEY **key)
{
    struct tow_http *http = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

    (void)certificate;
    (void)key;
    if (http)
        atomic_store(&http->was_asked, 1);
    return 0;
}

static CURLcode request_listen(CURL *easy, void *context, void *http)
{
    (void)easy;
    SSL_CTX_set_app_data((SSL_CTX *)context, http);
    SSL_CTX_set_client_cert_cb(context, request_is_asked);
    return CURLE_OK;
}

static CURLcode request_tls(struct tow_http_call *call)
{
    const struct tow_http *http = call->http;
    const struct tow_identity *identity = &http->identity;
    CURL *easy = call->easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PROXY_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_PROXY_SSL_VERIFYHOST, 2L);
    if (http->ca_file) {
        SET(CURLOPT_CAINFO, http->ca_file);
        SET(CURLOPT_CAPATH, NULL);
        SET(CURLOPT_PROXY_CAINFO, http->ca_file);
        SET(CURLOPT_PROXY_CAPATH, NULL);
    }
    if (identity->cert && !call->request->is_elsewhere) {
        SET(CURLOPT_SSLCERT, identity->cert);
        SET(CURLOPT_SSLKEY, identity->key ? identity->key : identity->cert);
        /* Without one, OpenSSL would ask for it on the terminal. */
        SET(CURLOPT_KEYPASSWD, identity->password ? identity->password : "");
    } else if (code == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, request_listen) == CURLE_OK) {
        /* With another TLS library than OpenSSL a message says less, and that is all. */
        SET(CURLOPT_SSL_CTX_DATA, http);
    }
    return code;
}

/* *is_loopback: 1 where the client's own proxy is on this machine. */
static int request_locate_proxy(const char *proxy, int *is_loopback, struct tow_error *err)
{
    CURLU *url;
    char *host = NULL;
    int code = tow_http_proxy_parse(proxy, &url, err);

    if (code == TOW_OK && curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        code = tow_error_nomem(err);
    *is_loopback = host && tow_http_host_is_loopback(host);
    curl_free(host);
    curl_url_cleanup(url);
    return code;
}

/*
 * What is on this machine is reached through a proxy only where the settings name one: environments
 * often forget to list it in no_proxy. Plain http must not leave the machine, so the proxy has to
 * be here as well, and gets a tunnel as for https.
 */
static int request_proxy(struct tow_http_call *call, int is_plain, int is_loopback,
                         struct tow_error *err)
{
    const char *proxy = call->http->proxy;
    int is_near = 1, result = TOW_OK;
    CURL *easy = call->easy;
    CURLcode code = CURLE_OK;

    if (is_loopback && !proxy)
        proxy = "";
    if (is_plain && *proxy)
        result = request_locate_proxy(proxy, &is_near, err);
    if (result == TOW_OK && !is_near)
        result =
            tow_error_set(err, TOW_E_CONFIG,
                          "%s: plain http is not sent through a proxy on another machine, where "
                          "it could be read: use https, or proxy = \"\"",
                          call->name);
    if (result != TOW_OK)
        return result;
    if (proxy)
        SET(CURLOPT_PROXY, proxy);
    SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
    return request_result(code, err);
}

/* ---- headers --------------------------------------------------------------------------------- */

static int request_add(struct tow_http_call *call, const char *line, struct tow_error *err)
{
    struct curl_slist *headers = curl_slist_append(call->headers, line);

    if (!headers)
        return tow_error_nomem(err);
    call->headers = headers;
    return TOW_OK;
}

/* RFC 9110, section 5.6.2 */
static int request_is_token(const char *name)
{
    size_t length = strspn(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

    return length > 0 && name[length] == '\0';
}

int tow_http_add_header(struct tow_http_call *call, const struct tow_http_header *header,
                        struct tow_error *err)
{
    struct tow_buffer line = {NULL, 0, 0};
    const char *at;
    int code;

    if (!request_is_token(header->name))
        return tow_error_set(err, TOW_E_CONFIG, "%s: a header's name cannot be \"%.64s\"",
                             call->name, header->name);
    for (at = header->value; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            return tow_error_set(err, TOW_E_CONFIG,
                                 "%s: the value of header %s has the control byte 0x%02X at offset "
                                 "%zu, perhaps the line end of a file",
                                 call->name, header->name, (unsigned char)*at,
                                 (size_t)(at - header->value));
    /* libcurl takes "name:" as "leave this header out", and "name;" as one without a value. */
    code = tow_buffer_printf(&line, err, *header->value ? "%s: %s%c" : "%s;%s%c", header->name,
                             header->value, '\0');
    if (code == TOW_OK)
        code = request_add(call, line.data, err);
    if (line.data)
        explicit_bzero(line.data, line.size);
    tow_buffer_release(&line);
    return code;
}

/*
 * A large file asks with "Expect: 100-continue" first: a server that refuses it and closes would
 * otherwise cut the upload, and what it said would be lost to "connection reset". Others do not
 * ask: they are small, and servers that do not know the header would cost each of them the wait.
 */
static int request_asks_first(const struct tow_http_request *request)
{
    return !request->body && request->body_length >= REQUEST_ASKS_FIRST;
}

static int request_headers(struct tow_http_call *call, struct tow_error *err)
{
    const struct tow_http_request *request = call->request;
    int code = TOW_OK, has_type = 0;
    size_t i;

    for (i = 0; i < request->header_count && code == TOW_OK; i++) {
        has_type |= strcasecmp(request->headers[i].name, "Content-Type") == 0;
        code = tow_http_add_header(call, &request->headers[i], err);
    }
    /* libcurl would call any body of a POST a form. */
    if (code == TOW_OK && !has_type)
        code = request_add(call, "Content-Type:", err);
    if (code == TOW_OK && !request_asks_first(request))
        code = request_add(call, "Expect:", err);
    return code;
}

/* ---- body ------------------------------------------------------------------------------------ */

static CURLcode request_body(struct tow_http_call *call)
{
    const struct tow_http_request *request = call->request;
    const char *method = request->method;
    int has_body =
        request->body_length > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    CURL *easy = call->easy;
    CURLcode code = CURLE_OK;

    if (strcmp(method, "HEAD") == 0) {
        SET(CURLOPT_NOBODY, 1L);
    } else if (!has_body) {
        SET(CURLOPT_HTTPGET, 1L);
    } else if (request->body || request->body_length <= 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length);
        SET(CURLOPT_POSTFIELDS, request->body ? request->body : "");
    } else {
        SET(CURLOPT_UPLOAD, 1L);
        SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_length);
        SET(CURLOPT_UPLOAD_BUFFERSIZE, REQUEST_UPLOAD_BUFFER);
        SET(CURLOPT_EXPECT_100_TIMEOUT_MS, REQUEST_CONTINUE_WAIT);
        SET(CURLOPT_READFUNCTION, request_read);
        SET(CURLOPT_READDATA, call);
        SET(CURLOPT_SEEKFUNCTION, request_seek);
        SET(CURLOPT_SEEKDATA, call);
    }
    if (strcmp(method, "HEAD") != 0)
        SET(CURLOPT_CUSTOMREQUEST, method);
    if (!request_is_idempotent(method))
        SET(CURLOPT_MAXAGE_CONN, REQUEST_POST_MAX_AGE);
    return code;
}

static CURLcode request_rest(struct tow_http_call *call)
{
    const struct tow_http_request *request = call->request;
    CURL *easy = call->easy;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_USERAGENT, call->http->user_agent);
    SET(CURLOPT_HTTPHEADER, call->headers);
    /* A proxy sees the user agent and the host's name, not the login. */
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    SET(CURLOPT_HEADERFUNCTION, tow_http_on_header);
    SET(CURLOPT_HEADERDATA, call);
    SET(CURLOPT_WRITEFUNCTION, tow_http_on_body);
    SET(CURLOPT_WRITEDATA, call);
    if (request->user) {
        SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        SET(CURLOPT_USERNAME, request->user);
        SET(CURLOPT_PASSWORD, request->password ? request->password : "");
    }
    return code;
}

int tow_http_prepare(struct tow_http_call *call, struct tow_error *err)
{
    char where[TOW_HTTP_NAME_SIZE - 16];
    int is_plain = 0, is_loopback = 0;
    int code = tow_http_url_parse(call->request->url, &call->url, &is_plain, &is_loopback, err);

    if (code != TOW_OK)
        return code;
    tow_http_url_name(call->url, where, sizeof where);
    snprintf(call->name, sizeof call->name, "%.12s %s", call->request->method, where);
    if (!request_is_token(call->request->method))
        return tow_error_set(err, TOW_E_CONFIG, "%s: a method cannot be called so", call->name);
    code = request_headers(call, err);
    if (code == TOW_OK && call->request->sigv4)
        code = tow_http_sign(call, is_plain, err);
    if (code == TOW_OK)
        code = request_result(request_connection(call), err);
    if (code == TOW_OK)
        code = request_result(request_tls(call), err);
    if (code == TOW_OK)
        code = request_proxy(call, is_plain, is_loopback, err);
    if (code == TOW_OK)
        code = request_result(request_body(call), err);
    if (code == TOW_OK)
        code = request_result(request_rest(call), err);
    return code;
}
