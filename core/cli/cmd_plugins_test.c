#include <stdio.h>

#include "cli/cli.h"
#include "conformance/conformance.h"

struct plugins_test_options {
    struct tow_texts options;
};

static const struct tow_argument plugins_test_arguments[] = {
    {"option", 0, TOW_ARGUMENT_TEXTS, offsetof(struct plugins_test_options, options), "NAME=VALUE",
     "an option of the plugin, as a job file would set it", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

static int plugins_test_call(const struct tow_cli *cli, const void *options)
{
    const struct tow_texts *texts = &((const struct plugins_test_options *)options)->options;
    struct tow_error err = TOW_ERROR_INIT;
    int rc = tow_conformance_run(cli->arguments[0], texts->items, texts->count, stdout, &err);

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
        "rows and told to publish them, so its options should name a place for that. Exit\n"
        "code 2 where a check failed.",
    .example = "  towpath plugins test ./mine.so --option path=sample.csv",
    .options = plugins_test_arguments,
    .options_size = sizeof(struct plugins_test_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = plugins_test_call,
};
