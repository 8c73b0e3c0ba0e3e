/* How a plugin reaches Lytics: the options that all of them have. */
#ifndef PLUGINS_SHARED_LYTICS_OPTIONS_H
#define PLUGINS_SHARED_LYTICS_OPTIONS_H

#include "connectors/lytics/client.h"
#include "plugins/shared/identity_options.h"
#include "towpath/plugin.h"

struct tow_lytics_options {
    const char *api_url, *bulk_url;
    const char *token, *account_id;
    const char *ca_file, *proxy;
    struct tow_identity identity;
    int64_t timeout_ms, rate_wait_ms;
};

/* `o` is a struct tow_lytics_options in the instance. */
#define TOW_LYTICS_OPTIONS(instance, o)                                                    \
    TOW_OPT("token", TOW_OPTION_STRING, TOW_OPTION_REQUIRED | TOW_OPTION_SECRET, instance, \
            o.token, NULL, 0, 0, NULL, "API token of Lytics, \"${env:LYTICS_TOKEN}\""),    \
        TOW_LYTICS_OPTIONS_BUT_TOKEN(instance, o)
#define TOW_LYTICS_OPTIONS_BUT_TOKEN(instance, o)                                                 \
    TOW_OPT_STRING("account_id", instance, o.account_id, NULL,                                    \
                   "account, where the token reaches several"),                                   \
        TOW_OPT_STRING("api_url", instance, o.api_url, TOW_LYTICS_API_URL, "where the API is"),   \
        TOW_OPT_STRING("bulk_url", instance, o.bulk_url, TOW_LYTICS_BULK_URL,                     \
                       "where bulk uploads go"),                                                  \
        TOW_OPT_DURATION("timeout", instance, o.timeout_ms, "60s", 1, 3600000,                    \
                         "of a request, from connecting to the end of its answer; of an upload, " \
                         "in which no byte moves"),                                               \
        TOW_OPT_DURATION("rate_wait", instance, o.rate_wait_ms, "10s", 1, 3600000,                \
                         "before the next try after a 429, which does not say how long to wait"), \
        TOW_OPT_PATH("ca_file", 0, instance, o.ca_file,                                           \
                     "PEM file of the certificates to trust, instead of the system's"),           \
        TOW_OPT_IDENTITY(instance, o.identity),                                                   \
        TOW_OPT_STRING("proxy", instance, o.proxy, NULL,                                          \
                       "URL of an HTTP proxy; \"\" for none; the environment decides unless set")

static inline struct tow_lytics_settings tow_lytics_options_settings(
    const struct tow_lytics_options *options, int cancel_fd)
{
    return (struct tow_lytics_settings){.api_url = options->api_url,
                                        .bulk_url = options->bulk_url,
                                        .token = options->token,
                                        .account_id = options->account_id,
                                        .ca_file = options->ca_file,
                                        .identity = options->identity,
                                        .proxy = options->proxy,
                                        .timeout_ms = options->timeout_ms,
                                        .rate_wait_ms = options->rate_wait_ms,
                                        .cancel_fd = cancel_fd};
}

#endif
