#include "connectors/zerobus/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/http/http.h"

#define REST_TIMEOUT_MS  60000
#define REST_LIMIT       ((size_t)1 << 20)
#define REST_REFUSED_MAX 32 /* records in a row: then it is not the records */

struct tow_zerobus_rest {
    char *url, *table;
    struct tow_zerobus_login login;
    int64_t timeout_ms;
    struct tow_http *http;
    struct tow_buffer text; /* of the request at hand */
    size_t refused_in_a_row;
};

/* Records of an insertion that are still to be sent as one request. */
struct rest_range {
    const char *bytes, *end;
    size_t first, count;
};

struct rest_taker {
    int (*take)(void *context, const struct tow_zerobus_outcome *outcome, struct tow_error *err);
    void *context;
};

/* ---- life ------------------------------------------------------------------------------------ */

static int rest_make_url(struct tow_zerobus_rest *rest, const char *endpoint, struct tow_error *err)
{
    struct tow_buffer url = {0};
    int code = tow_buffer_printf(&url, err, "%s/zerobus/v1/tables/", endpoint);

    if (code == TOW_OK)
        code = tow_http_encode(&url, rest->table, strlen(rest->table), 0, err);
    if (code == TOW_OK)
        code = tow_buffer_printf(&url, err, "/insert%c", 0);
    if (code == TOW_OK)
        rest->url = url.data;
    else
        tow_buffer_release(&url);
    return code;
}

struct tow_zerobus_rest *tow_zerobus_rest_new(const struct tow_zerobus_rest_settings *settings,
                                              struct tow_error *err)
{
    const struct tow_http_settings http = {.ca_file = settings->ca_file,
                                           .identity = settings->identity,
                                           .proxy = settings->proxy,
                                           .connections = 1,
                                           .cancel_fd = settings->cancel_fd};
    struct tow_zerobus_rest *rest = calloc(1, sizeof *rest);
    int code = TOW_OK;

    if (rest)
        rest->table = strdup(settings->table);
    if (!rest || !rest->table)
        code = tow_error_nomem(err);
    if (code == TOW_OK)
        code = rest_make_url(rest, settings->endpoint, err);
    if (code == TOW_OK) {
        rest->login = settings->login;
        rest->timeout_ms = settings->timeout_ms ? settings->timeout_ms : REST_TIMEOUT_MS;
        rest->http = tow_http_new(&http, err);
    }
    if (code == TOW_OK && rest->http)
        return rest;
    tow_zerobus_rest_free(rest);
    return NULL;
}

void tow_zerobus_rest_free(struct tow_zerobus_rest *rest)
{
    if (!rest)
        return;
    if (rest->http)
        tow_http_free(rest->http);
    tow_buffer_release(&rest->text);
    free(rest->url);
    free(rest->table);
    free(rest);
}

/* ---- one request ----------------------------------------------------------------------------- */

/* Where the record's own bytes are. */
static size_t rest_record(const struct rest_range *range, struct tow_proto_field *record)
{
    struct tow_proto_reader reader =
        tow_proto_reader_of(range->bytes, (size_t)(range->end - range->bytes));

    if (tow_proto_next(&reader, record) != 1)
        return 0;
    return (size_t)((const char *)reader.p - range->bytes);
}

/* The records as a JSON array. */
static int rest_put_array(struct tow_zerobus_rest *rest, struct rest_range range,
                          struct tow_error *err)
{
    struct tow_buffer *text = &rest->text;
    struct tow_proto_field record;
    int code = TOW_OK;
    size_t size;

    text->size = 0;
    while (code == TOW_OK && (size = rest_record(&range, &record)) > 0) {
        code = tow_buffer_append(text, text->size ? "," : "[", 1, err);
        if (code == TOW_OK)
            code = tow_buffer_append(text, record.bytes, record.length, err);
        range.bytes += size;
    }
    return code == TOW_OK ? tow_buffer_append(text, "]", 1, err) : code;
}

static int rest_post(struct tow_zerobus_rest *rest, const struct tow_zerobus_headers *given,
                     struct tow_http_response *response, struct tow_error *err)
{
    struct tow_http_header headers[TOW_ZEROBUS_METADATA_MAX + 1] = {
        {"Content-Type", "application/json"}};
    struct tow_http_request request = {.method = "POST",
                                       .url = rest->url,
                                       .headers = headers,
                                       .header_count = 1,
                                       .body = rest->text.data,
                                       .body_length = (int64_t)rest->text.size,
                                       .timeout_ms = rest->timeout_ms,
                                       .limit = REST_LIMIT};

    for (size_t i = 0; i < given->count; i++)
        headers[request.header_count++] =
            (struct tow_http_header){given->items[i].name, given->items[i].value};
    return tow_http_perform(rest->http, &request, response, err);
}

static int rest_send_once(struct tow_zerobus_rest *rest, struct tow_http_response *response,
                          struct tow_error *err)
{
    struct tow_zerobus_headers headers = {.count = 0};
    int code = rest->login.headers(rest->login.context, rest->timeout_ms, &headers, err);

    if (code == TOW_OK)
        code = rest_post(rest, &headers, response, err);
    if (code == TOW_OK && (response->status == 401 || response->status == 403) &&
        rest->login.refused)
        rest->login.refused(rest->login.context, &headers);
    tow_zerobus_headers_release(&headers);
    return code;
}

/* A login that is refused is renewed once. */
static int rest_send(struct tow_zerobus_rest *rest, struct tow_http_response *response,
                     struct tow_error *err)
{
    int code = rest_send_once(rest, response, err);

    if (code != TOW_OK || response->status != 401 || !rest->login.refused)
        return code;
    tow_http_response_release(response);
    *response = (struct tow_http_response){0};
    return rest_send_once(rest, response, err);
}

/* ---- outcomes -------------------------------------------------------------------------------- */

static int rest_is_content_refused(int status)
{
    return status == 400 || status == 413 || status == 422;
}

static int rest_accepted(struct tow_zerobus_rest *rest, const struct rest_range *range,
                         const struct rest_taker *taker, struct tow_error *err)
{
    const struct tow_zerobus_outcome outcome = {.first = range->first, .count = range->count};

    rest->refused_in_a_row = 0;
    return taker->take(taker->context, &outcome, err);
}

static int rest_refused_record(struct tow_zerobus_rest *rest, const struct rest_range *range,
                               const struct tow_http_response *response,
                               const struct rest_taker *taker, struct tow_error *err)
{
    struct tow_zerobus_outcome outcome = {.first = range->first, .count = 1, .is_refused = 1};
    struct tow_http_problem problem;
    int code;

    tow_http_problem(response, &problem);
    (void)snprintf(outcome.message, sizeof outcome.message, "%.500s",
                   problem.message[0] ? problem.message : "the server gives no reason");
    code = taker->take(taker->context, &outcome, err);
    if (code == TOW_OK && ++rest->refused_in_a_row >= REST_REFUSED_MAX)
        code = tow_error_set(err, TOW_E_CONFIG,
                             "%s: the server refused %d records in a row, so it may be more than "
                             "single rows that does not fit: %s",
                             rest->table, REST_REFUSED_MAX, outcome.message);
    return code;
}

/* Cuts the range behind half of its records; what is behind goes to *behind. */
static void rest_halve(struct rest_range *range, struct rest_range *behind)
{
    struct tow_proto_field record;
    size_t half = range->count / 2;

    *behind = *range;
    for (size_t i = 0; i < half; i++)
        behind->bytes += rest_record(behind, &record);
    behind->first += half;
    behind->count -= half;
    range->end = behind->bytes;
    range->count = half;
}

#define REST_DEPTH 64 /* halves of halves: enough for any number of records */

/* What is to be sent, the next on top. */
struct rest_stack {
    struct rest_range ranges[REST_DEPTH];
    size_t depth;
};

/* Records that are refused together are sent in halves, the first one first. */
static int rest_take_refusal(struct tow_zerobus_rest *rest, struct rest_stack *stack,
                             const struct tow_http_response *response,
                             const struct rest_taker *taker, struct tow_error *err)
{
    struct rest_range *range = &stack->ranges[stack->depth - 1], first = *range;

    if (range->count == 1) {
        stack->depth--;
        return rest_refused_record(rest, &first, response, taker, err);
    }
    rest_halve(&first, range);
    stack->ranges[stack->depth++] = first;
    return TOW_OK;
}

static int rest_take_answer(struct tow_zerobus_rest *rest, struct rest_stack *stack,
                            const struct tow_http_response *response,
                            const struct rest_taker *taker, struct tow_error *err)
{
    char what[300];

    if (response->status / 100 == 2)
        return rest_accepted(rest, &stack->ranges[--stack->depth], taker, err);
    if (rest_is_content_refused(response->status))
        return rest_take_refusal(rest, stack, response, taker, err);
    (void)snprintf(what, sizeof what, "inserting into %s", rest->table);
    return tow_http_refused(response, what, err);
}

int tow_zerobus_rest_insert(struct tow_zerobus_rest *rest, const struct tow_buffer *body,
                            size_t count,
                            int (*take)(void *context, const struct tow_zerobus_outcome *outcome,
                                        struct tow_error *err),
                            void *context, struct tow_error *err)
{
    const struct rest_taker taker = {take, context};
    struct rest_stack stack = {.ranges = {{body->data, body->data + body->size, 0, count}},
                               .depth = count > 0};
    int code = TOW_OK;

    while (stack.depth > 0 && code == TOW_OK) {
        struct tow_http_response response = {0};

        code = rest_put_array(rest, stack.ranges[stack.depth - 1], err);
        if (code == TOW_OK)
            code = rest_send(rest, &response, err);
        if (code == TOW_OK)
            code = rest_take_answer(rest, &stack, &response, &taker, err);
        tow_http_response_release(&response);
    }
    return code;
}
