/* `towpath schedule`: when jobs will run. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "config/job_folder.h"
#include "console/doc.h"
#include "console/human.h"
#include "console/table.h"
#include "console/zoned.h"
#include "towpath/clock.h"
#include "towpath/value.h"

#define SCHEDULE_SHOWN     10
#define SCHEDULE_SHOWN_MAX 1000000

struct schedule_options {
    int64_t count;
    const char *from;
    struct tow_texts sets;
    int json;
};

#define SCHEDULE(member) offsetof(struct schedule_options, member)

static const struct tow_argument schedule_arguments[] = {
    {"count", 'n', TOW_ARGUMENT_NUMBER, SCHEDULE(count), "N", "times to print (default 10)", 1,
     SCHEDULE_SHOWN_MAX, SCHEDULE_SHOWN},
    {"from", 0, TOW_ARGUMENT_TEXT, SCHEDULE(from), "TIME",
     "where to start, like 2026-03-29T02:00:00 by the job's clock (default now)", 0, 0, 0},
    {"set", 0, TOW_ARGUMENT_TEXTS, SCHEDULE(sets), "KEY=VALUE",
     "another value than the job file's (schedule.at=03:00)", 0, 0, 0},
    {"json", 0, TOW_ARGUMENT_FLAG, SCHEDULE(json), NULL, "print JSON", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* Where the list starts, in microseconds since 1970 UTC. */
static int schedule_from(const struct schedule_options *options, const struct tow_zone *zone,
                         int64_t now, int64_t *from, struct tow_error *err)
{
    int has_zone = 1;

    *from = now;
    if (!options->from)
        return TOW_OK;
    if (tow_parse_timestamp(options->from, strlen(options->from), from, &has_zone) != TOW_PARSE_OK)
        return tow_error_set(err, TOW_E_CONFIG,
                             "--from: \"%s\" is no time; it is written like 2026-03-29T02:00:00, "
                             "with Z or +02:00 behind it where the job's clock is not meant",
                             options->from);
    if (!has_zone)
        *from = tow_zoned_instant(zone, *from);
    return TOW_OK;
}

/* ---- printing ------------------------------------------------------------------------------- */

/* Each time from `from` on; the last one is TOW_SLOT_NEVER. */
static int64_t schedule_after(const struct tow_schedule *schedule, int64_t shown, int64_t slot)
{
    if (schedule->once && shown > 0)
        return TOW_SLOT_NEVER;
    return tow_schedule_next(schedule, slot);
}

static void schedule_doc(struct tow_doc *doc, const struct tow_job *job, int64_t count,
                         int64_t from)
{
    const struct tow_schedule *schedule = &job->schedule;
    char local[TOW_ZONED_MAX];

    tow_doc_open(doc, NULL, '{');
    tow_doc_text(doc, "job", job->name);
    tow_doc_text(doc, "file", job->path);
    tow_doc_text(doc, "schedule", job->has_schedule ? schedule->text : NULL);
    tow_doc_text(doc, "timezone", job->has_schedule ? tow_zone_name(schedule->zone) : NULL);
    tow_doc_open(doc, "times", '[');
    for (int64_t i = 0, slot = from - 1; job->has_schedule && i < count; i++) {
        slot = schedule_after(schedule, i, slot);
        if (slot == TOW_SLOT_NEVER)
            break;
        tow_doc_open(doc, NULL, '{');
        tow_doc_time(doc, "utc", slot);
        tow_doc_text(doc, "local", tow_zoned_rfc(schedule->zone, slot, local));
        tow_doc_time(doc, "starts", tow_schedule_due(schedule, slot));
        tow_doc_close(doc, '}');
    }
    tow_doc_close(doc, ']');
    tow_doc_close(doc, '}');
}

static void schedule_row(struct tow_table *table, const struct tow_schedule *schedule, int64_t slot,
                         int64_t now)
{
    char text[TOW_HUMAN_MAX], local[TOW_ZONED_MAX];
    int64_t due = tow_schedule_due(schedule, slot);

    tow_table_add(table, "%s", tow_zoned_text(schedule->zone, slot, local));
    tow_table_add(table, "%s", tow_human_moment(slot, text));
    if (schedule->jitter_us)
        tow_table_add(table, "%s", tow_human_moment(due, text));
    tow_table_add(table, "%s", due >= now ? tow_human_distance(due - now, text) : "passed");
}

static int schedule_table(const struct tow_schedule *schedule, int64_t count, int64_t from,
                          int64_t now, struct tow_error *err)
{
    static const struct tow_table_column plain[] = {
        {"LOCAL TIME", 0, 0}, {"UTC", 0, 0}, {"IN", 1, 0}};
    static const struct tow_table_column jitter[] = {
        {"LOCAL TIME", 0, 0}, {"UTC", 0, 0}, {"STARTS", 0, 0}, {"IN", 1, 0}};
    struct tow_table *table =
        schedule->jitter_us ? tow_table_new(jitter, 4) : tow_table_new(plain, 3);
    int64_t slot = from - 1;

    for (int64_t i = 0; i < count; i++) {
        slot = schedule_after(schedule, i, slot);
        if (slot == TOW_SLOT_NEVER)
            break;
        schedule_row(table, schedule, slot, now);
    }
    return tow_table_print(table, 0, stdout, err);
}

static int schedule_text(const struct tow_job *job, int64_t count, int64_t from, int64_t now,
                         struct tow_error *err)
{
    const struct tow_schedule *schedule = &job->schedule;

    if (!job->has_schedule) {
        printf("%s: no schedule\n", job->name);
        return TOW_OK;
    }
    printf("%s: %s\n", job->name, schedule->text);
    if (schedule->kind == TOW_SCHEDULE_CONTINUOUS)
        printf("It is started with the daemon, and again whenever it ends.\n");
    else if (schedule->kind == TOW_SCHEDULE_AT_ONCE)
        printf("It is started once, when the daemon first meets it.\n");
    else
        return schedule_table(schedule, count, from, now, err);
    return TOW_OK;
}

/* ---- the command ---------------------------------------------------------------------------- */

static int schedule_job(const struct schedule_options *options, const struct tow_job *job,
                        struct tow_doc *doc, struct tow_error *err)
{
    int64_t now = tow_now_us(), from = now;
    int rc = TOW_OK;

    if (job->has_schedule)
        rc = schedule_from(options, job->schedule.zone, now, &from, err);
    if (!rc && doc)
        schedule_doc(doc, job, options->count, from);
    else if (!rc)
        rc = schedule_text(job, options->count, from, now, err);
    return rc;
}

struct schedule_list {
    const struct tow_cli *cli;
    const struct schedule_options *options;
    struct tow_doc *doc; /* NULL without --json */
    size_t count;        /* files so far */
    int worst;           /* exit code of the first that is wrong */
};

/* Findings are printed, and the files behind it still have their turn. */
static int schedule_file(void *context, const char *path, int is_job, struct tow_error *err)
{
    struct schedule_list *list = context;
    const struct tow_texts *sets = &list->options->sets;
    struct tow_diags diags = {0};
    struct tow_job job = {0};
    int code, rc;

    if (!is_job)
        return TOW_OK;
    if (list->count++ > 0 && !list->doc)
        printf("\n");
    rc = tow_job_load_set(path, sets->items, sets->count, &job, &diags, err);
    code = tow_cli_findings(list->cli, &diags);
    if (list->worst == TOW_EXIT_OK)
        list->worst = code;
    if (!rc && diags.errors == 0)
        rc = schedule_job(list->options, &job, list->doc, err);
    tow_diags_release(&diags);
    tow_job_release(&job);
    return rc;
}

static int schedule_all(struct schedule_list *list, struct tow_error *err)
{
    int rc = TOW_OK;

    for (int i = 0; !rc && i < list->cli->argument_count; i++) {
        const char *path = list->cli->arguments[i];
        struct stat st;

        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            rc = tow_job_folder_each(path, schedule_file, list, err);
        else
            rc = schedule_file(list, path, 1, err);
    }
    return rc;
}

static int schedule_call(const struct tow_cli *cli, const void *options)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_doc doc = {.to = stdout};
    struct schedule_list list = {.cli = cli, .options = options, .worst = TOW_EXIT_OK};
    int rc, written;

    if (list.options->json) {
        list.doc = &doc;
        tow_doc_open(&doc, NULL, '[');
    }
    rc = schedule_all(&list, &err);
    if (list.doc)
        tow_doc_close(&doc, ']');
    written = tow_doc_end(&doc, rc ? NULL : &err);
    return rc || written ? tow_cli_fail(&err) : list.worst;
}

const struct tow_command tow_cmd_schedule = {
    .name = "schedule",
    .arguments = "FILE...|DIR",
    .summary = "Prints when jobs will run, by their clocks and in UTC",
    .about =
        "Reads the `schedule` section of job files; of a folder, of every NAME.cfg that holds a\n"
        "job. Nothing is run, and the state is not looked at. With jitter, STARTS says when a run\n"
        "starts, and the other columns what it stands for.\n"
        "\n"
        "With --json a list is printed, an object a file: job, file, schedule (null where there\n"
        "is none), timezone, times [{utc, local, starts}].",
    .example = "  towpath schedule jobs/vip.cfg -n 20\n"
               "  towpath schedule jobs/vip.cfg --from 2026-03-29T00:00:00",
    .options = schedule_arguments,
    .options_size = sizeof(struct schedule_options),
    .argument_min = 1,
    .argument_max = -1,
    .call = schedule_call,
};
