#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "towpath/batch.h"

#define POSITION_TEXT_MAX 24
#define LOG_LINE_MAX      2048

static size_t position_put(char text[POSITION_TEXT_MAX], int64_t value)
{
    return (size_t)snprintf(text, POSITION_TEXT_MAX, "%" PRId64, value);
}

/* As decimal text, so that a person can read it in the state file. */
void tow_position_set_int(struct tow_position *position, int64_t value)
{
    char text[POSITION_TEXT_MAX];
    size_t length = position_put(text, value);

    position->size = sizeof *position;
    position->length = (uint32_t)length;
    memcpy(position->bytes, text, length);
}

int64_t tow_position_get_int(const struct tow_position *position, int64_t fallback)
{
    char text[POSITION_TEXT_MAX] = "", again[POSITION_TEXT_MAX];
    int64_t value;

    if (position->length == 0 || position->length >= sizeof text)
        return fallback;
    memcpy(text, position->bytes, position->length);
    value = strtoll(text, NULL, 10);
    /* Takes nothing but what tow_position_set_int writes. */
    if (position_put(again, value) != position->length ||
        memcmp(again, text, position->length) != 0)
        return fallback;
    return value;
}

void tow_log(const struct tow_host *host, int level, const char *format, ...)
{
    char line[LOG_LINE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    host->log(host, level, line);
}
