/*
 * Keeps two loads from writing the same output at once: a hidden file beside it, ".<name>.lock",
 * locked for as long as its holder lives. One that a killed process left behind locks nobody out.
 */
#ifndef CONNECTORS_FILES_OUTPUT_LOCK_H
#define CONNECTORS_FILES_OUTPUT_LOCK_H

#include "towpath/error.h"

struct tow_output_lock;

/* Takes the lock on `path` or refuses at once with TOW_E_ENV where another holds it. The folder
 * must exist; the file itself need not. */
struct tow_output_lock *tow_output_lock_take(const char *path, struct tow_error *err);
/* Removes the lock file. NULL is taken. */
void tow_output_lock_drop(struct tow_output_lock *lock);

#endif
