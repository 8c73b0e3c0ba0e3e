#include "console/daemon_options.h"

#define DAEMON(member) offsetof(struct tow_daemon_options, member)

const struct tow_argument tow_daemon_arguments[] = {
    {"directory", 'C', TOW_ARGUMENT_TEXT, DAEMON(directory), "DIR", "the folder of job files", 0, 0,
     0},
    {"max-runs", 0, TOW_ARGUMENT_NUMBER, DAEMON(max_runs), "N", "runs at once, at most (default 4)",
     1, 1000, 4},
    {"drain", 0, TOW_ARGUMENT_TEXT, DAEMON(drain), "TIME",
     "time that runs get to end when stopped (default 60s)", 0, 0, 0},
    {"listen", 0, TOW_ARGUMENT_TEXT, DAEMON(listen), "ADDRESS:PORT",
     "where HTTP is served (default 127.0.0.1:9477)", 0, 0, 0},
    {"no-listen", 0, TOW_ARGUMENT_FLAG, DAEMON(no_listen), NULL, "serve no HTTP", 0, 0, 0},
    {"tls-cert", 0, TOW_ARGUMENT_TEXT, DAEMON(tls_cert), "FILE",
     "serve HTTPS with this certificate (PEM, with its chain)", 0, 0, 0},
    {"tls-key", 0, TOW_ARGUMENT_TEXT, DAEMON(tls_key), "FILE", "and this key", 0, 0, 0},
    {"plain-http", 0, TOW_ARGUMENT_FLAG, DAEMON(plain_http), NULL,
     "serve another address than loopback without TLS", 0, 0, 0},
    TOW_ARGUMENTS_END,
};
