/* The workspace's address as users write it, and paste it. */
#ifndef CONNECTORS_DATABRICKS_ADDRESS_H
#define CONNECTORS_DATABRICKS_ADDRESS_H

#include "towpath/error.h"

/*
 * "https://host[:port]" of a host with or without scheme, path and query, in new memory;
 * *workspace_id of a "?o=<id>" as the browser shows it, NULL where there is none. TOW_E_CONFIG for
 * what is no host of a workspace.
 */
int tow_databricks_address(const char *host, char **url, char **workspace_id,
                           struct tow_error *err);

/* The id behind "o=" in a query (behind its '?'), in new memory; NULL where there is none. */
int tow_databricks_query_workspace(const char *query, char **workspace_id, struct tow_error *err);

#endif
