#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "console/daemon_options.h"
#include "log.h"

#define DAEMON_WORDS_MAX 64

/* The command line of towpath-daemon. */
struct daemon_words {
    char *items[DAEMON_WORDS_MAX];
    char numbers[8][24];
    size_t count, number_count;
};

static void daemon_add(struct daemon_words *words, const char *option, const char *value)
{
    /* "--name=value" would need memory; two words do not. */
    if (words->count + 3 > DAEMON_WORDS_MAX)
        return;
    words->items[words->count++] = (char *)(uintptr_t)option;
    if (value)
        words->items[words->count++] = (char *)(uintptr_t)value;
}

/* Names with their dashes, in the order of the table. */
static const char *daemon_option(const struct tow_argument *row)
{
    static char names[DAEMON_WORDS_MAX][32];
    size_t i = (size_t)(row - tow_daemon_arguments);

    snprintf(names[i], sizeof names[i], "--%s", row->name);
    return names[i];
}

static void daemon_add_options(struct daemon_words *words, const struct tow_daemon_options *options)
{
    for (const struct tow_argument *row = tow_daemon_arguments; row->name; row++) {
        const char *at = (const char *)options + row->offset;

        if (row->kind == TOW_ARGUMENT_FLAG && *(const int *)(const void *)at)
            daemon_add(words, daemon_option(row), NULL);
        if (row->kind == TOW_ARGUMENT_TEXT && *(const char *const *)(const void *)at)
            daemon_add(words, daemon_option(row), *(const char *const *)(const void *)at);
        if (row->kind == TOW_ARGUMENT_NUMBER) {
            char *number = words->numbers[words->number_count++];

            snprintf(number, sizeof words->numbers[0], "%lld",
                     (long long)*(const int64_t *)(const void *)at);
            daemon_add(words, daemon_option(row), number);
        }
    }
}

/* In a build tree it lies beside this program, else where it was installed. */
static int daemon_find(const char *name, const char *self, char path[PATH_MAX],
                       struct tow_error *err)
{
    int folder = (int)(strrchr(self, '/') - self);

    if (snprintf(path, PATH_MAX, "%.*s/%s", folder, self, name) < PATH_MAX &&
        access(path, X_OK) == 0)
        return TOW_OK;
    if (snprintf(path, PATH_MAX, "%s/%s", TOW_LIBEXEC_DIR, name) < PATH_MAX &&
        access(path, X_OK) == 0)
        return TOW_OK;
    return tow_error_errno(err, TOW_E_ENV, errno, "%s, a part of this program", path);
}

static int daemon_exec(const struct tow_cli *cli, const struct tow_daemon_options *options,
                       struct tow_error *err)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    struct daemon_words words = {.count = 0};
    char self[PATH_MAX], program[PATH_MAX], alert[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length <= 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "/proc/self/exe");
    self[length] = '\0';
    int rc = daemon_find("towpath-daemon", self, program, err);
    if (!rc)
        rc = daemon_find("towpath-alert", self, alert, err);
    if (rc)
        return rc;
    daemon_add(&words, program, NULL);
    daemon_add(&words, "--program", self);
    daemon_add(&words, "--alert-program", alert);
    if (cli->state)
        daemon_add(&words, "--state", cli->state);
    if (cli->plugin_path)
        daemon_add(&words, "--plugin-path", cli->plugin_path);
    daemon_add(&words, "--log-level", levels[cli->log_level - TOW_LOG_DEBUG]);
    daemon_add(&words, "--log-format", cli->log_format == TOW_LOG_JSON ? "json" : "text");
    daemon_add_options(&words, options);
    words.items[words.count] = NULL;
    execv(program, words.items);
    return tow_error_errno(err, TOW_E_ENV, errno, "starting %s", program);
}

static int daemon_call(const struct tow_cli *cli, const void *options)
{
    const struct tow_daemon_options *daemon = options;
    struct tow_error err = TOW_ERROR_INIT;
    int64_t drain_ms;

    if (!daemon->directory)
        return tow_cli_usage("daemon", "daemon needs a folder of job files: -C DIR");
    if (daemon->drain && tow_parse_duration(daemon->drain, &drain_ms, &err))
        return tow_cli_usage("daemon", "--drain: %s", err.message);
    if (!daemon->tls_cert != !daemon->tls_key)
        return tow_cli_usage("daemon", "--tls-cert and --tls-key go together");
    daemon_exec(cli, daemon, &err);
    return tow_cli_fail(&err);
}

const struct tow_command tow_cmd_daemon = {
    .name = "daemon",
    .arguments = "",
    .summary = "Runs the jobs of a folder by their schedules",
    .about =
        "Each run is a process of its own. SIGHUP reads the folder anew; a file that does not "
        "pass\n"
        "`check` keeps its earlier version, or is left out, and the log says why. SIGTERM lets\n"
        "runs end within --drain; the next start goes on with them.\n"
        "\n"
        "HTTP: /healthz, /readyz, /metrics, /api/jobs, /api/runs, POST /api/jobs/NAME/run. Other\n"
        "addresses than loopback need a token in $" TOW_DAEMON_TOKEN ", and TLS or --plain-http.",
    .example = "  towpath daemon -C /etc/towpath/jobs.d\n"
               "  curl -X POST http://127.0.0.1:9477/api/jobs/orders/run",
    .options = tow_daemon_arguments,
    .options_size = sizeof(struct tow_daemon_options),
    .call = daemon_call,
};
