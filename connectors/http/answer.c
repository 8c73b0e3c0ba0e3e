#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "connectors/http/http_priv.h"
#include "towpath/value.h"

/* ---- header ---------------------------------------------------------------------------------- */

static int answer_is_success(const struct tow_http_call *call)
{
    return call->response.status / 100 == 2;
}

/* Bytes that are kept at most. */
static size_t answer_limit(const struct tow_http_call *call)
{
    if (!answer_is_success(call))
        return TOW_HTTP_ERROR_LIMIT;
    return call->request->limit > 0 ? call->request->limit : TOW_HTTP_LIMIT;
}

static int answer_is_taken(const struct tow_http_call *call)
{
    return call->request->take && answer_is_success(call);
}

static void answer_too_long(struct tow_http_call *call)
{
    call->code = tow_error_set(&call->err, TOW_E_ENV, "%s: answer longer than %zu bytes (limit)",
                               call->name, answer_limit(call));
}

/* "HTTP/1.1 200 OK": also of "100 Continue" before it, so what was noted so far goes. */
static void answer_status(struct tow_http_call *call, const char *line, size_t length)
{
    const char *space = memchr(line, ' ', length);
    struct tow_http_response *response = &call->response;
    int64_t status = 0;

    if (space && length - (size_t)(space - line) > 3)
        (void)tow_parse_int64(space + 1, 3, &status);
    response->status = (int)status;
    response->content_length = -1;
    response->content_type[0] = response->etag[0] = response->reason[0] = '\0';
    call->date[0] = call->waits[0] = call->packing[0] = call->framing[0] = '\0';
}

static void answer_copy(char *to, size_t size, const char *value, size_t length)
{
    size_t i;

    if (length >= size)
        length = size - 1;
    length = tow_utf8_prefix(value, length);
    for (i = 0; i < length; i++)
        to[i] = (char)((unsigned char)value[i] < 0x20 || value[i] == 0x7F ? ' ' : value[i]);
    to[length] = '\0';
}

static void answer_field(struct tow_http_call *call, const char *name, const char *value,
                         size_t length)
{
    struct tow_http_response *response = &call->response;
    const struct {
        const char *name;
        char *to;
        size_t size;
    } kept[] = {
        {"Content-Type", response->content_type, sizeof response->content_type},
        {"ETag", response->etag, sizeof response->etag},
        {"Date", call->date, sizeof call->date},
        {"Retry-After", call->waits, sizeof call->waits},
        {"Content-Encoding", call->packing, sizeof call->packing},
        {"Transfer-Encoding", call->framing, sizeof call->framing},
        {"x-databricks-reason-phrase", response->reason, sizeof response->reason},
        {"x-thriftserver-error-message", response->reason, sizeof response->reason},
        {"x-ms-error-code", response->reason, sizeof response->reason},
    };
    size_t i;

    if (strcasecmp(name, "Content-Length") == 0) {
        int64_t announced;

        if (tow_parse_int64(value, length, &announced) == TOW_PARSE_OK && announced >= 0)
            response->content_length = announced;
        return;
    }
    for (i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcasecmp(name, kept[i].name) == 0)
            answer_copy(kept[i].to, kept[i].size, value, length);
}

/* Compression was not asked for, and is not undone. */
static int answer_is_packed(const struct tow_http_call *call)
{
    return call->packing[0] && strcasecmp(call->packing, "identity") != 0 &&
           strcasecmp(call->packing, "aws-chunked") != 0;
}

static int answer_has_body(const struct tow_http_call *call)
{
    return strcmp(call->request->method, "HEAD") != 0 && call->response.status != 204;
}

/* Where a body just ends with its connection, one that was cut looks whole: libcurl does not mind
 * the missing close_notify of TLS. */
static int answer_is_endless(const struct tow_http_call *call)
{
    return call->response.content_length < 0 && strcasecmp(call->framing, "chunked") != 0;
}

/* The answer's header is whole. */
static int answer_begins(struct tow_http_call *call)
{
    struct tow_http_response *response = &call->response;

    if (response->status < 200)
        return TOW_OK;
    call->has_body = 1;
    response->retry_after_ms = tow_http_retry_after(call->waits, call->date, time(NULL));
    if (call->framing[0])
        response->content_length = -1; /* RFC 9112, section 6.3 */
    if (!answer_has_body(call) || !answer_is_success(call))
        return TOW_OK;
    if (answer_is_packed(call))
        call->code = tow_error_set(&call->err, TOW_E_ENV,
                                   "%s: the answer is compressed (%s), which was not asked for",
                                   call->name, call->packing);
    else if (answer_is_endless(call))
        call->code =
            tow_error_set(&call->err, TOW_E_ENV,
                          "%s: the answer has neither Content-Length nor chunks, so nobody "
                          "could tell whether it is whole",
                          call->name);
    else if (!answer_is_taken(call) && response->content_length > 0 &&
             (uint64_t)response->content_length > answer_limit(call))
        answer_too_long(call);
    return call->code;
}

size_t tow_http_on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct tow_http_call *call = context;
    size_t all = size * count, length = all;
    const char *colon;
    char name[64];

    /* libcurl keeps them all, and those behind the body without a limit of its own. */
    call->head_bytes += all;
    if (call->head_bytes > TOW_HTTP_HEAD_LIMIT) {
        call->code = tow_error_set(&call->err, TOW_E_ENV,
                                   "%s: the answer has more than %zu bytes of header lines (limit)",
                                   call->name, TOW_HTTP_HEAD_LIMIT);
        return 0;
    }
    /* Behind the body come trailers, which mean nothing here. */
    if (call->has_body)
        return all;
    while (length > 0 && isspace((unsigned char)bytes[length - 1]))
        length--;
    if (length == 0)
        return answer_begins(call) == TOW_OK ? all : 0;
    if (length >= 5 && strncasecmp(bytes, "HTTP/", 5) == 0) {
        answer_status(call, bytes, length);
        return all;
    }
    colon = memchr(bytes, ':', length);
    if (!colon || (size_t)(colon - bytes) >= sizeof name)
        return all;
    memcpy(name, bytes, (size_t)(colon - bytes));
    name[colon - bytes] = '\0';
    do
        colon++;
    while (colon < bytes + length && (*colon == ' ' || *colon == '\t'));
    answer_field(call, name, colon, length - (size_t)(colon - bytes));
    return all;
}

/* ---- body ------------------------------------------------------------------------------------ */

static size_t answer_take(struct tow_http_call *call, const char *bytes, size_t length)
{
    int code = call->request->take(call->request->context, call, bytes, length, &call->err);

    if (code == TOW_OK)
        return length;
    if (code == TOW_END) {
        call->is_paused = 1;
        return CURL_WRITEFUNC_PAUSE;
    }
    call->code = code;
    return 0;
}

/* Appends what fits, and breaks off where there is more. */
static size_t answer_keep(struct tow_http_call *call, const char *bytes, size_t length)
{
    struct tow_buffer *body = &call->response.body;
    size_t room = answer_limit(call) - body->size, kept = length < room ? length : room;

    if (kept < length && answer_is_success(call)) {
        answer_too_long(call);
        return 0;
    }
    call->code = tow_buffer_append(body, bytes, kept, &call->err);
    if (call->code != TOW_OK)
        return 0;
    body->data[body->size] = '\0'; /* falls into the slack */
    call->is_cut = kept < length;
    return call->is_cut ? 0 : length;
}

size_t tow_http_on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct tow_http_call *call = context;

    if (size * count == 0)
        return 0;
    if (answer_is_taken(call))
        return answer_take(call, bytes, size * count);
    return answer_keep(call, bytes, size * count);
}
