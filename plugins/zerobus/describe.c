#include "plugins/zerobus/describe.h"

#include <stdio.h>

#include "connectors/zerobus/catalog.h"

static int describe_read(const struct tow_databricks_config *config,
                         const struct tow_bus_options *options, const struct tow_host *host,
                         struct tow_zerobus_message *message, struct tow_error *err)
{
    struct tow_databricks *databricks = tow_databricks_new(config, host->cancel_fd(host), err);
    int code =
        databricks ? tow_zerobus_catalog_read(databricks, options->table, message, err) : err->code;

    tow_databricks_free(databricks);
    return code;
}

static int describe_print(const struct tow_zerobus_message *message, const char *table,
                          tow_text_put *put, void *context, struct tow_error *err)
{
    struct tow_buffer text = {0}, comment = {0};
    int code = tow_buffer_printf(&comment, err, "Records of the table %s, for Zerobus.", table);

    if (code == TOW_OK)
        code = tow_zerobus_put_proto_file(&text, message, comment.data, err);
    if (code == TOW_OK && put(context, text.data, text.size) != TOW_OK)
        code = tow_error_nomem(err);
    tow_buffer_release(&comment);
    tow_buffer_release(&text);
    return code;
}

int tow_bus_describe(const struct tow_bus_options *options, const struct tow_host *host,
                     tow_text_put *put, void *context, struct tow_error *err)
{
    struct tow_databricks_config config;
    struct tow_zerobus_message message;
    int code;

    if (!options->table)
        return tow_error_set(err, TOW_E_CONFIG,
                             "table is missing: give --table catalog.schema.table");
    code = tow_zerobus_check_table(options->table, err);
    if (code == TOW_OK)
        code = tow_databricks_config_init(&config, &options->databricks, 0, err);
    if (code != TOW_OK)
        return code;
    code = describe_read(&config, options, host, &message, err);
    if (code == TOW_OK) {
        code = describe_print(&message, options->table, put, context, err);
        tow_zerobus_schema_release(&message);
    }
    tow_databricks_config_release(&config);
    return code;
}
