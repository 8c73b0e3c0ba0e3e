#include "connectors/ttd/answer_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "towpath/value.h"

#define ANSWER_DEPTH 64
#define ANSWER_SHOWN 200 /* bytes of a body that is shown as it is */

void tow_ttd_answer_release(struct tow_ttd_answer *answer)
{
    free(answer->failures);
    tow_buffer_release(&answer->text);
    tow_buffer_release(&answer->scratch);
    *answer = (struct tow_ttd_answer){0};
}

static int answer_reset(struct tow_ttd_answer *answer, int64_t items, struct tow_error *err)
{
    struct tow_ttd_failure *failures = answer->failures;

    if (items >= answer->capacity) {
        failures = reallocarray(failures, (size_t)items + 1, sizeof *failures);
        if (!failures)
            return tow_error_nomem(err);
        answer->failures = failures;
        answer->capacity = items + 1;
        answer->is_dirty = 1;
    }
    if (answer->is_dirty)
        memset(failures, 0, (size_t)answer->capacity * sizeof *failures);
    answer->named = 0;
    answer->is_general = answer->is_too_large = answer->is_dirty = 0;
    answer->text.size = 0;
    return TOW_OK;
}

/* ---- bodies --------------------------------------------------------------------------------- */

/* What a body is, and where its object lies. */
enum answer_shape {
    ANSWER_NOTHING, /* no bytes, spaces, null */
    ANSWER_OBJECT,
    ANSWER_STRING, /* JSON text that holds no object */
    ANSWER_OTHER   /* other JSON, or none */
};

static struct tow_json_part answer_trim(const char *text, size_t length)
{
    for (; length > 0 && strchr(" \t\r\n", *text) && *text; length--)
        text++;
    while (length > 0 && text[length - 1] && strchr(" \t\r\n", text[length - 1]))
        length--;
    return (struct tow_json_part){text, length};
}

/* An object may come inside a string: `wrapped` then holds it. */
static int answer_shape(struct tow_json_part *body, struct tow_buffer *wrapped,
                        enum answer_shape *shape, struct tow_error *err)
{
    *shape = ANSWER_NOTHING;
    if (body->length == 0 || tow_json_part_is(*body, "null"))
        return TOW_OK;
    *shape = ANSWER_OTHER;
    if (!tow_json_valid(body->text, body->length, ANSWER_DEPTH))
        return TOW_OK;
    if (body->text[0] == '{')
        *shape = ANSWER_OBJECT;
    if (body->text[0] != '"')
        return TOW_OK;
    *shape = ANSWER_STRING;
    int rc = tow_ttd_put_value(wrapped, *body, err);
    if (rc || wrapped->size == 0)
        return rc;
    struct tow_json_part inside = answer_trim(wrapped->data, wrapped->size);
    if (inside.length == 0 || inside.text[0] != '{' ||
        !tow_json_valid(inside.text, inside.length, ANSWER_DEPTH))
        return TOW_OK;
    *body = inside;
    *shape = ANSWER_OBJECT;
    return TOW_OK;
}

/* ---- what a refusal says -------------------------------------------------------------------- */

static int answer_is(struct tow_json_part key, const char *const *names)
{
    for (; *names; names++)
        if (tow_json_part_is(key, *names))
            return 1;
    return 0;
}

/* "code: message" of an object, or whichever of them it has. */
static int answer_put_problem(struct tow_buffer *out, struct tow_json_part object,
                              struct tow_error *err)
{
    static const char *const codes[] = {"\"ErrorCode\"", "\"errorCode\"", "\"error_code\"", NULL};
    static const char *const messages[] = {"\"Message\"", "\"message\"", "\"error\"", NULL};
    struct tow_json_part key, value, code = {NULL, 0}, message = {NULL, 0};
    struct tow_json_scan scan;
    int rc;

    if (!tow_json_scan_object(&scan, object))
        return TOW_OK;
    while (tow_json_scan_member(&scan, &key, &value)) {
        if (answer_is(key, codes))
            code = value;
        else if (answer_is(key, messages))
            message = value;
    }
    rc = tow_ttd_put_value(out, code, err);
    if (!rc && out->size && message.length)
        rc = tow_buffer_append(out, ": ", 2, err);
    return rc ? rc : tow_ttd_put_value(out, message, err);
}

/* Leaves in the scratch what the answer says; nothing where it says nothing. */
static int answer_put_reason(struct tow_ttd_answer *answer,
                             const struct tow_http_response *response, enum answer_shape shape,
                             struct tow_json_part body, struct tow_error *err)
{
    struct tow_buffer *out = &answer->scratch;
    struct tow_http_problem problem;

    out->size = 0;
    if (answer->is_general)
        return tow_buffer_printf(out, err, "%s: %s",
                                 tow_ttd_failure_code(answer, &answer->failures[0]),
                                 tow_ttd_failure_message(answer, &answer->failures[0]));
    if (shape == ANSWER_OBJECT)
        return answer_put_problem(out, body, err);
    if (shape == ANSWER_STRING)
        return tow_ttd_put_value(out, body, err);
    if (shape == ANSWER_NOTHING)
        return TOW_OK;
    tow_http_problem(response, &problem);
    if (problem.is_html || problem.code[0])
        return tow_buffer_printf(out, err, "%s%s%s", problem.code,
                                 problem.code[0] && problem.message[0] ? ": " : "",
                                 problem.message);
    return tow_buffer_append(
        out, body.text,
        tow_utf8_prefix(body.text, body.length < ANSWER_SHOWN ? body.length : ANSWER_SHOWN), err);
}

static int answer_class(const struct tow_ttd_answer *answer,
                        const struct tow_http_response *response)
{
    int status = response->status;

    if (status == 413)
        return TOW_E_DATA;
    if (status == 429)
        return TOW_E_RATE;
    if (status == 400 && answer->named)
        return TOW_E_TRANSIENT;
    if (status >= 300 && status < 400)
        return TOW_E_CONFIG;
    if (status >= 500)
        return response->retry_after_ms >= 0 ? TOW_E_RATE : TOW_E_TRANSIENT;
    return tow_http_class(response);
}

/* What to do about it, where that is not plain. */
static const char *answer_advice(int status, int class)
{
    if (status >= 300 && status < 400)
        return " (redirects are refused, since they would take the token elsewhere; set server_url "
               "to the host that is meant)";
    if (class == TOW_E_AUTH)
        return " (is the token still good, and may it use this endpoint with these ids?)";
    return "";
}

static int answer_refuse(struct tow_ttd_answer *answer, const struct tow_http_response *response,
                         const char *secret, struct tow_error *err)
{
    const struct tow_buffer *reason = &answer->scratch;
    int class = answer_class(answer, response);
    int status = response->status;

    tow_ttd_clean(&answer->scratch, TOW_TTD_MESSAGE_MAX / 2, secret);
    tow_error_set(err, class, "The Trade Desk: HTTP %d%s%.*s%s", status, reason->size ? ": " : "",
                  (int)reason->size, reason->size ? reason->data : "",
                  answer_advice(status, class));
    answer->is_too_large = status == 413;
    answer->is_general = 0;
    if (status != 400 && status != 429)
        answer->named = 0;
    if (err && status == 400)
        err->retry_after_ms = 0; /* what is left is another request, not the same one again */
    else if (err)
        err->retry_after_ms = response->retry_after_ms;
    return class;
}

static int answer_strange(struct tow_ttd_answer *answer, const struct tow_http_response *response,
                          const char *secret, struct tow_error *err)
{
    const struct tow_buffer *shown = &answer->scratch;

    tow_ttd_clean(&answer->scratch, ANSWER_SHOWN, secret);
    return tow_error_set(err, TOW_E_ENV,
                         "HTTP %d with %.60s \"%.*s\": that is no answer of The Trade Desk's Data "
                         "API; is server_url right, or does a proxy answer in its place? What "
                         "became of these rows is not known",
                         response->status,
                         response->content_type[0] ? response->content_type : "an unnamed type",
                         (int)shown->size, shown->size ? shown->data : "");
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int answer_read(struct tow_ttd_answer *answer, const struct tow_http_response *response,
                       int64_t items, const char *secret, struct tow_buffer *wrapped,
                       struct tow_error *err)
{
    struct tow_json_part body = answer_trim(response->body.data, response->body.size);
    int taken = response->status >= 200 && response->status < 300, fits = 1;
    enum answer_shape shape;
    int rc = answer_shape(&body, wrapped, &shape, err);

    if (!rc && shape == ANSWER_OBJECT)
        rc = tow_ttd_read_lines(answer, body, items, secret, &fits, err);
    if (rc)
        return rc;
    if (taken && fits && (shape == ANSWER_NOTHING || shape == ANSWER_OBJECT))
        return TOW_OK;
    rc = answer_put_reason(answer, response, shape, body, err);
    if (rc)
        return rc;
    return taken ? answer_strange(answer, response, secret, err)
                 : answer_refuse(answer, response, secret, err);
}

int tow_ttd_answer_read(struct tow_ttd_answer *answer, const struct tow_http_response *response,
                        int64_t items, const char *secret, struct tow_error *err)
{
    struct tow_buffer wrapped = {0};
    int rc = answer_reset(answer, items, err);

    if (!rc)
        rc = answer_read(answer, response, items, secret, &wrapped, err);
    tow_buffer_release(&wrapped);
    return rc;
}
