/*
 * A struct tow_host for driving one plugin instance by hand: it keeps all that the plugin says to
 * the core, so that a test can look at it, and the ledger in memory.
 *
 * Everything fails the running test where memory runs out. One thread, save what struct tow_host
 * allows from any.
 */
#ifndef TESTS_UNIT_FAKE_HOST_H
#define TESTS_UNIT_FAKE_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/plugin.h"

struct fake_line {
    int32_t level;
    char *message;
};

/* One call of host->settle. */
struct fake_outcome {
    uint64_t seq;
    int64_t first, count;
    int32_t outcome;
    char *code, *message; /* NULL where the plugin gave none */
};

/* One call of host->reject. */
struct fake_reject {
    char *code, *message, *origin; /* origin NULL where there was none */
    int64_t line, offset;
    char *raw; /* raw_length bytes and a NUL; NULL where there was none */
    uint32_t raw_length;
};

struct fake_fact {
    char *key;
    struct tow_position value;
};

struct fake_host {
    struct tow_host host; /* hand &fake->host to the plugin; change its members as needed */
    int32_t cancelled;
    int cancel_pipe[2];
    int64_t now_us;       /* what host->now_us says */
    size_t reject_pause;  /* host->reject says TOW_END from this many rejects on; 0: never */
    int64_t settle_limit; /* rows of the batch at hand, for host->settle; 0: any number */
    struct fake_line *lines;
    size_t line_count;
    struct fake_outcome *outcomes;
    size_t outcome_count;
    size_t keep_count; /* calls of host->keep */
    struct fake_reject *rejects;
    size_t reject_count;
    struct fake_fact *facts; /* the ledger, in order of key */
    size_t fact_count;
};

/* job "test", load_id "load-1", worker 0 of 1, batches of 8,192 rows or 4 MiB, not cancelled. */
void fake_host_init(struct fake_host *fake);
void fake_host_release(struct fake_host *fake);

/* As the core does it when a run is being stopped; for good. */
void fake_host_cancel(struct fake_host *fake);
/* Forgets lines, outcomes and rejects; the ledger stays. */
void fake_host_forget(struct fake_host *fake);
/* 1 where a line of that level was logged that holds the text. */
int fake_host_logged(const struct fake_host *fake, int32_t level, const char *text);
/* Rows settled with that outcome. */
int64_t fake_host_settled(const struct fake_host *fake, int32_t outcome);
/* A ledger entry by its exact key; NULL where there is none. */
const struct tow_position *fake_host_fact(const struct fake_host *fake, const char *key);

/*
 * An instance as the core would fill it: options by their fallbacks, then by `settings`, pairs of
 * name and text that a NULL name ends (NULL: none). Sizes are written as bytes ("1000") or with
 * kB, MB, KiB, MiB, durations as milliseconds or with ms, s, m, h, d, lists with ',' between items.
 * Unknown names and text that does not parse fail the test. Bounds are the core's work: they are
 * not looked at. Texts are copied, and freed with the instance.
 */
void *fake_instance_new(const struct tow_plugin *plugin, const char *const *settings);
/* After the plugin's close. */
void fake_instance_free(void *self);

#endif
