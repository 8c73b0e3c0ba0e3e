/* Instances under test, and what their host notes down. */
#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conformance/suite.h"

/* ---- the host's side ------------------------------------------------------------------------ */

static int instance_misuse(struct suite_instance *instance, const char *what)
{
    if (!instance->misuse)
        instance->misuse = what;
    return TOW_E_BUG;
}

static int instance_on_reject(void *context, const struct tow_source_reject *row)
{
    struct suite_instance *instance = context;

    if (row->size < sizeof *row)
        return instance_misuse(instance, "a rejected row that does not state its size");
    if (!row->code || !row->message)
        return instance_misuse(instance, "a row was rejected without code and message");
    instance->rejected++;
    return TOW_OK;
}

static int instance_may_settle(const struct suite_instance *instance, int outcome)
{
    if (outcome == TOW_ROW_REJECTED)
        return 1;
    return outcome == (strcmp(instance->role, "sink") == 0 ? TOW_ROW_ACCEPTED : TOW_ROW_FILTERED);
}

static int instance_on_settle(void *context, uint64_t seq, int64_t first, int64_t count,
                              int outcome, const char *code, const char *message)
{
    struct suite_instance *instance = context;

    if (seq < 1 || seq > SUITE_BATCHES || instance->offered[seq - 1] == 0)
        return instance_misuse(instance, "a row was settled of a batch that it was not given");
    if (first < 0 || count < 0 || first > instance->offered[seq - 1] ||
        count > instance->offered[seq - 1] - first)
        return instance_misuse(instance, "a row was settled that is not in the batch");
    if (!instance_may_settle(instance, outcome))
        return instance_misuse(instance,
                               "a row was settled with an outcome that is not its to say");
    if (outcome == TOW_ROW_REJECTED && (!code || !message))
        return instance_misuse(instance, "a row was rejected without code and message");
    for (int64_t row = first; row < first + count; row++) {
        if (instance->fates[seq - 1][row])
            return instance_misuse(instance, "a row was settled twice");
        instance->fates[seq - 1][row] = (unsigned char)outcome;
        instance->settled[seq - 1]++;
    }
    return TOW_OK;
}

static int64_t instance_now_us(const struct tow_host *host)
{
    const struct tow_host_box *box = host->core;

    return ((const struct suite_instance *)box->context)->now_us;
}

/* ---- instances ------------------------------------------------------------------------------ */

int suite_instance_init(struct suite *suite, struct suite_instance *instance, const char *role,
                        struct tow_error *err)
{
    struct tow_diags diags = {0};

    *instance = (struct suite_instance){.cancel.fd = -1, .role = role, .now_us = suite->now_us};
    int rc = tow_instance_init(&instance->instance, suite->plugin, &suite->section, suite->job.dir,
                               &diags, err);
    if (!rc)
        rc = tow_diags_error(&diags, err);
    tow_diags_release(&diags);
    if (!rc)
        rc = tow_cancel_init(&instance->cancel, err);
    if (rc) {
        tow_instance_release(&instance->instance);
        return rc;
    }
    tow_host_init(&instance->box, &suite->job, role, suite->plugin);
    instance->box.host.load_id = "0123456789abcdef";
    instance->box.overlay = suite->overlay;
    instance->box.cancel = &instance->cancel;
    instance->box.reject = strcmp(role, "source") == 0 ? instance_on_reject : NULL;
    instance->box.settle = strcmp(role, "source") == 0 ? NULL : instance_on_settle;
    instance->box.host.now_us = instance_now_us;
    instance->box.context = instance;
    instance->page = suite->page;
    return TOW_OK;
}

static void instance_close(const struct suite_instance *instance)
{
    const struct tow_plugin *plugin = instance->instance.plugin;
    void (*close)(void *self);

    if (strcmp(instance->role, "source") == 0)
        close = plugin->source->close;
    else if (strcmp(instance->role, "sink") == 0)
        close = plugin->sink->close;
    else
        close = plugin->transform->close;
    if (!close)
        return;
    suite_calling(instance, "close");
    close(instance->instance.self);
}

void suite_calling(const struct suite_instance *instance, const char *call)
{
    watch_call(instance->page, call, instance->role);
}

void suite_instance_release(struct suite_instance *instance, int opened)
{
    if (opened)
        instance_close(instance);
    tow_instance_release(&instance->instance);
    tow_cancel_release(&instance->cancel);
}

int suite_result(const struct suite_instance *instance, const char *call, int rc,
                 struct tow_error *err)
{
    rc = tow_host_result(&instance->box, call, rc, err);
    if (!instance->misuse)
        return rc;
    return tow_error_set(err, TOW_E_BUG, "%s: %s: %s", instance->box.area, call, instance->misuse);
}

/* ---- a call that may hang ------------------------------------------------------------------- */

struct instance_call {
    int (*call)(void *context);
    void *context;
    int rc;
};

static void *instance_call_main(void *context)
{
    struct instance_call *call = context;

    call->rc = call->call(call->context);
    return NULL;
}

int suite_within_a_second(struct suite *suite, int (*call)(void *context), void *context, int *rc)
{
    struct instance_call *made = malloc(sizeof *made);
    struct timespec end;
    pthread_t thread;

    *rc = TOW_E_NOMEM;
    if (!made)
        return 1;
    *made = (struct instance_call){.call = call, .context = context};
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec++;
    if (pthread_create(&thread, NULL, instance_call_main, made)) {
        free(made);
        return 1;
    }
    if (pthread_timedjoin_np(thread, NULL, &end)) {
        pthread_detach(thread);
        suite->hung = 1;
        return 0;
    }
    *rc = made->rc;
    free(made);
    return 1;
}

int suite_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}
