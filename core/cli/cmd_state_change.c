/* `towpath state reset|set`: putting right by hand where a job stands. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "log.h"
#include "run/host.h"
#include "towpath/clock.h"
#include "towpath/value.h"

typedef int state_change(struct tow_state *state, const char *job, const void *options,
                         struct tow_error *err);

/* Calls `change` while this process holds the job's lock, so that no run is under way. */
static int state_change_job(const struct tow_cli *cli, const char *job, const void *options,
                            state_change *change)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_state *state = NULL;
    struct tow_lock *lock = NULL;
    int busy = 0;
    int rc = tow_cli_state(cli, TOW_STATE_CREATE, &state, &err);

    if (!rc)
        rc = tow_state_lock(state, job, &lock, &busy, &err);
    if (!rc)
        rc = change(state, job, options, &err);
    if (lock)
        tow_state_unlock(lock);
    tow_state_close(state);
    if (!rc)
        return TOW_EXIT_OK;
    tow_cli_fail(&err);
    return busy ? TOW_EXIT_LOCKED : tow_exit_code(rc);
}

struct state_reset_options {
    int ledger, yes;
};

static const struct tow_argument state_reset_arguments[] = {
    {"ledger", 0, TOW_ARGUMENT_FLAG, offsetof(struct state_reset_options, ledger), NULL,
     "forget also what the plugins noted (files done, uploads made)", 0, 0, 0},
    {"yes", 'y', TOW_ARGUMENT_FLAG, offsetof(struct state_reset_options, yes), NULL, "do not ask",
     0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* 1 where the user at the terminal agrees. */
static int state_confirm(const char *job)
{
    char answer[16];

    fprintf(stderr, "Forget where job %s stands? Its next run starts from nothing. [y/N] ", job);
    fflush(stderr);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int state_reset(struct tow_state *state, const char *job, const void *options,
                       struct tow_error *err)
{
    const struct state_reset_options *reset = options;
    int rc = tow_cli_known_job(state, job, err);

    return rc ? rc : tow_state_checkpoint_reset(state, job, reset->ledger, err);
}

static int state_reset_call(const struct tow_cli *cli, const void *options)
{
    const struct state_reset_options *reset = options;
    const char *job = cli->arguments[0];

    if (!reset->yes && !isatty(STDIN_FILENO))
        return tow_cli_usage("state reset", "nobody is at the terminal to ask; give --yes");
    if (!reset->yes && !state_confirm(job)) {
        tow_log_line(TOW_LOG_ERROR, NULL, "nothing was changed");
        return TOW_EXIT_CONFIG;
    }
    int code = state_change_job(cli, job, options, state_reset);
    if (code == TOW_EXIT_OK && !cli->quiet)
        printf("job %s starts from nothing\n", job);
    return code;
}

/* ---- set ------------------------------------------------------------------------------------ */

struct state_set_options {
    const char *hex, *text, *source;
};

static const struct tow_argument state_set_arguments[] = {
    {"position-hex", 0, TOW_ARGUMENT_TEXT, offsetof(struct state_set_options, hex), "HEX",
     "the position, as `towpath state show --json` has it", 0, 0, 0},
    {"position-text", 0, TOW_ARGUMENT_TEXT, offsetof(struct state_set_options, text), "TEXT",
     "the position, where it is text", 0, 0, 0},
    {"source", 0, TOW_ARGUMENT_TEXT, offsetof(struct state_set_options, source), "PLUGIN",
     "the plugin that it is for, where the job has no checkpoint yet", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

static int state_set_position(const struct state_set_options *set, struct tow_position *position,
                              struct tow_error *err)
{
    const char *given = set->hex ? set->hex : set->text;
    size_t length = strlen(given), bytes = set->hex ? length / 2 : length;

    if (bytes > TOW_POSITION_MAX)
        return tow_error_set(err, TOW_E_CONFIG, "a position of %zu bytes; at most %d are allowed",
                             bytes, TOW_POSITION_MAX);
    *position = (struct tow_position){.size = sizeof *position, .length = (uint32_t)bytes};
    if (set->text)
        memcpy(position->bytes, given, bytes);
    else if (tow_parse_hex(given, length, position->bytes, &bytes) != TOW_PARSE_OK)
        return tow_error_set(err, TOW_E_CONFIG, "\"%.80s\" is not hex: pairs of 0-9 and a-f",
                             given);
    return TOW_OK;
}

static int state_set_checkpoint(struct tow_state *state, const char *job,
                                const struct state_set_options *set,
                                struct tow_checkpoint *checkpoint, struct tow_error *err)
{
    int rc = tow_state_checkpoint(state, job, checkpoint, err);

    if (rc < TOW_OK)
        return rc;
    if (rc == TOW_END && !set->source)
        return tow_error_set(err, TOW_E_CONFIG,
                             "job %s has no checkpoint to change; say with --source which plugin "
                             "the position is for",
                             job);
    if (rc == TOW_OK && set->source && strcmp(set->source, checkpoint->source) != 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "the checkpoint of job %s is for plugin %s, not %s; reset it first",
                             job, checkpoint->source, set->source);
    if (rc == TOW_END)
        snprintf(checkpoint->source, sizeof checkpoint->source, "%s", set->source);
    /* A load that was under way is given up: its sink tokens do not belong to this position. */
    checkpoint->load_id[0] = '\0';
    checkpoint->seq = 0;
    checkpoint->token_count = 0;
    checkpoint->saved_us = tow_now_us();
    rc = state_set_position(set, &checkpoint->position, err);
    return rc ? rc : tow_state_checkpoint_set(state, job, checkpoint, err);
}

static int state_set(struct tow_state *state, const char *job, const void *options,
                     struct tow_error *err)
{
    struct tow_checkpoint checkpoint = {0};
    int rc = state_set_checkpoint(state, job, options, &checkpoint, err);

    tow_checkpoint_release(&checkpoint);
    return rc;
}

static int state_set_call(const struct tow_cli *cli, const void *options)
{
    const struct state_set_options *set = options;

    if (!set->hex == !set->text)
        return tow_cli_usage("state set", "give either --position-hex or --position-text");
    int code = state_change_job(cli, cli->arguments[0], options, state_set);
    if (code == TOW_EXIT_OK && !cli->quiet)
        printf("job %s goes on from the given position\n", cli->arguments[0]);
    return code;
}

const struct tow_command tow_cmd_state_reset = {
    .name = "state reset",
    .arguments = "JOB",
    .summary = "Forgets a job's checkpoint: its next run starts from nothing",
    .about = "Runs and rejected rows stay listed. Refused (exit code 8) while the job runs.",
    .example = "  towpath state reset orders --yes",
    .options = state_reset_arguments,
    .options_size = sizeof(struct state_reset_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = state_reset_call,
};

const struct tow_command tow_cmd_state_set = {
    .name = "state set",
    .arguments = "JOB",
    .summary = "Puts a job's source at a given position",
    .about = "A load that is under way is given up. Where the job had no checkpoint, its next run\n"
             "needs --accept-schema-change, since no columns are known yet. Refused (exit code 8)\n"
             "while the job runs.",
    .example = "  towpath state set orders --position-text 1200",
    .options = state_set_arguments,
    .options_size = sizeof(struct state_set_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = state_set_call,
};
