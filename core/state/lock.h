/* What state.c needs of lock.c. */
#ifndef CORE_STATE_LOCK_H
#define CORE_STATE_LOCK_H

#include "state/state.h"

/* Frees the memory of locks whose row could not be deleted. */
void tow_lock_free_orphans(struct tow_state *state);

#endif
