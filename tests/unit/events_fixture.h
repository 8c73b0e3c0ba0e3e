/* Runs the source events by hand and writes down what comes out. */
#ifndef TESTS_UNIT_EVENTS_FIXTURE_H
#define TESTS_UNIT_EVENTS_FIXTURE_H

#include <stddef.h>

#include "fake_host.h"
#include "scratch.h"
#include "towpath/batch.h"
#include "towpath/rowtext.h"

/* One instance and what it gave. */
struct events_run {
    struct fake_host *fake; /* borrowed */
    void *self;
    struct ArrowSchema schema;
    struct tow_buffer rows;    /* "LINE ID EVENT RECEIVE STREAM DATA\n" for each row, times short */
    struct tow_buffer brief;   /* "ID " for each row */
    struct tow_buffer rejects; /* "CODE LINE OFFSET [raw]\n" for each reject */
    struct tow_position position; /* after the last batch, or at the end */
    int64_t count, counted;
    size_t batches, marks;
    size_t seen; /* rejects of the fake host that are in `rejects` */
    struct tow_error err;
};

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A path in the test's folder; good until the eighth call from now. */
const char *events_path(const struct scratch *scratch, const char *name);
void events_write(const struct scratch *scratch, const char *name, const char *text);
void events_append(const struct scratch *scratch, const char *name, const char *text);
void events_write_gzip(const struct scratch *scratch, const char *name, const char *text);
/* "first" to "first + count - 1", as payloads {"id":N} with a line end behind each. Heap. */
char *events_numbered(int first, int count);

/* Makes an instance; settings as fake_instance_new has them. window 0: usual size. */
void events_run_init(struct events_run *run, struct fake_host *fake, const char *const *settings,
                     size_t window);
void events_run_release(struct events_run *run);
/* open (from NULL: the start) and schema. */
int events_run_open(struct events_run *run, const struct tow_position *from);
/* One batch; checks that it is sound, and puts its mark into the ledger, as the core does. */
int events_run_read(struct events_run *run);
/* Batches until something else than TOW_OK comes, which is returned. */
int events_run_read_all(struct events_run *run);

/* A whole load from `from` (NULL: the start), which gives these ids: "1 2 3 ". Fails otherwise.
 * *end may be NULL. */
void assert_events(struct fake_host *fake, const char *const *settings,
                   const struct tow_position *from, const char *ids, struct tow_position *end);
/* A whole load that ends with an error of that class, whose message has these words. */
void assert_events_fail(struct fake_host *fake, const char *const *settings, int class,
                        const char *says);
void assert_buffer(const struct tow_buffer *buffer, const char *expected);

#endif
