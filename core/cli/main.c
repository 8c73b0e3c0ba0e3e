#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "hide.h"
#include "log.h"

#define GLOBAL(member) offsetof(struct tow_cli, member)

static const struct tow_argument main_options[] = {
    {"state", 0, TOW_ARGUMENT_TEXT, GLOBAL(state), "FILE", "where runs and checkpoints are kept", 0,
     0, 0},
    {"plugin-path", 0, TOW_ARGUMENT_TEXT, GLOBAL(plugin_path), "DIRS",
     "folders to look for plugins in first, separated by \":\"", 0, 0, 0},
    {"log-level", 0, TOW_ARGUMENT_CHOICE, GLOBAL(log_level), "debug|info|warn|error",
     "the least that is logged (default info)", 0, 0, -1},
    {"log-format", 0, TOW_ARGUMENT_CHOICE, GLOBAL(log_format), "text|json",
     "how log lines look (default text)", 0, 0, TOW_LOG_TEXT},
    {"quiet", 'q', TOW_ARGUMENT_FLAG, GLOBAL(quiet), NULL, "say nothing while all goes well", 0, 0,
     0},
    {"verbose", 'v', TOW_ARGUMENT_FLAG, GLOBAL(verbose), NULL, "log everything, with the time", 0,
     0, 0},
    {"help", 'h', TOW_ARGUMENT_FLAG, GLOBAL(help), NULL, "show the command's help", 0, 0, 0},
    {"version", 0, TOW_ARGUMENT_FLAG, GLOBAL(version), NULL, "show the version", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

/* In the order of help. Commands of two words share the first. */
static const struct tow_command *const main_commands[] = {
    &tow_cmd_run,
    &tow_cmd_check,
    &tow_cmd_plan,
    &tow_cmd_init,
    &tow_cmd_setup,
    &tow_cmd_schedule,
    &tow_cmd_plugins_list,
    &tow_cmd_plugins_show,
    &tow_cmd_plugins_test,
    &tow_cmd_plugins_new,
    &tow_cmd_jobs,
    &tow_cmd_top,
    &tow_cmd_runs,
    &tow_cmd_runs_show,
    &tow_cmd_rejects,
    &tow_cmd_replay,
    &tow_cmd_state_show,
    &tow_cmd_state_reset,
    &tow_cmd_state_set,
    &tow_cmd_daemon,
    &tow_cmd_keys,
    &tow_cmd_completion,
    &tow_cmd_version,
    NULL,
};

#define MAIN_COMMANDS (sizeof main_commands / sizeof main_commands[0])

const struct tow_command *const *tow_cli_commands(void)
{
    return main_commands;
}

const struct tow_argument *tow_cli_options(void)
{
    return main_options;
}

/* ---- finding the command -------------------------------------------------------------------- */

/* 1 where the command's name is these words (the second may be NULL). */
static int main_is(const struct tow_command *command, const char *first, const char *second)
{
    size_t length = strlen(first);

    if (strncmp(command->name, first, length) != 0)
        return 0;
    if (!second)
        return command->name[length] == '\0';
    return command->name[length] == ' ' && strcmp(command->name + length + 1, second) == 0;
}

/* Second words of commands that start with `first`, ready for a message. */
static size_t main_seconds(const char *first, const char **names)
{
    size_t count = 0, length = strlen(first);

    for (size_t i = 0; main_commands[i]; i++)
        if (strncmp(main_commands[i]->name, first, length) == 0 &&
            main_commands[i]->name[length] == ' ')
            names[count++] = main_commands[i]->name + length + 1;
    names[count] = NULL;
    return count;
}

static int main_unknown(const char *first, const char *second)
{
    const char *names[2 * MAIN_COMMANDS];
    char firsts[MAIN_COMMANDS][32];
    size_t count = main_seconds(first, names);

    if (count > 0 && !second)
        return tow_cli_usage(NULL, "\"%s\" needs a second word, such as \"%s %s\"", first, first,
                             names[0]);
    if (count > 0) {
        const char *near = tow_nearest(second, names);

        return tow_cli_usage(NULL, "unknown command \"%s %s\"%s%s%s%s%s", first, second,
                             near ? "; did you mean \"" : "", near ? first : "", near ? " " : "",
                             near ? near : "", near ? "\"?" : "");
    }
    for (count = 0; main_commands[count]; count++) {
        snprintf(firsts[count], sizeof firsts[count], "%.*s",
                 (int)strcspn(main_commands[count]->name, " "), main_commands[count]->name);
        names[count] = firsts[count];
    }
    names[count++] = "help";
    names[count] = NULL;
    const char *near = tow_nearest(first, names);
    return tow_cli_usage(NULL, "unknown command \"%s\"%s%s%s", first,
                         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* *used tells how many of the words name the command. */
static const struct tow_command *main_find(const struct tow_texts *words, size_t from, int *used)
{
    const char *first = words->items[from];
    const char *second = from + 1 < words->count ? words->items[from + 1] : NULL;

    for (size_t i = 0; second && main_commands[i]; i++)
        if (main_is(main_commands[i], first, second)) {
            *used = 2;
            return main_commands[i];
        }
    for (size_t i = 0; main_commands[i]; i++)
        if (main_is(main_commands[i], first, NULL)) {
            *used = 1;
            return main_commands[i];
        }
    return NULL;
}

/* ---- calling it ----------------------------------------------------------------------------- */

static void main_set_up_log(struct tow_cli *cli)
{
    if (cli->log_level < 0)
        cli->log_level = cli->verbose ? TOW_LOG_DEBUG : cli->quiet ? TOW_LOG_WARN : TOW_LOG_INFO;
    tow_log_setup(cli->log_level, cli->log_format);
}

static int main_call_with(const struct tow_command *command, struct tow_cli *cli, void *options)
{
    if (cli->help) {
        tow_help_command(command, main_options);
        return TOW_EXIT_OK;
    }
    if (cli->version)
        return tow_cli_version(0);
    if (cli->argument_count < command->argument_min)
        return tow_cli_usage(command->name, "%s needs %s", command->name, command->arguments);
    if (command->argument_max >= 0 && cli->argument_count > command->argument_max)
        return tow_cli_usage(command->name, "%s: \"%s\" is one argument too many", command->name,
                             cli->arguments[command->argument_max]);
    /* Who works on plugins may want core files of them; those commands read no job. */
    if (strncmp(command->name, "plugins", 7) != 0)
        tow_process_hide();
    return command->call(cli, options);
}

static int main_call(const struct tow_command *command, int used, int argc, char **argv)
{
    static const struct tow_argument none[] = {TOW_ARGUMENTS_END};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_cli cli = {0};
    void *options = calloc(1, command->options_size + 1);
    const struct tow_argument_set sets[] = {
        {main_options, &cli},
        {command->options ? command->options : none, options},
    };
    int first = 0, code;

    if (!options) {
        tow_error_nomem(&err);
        return tow_cli_fail(&err);
    }
    tow_arguments_defaults(&sets[0]);
    tow_arguments_defaults(&sets[1]);
    if (tow_arguments_parse(argc, argv, sets, 2, &first, &err)) {
        main_set_up_log(&cli);
        code = err.code == TOW_E_CONFIG ? tow_cli_usage(command->name, "%s", err.message)
                                        : tow_cli_fail(&err);
    } else {
        main_set_up_log(&cli);
        cli.arguments = argv + first + used;
        cli.argument_count = argc - first - used;
        code = main_call_with(command, &cli, options);
    }
    tow_arguments_release(&sets[1]);
    free(options);
    return code;
}

/* `towpath help`, `towpath help COMMAND`, `towpath --help`, `towpath --version`. */
static int main_no_command(const struct tow_texts *words, int argc, char **argv)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_cli cli = {0};
    const struct tow_argument_set global = {main_options, &cli};
    int first, used;

    tow_arguments_defaults(&global);
    int rc = tow_arguments_parse(argc, argv, &global, 1, &first, &err);
    main_set_up_log(&cli);
    if (rc)
        return tow_cli_usage(NULL, "%s", err.message);
    if (words->count > 1) {
        const struct tow_command *command = main_find(words, 1, &used);

        if (command)
            tow_help_command(command, main_options);
        else if (!(words->count == 2 && tow_help_group(main_commands, words->items[1])))
            return main_unknown(words->items[1], words->count > 2 ? words->items[2] : NULL);
        return TOW_EXIT_OK;
    }
    if (cli.version)
        return tow_cli_version(0);
    if (words->count == 0 && !cli.help)
        return tow_cli_usage(NULL, "a command is missing");
    tow_help_program(main_commands, main_options);
    return TOW_EXIT_OK;
}

/* A plugin's own word, as in `towpath zerobus proto`: its exit code, or -1 where it is none. */
static int main_describe(const struct tow_texts *words, int argc, char **argv)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_command command = tow_cmd_describe;
    struct tow_cli cli = {0};
    const struct tow_argument_set global = {main_options, &cli};
    void *options = calloc(1, command.options_size);
    const struct tow_argument_set sets[] = {global, {command.options, options}};
    const struct tow_plugin *plugin = NULL;
    char name[160];
    int first;

    if (options && words->count > 1) {
        tow_arguments_parse(argc, argv, sets, 2, &first, &err);
        plugin = tow_cli_describer(cli.plugin_path, words->items[0], words->items[1]);
        tow_arguments_release(&sets[1]);
    }
    free(options);
    if (!plugin)
        return -1;
    snprintf(name, sizeof name, "%s %s", words->items[0], words->items[1]);
    command.name = name;
    command.summary = plugin->sink->describe_summary;
    return main_call(&command, 0, argc, argv);
}

/* Words that name no command; `towpath state --help` is a good question all the same. */
static int main_not_found(const struct tow_texts *words, int argc, char **argv)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_cli cli = {0};
    const struct tow_argument_set global = {main_options, &cli};
    int first, code = main_describe(words, argc, argv);

    if (code >= 0)
        return code;
    tow_arguments_defaults(&global);
    if (tow_arguments_parse(argc, argv, &global, 1, &first, &err) == TOW_OK && cli.help &&
        words->count == 1 && tow_help_group(main_commands, words->items[0]))
        return TOW_EXIT_OK;
    return main_unknown(words->items[0], words->count > 1 ? words->items[1] : NULL);
}

static int main_dispatch(int argc, char **argv)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_argument_set sets[MAIN_COMMANDS + 1] = {{main_options, NULL}};
    struct tow_texts words = {0};
    int used = 0, code;

    for (size_t i = 0; main_commands[i]; i++)
        sets[i + 1].rows = main_commands[i]->options;
    if (tow_arguments_words(argc, argv, sets, MAIN_COMMANDS, &words, 3, &err)) {
        code =
            err.code == TOW_E_CONFIG ? tow_cli_usage(NULL, "%s", err.message) : tow_cli_fail(&err);
    } else if (words.count == 0 || strcmp(words.items[0], "help") == 0) {
        code = main_no_command(&words, argc, argv);
    } else {
        const struct tow_command *command = main_find(&words, 0, &used);

        code = command ? main_call(command, used, argc, argv) : main_not_found(&words, argc, argv);
    }
    free(words.items);
    return code;
}

/* ---- the process ---------------------------------------------------------------------------- */

/* A file opened while 0, 1 or 2 is closed would take its number, and output would go into it. What
 * is put there cannot be used in its direction, so that using it still fails. */
static void main_fill_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(TOW_EXIT_ENVIRONMENT);
}

/* Results that did not arrive are an error, whatever the command thought. */
static int main_close_stdout(int code)
{
    struct tow_error err = TOW_ERROR_INIT;
    int failed = ferror(stdout);

    errno = 0;
    if (fflush(stdout) == 0 && !failed)
        return code;
    if (errno)
        tow_error_errno(&err, TOW_E_ENV, errno, "standard output");
    else
        tow_error_set(&err, TOW_E_ENV, "standard output could not be written");
    tow_log_line(TOW_LOG_ERROR, NULL, "%s", err.message);
    return code == TOW_EXIT_OK ? TOW_EXIT_ENVIRONMENT : code;
}

/* The soft limit is 1024 for programs that use select, which this one does not: a job of 200 routes
 * and two workers needs more. */
static void main_raise_limit(void)
{
    const rlim_t most = 65536;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= most)
        return;
    limit.rlim_cur = limit.rlim_max < most ? limit.rlim_max : most;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    main_fill_descriptors();
    main_raise_limit();
    /* What these say, the write that failed says too, and an error can be reported. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return main_close_stdout(main_dispatch(argc, argv));
}
