/*
 * The keys of a job file that the core reads itself, section by section: for `towpath keys`.
 */
#ifndef CORE_CONFIG_JOB_KEYS_H
#define CORE_CONFIG_JOB_KEYS_H

#include "towpath/plugin.h"

struct tow_job_keys {
    const char *section;              /* "retry"; "job" for the keys of the job itself */
    int is_list;                      /* 1: the section is a list of groups with these keys */
    const struct tow_option *options; /* ended by a row without name; NULL: none */
    const char *const *others;        /* keys of other kinds; ended by NULL; NULL: none */
};

/* All sections; one without a name ends them. Offsets are those of the sections' readers. */
extern const struct tow_job_keys tow_job_keys[];

/* Tables of the readers, beside which they stand. */
extern const struct tow_option tow_job_retry_options[], tow_job_pipeline_options[];
extern const struct tow_option tow_job_rejects_options[], tow_job_load_options[];
extern const struct tow_option tow_job_route_options[], tow_job_schedule_options[];
extern const struct tow_option tow_job_alert_options[], tow_job_column_options[];
/* Keys of a column that take values of any plain kind, null_if lists of them, too. */
extern const char *const tow_job_column_values[];
/* Keys of the group `job`. */
extern const char *const tow_job_own_keys[];

#endif
