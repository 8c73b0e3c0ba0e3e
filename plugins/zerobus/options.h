/* What a job may say of the sink, and what follows from it. */
#ifndef PLUGINS_ZEROBUS_OPTIONS_H
#define PLUGINS_ZEROBUS_OPTIONS_H

#include "connectors/databricks/config.h"
#include "connectors/zerobus/login.h"
#include "towpath/plugin.h"

enum { TOW_BUS_SCHEMA_TABLE, TOW_BUS_SCHEMA_COLUMNS };
enum { TOW_BUS_GRPC, TOW_BUS_REST };

struct tow_bus_options {
    struct tow_databricks_settings databricks;
    const char *endpoint, *table, *workspace_id;
    int32_t format, schema, transport;
    int64_t streams;
    int64_t max_inflight_records, max_inflight_bytes, max_ingest_payload_bytes;
    int32_t recovery;
    int64_t recovery_timeout_ms, recovery_backoff_ms, recovery_retries;
    int64_t server_lack_of_ack_timeout_ms, flush_timeout_ms, stream_paused_max_wait_time_ms;
    int64_t token_refresh_buffer_ms, keepalive_ms, keepalive_timeout_ms;
    struct tow_strings headers, headers_command;
};

/* The options put together; owned. */
struct tow_bus_target {
    const struct tow_bus_options *options;
    char *endpoint; /* with its scheme */
    char *workspace_id;
    int has_workspace; /* workspace is filled: there is a login for it */
    struct tow_databricks_config workspace;
};

/* TOW_E_CONFIG where they do not go together. No network. */
int tow_bus_target_init(struct tow_bus_target *target, const struct tow_bus_options *options,
                        struct tow_error *err);
void tow_bus_target_release(struct tow_bus_target *target);

/* A login for streams by the target. */
struct tow_zerobus_account *tow_bus_account(const struct tow_bus_target *target, int cancel_fd,
                                            struct tow_error *err);
/* Settings of one of the target's streams, whose login and descriptor are still to be set. */
void tow_bus_stream_settings(const struct tow_bus_target *target,
                             struct tow_zerobus_settings *settings);

#endif
