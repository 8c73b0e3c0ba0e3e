#include "plugins/csv/reject.h"

#include <stdarg.h>
#include <stdio.h>

#define REJECT_MESSAGE_MAX 512

void tow_csv_reject(struct tow_csv_rejecter *rejecter, const struct tow_csv_bad_row *row,
                    const char *format, ...)
{
    char message[REJECT_MESSAGE_MAX];
    struct tow_source_reject reject = {
        .size = sizeof reject,
        .raw_length = (uint32_t)row->raw_length,
        .code = row->code,
        .message = message,
        .origin = rejecter->origin,
        .line = row->line,
        .offset = row->offset,
        .raw = row->raw,
    };
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    rejecter->count++;
    if (rejecter->host->reject(rejecter->host, &reject) != TOW_OK)
        rejecter->pause = 1;
}
