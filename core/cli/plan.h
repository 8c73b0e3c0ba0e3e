/*
 * What `towpath plan` has found out, and the two ways to print it.
 */
#ifndef CORE_CLI_PLAN_H
#define CORE_CLI_PLAN_H

#include "run/assembly/assembly.h"
#include "state/state.h"
#include "towpath/rowtext.h"

struct tow_plan {
    struct tow_assembly *assembly;
    const struct tow_job *job;
    struct ArrowSchema in, out; /* released where they cannot be known offline */
    struct tow_checkpoint checkpoint;
    int has_checkpoint;
    int64_t rows; /* to read and show; 0: none, or the source cannot be read now */
};

/* Both go to stdout. */
int tow_plan_text(const struct tow_plan *plan, struct tow_error *err);
int tow_plan_json(const struct tow_plan *plan, struct tow_error *err);

/* ---- for both ------------------------------------------------------------------------------- */

/* The steps of a column in the order in which they are taken: "trim, lower, default \"x\"". The
 * text replaces what `out` held and ends with NUL. */
int tow_plan_steps(struct tow_buffer *out, const struct tow_column_spec *spec,
                   struct tow_error *err);
/* The type that leaves: known from the schema, else as far as the job says. */
void tow_plan_type(const struct tow_plan *plan, const struct tow_column_spec *spec,
                   char text[TOW_TYPE_TEXT_MAX]);

#endif
