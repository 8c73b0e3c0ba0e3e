#include "cli/summary.h"

#include <inttypes.h>
#include <string.h>

#include "console/doc.h"
#include "console/human.h"
#include "console/run_doc.h"
#include "console/table.h"

/* Of the names before the values: the longest that any of the tables has. */
#define SUMMARY_WIDTH 9

static double summary_seconds(const struct tow_run_report *report)
{
    return (double)(report->end_us - report->start_us) / 1e6;
}

static double summary_rate(const struct tow_run_report *report, int64_t count)
{
    double seconds = summary_seconds(report);

    return seconds > 0 ? (double)count / seconds : 0;
}

/* ---- text ----------------------------------------------------------------------------------- */

static void summary_row(struct tow_table *table, const char *name, const char *value)
{
    tow_table_add(table, "%s", name);
    tow_table_add(table, "%s", value);
    tow_table_end_row(table);
}

static void summary_head(const struct tow_summary *summary, struct tow_table *table)
{
    const struct tow_run_report *report = summary->report;
    char text[TOW_HUMAN_MAX];

    summary_row(table, "job", summary->job);
    tow_table_add(table, "status");
    if (report->error.code)
        tow_table_add(table, "%s: %s", report->status, report->error.message);
    else
        tow_table_add(table, "%s%s", report->status,
                      summary->trial ? " (a trial: the checkpoint stays)" : "");
    if (report->run) {
        tow_table_add(table, "run");
        tow_table_add(table, "%" PRId64, report->run);
        tow_table_end_row(table);
    }
    if (report->resumed_of) {
        tow_table_add(table, "continues");
        tow_table_add(table, "run %" PRId64, report->resumed_of);
    }
    if (summary->replay_of) {
        tow_table_add(table, "replays");
        tow_table_add(table, "run %" PRId64, summary->replay_of);
    }
    if (report->loads) {
        tow_table_add(table, "loads");
        tow_table_add(table, "%" PRId64 " complete before this one, of %s rows", report->loads,
                      tow_human_count(report->rows, text));
        tow_table_end_row(table);
    }
    summary_row(table, "duration", tow_human_lapse(report->end_us - report->start_us, text));
}

/* ---- commands to type ----------------------------------------------------------------------- */

/* Appends a word as a shell reads it. Those below go on without memory: the hint is then cut. */
static void summary_word(struct tow_buffer *out, const char *word)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+=,-";

    if (*word && word[strspn(word, plain)] == '\0') {
        tow_buffer_printf(out, NULL, " %s", word);
        return;
    }
    tow_buffer_append(out, " '", 2, NULL);
    for (; *word; word++)
        if (*word == '\'')
            tow_buffer_append(out, "'\\''", 4, NULL);
        else
            tow_buffer_append(out, word, 1, NULL);
    tow_buffer_append(out, "'", 1, NULL);
}

static void summary_option(struct tow_buffer *out, const char *option, const char *value)
{
    if (!value)
        return;
    tow_buffer_printf(out, NULL, " %s", option);
    summary_word(out, value);
}

/* 1 where the value of --set is a secret by the plugin's options, and no reference to one. */
static int summary_is_secret(const struct tow_assembly *assembly, const char *set)
{
    const struct {
        const char *prefix;
        const struct tow_plugin *plugin;
    } sections[] = {{"source.", assembly->source},
                    {"sink.", assembly->sink},
                    {"results.", assembly->results},
                    {"history.", assembly->history}};
    const struct tow_option *option;
    const char *key = strncmp(set, "job.", 4) == 0 ? set + 4 : set;

    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        size_t prefix = strlen(sections[i].prefix), length = strcspn(key, "=");

        if (!sections[i].plugin || strncmp(key, sections[i].prefix, prefix) != 0)
            continue;
        for (size_t n = 0; (option = tow_option_at(sections[i].plugin, n)) != NULL; n++)
            if (option->flags & TOW_OPTION_SECRET && strlen(option->name) == length - prefix &&
                strncmp(option->name, key + prefix, length - prefix) == 0)
                return !strstr(key, "=${") && !strstr(key, "=\"${");
    }
    return 0;
}

/* `set`, with *** for a value that is a secret. */
static void summary_set(const struct tow_summary *summary, struct tow_buffer *out, const char *set)
{
    char shown[160];

    if (summary_is_secret(summary->assembly, set)) {
        snprintf(shown, sizeof shown, "%.*s=***", (int)strcspn(set, "="), set);
        set = shown;
    }
    summary_option(out, "--set", set);
}

/* The same work going on, with its job file and values of --set; replay_of 0: `towpath run`. Or a
 * first replay, which finds the job file by itself, and which a sink may want elsewhere. */
static void summary_command(const struct tow_summary *summary, struct tow_table *table,
                            const char *name, int64_t replay_of, int going_on)
{
    struct tow_buffer out = {0};

    if (replay_of)
        tow_buffer_printf(&out, NULL, "towpath replay %" PRId64, replay_of);
    else
        tow_buffer_printf(&out, NULL, "towpath run");
    if (going_on && replay_of)
        summary_option(&out, "--job", summary->path);
    else if (going_on)
        summary_word(&out, summary->path);
    for (size_t i = 0; going_on && i < summary->sets->count; i++)
        summary_set(summary, &out, summary->sets->items[i]);
    summary_option(&out, "--state", summary->cli->state);
    summary_option(&out, "--plugin-path", summary->cli->plugin_path);
    tow_table_add(table, "%s", name);
    tow_table_add(table, "%.*s", (int)out.size, out.size ? out.data : "");
    tow_buffer_release(&out);
}

static void summary_tail(const struct tow_summary *summary, struct tow_table *table)
{
    const struct tow_run_report *report = summary->report;
    char rows[TOW_HUMAN_MAX], bytes[TOW_HUMAN_MAX], retries[TOW_HUMAN_MAX];

    if (report->counts.read) {
        tow_table_add(table, "rate");
        tow_table_add(table, "%s, %s",
                      tow_human_row_rate(summary_rate(report, report->counts.read), rows),
                      tow_human_byte_rate(summary_rate(report, report->counts.bytes), bytes));
    }
    summary_row(table, "retries", tow_human_count(report->counts.retries, retries));
    if (report->reject_path[0]) {
        summary_row(table, "rejects", report->reject_path);
        summary_command(summary, table, "replay", report->run, 0);
    }
    if (report->exit_code == TOW_EXIT_PARTIAL || strcmp(report->status, TOW_RUN_CANCELLED) == 0)
        summary_command(summary, table, "go on", summary->replay_of, 1);
}

int tow_summary_text(const struct tow_summary *summary, FILE *to, struct tow_error *err)
{
    static const struct tow_table_column pair[] = {{NULL, 0, SUMMARY_WIDTH}, {NULL, 0, 0}};
    static const struct tow_table_column sums[] = {
        {NULL, 0, SUMMARY_WIDTH}, {NULL, 1, 0}, {NULL, 0, 0}};
    const struct tow_counts *counts = &summary->report->counts;
    const struct {
        const char *name, *note;
        int64_t count;
    } rows[] = {
        {"read", "rows = accepted + rejected + filtered + pending", counts->read},
        {"accepted", "", counts->accepted},
        {"rejected", "", counts->rejected},
        {"filtered", "", counts->filtered},
        {"pending", counts->pending ? "not attempted, or not certain; the next run takes them" : "",
         counts->pending},
    };
    struct tow_table *table = tow_table_new(pair, 2);
    char text[TOW_HUMAN_MAX];

    summary_head(summary, table);
    int rc = tow_table_print(table, 0, to, err);
    if (rc || summary->report->run == 0)
        return rc;
    table = tow_table_new(sums, 3);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tow_table_add(table, "%s", rows[i].name);
        tow_table_add(table, "%s", tow_human_count(rows[i].count, text));
        tow_table_add(table, "%s", rows[i].note);
    }
    rc = tow_table_print(table, 0, to, err);
    if (rc)
        return rc;
    table = tow_table_new(pair, 2);
    summary_tail(summary, table);
    return tow_table_print(table, 0, to, err);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

int tow_summary_json(const struct tow_summary *summary, FILE *to, struct tow_error *err)
{
    const struct tow_run_report *report = summary->report;
    struct tow_doc doc = {.to = to};

    tow_doc_open(&doc, NULL, '{');
    tow_doc_text(&doc, "job", summary->job);
    tow_doc_nonzero(&doc, "run", report->run);
    tow_doc_text(&doc, "status", report->status);
    tow_doc_int(&doc, "exit_code", report->exit_code);
    tow_run_doc_error(&doc, report->error.code, report->error.message);
    tow_doc_time(&doc, "start", report->start_us);
    tow_doc_time(&doc, "end", report->end_us);
    tow_doc_real(&doc, "seconds", summary_seconds(report));
    tow_doc_text(&doc, "load", report->load_id[0] ? report->load_id : NULL);
    tow_doc_int(&doc, "earlier_loads", report->loads);
    tow_doc_int(&doc, "earlier_rows", report->rows);
    tow_doc_nonzero(&doc, "resumed_of", report->resumed_of);
    tow_doc_nonzero(&doc, "replay_of", summary->replay_of);
    tow_doc_bool(&doc, "trial", summary->trial);
    tow_run_doc_counts(&doc, &report->counts);
    tow_doc_real(&doc, "rows_per_second", summary_rate(report, report->counts.read));
    tow_doc_real(&doc, "bytes_per_second", summary_rate(report, report->counts.bytes));
    tow_doc_text(&doc, "rejects", report->reject_path[0] ? report->reject_path : NULL);
    tow_doc_close(&doc, '}');
    return tow_doc_end(&doc, err);
}
