/* What fuzz targets hold against what they test: a broken promise ends the program. */
#ifndef TESTS_FUZZ_DEMAND_H
#define TESTS_FUZZ_DEMAND_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "towpath/error.h"
#include "towpath/value.h"

static inline void demand(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "broken: %s\n", what);
    abort();
}

/* A message for people: one line of UTF-8 that says something. */
static inline void demand_message(const struct tow_error *err)
{
    const char *p = err->message;

    demand(err->code != TOW_OK && *p, "an error with a message");
    /* It may be cut within a character. */
    demand(strlen(p) - tow_utf8_prefix(p, strlen(p)) < 4, "a message in UTF-8");
    for (; *p; p++)
        demand((unsigned char)*p >= ' ' && *p != 0x7f, "a message without control bytes");
}

#endif
