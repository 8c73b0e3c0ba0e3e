/* A text that outlives its giver. */
#ifndef CONNECTORS_MACHINE_COPY_H
#define CONNECTORS_MACHINE_COPY_H

#include <string.h>

#include "towpath/error.h"

/* A copy on the heap; NULL of NULL. TOW_E_NOMEM. */
static inline int tow_copy_text(char **to, const char *text, struct tow_error *err)
{
    *to = text ? strdup(text) : NULL;
    return text && !*to ? tow_error_nomem(err) : TOW_OK;
}

#endif
