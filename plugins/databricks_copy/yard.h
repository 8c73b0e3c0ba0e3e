/*
 * What loads leave behind: staged files that are loaded or never will be, records of them, load
 * tables. To fail to remove one is no failure of a load: it is logged, and tried again by the next.
 */
#ifndef PLUGINS_DATABRICKS_COPY_YARD_H
#define PLUGINS_DATABRICKS_COPY_YARD_H

#include "plugins/databricks_copy/ledger.h"
#include "plugins/databricks_copy/stage.h"
#include "plugins/databricks_copy/table.h"

#define TOW_COPY_FOLDER_MAX 256

/* The staged files of one load. Borrowed. */
struct tow_copy_yard {
    const struct tow_host *host;
    struct tow_copy_stage *stage;
    const char *load;                 /* as the ledger knows it */
    char folder[TOW_COPY_FOLDER_MAX]; /* in the stage: "job/name" */
    int is_json;
    int keeps_files; /* 1: only the records go */
    int has_failed;  /* 1: a file could not be removed, and no other is tried */
};

/* name: of tow_copy_load. */
void tow_copy_yard_init(struct tow_copy_yard *yard, const struct tow_host *host,
                        struct tow_copy_stage *stage, const char *load, const char *name);

/* A part that is loaded: file and record go. */
int tow_copy_yard_remove(struct tow_copy_yard *yard, const struct tow_copy_part_id *id,
                         struct tow_error *err);
/* A part that must not be loaded: from the first step on it is none any more. Its file goes, and is
 * known as stale until tow_copy_yard_sweep_stale: the far end may complete the upload of a run that
 * was killed when the next one has removed the file already. */
int tow_copy_yard_discard(struct tow_copy_yard *yard, const struct tow_copy_part_id *id,
                          struct tow_error *err);
/* Takes away what was discarded, or could not be removed. *is_clean: none of it is left. */
int tow_copy_yard_sweep_stale(struct tow_copy_yard *yard, int *is_clean, struct tow_error *err);

/*
 * For a load that begins, and again once it is published: takes away what the job's loads before it
 * have left, as far as the ledger knows of them. The warehouse is only asked where a load table is
 * to be dropped.
 */
int tow_copy_yard_sweep(const struct tow_copy_session *session, struct tow_copy_stage *stage,
                        struct tow_error *err);
/* And what it does not know of, of this job and in the stage, older than the option `retention`. */
int tow_copy_yard_sweep_old(const struct tow_copy_session *session, struct tow_copy_stage *stage,
                            struct tow_error *err);

#endif
