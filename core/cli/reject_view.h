/*
 * The rejects of a run as `rejects` and `replay --dry-run` show them.
 */
#ifndef CORE_CLI_REJECT_VIEW_H
#define CORE_CLI_REJECT_VIEW_H

#include "state/reject_line.h"
#include "state/rejects.h"
#include "state/state.h"

/* The reject file of a run, up to what its checkpoint says. NULL with err where the run rejected
 * nothing (TOW_E_CONFIG) or the file cannot be read. */
struct tow_reject_reader *tow_reject_view_open(struct tow_state *state, const struct tow_run *run,
                                               struct tow_error *err);
/* On stdout: `in.csv:12 bad_int32 column age: "x" is not an int32`, then the row behind `indent`.
 */
void tow_reject_view_print(const struct tow_reject_line *reject, const char *indent);

#endif
