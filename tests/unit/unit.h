/* What every cmocka program includes, in the order that cmocka.h asks for. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "towpath/error.h"

/* The call succeeds; otherwise the test fails with the error's own message. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        if ((call) != TOW_OK)                                                                      \
            fail_msg("%s: %s: %s", #call, tow_error_name((err).code), (err).message);              \
    } while (0)

/* The error's message holds the text. */
#define assert_says(err, text)                                                                     \
    do {                                                                                           \
        if (!strstr((err).message, (text)))                                                        \
            fail_msg("message \"%s\" lacks \"%s\"", (err).message, (text));                        \
    } while (0)

#endif
