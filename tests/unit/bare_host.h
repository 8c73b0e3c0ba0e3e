/*
 * What a plugin may ask of a host while memory runs out: nothing here allocates. And a plugin's
 * life from beginning to end, one call after the other.
 */
#ifndef TESTS_UNIT_BARE_HOST_H
#define TESTS_UNIT_BARE_HOST_H

#include "fake_host.h"
#include "table.h"

#define BARE_ROWS 8

/* What the plugin said; the test empties it. */
struct bare_seen {
    int64_t rejects, reject_lines; /* how many, and the sum of their lines */
    char fates[BARE_ROWS];         /* '+' or '-' of each row of the batch; ' ' where none is told */
};
extern struct bare_seen bare_seen;

/* A fake host that only counts: rejects, fates; its log is not kept, and its ledger is empty. */
void bare_host_init(struct fake_host *fake);
/* Nothing is seen yet. */
void bare_forget(void);

/* Check, open, begin, write, flush, as far as they go well, and close. Returns the last code. */
int bare_sink_life(const struct tow_plugin *plugin, void *self, const struct tow_host *host,
                   const struct table *table, struct tow_error *err);

struct bare_load {
    int code; /* TOW_END, or what it failed with */
    int64_t rows;
    struct tow_position middle; /* behind the second batch */
};

/* Open (from: NULL: the start), schema, the word {aid} where the source has that, and all batches.
 */
struct bare_load bare_source_life(const struct tow_plugin *plugin, void *self,
                                  const struct tow_host *host, const struct tow_position *from,
                                  struct tow_error *err);

#endif
