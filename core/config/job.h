/*
 * A job file, read and validated as far as it can be without its plugins.
 *
 * Format: docs/towpath-job.5. Reading goes: @include (relative to the including file) and integers,
 * in the source text -> libconfig -> ${env:NAME}, ${env:NAME:-default} and ${file:path} expanded in
 * string values -> connections merged under their sections -> known keys, types and bounds. All
 * findings of a file are collected; where its text cannot be parsed, those are the ones about the
 * text.
 *
 * A connection that no section of the job uses is not expanded: jobs that share a file of
 * connections need the secrets of their own only.
 */
#ifndef CORE_CONFIG_JOB_H
#define CORE_CONFIG_JOB_H

#include "config/alerts_spec.h"
#include "config/diag.h"
#include "config/setting.h"
#include "schedule/schedule.h"
#include "towpath/batch.h"

/*
 * One entry of `columns`. Strings belong to the job. Numbers and booleans in default, value and
 * null_if become text; a decimal of more than 17 digits is written as a string in the job file,
 * since a number would be rounded.
 */
struct tow_column_spec {
    const char *name;
    const char *from;           /* source column, `name` unless given; NULL with `value` */
    const char *value;          /* constant, as text; NULL where there is none */
    const char *fallback;       /* `default`: instead of null; NULL where there is none */
    const char *format;         /* of dates, timestamps, binary; NULL where there is none */
    const char *const *null_if; /* texts that mean null */
    size_t null_if_count;
    int has_type; /* 0: the source's type stays */
    struct tow_type type;
    int required; /* null rejects the row */
    int trim, lower;
    int hash_sha256; /* hex SHA-256 of the text, after trim and lower */
    const char *file;
    int line;
};

/*
 * `retry`: applies to each call that fails as transient or rate limited. Beside each: default,
 * bounds. base <= cap <= budget; a default of base or cap gives way to a lower cap or budget.
 */
struct tow_retry {
    int64_t base_ms;   /* "500ms"; 1ms .. 1h */
    int64_t cap_ms;    /* "60s"; 1ms .. 1d */
    int64_t budget_ms; /* "20m"; 1ms .. 30d */
    int64_t tries;     /* 10; 1 .. 1000 */
};

#define TOW_WORKERS_MAX 64

/* `pipeline`: sizes and times that most jobs leave alone. Beside each: default, bounds. */
struct tow_tuning {
    int64_t batch_rows;    /* 8192; 1 .. 1048576 */
    int64_t batch_bytes;   /* "1MiB"; 64KiB .. 1GiB */
    int64_t queue_batches; /* 2; 1 .. 1024: that wait for a sink, beside one for each worker */
    int64_t queue_bytes;   /* "8MiB"; 64KiB .. 16GiB; one batch may always be in flight */
    int queue_batches_given, queue_bytes_given; /* 1: by the job; see tow_assembly_queue_... */
    int64_t workers;   /* 1; 1 .. 64: parallel sink instances; see tow_assembly_workers */
    int workers_given; /* 1: by the job */
    int64_t
        checkpoint_ms;    /* "5s"; 1ms .. 1h: between checkpoints; see tow_assembly_checkpoint_ms */
    int checkpoint_given; /* 1: by the job */
    int64_t drain_ms;     /* "30s"; 0s .. 1h: to finish what is in flight when stopped */
};

/*
 * `load`: where a load ends although the source has more, or waits for more: it is published, and
 * the next one begins with the source still open. Each is reached with the batch that reaches it;
 * 0: no such limit.
 */
struct tow_load_limits {
    int64_t max_rows;   /* rows read */
    int64_t max_bytes;  /* of batches, in memory */
    int64_t max_age_ms; /* since the first row */
};

/* Indexes into the choices of tow_route_spec. */
enum { TOW_ROUTE_IDENTIFIER, TOW_ROUTE_AS_IS };
enum { TOW_ROUTE_REJECT, TOW_ROUTE_SUFFIX };

#define TOW_ROUTES_MAX 10000

/* `route`: rows go to an instance of the sink for each value of a column. Its other keys are
 * options of the sink, and stand in tow_job.sink. Beside each: default, bounds. */
struct tow_route_spec {
    const char *by;      /* outgoing column; its name is the word in braces; required */
    int64_t max;         /* 200; 1 .. TOW_ROUTES_MAX: routes of a load */
    int64_t open;        /* 200; 1 .. TOW_ROUTES_MAX: that a worker holds open */
    int32_t names;       /* "identifier": TOW_ROUTE_IDENTIFIER ... */
    int32_t collisions;  /* "reject": TOW_ROUTE_REJECT ... */
    const char *null;    /* value for rows that have none; NULL: they are rejected */
    int32_t keep_column; /* true: the sink gets the column, too */
    const char *file;
    int line;
};

struct tow_job {
    char *path;                /* absolute path of the file */
    char *dir;                 /* its folder: relative paths start there */
    const char *name;          /* [A-Za-z0-9][A-Za-z0-9_.-]{0,63} */
    struct tow_setting source; /* GROUP, its connection merged in, without "connection" */
    struct tow_setting sink;   /* likewise */
    int has_route;
    struct tow_route_spec route;
    struct tow_setting results; /* likewise; count 0 and kind GROUP where there is none */
    int has_results;
    struct tow_setting history; /* likewise */
    int has_history;
    struct tow_setting *transforms; /* GROUPs with `plugin`, applied before columns */
    size_t transform_count;
    int has_columns;
    struct tow_column_spec *columns;
    size_t column_count;
    int64_t max_rejects;       /* rejects.max, 0 and more; -1: no limit */
    double max_reject_percent; /* rejects.max_percent, 0 .. 100; -1: no limit */
    struct tow_retry retry;
    struct tow_tuning tuning;
    struct tow_alert_spec *alerts; /* NULL where there is none */
    size_t alert_count;
    int has_schedule;
    struct tow_schedule schedule; /* valid where has_schedule, in a job without errors */
    struct tow_load_limits load;
    int allow_programs; /* the plugins may start programs */
    void *priv;         /* what the members above point into */
};

/*
 * Reads `path` (absolute, or relative to the working folder), a regular file. Findings go to diags;
 * the job is usable where diags->errors did not grow. Returns TOW_OK in both cases, other classes
 * only where memory ran out. Release the job in every case.
 */
int tow_job_load(const char *path, struct tow_job *job, struct tow_diags *diags,
                 struct tow_error *err);
/*
 * The same with `count` values "KEY=VALUE" over those of the file, as if they stood in it. KEY is
 * a member of the job, `sink.path` or `job.sink.path`, in a group that is there (retry, pipeline,
 * rejects, results and history may be absent); lists and groups cannot be set. VALUE is a number or
 * boolean where it looks like one and the file has no string there; "..." in double quotes is a
 * string in any case. Findings about these values stand in file "--set".
 */
int tow_job_load_set(const char *path, const char *const *sets, size_t count, struct tow_job *job,
                     struct tow_diags *diags, struct tow_error *err);
/*
 * The same with the text of the regular file `text` in the place of that of `path`: a copy that was
 * made before somebody changed it. Relative paths start where `path` lies.
 */
int tow_job_load_text(const char *path, const char *text, const char *const *sets, size_t count,
                      struct tow_job *job, struct tow_diags *diags, struct tow_error *err);
void tow_job_release(struct tow_job *job);

/* 1 where the job's loads end by `load` and others follow. */
int tow_job_rolls(const struct tow_job *job);

/* The `plugin` key of a section; never NULL in a job without errors. */
const char *tow_section_plugin(const struct tow_setting *section);

/*
 * "64MB" (10^6), "1.5GiB" (2^30), "100" (bytes); units in any case, a fraction of a byte is cut
 * off. TOW_E_CONFIG with the text in the message where malformed.
 */
int tow_parse_size(const char *text, int64_t *bytes, struct tow_error *err);
/* "500ms", "15m", "1h30m", "1.5s", "2d": a number needs its unit, larger units stand first. */
int tow_parse_duration(const char *text, int64_t *milliseconds, struct tow_error *err);
/* The same, written back in the largest fitting units: "4MiB", "1h30m". Reads back as it was. */
void tow_format_size(int64_t bytes, char text[32]);
void tow_format_duration(int64_t milliseconds, char text[32]);

#endif
