/*
 * What the checks share: the module under test, fresh instances of it, and the report.
 */
#ifndef CORE_CONFORMANCE_SUITE_H
#define CORE_CONFORMANCE_SUITE_H

#include <stdio.h>

#include "config/option/options.h"
#include "conformance/watch.h"
#include "run/cancel.h"
#include "run/host.h"

struct suite {
    const char *path;
    const struct tow_plugin *plugin;
    struct tow_job job; /* as much of one as hosts and instances need */
    struct tow_setting section;
    FILE *out;
    struct tow_overlay *overlay; /* the ledgers */
    struct tow_field *fields;    /* columns that the sink names; NULL: it takes any */
    size_t field_count;
    int64_t now_us;          /* the time for all instances: who writes it, writes the same */
    struct watch_page *page; /* counts, and the call under way */
    int hung; /* 1: a call has not returned; its thread and instance are left behind */
};

/* Reports. `why` may be empty where it passed. */
void suite_pass(struct suite *suite, const char *what);
void suite_fail(struct suite *suite, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void suite_skip(struct suite *suite, const char *what, const char *why);

/* Passes or fails by `rc`, with the message of err. */
void suite_judge(struct suite *suite, const char *what, int rc, const struct tow_error *err);

#define SUITE_BATCHES 4  /* that an instance is given, at most: numbers 1 to 4 */
#define SUITE_ROWS    64 /* of a batch, at most */

/* An instance with the suite's options and a host of its own. Stays where it was initialized. */
struct suite_instance {
    struct tow_instance instance;
    struct tow_host_box box;
    struct tow_cancel cancel;
    const char *role;
    int64_t now_us;
    int64_t rejected;                               /* rows that the source rejected */
    int64_t offered[SUITE_BATCHES];                 /* rows of each batch that was handed in */
    int64_t settled[SUITE_BATCHES];                 /* of these, settled through the host */
    unsigned char fates[SUITE_BATCHES][SUITE_ROWS]; /* outcome of each */
    const char *misuse; /* a call to the host that was out of place; NULL: none was */
    struct watch_page *page;
};

/* `role` is "source", "sink" or "transform". */
int suite_instance_init(struct suite *suite, struct suite_instance *instance, const char *role,
                        struct tow_error *err);
/* Calls close where `opened`, and frees. */
void suite_instance_release(struct suite_instance *instance, int opened);
/* To be said before each call of the plugin. */
void suite_calling(const struct suite_instance *instance, const char *call);
/* What a call returned, made sound; a class also where the plugin misused its host in it. */
int suite_result(const struct suite_instance *instance, const char *call, int rc,
                 struct tow_error *err);

/*
 * Calls `call` in a thread of its own. 1 where it returned within a second: its value is in *rc.
 * 0 where it did not: `context` is then its own for good. *rc is TOW_E_NOMEM where there was no
 * thread.
 */
int suite_within_a_second(struct suite *suite, int (*call)(void *context), void *context, int *rc);
/* Descriptors that this process has open. */
int suite_descriptors(void);

/* Rows to try sinks and transforms with: columns id, name, flag and at, or those of the suite. */
struct suite_rows {
    const char *what;
    int with_nulls;
    int sliced;
};
#define SUITE_ROW_KINDS 4
extern const struct suite_rows suite_row_kinds[SUITE_ROW_KINDS];
int suite_schema(const struct suite *suite, struct ArrowSchema *out, struct tow_error *err);
int suite_array(const struct suite *suite, const struct suite_rows *kind, struct ArrowArray *out,
                struct tow_error *err);
/* Takes over the columns that a sink names; where it names none, there are none to forget. */
int suite_name_columns(struct suite *suite, struct tow_error *err);
void suite_forget_columns(struct suite *suite);

/* One short load from open to close. */
typedef int suite_load(struct suite *suite, struct tow_error *err);

/* What a process has that is not the plugin's to change; NULL: out of memory. To be freed. */
struct suite_process *suite_process_new(void);

/* The checks. */
void suite_check_symbols(struct suite *suite);
void suite_check_options(struct suite *suite);
void suite_check_source(struct suite *suite);
void suite_check_types(struct suite *suite);
void suite_check_sink(struct suite *suite);
void suite_check_transform(struct suite *suite);
void suite_check_memory(struct suite *suite, suite_load *load);
void suite_check_process(struct suite *suite, const struct suite_process *before);

#endif
