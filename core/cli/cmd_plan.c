/* `towpath plan`: what a run would do. Sends and writes nothing. */
#include "cli/cli.h"
#include "cli/plan.h"

#define PLAN_ROWS_SHOWN 5
#define PLAN_ROWS_MAX   10000

struct plan_options {
    int64_t rows;
    int json;
    struct tow_texts sets;
};

#define PLAN(member) offsetof(struct plan_options, member)

static const struct tow_argument plan_arguments[] = {
    {"rows", 0, TOW_ARGUMENT_NUMBER, PLAN(rows), "N",
     "rows to read and show, where the source needs no network (default 5)", 0, PLAN_ROWS_MAX,
     PLAN_ROWS_SHOWN},
    {"set", 0, TOW_ARGUMENT_TEXTS, PLAN(sets), "KEY=VALUE",
     "another value than the job file's (sink.path=out.csv)", 0, 0, 0},
    {"json", 0, TOW_ARGUMENT_FLAG, PLAN(json), NULL, "print JSON", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* The source is read where that needs no network and takes nothing away (standard input does). */
static int plan_can_sample(const struct tow_plan *plan)
{
    const uint32_t flags = plan->assembly->source->source->flags;

    return (flags & (TOW_SOURCE_OFFLINE | TOW_SOURCE_REMOTE)) == TOW_SOURCE_OFFLINE &&
           plan->in.release && plan->out.release;
}

static int plan_look_at_state(const struct tow_cli *cli, struct tow_plan *plan,
                              struct tow_error *err)
{
    struct tow_state *state = NULL;
    int rc = tow_cli_state(cli, TOW_STATE_READ, &state, err);

    if (!rc)
        rc = tow_state_checkpoint(state, plan->job->name, &plan->checkpoint, err);
    plan->has_checkpoint = rc == TOW_OK;
    tow_state_close(state);
    return rc < TOW_OK ? rc : TOW_OK;
}

static int plan_probe(const struct tow_cli *cli, struct tow_plan *plan)
{
    struct tow_diags diags = {0};
    struct tow_error err = TOW_ERROR_INIT;
    int rc = tow_assembly_probe(plan->assembly, &plan->in, &plan->out, &diags, &err);

    int found = tow_cli_findings(cli, &diags);
    tow_diags_release(&diags);
    return rc ? tow_cli_fail(&err) : found;
}

static int plan_job(const struct tow_cli *cli, const struct plan_options *options,
                    struct tow_cli_job *job)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_plan plan = {.assembly = &job->assembly, .job = &job->job};
    int code = plan_probe(cli, &plan);
    int rc = TOW_OK;

    if (code == TOW_EXIT_OK) {
        plan.rows = plan_can_sample(&plan) ? options->rows : 0;
        rc = plan_look_at_state(cli, &plan, &err);
        if (!rc)
            rc = options->json ? tow_plan_json(&plan, &err) : tow_plan_text(&plan, &err);
        if (rc)
            code = tow_cli_fail(&err);
    }
    tow_checkpoint_release(&plan.checkpoint);
    if (plan.in.release)
        plan.in.release(&plan.in);
    if (plan.out.release)
        plan.out.release(&plan.out);
    return code;
}

static int plan_call(const struct tow_cli *cli, const void *options)
{
    const struct plan_options *plan = options;
    struct tow_cli_job job;
    int code = tow_cli_job_open(cli, cli->arguments[0], &plan->sets, &job);

    if (code == TOW_EXIT_OK)
        code = plan_job(cli, plan, &job);
    tow_cli_job_close(&job);
    return code;
}

const struct tow_command tow_cmd_plan = {
    .name = "plan",
    .arguments = "FILE",
    .summary = "Shows what a run would do; sends and writes nothing",
    .about =
        "Shown are source, columns, sink with their options (secrets as ***), where the job\n"
        "stands, and its limits. Where the source can be read without network, its first rows\n"
        "are shown as they would reach the sink, and those that would be rejected with the "
        "reason.\n"
        "\n"
        "With --json one object: job, file, source {plugin, version, options [{name, value,\n"
        "default, secret}]}, incoming [{name, type, not_null}] or null, transforms, columns\n"
        "[{name, type, from, value, steps}] or null, outgoing, sink, results, history, route\n"
        "{by, names, collisions, null, max, open, keep_column} or null, words,\n"
        "state {run, saved, unfinished, batches} or null, retry {tries, base_ms, cap_ms, "
        "budget_ms},\n"
        "rejects {max, max_percent}, pipeline {batch_rows, batch_bytes, queue_batches, "
        "queue_bytes,\n"
        "workers, checkpoint_ms, drain_ms}, load {max_rows, max_bytes, max_age_ms},\n"
        "rows [{row} or {rejected {origin, line, code, message, stage, row or raw}}] or null.",
    .example = "  towpath plan orders.cfg --rows 20",
    .options = plan_arguments,
    .options_size = sizeof(struct plan_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = plan_call,
};
