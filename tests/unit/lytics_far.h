/* Lytics in memory: system events by pages, metrics by buckets, an account, streams. */
#ifndef TESTS_UNIT_LYTICS_FAR_H
#define TESTS_UNIT_LYTICS_FAR_H

#include <stdint.h>

#include "http_server.h"

#define FAKE_EVENTS_MAX 8192
#define FAKE_IDS_MAX    64

struct fake_event {
    int64_t at_us;
    char id[24];
};

struct lytics_far {
    struct http_server *server;
    int requests; /* that came so far */

    /* Events. */
    struct fake_event events[FAKE_EVENTS_MAX];
    int event_count;
    int is_ascending;
    int page_max;       /* rows of a page, whatever is asked for; 0: what is asked for */
    int keeps_silent;   /* 1: pages do not say whether there are more */
    int has_bounds_in;  /* 1: before and after are inclusive */
    int deepest;        /* `start` that was asked for */
    const char *answer; /* in place of pages of events; NULL: none */
    /* Called before a page is made, with the request's number from 1. */
    void (*before)(struct lytics_far *far, int request);
    int fails_at; /* this request is answered with a 503; 0: none */

    /* Metrics of streams. Each bucket has a value, which says when it is. */
    char ids[FAKE_IDS_MAX][16];
    int id_count;
    const char *broken;              /* an id whose answers have errors */
    int metric_requests, metric_ids; /* that were asked for */

    char *texts[4096]; /* answers, which live as long as the server */
    int text_count;
};

/* What a bucket that begins then has. */
double lytics_far_value(int64_t at_us);

void lytics_far_start(struct lytics_far *far);
void lytics_far_stop(struct lytics_far *far);
/* Adds one; the id is "e" and the number. */
void lytics_far_event(struct lytics_far *far, int number, int64_t at_us);

#endif
