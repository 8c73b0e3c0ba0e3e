#include "connectors/s3/settings.h"

#include <stdlib.h>
#include <string.h>

#include "connectors/machine/copy.h"

#define SETTINGS_BUCKET_LEAST 3
#define SETTINGS_BUCKET_MOST  255 /* that of old buckets; new ones have 63 at most */
#define SETTINGS_HOST_MOST    63  /* of a bucket that is part of a host's name */

/* A variable of the environment; NULL where it is not set, or empty. */
static const char *settings_environment(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static int settings_is_alphanumeric(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z');
}

static int settings_bucket(struct tow_s3_place *place, const char *bucket, struct tow_error *err)
{
    size_t length = bucket ? strlen(bucket) : 0, i;
    int is_good = length >= SETTINGS_BUCKET_LEAST && length <= SETTINGS_BUCKET_MOST &&
                  settings_is_alphanumeric(bucket[0]) &&
                  settings_is_alphanumeric(bucket[length - 1]);

    for (i = 0; i < length && is_good; i++)
        is_good = settings_is_alphanumeric(bucket[i]) || strchr("-._", bucket[i]);
    if (!is_good)
        return tow_error_set(
            err, TOW_E_CONFIG,
            "S3 bucket \"%.300s\": a name is %d to %d letters, digits, hyphens and "
            "dots, without s3:// and without a folder",
            bucket ? bucket : "", SETTINGS_BUCKET_LEAST, SETTINGS_BUCKET_MOST);
    return tow_copy_text(&place->bucket, bucket, err);
}

static int settings_region(struct tow_s3_place *place, const char *region, struct tow_error *err)
{
    const char *at;

    if (!region || !*region)
        region = settings_environment("AWS_REGION");
    if (!region)
        region = settings_environment("AWS_DEFAULT_REGION");
    if (!region)
        region = "us-east-1";
    for (at = region; *at; at++)
        if (!settings_is_alphanumeric(*at) && *at != '-')
            return tow_error_set(err, TOW_E_CONFIG,
                                 "S3 region \"%.64s\": one is called like \"eu-west-1\"", region);
    return tow_copy_text(&place->region, region, err);
}

/*
 * A bucket is part of the host's name (AWS wants that of new ones), unless TLS certificates would
 * not fit: "*.s3.region.amazonaws.com" covers no dots. Host names have no capitals or underscores.
 */
static int settings_is_host(const char *bucket)
{
    size_t length = strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return length <= SETTINGS_HOST_MOST && bucket[length] == '\0';
}

static int settings_base(struct tow_s3_place *place, const char *endpoint, struct tow_error *err)
{
    const char *suffix =
        strncmp(place->region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
    struct tow_buffer base = {NULL, 0, 0};
    size_t length = endpoint ? strlen(endpoint) : 0;
    int code;

    while (length > 0 && endpoint[length - 1] == '/')
        length--;
    if (length > 0)
        code = tow_buffer_printf(&base, err, "%.*s/%s/%c", (int)length, endpoint, place->bucket, 0);
    else if (settings_is_host(place->bucket))
        code = tow_buffer_printf(&base, err, "https://%s.s3.%s.%s/%c", place->bucket, place->region,
                                 suffix, 0);
    else
        code = tow_buffer_printf(&base, err, "https://s3.%s.%s/%s/%c", place->region, suffix,
                                 place->bucket, 0);
    place->base = base.data;
    return code;
}

/* Some stores lie below a path ("https://host/storage/v1/s3"); a query, or what would be encoded
 * once more, would end up inside of keys. */
static int settings_check_endpoint(const char *endpoint, struct tow_error *err)
{
    const char *path;

    if (!endpoint || !*endpoint)
        return TOW_OK;
    if (tow_http_check_url(endpoint, err) != TOW_OK)
        return tow_error_prefix(err, "S3 endpoint");
    path = strstr(endpoint, "://") + 3;
    path += strcspn(path, "/?#");
    while (settings_is_alphanumeric(*path) || (*path && strchr("/-._~", *path)))
        path++;
    if (*path)
        return tow_error_set(
            err, TOW_E_CONFIG,
            "S3 endpoint: only scheme, host, port and perhaps a plain path, as in "
            "\"https://storage.example:9000\"; the bucket has an option of its own");
    return TOW_OK;
}

/* All from the settings, or all from the environment: a token belongs to its key. */
static int settings_keys(struct tow_s3_place *place, const struct tow_s3_settings *settings,
                         struct tow_error *err)
{
    int is_own = settings->access_key || settings->secret_key || settings->session_token;
    const char *access_key =
        is_own ? settings->access_key : settings_environment("AWS_ACCESS_KEY_ID");
    const char *secret_key =
        is_own ? settings->secret_key : settings_environment("AWS_SECRET_ACCESS_KEY");
    const char *token =
        is_own ? settings->session_token : settings_environment("AWS_SESSION_TOKEN");
    int code;

    if (!access_key || !*access_key || !secret_key || !*secret_key)
        return tow_error_set(err, TOW_E_CONFIG,
                             "S3: %s: give an access key id and a secret access key, or %s",
                             is_own ? "keys are incomplete" : "no keys",
                             "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
    code = tow_copy_text(&place->access_key, access_key, err);
    if (code == TOW_OK)
        code = tow_copy_text(&place->secret_key, secret_key, err);
    if (code == TOW_OK && token && *token)
        code = tow_copy_text(&place->session_token, token, err);
    return code;
}

int tow_s3_place_init(struct tow_s3_place *place, const struct tow_s3_settings *settings,
                      struct tow_error *err)
{
    int code;

    *place = (struct tow_s3_place){NULL, NULL, NULL, NULL, NULL, NULL};
    code = settings_bucket(place, settings->bucket, err);
    if (code == TOW_OK)
        code = settings_region(place, settings->region, err);
    if (code == TOW_OK)
        code = settings_check_endpoint(settings->endpoint, err);
    if (code == TOW_OK)
        code = settings_base(place, settings->endpoint, err);
    if (code == TOW_OK)
        code = settings_keys(place, settings, err);
    return code;
}

static void settings_wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void tow_s3_place_release(struct tow_s3_place *place)
{
    free(place->bucket);
    free(place->region);
    free(place->base);
    settings_wipe(place->access_key);
    settings_wipe(place->secret_key);
    settings_wipe(place->session_token);
}
