/* The daemon's answers in JSON. */
#ifndef CORE_DAEMON_API_H
#define CORE_DAEMON_API_H

#include "daemon/daemon.h"

/* A body on the heap, from malloc. */
struct tow_body {
    char *text;
    size_t length;
};

#define TOW_API_RUNS_MAX 1000

/* TOW_E_NOMEM, or what the state said. */
int tow_api_jobs(struct tow_daemon *daemon, struct tow_body *body, struct tow_error *err);
/* job: NULL for all. */
int tow_api_runs(struct tow_daemon *daemon, const char *job, int64_t last, struct tow_body *body,
                 struct tow_error *err);
/* {"job":...,"started":true,"pid":...} */
int tow_api_started(const struct tow_daemon_job *job, struct tow_body *body, struct tow_error *err);
/* {"ready":...,"reason":...} */
int tow_api_ready(const struct tow_daemon *daemon, struct tow_body *body, struct tow_error *err);
/* {"error":...} */
int tow_api_error(const char *message, struct tow_body *body, struct tow_error *err);

#endif
