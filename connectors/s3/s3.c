#include "connectors/s3/s3.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/s3/s3_priv.h"
#include "towpath/value.h"

#define S3_OBJECT_MAX (INT64_C(5) << 30) /* bytes of one PUT */

struct tow_s3 *tow_s3_new(const struct tow_s3_settings *settings, int cancel_fd,
                          struct tow_error *err)
{
    const char *bundle = getenv("AWS_CA_BUNDLE");
    const struct tow_http_settings http = {.ca_file =
                                               settings->ca_file ? settings->ca_file : bundle,
                                           .identity = settings->identity,
                                           .proxy = settings->proxy,
                                           .connect_timeout_ms = settings->connect_timeout_ms,
                                           .idle_timeout_ms = settings->stall_timeout_ms,
                                           .cancel_fd = cancel_fd};
    struct tow_s3 *s3 = calloc(1, sizeof *s3);

    if (!s3) {
        tow_error_nomem(err);
        return NULL;
    }
    if (tow_s3_place_init(&s3->place, settings, err) == TOW_OK &&
        tow_http_check(&http, err) == TOW_OK)
        s3->http = tow_http_new(&http, err);
    if (s3->http)
        return s3;
    tow_s3_free(s3);
    return NULL;
}

void tow_s3_free(struct tow_s3 *s3)
{
    if (!s3)
        return;
    tow_http_free(s3->http);
    tow_s3_place_release(&s3->place);
    free(s3);
}

void tow_s3_keys(const struct tow_s3 *s3, const char **access_key, const char **secret_key,
                 const char **session_token)
{
    *access_key = s3->place.access_key;
    *secret_key = s3->place.secret_key;
    *session_token = s3->place.session_token;
}

int s3_shown(const char *key)
{
    return (int)tow_utf8_prefix(key, strnlen(key, S3_SHOWN_MAX));
}

int s3_url(const struct tow_s3 *s3, const char *key, struct tow_buffer *url, struct tow_error *err)
{
    size_t length = strlen(key);
    int code;

    if (length == 0 || key[0] == '/' || length > S3_KEY_MAX)
        return tow_error_set(err, TOW_E_CONFIG,
                             "S3 key \"%.*s\": a key has 1 to %d bytes and does not begin with '/'",
                             s3_shown(key), key, S3_KEY_MAX);
    code = tow_buffer_append(url, s3->place.base, strlen(s3->place.base), err);
    if (code == TOW_OK)
        code = tow_http_encode(url, key, length, 1, err);
    return code == TOW_OK ? tow_buffer_append(url, "", 1, err) : code;
}

/* What the codes of S3 mean that do not follow the status: class, and what to do. */
static int s3_class(const struct tow_http_problem *problem, const char **advice)
{
    static const struct {
        const char *code;
        int class;
        const char *advice;
    } known[] = {
        {"ExpiredToken", TOW_E_AUTH, "; the session token has to be renewed"},
        {"TokenRefreshRequired", TOW_E_AUTH, "; the session token has to be renewed"},
        {"InvalidToken", TOW_E_AUTH, ""},
        {"RequestTimeTooSkewed", TOW_E_ENV, "; is this machine's clock right?"},
        {"RequestTimeout", TOW_E_TRANSIENT, ""},
        {"OperationAborted", TOW_E_TRANSIENT, ""},
        {"SlowDown", TOW_E_RATE, ""},
        {"ServiceUnavailable", TOW_E_TRANSIENT, ""},
        {"AuthorizationHeaderMalformed", TOW_E_CONFIG, "; is the region that of the bucket?"},
        {"IllegalLocationConstraintException", TOW_E_CONFIG, "; is the region that of the bucket?"},
        {"PermanentRedirect", TOW_E_CONFIG, "; is the region that of the bucket?"},
        {"TemporaryRedirect", TOW_E_TRANSIENT, "; the bucket may be new"},
    };
    size_t i;

    for (i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(problem->code, known[i].code) == 0) {
            *advice = known[i].advice;
            return known[i].class;
        }
    return TOW_OK;
}

int s3_refused(const struct tow_http_response *response, const char *what, struct tow_error *err)
{
    struct tow_error said = TOW_ERROR_INIT;
    struct tow_http_problem problem;
    const char *advice = "";
    int class = tow_http_refused(response, what, &said), known;

    tow_http_problem(response, &problem);
    known = s3_class(&problem, &advice);
    if (known != TOW_OK)
        class = known;
    tow_error_set(err, class, "%s%s", said.message, advice);
    if (err)
        err->retry_after_ms = said.retry_after_ms;
    return class;
}

struct tow_http_sigv4 s3_keys(const struct tow_s3 *s3)
{
    return (struct tow_http_sigv4){s3->place.region, "s3", s3->place.access_key,
                                   s3->place.secret_key, s3->place.session_token};
}

/* One request for a key. `absent` is the code of a refusal that is none; NULL where there is none.
 */
static int s3_exchange(struct tow_s3 *s3, const char *key, struct tow_http_request *request,
                       const char *absent, struct tow_error *err)
{
    const struct tow_http_sigv4 sigv4 = s3_keys(s3);
    struct tow_http_response response;
    struct tow_http_problem problem;
    struct tow_buffer url = {NULL, 0, 0};
    char what[S3_SHOWN_MAX + 300];
    int code = s3_url(s3, key, &url, err);

    if (code != TOW_OK) {
        tow_buffer_release(&url);
        return code;
    }
    request->url = url.data;
    request->sigv4 = &sigv4;
    code = tow_http_perform(s3->http, request, &response, err);
    if (code == TOW_OK && response.status / 100 != 2) {
        tow_http_problem(&response, &problem);
        snprintf(what, sizeof what, "%s s3://%s/%.*s", request->method, s3->place.bucket,
                 s3_shown(key), key);
        if (!absent || strcmp(problem.code, absent) != 0)
            code = s3_refused(&response, what, err);
    }
    request->url = NULL;
    request->sigv4 = NULL;
    tow_http_response_release(&response);
    tow_buffer_release(&url);
    return code;
}

int tow_s3_put(struct tow_s3 *s3, const char *key, int fd, int64_t length, struct tow_error *err)
{
    struct tow_http_request request = {.method = "PUT", .body_fd = fd, .body_length = length};

    if (length < 0 || length > S3_OBJECT_MAX)
        return tow_error_set(err, TOW_E_CONFIG,
                             "S3 key \"%.*s\": %" PRId64
                             " bytes are more than one PUT takes (5 GiB)",
                             s3_shown(key), key, length);
    return s3_exchange(s3, key, &request, NULL, err);
}

int tow_s3_remove(struct tow_s3 *s3, const char *key, struct tow_error *err)
{
    struct tow_http_request request = {.method = "DELETE"};

    return s3_exchange(s3, key, &request, "NoSuchKey", err);
}

int tow_s3_exists(struct tow_s3 *s3, const char *key, int *is_there, struct tow_error *err)
{
    const struct tow_http_sigv4 sigv4 = s3_keys(s3);
    struct tow_http_request request = {.method = "HEAD", .sigv4 = &sigv4};
    struct tow_http_response response;
    struct tow_buffer url = {NULL, 0, 0};
    char what[S3_SHOWN_MAX + 300];
    int code = s3_url(s3, key, &url, err);

    *is_there = 0;
    if (code == TOW_OK) {
        request.url = url.data;
        code = tow_http_perform(s3->http, &request, &response, err);
        *is_there = code == TOW_OK && response.status / 100 == 2;
        if (code == TOW_OK && !*is_there && response.status != 404) {
            snprintf(what, sizeof what, "HEAD s3://%s/%.*s", s3->place.bucket, s3_shown(key), key);
            code = s3_refused(&response, what, err);
        }
        tow_http_response_release(&response);
    }
    tow_buffer_release(&url);
    return code;
}
