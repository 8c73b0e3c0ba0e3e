/*
 * Error answers: the first line is the status, Retry-After, Date and the content type, with tabs
 * between; the rest is the body.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/http/http_priv.h"
#include "towpath/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

/* On one line, in UTF-8. */
static void demand_text(const char *text)
{
    demand(tow_utf8_valid(text, strlen(text)), "UTF-8");
    for (; *text; text++)
        demand((unsigned char)*text >= ' ' && *text != 0x7F, "no control bytes");
}

/* The next field of the first line, as a text of its own. */
static const char *field(char **line)
{
    char *begin = *line, *tab = begin ? strchr(begin, '\t') : NULL;

    if (!begin)
        return "";
    if (tab)
        *tab++ = '\0';
    *line = tab;
    return begin;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tow_http_response response = {.content_length = -1, .retry_after_ms = -1};
    struct tow_http_problem problem;
    struct tow_error err = TOW_ERROR_INIT;
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    char *line = strndup(size ? (const char *)data : "", length), *at = line;
    const char *status, *wait, *date;

    if (!line)
        return 0;
    status = field(&at);
    wait = field(&at);
    date = field(&at);
    response.status = (int)(strtoul(status, NULL, 10) % 1000);
    response.retry_after_ms = tow_http_retry_after(wait, date, 1700000000);
    snprintf(response.content_type, sizeof response.content_type, "%s", field(&at));
    demand(response.retry_after_ms >= -1 && response.retry_after_ms <= TOW_HTTP_RETRY_MAX,
           "Retry-After within bounds");
    /* The body is read where it lies: a read beyond it is seen. */
    if (end) {
        response.body.data = (char *)(uintptr_t)(end + 1);
        response.body.size = size - length - 1;
    }
    tow_http_problem(&response, &problem);
    demand_text(problem.code);
    demand_text(problem.message);
    demand(tow_http_refused(&response, "asking", &err) != TOW_OK, "an error class");
    demand(err.code != TOW_OK && err.message[0], "an error");
    free(line);
    return 0;
}
