#include <inttypes.h>
#include <string.h>

#include "cli/options_text.h"
#include "cli/plan.h"
#include "cli/reject_view.h"
#include "console/human.h"
#include "run/assembly/sample.h"
#include "run/assembly/words.h"

/* ---- columns -------------------------------------------------------------------------------- */

/* Appends ", name" or ", name "value"", without the comma where it is the first. */
static int plan_step(struct tow_buffer *out, const char *name, const char *value,
                     struct tow_error *err)
{
    int rc = out->size ? tow_buffer_append(out, ", ", 2, err) : TOW_OK;

    if (!rc)
        rc = value ? tow_buffer_printf(out, err, "%s \"%s\"", name, value)
                   : tow_buffer_printf(out, err, "%s", name);
    return rc;
}

int tow_plan_steps(struct tow_buffer *out, const struct tow_column_spec *spec,
                   struct tow_error *err)
{
    int rc = TOW_OK;

    out->size = 0;
    for (size_t i = 0; !rc && i < spec->null_if_count; i++)
        rc = plan_step(out, "null if", spec->null_if[i], err);
    if (!rc && spec->trim)
        rc = plan_step(out, "trim", NULL, err);
    if (!rc && spec->lower)
        rc = plan_step(out, "lower", NULL, err);
    if (!rc && spec->fallback)
        rc = plan_step(out, "default", spec->fallback, err);
    if (!rc && spec->hash_sha256)
        rc = plan_step(out, "hash sha256", NULL, err);
    if (!rc && spec->required)
        rc = plan_step(out, "required", NULL, err);
    if (!rc && spec->format)
        rc = plan_step(out, "format", spec->format, err);
    return rc ? rc : tow_buffer_append(out, "", 1, err);
}

void tow_plan_type(const struct tow_plan *plan, const struct tow_column_spec *spec,
                   char text[TOW_TYPE_TEXT_MAX])
{
    struct tow_field field;
    int64_t index = plan->out.release ? tow_schema_find(&plan->out, spec->name) : -1;

    if (index >= 0 && tow_schema_field(&plan->out, index, &field, NULL) == TOW_OK)
        tow_type_name(field.type, text);
    else if (spec->has_type)
        tow_type_name(spec->type, text);
    else
        strcpy(text, spec->value ? "string" : "as it is");
}

/* ---- sections ------------------------------------------------------------------------------- */

static const struct tow_table_column plan_pair[] = {{NULL, 0, 0}, {NULL, 0, 0}};
static const struct tow_table_column plan_triple[] = {{NULL, 0, 0}, {NULL, 0, 0}, {NULL, 0, 0}};

static int plan_print_plugin(const struct tow_plan *plan, const char *role,
                             const struct tow_plugin *plugin, const struct tow_setting *section,
                             struct tow_error *err)
{
    struct tow_table *table = tow_table_new(plan_triple, 3);

    printf("\n%s: %s %s\n", role, plugin->name, plugin->version);
    tow_options_table(table, plugin, section, plan->job->dir);
    return tow_table_print(table, 2, stdout, err);
}

static int plan_print_schema(const char *title, const struct ArrowSchema *schema,
                             struct tow_error *err)
{
    struct tow_table *table = tow_table_new(plan_triple, 3);
    char type[TOW_TYPE_TEXT_MAX];

    printf("\n%s:\n", title);
    for (int64_t i = 0; schema->release && i < schema->n_children; i++) {
        struct tow_field field;

        if (tow_schema_field(schema, i, &field, NULL))
            continue;
        tow_table_add(table, "%s", field.name);
        tow_table_add(table, "%s", tow_type_name(field.type, type));
        tow_table_add(table, "%s", field.not_null ? "not null" : "");
    }
    if (!schema->release) {
        tow_table_add(table, "known once the source is open");
        tow_table_end_row(table);
    }
    return tow_table_print(table, 2, stdout, err);
}

static int plan_print_mapping(const struct tow_plan *plan, struct tow_error *err)
{
    static const struct tow_table_column columns[] = {
        {"COLUMN", 0, 0}, {"TYPE", 0, 0}, {"FROM", 0, 0}, {"STEPS", 0, 0}};
    struct tow_table *table = tow_table_new(columns, 4);
    struct tow_buffer steps = {0};
    char type[TOW_TYPE_TEXT_MAX];
    int rc = TOW_OK;

    printf("\ncolumns:\n");
    for (size_t i = 0; !rc && i < plan->job->column_count; i++) {
        const struct tow_column_spec *spec = &plan->job->columns[i];

        tow_plan_type(plan, spec, type);
        tow_table_add(table, "%s", spec->name);
        tow_table_add(table, "%s", type);
        if (spec->value)
            tow_table_add(table, "\"%s\"", spec->value);
        else
            tow_table_add(table, "%s", spec->from);
        rc = tow_plan_steps(&steps, spec, err);
        if (!rc)
            tow_table_add(table, "%s", steps.data);
    }
    tow_buffer_release(&steps);
    int printed = tow_table_print(table, 2, stdout, rc ? NULL : err);
    return rc ? rc : printed;
}

static int plan_print_route(const struct tow_route_spec *route, struct tow_error *err)
{
    struct tow_table *table = tow_table_new(plan_pair, 2);

    printf("\nroute:\n");
    tow_table_add(table, "by");
    tow_table_add(table, "column %s%s", route->by,
                  route->keep_column ? "" : ", which the sink does not get");
    tow_table_add(table, "names");
    tow_table_add(table, "%s",
                  route->names == TOW_ROUTE_AS_IS ? "values as they are"
                  : route->collisions == TOW_ROUTE_SUFFIX
                      ? "identifiers, with a suffix where the value had to be changed"
                      : "identifiers; a value whose name another one has is rejected");
    tow_table_add(table, "null");
    if (route->null)
        tow_table_add(table, "as \"%s\", empty text too", route->null);
    else
        tow_table_add(table, "rejected, empty text too");
    tow_table_add(table, "routes");
    tow_table_add(table, "up to %" PRId64 " a load, %" PRId64 " open at once in a sink worker",
                  route->max, route->open);
    return tow_table_print(table, 2, stdout, err);
}

/* Words in options, which only an open source can replace. */
static void plan_print_words(const struct tow_plan *plan)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_words used;

    if (words_used(plan->assembly, &used, &err) || used.count == 0)
        return;
    printf("\nwords of source %s, asked for when it is open; checked as they are called:\n ",
           plan->assembly->source->name);
    for (size_t i = 0; i < used.count; i++)
        printf(" {%s}", used.items[i].name);
    putchar('\n');
}

static int plan_print_plugins(const struct tow_plan *plan, struct tow_error *err)
{
    const struct tow_assembly *assembly = plan->assembly;
    const struct tow_job *job = plan->job;
    int rc = plan_print_plugin(plan, "source", assembly->source, &job->source, err);

    if (!rc)
        rc = plan_print_schema("incoming columns", &plan->in, err);
    for (size_t i = 0; !rc && i < job->transform_count; i++)
        rc =
            plan_print_plugin(plan, "transform", assembly->transforms[i], &job->transforms[i], err);
    if (!rc && job->has_columns)
        rc = plan_print_mapping(plan, err);
    if (!rc)
        rc = plan_print_schema("outgoing columns", &plan->out, err);
    if (!rc)
        rc = plan_print_plugin(plan, "sink", assembly->sink, &job->sink, err);
    if (!rc && job->has_route)
        rc = plan_print_route(&job->route, err);
    if (!rc && assembly->results)
        rc = plan_print_plugin(plan, "results", assembly->results, &job->results, err);
    if (!rc)
        plan_print_words(plan);
    if (!rc && assembly->history)
        rc = plan_print_plugin(plan, "history", assembly->history, &job->history, err);
    return rc;
}

static void plan_add_state(const struct tow_plan *plan, struct tow_table *table)
{
    const struct tow_checkpoint *checkpoint = &plan->checkpoint;
    char text[TOW_HUMAN_MAX];

    tow_table_add(table, "state");
    if (!plan->has_checkpoint)
        tow_table_add(table, "no checkpoint: the run starts from nothing");
    else if (checkpoint->load_id[0])
        tow_table_add(table,
                      "the load of run %" PRId64 " is unfinished: the run goes on behind batch "
                      "%" PRIu64 " (saved %s)",
                      checkpoint->run, checkpoint->seq,
                      tow_human_moment(checkpoint->saved_us, text));
    else
        tow_table_add(table, "run %" PRId64 " was complete (saved %s): the run starts a new load%s",
                      checkpoint->run, tow_human_moment(checkpoint->saved_us, text),
                      checkpoint->position.length ? " behind it" : "");
}

/* What of `load` is set; the core takes a load to its end at the first of them. */
static void plan_load(struct tow_table *table, const struct tow_load_limits *load)
{
    struct tow_buffer text = {0};
    char limit[32];

    if (load->max_rows)
        tow_buffer_printf(&text, NULL, "%" PRId64 " rows", load->max_rows);
    tow_format_size(load->max_bytes, limit);
    if (load->max_bytes)
        tow_buffer_printf(&text, NULL, "%s%s", text.size ? " or " : "", limit);
    tow_format_duration(load->max_age_ms, limit);
    if (load->max_age_ms)
        tow_buffer_printf(&text, NULL, "%s%s", text.size ? " or " : "", limit);
    tow_table_add(table, "load");
    tow_table_add(table, "ends after %.*s, and the next one begins", (int)text.size,
                  text.data ? (const char *)text.data : "");
    tow_buffer_release(&text);
}

static int plan_print_rules(const struct tow_plan *plan, struct tow_error *err)
{
    const struct tow_job *job = plan->job;
    const struct tow_tuning *tuning = &job->tuning;
    const int64_t workers = tow_assembly_workers(plan->assembly);
    struct tow_table *table = tow_table_new(plan_pair, 2);
    char a[32], b[32], c[32];

    tow_format_duration(job->retry.base_ms, a);
    tow_format_duration(job->retry.cap_ms, b);
    tow_format_duration(job->retry.budget_ms, c);
    printf("\nrun:\n");
    plan_add_state(plan, table);
    tow_table_add(table, "retry");
    tow_table_add(table, "%" PRId64 " tries within %s, waits of %s up to %s", job->retry.tries, c,
                  a, b);
    tow_table_add(table, "rejects");
    if (job->max_rejects >= 0 && job->max_reject_percent >= 0)
        tow_table_add(table, "at most %" PRId64 " rows and %g%%", job->max_rejects,
                      job->max_reject_percent);
    else if (job->max_rejects >= 0)
        tow_table_add(table, "at most %" PRId64 " rows", job->max_rejects);
    else if (job->max_reject_percent >= 0)
        tow_table_add(table, "at most %g%%", job->max_reject_percent);
    else
        tow_table_add(table, "no limit");
    tow_format_size(tuning->batch_bytes, a);
    tow_format_size(tow_assembly_queue_bytes(plan->assembly), b);
    tow_table_add(table, "batches");
    tow_table_add(table, "up to %" PRId64 " rows or %s", tuning->batch_rows, a);
    tow_table_add(table, "in flight");
    tow_table_add(table, "up to %" PRId64 " batches or %s, %" PRId64 " sink worker%s",
                  tow_assembly_queue_batches(plan->assembly), b, workers, workers == 1 ? "" : "s");
    if (tow_job_rolls(job))
        plan_load(table, &job->load);
    tow_format_duration(tow_assembly_checkpoint_ms(plan->assembly), a);
    tow_format_duration(tuning->drain_ms, b);
    tow_table_add(table, "checkpoint");
    tow_table_add(table, "every %s; %s to finish when stopped", a, b);
    return tow_table_print(table, 2, stdout, err);
}

/* ---- rows ----------------------------------------------------------------------------------- */

static int plan_show_row(void *context, const char *json, size_t length)
{
    (void)context;
    printf("  %.*s\n", (int)length, json);
    return 0;
}

static int plan_show_reject(void *context, const char *line, size_t length)
{
    struct tow_reject_line *reject = context;
    int rc = tow_reject_line_parse(reject, line, length, NULL);

    if (rc)
        return rc;
    fputs("  rejected: ", stdout);
    tow_reject_view_print(reject, "            ");
    return 0;
}

static int plan_print_rows(const struct tow_plan *plan, struct tow_error *err)
{
    struct tow_reject_line reject = {0};
    const struct tow_sample sample = {plan_show_row, plan_show_reject, &reject};

    printf("\nfirst rows, as they would reach the sink:\n");
    int rc = tow_sample_run(plan->assembly, plan->rows, &sample, err);
    tow_reject_line_release(&reject);
    return rc;
}

int tow_plan_text(const struct tow_plan *plan, struct tow_error *err)
{
    printf("job %s (%s)\n", plan->job->name, plan->job->path);
    int rc = plan_print_plugins(plan, err);
    if (!rc)
        rc = plan_print_rules(plan, err);
    if (!rc && plan->rows > 0)
        rc = plan_print_rows(plan, err);
    return rc;
}
