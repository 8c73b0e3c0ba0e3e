/* The options of the sink `ttd`, and where they lead. */
#ifndef PLUGINS_TTD_OPTIONS_H
#define PLUGINS_TTD_OPTIONS_H

#include "connectors/ttd/request.h"
#include "plugins/shared/identity_options.h"
#include "towpath/plugin.h"

struct tow_ttd_options {
    int32_t endpoint;
    const char *token;
    const char *advertiser_id, *data_provider_id, *brand_id;
    int64_t merchant_id;
    const char *request_type;
    int32_t is_user_id_already_hashed;
    struct tow_strings data_origins;
    const char *trace_id;
    const char *server_url;
    int32_t region; /* 0: the endpoint's own host */
    int64_t batch_rows, batch_bytes;
    int64_t timeout_ms;
    int32_t gzip;
    const char *ca_file, *proxy;
    struct tow_identity identity;
};

#define TOW_TTD_BATCH_ROWS_MAX  100000
#define TOW_TTD_BATCH_BYTES_MAX (64 << 20)

/* `o` is a struct tow_ttd_options in the instance. */
#define TOW_TTD_OPTIONS(instance, o)                                                               \
    TOW_OPT("endpoint", TOW_OPTION_CHOICE, TOW_OPTION_REQUIRED, instance, o.endpoint, NULL, 0, 0,  \
            TOW_TTD_ENDPOINTS, "where the rows go; it decides about columns and ids"),             \
        TOW_OPT("token", TOW_OPTION_STRING, TOW_OPTION_REQUIRED | TOW_OPTION_SECRET, instance,     \
                o.token, NULL, 0, 0, NULL, "API token for the Data API, \"${env:TTD_TOKEN}\""),    \
        TOW_OPT_STRING("advertiser_id", instance, o.advertiser_id, NULL,                           \
                       "of advertiser and deletion_optout_advertiser"),                            \
        TOW_OPT_STRING("data_provider_id", instance, o.data_provider_id, NULL,                     \
                       "of thirdparty, offlineconversion and deletion_optout_thirdparty; "         \
                       "optional for the advertiser's"),                                           \
        TOW_OPT_STRING("brand_id", instance, o.brand_id, NULL,                                     \
                       "of deletion_optout_thirdparty; optional"),                                 \
        TOW_OPT_INT("merchant_id", instance, o.merchant_id, NULL, 1, INT64_MAX,                    \
                    "of deletion_optout_merchant"),                                                \
        TOW_OPT_STRING("request_type", instance, o.request_type, NULL,                             \
                       "\"OptOut\" or \"Deletion\", for the three deletion_optout endpoints"),     \
        TOW_OPT_BOOL("is_user_id_already_hashed", instance, o.is_user_id_already_hashed, "false",  \
                     "thirdparty: id_value is hashed as The Trade Desk wants it"),                 \
        TOW_OPT_STRINGS("data_origins", instance, o.data_origins,                                  \
                        "who handled the data: \"Onboarder:acme\", also Advertiser, DataProvider " \
                        "and Integration; towpath adds itself"),                                   \
        TOW_OPT_STRING("trace_id", instance, o.trace_id, NULL,                                     \
                       "DataLoadTraceId of each request; {load} stands for the load's id"),        \
        TOW_OPT_STRING("server_url", instance, o.server_url, NULL,                                 \
                       "instead of the endpoint's host, as in \"https://proxy.example.com/ttd\""), \
        TOW_OPT_CHOICE("region", instance, o.region, "default", "default|" TOW_TTD_REGIONS,        \
                       "host that takes the data; send deletions to the one that took it"),        \
        TOW_OPT_INT("batch_rows", instance, o.batch_rows, "1600", 1, TOW_TTD_BATCH_ROWS_MAX,       \
                    "most rows in a request"),                                                     \
        TOW_OPT_SIZE("batch_bytes", instance, o.batch_bytes, "2MB", 1024, TOW_TTD_BATCH_BYTES_MAX, \
                     "most bytes in a request's body, before gzip"),                               \
        TOW_OPT_DURATION("timeout", instance, o.timeout_ms, "60s", 1, 3600000,                     \
                         "of a request, from connecting to the end of its answer"),                \
        TOW_OPT_BOOL("gzip", instance, o.gzip, "false", "compress request bodies"),                \
        TOW_OPT_PATH("ca_file", 0, instance, o.ca_file,                                            \
                     "PEM file of the certificates to trust, instead of the system's"),            \
        TOW_OPT_IDENTITY(instance, o.identity),                                                    \
        TOW_OPT_STRING("proxy", instance, o.proxy, NULL,                                           \
                       "URL of an HTTP proxy; \"\" for none; the environment decides unless set")

/* Where the options lead; borrows from them. */
struct tow_ttd_target {
    struct tow_ttd_context context;
    struct tow_ttd_origin *origins;
    char region[8];
    char *trace_id;
    struct tow_buffer url; /* NUL-terminated */
};

/* Checks all options together: TOW_E_CONFIG. Release it in every case. */
int tow_ttd_target_init(struct tow_ttd_target *target, const struct tow_ttd_options *options,
                        const char *load_id, struct tow_error *err);
void tow_ttd_target_release(struct tow_ttd_target *target);

#endif
