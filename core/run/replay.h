/*
 * The source of a replay: a run's reject file read back as rows.
 *
 * Rows of which only the raw text is known cannot be sent again: they are rejected again, with
 * their first code and message, and so appear in the replay's own reject file.
 */
#ifndef CORE_RUN_REPLAY_H
#define CORE_RUN_REPLAY_H

#include "run/run_priv.h"

/* Fills an instance that reads the rejects of run->options->replay_of. */
int replay_init(struct run *run, struct run_instance *instance, struct tow_error *err);

#endif
