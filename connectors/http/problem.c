#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "connectors/http/http_priv.h"
#include "connectors/http/json_load.h"
#include "towpath/value.h"

#define PROBLEM_JSON_MAX ((size_t)256 << 10) /* a longer body is no error message */
#define PROBLEM_NESTING  4                   /* of objects and arrays around the message */

/* ---- text ------------------------------------------------------------------------------------ */

/* Length of the character that begins here; 0 where the bytes are not UTF-8. */
static size_t problem_character(const char *text, size_t left)
{
    size_t length;

    for (length = 1; length <= 4 && length <= left; length++)
        if (tow_utf8_prefix(text, length) == length)
            return length;
    return 0;
}

/* White space, or a control of either set: a terminal might obey it. */
static int problem_is_blank(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;

    return bytes[0] <= ' ' || bytes[0] == 0x7F ||
           (length == 2 && bytes[0] == 0xC2 && bytes[1] < 0xA0);
}

/* Puts text on one line, cut at a whole character. Each run of blanks becomes a space, each byte
 * that is not UTF-8 a question mark. */
static void problem_copy(char *to, size_t size, const char *text, size_t length)
{
    size_t used = 0, at = 0;

    while (at < length) {
        size_t step = problem_character(text + at, length - at);
        size_t take = step ? step : 1;

        if (used + take >= size)
            break;
        if (step && problem_is_blank(text + at, step)) {
            if (used > 0 && to[used - 1] != ' ')
                to[used++] = ' ';
        } else {
            memcpy(to + used, step ? text + at : "?", take);
            used += take;
        }
        at += take;
    }
    while (used > 0 && to[used - 1] == ' ')
        used--;
    to[used] = '\0';
}

/* Finds a word in a text that may hold NULs, in any case of letters; NULL where it is not there. */
static const char *problem_find(const char *text, size_t length, const char *word)
{
    size_t size = strlen(word), at;

    for (at = 0; at + size <= length; at++)
        if (strncasecmp(text + at, word, size) == 0)
            return text + at;
    return NULL;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static const char *const problem_code_keys[] = {"error_code", "errorCode", "ErrorCode",
                                                "code",       "Code",      NULL};
static const char *const problem_message_keys[] = {
    "message",      "Message",       "error_description",
    "errorSummary", "error_message", "errorMessage",
    "detail",       "title",         NULL};

/* A text, or a number as text; 0 where it is neither, or empty. */
static int problem_scalar(const json_t *value, char *to, size_t size)
{
    char number[32];

    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        problem_copy(to, size, number, strlen(number));
    } else if (json_is_string(value)) {
        problem_copy(to, size, json_string_value(value), json_string_length(value));
    } else {
        return 0;
    }
    return to[0] != '\0';
}

static int problem_member(const json_t *object, const char *const *keys, char *to, size_t size)
{
    for (; *keys; keys++)
        if (problem_scalar(json_object_get(object, *keys), to, size))
            return 1;
    return 0;
}

/*
 * "error" is the code beside an "error_description" (OAuth), the message where it stands alone, or
 * an object with both. Google's objects have a number as code and its name as "status".
 */
static void problem_json(const json_t *value, int depth, struct tow_http_problem *problem)
{
    const json_t *error;

    if (depth > PROBLEM_NESTING)
        return;
    if (json_is_array(value)) {
        problem_json(json_array_get(value, 0), depth + 1, problem);
    } else if (json_is_string(value)) {
        (void)problem_scalar(value, problem->message, sizeof problem->message);
    } else if (json_is_object(value)) {
        problem_member(value, problem_code_keys, problem->code, sizeof problem->code);
        problem_member(value, problem_message_keys, problem->message, sizeof problem->message);
        error = json_object_get(value, "error");
        if (json_is_string(error) && problem->message[0] && !problem->code[0])
            (void)problem_scalar(error, problem->code, sizeof problem->code);
        else if (!problem->message[0] && error)
            problem_json(error, depth + 1, problem);
        else if (!problem->message[0])
            problem_json(json_object_get(value, "errors"), depth + 1, problem);
        if (depth > 0 && json_is_string(json_object_get(value, "status")))
            (void)problem_scalar(json_object_get(value, "status"), problem->code,
                                 sizeof problem->code);
    }
}

/* 1 where the body is JSON, whatever it says. */
static int problem_is_json(const char *text, size_t length, struct tow_http_problem *problem)
{
    json_t *root;

    if (length == 0 || length > PROBLEM_JSON_MAX || !strchr("{[\"", text[0]))
        return 0;
    if (tow_json_load(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &root, NULL) != TOW_OK)
        return 0;
    problem_json(root, 0, problem);
    json_decref(root);
    return 1;
}

/* ---- pages, XML, text ------------------------------------------------------------------------ */

/* What stands between <name ...> and </name>; 0 where there is no such element. */
static int problem_element(const char *text, size_t length, const char *name, char *to, size_t size)
{
    char open[32], close[32];
    const char *begin, *end, *limit = text + length;

    snprintf(open, sizeof open, "<%s", name);
    snprintf(close, sizeof close, "</%s", name);
    begin = problem_find(text, length, open);
    begin = begin ? memchr(begin, '>', (size_t)(limit - begin)) : NULL;
    end = begin ? problem_find(begin, (size_t)(limit - begin), close) : NULL;
    if (!end)
        return 0;
    problem_copy(to, size, begin + 1, (size_t)(end - begin - 1));
    return to[0] != '\0';
}

static int problem_is_page(const struct tow_http_response *response, const char *text,
                           size_t length)
{
    return strncasecmp(response->content_type, "text/html", 9) == 0 ||
           (length >= 5 && strncasecmp(text, "<html", 5) == 0) ||
           (length >= 14 && strncasecmp(text, "<!doctype html", 14) == 0);
}

/* "PERMISSION_DENIED: text": the length of the code; 0 where the text does not begin with one. */
static size_t problem_code_length(const char *text, size_t length)
{
    size_t at = 0;

    while (at < length && ((text[at] >= 'A' && text[at] <= 'Z') || text[at] == '_' ||
                           (at > 0 && text[at] >= '0' && text[at] <= '9')))
        at++;
    return at >= 3 && at + 1 < length && text[at] == ':' && text[at + 1] == ' ' ? at : 0;
}

static void problem_text(const char *text, size_t length, struct tow_http_problem *problem)
{
    size_t code = problem_code_length(text, length);

    if (code > 0) {
        problem_copy(problem->code, sizeof problem->code, text, code);
        text += code + 1;
        length -= code + 1;
        /* The space behind the colon. */
        text++;
        length--;
    }
    problem_copy(problem->message, sizeof problem->message, text, length);
}

void tow_http_problem(const struct tow_http_response *response, struct tow_http_problem *problem)
{
    const char *text = response->body.data;
    size_t length = response->body.size;

    *problem = (struct tow_http_problem){.is_html = 0};
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        length -= 3;
    }
    while (length > 0 && (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n')) {
        text++;
        length--;
    }
    if (length == 0 || problem_is_json(text, length, problem))
        return;
    if (problem_is_page(response, text, length)) {
        problem->is_html = 1;
        if (!problem_element(text, length, "title", problem->message, sizeof problem->message))
            problem_element(text, length, "h1", problem->message, sizeof problem->message);
    } else if (text[0] == '<') {
        problem_element(text, length, "Code", problem->code, sizeof problem->code);
        problem_element(text, length, "Message", problem->message, sizeof problem->message);
    } else {
        problem_text(text, length, problem);
    }
}
