/*
 * Inside of job loading: what the readers of a job's sections share.
 */
#ifndef CORE_CONFIG_JOB_READER_H
#define CORE_CONFIG_JOB_READER_H

#include "config/diag.h"
#include "config/job.h"
#include "config/pool.h"

/* What a job's members point into. */
struct tow_job_content {
    struct tow_setting group; /* `job`, less the sections that were moved out */
    struct tow_pool pool;
};

struct tow_job_reader {
    struct tow_job *job;
    struct tow_job_content *content;
    struct tow_setting connections; /* GROUP */
    int incomplete;                 /* an include is missing: connections may be absent */
    struct tow_diags *diags;
    struct tow_error *err;
};

/* These add findings, and return other than TOW_OK only where memory ran out. */

/* Puts the values "KEY=VALUE" of tow_job_load_set into root. */
int tow_job_apply_sets(struct tow_setting *root, const char *const *sets, size_t count,
                       struct tow_diags *diags, struct tow_error *err);
/* The whole file; what the job needs of root is moved out of it. */
int tow_job_read(struct tow_job_reader *reader, struct tow_setting *root);
/* reader->connections: each a group without "plugin". */
void tow_connections_check(const struct tow_job_reader *reader);
/* Replaces the section's key "connection" by what that connection sets and the section does not. */
int tow_connection_merge(struct tow_job_reader *reader, struct tow_setting *section);
/* `retry`, `pipeline` and `rejects`, defaults where absent. */
int tow_job_read_tuning(struct tow_job_reader *reader);
/* `schedule`, where there is such a key. */
int tow_job_read_schedule(struct tow_job_reader *reader);
/* The rule for people: "daily at 02:00 in Europe/Berlin". cron and weekdays: as the file has them,
 * of the kinds that have them. Heap; NULL where memory ran out. */
char *tow_schedule_text(const struct tow_schedule *schedule, const char *cron,
                        const char *weekdays);
/* `route`, where there is such a key, before the sink: options of the sink move there. */
int tow_job_read_route(struct tow_job_reader *reader);
/* `columns`, where there is such a key. */
int tow_job_read_columns(struct tow_job_reader *reader);

/* `alerts`, where there is such a key. */
int tow_job_read_alerts(struct tow_job_reader *reader);

/* 1 where the setting is of that kind; a finding otherwise. */
int tow_job_expect_kind(const struct tow_job_reader *reader, const struct tow_setting *setting,
                        enum tow_setting_kind kind);

#endif
