/*
 * Connections that others have opened to a server here, and how long each has left to bring a whole
 * request. A limit on silence alone is none for who sends a byte now and then: a few such hold all
 * connections that there are. One thread at a time.
 */
#ifndef KIT_GUESTS_H
#define KIT_GUESTS_H

#include <stdint.h>

struct tow_guest {
    struct tow_guest *previous, *next;
    int fd;
    int64_t until_ms;
};

/* Zero-initialized but for patience_ms. */
struct tow_guests {
    int64_t patience_ms; /* from coming in, or the end of a request, to the end of the next one */
    struct tow_guest *first, *last; /* by until_ms */
};

/* The guest is the caller's, and stays where it is until it leaves. now_ms: tow_monotonic_ms. */
void tow_guests_come(struct tow_guests *guests, struct tow_guest *guest, int fd, int64_t now_ms);
/* One has brought its request: its time begins anew. */
void tow_guests_renew(struct tow_guests *guests, struct tow_guest *guest, int64_t now_ms);
/* Before its socket is closed. */
void tow_guests_leave(struct tow_guests *guests, struct tow_guest *guest);
/* Shuts the sockets of those whose time is over, so that the server finds them closed. Returns when
 * the next one's is; INT64_MAX: there is none. */
int64_t tow_guests_look(struct tow_guests *guests, int64_t now_ms);

#endif
