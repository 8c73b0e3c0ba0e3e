/* What a load is called, and whether a job still is the one that began it. */
#ifndef PLUGINS_DATABRICKS_COPY_LOAD_H
#define PLUGINS_DATABRICKS_COPY_LOAD_H

#include "plugins/databricks_copy/ledger.h"
#include "plugins/databricks_copy/target.h"

/* The load as the ledger has it; whichever worker comes first names it and puts it there. */
int tow_copy_load_begin(const struct tow_host *host, const struct tow_copy_target *target,
                        struct tow_copy_load *load, struct tow_error *err);
/* An unfinished one: TOW_E_CONFIG where the job has other options by now that shape it, TOW_E_ENV
 * where the ledger does not know it. */
int tow_copy_load_continue(const struct tow_host *host, const struct tow_copy_target *target,
                           struct tow_copy_load *load, struct tow_error *err);

#endif
