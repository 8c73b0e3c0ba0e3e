#include <stdio.h>

#include "cli/cli.h"
#include "config/job.h"
#include "conformance/conformance.h"

struct plugins_test_options {
    struct tow_texts options;
    const char *timeout;
};

static const struct tow_argument plugins_test_arguments[] = {
    {"option", 0, TOW_ARGUMENT_TEXTS, offsetof(struct plugins_test_options, options), "NAME=VALUE",
     "an option of the plugin, as a job file would set it", 0, 0, 0},
    {"timeout", 0, TOW_ARGUMENT_TEXT, offsetof(struct plugins_test_options, timeout), "DURATION",
     "a call that takes longer is given up (60s)", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

static int plugins_test_call(const struct tow_cli *cli, const void *options)
{
    const struct plugins_test_options *test = options;
    struct tow_conformance given = {.path = cli->arguments[0],
                                    .options = test->options.items,
                                    .count = test->options.count,
                                    .timeout_ms = 60000};
    struct tow_error err = TOW_ERROR_INIT;

    if (test->timeout && tow_parse_duration(test->timeout, &given.timeout_ms, &err))
        return tow_cli_usage("plugins test", "--timeout: %s", err.message);
    int rc = tow_conformance_run(&given, stdout, &err);

    if (rc == TOW_OK)
        return TOW_EXIT_OK;
    int code = tow_cli_fail(&err);
    return rc == TOW_E_DATA ? TOW_EXIT_CONFIG : code;
}

const struct tow_command tow_cmd_plugins_test = {
    .name = "plugins test",
    .arguments = "FILE",
    .summary = "Tries whether a plugin keeps what every plugin promises",
    .about =
        "A line is printed for each check: pass, FAIL or skip, with the reason. A sink is given\n"
        "rows and told to publish them, so its options should name a place for that. The plugin\n"
        "runs in a process of its own, so that one that crashes or hangs is a failed check, too.\n"
        "Exit code 2 where a check failed.",
    .example = "  towpath plugins test ./mine.so --option path=sample.csv",
    .options = plugins_test_arguments,
    .options_size = sizeof(struct plugins_test_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = plugins_test_call,
};
