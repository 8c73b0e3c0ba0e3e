/*
 * What the commands of `towpath` share. Results go to stdout, the log and findings to stderr. A
 * command returns the program's exit code (run/run.h); main adds the check that stdout took all.
 */
#ifndef CORE_CLI_CLI_H
#define CORE_CLI_CLI_H

#include "console/arguments.h"
#include "run/run.h"

/* Options of every command, and what is left of the command line. */
struct tow_cli {
    const char *state;       /* --state; NULL: the default */
    const char *plugin_path; /* --plugin-path; NULL: none */
    int log_level;           /* TOW_LOG_... */
    int log_format;
    int quiet, verbose;
    int help, version;
    char **arguments; /* behind the command's words, without options */
    int argument_count;
};

struct tow_command {
    const char *name;                   /* "run", "state reset" */
    const char *arguments;              /* as usage says them: "FILE"; "" for none */
    const char *summary;                /* one line */
    const char *about;                  /* more, in lines of at most 80 characters; may be NULL */
    const char *example;                /* lines */
    const struct tow_argument *options; /* NULL: none of its own */
    size_t options_size;                /* bytes of the struct that `offset` counts in */
    int argument_min, argument_max;     /* max -1: any number */
    int (*call)(const struct tow_cli *cli, const void *options);
};

extern const struct tow_command tow_cmd_run, tow_cmd_check, tow_cmd_plan, tow_cmd_init;
extern const struct tow_command tow_cmd_setup, tow_cmd_schedule, tow_cmd_jobs, tow_cmd_top;
extern const struct tow_command tow_cmd_plugins_list, tow_cmd_plugins_show, tow_cmd_plugins_test;
extern const struct tow_command tow_cmd_plugins_new, tow_cmd_completion, tow_cmd_keys;
extern const struct tow_command tow_cmd_state_show, tow_cmd_state_reset, tow_cmd_state_set;
extern const struct tow_command tow_cmd_runs, tow_cmd_runs_show, tow_cmd_rejects, tow_cmd_replay;
extern const struct tow_command tow_cmd_daemon, tow_cmd_version;
extern const struct tow_command tow_cmd_describe; /* `towpath NAME WORD`; its name is no words */

/* ---- main.c --------------------------------------------------------------------------------- */

/* All commands in the order of help, NULL at the end; and the options of each of them. */
const struct tow_command *const *tow_cli_commands(void);
const struct tow_argument *tow_cli_options(void);

/* ---- help.c --------------------------------------------------------------------------------- */

void tow_help_program(const struct tow_command *const *commands, const struct tow_argument *global);
/* The commands that start with the word `first`: 1, or 0 where there are none. */
int tow_help_group(const struct tow_command *const *commands, const char *first);
void tow_help_command(const struct tow_command *command, const struct tow_argument *global);

/* ---- cmd_version.c -------------------------------------------------------------------------- */

/* `towpath version` and --version. */
int tow_cli_version(int json);

/* ---- cmd_describe.c ------------------------------------------------------------------------- */

/* The plugin of that name, if it is a sink that describes its far end by that word; else NULL. */
const struct tow_plugin *tow_cli_describer(const char *plugin_path, const char *name,
                                           const char *word);

/* ---- common.c ------------------------------------------------------------------------------- */

/* Logs the error and returns its exit code. */
int tow_cli_fail(const struct tow_error *err);
/* Logs "text (see `towpath COMMAND --help`)" and returns TOW_EXIT_CONFIG. */
int tow_cli_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * Prints findings in the log's format, as files and lines order them. Returns TOW_EXIT_OK where
 * none is an error, TOW_EXIT_INTERNAL where memory ran out, TOW_EXIT_ENVIRONMENT where the job file
 * is to blame for none of them.
 */
int tow_cli_findings(const struct tow_cli *cli, struct tow_diags *diags);

/* The state that the command line names. mode: TOW_STATE_READ or TOW_STATE_CREATE. */
int tow_cli_state(const struct tow_cli *cli, int mode, struct tow_state **out,
                  struct tow_error *err);
/* Opens the state, for reading, and finds the run whose number is the first argument: TOW_E_CONFIG
 * where that is no number, or there is no such run. The state is to be closed in any case. */
int tow_cli_find_run(const struct tow_cli *cli, struct tow_state **state, struct tow_run *run,
                     struct tow_error *err);
/* Refuses a job that the state has neither run nor checkpoint of, with the nearest name. */
int tow_cli_known_job(struct tow_state *state, const char *job, struct tow_error *err);

/* A job file with its plugins. */
struct tow_cli_job {
    struct tow_loader *loader;
    struct tow_job job;
    struct tow_assembly assembly;
};

/*
 * Reads the job file (with `sets`, "KEY=VALUE", over it; NULL for none), finds and checks its
 * plugins. All findings are printed. TOW_EXIT_OK where the job is usable. Close it in every case.
 */
int tow_cli_job_open(const struct tow_cli *cli, const char *path, const struct tow_texts *sets,
                     struct tow_cli_job *out);

/* The same for who runs it on behalf of another. */
struct tow_cli_source {
    const char *path;
    const char *text; /* tow_job_load_text; NULL: the file's own */
    const struct tow_texts *sets;
    int name_log; /* 1: log lines name the job as soon as its name is known */
};
/* `why` is set where the job is not usable, to the first of the reasons. */
int tow_cli_job_open_from(const struct tow_cli *cli, const struct tow_cli_source *source,
                          struct tow_cli_job *out, struct tow_error *why);
void tow_cli_job_close(struct tow_cli_job *job);

#endif
