#include "connectors/ttd/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "towpath/json.h"
#include "towpath/value.h"

#define ANSWER_DEPTH       64
#define ANSWER_CODE_MAX    128
#define ANSWER_MESSAGE_MAX 1000
#define ANSWER_LINES_MAX   8   /* of one item that are told; more of them are counted */
#define ANSWER_SHOWN       200 /* bytes of a body that is shown as it is */

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

/* ---- texts ---------------------------------------------------------------------------------- */

/* A request's own secret may come back in a message. */
static void answer_blank_out(char *text, size_t length, const char *secret)
{
    const size_t secret_length = secret ? strlen(secret) : 0;
    const char *end = text + length;

    while (secret_length && (text = memmem(text, (size_t)(end - text), secret, secret_length))) {
        memset(text, '*', secret_length);
        text += secret_length;
    }
}

/* From `start` of the scratch on: one line, no secret, at most `limit` bytes. */
static void answer_clean(struct tow_buffer *scratch, size_t start, size_t limit, const char *secret)
{
    char *text = scratch->data + start;
    size_t length = scratch->size - start;

    answer_blank_out(text, length, secret);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
    if (length > limit)
        scratch->size = start + tow_utf8_prefix(text, limit);
}

/* Appends what a JSON value says: a string its content, null nothing, others as they stand. */
static int answer_put_value(struct tow_buffer *out, struct tow_json_part value,
                            struct tow_error *err)
{
    if (value.length == 0 || tow_json_part_is(value, "null"))
        return TOW_OK;
    if (value.text[0] != '"')
        return tow_buffer_append(out, value.text, value.length, err);
    int rc = tow_json_unescape(out, value, err);
    if (rc != TOW_E_DATA)
        return rc;
    /* Half a surrogate pair: readable all the same. */
    return tow_buffer_append(out, value.text + 1, value.length - 2, err);
}

/* ---- failed lines --------------------------------------------------------------------------- */

struct answer_line {
    struct tow_json_part code, message, item;
};

/* The number that a text holds, with spaces around and '#' in front; 0 where it holds none. */
static int64_t answer_number(const char *text, size_t length)
{
    int64_t number;

    for (; length > 0 && strchr(" #", *text) && *text; length--)
        text++;
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return tow_parse_int64(text, length, &number) == TOW_PARSE_OK ? number : 0;
}

/* The number behind "item #"; 0 where there is none. */
static int64_t answer_number_in_text(const char *text, size_t length)
{
    static const char mark[] = "item #";

    for (; length > sizeof mark - 1; text++, length--) {
        if (strncasecmp(text, mark, sizeof mark - 1) != 0)
            continue;
        const char *digits = text + sizeof mark - 1;
        size_t count = 0, left = length - (sizeof mark - 1);

        while (count < left && digits[count] >= '0' && digits[count] <= '9')
            count++;
        return answer_number(digits, count);
    }
    return 0;
}

/* Which item a line is about, and its message in the scratch: 0 where it does not say. */
static int answer_item(struct tow_ttd_answer *answer, const struct answer_line *line, int64_t items,
                       int64_t *item, struct tow_error *err)
{
    struct tow_buffer *scratch = &answer->scratch;

    scratch->size = 0;
    int rc = answer_put_value(scratch, line->item, err);
    if (rc)
        return rc;
    *item = scratch->size ? answer_number(scratch->data, scratch->size) : 0;
    scratch->size = 0;
    rc = answer_put_value(scratch, line->message, err);
    if (rc)
        return rc;
    if ((*item < 1 || *item > items) && scratch->size)
        *item = answer_number_in_text(scratch->data, scratch->size);
    if (*item < 1 || *item > items)
        *item = 0;
    return TOW_OK;
}

/* Moves the scratch's text over; `fallback` where it is empty. */
static int answer_keep(struct tow_ttd_answer *answer, const char *fallback, size_t *offset,
                       struct tow_error *err)
{
    struct tow_buffer *scratch = &answer->scratch;
    const char *text = scratch->size ? scratch->data : fallback;
    size_t length = scratch->size ? scratch->size : strlen(fallback);

    *offset = answer->text.size;
    int rc = tow_buffer_append(&answer->text, text, length, err);
    return rc ? rc : tow_buffer_append(&answer->text, "", 1, err);
}

/* Puts what earlier lines said of an item in front of the message in the scratch. */
static int answer_join(struct tow_ttd_answer *answer, const struct tow_ttd_failure *failure,
                       struct tow_error *err)
{
    struct tow_buffer *scratch = &answer->scratch;
    const char *before = tow_ttd_failure_message(answer, failure);
    size_t length = strlen(before) + 2;
    int rc = tow_buffer_reserve(scratch, length, err);

    if (rc)
        return rc;
    if (scratch->size)
        memmove(scratch->data + length, scratch->data, scratch->size);
    memcpy(scratch->data, before, length - 2);
    memcpy(scratch->data + length - 2, "; ", 2);
    scratch->size += length;
    return TOW_OK;
}

static int answer_add(struct tow_ttd_answer *answer, const struct answer_line *line, int64_t items,
                      const char *secret, struct tow_error *err)
{
    static const char no_message[] = "The Trade Desk refused it without a message";
    struct tow_ttd_failure *failure;
    int64_t item = 0;
    int rc = answer_item(answer, line, items, &item, err);

    if (rc)
        return rc;
    answer->is_dirty = 1;
    failure = &answer->failures[item];
    if (failure->lines++ >= ANSWER_LINES_MAX)
        return TOW_OK;
    answer->named += item > 0 && failure->lines == 1;
    answer->is_general |= item == 0;
    if (answer->scratch.size)
        answer_clean(&answer->scratch, 0, ANSWER_MESSAGE_MAX, secret);
    if (failure->lines > 1)
        rc = answer_join(answer, failure, err);
    if (!rc)
        rc = answer_keep(answer, no_message, &failure->message, err);
    answer->scratch.size = 0;
    if (!rc)
        rc = answer_put_value(&answer->scratch, line->code, err);
    if (rc)
        return rc;
    if (answer->scratch.size)
        answer_clean(&answer->scratch, 0, ANSWER_CODE_MAX, secret);
    return answer_keep(answer, "Unknown", &failure->code, err);
}

static int answer_read_line(struct tow_ttd_answer *answer, struct tow_json_part part, int64_t items,
                            const char *secret, struct tow_error *err)
{
    struct answer_line line = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    struct tow_json_part key, value;
    struct tow_json_scan scan;

    /* A line that is no object says that something failed, and no more. */
    if (!tow_json_scan_object(&scan, part))
        line.message = part;
    else
        while (tow_json_scan_member(&scan, &key, &value)) {
            if (tow_json_part_is(key, "\"ErrorCode\""))
                line.code = value;
            else if (tow_json_part_is(key, "\"Message\""))
                line.message = value;
            else if (tow_json_part_is(key, "\"ItemNumber\""))
                line.item = value;
        }
    return answer_add(answer, &line, items, secret, err);
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
    int rc = answer_put_value(wrapped, *body, err);
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

/* Reads "FailedLines" of an object: 1 in *fits where it is an array, null or not there. */
static int answer_read_lines(struct tow_ttd_answer *answer, struct tow_json_part object,
                             int64_t items, const char *secret, int *fits, struct tow_error *err)
{
    struct tow_json_part key, value, lines = {NULL, 0};
    struct tow_json_scan scan;
    int rc = TOW_OK;

    *fits = 1;
    if (!tow_json_scan_object(&scan, object))
        return TOW_OK;
    while (tow_json_scan_member(&scan, &key, &value))
        if (tow_json_part_is(key, "\"FailedLines\""))
            lines = value;
    if (lines.length == 0 || tow_json_part_is(lines, "null"))
        return TOW_OK;
    *fits = tow_json_scan_array(&scan, lines);
    while (!rc && *fits && tow_json_scan_item(&scan, &value))
        rc = answer_read_line(answer, value, items, secret, err);
    return rc;
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
    rc = answer_put_value(out, code, err);
    if (!rc && out->size && message.length)
        rc = tow_buffer_append(out, ": ", 2, err);
    return rc ? rc : answer_put_value(out, message, err);
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
        return answer_put_value(out, body, err);
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

    if (reason->size)
        answer_clean(&answer->scratch, 0, ANSWER_MESSAGE_MAX / 2, secret);
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

    if (shown->size)
        answer_clean(&answer->scratch, 0, ANSWER_SHOWN, secret);
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
        rc = answer_read_lines(answer, body, items, secret, &fits, err);
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
