/*
 * What is known of loads, durably and before it happens, in the job's ledger: text records that a
 * person can read.
 *
 *   load/L            what the load is, and where its parts lie
 *   generation/L/W    how often worker W opened it
 *   part/L/W/G/N      a part that is about to be staged, or is: "rows bytes"
 *   stale/L/NAME      a staged file that is not to be loaded, and to be removed
 *   copy/L/K          a COPY INTO that is about to run, or has: which parts, how many rows
 *   table/L/R         the load table of a round, which is about to be there, or is
 *   phase/L           how far publishing is
 *
 * All workers of a sink share it. Numbers in keys have leading zeros, so that keys come in their
 * order. A record that is not of this form is TOW_E_ENV: somebody else wrote it.
 */
#ifndef PLUGINS_DATABRICKS_COPY_LEDGER_H
#define PLUGINS_DATABRICKS_COPY_LEDGER_H

#include "towpath/plugin.h"

#define TOW_COPY_NULL_MAX   16   /* of a null token, with its NUL */
#define TOW_COPY_STAGE_MAX  1024 /* bytes of the option `stage` */
#define TOW_COPY_TABLE_MAX  1600 /* of a quoted table name, with its NUL */
#define TOW_COPY_LOAD_MAX   80   /* of what a load is called at the far end, with its NUL */
#define TOW_COPY_NAME_MAX   64   /* of a part's file name, with its NUL */
#define TOW_COPY_RANGES_MAX 80   /* of a COPY */
#define TOW_COPY_FILES_MAX  1000 /* of a COPY: Databricks' own limit */

/* ---- the load ------------------------------------------------------------------------------- */

struct tow_copy_load {
    char name[TOW_COPY_LOAD_MAX]; /* of its folder and its load table: no other load has it, nor the
                                     same load of another sink */
    char null_text[TOW_COPY_NULL_MAX];
    int32_t mode, format;           /* indexes of the options' choices */
    uint64_t keys;                  /* of a merge, hashed */
    char table[TOW_COPY_TABLE_MAX]; /* quoted */
    char stage[TOW_COPY_STAGE_MAX + 1];
};

extern const char *const tow_copy_modes[]; /* as job files say them; NULL ends them */
extern const char *const tow_copy_formats[];

/* 1 where text can name a load, or be part of a file's name: letters, digits, '-' and '_', a letter
 * or digit first, shorter than TOW_COPY_LOAD_MAX. */
int tow_copy_is_id(const char *text);

int tow_copy_load_put(const struct tow_host *host, const char *id, const struct tow_copy_load *load,
                      struct tow_error *err);
/* TOW_END where there is none. */
int tow_copy_load_get(const struct tow_host *host, const char *id, struct tow_copy_load *load,
                      struct tow_error *err);
int tow_copy_load_remove(const struct tow_host *host, const char *id, struct tow_error *err);
/* Names of loads, in order; free them with tow_copy_names_release. */
struct tow_copy_names {
    char **items;
    size_t count, capacity;
};
int tow_copy_loads(const struct tow_host *host, struct tow_copy_names *names,
                   struct tow_error *err);
int tow_copy_names_add(struct tow_copy_names *names, const char *name, struct tow_error *err);
void tow_copy_names_release(struct tow_copy_names *names);

/* ---- parts ---------------------------------------------------------------------------------- */

struct tow_copy_part_id {
    uint32_t worker, generation, number; /* number: from 1 */
};

struct tow_copy_part_record {
    struct tow_copy_part_id id;
    int64_t rows, bytes;
};

struct tow_copy_parts {
    struct tow_copy_part_record *items; /* in order of worker, generation and number */
    size_t count, capacity;
};

/* "w0-g1-p00001.csv.gz" */
void tow_copy_part_name(const struct tow_copy_part_id *id, int is_json,
                        char name[TOW_COPY_NAME_MAX]);

/* Takes the next number for a worker of a load, from 1 on. */
int tow_copy_generation_next(const struct tow_host *host, const char *load, uint32_t *generation,
                             struct tow_error *err);
int tow_copy_generations_remove(const struct tow_host *host, const char *load,
                                struct tow_error *err);

int tow_copy_part_put(const struct tow_host *host, const char *load,
                      const struct tow_copy_part_record *part, struct tow_error *err);
int tow_copy_part_remove(const struct tow_host *host, const char *load,
                         const struct tow_copy_part_id *id, struct tow_error *err);
/* All of a load, or of one worker where that is not -1. */
int tow_copy_parts_read(const struct tow_host *host, const char *load, int64_t worker,
                        struct tow_copy_parts *parts, struct tow_error *err);
void tow_copy_parts_release(struct tow_copy_parts *parts);

/* Staged files that must not be loaded. */
int tow_copy_stale_put(const struct tow_host *host, const char *load, const char *name,
                       struct tow_error *err);
int tow_copy_stale_remove(const struct tow_host *host, const char *load, const char *name,
                          struct tow_error *err);
int tow_copy_stale_read(const struct tow_host *host, const char *load, struct tow_copy_names *names,
                        struct tow_error *err);

/* ---- publishing ----------------------------------------------------------------------------- */

enum tow_copy_state {
    TOW_COPY_PLANNED,   /* not submitted yet, for sure */
    TOW_COPY_SUBMITTED, /* may have run */
    TOW_COPY_LOADED     /* has run, and its count was right */
};

/* Parts from..to of a worker's generation. */
struct tow_copy_range {
    uint32_t worker, generation, from, to;
};

struct tow_copy_batch {
    uint32_t number; /* from 1 */
    int32_t state;
    int64_t rows;
    size_t count;
    struct tow_copy_range ranges[TOW_COPY_RANGES_MAX];
};

struct tow_copy_batches {
    struct tow_copy_batch *items;
    size_t count, capacity;
};

int tow_copy_batch_put(const struct tow_host *host, const char *load,
                       const struct tow_copy_batch *batch, struct tow_error *err);
int tow_copy_batch_remove(const struct tow_host *host, const char *load, uint32_t number,
                          struct tow_error *err);
int tow_copy_batches_read(const struct tow_host *host, const char *load,
                          struct tow_copy_batches *batches, struct tow_error *err);
void tow_copy_batches_release(struct tow_copy_batches *batches);
/* 1 where the batch holds the part. */
int tow_copy_batch_has(const struct tow_copy_batch *batch, const struct tow_copy_part_id *id);
/* Adds a part behind the last one: 0 where it is full. */
int tow_copy_batch_add(struct tow_copy_batch *batch, const struct tow_copy_part_record *part);
/* Files in it. */
size_t tow_copy_batch_files(const struct tow_copy_batch *batch);

enum tow_copy_phase {
    TOW_COPY_LOADING,  /* parts go into their table */
    TOW_COPY_SWAPPING, /* replace, merge: the load table is complete */
    TOW_COPY_SWAPPED,  /* readers see the load; what it leaves behind goes */
    TOW_COPY_DONE
};

/* Publishing comes in rounds: a load that goes on after it was published has another one. */
struct tow_copy_progress {
    uint32_t round; /* from 1 */
    int32_t phase;
};
/* Round 1, loading, where there is no record. */
int tow_copy_progress_get(const struct tow_host *host, const char *load,
                          struct tow_copy_progress *progress, struct tow_error *err);
int tow_copy_progress_put(const struct tow_host *host, const char *load,
                          const struct tow_copy_progress *progress, struct tow_error *err);
int tow_copy_progress_remove(const struct tow_host *host, const char *load, struct tow_error *err);

/* That a round has a load table. */
int tow_copy_table_put(const struct tow_host *host, const char *load, uint32_t round,
                       struct tow_error *err);
int tow_copy_table_remove(const struct tow_host *host, const char *load, uint32_t round,
                          struct tow_error *err);
struct tow_copy_rounds {
    uint32_t *items;
    size_t count, capacity;
};
int tow_copy_tables_read(const struct tow_host *host, const char *load,
                         struct tow_copy_rounds *rounds, struct tow_error *err);
void tow_copy_rounds_release(struct tow_copy_rounds *rounds);

#endif
