/* The option table, as users meet it. */
#include <stdlib.h>
#include <string.h>

#include "conformance/suite.h"

/* Fills an instance from the given settings with one more at the end. */
static size_t option_errors(struct suite *suite, struct tow_setting *extra)
{
    struct tow_setting section = suite->section;
    struct tow_instance instance = {0};
    struct tow_diags diags = {0};
    struct tow_error err = TOW_ERROR_INIT;

    section.items = calloc(section.count + 1, sizeof *section.items);
    if (!section.items)
        return 0;
    memcpy(section.items, suite->section.items, section.count * sizeof *section.items);
    section.items[section.count++] = *extra;
    int rc = tow_instance_init(&instance, suite->plugin, &section, suite->job.dir, &diags, &err);
    size_t errors = rc ? 1 : diags.errors;
    tow_instance_release(&instance);
    tow_diags_release(&diags);
    free(section.items);
    return errors;
}

static void option_check_unknown(struct suite *suite)
{
    const char *what = "an unknown option is refused";
    struct tow_setting unknown = {.name = (char *)"no_such_option",
                                  .kind = TOW_SETTING_STRING,
                                  .text = (char *)"x",
                                  .file = "conformance"};

    if (option_errors(suite, &unknown))
        suite_pass(suite, what);
    else
        suite_fail(suite, what, "no_such_option was taken");
}

static void option_check_kinds(struct suite *suite)
{
    const char *what = "an option of the wrong type is refused";
    const struct tow_option *option;
    const char *taken = NULL;

    for (size_t i = 0; (option = tow_option_at(suite->plugin, i)); i++) {
        struct tow_setting group = {
            .name = (char *)option->name, .kind = TOW_SETTING_GROUP, .file = "conformance"};

        if (!option_errors(suite, &group))
            taken = option->name;
    }
    if (taken)
        suite_fail(suite, what, "%s takes a group", taken);
    else
        suite_pass(suite, what);
}

static void option_check_required(struct suite *suite)
{
    const char *what = "a missing required option is refused";
    const struct tow_setting none = {.kind = TOW_SETTING_GROUP, .file = "conformance"};
    struct tow_instance instance = {0};
    struct tow_diags diags = {0};
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_option *option;
    size_t required = 0;

    for (size_t i = 0; (option = tow_option_at(suite->plugin, i)); i++)
        required += (option->flags & TOW_OPTION_REQUIRED) != 0;
    int rc = tow_instance_init(&instance, suite->plugin, &none, suite->job.dir, &diags, &err);
    if (rc || diags.errors != required)
        suite_fail(suite, what, "%zu are required, %zu were asked for", required, diags.errors);
    else
        suite_pass(suite, what);
    tow_instance_release(&instance);
    tow_diags_release(&diags);
}

void suite_check_options(struct suite *suite)
{
    option_check_unknown(suite);
    option_check_kinds(suite);
    option_check_required(suite);
}
