/* towpath-daemon: what `towpath daemon` becomes. A program of its own, so that `towpath run` does
 * not load an HTTP server, and the daemon no plugins and no HTTP client. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/job.h"
#include "config/others.h"
#include "console/daemon_options.h"
#include "daemon/daemon.h"
#include "daemon/trim.h"
#include "daemon/web.h"
#include "hide.h"
#include "log.h"
#include "run/run.h"

#define MAIN_COMMAND_MAX 16
#define MAIN_LISTEN      "127.0.0.1:9477"

/* As core/cli/main.c has them for all commands. */
struct main_options {
    const char *program, *alert, *state, *plugin_path, *log_level, *log_format;
};

#define MAIN(member) offsetof(struct main_options, member)

static const struct tow_argument main_arguments[] = {
    {"program", 0, TOW_ARGUMENT_TEXT, MAIN(program), "FILE", "", 0, 0, 0},
    {"alert-program", 0, TOW_ARGUMENT_TEXT, MAIN(alert), "FILE", "", 0, 0, 0},
    {"state", 0, TOW_ARGUMENT_TEXT, MAIN(state), "FILE", "", 0, 0, 0},
    {"plugin-path", 0, TOW_ARGUMENT_TEXT, MAIN(plugin_path), "DIRS", "", 0, 0, 0},
    {"log-level", 0, TOW_ARGUMENT_TEXT, MAIN(log_level), "LEVEL", "", 0, 0, 0},
    {"log-format", 0, TOW_ARGUMENT_TEXT, MAIN(log_format), "FORMAT", "", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

static int main_level(const char *name)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    for (int i = 0; name && i < 4; i++)
        if (strcmp(names[i], name) == 0)
            return TOW_LOG_DEBUG + i;
    return TOW_LOG_INFO;
}

/* The program and the options that its children get, too. */
static void main_command(const struct main_options *given, const char *state,
                         const char *command[MAIN_COMMAND_MAX])
{
    const char *const pairs[][2] = {{"--state", state},
                                    {"--plugin-path", given->plugin_path},
                                    {"--log-level", given->log_level},
                                    {"--log-format", given->log_format}};
    size_t n = 0;

    command[n++] = given->program;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (!pairs[i][1])
            continue;
        command[n++] = pairs[i][0];
        command[n++] = pairs[i][1];
    }
    command[n] = NULL;
}

static int main_open_web(struct tow_daemon *daemon, const struct tow_daemon_options *options,
                         struct tow_error *err)
{
    const char *token = getenv(TOW_DAEMON_TOKEN);
    const struct tow_web_settings settings = {
        .listen = options->listen ? options->listen : MAIN_LISTEN,
        .token = token && *token ? token : NULL,
        .cert_file = options->tls_cert,
        .key_file = options->tls_key,
        .plain = options->plain_http,
    };
    int rc = options->no_listen ? TOW_OK : tow_web_open(&daemon->web, &settings, daemon, err);

    /* Children have no use for it. */
    unsetenv(TOW_DAEMON_TOKEN);
    return rc;
}

static int main_serve(const struct tow_daemon_settings *settings,
                      const struct tow_daemon_options *options, struct tow_error *err)
{
    struct tow_daemon daemon;
    int rc = tow_daemon_init(&daemon, settings, err);

    if (!rc)
        rc = main_open_web(&daemon, options, err);
    if (!rc)
        rc = tow_daemon_run(&daemon, err);
    tow_web_close(daemon.web);
    tow_daemon_release(&daemon);
    return rc;
}

/* Here the sticky bit is no help: a new file is enough. */
static void main_check_writers(const char *folder, const struct stat *info)
{
    char who[TOW_OTHERS_MAX];

    if (tow_others_write(info, who))
        tow_log_line(TOW_LOG_WARN, "daemon", "%s: %s, and so decides what runs; chmod go-w it",
                     folder, who);
}

static int main_settings(const struct main_options *given, const struct tow_daemon_options *options,
                         struct tow_daemon_settings *settings, struct tow_error *err)
{
    struct stat info;

    if (!given->program || !given->alert || !options->directory)
        return tow_error_set(err, TOW_E_CONFIG, "this program is started by `towpath daemon`");
    if (stat(options->directory, &info) != 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "folder %s", options->directory);
    if (!S_ISDIR(info.st_mode))
        return tow_error_set(err, TOW_E_CONFIG, "%s is no folder", options->directory);
    main_check_writers(options->directory, &info);
    settings->folder = options->directory;
    settings->alert_program = given->alert;
    settings->max_runs = (int)options->max_runs;
    settings->drain_ms = 60000;
    return options->drain ? tow_parse_duration(options->drain, &settings->drain_ms, err) : TOW_OK;
}

int main(int argc, char **argv)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct main_options given = {0};
    struct tow_daemon_options options = {0};
    struct tow_daemon_settings settings = {0};
    const struct tow_argument_set sets[] = {{main_arguments, &given},
                                            {tow_daemon_arguments, &options}};
    const char *command[MAIN_COMMAND_MAX];
    char *state = NULL;
    int first;

    tow_process_hide();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    tow_arguments_defaults(&sets[0]);
    tow_arguments_defaults(&sets[1]);
    int rc = tow_arguments_parse(argc, argv, sets, 2, &first, &err);
    tow_log_setup(main_level(given.log_level),
                  given.log_format && strcmp(given.log_format, "json") == 0 ? TOW_LOG_JSON
                                                                            : TOW_LOG_TEXT);
    if (!rc)
        rc = main_settings(&given, &options, &settings, &err);
    if (!rc && !(state = tow_state_default_path(given.state)))
        rc = tow_error_nomem(&err);
    if (!rc) {
        main_command(&given, state, command);
        settings.state = state;
        settings.command = command;
        rc = main_serve(&settings, &options, &err);
    }
    if (rc)
        tow_log_line(TOW_LOG_ERROR, "daemon", "%s", err.message);
    free(state);
    return rc ? tow_exit_code(rc) : TOW_EXIT_OK;
}
