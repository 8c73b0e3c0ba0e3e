/* Between the parts of schema.h. */
#ifndef CONNECTORS_ZEROBUS_SCHEMA_PRIV_H
#define CONNECTORS_ZEROBUS_SCHEMA_PRIV_H

#include "connectors/zerobus/schema.h"

/* Gives the messages nested in this one, at every depth, names of their own. */
int tow_zerobus_schema_settle_names(const struct tow_zerobus_message *message,
                                    struct tow_error *err);

#endif
