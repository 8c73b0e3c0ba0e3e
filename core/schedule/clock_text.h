/*
 * Times of day as people write them.
 */
#ifndef CORE_SCHEDULE_CLOCK_TEXT_H
#define CORE_SCHEDULE_CLOCK_TEXT_H

#include <stddef.h>

/* "02:00", "2:00pm", "2 PM", "14:30" in minutes of the day; -1 where it is none. */
int tow_clock_parse(const char *text, size_t length);
/* ":15", what an hour may have, in minutes; -1. */
int tow_clock_parse_minute(const char *text, size_t length);

#endif
