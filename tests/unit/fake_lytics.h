/*
 * A stream of Lytics in memory, behind the calls of the connector that the sink makes: it stands in
 * their place when a test links it. Bodies are taken to records, lines of CSV or objects, of which
 * those that hold the word "bad" are at fault. One at a time; one thread.
 */
#ifndef TESTS_UNIT_FAKE_LYTICS_H
#define TESTS_UNIT_FAKE_LYTICS_H

#include <stddef.h>
#include <stdint.h>

/* What becomes of an upload with records at fault. */
enum fake_lytics_fault {
    FAKE_LYTICS_STOPS,  /* those before the first are taken, and the answer is a 400 */
    FAKE_LYTICS_COUNTS, /* the others are taken, and the answer counts; with `drops_errors` */
    FAKE_LYTICS_SHORT   /* those before the first are taken, and the answer counts them */
};

struct fake_lytics_upload {
    char *filename, *timestamp_field, *append; /* NULL: not given */
    char *body;                                /* before it was compressed */
    size_t records;
    int is_dry_run;
};

struct fake_lytics {
    char **taken; /* the records of the stream */
    size_t taken_count;
    struct fake_lytics_upload uploads[2048];
    size_t upload_count;
    enum fake_lytics_fault fault;
    size_t body_max;              /* larger bodies are too large; 0: none is */
    int fail_upload;              /* this upload, from 1, fails in passing; 0: none */
    int fails_after;              /* 1: it was taken all the same */
    int damaged;                  /* this upload, from 1, is damaged on its way; 0: none */
    int says_nothing;             /* 1: an answer without counts */
    int64_t says_less;            /* so many records fewer than were taken */
    const char *refuses;          /* each upload, dry or not, with this message */
    int (*pauses)(int is_paused); /* told when an upload comes, and is over; NULL: nobody is */
    int looks_are_blind;          /* 1: a dry run finds nothing at fault */
};

extern struct fake_lytics fake_lytics;

void fake_lytics_reset(void);
/* How many records that are equal to the text the stream has. */
size_t fake_lytics_has(const char *record);
size_t fake_lytics_dry_runs(void);

#endif
