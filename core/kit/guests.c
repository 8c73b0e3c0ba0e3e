#include "kit/guests.h"

#include <stddef.h>
#include <sys/socket.h>

/* All have the same time, so whose begins last, ends last. */
void tow_guests_come(struct tow_guests *guests, struct tow_guest *guest, int fd, int64_t now_ms)
{
    *guest = (struct tow_guest){
        .previous = guests->last, .fd = fd, .until_ms = now_ms + guests->patience_ms};
    if (guests->last)
        guests->last->next = guest;
    else
        guests->first = guest;
    guests->last = guest;
}

void tow_guests_leave(struct tow_guests *guests, struct tow_guest *guest)
{
    if (guest->previous)
        guest->previous->next = guest->next;
    else
        guests->first = guest->next;
    if (guest->next)
        guest->next->previous = guest->previous;
    else
        guests->last = guest->previous;
}

void tow_guests_renew(struct tow_guests *guests, struct tow_guest *guest, int64_t now_ms)
{
    tow_guests_leave(guests, guest);
    tow_guests_come(guests, guest, guest->fd, now_ms);
}

int64_t tow_guests_look(struct tow_guests *guests, int64_t now_ms)
{
    struct tow_guest *guest;

    /* Each gets another while, so that it is not shut again at each look until it has left. */
    while ((guest = guests->first) && guest->until_ms <= now_ms) {
        (void)shutdown(guest->fd, SHUT_RDWR);
        tow_guests_renew(guests, guest, now_ms);
    }
    return guest ? guest->until_ms : INT64_MAX;
}
