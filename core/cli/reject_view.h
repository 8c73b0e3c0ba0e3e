/*
 * The lines of a reject file taken apart, for `rejects` and `replay --dry-run`.
 */
#ifndef CORE_CLI_REJECT_VIEW_H
#define CORE_CLI_REJECT_VIEW_H

#include "state/rejects.h"
#include "state/state.h"
#include "towpath/json.h"

/* One line; texts are borrowed from the view, "" where the line lacks them. */
struct tow_reject_view {
    const char *code, *message, *stage, *origin;
    int64_t line;    /* 0: unknown */
    const char *raw; /* raw_length bytes; NULL where there is a row */
    size_t raw_length;
    struct tow_json_part row; /* as JSON; text NULL where there is only raw text */
    struct tow_buffer texts;
};

/* The reject file of a run, up to what its checkpoint says. NULL with err where the run rejected
 * nothing (TOW_E_CONFIG) or the file cannot be read. */
struct tow_reject_reader *tow_reject_view_open(struct tow_state *state, const struct tow_run *run,
                                               struct tow_error *err);
/* Zero-initialize the view first; it is used again for line after line. */
int tow_reject_view_parse(struct tow_reject_view *view, const char *line, size_t length,
                          struct tow_error *err);
/* On stdout: `in.csv:12 bad_int32 column age: "x" is not an int32`, then the row behind `indent`.
 */
void tow_reject_view_print(const struct tow_reject_view *view, const char *indent);
void tow_reject_view_release(struct tow_reject_view *view);

#endif
