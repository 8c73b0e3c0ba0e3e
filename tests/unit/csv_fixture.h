/* Runs the csv plugin by hand and writes down what comes out. */
#ifndef TESTS_UNIT_CSV_FIXTURE_H
#define TESTS_UNIT_CSV_FIXTURE_H

#include <stddef.h>

#include "fake_host.h"
#include "scratch.h"
#include "towpath/batch.h"
#include "towpath/rowtext.h"

/* One instance and what it gave. */
struct csv_run {
    struct fake_host *fake; /* borrowed */
    void *self;
    struct ArrowSchema schema;
    struct tow_buffer rows;               /* "LINE [field] null ...\n" for each row */
    struct tow_buffer rejects;            /* "CODE LINE OFFSET [raw]\n" for each reject */
    struct tow_position position;         /* after the last batch */
    char *origin, *mark_key, *mark_value; /* of the last batch; NULL where it had none */
    size_t batches;
    size_t seen; /* rejects of the fake host that are in `rejects` */

    /* Set before csv_run_open: what is wished for. Rows of typed batches are written down as their
     * text; each value is compared with what its text comes to. */
    const struct tow_wish *wishes;
    size_t wish_count;
    struct ArrowSchema typed; /* the answer; released where there is none */
    size_t typed_batches;
    int may_be_text; /* 1: batches may be text for other reasons than a value or a reject */
};

struct csv_value {
    int is_null;
    char bytes[16 * 64] __attribute__((aligned(16)));
};

/* 1 where the text comes to a value of the type, or null, after what the wish does to it. */
int csv_wish_value(const struct tow_wish *wish, struct tow_type type, const char *text,
                   size_t length, struct csv_value *out);

/* A path in the test's folder; good until the eighth call from now. */
const char *csv_path(const struct scratch *scratch, const char *name);
void csv_write(const struct scratch *scratch, const char *name, const char *text);

/* Makes an instance; settings as fake_instance_new has them. window 0: usual size. */
void csv_run_init(struct csv_run *run, struct fake_host *fake, const char *const *settings,
                  size_t window);
void csv_run_release(struct csv_run *run);
/* open (from NULL: the start) and schema. */
int csv_run_open(struct csv_run *run, const struct tow_position *from, struct tow_error *err);
/* One batch; checks that it is sound, and puts its mark into the ledger, as the core does. */
int csv_run_read(struct csv_run *run, struct tow_error *err);
/* Batches until something else than TOW_OK comes, which is returned. */
int csv_run_read_all(struct csv_run *run, struct tow_error *err);
void csv_run_close(struct csv_run *run);

/* All of a file with these settings: fails unless it ends with TOW_END. */
void csv_run_whole(struct csv_run *run, struct fake_host *fake, const char *const *settings,
                   size_t window);

void assert_text(const struct tow_buffer *buffer, const char *expected);

#endif
