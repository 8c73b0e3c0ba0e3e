/* `towpath keys`: what the core itself reads of a job file, as `plugins show` is for plugins. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options_text.h"
#include "config/job_keys.h"

struct keys_options {
    int json;
};

static const struct tow_argument keys_arguments[] = {
    {"json", 0, TOW_ARGUMENT_FLAG, offsetof(struct keys_options, json), NULL, "print JSON", 0, 0,
     0},
    TOW_ARGUMENTS_END,
};

static void keys_print_names(const struct tow_job_keys *keys)
{
    for (const char *const *name = keys->others; *name; name++)
        printf("%s%s", name == keys->others ? "" : ", ", *name);
    putchar('\n');
}

static int keys_print(const struct tow_job_keys *keys, struct tow_error *err)
{
    struct tow_table *table;

    printf("%s%s\n", keys->section, keys->is_list ? ", a list; of an entry:" : ":");
    if (keys->options) {
        table = tow_option_table_new();
        for (const struct tow_option *option = keys->options; option->name; option++)
            tow_option_row(table, option);
        int rc = tow_table_print(table, 0, stdout, err);
        if (rc)
            return rc;
    }
    if (keys->others)
        keys_print_names(keys);
    return TOW_OK;
}

static void keys_doc(struct tow_doc *doc, const struct tow_job_keys *keys)
{
    tow_doc_open(doc, NULL, '{');
    tow_doc_text(doc, "section", keys->section);
    tow_doc_bool(doc, "list", keys->is_list);
    tow_doc_open(doc, "keys", '[');
    for (const struct tow_option *option = keys->options; option && option->name; option++)
        tow_option_doc(doc, option);
    tow_doc_close(doc, ']');
    tow_doc_open(doc, "others", '[');
    for (const char *const *name = keys->others; name && *name; name++)
        tow_doc_text(doc, NULL, *name);
    tow_doc_close(doc, ']');
    tow_doc_close(doc, '}');
}

static int keys_print_all(struct tow_error *err)
{
    int rc = TOW_OK;

    for (const struct tow_job_keys *keys = tow_job_keys; !rc && keys->section; keys++) {
        if (keys != tow_job_keys)
            putchar('\n');
        rc = keys_print(keys, err);
    }
    return rc;
}

static int keys_call(const struct tow_cli *cli, const void *options)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_doc doc = {.to = stdout};

    (void)cli;
    if (!((const struct keys_options *)options)->json)
        return keys_print_all(&err) ? tow_cli_fail(&err) : TOW_EXIT_OK;
    tow_doc_open(&doc, NULL, '[');
    for (const struct tow_job_keys *keys = tow_job_keys; keys->section; keys++)
        keys_doc(&doc, keys);
    tow_doc_close(&doc, ']');
    return tow_doc_end(&doc, &err) ? tow_cli_fail(&err) : TOW_EXIT_OK;
}

const struct tow_command tow_cmd_keys = {
    .name = "keys",
    .arguments = "",
    .summary = "Shows the keys of a job file that are no plugin's",
    .about = "With --json: an array of {section, list, keys [{name, type, required, secret,\n"
             "default, bounds, help}], others [names]}.",
    .example = "  towpath keys",
    .options = keys_arguments,
    .options_size = sizeof(struct keys_options),
    .call = keys_call,
};
