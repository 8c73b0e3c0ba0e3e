/* Tables as Unity Catalog knows them. */
#ifndef CONNECTORS_ZEROBUS_CATALOG_H
#define CONNECTORS_ZEROBUS_CATALOG_H

#include "connectors/databricks/client.h"
#include "connectors/zerobus/schema.h"

/* Reads the columns of a table, "catalog.schema.table". Errors of tow_databricks_call and
 * tow_zerobus_schema_read. To be released where it is TOW_OK. */
int tow_zerobus_catalog_read(struct tow_databricks *databricks, const char *table,
                             struct tow_zerobus_message *message, struct tow_error *err);

#endif
