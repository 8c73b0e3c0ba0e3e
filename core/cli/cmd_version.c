#include <stdio.h>

#include "cli/cli.h"
#include "config.h"
#include "console/doc.h"
#include "towpath/plugin.h"

struct version_options {
    int json;
};

static const struct tow_argument version_arguments[] = {
    {"json", 0, TOW_ARGUMENT_FLAG, offsetof(struct version_options, json), NULL, "print JSON", 0, 0,
     0},
    TOW_ARGUMENTS_END,
};

int tow_cli_version(int json)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_doc doc = {.to = stdout};

    if (!json) {
        printf("towpath %s (plugin ABI %d.%d)\n", PACKAGE_VERSION, TOW_ABI_MAJOR, TOW_ABI_MINOR);
        return TOW_EXIT_OK;
    }
    tow_doc_open(&doc, NULL, '{');
    tow_doc_text(&doc, "version", PACKAGE_VERSION);
    tow_doc_int(&doc, "abi_major", TOW_ABI_MAJOR);
    tow_doc_int(&doc, "abi_minor", TOW_ABI_MINOR);
    tow_doc_close(&doc, '}');
    return tow_doc_end(&doc, &err) ? tow_cli_fail(&err) : TOW_EXIT_OK;
}

static int version_call(const struct tow_cli *cli, const void *options)
{
    const struct version_options *version = options;

    (void)cli;
    return tow_cli_version(version->json);
}

const struct tow_command tow_cmd_version = {
    .name = "version",
    .arguments = "",
    .summary = "Prints the version of the program and of its plugin interface",
    .about = "With --json: version, abi_major, abi_minor.",
    .example = "  towpath version --json",
    .options = version_arguments,
    .options_size = sizeof(struct version_options),
    .call = version_call,
};
