/* What answers of the API mean, and what to do about those that are no success (Databricks REST
 * API reference, Error handling). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "connectors/databricks/client_priv.h"
#include "connectors/http/json_load.h"
#include "towpath/value.h"

#define VERDICT_HINT_MAX 384

int tow_databricks_hint(struct tow_error *err, int code, const char *format, ...)
{
    char hint[VERDICT_HINT_MAX], message[sizeof err->message];
    size_t length;
    va_list args;

    if (!err)
        return code;
    va_start(args, format);
    vsnprintf(hint, sizeof hint, format, args);
    va_end(args);
    memcpy(message, err->message, sizeof message);
    /* The hint is what helps: a long message makes room for it. It goes on with the sentence. */
    length = tow_utf8_prefix(message, strnlen(message, sizeof message - sizeof hint));
    while (length > 0 && message[length - 1] == '.')
        length--;
    return tow_error_set(err, code, "%.*s; %s", (int)length, message, hint);
}

/* A page where JSON should be, or the way to one. */
static int verdict_page(const struct tow_databricks *databricks,
                        const struct tow_databricks_call *call,
                        const struct tow_http_response *response, struct tow_error *err)
{
    struct tow_http_problem problem;

    tow_http_problem(response, &problem);
    return tow_error_set(err, TOW_E_ENV,
                         "%s: HTTP %d with %s%.200s%s in place of an answer of the API: a proxy or "
                         "log-in page seems to stand between; check host %s, proxy settings and "
                         "private links",
                         call->what, response->status,
                         response->status / 100 == 3 ? "a redirect" : "a web page",
                         problem.message[0] ? ", " : "", problem.message, databricks->config.url);
}

static int verdict_unauthorized(const struct tow_databricks *databricks, struct tow_error *err)
{
    if (databricks->config.login == TOW_DATABRICKS_CLIENT)
        return tow_databricks_hint(err, TOW_E_AUTH,
                                   "check that service principal %s may use workspace %s",
                                   databricks->config.client_id, databricks->config.url);
    return tow_databricks_hint(err, TOW_E_AUTH,
                               "the token is wrong, has expired or belongs to another workspace "
                               "than %s: make a new one (Settings > Developer > Access tokens)",
                               databricks->config.url);
}

/* Tokens that are wrong are 401 on some hosts and 403 on others. */
static int verdict_is_token(const struct tow_http_response *response,
                            const struct tow_http_problem *problem)
{
    return response->status == 401 || strstr(problem->message, "nvalid access token") != NULL ||
           strcmp(problem->code, "UNAUTHENTICATED") == 0;
}

int tow_databricks_judge(const struct tow_databricks *databricks,
                         const struct tow_databricks_call *call,
                         const struct tow_http_response *response, struct tow_error *err)
{
    struct tow_http_problem problem;
    int code = tow_http_class(response);

    if (code == TOW_OK)
        return TOW_OK;
    tow_http_problem(response, &problem);
    if (response->status / 100 == 3 ||
        (problem.is_html && code != TOW_E_TRANSIENT && code != TOW_E_RATE))
        return verdict_page(databricks, call, response, err);
    code = tow_http_refused(response, call->what, err);
    if (code == TOW_E_AUTH && verdict_is_token(response, &problem))
        return verdict_unauthorized(databricks, err);
    if (response->status == 409 && strcmp(problem.code, "ABORTED") == 0)
        return tow_error_set(err, TOW_E_TRANSIENT, "%s: HTTP 409 ABORTED: %s", call->what,
                             problem.message);
    return code;
}

int tow_databricks_check_page(const struct tow_databricks *databricks,
                              const struct tow_databricks_call *call,
                              const struct tow_http_response *response, struct tow_error *err)
{
    struct tow_http_problem problem;

    /* The rest need not be looked at: no JSON begins so. */
    if (!response->body.data || response->body.data[strspn(response->body.data, " \t\r\n")] != '<')
        return TOW_OK;
    tow_http_problem(response, &problem);
    return problem.is_html ? verdict_page(databricks, call, response, err) : TOW_OK;
}

int tow_databricks_parse(const struct tow_databricks *databricks,
                         const struct tow_databricks_call *call,
                         const struct tow_http_response *response, json_t **answer,
                         struct tow_error *err)
{
    struct tow_error reason = TOW_ERROR_INIT;
    int code;

    *answer = NULL;
    if (response->body.size == 0)
        return TOW_OK;
    code = tow_json_load(response->body.data, response->body.size, 0, answer, &reason);
    if (code == TOW_OK)
        return TOW_OK;
    if (code == TOW_E_NOMEM)
        return tow_error_nomem(err);
    if (tow_databricks_check_page(databricks, call, response, err) != TOW_OK)
        return TOW_E_ENV;
    return tow_error_set(err, TOW_E_ENV, "%s: the answer (HTTP %d, %zu bytes) is no JSON: %s",
                         call->what, response->status, response->body.size, reason.message);
}
