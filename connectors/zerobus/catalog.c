#include "connectors/zerobus/catalog.h"

#include <stdio.h>
#include <string.h>

#define CATALOG_LIMIT      ((size_t)8 << 20)
#define CATALOG_TIMEOUT_MS 30000

int tow_zerobus_catalog_read(struct tow_databricks *databricks, const char *table,
                             struct tow_zerobus_message *message, struct tow_error *err)
{
    struct tow_buffer path = {0};
    struct tow_databricks_call call = {
        .method = "GET", .timeout_ms = CATALOG_TIMEOUT_MS, .limit = CATALOG_LIMIT};
    json_t *answer = NULL;
    char what[400];
    int code = tow_buffer_printf(&path, err, "/api/2.1/unity-catalog/tables/");

    if (code == TOW_OK)
        code = tow_http_encode(&path, table, strlen(table), 0, err);
    if (code == TOW_OK)
        code = tow_buffer_append(&path, "", 1, err);
    if (code == TOW_OK) {
        (void)snprintf(what, sizeof what, "reading the columns of %s", table);
        call.what = what;
        call.path = path.data;
        code = tow_databricks_call_json(databricks, &call, &answer, err);
    }
    if (code == TOW_OK)
        code = tow_zerobus_schema_read(message, answer, err);
    json_decref(answer);
    tow_buffer_release(&path);
    return code;
}
