/*
 * A ledger that leaves no trace: what a trial's plugins write is seen by all of its instances, over
 * what the state has, and is gone with it. Any thread.
 */
#ifndef CORE_RUN_OVERLAY_H
#define CORE_RUN_OVERLAY_H

#include "state/state.h"

struct tow_overlay;

/* Over the ledgers of `job` in the state, both borrowed; state NULL: over nothing. */
struct tow_overlay *tow_overlay_new(struct tow_state *state, const char *job,
                                    struct tow_error *err);
void tow_overlay_free(struct tow_overlay *overlay);

/* As the calls of struct tow_host; `ledger` as in state.h. */
int tow_overlay_get(struct tow_overlay *overlay, const char *ledger, const char *key,
                    struct tow_position *value, struct tow_error *err);
int tow_overlay_put(struct tow_overlay *overlay, const char *ledger, const char *key,
                    const void *value, uint32_t length, struct tow_error *err);
int tow_overlay_remove(struct tow_overlay *overlay, const char *ledger, const char *key,
                       struct tow_error *err);
int tow_overlay_each(struct tow_overlay *overlay, const char *ledger, const char *prefix,
                     int32_t (*visit)(void *context, const char *key, const void *value,
                                      uint32_t length),
                     void *context, struct tow_error *err);

#endif
