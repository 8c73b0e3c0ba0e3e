#include <string.h>

#include "connectors/http/http_priv.h"

static int retry_is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* "120", also "0.5", which some services send. */
static int64_t retry_seconds(const char *value)
{
    int64_t ms = 0, unit = 100;

    for (; retry_is_digit(*value); value++)
        if (ms < TOW_HTTP_RETRY_MAX)
            ms = ms * 10 + (*value - '0') * 1000;
    if (*value == '.')
        for (value++; retry_is_digit(*value); value++, unit /= 10)
            ms += (*value - '0') * unit;
    if (*value)
        return -1;
    return ms < TOW_HTTP_RETRY_MAX ? ms : TOW_HTTP_RETRY_MAX;
}

int64_t tow_http_retry_after(const char *value, const char *date, time_t now)
{
    time_t until, from;

    if (retry_is_digit(*value))
        return retry_seconds(value);
    until = *value ? curl_getdate(value, NULL) : -1;
    if (until < 0)
        return -1;
    /* Both by the server's clock, which may differ from ours. */
    from = *date ? curl_getdate(date, NULL) : -1;
    if (from < 0)
        from = now;
    if (until <= from)
        return 0;
    return until - from < TOW_HTTP_RETRY_MAX / 1000 ? (until - from) * 1000 : TOW_HTTP_RETRY_MAX;
}
