/*
 * A job with the sink databricks_copy, run by hand over a fake lake, as the core would: processes
 * that may die, checkpoints, loads that are gone on with. Failures fail the running test.
 */
#ifndef TESTS_UNIT_COPY_JOB_H
#define TESTS_UNIT_COPY_JOB_H

#include "fake_lake.h"
#include "towpath/batch.h"

#define COPY_WORKERS 2
#define COPY_TABLE   "`main`.`t`"
/* Those of a table that fits the source. */
#define COPY_COLUMNS "`id` BIGINT, `name` STRING"

struct copy_job {
    struct lake lake;
    struct fake_host fake; /* the ledger, and the log */
    struct tow_host hosts[COPY_WORKERS];
    uint32_t workers;
    const struct tow_plugin *plugin;
    const char *settings[24];  /* pairs that a NULL ends */
    struct ArrowSchema schema; /* id int64, name string */
    void *selves[COPY_WORKERS];
    int64_t rows;  /* that the source has: 0 ... */
    int64_t keys;  /* ids are row % keys; 0: the row itself */
    int64_t batch; /* rows */
    /* The state. */
    char load_id[16];
    int loads;   /* begun so far */
    int in_load; /* a checkpoint was taken */
    struct tow_position tokens[COPY_WORKERS];
    int64_t position;
    uint64_t seq;
    struct tow_error err;
    void (*enters)(int is_inside); /* told of every call of the plugin; may be NULL */
};

/* mode and further settings, which a NULL ends; a volume as stage, parts of one batch. */
void copy_job_init(struct copy_job *job, const char *mode, ...);
void copy_job_release(struct copy_job *job);
void copy_job_set(struct copy_job *job, const char *name, const char *value);

/* One process: goes on with the load that stands, or begins a new one. What may pass is tried
 * again, as the core does. */
int copy_job_run(struct copy_job *job);

/* Its steps, for tests that stop in between. open is followed by begin. */
int copy_job_open(struct copy_job *job);
int copy_job_write(struct copy_job *job, int64_t until);
int copy_job_checkpoint(struct copy_job *job);
int copy_job_finish(struct copy_job *job);
void copy_job_close(struct copy_job *job);

/* The table holds these rows of the source once each, and `others` lines besides. */
void copy_job_assert_rows(struct copy_job *job, int64_t count, size_t others);

/* The table; NULL where there is none. */
struct lake_table *copy_job_table(struct copy_job *job);
/* Adds it, with two rows, as one that was there before. */
void copy_job_add_table(struct copy_job *job, const char *columns);
/* copy_job_run, which ends with that error, whose message has these words. */
void copy_job_assert_fails(struct copy_job *job, int code, const char *says);
/* A process that dies behind its last checkpoint, with rows 0 to 14 staged. */
void copy_job_die(struct copy_job *job);

#endif
