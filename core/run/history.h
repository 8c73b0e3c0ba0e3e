/*
 * A job's `history`: one row a run, through any sink, beside what the state knows.
 */
#ifndef CORE_RUN_HISTORY_H
#define CORE_RUN_HISTORY_H

#include "towpath/batch.h"

/* The columns of a row. */
int history_schema(struct ArrowSchema *out, struct tow_error *err);

#endif
