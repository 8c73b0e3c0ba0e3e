/* What an answer of Lytics holds that cannot be a row. */
#ifndef PLUGINS_SHARED_LYTICS_REJECT_H
#define PLUGINS_SHARED_LYTICS_REJECT_H

#include "towpath/error.h"
#include "towpath/json.h"
#include "towpath/plugin.h"

struct tow_lytics_reject {
    const char *code;   /* "bad_event" */
    const char *origin; /* the path that answered, "/v2/event" */
    const char *what;   /* "no system event": the message is this, and the problem */
};

/* Rejects a part of an answer. That the core wants a pause is no failure. */
static inline int tow_lytics_reject(const struct tow_host *host,
                                    const struct tow_lytics_reject *kind, struct tow_json_part part,
                                    const char *problem, struct tow_error *err)
{
    struct tow_error said = TOW_ERROR_INIT;
    const struct tow_source_reject row = {.size = sizeof row,
                                          .code = kind->code,
                                          .message = said.message,
                                          .origin = kind->origin,
                                          .offset = -1,
                                          .raw = part.text,
                                          .raw_length = (uint32_t)part.length};
    int code;

    tow_error_set(&said, TOW_E_DATA, "%s: %s", kind->what, problem);
    code = host->reject(host, &row);
    return code == TOW_OK || code == TOW_END
               ? TOW_OK
               : tow_error_set(err, code, "a part of %s could not be rejected", kind->origin);
}

#endif
