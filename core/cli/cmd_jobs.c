/* `towpath jobs`: which jobs there are, how they went, and when they run next. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "config/job_folder.h"
#include "console/doc.h"
#include "console/human.h"
#include "console/run_doc.h"
#include "console/table.h"
#include "console/zoned.h"
#include "log.h"
#include "towpath/clock.h"

struct jobs_options {
    const char *directory;
    int json;
};

#define JOBS(member) offsetof(struct jobs_options, member)

static const struct tow_argument jobs_arguments[] = {
    {"directory", 'C', TOW_ARGUMENT_TEXT, JOBS(directory), "DIR", "the folder of job files", 0, 0,
     0},
    {"json", 0, TOW_ARGUMENT_FLAG, JOBS(json), NULL, "print JSON", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* The runs that are on, by job. */
struct jobs_at_work {
    struct tow_at_work *items;
    size_t count;
    int failed; /* memory ran out */
};

struct jobs {
    struct tow_state *state;
    struct tow_table *table; /* or */
    struct tow_doc *doc;
    struct jobs_at_work at_work;
    int64_t now_us;
    int broken; /* files with findings */
};

/* One job, gathered from its file and the state. */
struct jobs_entry {
    const char *job, *path;
    const struct tow_schedule *schedule; /* NULL: none */
    const struct tow_diags *diags;       /* NULL: there is no file */
    const struct tow_at_work *at_work;   /* NULL: it does not run */
    struct tow_agenda agenda;
    struct tow_run last; /* id 0: none */
    int64_t next_us;     /* TOW_SLOT_NEVER */
};

/* ---- gathering ------------------------------------------------------------------------------ */

static int jobs_work_visit(void *context, const struct tow_at_work *at_work)
{
    struct jobs_at_work *list = context;
    struct tow_at_work *items = reallocarray(list->items, list->count + 1, sizeof *items);

    if (!items) {
        list->failed = 1;
        return 1;
    }
    list->items = items;
    items[list->count++] = *at_work;
    return 0;
}

static const struct tow_at_work *jobs_find_work(const struct jobs *jobs, const char *job)
{
    for (size_t i = 0; i < jobs->at_work.count; i++)
        if (strcmp(jobs->at_work.items[i].job, job) == 0)
            return &jobs->at_work.items[i];
    return NULL;
}

/* What a daemon would do: a schedule that it has not met counts from now. */
static void jobs_foresee(const struct jobs *jobs, struct jobs_entry *entry)
{
    struct tow_agenda agenda = entry->agenda;

    entry->next_us = TOW_SLOT_NEVER;
    if (!entry->schedule)
        return;
    tow_agenda_adopt(entry->schedule, &agenda, 0, jobs->now_us);
    entry->next_us = tow_agenda_next_start(entry->schedule, &agenda, jobs->now_us);
}

static int jobs_look_up(struct jobs *jobs, struct jobs_entry *entry, struct tow_error *err)
{
    int rc = tow_state_last_run(jobs->state, entry->job, &entry->last, err);

    if (rc == TOW_END)
        entry->last = (struct tow_run){.id = 0};
    if (rc >= TOW_OK)
        rc = tow_state_agenda(jobs->state, entry->job, &entry->agenda, err);
    if (rc < TOW_OK)
        return rc;
    entry->at_work = jobs_find_work(jobs, entry->job);
    jobs_foresee(jobs, entry);
    return TOW_OK;
}

static const char *jobs_state(const struct jobs_entry *entry)
{
    if (entry->at_work)
        return entry->at_work->stopping ? "stopping" : "running";
    return entry->schedule && entry->agenda.state == TOW_AGENDA_RETRY ? "retrying" : "idle";
}

/* ---- as a table ----------------------------------------------------------------------------- */

static void jobs_row_last(struct tow_table *table, const struct tow_run *last)
{
    char text[TOW_HUMAN_MAX];

    if (!last->id) {
        tow_table_add(table, "-");
        tow_table_add(table, "-");
        tow_table_add(table, "-");
        return;
    }
    tow_table_add(table, "%s", tow_human_moment(last->start_us, text));
    tow_table_add(table, "%s", last->status);
    if (last->end_us)
        tow_table_add(table, "%s", tow_human_lapse(last->end_us - last->start_us, text));
    else
        tow_table_add(table, "-");
}

static void jobs_row_next(struct tow_table *table, int64_t next_us, int64_t now_us)
{
    char text[TOW_HUMAN_MAX];

    if (next_us == TOW_SLOT_NEVER) {
        tow_table_add(table, "-");
        tow_table_add(table, "-");
    } else if (next_us <= now_us) {
        tow_table_add(table, "now");
        tow_table_add(table, "-");
    } else {
        tow_table_add(table, "%s", tow_human_moment(next_us, text));
        tow_table_add(table, "%s", tow_human_distance(next_us - now_us, text));
    }
}

static void jobs_row(const struct jobs *jobs, const struct jobs_entry *entry)
{
    const struct tow_diags *diags = entry->diags;
    struct tow_table *table = jobs->table;

    tow_table_add(table, "%s", entry->job);
    tow_table_add(table, "%s", jobs_state(entry));
    jobs_row_last(table, &entry->last);
    jobs_row_next(table, entry->next_us, jobs->now_us);
    if (diags && diags->errors)
        tow_table_add(table, "%zu error%s in %s", diags->errors, diags->errors == 1 ? "" : "s",
                      entry->path);
    else if (entry->schedule)
        tow_table_add(table, "%s", entry->schedule->text);
    else
        tow_table_add(table, "%s", diags ? "no schedule" : "");
}

/* ---- as JSON -------------------------------------------------------------------------------- */

static void jobs_doc_running(struct tow_doc *doc, const struct tow_at_work *at_work)
{
    if (!at_work) {
        tow_doc_text(doc, "running", NULL);
        return;
    }
    tow_doc_open(doc, "running", '{');
    tow_doc_nonzero(doc, "run", at_work->run);
    tow_doc_text(doc, "host", at_work->host);
    tow_doc_int(doc, "process", at_work->pid);
    tow_doc_time(doc, "since", at_work->since_us);
    tow_doc_close(doc, '}');
}

static void jobs_doc(const struct jobs *jobs, const struct jobs_entry *entry)
{
    const struct tow_last_run last = tow_last_run(&entry->last);

    struct tow_doc *doc = jobs->doc;

    tow_doc_open(doc, NULL, '{');
    tow_doc_text(doc, "job", entry->job);
    tow_doc_text(doc, "file", entry->path);
    tow_doc_text(doc, "state", jobs_state(entry));
    tow_doc_text(doc, "schedule", entry->schedule ? entry->schedule->text : NULL);
    tow_doc_text(doc, "timezone", entry->schedule ? tow_zone_name(entry->schedule->zone) : NULL);
    tow_doc_time(doc, "next", entry->next_us == TOW_SLOT_NEVER ? 0 : entry->next_us);
    jobs_doc_running(doc, entry->at_work);
    tow_run_doc_last(doc, &last);
    tow_doc_int(doc, "errors", entry->diags ? (int64_t)entry->diags->errors : 0);
    tow_doc_close(doc, '}');
}

/* ---- where jobs come from ------------------------------------------------------------------- */

static int jobs_add(struct jobs *jobs, struct jobs_entry *entry, struct tow_error *err)
{
    int rc = jobs_look_up(jobs, entry, err);

    if (rc)
        return rc;
    if (jobs->doc)
        jobs_doc(jobs, entry);
    else
        jobs_row(jobs, entry);
    return TOW_OK;
}

/* A file whose job can be told by name is listed, whatever else is wrong with it: what is missing
 * here (a secret of the daemon's environment) need not be missing there. */
static int jobs_file(void *context, const char *path, int is_job, struct tow_error *err)
{
    struct jobs *jobs = context;
    struct tow_diags diags = {0};
    struct tow_job job = {0};
    int rc = is_job ? tow_job_load(path, &job, &diags, err) : TOW_OK;
    struct jobs_entry entry = {
        .job = job.name,
        .path = path,
        .schedule = job.has_schedule && job.schedule.fingerprint ? &job.schedule : NULL,
        .diags = &diags,
    };

    if (!rc && diags.errors) {
        jobs->broken = 1;
        for (size_t i = 0; i < diags.count; i++)
            if (diags.items[i].severity == TOW_DIAG_ERROR)
                tow_log_line(TOW_LOG_WARN, "jobs", "%s:%d: %s", path, diags.items[i].line,
                             diags.items[i].text);
    }
    if (!rc && job.name)
        rc = jobs_add(jobs, &entry, err);
    tow_diags_release(&diags);
    tow_job_release(&job);
    return rc;
}

struct jobs_known {
    struct jobs *jobs;
    struct tow_error *err;
};

static int jobs_known_visit(void *context, const char *job)
{
    struct jobs_known *known = context;
    struct jobs_entry entry = {.job = job};

    return jobs_add(known->jobs, &entry, known->err);
}

static int jobs_list(struct jobs *jobs, const char *directory, struct tow_error *err)
{
    struct jobs_known known = {jobs, err};
    int rc = tow_state_at_work(jobs->state, jobs_work_visit, &jobs->at_work, err);

    if (jobs->at_work.failed)
        return tow_error_nomem(err);
    if (rc)
        return rc;
    return directory ? tow_job_folder_each(directory, jobs_file, jobs, err)
                     : tow_state_jobs(jobs->state, jobs_known_visit, &known, err);
}

/* ---- the command ---------------------------------------------------------------------------- */

static int jobs_call(const struct tow_cli *cli, const void *options_)
{
    static const struct tow_table_column columns[] = {
        {"JOB", 0, 0},  {"STATE", 0, 0},    {"LAST RUN", 0, 0}, {"STATUS", 0, 0},
        {"TOOK", 1, 0}, {"NEXT RUN", 0, 0}, {"IN", 1, 0},       {"SCHEDULE", 0, 0},
    };
    const struct jobs_options *options = options_;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_doc doc = {.to = stdout};
    struct jobs jobs = {.doc = options->json ? &doc : NULL, .now_us = tow_now_us()};
    int rc = tow_cli_state(cli, TOW_STATE_READ, &jobs.state, &err), ended;

    if (jobs.doc)
        tow_doc_open(&doc, NULL, '[');
    else
        jobs.table = tow_table_new(columns, sizeof columns / sizeof columns[0]);
    if (!rc)
        rc = jobs_list(&jobs, options->directory, &err);
    if (jobs.doc) {
        tow_doc_close(&doc, ']');
        ended = tow_doc_end(&doc, rc ? NULL : &err);
    } else {
        ended = tow_table_print(jobs.table, 0, stdout, rc ? NULL : &err);
    }
    free(jobs.at_work.items);
    tow_state_close(jobs.state);
    if (rc || ended)
        return tow_cli_fail(&err);
    return jobs.broken ? TOW_EXIT_CONFIG : TOW_EXIT_OK;
}

const struct tow_command tow_cmd_jobs = {
    .name = "jobs",
    .arguments = "",
    .summary = "Lists jobs: what they do, how they went, when they run next",
    .about =
        "With -C, the jobs of that folder; without, those that the state knows, of which no files\n"
        "are read. NEXT RUN is what a daemon makes of the schedule; `now` is due. Files with\n"
        "errors are told on standard error, and make the exit code 2.\n"
        "\n"
        "With --json a list is printed: job, file, state (running, stopping, retrying, idle),\n"
        "schedule, timezone, next, running (null or {run, host, process, since}), last (null or\n"
        "{run, status, exit_code, start, end, slot}), errors (in the file).",
    .example = "  towpath jobs -C /etc/towpath/jobs.d",
    .options = jobs_arguments,
    .options_size = sizeof(struct jobs_options),
    .call = jobs_call,
};
