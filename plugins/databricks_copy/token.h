/*
 * What one worker has staged of a load, as it stands in the job's state. Text, so that a person can
 * read it: "copy1 <generation> <parts> <rows> <layout>". What the load is stands in the ledger.
 */
#ifndef PLUGINS_DATABRICKS_COPY_TOKEN_H
#define PLUGINS_DATABRICKS_COPY_TOKEN_H

#include <stdint.h>

#include "towpath/plugin.h"

struct tow_copy_token {
    uint32_t generation; /* the last one; parts of earlier ones are all staged */
    uint32_t parts;      /* staged of that generation: those behind are not part of the load */
    int64_t rows;        /* in all staged parts of this worker, of all generations */
    uint64_t layout;     /* of columns and format, hashed */
};

void tow_copy_token_write(const struct tow_copy_token *token, struct tow_position *position);
/* TOW_E_CONFIG where the bytes are no token of this version. */
int tow_copy_token_read(const struct tow_position *position, struct tow_copy_token *token,
                        struct tow_error *err);

#endif
