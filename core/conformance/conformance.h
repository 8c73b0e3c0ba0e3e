/*
 * `towpath plugins test`: what any plugin must keep to, tried on one module.
 */
#ifndef CORE_CONFORMANCE_CONFORMANCE_H
#define CORE_CONFORMANCE_CONFORMANCE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "towpath/error.h"

struct tow_conformance {
    const char *path;           /* the module */
    const char *const *options; /* "name=value" texts */
    size_t count;
    int64_t timeout_ms; /* a call of the plugin that takes longer is given up */
};

/*
 * Loads the module in a process of its own and runs every check that applies. A line a check goes
 * to `out`: "pass", "FAIL" or "skip", what was checked, and why it failed or was skipped. A sink is
 * given rows and told to publish them: its options should name a place that may be written to.
 *
 * TOW_OK where nothing failed, TOW_E_DATA where a check did or the process came to a bad end, other
 * classes where the module could not be tried at all.
 */
int tow_conformance_run(const struct tow_conformance *given, FILE *out, struct tow_error *err);

#endif
