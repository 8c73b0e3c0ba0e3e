/*
 * `towpath plugins test`: what any plugin must keep to, tried on one module.
 */
#ifndef CORE_CONFORMANCE_CONFORMANCE_H
#define CORE_CONFORMANCE_CONFORMANCE_H

#include <stddef.h>
#include <stdio.h>

#include "towpath/error.h"

/*
 * Loads the module at `path` and runs every check that applies, with the options given as
 * "name=value" texts. A line a check goes to `out`: "pass", "FAIL" or "skip", what was checked, and
 * why it failed or was skipped. A sink is given rows and told to publish them: its options should
 * name a place that may be written to.
 *
 * TOW_OK where nothing failed, TOW_E_DATA where a check did, other classes where the module could
 * not be tried at all.
 */
int tow_conformance_run(const char *path, const char *const *options, size_t count, FILE *out,
                        struct tow_error *err);

#endif
