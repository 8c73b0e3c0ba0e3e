#include "plugins/zerobus/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/http/http.h"

/* ---- the target ------------------------------------------------------------------------------ */

static int target_has_own_headers(const struct tow_bus_options *options)
{
    return options->headers.count > 0 || options->headers_command.count > 0;
}

/* Whether the login to the workspace is used at all. */
static int target_needs_workspace(const struct tow_bus_options *options)
{
    return !target_has_own_headers(options) ||
           (options->format == TOW_ZEROBUS_PROTO && options->schema == TOW_BUS_SCHEMA_TABLE);
}

static int target_take_endpoint(struct tow_bus_target *target, struct tow_error *err)
{
    const char *endpoint = target->options->endpoint;
    int code;

    if (asprintf(&target->endpoint, "%s%s", strstr(endpoint, "://") ? "" : "https://", endpoint) <
        0)
        target->endpoint = NULL;
    if (!target->endpoint)
        return tow_error_nomem(err);
    code = tow_http_check_url(target->endpoint, err);
    if (code != TOW_OK)
        return tow_error_prefix(err, "endpoint");
    target->workspace_id = target->options->workspace_id
                               ? strdup(target->options->workspace_id)
                               : tow_zerobus_workspace_id(target->endpoint);
    return target->workspace_id ? TOW_OK : tow_error_nomem(err);
}

static int target_take_workspace(struct tow_bus_target *target, struct tow_error *err)
{
    const struct tow_bus_options *options = target->options;
    int code;

    if (!target_needs_workspace(options))
        return TOW_OK;
    code = tow_databricks_config_init(&target->workspace, &options->databricks, 0, err);
    if (code != TOW_OK)
        return code;
    target->has_workspace = 1;
    target->workspace.connect_timeout_ms = options->recovery_timeout_ms;
    target->workspace.stall_timeout_ms = options->recovery_timeout_ms;
    if (target->workspace.login == TOW_DATABRICKS_CLIENT || target_has_own_headers(options))
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "Zerobus is logged in to by a service principal: write client_id and "
                         "client_secret instead of token, or headers of your own");
}

static int target_check(const struct tow_bus_target *target, struct tow_error *err)
{
    const struct tow_bus_options *options = target->options;
    const struct tow_http_settings way = {.ca_file = options->databricks.ca_file,
                                          .identity = options->databricks.identity,
                                          .proxy = options->databricks.proxy};
    int code = tow_zerobus_check_table(options->table, err);

    if (options->headers.count > 0 && options->headers_command.count > 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "headers and headers_command are both given; write one of them");
    if (options->transport == TOW_BUS_REST && options->format == TOW_ZEROBUS_PROTO)
        return tow_error_set(err, TOW_E_CONFIG,
                             "transport = \"rest\" takes format = \"json\" alone");
    return code == TOW_OK ? tow_http_check(&way, err) : code;
}

int tow_bus_target_init(struct tow_bus_target *target, const struct tow_bus_options *options,
                        struct tow_error *err)
{
    int code;

    *target = (struct tow_bus_target){.options = options};
    code = target_check(target, err);
    if (code == TOW_OK)
        code = target_take_endpoint(target, err);
    if (code == TOW_OK)
        code = target_take_workspace(target, err);
    if (code != TOW_OK)
        tow_bus_target_release(target);
    return code;
}

void tow_bus_target_release(struct tow_bus_target *target)
{
    free(target->endpoint);
    free(target->workspace_id);
    if (target->has_workspace)
        tow_databricks_config_release(&target->workspace);
    *target = (struct tow_bus_target){0};
}

/* ---- what is made of it ---------------------------------------------------------------------- */

struct tow_zerobus_account *tow_bus_account(const struct tow_bus_target *target, int cancel_fd,
                                            struct tow_error *err)
{
    const struct tow_bus_options *options = target->options;
    const struct tow_zerobus_login_settings settings = {
        .table = options->table,
        .workspace_id = target->workspace_id,
        .workspace = target_has_own_headers(options) ? NULL : &target->workspace,
        .headers = options->headers.items,
        .header_count = (size_t)options->headers.count,
        .command = options->headers_command.items,
        .command_count = (size_t)options->headers_command.count,
        .refresh_ms = options->token_refresh_buffer_ms,
        .cancel_fd = cancel_fd,
    };

    return tow_zerobus_account_new(&settings, err);
}

/* 0 is "as the connector has it" there, and no retry at all here. */
static int64_t target_none(int64_t value)
{
    return value ? value : -1;
}

void tow_bus_stream_settings(const struct tow_bus_target *target,
                             struct tow_zerobus_settings *settings)
{
    const struct tow_bus_options *options = target->options;

    *settings = (struct tow_zerobus_settings){
        .endpoint = target->endpoint,
        .table = options->table,
        .format = (enum tow_zerobus_format)options->format,
        .ca_file = options->databricks.ca_file,
        .identity = options->databricks.identity,
        .proxy = options->databricks.proxy,
        .max_inflight_records = options->max_inflight_records / options->streams,
        .max_inflight_bytes = options->max_inflight_bytes / options->streams,
        .max_payload_bytes = options->max_ingest_payload_bytes,
        .no_recovery = !options->recovery,
        .recovery_timeout_ms = options->recovery_timeout_ms,
        .recovery_backoff_ms = options->recovery_backoff_ms,
        .recovery_retries = target_none(options->recovery_retries),
        .ack_timeout_ms = options->server_lack_of_ack_timeout_ms,
        .flush_timeout_ms = options->flush_timeout_ms,
        .pause_ms = options->stream_paused_max_wait_time_ms,
        .ping_ms = options->keepalive_ms,
        .ping_timeout_ms = options->keepalive_timeout_ms,
    };
}
