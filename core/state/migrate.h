/*
 * The state file's schema: an application id says that a file is ours, user_version how many of
 * the steps have been taken.
 */
#ifndef CORE_STATE_MIGRATE_H
#define CORE_STATE_MIGRATE_H

#include "state/sql.h"

#define TOW_STATE_APPLICATION_ID 0x544f5750 /* "TOWP" */

/* Step i turns version i into i + 1. Steps are only ever added at the end. */
struct tow_migration {
    const char *const *steps;
    int count;
};

/* The steps of this program. */
extern const struct tow_migration tow_state_migration;

/* The file's version, 0 for one without tables. A database of another program is TOW_E_ENV, a
 * version above `known` TOW_E_CONFIG. */
int tow_state_version(struct tow_sql *sql, int known, int *version, struct tow_error *err);

/* Takes the steps that are missing, in one transaction, so that nobody sees a version between;
 * several processes may try at once. */
int tow_state_migrate(struct tow_sql *sql, const struct tow_migration *migration,
                      struct tow_error *err);

#endif
