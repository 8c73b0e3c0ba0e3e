/* The word {aid} of sources: the account's number. */
#ifndef PLUGINS_SHARED_LYTICS_AID_H
#define PLUGINS_SHARED_LYTICS_AID_H

#include "connectors/lytics/catalog.h"
#include "towpath/plugin.h"
#include "towpath/value.h"

/* For tow_source_ops.name. */
static inline int tow_lytics_put_aid(struct tow_lytics *lytics, tow_text_put *put, void *context,
                                     struct tow_error *err)
{
    struct tow_lytics_account account;
    char text[TOW_INT64_TEXT_MAX];
    int code = tow_lytics_account(lytics, &account, err);

    if (code != TOW_OK)
        return code;
    return put(context, text, (uint64_t)(tow_put_int64(text, account.aid) - text));
}

#endif
