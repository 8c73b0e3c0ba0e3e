#include "schedule/clock_text.h"

#include <strings.h>

/* Reads one or two digits; how many, 0 where there is none or there are more. */
static size_t clock_digits(const char *text, size_t length, int *number)
{
    size_t count = 0;

    for (*number = 0; count < length && text[count] >= '0' && text[count] <= '9'; count++) {
        if (count == 2)
            return 0;
        *number = *number * 10 + (text[count] - '0');
    }
    return count;
}

int tow_clock_parse_minute(const char *text, size_t length)
{
    int minute;

    if (length != 3 || text[0] != ':' || clock_digits(text + 1, 2, &minute) != 2 || minute > 59)
        return -1;
    return minute;
}

/* "am" and "pm": 12 comes before 1. */
static int clock_halves(const char *text, int hour)
{
    int afternoon = strncasecmp(text, "pm", 2) == 0;

    if ((!afternoon && strncasecmp(text, "am", 2) != 0) || hour < 1 || hour > 12)
        return -1;
    return hour % 12 + (afternoon ? 12 : 0);
}

int tow_clock_parse(const char *text, size_t length)
{
    int hour, minute = 0, has_minute = 0;
    size_t at = clock_digits(text, length, &hour);

    if (at == 0)
        return -1;
    if (length - at >= 3 && text[at] == ':') {
        minute = tow_clock_parse_minute(text + at, 3);
        has_minute = 1;
        at += 3;
    }
    if (minute < 0)
        return -1;
    if (at == length)
        return has_minute && hour < 24 ? hour * 60 + minute : -1;
    at += text[at] == ' ';
    hour = length - at == 2 ? clock_halves(text + at, hour) : -1;
    return hour < 0 ? -1 : hour * 60 + minute;
}
