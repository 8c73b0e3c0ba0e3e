#include "cli/execute.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/live.h"
#include "cli/summary.h"
#include "confine.h"
#include "console/human.h"
#include "log.h"

/* A signal handler gets no context: these are set while a call that may last is on. */
static struct tow_cancel *execute_cancel, *execute_abort;

static void execute_on_signal(int signal_number)
{
    if (tow_cancel_get(execute_cancel))
        tow_cancel_set(execute_abort, signal_number);
    else
        tow_cancel_set(execute_cancel, signal_number);
}

/* Without SA_RESTART, so that a blocking call of a plugin returns and can look at its flag. A
 * signal that the program was started to ignore (nohup, background jobs) stays ignored. */
static void execute_catch(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler}, old;

    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    if (sigaction(signal_number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(signal_number, &action, NULL);
}

void tow_cli_catch(struct tow_cancel *cancel, struct tow_cancel *abort)
{
    void (*handler)(int) = cancel ? execute_on_signal : SIG_DFL;

    if (cancel) {
        execute_cancel = cancel;
        execute_abort = abort;
    }
    execute_catch(SIGINT, handler);
    execute_catch(SIGTERM, handler);
}

static int execute_is_stdout(const struct tow_setting *section)
{
    const struct tow_setting *path = tow_setting_get(section, "path");

    return path && path->kind == TOW_SETTING_STRING && strcmp(path->text, "-") == 0;
}

static int execute_report(const struct tow_cli *cli, const struct tow_execute *execute,
                          const struct tow_assembly *assembly, const struct tow_run_report *report)
{
    const struct tow_job *job = assembly->job;
    struct tow_error err = TOW_ERROR_INIT;
    /* Where rows go to standard output, nothing else does. */
    FILE *to = execute_is_stdout(&job->sink) || execute_is_stdout(&job->results) ||
                       execute_is_stdout(&job->history)
                   ? stderr
                   : stdout;
    const struct tow_summary summary = {
        .job = job->name,
        .cli = cli,
        .path = execute->path,
        .sets = execute->sets,
        .assembly = assembly,
        .replay_of = execute->replay_of,
        .trial = execute->limit >= 0,
        .report = report,
    };
    int shown = !execute->json && !(cli->quiet && report->exit_code == TOW_EXIT_OK);
    int rc = TOW_OK;

    /* On one screen the block says it. */
    if (report->error.code && !(shown && isatty(fileno(to)) && isatty(STDERR_FILENO)))
        tow_log_line(TOW_LOG_ERROR, "run", "%s", report->error.message);
    if (execute->json)
        rc = tow_summary_json(&summary, to, &err);
    else if (shown)
        rc = tow_summary_text(&summary, to, &err);
    return rc ? tow_cli_fail(&err) : report->exit_code;
}

static void execute_load_ended(void *context, const struct tow_run_report *report)
{
    char rows[TOW_HUMAN_MAX];

    (void)context;
    tow_log_line(TOW_LOG_INFO, "run", "load %s is complete: %s rows by run %" PRId64,
                 report->load_id, tow_human_count(report->counts.read, rows), report->run);
}

/* All is loaded and open, and from here on data comes in. */
static void execute_confine(const struct tow_assembly *assembly)
{
    const char *why =
        tow_assembly_starts_programs(assembly) ? "the job starts programs" : tow_process_confine();

    tow_log_line(TOW_LOG_DEBUG, "run", "system calls are %sfiltered%s%s", why ? "not " : "",
                 why ? ": " : "", why ? why : "");
}

static int execute_run(const struct tow_cli *cli, const struct tow_execute *execute,
                       struct tow_cli_job *job, struct tow_state *state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_cancel cancel = {.fd = -1}, stop = {.fd = -1};
    struct tow_run_report report;
    struct tow_live live;
    int code, rc = tow_cancel_init(&cancel, &err);

    if (!rc)
        rc = tow_cancel_init(&stop, &err);
    if (!rc) {
        const struct tow_run_options options = {
            .limit = execute->limit,
            .full = execute->full,
            .accept_schema = execute->accept_schema,
            .replay_of = execute->replay_of,
            .slot_us = execute->slot_us,
            .attempt = execute->attempt,
            .cancel = &cancel,
            .abort = &stop,
            .progress = tow_live_progress,
            .progress_context = &live,
            .load_ended = execute_load_ended,
        };

        tow_live_init(&live, !cli->quiet && cli->log_format == TOW_LOG_TEXT);
        tow_cli_catch(&cancel, &stop);
        execute_confine(&job->assembly);
        tow_run_job(&job->assembly, state, &options, &report);
        tow_cli_catch(NULL, NULL);
        tow_live_end(&live);
        code = execute_report(cli, execute, &job->assembly, &report);
    } else {
        code = tow_cli_fail(&err);
    }
    tow_cancel_release(&stop);
    tow_cancel_release(&cancel);
    return code;
}

/* Somebody else records that there was no run. What cannot be written is in the log all the same.
 */
static void execute_say_why(const char *path, const struct tow_error *why)
{
    FILE *to = fopen(path, "we");

    if (!to)
        return;
    fprintf(to, "%s\n", why->message);
    fclose(to);
}

int tow_cli_execute(const struct tow_cli *cli, const struct tow_execute *execute)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state = NULL;
    struct tow_cli_job job;
    const struct tow_cli_source source = {.path = execute->path,
                                          .text = execute->text,
                                          .sets = execute->sets,
                                          .name_log = execute->name_log};
    int code = tow_cli_job_open_from(cli, &source, &job, &err);

    if (code == TOW_EXIT_OK) {
        if (tow_cli_state(cli, TOW_STATE_CREATE, &state, &err))
            code = tow_cli_fail(&err);
        else
            code = execute_run(cli, execute, &job, state);
    }
    if (err.code && execute->why)
        execute_say_why(execute->why, &err);
    tow_state_close(state);
    tow_cli_job_close(&job);
    return code;
}
