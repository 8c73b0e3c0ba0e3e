/* Inside of ledger.c and batches.c. */
#ifndef PLUGINS_DATABRICKS_COPY_LEDGER_PRIV_H
#define PLUGINS_DATABRICKS_COPY_LEDGER_PRIV_H

#include "plugins/databricks_copy/ledger.h"

#define LEDGER_KEY_MAX    256
#define LEDGER_WORKER_MAX 9999
#define LEDGER_NUMBER_MAX 99999999 /* keys have eight digits for it */
/* So many rows of a part that those of a load, which are added up, fit an int64. */
#define LEDGER_ROWS_MAX (INT64_MAX / LEDGER_NUMBER_MAX)

int ledger_spoilt(const char *key, struct tow_error *err);
int ledger_put(const struct tow_host *host, const char *key, const char *text,
               struct tow_error *err);
int ledger_grow(void **items, size_t *capacity, size_t count, size_t size, struct tow_error *err);

#endif
