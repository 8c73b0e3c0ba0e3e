#include "cli/options_text.h"
#include "cli/plan.h"
#include "run/assembly/sample.h"
#include "run/assembly/words.h"

static void plan_doc_schema(struct tow_doc *doc, const char *key, const struct ArrowSchema *schema)
{
    char type[TOW_TYPE_TEXT_MAX];

    if (!schema->release) {
        tow_doc_text(doc, key, NULL);
        return;
    }
    tow_doc_open(doc, key, '[');
    for (int64_t i = 0; i < schema->n_children; i++) {
        struct tow_field field;

        if (tow_schema_field(schema, i, &field, NULL))
            continue;
        tow_doc_open(doc, NULL, '{');
        tow_doc_text(doc, "name", field.name);
        tow_doc_text(doc, "type", tow_type_name(field.type, type));
        tow_doc_bool(doc, "not_null", field.not_null);
        tow_doc_close(doc, '}');
    }
    tow_doc_close(doc, ']');
}

static void plan_doc_plugin(const struct tow_plan *plan, struct tow_doc *doc, const char *key,
                            const struct tow_plugin *plugin, const struct tow_setting *section)
{
    tow_doc_open(doc, key, '{');
    tow_doc_text(doc, "plugin", plugin->name);
    tow_doc_text(doc, "version", plugin->version);
    tow_options_doc(doc, "options", plugin, section, plan->job->dir);
    tow_doc_close(doc, '}');
}

static void plan_doc_route(const struct tow_plan *plan, struct tow_doc *doc)
{
    const struct tow_route_spec *route = &plan->job->route;

    if (!plan->job->has_route) {
        tow_doc_text(doc, "route", NULL);
        return;
    }
    tow_doc_open(doc, "route", '{');
    tow_doc_text(doc, "by", route->by);
    tow_doc_text(doc, "names", route->names == TOW_ROUTE_AS_IS ? "as_is" : "identifier");
    tow_doc_text(doc, "collisions", route->collisions == TOW_ROUTE_SUFFIX ? "suffix" : "reject");
    tow_doc_text(doc, "null", route->null);
    tow_doc_int(doc, "max", route->max);
    tow_doc_int(doc, "open", route->open);
    tow_doc_bool(doc, "keep_column", route->keep_column);
    tow_doc_close(doc, '}');
}

/* Words in options, which only an open source can replace. */
static void plan_doc_words(const struct tow_plan *plan, struct tow_doc *doc)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_words used = {0};

    if (words_used(plan->assembly, &used, &err))
        used.count = 0;
    tow_doc_open(doc, "words", '[');
    for (size_t i = 0; i < used.count; i++)
        tow_doc_text(doc, NULL, used.items[i].name);
    tow_doc_close(doc, ']');
}

static int plan_doc_mapping(const struct tow_plan *plan, struct tow_doc *doc, struct tow_error *err)
{
    struct tow_buffer steps = {0};
    char type[TOW_TYPE_TEXT_MAX];
    int rc = TOW_OK;

    tow_doc_open(doc, "columns", '[');
    for (size_t i = 0; !rc && i < plan->job->column_count; i++) {
        const struct tow_column_spec *spec = &plan->job->columns[i];

        rc = tow_plan_steps(&steps, spec, err);
        if (rc)
            break;
        tow_plan_type(plan, spec, type);
        tow_doc_open(doc, NULL, '{');
        tow_doc_text(doc, "name", spec->name);
        tow_doc_text(doc, "type", type);
        tow_doc_text(doc, "from", spec->value ? NULL : spec->from);
        tow_doc_text(doc, "value", spec->value);
        tow_doc_text(doc, "steps", steps.data);
        tow_doc_close(doc, '}');
    }
    tow_doc_close(doc, ']');
    tow_buffer_release(&steps);
    return rc;
}

static void plan_doc_limit(struct tow_doc *doc, const char *key, double limit)
{
    if (limit >= 0)
        tow_doc_real(doc, key, limit);
    else
        tow_doc_text(doc, key, NULL);
}

static void plan_doc_rules(const struct tow_plan *plan, struct tow_doc *doc)
{
    const struct tow_job *job = plan->job;

    if (plan->has_checkpoint) {
        tow_doc_open(doc, "state", '{');
        tow_doc_int(doc, "run", plan->checkpoint.run);
        tow_doc_time(doc, "saved", plan->checkpoint.saved_us);
        tow_doc_bool(doc, "unfinished", plan->checkpoint.load_id[0] != '\0');
        tow_doc_int(doc, "batches", (int64_t)plan->checkpoint.seq);
        tow_doc_close(doc, '}');
    } else {
        tow_doc_text(doc, "state", NULL);
    }
    tow_doc_open(doc, "retry", '{');
    tow_doc_int(doc, "tries", job->retry.tries);
    tow_doc_int(doc, "base_ms", job->retry.base_ms);
    tow_doc_int(doc, "cap_ms", job->retry.cap_ms);
    tow_doc_int(doc, "budget_ms", job->retry.budget_ms);
    tow_doc_close(doc, '}');
    tow_doc_open(doc, "rejects", '{');
    plan_doc_limit(doc, "max", (double)job->max_rejects);
    plan_doc_limit(doc, "max_percent", job->max_reject_percent);
    tow_doc_close(doc, '}');
    tow_doc_open(doc, "pipeline", '{');
    tow_doc_int(doc, "batch_rows", job->tuning.batch_rows);
    tow_doc_int(doc, "batch_bytes", job->tuning.batch_bytes);
    tow_doc_int(doc, "queue_batches", tow_assembly_queue_batches(plan->assembly));
    tow_doc_int(doc, "queue_bytes", tow_assembly_queue_bytes(plan->assembly));
    tow_doc_int(doc, "workers", tow_assembly_workers(plan->assembly));
    tow_doc_int(doc, "checkpoint_ms", tow_assembly_checkpoint_ms(plan->assembly));
    tow_doc_int(doc, "drain_ms", job->tuning.drain_ms);
    tow_doc_close(doc, '}');
    tow_doc_open(doc, "load", '{');
    tow_doc_nonzero(doc, "max_rows", job->load.max_rows);
    tow_doc_nonzero(doc, "max_bytes", job->load.max_bytes);
    tow_doc_nonzero(doc, "max_age_ms", job->load.max_age_ms);
    tow_doc_close(doc, '}');
}

static int plan_doc_row(void *context, const char *json, size_t length)
{
    tow_doc_open(context, NULL, '{');
    tow_doc_raw(context, "row", json, length);
    tow_doc_close(context, '}');
    return 0;
}

static int plan_doc_reject(void *context, const char *line, size_t length)
{
    tow_doc_open(context, NULL, '{');
    tow_doc_raw(context, "rejected", line, length);
    tow_doc_close(context, '}');
    return 0;
}

static int plan_doc_rows(const struct tow_plan *plan, struct tow_doc *doc, struct tow_error *err)
{
    const struct tow_sample sample = {plan_doc_row, plan_doc_reject, doc};

    if (plan->rows == 0) {
        tow_doc_text(doc, "rows", NULL);
        return TOW_OK;
    }
    tow_doc_open(doc, "rows", '[');
    int rc = tow_sample_run(plan->assembly, plan->rows, &sample, err);
    tow_doc_close(doc, ']');
    return rc;
}

int tow_plan_json(const struct tow_plan *plan, struct tow_error *err)
{
    const struct tow_assembly *assembly = plan->assembly;
    const struct tow_job *job = plan->job;
    struct tow_doc doc = {.to = stdout};
    int rc = TOW_OK;

    tow_doc_open(&doc, NULL, '{');
    tow_doc_text(&doc, "job", job->name);
    tow_doc_text(&doc, "file", job->path);
    plan_doc_plugin(plan, &doc, "source", assembly->source, &job->source);
    plan_doc_schema(&doc, "incoming", &plan->in);
    tow_doc_open(&doc, "transforms", '[');
    for (size_t i = 0; i < job->transform_count; i++)
        plan_doc_plugin(plan, &doc, NULL, assembly->transforms[i], &job->transforms[i]);
    tow_doc_close(&doc, ']');
    if (job->has_columns)
        rc = plan_doc_mapping(plan, &doc, err);
    else
        tow_doc_text(&doc, "columns", NULL);
    plan_doc_schema(&doc, "outgoing", &plan->out);
    plan_doc_plugin(plan, &doc, "sink", assembly->sink, &job->sink);
    if (assembly->results)
        plan_doc_plugin(plan, &doc, "results", assembly->results, &job->results);
    else
        tow_doc_text(&doc, "results", NULL);
    if (assembly->history)
        plan_doc_plugin(plan, &doc, "history", assembly->history, &job->history);
    else
        tow_doc_text(&doc, "history", NULL);
    plan_doc_route(plan, &doc);
    plan_doc_words(plan, &doc);
    plan_doc_rules(plan, &doc);
    if (!rc)
        rc = plan_doc_rows(plan, &doc, err);
    tow_doc_close(&doc, '}');
    int ended = tow_doc_end(&doc, rc ? NULL : err);
    return rc ? rc : ended;
}
