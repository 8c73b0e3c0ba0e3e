/*
 * What the checks share: the module under test, fresh instances of it, and the report.
 */
#ifndef CORE_CONFORMANCE_SUITE_H
#define CORE_CONFORMANCE_SUITE_H

#include <stdio.h>

#include "config/options.h"
#include "run/cancel.h"
#include "run/host.h"

struct suite {
    const char *path;
    const struct tow_plugin *plugin;
    struct tow_job job; /* as much of one as hosts and instances need */
    struct tow_setting section;
    FILE *out;
    int passed, failed, skipped;
};

/* Reports. `why` may be empty where it passed. */
void suite_pass(struct suite *suite, const char *what);
void suite_fail(struct suite *suite, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void suite_skip(struct suite *suite, const char *what, const char *why);

/* An instance with the suite's options and a host of its own. */
struct suite_instance {
    struct tow_instance instance;
    struct tow_host_box box;
    struct tow_cancel cancel;
    int64_t rejected; /* rows that the source rejected */
    int64_t settled;  /* rows that the sink settled */
    int64_t offered;  /* rows of the batch that is being written */
    uint64_t seq;     /* of that batch */
    int misuse;       /* 1: a call to the host was out of place */
};

int suite_instance_init(struct suite *suite, struct suite_instance *instance, const char *role,
                        struct tow_error *err);
/* Calls close where `opened`, and frees. */
void suite_instance_release(struct suite_instance *instance, const char *role, int opened);

/* The checks. */
void suite_check_symbols(struct suite *suite);
void suite_check_options(struct suite *suite);
void suite_check_source(struct suite *suite);
void suite_check_sink(struct suite *suite);

#endif
