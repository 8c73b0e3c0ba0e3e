/* The sections that the core itself reads by tables of options. */
#include "config/job_keys.h"
#include "config/job_reader.h"
#include "config/option/bind.h"

#define SECOND INT64_C(1000) /* in milliseconds */
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)
#define KIB    (INT64_C(1) << 10)
#define GIB    (INT64_C(1) << 30)

const struct tow_option tow_job_retry_options[] = {
    {"base", TOW_OPTION_DURATION, 0, offsetof(struct tow_retry, base_ms), "500ms", 1, HOUR, NULL,
     "longest wait before the second try; doubles from try to try"},
    {"cap", TOW_OPTION_DURATION, 0, offsetof(struct tow_retry, cap_ms), "60s", 1, DAY, NULL,
     "longest wait between two tries"},
    {"budget", TOW_OPTION_DURATION, 0, offsetof(struct tow_retry, budget_ms), "20m", 1, 30 * DAY,
     NULL, "time for all tries of one call"},
    {"tries", TOW_OPTION_INT, 0, offsetof(struct tow_retry, tries), "10", 1, 1000, NULL,
     "tries of one call"},
    TOW_OPTIONS_END,
};

const struct tow_option tow_job_pipeline_options[] = {
    {"batch_rows", TOW_OPTION_INT, 0, offsetof(struct tow_tuning, batch_rows), "8192", 1, 1048576,
     NULL, "rows of a batch"},
    {"batch_bytes", TOW_OPTION_SIZE, 0, offsetof(struct tow_tuning, batch_bytes), "1MiB", 64 * KIB,
     GIB, NULL, "bytes of a batch"},
    {"queue_batches", TOW_OPTION_INT, 0, offsetof(struct tow_tuning, queue_batches), "2", 1, 1024,
     NULL, "batches that wait between source and sinks"},
    {"queue_bytes", TOW_OPTION_SIZE, 0, offsetof(struct tow_tuning, queue_bytes), "8MiB", 64 * KIB,
     16 * GIB, NULL, "bytes of batches under way, at most"},
    {"workers", TOW_OPTION_INT, 0, offsetof(struct tow_tuning, workers), "1", 1, TOW_WORKERS_MAX,
     NULL, "parallel sink instances, where the sink allows it; some sinks make it more unless set"},
    {"checkpoint", TOW_OPTION_DURATION, 0, offsetof(struct tow_tuning, checkpoint_ms), "5s", 1,
     HOUR, NULL, "time between checkpoints; some sinks make it longer unless set"},
    {"drain", TOW_OPTION_DURATION, 0, offsetof(struct tow_tuning, drain_ms), "30s", 0, HOUR, NULL,
     "time to finish what is in flight when stopped"},
    TOW_OPTIONS_END,
};

const struct tow_option tow_job_rejects_options[] = {
    {"max", TOW_OPTION_INT, 0, offsetof(struct tow_job, max_rejects), NULL, 0, INT64_MAX, NULL,
     "rejected rows that fail the run when there are more"},
    {"max_percent", TOW_OPTION_DOUBLE, 0, offsetof(struct tow_job, max_reject_percent), NULL, 0,
     100, NULL, "the same, as a share of the rows read"},
    TOW_OPTIONS_END,
};

const struct tow_option tow_job_load_options[] = {
    {"max_rows", TOW_OPTION_INT, 0, offsetof(struct tow_load_limits, max_rows), NULL, 1, INT64_MAX,
     NULL, "rows after which a load is published and the next one begins"},
    {"max_bytes", TOW_OPTION_SIZE, 0, offsetof(struct tow_load_limits, max_bytes), NULL, 1,
     INT64_MAX, NULL, "bytes of rows after which it does"},
    {"max_age", TOW_OPTION_DURATION, 0, offsetof(struct tow_load_limits, max_age_ms), NULL, 1,
     30 * DAY, NULL, "time after its first row after which it does"},
    TOW_OPTIONS_END,
};

static const struct tow_setting tuning_absent = {.kind = TOW_SETTING_GROUP};

/* *section is an empty group where the job has none. */
static int tuning_read(struct tow_job_reader *reader, const char *name,
                       const struct tow_option *options, void *self,
                       const struct tow_setting **section)
{
    const struct tow_setting *given = tow_setting_get(&reader->content->group, name);
    struct tow_binding binding = {
        .options = options,
        .owner = name,
        .self = self,
        .target = {&reader->content->pool, reader->job->dir},
        .diags = reader->diags,
    };

    *section = &tuning_absent;
    if (given && tow_job_expect_kind(reader, given, TOW_SETTING_GROUP))
        *section = given;
    return tow_bind(&binding, *section, reader->err);
}

/* Lowers a default to what was asked for; a value that was given is refused instead. */
static void tuning_at_most(const struct tow_job_reader *reader, const struct tow_setting *retry,
                           const char *const names[2], int64_t *value, int64_t most)
{
    const struct tow_setting *given = tow_setting_get(retry, names[0]);
    char value_text[32], most_text[32];

    if (*value <= most)
        return;
    if (!given) {
        *value = most;
        return;
    }
    tow_format_duration(*value, value_text);
    tow_format_duration(most, most_text);
    tow_diags_add(reader->diags, TOW_DIAG_ERROR, given->file, given->line,
                  "retry: %s (%s) is longer than %s (%s)", names[0], value_text, names[1],
                  most_text);
}

static int tuning_read_retry(struct tow_job_reader *reader)
{
    static const char *const cap_budget[2] = {"cap", "budget"};
    static const char *const base_cap[2] = {"base", "cap"};
    struct tow_retry *retry = &reader->job->retry;
    size_t errors = reader->diags->errors;
    const struct tow_setting *section;
    int rc = tuning_read(reader, "retry", tow_job_retry_options, retry, &section);

    if (rc || reader->diags->errors > errors)
        return rc;
    tuning_at_most(reader, section, cap_budget, &retry->cap_ms, retry->budget_ms);
    tuning_at_most(reader, section, base_cap, &retry->base_ms, retry->cap_ms);
    return TOW_OK;
}

int tow_job_read_tuning(struct tow_job_reader *reader)
{
    struct tow_job *job = reader->job;
    const struct tow_setting *section;
    int rc = tuning_read_retry(reader);

    if (!rc)
        rc = tuning_read(reader, "pipeline", tow_job_pipeline_options, &job->tuning, &section);
    if (!rc) {
        job->tuning.checkpoint_given = tow_setting_get(section, "checkpoint") != NULL;
        job->tuning.workers_given = tow_setting_get(section, "workers") != NULL;
        job->tuning.queue_batches_given = tow_setting_get(section, "queue_batches") != NULL;
        job->tuning.queue_bytes_given = tow_setting_get(section, "queue_bytes") != NULL;
    }
    job->max_rejects = -1;
    job->max_reject_percent = -1;
    if (!rc)
        rc = tuning_read(reader, "rejects", tow_job_rejects_options, job, &section);
    if (!rc)
        rc = tuning_read(reader, "load", tow_job_load_options, &job->load, &section);
    return rc;
}
