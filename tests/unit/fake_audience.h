/*
 * An audience of Lytics in memory, behind the calls of the connector that the source makes: it
 * stands in their place when a test links it. Members are {"_id":"uN","n":N}; page tokens are made
 * of the place that they lead to. One at a time; one thread.
 */
#ifndef TESTS_UNIT_FAKE_AUDIENCE_H
#define TESTS_UNIT_FAKE_AUDIENCE_H

#include <stddef.h>

struct fake_audience {
    int members;    /* 0 ... */
    int shift;      /* the scan begins with this one, and goes around */
    int pages;      /* that were asked for */
    int epoch;      /* tokens of another are refused */
    int expires_at; /* the epoch rises when this page, from 1, is asked for; 0: never */
    int fails_at;   /* this page fails in passing; 0: none does */
    int bad_member; /* its n is no number; -1: none */
    int is_invalid;
    int clock, begun; /* of pages under way, which end in another order than they began */
};

extern struct fake_audience fake_audience;

#endif
