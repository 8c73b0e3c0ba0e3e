/* `towpath setup`: makes the tables and the like that a job needs. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/execute.h"
#include "console/doc.h"
#include "run/assembly/setup.h"

struct setup_options {
    int dry_run, json;
    struct tow_texts sets;
};

#define SETUP(member) offsetof(struct setup_options, member)

static const struct tow_argument setup_arguments[] = {
    {"dry-run", 0, TOW_ARGUMENT_FLAG, SETUP(dry_run), NULL,
     "change nothing; show what would be done, statement by statement", 0, 0, 0},
    {"set", 0, TOW_ARGUMENT_TEXTS, SETUP(sets), "KEY=VALUE",
     "another value than the job file's (source.table=main.test.t)", 0, 0, 0},
    {"json", 0, TOW_ARGUMENT_FLAG, SETUP(json), NULL, "print JSON", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* ---- showing -------------------------------------------------------------------------------- */

static const char *setup_outcome(int outcome)
{
    switch (outcome) {
    case TOW_SETUP_CREATED:
        return "created";
    case TOW_SETUP_CHANGED:
        return "changed";
    case TOW_SETUP_EXISTS:
        return "exists";
    case TOW_SETUP_UNKNOWN:
        return "unknown";
    case TOW_SETUP_ROUTED:
        return "routed";
    default:
        return "nothing";
    }
}

static void setup_print(const struct tow_setup_step *step, int dry_run)
{
    printf("%s %s: ", step->section, step->plugin);
    switch (step->outcome) {
    case TOW_SETUP_CREATED:
        printf("%s %s", dry_run ? "would create" : "created", step->thing);
        break;
    case TOW_SETUP_CHANGED:
        printf("%s %s", dry_run ? "would change" : "changed", step->thing);
        break;
    case TOW_SETUP_EXISTS:
        printf("%s is there", step->thing);
        break;
    case TOW_SETUP_UNKNOWN:
        printf("only a run will know the columns");
        break;
    case TOW_SETUP_ROUTED:
        printf("only a run will know the routes");
        break;
    default:
        printf("nothing to set up");
    }
    if (dry_run && step->statement)
        printf(":\n  %s;\n", step->statement);
    else
        putchar('\n');
}

static int setup_print_json(const char *job, const struct tow_setup_report *report, int dry_run,
                            struct tow_error *err)
{
    struct tow_doc doc = {.to = stdout};

    tow_doc_open(&doc, NULL, '{');
    tow_doc_text(&doc, "job", job);
    tow_doc_bool(&doc, "dry_run", dry_run);
    tow_doc_open(&doc, "steps", '[');
    for (size_t i = 0; i < report->count; i++) {
        const struct tow_setup_step *step = &report->steps[i];

        tow_doc_open(&doc, NULL, '{');
        tow_doc_text(&doc, "section", step->section);
        tow_doc_text(&doc, "plugin", step->plugin);
        tow_doc_text(&doc, "outcome", setup_outcome(step->outcome));
        tow_doc_text(&doc, "thing", step->thing);
        tow_doc_text(&doc, "statement", step->statement);
        tow_doc_close(&doc, '}');
    }
    tow_doc_close(&doc, ']');
    tow_doc_close(&doc, '}');
    return tow_doc_end(&doc, err);
}

/* ---- the command ---------------------------------------------------------------------------- */

/* What `check` finds is found before anything is made. */
static int setup_check(const struct tow_cli *cli, struct tow_assembly *assembly)
{
    struct tow_diags diags = {0};
    struct tow_error err = TOW_ERROR_INIT;
    int rc = tow_assembly_probe(assembly, NULL, NULL, &diags, &err);

    int found = tow_cli_findings(cli, &diags);
    tow_diags_release(&diags);
    return rc ? tow_cli_fail(&err) : found;
}

static int setup_run(const struct tow_cli *cli, const struct setup_options *options,
                     struct tow_cli_job *job, struct tow_cancel *cancel)
{
    const struct tow_setup_options how = {.is_dry_run = options->dry_run, .cancel = cancel};
    struct tow_error err = TOW_ERROR_INIT, unwritten = TOW_ERROR_INIT;
    struct tow_setup_report report;
    int written = TOW_OK;

    tow_cli_catch(cancel, cancel);
    int rc = tow_setup_job(&job->assembly, &how, &report, &err);
    tow_cli_catch(NULL, NULL);
    if (options->json)
        written = setup_print_json(job->job.name, &report, options->dry_run, &unwritten);
    for (size_t i = 0; !options->json && !cli->quiet && i < report.count; i++)
        setup_print(&report.steps[i], options->dry_run);
    tow_setup_report_release(&report);
    if (rc) {
        int code = tow_cli_fail(&err);

        return rc == TOW_E_CANCELLED ? 128 + tow_cancel_get(cancel) : code;
    }
    return written ? tow_cli_fail(&unwritten) : TOW_EXIT_OK;
}

static int setup_call(const struct tow_cli *cli, const void *options)
{
    const struct setup_options *setup = options;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_cancel cancel = {.fd = -1};
    struct tow_cli_job job;
    int code = tow_cli_job_open(cli, cli->arguments[0], &setup->sets, &job);

    if (code == TOW_EXIT_OK)
        code = setup_check(cli, &job.assembly);
    if (code == TOW_EXIT_OK && tow_cancel_init(&cancel, &err))
        code = tow_cli_fail(&err);
    else if (code == TOW_EXIT_OK)
        code = setup_run(cli, setup, &job, &cancel);
    tow_cancel_release(&cancel);
    tow_cli_job_close(&job);
    return code;
}

const struct tow_command tow_cmd_setup = {
    .name = "setup",
    .arguments = "FILE",
    .summary = "Creates the tables that a job reads from and writes to, where they are not there",
    .about =
        "Which plugins make something, and what, is theirs to know: source databricks makes its\n"
        "table with the columns that the sink needs, sink databricks_copy its own. What is there\n"
        "already and does not fit is never changed: every column that is missing or different is\n"
        "named, and the exit code is 2. To run it again does no harm.\n"
        "\n"
        "With --json: job, dry_run, steps [{section, plugin, outcome (created, changed, exists,\n"
        "routed, nothing, unknown), thing, statement}].",
    .example = "  towpath setup audience.cfg --dry-run\n"
               "  towpath setup audience.cfg",
    .options = setup_arguments,
    .options_size = sizeof(struct setup_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = setup_call,
};
