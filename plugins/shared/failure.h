/* The failure of an instance that can do nothing more: told by each call that comes after it. */
#ifndef PLUGINS_SHARED_FAILURE_H
#define PLUGINS_SHARED_FAILURE_H

#include "towpath/error.h"

/* Keeps what a call failed with; returns `code`. */
static inline int tow_failure_keep(struct tow_error *failure, int code, const struct tow_error *err)
{
    if (code != TOW_OK)
        *failure = *err;
    return code;
}

/* TOW_OK, or what was kept. */
static inline int tow_failure_tell(const struct tow_error *failure, struct tow_error *err)
{
    if (failure->code == TOW_OK)
        return TOW_OK;
    return tow_error_set(err, failure->code, "%s", failure->message);
}

#endif
