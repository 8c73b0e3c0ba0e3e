/* Plugin instances in use, and the calls that the sinks of a job and its results have in common. */
#include "run/run_priv.h"

int run_open_instance(struct run *run, struct run_instance *instance,
                      const struct tow_plugin *plugin, const struct tow_setting *section,
                      const char *role, struct tow_error *err)
{
    const struct tow_run_options *options = run->options;
    struct tow_host_box *box = &instance->box;
    struct tow_diags diags = {0};
    int rc = tow_instance_init(&instance->instance, plugin, section, run->job->dir, &diags, err);

    if (!rc)
        rc = tow_diags_error(&diags, err);
    tow_diags_release(&diags);
    tow_host_init(box, run->job, role, plugin);
    box->host.load_id = run->load_id;
    box->host.replay = options->replay_of != 0;
    if (options->limit >= 0 && options->limit < run->job->tuning.batch_rows)
        box->host.batch_rows = options->limit ? (uint32_t)options->limit : 1;
    box->cancel = &run->hard;
    box->asked = options->abort;
    box->state = run->state;
    box->overlay = run->overlay;
    box->ledger_job = run->key;
    return rc;
}

void run_close_instance(struct run_instance *instance)
{
    tow_instance_release(&instance->instance);
    instance->opened = 0;
}

int run_retry(struct run *run, struct tow_backoff *backoff, struct tow_error *err)
{
    if (tow_backoff_next(backoff, err, &run->stop) != TOW_BACKOFF_AGAIN)
        return 0;
    run_count_retry(run);
    return 1;
}

/* ---- sinks ---------------------------------------------------------------------------------- */

int run_try_sink(struct run_instance *sink, const struct tow_position *token,
                 const struct ArrowSchema *schema, struct tow_error *err)
{
    const struct tow_sink_ops *ops = sink->instance.plugin->sink;

    sink->opened = 1;
    tow_host_clear(err);
    int rc = ops->open(sink->instance.self, &sink->box.host, token, err);
    rc = tow_host_result(&sink->box, "open", rc, err);
    if (rc)
        return rc;
    tow_host_clear(err);
    rc = ops->begin(sink->instance.self, &sink->box.host, schema, err);
    return tow_host_result(&sink->box, "begin", rc, err);
}

int run_open_sink(struct run *run, const struct run_sink *what, struct run_instance *sink,
                  struct tow_error *err)
{
    struct tow_backoff backoff;

    tow_backoff_init(&backoff, &run->job->retry);
    for (;;) {
        int rc = run_open_instance(run, sink, what->plugin, what->section, what->role, err);

        if (!rc)
            rc = tow_instance_fill(&sink->instance, &run->words, err);
        if (rc)
            return rc;
        if (what->prepare)
            what->prepare(sink->instance.self, what->context);
        sink->box.host.worker = what->worker;
        sink->box.host.workers = what->workers;
        sink->box.settle = what->settle;
        sink->box.keep = what->keep;
        sink->box.context = what->context;
        rc = run_try_sink(sink, what->token, what->schema, err);
        if (!rc)
            return TOW_OK;
        if (!run_retry(run, &backoff, err))
            return err->code;
        run_close_sink(sink);
    }
}

int run_flush_sink(struct run_instance *sink, struct tow_position *token, struct tow_error *err)
{
    struct tow_position made = {.size = sizeof made};

    tow_host_clear(err);
    int rc = sink->instance.plugin->sink->flush(sink->instance.self, &made, err);
    rc = tow_host_result(&sink->box, "flush", rc, err);
    if (!rc && made.length > TOW_POSITION_MAX)
        rc = tow_error_set(err, TOW_E_BUG, "%s: flush: a token of %u bytes; at most %d are allowed",
                           sink->box.area, made.length, TOW_POSITION_MAX);
    if (!rc)
        *token = made;
    return rc;
}

int run_finish_sink(struct run *run, struct run_instance *sink, struct tow_error *err)
{
    const struct tow_sink_ops *ops = sink->instance.plugin->sink;
    struct tow_backoff backoff;

    if (!ops->finish)
        return TOW_OK;
    tow_backoff_init(&backoff, &run->job->retry);
    for (;;) {
        tow_host_clear(err);
        int rc = ops->finish(sink->instance.self, err);
        rc = tow_host_result(&sink->box, "finish", rc, err);
        if (rc == TOW_OK)
            return TOW_OK;
        if (!run_retry(run, &backoff, err))
            return err->code;
    }
}

void run_close_sink(struct run_instance *sink)
{
    if (sink->opened && sink->instance.plugin->sink->close)
        sink->instance.plugin->sink->close(sink->instance.self);
    run_close_instance(sink);
}
