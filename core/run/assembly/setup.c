#include "run/assembly/setup.h"

#include <stdlib.h>
#include <string.h>

#include "run/assembly/assembly_priv.h"
#include "run/assembly/setup_columns.h"
#include "run/assembly/words.h"
#include "run/backoff.h"
#include "run/history.h"
#include "run/host.h"
#include "run/results.h"

struct setup {
    struct tow_assembly *assembly;
    const struct tow_setup_options *options;
    struct tow_setup_report *report;
    struct tow_words words; /* of the source, that sinks' options use */
};

/* A section and its plugin. */
struct setup_part {
    struct setup *setup;
    const char *section;
    const struct tow_plugin *plugin;
    const struct tow_setting *setting;
};

/* An instance at work, and what it is to do. */
struct setup_call {
    struct tow_setup asked; /* core points back here */
    const struct setup_part *part;
    struct tow_instance instance;
    struct tow_host_box box;
    struct tow_words *words; /* to be asked for */
};

/* ---- the report ----------------------------------------------------------------------------- */

static int setup_report_add(const struct setup_part *part, int outcome, const char *thing,
                            const char *statement)
{
    struct tow_setup_report *report = part->setup->report;

    if (report->count == report->capacity) {
        size_t capacity = report->capacity ? report->capacity * 2 : 8;
        void *steps = reallocarray(report->steps, capacity, sizeof *report->steps);

        if (!steps)
            return TOW_E_NOMEM;
        report->steps = steps;
        report->capacity = capacity;
    }
    struct tow_setup_step *step = &report->steps[report->count++];
    *step = (struct tow_setup_step){
        .section = part->section,
        .plugin = part->plugin->name,
        .outcome = outcome,
        .thing = thing ? strdup(thing) : NULL,
        .statement = statement ? strdup(statement) : NULL,
    };
    return (thing && !step->thing) || (statement && !step->statement) ? TOW_E_NOMEM : TOW_OK;
}

/* A try that came after one which failed midway finds what that one made: it was made just now. */
static int setup_is_said(const struct setup_part *part, const char *thing)
{
    const struct tow_setup_report *report = part->setup->report;

    for (size_t i = 0; i < report->count; i++)
        if (report->steps[i].section == part->section && report->steps[i].thing &&
            strcmp(report->steps[i].thing, thing) == 0)
            return 1;
    return 0;
}

static int32_t setup_say(const struct tow_setup *asked, int32_t outcome, const char *thing,
                         const char *statement)
{
    const struct setup_call *call = asked->core;

    if (outcome == TOW_SETUP_EXISTS && setup_is_said(call->part, thing))
        return TOW_OK;
    return setup_report_add(call->part, outcome, thing, statement);
}

void tow_setup_report_release(struct tow_setup_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free(report->steps[i].thing);
        free(report->steps[i].statement);
    }
    free(report->steps);
    *report = (struct tow_setup_report){0};
}

/* ---- calling a plugin ----------------------------------------------------------------------- */

static int setup_has_words(const struct setup_part *part)
{
    return strcmp(part->section, "sink") == 0 || strcmp(part->section, "results") == 0;
}

static int setup_call_init(struct setup_call *call, const struct setup_part *part,
                           const struct setup_columns *columns, struct tow_error *err)
{
    const struct tow_job *job = part->setup->assembly->job;
    struct tow_diags known = {0};

    *call = (struct setup_call){.part = part, .words = &part->setup->words};
    call->asked = (struct tow_setup){
        .size = sizeof call->asked,
        .is_dry_run = part->setup->options->is_dry_run,
        .columns = columns && columns->schema.release ? &columns->schema : NULL,
        .shapes = columns ? (const char *const *)columns->shapes : NULL,
        .core = call,
        .say = setup_say,
    };
    int rc = tow_instance_init(&call->instance, part->plugin, part->setting, job->dir, &known, err);
    if (!rc)
        rc = tow_diags_error(&known, err);
    tow_diags_release(&known);
    if (!rc && setup_has_words(part))
        rc = tow_instance_fill(&call->instance, &part->setup->words, err);
    tow_host_init(&call->box, job, part->section, part->plugin);
    call->box.cancel = part->setup->options->cancel;
    return rc;
}

typedef int setup_try(struct setup_call *call, struct ArrowSchema *out, struct tow_error *err);

static int setup_try_source(struct setup_call *call, struct ArrowSchema *out, struct tow_error *err)
{
    const struct tow_plugin *plugin = call->part->plugin;
    int rc = tow_source_setup(plugin)(call->instance.self, &call->box.host, &call->asked, out, err);

    rc = tow_host_result(&call->box, "setup", rc, err);
    if (plugin->source->close)
        plugin->source->close(call->instance.self);
    return rc;
}

static int setup_try_sink(struct setup_call *call, struct ArrowSchema *out, struct tow_error *err)
{
    const struct tow_plugin *plugin = call->part->plugin;
    int rc = tow_sink_setup(plugin)(call->instance.self, &call->box.host, &call->asked, err);

    (void)out;
    rc = tow_host_result(&call->box, "setup", rc, err);
    if (plugin->sink->close)
        plugin->sink->close(call->instance.self);
    return rc;
}

/* TOW_END where the columns can only be told by consuming input. */
static int setup_open_source(struct setup_call *call, struct ArrowSchema *out,
                             struct tow_error *err)
{
    static const struct tow_position none = {.size = sizeof none};
    const struct tow_source_ops *ops = call->part->plugin->source;
    int rc = ops->open(call->instance.self, &call->box.host, &none, err);

    rc = tow_host_result(&call->box, "open", rc, err);
    if (rc)
        return rc;
    tow_host_clear(err);
    rc = ops->schema(call->instance.self, out, err);
    return rc == TOW_END ? TOW_END : tow_host_result(&call->box, "schema", rc, err);
}

static void setup_close_source(struct setup_call *call)
{
    const struct tow_source_ops *ops = call->part->plugin->source;

    if (ops->close)
        ops->close(call->instance.self);
}

/* The columns of a source that makes nothing. */
static int setup_try_schema(struct setup_call *call, struct ArrowSchema *out, struct tow_error *err)
{
    int rc = setup_open_source(call, out, err);

    setup_close_source(call);
    return rc;
}

/* The words that options of sinks use: only an open source knows them. */
static int setup_try_words(struct setup_call *call, struct ArrowSchema *out, struct tow_error *err)
{
    struct tow_words *words = call->words;
    struct ArrowSchema schema = {0};
    int rc = setup_open_source(call, &schema, err);

    (void)out;
    for (size_t i = 0; rc >= TOW_OK && i < words->count; i++)
        rc = words_ask(call->part->plugin, call->instance.self, &call->box, &words->items[i], err);
    setup_close_source(call);
    if (schema.release)
        schema.release(&schema);
    return rc < TOW_OK ? rc : TOW_OK;
}

/* Columns that are no columns are the plugin's fault. */
static int setup_vet(const struct setup_call *call, struct ArrowSchema *out, struct tow_error *err)
{
    if (!out->release)
        return TOW_OK;
    int rc = tow_schema_validate(out, err);
    return rc ? tow_error_prefix(err, "%s", call->box.area) : TOW_OK;
}

/* Tries, each time with a new instance, as long as the job's `retry` has it. TOW_END passes. */
static int setup_part(const struct setup_part *part, setup_try *try,
                      const struct setup_columns *columns, struct ArrowSchema *out,
                      struct tow_error *err)
{
    const struct setup *setup = part->setup;
    struct tow_backoff backoff;

    tow_backoff_init(&backoff, &setup->assembly->job->retry);
    for (;;) {
        struct setup_call call;
        int rc = setup_call_init(&call, part, columns, err);

        if (!rc) {
            tow_host_clear(err);
            rc = try(&call, out, err);
        }
        if (!rc && out)
            rc = setup_vet(&call, out, err);
        tow_instance_release(&call.instance);
        if (rc && out && out->release)
            out->release(out);
        if (rc >= TOW_OK ||
            tow_backoff_next(&backoff, err, setup->options->cancel) != TOW_BACKOFF_AGAIN)
            return rc < TOW_OK ? err->code : rc;
    }
}

/* ---- the source ----------------------------------------------------------------------------- */

static int setup_note(const struct setup_part *part, int outcome, struct tow_error *err)
{
    return setup_report_add(part, outcome, NULL, NULL) ? tow_error_nomem(err) : TOW_OK;
}

/* 1 where a section behind the source wants to know its columns. */
static int setup_needs_schema(const struct tow_assembly *assembly)
{
    return tow_sink_setup(assembly->sink) != NULL ||
           (assembly->results && tow_sink_setup(assembly->results));
}

/* *schema stays released where nobody can know it. */
static int setup_source(struct setup *setup, struct ArrowSchema *schema, struct tow_error *err)
{
    struct tow_assembly *assembly = setup->assembly;
    const struct setup_part part = {setup, "source", assembly->source, &assembly->job->source};
    const size_t before = setup->report->count;
    struct setup_columns columns = {.count = 0};
    int rc = TOW_OK;

    if (tow_source_setup(part.plugin)) {
        rc = setup_columns_find(assembly, &columns, err);
        if (!rc)
            rc = setup_part(&part, setup_try_source, &columns, schema, err);
        setup_columns_release(&columns);
    }
    if (!rc && setup->report->count == before)
        rc = setup_note(&part, TOW_SETUP_NOTHING, err);
    if (!rc && !schema->release && setup_needs_schema(assembly))
        rc = setup_part(&part, setup_try_schema, NULL, schema, err);
    return rc > TOW_OK ? TOW_OK : rc;
}

static int setup_words(struct setup *setup, struct tow_error *err)
{
    struct tow_assembly *assembly = setup->assembly;
    const struct setup_part part = {setup, "source", assembly->source, &assembly->job->source};
    int rc = words_used(assembly, &setup->words, err);

    return rc || setup->words.count == 0 ? rc : setup_part(&part, setup_try_words, NULL, NULL, err);
}

/* ---- sinks ---------------------------------------------------------------------------------- */

/* `schema` is what rows will have; released where nobody can know it. */
static int setup_sink(const struct setup_part *part, const struct ArrowSchema *schema,
                      struct tow_error *err)
{
    const size_t before = part->setup->report->count;
    struct setup_columns columns = {.count = 0};
    int rc;

    if (!tow_sink_setup(part->plugin))
        return setup_note(part, TOW_SETUP_NOTHING, err);
    /* What a route's name is stands in its rows: the sink makes its place when they come. */
    if (part->setup->assembly->job->has_route && strcmp(part->section, "sink") == 0)
        return setup_note(part, TOW_SETUP_ROUTED, err);
    if (!schema->release)
        return setup_note(part, TOW_SETUP_UNKNOWN, err);
    rc = setup_columns_plain(schema, &columns, err);
    if (!rc)
        rc = setup_part(part, setup_try_sink, &columns, NULL, err);
    setup_columns_release(&columns);
    return !rc && part->setup->report->count == before ? setup_note(part, TOW_SETUP_NOTHING, err)
                                                       : rc;
}

/* From the source's columns to those that go out; they are replaced. */
static int setup_outgoing(struct setup *setup, struct ArrowSchema *schema, struct tow_error *err)
{
    struct tow_diags diags = {0};
    int rc = TOW_OK;

    if (schema->release)
        rc = assembly_way(setup->assembly, schema, &diags, err);
    if (!rc)
        rc = tow_diags_error(&diags, err);
    tow_diags_release(&diags);
    return rc;
}

static int setup_results(struct setup *setup, const struct ArrowSchema *in, struct tow_error *err)
{
    const struct tow_assembly *assembly = setup->assembly;
    const struct setup_part part = {setup, "results", assembly->results, &assembly->job->results};
    struct ArrowSchema schema = {0};
    int rc = TOW_OK;

    if (!assembly->results)
        return TOW_OK;
    if (in->release)
        rc = results_schema(in, &schema, err);
    if (!rc)
        rc = setup_sink(&part, &schema, err);
    if (schema.release)
        schema.release(&schema);
    return rc;
}

static int setup_history(struct setup *setup, struct tow_error *err)
{
    const struct tow_assembly *assembly = setup->assembly;
    const struct setup_part part = {setup, "history", assembly->history, &assembly->job->history};
    struct ArrowSchema schema = {0};

    if (!assembly->history)
        return TOW_OK;
    int rc = history_schema(&schema, err);
    if (!rc)
        rc = setup_sink(&part, &schema, err);
    if (schema.release)
        schema.release(&schema);
    return rc;
}

/* ---- the whole ------------------------------------------------------------------------------ */

int tow_setup_job(struct tow_assembly *assembly, const struct tow_setup_options *options,
                  struct tow_setup_report *report, struct tow_error *err)
{
    struct setup setup = {.assembly = assembly, .options = options, .report = report};
    const struct setup_part sink = {&setup, "sink", assembly->sink, &assembly->job->sink};
    struct ArrowSchema in = {0}, out = {0};
    int rc;

    *report = (struct tow_setup_report){0};
    rc = setup_source(&setup, &in, err);
    if (!rc)
        rc = setup_words(&setup, err);
    if (!rc && in.release)
        rc = tow_schema_copy(&out, &in, err);
    if (!rc)
        rc = setup_outgoing(&setup, &out, err);
    if (!rc)
        rc = setup_sink(&sink, &out, err);
    if (!rc)
        rc = setup_results(&setup, &in, err);
    if (!rc)
        rc = setup_history(&setup, err);
    if (in.release)
        in.release(&in);
    if (out.release)
        out.release(&out);
    return rc;
}
