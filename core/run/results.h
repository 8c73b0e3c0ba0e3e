/*
 * The columns of a job's `results`: the source's, then success, error_code, error_message and
 * processed_timestamp. A source's column that is called like one of those is left out.
 */
#ifndef CORE_RUN_RESULTS_H
#define CORE_RUN_RESULTS_H

#include "towpath/batch.h"

int results_schema(const struct ArrowSchema *in, struct ArrowSchema *out, struct tow_error *err);

#endif
