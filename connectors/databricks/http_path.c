/* The warehouse in what connection details call the HTTP path (Databricks documentation,
 * Get connection details for a compute resource). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/databricks/address.h"
#include "connectors/databricks/config.h"
#include "connectors/databricks/show.h"

#define PATH_ID_MAX 64

#define PATH_EXAMPLE \
    "write \"/sql/1.0/warehouses/<id>\", as the connection details of a SQL warehouse show it"

/* What follows the prefix; NULL where the text does not begin so. */
static const char *path_after(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(path, prefix, length) == 0 ? path + length : NULL;
}

static int path_id(const char *path, const char *id, size_t length, char **warehouse_id,
                   struct tow_error *err)
{
    char shown[TOW_SHOW_MAX];
    size_t good = 0;

    while (good < length && (isalnum((unsigned char)id[good]) || strchr("-_", id[good])))
        good++;
    if (length == 0 || good < length || length > PATH_ID_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "http_path \"%s\" names no SQL warehouse; %s",
                             tow_show(path, TOW_SHOW_MAX, shown), PATH_EXAMPLE);
    *warehouse_id = strndup(id, length);
    return *warehouse_id ? TOW_OK : tow_error_nomem(err);
}

int tow_databricks_http_path(const char *path, char **warehouse_id, char **workspace_id,
                             struct tow_error *err)
{
    const char *start = path + (*path == '/'), *id, *query;
    char shown[TOW_SHOW_MAX];
    size_t length;
    int code;

    *warehouse_id = *workspace_id = NULL;
    if (path_after(start, "sql/protocolv1/"))
        return tow_error_set(err, TOW_E_CONFIG,
                             "http_path \"%s\" is that of a cluster, which does not serve SQL "
                             "statements over this API; create or pick a SQL warehouse and %s",
                             tow_show(path, TOW_SHOW_MAX, shown), PATH_EXAMPLE);
    id = path_after(start, "sql/1.0/warehouses/");
    if (!id)
        id = path_after(start, "sql/1.0/endpoints/");
    if (!id)
        id = path; /* a bare id */
    length = strcspn(id, "?#");
    if (length > 1 && id != path && id[length - 1] == '/')
        length--;
    code = path_id(path, id, length, warehouse_id, err);
    query = strchr(id, '?');
    if (code == TOW_OK && query)
        code = tow_databricks_query_workspace(query + 1, workspace_id, err);
    if (code == TOW_OK)
        return TOW_OK;
    free(*warehouse_id);
    *warehouse_id = NULL;
    return code;
}
