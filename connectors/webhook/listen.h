/* An address to listen on, as a job file says it. */
#ifndef CONNECTORS_WEBHOOK_LISTEN_H
#define CONNECTORS_WEBHOOK_LISTEN_H

#include <sys/socket.h>

#include "towpath/error.h"

struct tow_listen {
    struct sockaddr_storage address;
    int is_loopback;
};

/* "127.0.0.1:8088", "[::1]:8088", "localhost:8088", "0.0.0.0:80": numbers, and no name but
 * localhost, which is 127.0.0.1. TOW_E_CONFIG. */
int tow_listen_parse(const char *text, struct tow_listen *out, struct tow_error *err);

#endif
