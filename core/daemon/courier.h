/*
 * Delivers alerts that wait in the state. Each delivery is made by a process of its own,
 * `towpath-alert`: the daemon never waits for somebody's server, and links no HTTP client. What
 * fails is tried again with growing waits for three days. An alert leaves the state only once it
 * is delivered, so one may come twice where the daemon dies in between.
 *
 * One thread.
 */
#ifndef CORE_DAEMON_COURIER_H
#define CORE_DAEMON_COURIER_H

#include "daemon/supervisor.h"

#define TOW_COURIERS 4 /* deliveries at once */

struct tow_delivery {
    struct tow_child child;
    int said; /* what it says when it fails; -1: none */
    struct tow_alert alert;
};

struct tow_courier {
    const char *program; /* towpath-alert */
    const char *host;
    struct tow_delivery deliveries[TOW_COURIERS];
    int64_t wake_us; /* nothing is due before; the state is not asked until then */
    uint64_t seed;   /* of the waits */
};

void tow_courier_init(struct tow_courier *courier, const char *program, const char *host);
/* Starts what is due, ends what takes too long; returns when to come again. */
int64_t tow_courier_step(struct tow_courier *courier, struct tow_supervisor *supervisor,
                         int64_t now_us, int64_t now_ms);
/* There may be a new alert. */
void tow_courier_wake(struct tow_courier *courier);
/* That delivery's process has ended. */
void tow_courier_ended(struct tow_courier *courier, struct tow_supervisor *supervisor,
                       struct tow_delivery *delivery, int exit_code, int signal_number,
                       int64_t now_us);
/* Kills what is under way; it is delivered by the next daemon. */
void tow_courier_stop(struct tow_courier *courier);

#endif
