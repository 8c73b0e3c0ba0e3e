/* Options of `towpath daemon`: read by the program, which starts towpath-daemon with them. */
#ifndef CORE_CONSOLE_DAEMON_OPTIONS_H
#define CORE_CONSOLE_DAEMON_OPTIONS_H

#include "console/arguments.h"

/* The environment variable with the token that HTTP asks for. */
#define TOW_DAEMON_TOKEN "TOWPATH_DAEMON_TOKEN"

struct tow_daemon_options {
    const char *directory;
    int64_t max_runs;
    const char *drain; /* a duration */
    const char *listen;
    int no_listen;
    const char *tls_cert, *tls_key;
    int plain_http;
    const char *program; /* `towpath` itself: set by it, not by people */
};

/* Without `program`. */
extern const struct tow_argument tow_daemon_arguments[];

#endif
