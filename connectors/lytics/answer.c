/* What answers say, and what to do about those that are no success. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/lytics/client_priv.h"
#include "towpath/value.h"

#define ANSWER_TEXT_MAX ((size_t)64 << 10) /* of a token or the like, before it is unescaped */

void tow_lytics_answer_release(struct tow_lytics_answer *answer)
{
    tow_buffer_release(&answer->body);
    tow_buffer_release(&answer->next);
    *answer = (struct tow_lytics_answer){.total = -1};
}

/* ---- parts ----------------------------------------------------------------------------------- */

int tow_lytics_has(struct tow_json_part value)
{
    return value.length > 0 && !tow_json_part_is(value, "null");
}

struct tow_json_part tow_lytics_member(struct tow_json_part object, const char *name)
{
    struct tow_json_part key, value, found = {NULL, 0};
    struct tow_json_scan scan;
    size_t length = strlen(name);

    if (object.length == 0 || !tow_json_scan_object(&scan, object))
        return found;
    while (tow_json_scan_member(&scan, &key, &value))
        if (key.length == length + 2 && memcmp(key.text + 1, name, length) == 0)
            found = value;
    return tow_lytics_has(found) ? found : (struct tow_json_part){NULL, 0};
}

int tow_lytics_text(struct tow_buffer *out, struct tow_json_part value, struct tow_error *err)
{
    int code = TOW_OK;

    out->size = 0;
    if (value.length > 0 && *value.text == '"')
        code = tow_json_unescape(out, value, err);
    else if (tow_lytics_has(value) && *value.text != '{' && *value.text != '[')
        code = tow_buffer_append(out, value.text, value.length, err);
    if (code == TOW_OK)
        code = tow_buffer_append(out, "", 1, err);
    if (code == TOW_OK)
        out->size--;
    return code;
}

int tow_lytics_copy(char *to, size_t size, struct tow_json_part value, const char *what,
                    struct tow_error *err)
{
    struct tow_buffer text = {NULL, 0, 0};
    int code = TOW_OK;

    if (value.length > ANSWER_TEXT_MAX)
        code = TOW_E_ENV;
    else
        code = tow_lytics_text(&text, value, err);
    if (code == TOW_OK && text.size < size)
        memcpy(to, text.data, text.size + 1);
    else if (code == TOW_OK || code == TOW_E_ENV)
        code = tow_error_set(err, TOW_E_ENV, "%s of more than %zu bytes", what, size - 1);
    tow_buffer_release(&text);
    return code;
}

int tow_lytics_int(struct tow_json_part value, int64_t *out)
{
    if (value.length >= 2 && *value.text == '"') {
        value.text++;
        value.length -= 2;
    }
    return value.length > 0 && tow_parse_int64(value.text, value.length, out) == TOW_PARSE_OK;
}

int tow_lytics_check_rows(const struct tow_lytics_answer *answer, const char *what,
                          struct tow_json_scan *scan, struct tow_error *err)
{
    const struct tow_json_part none = {"[]", 2};

    if (tow_json_scan_array(scan, answer->data.length > 0 ? answer->data : none))
        return TOW_OK;
    return tow_error_set(err, TOW_E_ENV, "%s: \"data\" of the answer is no array", what);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

/* Puts a hint behind the message, whose sentence it goes on with. */
static int verdict_hint(struct tow_error *err, int code, const char *hint)
{
    char message[sizeof err->message];
    size_t length;

    if (!err)
        return code;
    memcpy(message, err->message, sizeof message);
    length = tow_utf8_prefix(message, strnlen(message, sizeof message - strlen(hint) - 3));
    while (length > 0 && message[length - 1] == '.')
        length--;
    return tow_error_set(err, code, "%.*s; %s", (int)length, message, hint);
}

/* A page where JSON should be, or the way to one. */
static int verdict_page(const struct tow_lytics *lytics, const struct tow_lytics_call *call,
                        const struct tow_http_response *response, struct tow_error *err)
{
    return tow_error_set(
        err, TOW_E_ENV,
        "%s: HTTP %d with %s in place of an answer of the Lytics API: is %s right, "
        "or does a proxy or log-in page stand between?",
        call->what, response->status, response->status / 100 == 3 ? "a redirect" : "a web page",
        call->is_bulk ? lytics->bulk_url : lytics->api_url);
}

static int verdict_is_one_of(const char *code, const char *const *codes)
{
    for (; *codes; codes++)
        if (strcmp(code, *codes) == 0)
            return 1;
    return 0;
}

/* The class by status; some codes say it better (models.ApiErrorResponse). */
static int verdict_class(const struct tow_http_response *response,
                         const struct tow_http_problem *problem)
{
    static const char *const auth[] = {"UNAUTHORIZED-017", "FORBIDDEN-026", NULL};

    if (verdict_is_one_of(problem->code, auth))
        return TOW_E_AUTH;
    if (response->status == 413)
        return TOW_E_DATA;
    if (response->status >= 500)
        return response->retry_after_ms >= 0 ? TOW_E_RATE : TOW_E_TRANSIENT;
    return tow_http_class(response);
}

/* A far end that repeats the token must not bring it into a message. */
static int verdict_tells_token(const struct tow_lytics *lytics,
                               const struct tow_http_response *response)
{
    return response->body.size > 0 && memmem(response->body.data, response->body.size,
                                             lytics->token, strlen(lytics->token)) != NULL;
}

/* Sets err from an answer whose status is no success. */
static int verdict_refused(const struct tow_lytics *lytics, const struct tow_lytics_call *call,
                           const struct tow_http_response *response, struct tow_error *err)
{
    struct tow_http_problem problem;
    int code;

    tow_http_problem(response, &problem);
    code = verdict_class(response, &problem);
    if (response->status / 100 == 3 ||
        (problem.is_html && code != TOW_E_TRANSIENT && code != TOW_E_RATE))
        return verdict_page(lytics, call, response, err);
    if (verdict_tells_token(lytics, response))
        tow_error_set(err, code, "%s: HTTP %d, with words that hold the token", call->what,
                      response->status);
    else
        tow_http_refused(response, call->what, err);
    if (err)
        err->code = code;
    if (code == TOW_E_RATE && err)
        err->retry_after_ms =
            response->retry_after_ms >= 0 ? response->retry_after_ms : lytics->rate_wait_ms;
    if (response->status == 401)
        return verdict_hint(err, code,
                            "the token is wrong, has expired or was withdrawn: make a new one "
                            "(Account Settings > Security > Access Tokens)");
    if (code == TOW_E_AUTH)
        return verdict_hint(err, code, "has the token the scope for this, and the account?");
    return code;
}

/* ---- envelopes ------------------------------------------------------------------------------- */

struct envelope {
    struct tow_json_part status, message, next, errors, total;
};

/* 1 where the body is an envelope. */
static int envelope_read(struct envelope *envelope, struct tow_lytics_answer *answer,
                         struct tow_json_part body)
{
    struct tow_json_part key, value;
    struct tow_json_scan scan;
    const struct {
        const char *key;
        struct tow_json_part *to;
    } members[] = {
        {"\"data\"", &answer->data},       {"\"_meta\"", &answer->meta},
        {"\"status\"", &envelope->status}, {"\"message\"", &envelope->message},
        {"\"_next\"", &envelope->next},    {"\"next\"", &envelope->next},
        {"\"errors\"", &envelope->errors}, {"\"total\"", &envelope->total},
    };

    *envelope = (struct envelope){.status = {NULL, 0}};
    if (!tow_json_scan_object(&scan, body))
        return 0;
    while (tow_json_scan_member(&scan, &key, &value))
        for (size_t i = 0; i < sizeof members / sizeof *members; i++)
            if (tow_json_part_is(key, members[i].key) && tow_lytics_has(value))
                *members[i].to = value;
    return 1;
}

/* What HTTP's status should have been. Old answers say "success" or "ok", others a number, some as
 * text; "Not Found" comes with 200. */
static int envelope_status(const struct envelope *envelope, int status)
{
    int64_t number;

    if (envelope->message.length == strlen("\"Not Found\"") &&
        strncasecmp(envelope->message.text, "\"Not Found\"", envelope->message.length) == 0)
        return 404;
    if (tow_lytics_int(envelope->status, &number) && number >= 300 && number < 600)
        return (int)number;
    return status;
}

/* An empty list is none. */
static int envelope_has_errors(const struct envelope *envelope)
{
    struct tow_json_scan scan;
    struct tow_json_part item;

    return envelope->errors.length > 0 && tow_json_scan_array(&scan, envelope->errors) &&
           tow_json_scan_item(&scan, &item);
}

static int envelope_judge(const struct tow_lytics *lytics, const struct tow_lytics_call *call,
                          struct tow_lytics_answer *answer, struct tow_http_response *response,
                          struct tow_error *err)
{
    const struct tow_json_part body = {answer->body.data, answer->body.size};
    struct envelope envelope;
    int code = TOW_OK, status;

    if (!envelope_read(&envelope, answer, body))
        return tow_error_set(err, TOW_E_ENV, "%s: HTTP %d with JSON that is no object", call->what,
                             response->status);
    status = envelope_status(&envelope, response->status);
    if (status / 100 == 2 && envelope_has_errors(&envelope))
        status = 500; /* a success that names errors is none; the next try may be */
    if (status / 100 != 2) {
        answer->status = response->status = status;
        response->body = answer->body;
        code = verdict_refused(lytics, call, response, err);
        response->body = (struct tow_buffer){NULL, 0, 0};
        return code;
    }
    if (envelope.next.length > ANSWER_TEXT_MAX)
        return tow_error_set(err, TOW_E_ENV, "%s: a page token of %zu bytes; at most %zu are taken",
                             call->what, envelope.next.length, ANSWER_TEXT_MAX);
    if (!tow_lytics_int(envelope.total, &answer->total))
        answer->total = -1;
    return tow_lytics_text(&answer->next, envelope.next, err);
}

static int answer_is_page(const struct tow_http_response *response)
{
    const char *text = response->body.data;

    return strncasecmp(response->content_type, "text/html", 9) == 0 ||
           (text && text[strspn(text, " \t\r\n")] == '<');
}

int tow_lytics_judge(const struct tow_lytics *lytics, const struct tow_lytics_call *call,
                     struct tow_http_response *response, struct tow_lytics_answer *answer,
                     struct tow_error *err)
{
    answer->status = response->status;
    if (response->status / 100 != 2)
        return verdict_refused(lytics, call, response, err);
    if (response->body.size == 0)
        return TOW_OK;
    if (answer_is_page(response))
        return verdict_page(lytics, call, response, err);
    if (!tow_json_valid(response->body.data, response->body.size, TOW_LYTICS_DEPTH))
        return tow_error_set(err, TOW_E_ENV,
                             "%s: the answer (HTTP %d, %zu bytes) is no JSON, or nested more than "
                             "%d deep",
                             call->what, response->status, response->body.size, TOW_LYTICS_DEPTH);
    answer->body = response->body;
    response->body = (struct tow_buffer){NULL, 0, 0};
    return envelope_judge(lytics, call, answer, response, err);
}
