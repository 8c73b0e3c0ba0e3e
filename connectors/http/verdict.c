#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "connectors/http/http_priv.h"

int tow_http_class(const struct tow_http_response *response)
{
    switch (response->status) {
    case 401:
    case 403:
        return TOW_E_AUTH;
    case 429:
        return TOW_E_RATE;
    case 503:
        return response->retry_after_ms >= 0 ? TOW_E_RATE : TOW_E_TRANSIENT;
    case 408:
    case 425:
    case 500:
    case 502:
    case 504:
        return TOW_E_TRANSIENT;
    default:
        break;
    }
    if (response->status / 100 == 2)
        return TOW_OK;
    return response->status / 100 == 4 ? TOW_E_CONFIG : TOW_E_ENV;
}

/* What a person is told beyond the server's words. */
static const char *verdict_advice(int status, const struct tow_http_problem *problem)
{
    if (status / 100 == 3)
        return " (a redirect, which is not followed: is the host's name right?)";
    if (problem->is_html)
        return " (a web page, as proxies and log-in pages send them)";
    return "";
}

int tow_http_refused(const struct tow_http_response *response, const char *what,
                     struct tow_error *err)
{
    struct tow_http_problem problem;
    const char *words, *code;
    char status[16];
    int class = tow_http_class(response);

    if (class == TOW_OK)
        class = TOW_E_ENV;
    tow_http_problem(response, &problem);
    snprintf(status, sizeof status, "%d", response->status);
    words = problem.message[0] ? problem.message : response->reason;
    /* Some services repeat the status as their code. */
    code = strcmp(problem.code, status) == 0 ? "" : problem.code;
    tow_error_set(err, class, "%s: HTTP %s%s%s%s%s%s", what, status, *code ? " " : "", code,
                  *words ? ": " : "", words, verdict_advice(response->status, &problem));
    if (err)
        err->retry_after_ms = response->retry_after_ms;
    return class;
}
