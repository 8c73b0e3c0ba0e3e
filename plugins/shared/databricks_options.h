/*
 * The options with which a plugin is told where a Databricks workspace is and how to log in: one
 * table for all plugins that talk to one. `member` is a struct tow_databricks_settings in the
 * instance.
 */
#ifndef PLUGINS_SHARED_DATABRICKS_OPTIONS_H
#define PLUGINS_SHARED_DATABRICKS_OPTIONS_H

#include "connectors/databricks/config.h"
#include "plugins/shared/identity_options.h"
#include "towpath/plugin.h"

#define TOW_OPT_DATABRICKS(instance, member)                                                      \
    TOW_OPT_STRING("host", instance, member.host, NULL,                                           \
                   "workspace host, as in \"adb-123.4.azuredatabricks.net\"; else "               \
                   "DATABRICKS_HOST or the profile"),                                             \
        TOW_OPT_STRING("http_path", instance, member.http_path, NULL,                             \
                       "of a SQL warehouse, \"/sql/1.0/warehouses/<id>\", as its connection "     \
                       "details show it"),                                                        \
        TOW_OPT_STRING("warehouse_id", instance, member.warehouse_id, NULL,                       \
                       "instead of http_path; else DATABRICKS_WAREHOUSE_ID or the profile"),      \
        TOW_OPT_SECRET("token", instance, member.token,                                           \
                       "personal access token; else DATABRICKS_TOKEN or the profile"),            \
        TOW_OPT_STRING(                                                                           \
            "client_id", instance, member.client_id, NULL,                                        \
            "of a service principal (OAuth); else DATABRICKS_CLIENT_ID or the profile"),          \
        TOW_OPT_SECRET("client_secret", instance, member.client_secret,                           \
                       "of the service principal; else DATABRICKS_CLIENT_SECRET or the profile"), \
        TOW_OPT_STRING("profile", instance, member.profile, NULL,                                 \
                       "section of ~/.databrickscfg; else DATABRICKS_CONFIG_PROFILE"),            \
        TOW_OPT_PATH("config_file", 0, instance, member.config_file,                              \
                     "instead of ~/.databrickscfg; else DATABRICKS_CONFIG_FILE"),                 \
        TOW_OPT_PATH("ca_file", 0, instance, member.ca_file,                                      \
                     "PEM file of the certificates to trust, instead of the system's"),           \
        TOW_OPT_IDENTITY(instance, member.identity),                                              \
        TOW_OPT_STRING("proxy", instance, member.proxy, NULL,                                     \
                       "URL of an HTTP proxy; \"\" for none; the environment decides unless set")

/* How long one that speaks to it by HTTP waits. */
#define TOW_OPT_DATABRICKS_WAITS(instance, member)                                               \
    TOW_OPT_DURATION("connect_timeout", instance, member.connect_timeout_ms, "30s", 1, 3600000,  \
                     "most time for a connection: names, TCP and TLS"),                          \
        TOW_OPT_DURATION(                                                                        \
            "stall_timeout", instance, member.stall_timeout_ms, "60s", 1, 3600000,               \
            "a request or an answer of which no byte moves for so long, or less than 64 KiB in " \
            "five times as long, has failed")

#endif
