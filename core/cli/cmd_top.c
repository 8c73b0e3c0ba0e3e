/* `towpath top`: what is running now. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "console/doc.h"
#include "console/human.h"
#include "console/run_doc.h"
#include "console/table.h"
#include "console/zoned.h"
#include "towpath/clock.h"

#define TOP_COLUMNS_DEFAULT 80
#define TOP_LINES_DEFAULT   24
#define TOP_LINES_LEAST     4
/* Home, and clear what is below: every terminal of the last decades knows these two. */
#define TOP_CLEAR "\033[H\033[J"

struct top_options {
    int once, json;
};

#define TOP(member) offsetof(struct top_options, member)

static const struct tow_argument top_arguments[] = {
    {"once", 0, TOW_ARGUMENT_FLAG, TOP(once), NULL, "print it once, and end", 0, 0, 0},
    {"json", 0, TOW_ARGUMENT_FLAG, TOP(json), NULL, "print JSON, once", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* A run that is on, and how fast it is. */
struct top_run {
    struct tow_at_work activity;
    double rows, bytes; /* a second; since the last look that differs, or its start */
};

struct top {
    struct top_run *runs;
    size_t count;
    int failed; /* memory ran out */
};

/* ---- looking -------------------------------------------------------------------------------- */

static const struct top_run *top_find(const struct top *top, const struct tow_at_work *activity)
{
    for (size_t i = 0; i < top->count; i++)
        if (top->runs[i].activity.run == activity->run &&
            strcmp(top->runs[i].activity.job, activity->job) == 0)
            return &top->runs[i];
    return NULL;
}

static double top_rate(int64_t count, int64_t us)
{
    return us > 0 ? (double)count * 1e6 / (double)us : 0;
}

/* Runs report now and then: between two reports the rate stays. */
static void top_measure(struct top_run *run, const struct top_run *before)
{
    const struct tow_at_work *now = &run->activity;
    int64_t us = now->reported_us - (before ? before->activity.reported_us : now->since_us);

    if (before && us <= 0) {
        run->rows = before->rows;
        run->bytes = before->bytes;
        return;
    }
    run->rows = top_rate(now->counts.read - (before ? before->activity.counts.read : 0), us);
    run->bytes = top_rate(now->counts.bytes - (before ? before->activity.counts.bytes : 0), us);
}

static int top_visit(void *context, const struct tow_at_work *activity)
{
    struct top *top = context;
    struct top_run *runs = reallocarray(top->runs, top->count + 1, sizeof *runs);

    if (!runs) {
        top->failed = 1;
        return 1;
    }
    top->runs = runs;
    runs[top->count++] = (struct top_run){.activity = *activity};
    return 0;
}

/* The state is opened anew each time: it may come, go, or be replaced meanwhile. */
static int top_look(const struct tow_cli *cli, struct top *top, struct tow_error *err)
{
    struct tow_state *state = NULL;
    struct top before = *top;
    int rc = tow_cli_state(cli, TOW_STATE_READ, &state, err);

    *top = (struct top){0};
    if (!rc)
        rc = tow_state_at_work(state, top_visit, top, err);
    if (top->failed)
        rc = tow_error_nomem(err);
    tow_state_close(state);
    for (size_t i = 0; i < top->count; i++)
        top_measure(&top->runs[i], top_find(&before, &top->runs[i].activity));
    free(before.runs);
    return rc;
}

/* ---- as a table ----------------------------------------------------------------------------- */

static void top_row(struct tow_table *table, const struct top_run *run, int64_t now)
{
    const struct tow_at_work *activity = &run->activity;
    char text[TOW_HUMAN_MAX];

    tow_table_add(table, "%s", activity->job);
    if (activity->run)
        tow_table_add(table, "%" PRId64, activity->run);
    else
        tow_table_add(table, "-");
    tow_table_add(table, "%s", activity->stopping ? "stopping" : "running");
    tow_table_add(table, "%s", tow_human_clock((now - activity->since_us) / 1000, text));
    tow_table_add(table, "%s", tow_human_count(activity->counts.read, text));
    tow_table_add(table, "%s", tow_human_row_rate(run->rows, text));
    tow_table_add(table, "%s", tow_human_byte_rate(run->bytes, text));
    tow_table_add(table, "%s", tow_human_count(activity->counts.accepted, text));
    tow_table_add(table, "%s", tow_human_count(activity->counts.rejected, text));
    tow_table_add(table, "%s", tow_human_count(activity->counts.retries, text));
    tow_table_add(table, "%s", tow_human_bytes(activity->in_flight, text));
    tow_table_add(table, "%" PRId64, activity->pid);
}

static int top_table(const struct top *top, int64_t now, FILE *to, struct tow_error *err)
{
    static const struct tow_table_column columns[] = {
        {"JOB", 0, 0},      {"RUN", 1, 0},     {"STATE", 0, 0},     {"TIME", 1, 0},
        {"READ", 1, 0},     {"ROWS", 1, 0},    {"BYTES", 1, 0},     {"ACCEPTED", 1, 0},
        {"REJECTED", 1, 0}, {"RETRIES", 1, 0}, {"IN FLIGHT", 1, 0}, {"PROCESS", 1, 0},
    };
    struct tow_table *table;
    char text[TOW_HUMAN_MAX];

    fprintf(to, "%zu running   %s\n", top->count, tow_human_moment(now, text));
    if (top->count == 0)
        return TOW_OK;
    fputc('\n', to);
    table = tow_table_new(columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < top->count; i++)
        top_row(table, &top->runs[i], now);
    return tow_table_print(table, 0, to, err);
}

/* ---- as JSON -------------------------------------------------------------------------------- */

static int top_doc(const struct top *top, int64_t now, struct tow_error *err)
{
    struct tow_doc doc = {.to = stdout};

    tow_doc_open(&doc, NULL, '{');
    tow_doc_time(&doc, "time", now);
    tow_doc_open(&doc, "running", '[');
    for (size_t i = 0; i < top->count; i++) {
        const struct top_run *run = &top->runs[i];
        const struct tow_at_work *activity = &run->activity;

        tow_doc_open(&doc, NULL, '{');
        tow_doc_text(&doc, "job", activity->job);
        tow_doc_nonzero(&doc, "run", activity->run);
        tow_doc_text(&doc, "state", activity->stopping ? "stopping" : "running");
        tow_doc_text(&doc, "host", activity->host);
        tow_doc_int(&doc, "process", activity->pid);
        tow_doc_time(&doc, "since", activity->since_us);
        tow_doc_time(&doc, "reported", activity->reported_us);
        tow_run_doc_counts(&doc, &activity->counts);
        tow_doc_int(&doc, "bytes_in_flight", activity->in_flight);
        tow_doc_real(&doc, "rows_per_second", run->rows);
        tow_doc_real(&doc, "bytes_per_second", run->bytes);
        tow_doc_close(&doc, '}');
    }
    tow_doc_close(&doc, ']');
    tow_doc_close(&doc, '}');
    return tow_doc_end(&doc, err);
}

/* ---- as a screen ---------------------------------------------------------------------------- */

/* The last column and line stay free: filling them would scroll some terminals. */
static void top_size(size_t *columns, size_t *lines)
{
    struct winsize size;

    *columns = TOP_COLUMNS_DEFAULT - 1;
    *lines = TOP_LINES_DEFAULT - 1;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return;
    *columns = size.ws_col - 1u;
    *lines = size.ws_row > TOP_LINES_LEAST ? size.ws_row - 1u : TOP_LINES_LEAST;
}

/* What of the text fits the screen; a line that is cut off says how many are. */
static void top_put(const char *text)
{
    size_t columns, lines, line = 0, more = 0;

    top_size(&columns, &lines);
    fputs(TOP_CLEAR, stdout);
    for (; *text; line++) {
        size_t length = strcspn(text, "\n");

        if (line + 1 < lines)
            printf("%.*s\n", (int)(length < columns ? length : columns), text);
        else
            more++;
        text += length + (text[length] == '\n');
    }
    if (more)
        printf("and %zu more\n", more);
    fflush(stdout);
}

static int top_screen(const struct top *top, int64_t now, struct tow_error *err)
{
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);
    int rc;

    if (!to)
        return tow_error_nomem(err);
    rc = top_table(top, now, to, err);
    if (fclose(to) != 0 && !rc)
        rc = tow_error_nomem(err);
    if (!rc)
        top_put(text);
    free(text);
    return rc;
}

/* Until a signal ends it, or nobody looks any more. */
static int top_watch(const struct tow_cli *cli, struct top *top, struct tow_error *err)
{
    const struct timespec second = {.tv_sec = 1};
    int rc;

    do {
        rc = top_look(cli, top, err);
        if (!rc)
            rc = top_screen(top, tow_now_us(), err);
        if (!rc)
            nanosleep(&second, NULL);
    } while (!rc && !ferror(stdout));
    return rc;
}

/* ---- the command ---------------------------------------------------------------------------- */

static int top_call(const struct tow_cli *cli, const void *options_)
{
    const struct top_options *options = options_;
    struct tow_error err = TOW_ERROR_INIT;
    struct top top = {0};
    int once = options->once || options->json || !isatty(STDOUT_FILENO);
    int rc = once ? top_look(cli, &top, &err) : top_watch(cli, &top, &err);

    if (!rc && options->json)
        rc = top_doc(&top, tow_now_us(), &err);
    else if (!rc && once)
        rc = top_table(&top, tow_now_us(), stdout, &err);
    free(top.runs);
    return rc ? tow_cli_fail(&err) : TOW_EXIT_OK;
}

const struct tow_command tow_cmd_top = {
    .name = "top",
    .arguments = "",
    .summary = "Shows the runs that are on, and how far they are",
    .about =
        "Of all processes and hosts that share the state. On a terminal the screen is renewed "
        "each\n"
        "second, until Ctrl-C; elsewhere, and with --once, it is printed once. Runs report every\n"
        "two seconds; ROWS and BYTES are rates between two reports, or since the start.\n"
        "\n"
        "With --json one object is printed: time, running [{job, run, state (running, stopping),\n"
        "host, process, since, reported, rows {read, accepted, rejected, filtered, pending},\n"
        "bytes, batches, retries, bytes_in_flight, rows_per_second, bytes_per_second}].",
    .example = "  towpath top\n"
               "  towpath top --once",
    .options = top_arguments,
    .options_size = sizeof(struct top_options),
    .call = top_call,
};
