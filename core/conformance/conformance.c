#include "conformance/conformance.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/suite.h"
#include "plugin/loader.h"
#include "towpath/clock.h"

/* ---- report --------------------------------------------------------------------------------- */

void suite_pass(struct suite *suite, const char *what)
{
    suite->page->passed++;
    fprintf(suite->out, "pass  %s\n", what);
}

void suite_fail(struct suite *suite, const char *what, const char *format, ...)
{
    va_list args;

    suite->page->failed++;
    fprintf(suite->out, "FAIL  %s: ", what);
    va_start(args, format);
    vfprintf(suite->out, format, args);
    va_end(args);
    fputc('\n', suite->out);
}

void suite_skip(struct suite *suite, const char *what, const char *why)
{
    suite->page->skipped++;
    fprintf(suite->out, "skip  %s: %s\n", what, why);
}

void suite_judge(struct suite *suite, const char *what, int rc, const struct tow_error *err)
{
    if (rc < TOW_OK)
        suite_fail(suite, what, "%s", err->message);
    else
        suite_pass(suite, what);
}

/* ---- options from the command line ------------------------------------------------------------
 */

static const struct tow_option *suite_find_option(const struct tow_plugin *plugin, const char *name)
{
    const struct tow_option *option;

    for (size_t i = 0; (option = tow_option_at(plugin, i)); i++)
        if (strcmp(option->name, name) == 0)
            return option;
    return NULL;
}

/* "name=value" as a setting of the kind that the option takes; unknown names go through as they
 * are, to be refused where job files are. */
static int suite_setting(struct suite *suite, const char *text, struct tow_setting *out,
                         struct tow_error *err)
{
    const char *equals = strchr(text, '=');

    if (!equals)
        return tow_error_set(err, TOW_E_CONFIG, "\"%s\": options are given as name=value", text);
    out->file = "command line";
    out->name = strndup(text, (size_t)(equals - text));
    out->text = strdup(equals + 1);
    if (!out->name || !out->text)
        return tow_error_nomem(err);
    const struct tow_option *option = suite_find_option(suite->plugin, out->name);
    int flag = 0;
    size_t length = strlen(out->text);

    out->kind = TOW_SETTING_STRING;
    if (option && option->type == TOW_OPTION_INT &&
        tow_parse_int64(out->text, length, &out->integer) == TOW_PARSE_OK)
        out->kind = TOW_SETTING_INT;
    if (option && option->type == TOW_OPTION_DOUBLE &&
        tow_parse_double(out->text, length, &out->number) == TOW_PARSE_OK)
        out->kind = TOW_SETTING_DOUBLE;
    if (option && option->type == TOW_OPTION_BOOL &&
        tow_parse_bool(out->text, length, &flag) == TOW_PARSE_OK) {
        out->kind = TOW_SETTING_BOOL;
        out->integer = flag;
    }
    return TOW_OK;
}

static int suite_settings(struct suite *suite, const char *const *options, size_t count,
                          struct tow_error *err)
{
    int rc = TOW_OK;

    suite->section = (struct tow_setting){.kind = TOW_SETTING_GROUP, .file = "command line"};
    suite->section.items = calloc(count + 1, sizeof *suite->section.items);
    if (!suite->section.items)
        return tow_error_nomem(err);
    for (size_t i = 0; !rc && i < count; i++) {
        rc = suite_setting(suite, options[i], &suite->section.items[i], err);
        suite->section.count++;
    }
    return rc;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static const struct tow_job suite_job = {
    .path = (char *)"command line",
    .dir = (char *)".",
    .name = "conformance",
    .tuning = {.batch_rows = 100, .batch_bytes = 1 << 20, .workers = 1},
};

static void suite_run(struct suite *suite)
{
    suite_check_symbols(suite);
    suite_pass(suite, "the module loads, and its descriptor is sound");
    suite_check_options(suite);
    if (suite->plugin->source)
        suite_check_source(suite);
    if (suite->plugin->sink)
        suite_check_sink(suite);
    if (suite->plugin->transform)
        suite_check_transform(suite);
}

/* Within the process that is watched. */
static int suite_body(void *context, struct watch_page *page, FILE *to, struct tow_error *err)
{
    const struct tow_conformance *given = context;
    struct suite suite = {
        .path = given->path, .out = to, .page = page, .job = suite_job, .now_us = tow_now_us()};
    struct suite_process *process = suite_process_new();
    struct tow_loader *loader = tow_loader_new(NULL, err);
    int rc = loader ? TOW_OK : err->code;

    if (!rc)
        rc = tow_loader_open(loader, given->path, &suite.plugin, err);
    if (!rc)
        rc = suite_settings(&suite, given->options, given->count, err);
    if (!rc) {
        suite.overlay = tow_overlay_new(NULL, suite.job.name, err);
        rc = suite.overlay ? TOW_OK : err->code;
    }
    if (!rc) {
        suite_run(&suite);
        suite_check_process(&suite, process);
        fprintf(to, "%d passed, %d failed, %d skipped\n", page->passed, page->failed,
                page->skipped);
        if (page->failed)
            rc = tow_error_set(err, TOW_E_DATA, "%d of %d checks failed", page->failed,
                               page->failed + page->passed);
    }
    if (!suite.hung)
        tow_overlay_free(suite.overlay);
    tow_setting_release(&suite.section);
    tow_loader_free(loader);
    free(process);
    return rc;
}

int tow_conformance_run(const struct tow_conformance *given, FILE *out, struct tow_error *err)
{
    int rc = watch_run(suite_body, (void *)(uintptr_t)given, out, given->timeout_ms, err);

    return rc == TOW_E_DATA ? tow_error_prefix(err, "%s", given->path) : rc;
}
