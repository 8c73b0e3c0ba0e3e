/* `towpath zerobus proto`: a table as a .proto file, for other clients of Zerobus. */
#ifndef PLUGINS_ZEROBUS_DESCRIBE_H
#define PLUGINS_ZEROBUS_DESCRIBE_H

#include "plugins/zerobus/options.h"

/* Reads the table from Unity Catalog and puts the file's text. Only `table` and the login matter;
 * TOW_E_CONFIG where they are missing. */
int tow_bus_describe(const struct tow_bus_options *options, const struct tow_host *host,
                     tow_text_put *put, void *context, struct tow_error *err);

#endif
