/* What a source handed out, as the checks compare it. */
#ifndef CORE_CONFORMANCE_HARVEST_H
#define CORE_CONFORMANCE_HARVEST_H

#include "towpath/batch.h"
#include "towpath/rowtext.h"

/* Everything that a source handed out: a hash a row, and where each batch left off. */
struct harvest {
    uint64_t *rows;
    int64_t count, capacity;
    int64_t limit; /* rows after which nothing more is read; 0: the suite's own */
    int64_t rejected;
    struct tow_position *positions; /* after each batch */
    char **marks;                   /* with each batch, twice as many: key, value; NULL: none */
    int64_t *row_at;                /* rows handed out by then */
    int64_t *rejected_at;
    int64_t batches, batch_capacity;
    int64_t widest; /* rows of the largest batch */
    int ended;      /* 1: it came to its end; 0: the checks saw enough */
};

/* Zero-initialized is empty and valid. */
void harvest_release(struct harvest *harvest);
/* 1 where the rows are the same. */
int harvest_equal(const struct harvest *a, const struct harvest *b);
/* `rejected`: rows that the source has rejected up to and with this batch. */
int harvest_batch(struct harvest *harvest, const struct tow_batch *batch, int64_t rejected,
                  struct tow_json_writer *writer, struct tow_error *err);

#endif
