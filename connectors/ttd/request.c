#include "connectors/ttd/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define REQUEST_OWN_ORIGIN "towpath"

/* ---- checks --------------------------------------------------------------------------------- */

static const char *const request_origin_types[] = {"Advertiser", "DataProvider", "Integration",
                                                   "Onboarder", NULL};

int tow_ttd_origin_parse(struct tow_ttd_origin *origin, const char *text, struct tow_error *err)
{
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;

    for (const char *const *type = request_origin_types; colon && colon[1] && *type; type++)
        if (strlen(*type) == length && strncasecmp(*type, text, length) == 0) {
            *origin = (struct tow_ttd_origin){*type, length, colon + 1};
            return TOW_OK;
        }
    return tow_error_set(err, TOW_E_CONFIG,
                         "\"%.80s\" is no data origin: it is one of Advertiser, DataProvider, "
                         "Integration and Onboarder, a colon and an id, as in \"Onboarder:acme\"",
                         text);
}

/* Texts that go on in a sentence. */
struct request_list {
    char text[512];
    size_t used;
};

static void request_list_add(struct request_list *list, const char *name)
{
    int length = snprintf(list->text + list->used, sizeof list->text - list->used, "%s%s",
                          list->used ? ", " : "", name);

    if (length > 0 && (size_t)length < sizeof list->text - list->used)
        list->used += (size_t)length;
}

static int request_has(const char *text)
{
    return text && *text;
}

static void request_lists(const struct tow_ttd_context *context, struct request_list *missing,
                          struct request_list *needless)
{
    const struct tow_ttd_endpoint *endpoint = context->endpoint;
    const struct {
        unsigned flag;
        const char *name;
        int given;
    } members[] = {
        {TOW_TTD_ADVERTISER_ID, "advertiser_id", request_has(context->advertiser_id)},
        {TOW_TTD_PROVIDER_ID, "data_provider_id", request_has(context->data_provider_id)},
        {TOW_TTD_BRAND_ID, "brand_id", request_has(context->brand_id)},
        {TOW_TTD_MERCHANT_ID, "merchant_id", context->merchant_id != 0},
        {TOW_TTD_REQUEST_TYPE, "request_type", request_has(context->request_type)},
        {TOW_TTD_ALREADY_HASHED, "is_user_id_already_hashed", context->is_already_hashed},
        {TOW_TTD_ORIGINS, "data_origins", context->origin_count > 0},
    };

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (members[i].flag & endpoint->required && !members[i].given)
            request_list_add(missing, members[i].name);
        if (members[i].given && !(members[i].flag & (endpoint->required | endpoint->optional)))
            request_list_add(needless, members[i].name);
    }
    if (request_has(context->region) && !endpoint->is_regional)
        request_list_add(needless, "region");
}

static int request_check_token(const struct tow_ttd_context *context, struct tow_error *err)
{
    if (!request_has(context->token))
        return tow_error_set(err, TOW_E_CONFIG,
                             "token is missing or empty: set it to an API token for the Data API, "
                             "as in token = \"${env:TTD_TOKEN}\"");
    for (const char *c = context->token; *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
            return tow_error_set(err, TOW_E_CONFIG,
                                 "token holds a space, a line end or another character that no "
                                 "token has, at byte %zu; is there a line end in the file that it "
                                 "comes from?",
                                 (size_t)(c - context->token) + 1);
    return TOW_OK;
}

static int request_check_url(const struct tow_ttd_context *context, struct tow_error *err)
{
    if (!request_has(context->server_url))
        return TOW_OK;
    if (request_has(context->region))
        return tow_error_set(err, TOW_E_CONFIG,
                             "server_url and region exclude each other: both choose the host");
    if (strpbrk(context->server_url, "?#"))
        return tow_error_set(err, TOW_E_CONFIG,
                             "server_url holds a query or a fragment: give scheme, host and, if "
                             "need be, a path, as in \"https://proxy.example.com/ttd\"");
    if (tow_http_check_url(context->server_url, err))
        return tow_error_prefix(err, "server_url");
    return TOW_OK;
}

int tow_ttd_context_check(const struct tow_ttd_context *context, struct tow_error *err)
{
    struct request_list missing = {.used = 0}, needless = {.used = 0};
    const char *type = context->request_type;

    request_lists(context, &missing, &needless);
    if (missing.used || needless.used)
        return tow_error_set(err, TOW_E_CONFIG, "endpoint %s%s%s%s%s%s", context->endpoint->name,
                             missing.used ? " needs " : "", missing.used ? missing.text : "",
                             missing.used && needless.used ? ", and" : "",
                             needless.used ? " has no use for " : "",
                             needless.used ? needless.text : "");
    if (request_has(type) && strcmp(type, "OptOut") != 0 && strcmp(type, "Deletion") != 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "request_type is \"%.40s\"; it must be \"OptOut\" or \"Deletion\"",
                             type);
    int rc = request_check_url(context, err);
    return rc ? rc : request_check_token(context, err);
}

/* ---- URL and headers ------------------------------------------------------------------------ */

int tow_ttd_url(const struct tow_ttd_context *context, struct tow_buffer *out,
                struct tow_error *err)
{
    const struct tow_ttd_endpoint *endpoint = context->endpoint;
    const char *region = context->region, *base = context->server_url;

    if (request_has(base)) {
        size_t length = strlen(base);

        length -= base[length - 1] == '/';
        return tow_buffer_printf(out, err, "%.*s%s", (int)length, base, endpoint->path);
    }
    if (!request_has(region))
        return tow_buffer_printf(out, err, "https://%s%s", endpoint->host, endpoint->path);
    if (strcmp(region, "cn2") == 0)
        return tow_buffer_printf(out, err, "https://data-cn2.adsrvr.cn%s", endpoint->path);
    return tow_buffer_printf(out, err, "https://%s-data.adsrvr.org%s", region, endpoint->path);
}

size_t tow_ttd_headers(const struct tow_ttd_context *context, int is_gzipped,
                       struct tow_http_header headers[TOW_TTD_HEADERS])
{
    size_t count = 0;

    headers[count++] = (struct tow_http_header){"TTD-Auth", context->token};
    headers[count++] = (struct tow_http_header){"Content-Type", "application/json"};
    headers[count++] = (struct tow_http_header){"Accept", "application/json"};
    if (is_gzipped)
        headers[count++] = (struct tow_http_header){"Content-Encoding", "gzip"};
    return count;
}

/* ---- body ----------------------------------------------------------------------------------- */

/* `,"member":` */
static int request_put_key(struct tow_buffer *out, const char *member, struct tow_error *err)
{
    return tow_buffer_printf(out, err, ",\"%s\":", member);
}

/* Nothing where there is no text. */
static int request_put_text(struct tow_buffer *out, const char *member, const char *text,
                            struct tow_error *err)
{
    int rc = TOW_OK;

    if (!request_has(text))
        return TOW_OK;
    rc = request_put_key(out, member, err);
    return rc ? rc : tow_buffer_json_string(out, text, strlen(text), err);
}

static int request_put_merchant(const struct tow_ttd_context *context, struct tow_buffer *out,
                                struct tow_error *err)
{
    if (context->merchant_id == 0)
        return TOW_OK;
    return tow_buffer_printf(out, err, ",\"MerchantId\":%" PRId64, context->merchant_id);
}

int tow_ttd_head(const struct tow_ttd_context *context, struct tow_buffer *out,
                 struct tow_error *err)
{
    size_t start = out->size;
    int rc = request_put_text(out, "AdvertiserId", context->advertiser_id, err);

    if (!rc)
        rc = request_put_text(out, "DataProviderId", context->data_provider_id, err);
    if (!rc)
        rc = request_put_text(out, "BrandId", context->brand_id, err);
    if (!rc)
        rc = request_put_merchant(context, out, err);
    if (!rc && context->endpoint->optional & TOW_TTD_USER_ID_FORMAT)
        rc = tow_buffer_printf(out, err, ",\"UserIdArrayMetadataFormat\":[\"type\",\"id\"]");
    if (!rc)
        rc = tow_buffer_printf(out, err, ",\"Items\":[");
    if (!rc)
        out->data[start] = '{'; /* instead of the first comma */
    return rc;
}

static int request_put_origin(struct tow_buffer *out, const struct tow_ttd_origin *origin,
                              struct tow_error *err)
{
    int rc = tow_buffer_printf(out, err, "{\"Id\":");

    if (!rc)
        rc = tow_buffer_json_string(out, origin->id, strlen(origin->id), err);
    if (!rc)
        rc = tow_buffer_printf(out, err, ",\"Type\":\"%.*s\"},", (int)origin->type_length,
                               origin->type);
    return rc;
}

static int request_put_origins(const struct tow_ttd_context *context, struct tow_buffer *out,
                               struct tow_error *err)
{
    static const struct tow_ttd_origin own = {"Integration", sizeof "Integration" - 1,
                                              REQUEST_OWN_ORIGIN};
    int has_own = 0;
    int rc = tow_buffer_printf(out, err, ",\"DataOrigins\":[");

    for (size_t i = 0; !rc && i < context->origin_count; i++) {
        has_own = has_own || strcmp(context->origins[i].id, own.id) == 0;
        rc = request_put_origin(out, &context->origins[i], err);
    }
    if (!rc && !has_own)
        rc = request_put_origin(out, &own, err);
    if (!rc)
        out->data[out->size - 1] = ']'; /* instead of the last comma */
    return rc;
}

int tow_ttd_tail(const struct tow_ttd_context *context, struct tow_buffer *out,
                 struct tow_error *err)
{
    unsigned takes = context->endpoint->required | context->endpoint->optional;
    int rc = tow_buffer_append(out, "]", 1, err);

    if (!rc)
        rc = request_put_text(out, "DataLoadTraceId", context->trace_id, err);
    if (!rc && takes & TOW_TTD_ALREADY_HASHED)
        rc = tow_buffer_printf(out, err, ",\"IsUserIdAlreadyHashed\":%s",
                               context->is_already_hashed ? "true" : "false");
    if (!rc)
        rc = request_put_text(out, "RequestType", context->request_type, err);
    if (!rc && takes & TOW_TTD_ORIGINS)
        rc = request_put_origins(context, out, err);
    return rc ? rc : tow_buffer_append(out, "}", 1, err);
}
