#include "conformance/conformance.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/suite.h"
#include "plugin/loader.h"

/* ---- report --------------------------------------------------------------------------------- */

void suite_pass(struct suite *suite, const char *what)
{
    suite->passed++;
    fprintf(suite->out, "pass  %s\n", what);
}

void suite_fail(struct suite *suite, const char *what, const char *format, ...)
{
    va_list args;

    suite->failed++;
    fprintf(suite->out, "FAIL  %s: ", what);
    va_start(args, format);
    vfprintf(suite->out, format, args);
    va_end(args);
    fputc('\n', suite->out);
}

void suite_skip(struct suite *suite, const char *what, const char *why)
{
    suite->skipped++;
    fprintf(suite->out, "skip  %s: %s\n", what, why);
}

/* ---- instances ------------------------------------------------------------------------------ */

static int suite_on_reject(void *context, const struct tow_source_reject *row)
{
    struct suite_instance *instance = context;

    instance->rejected++;
    if (!row->code || !row->message)
        instance->misuse = 1;
    return TOW_OK;
}

static int suite_on_settle(void *context, uint64_t seq, int64_t first, int64_t count, int outcome,
                           const char *code, const char *message)
{
    struct suite_instance *instance = context;

    if (seq > instance->seq || first < 0 || count < 0 || first + count > instance->offered ||
        (outcome != TOW_ROW_ACCEPTED && outcome != TOW_ROW_REJECTED) ||
        (outcome == TOW_ROW_REJECTED && (!code || !message)))
        instance->misuse = 1;
    instance->settled += count;
    return instance->misuse ? TOW_E_BUG : TOW_OK;
}

int suite_instance_init(struct suite *suite, struct suite_instance *instance, const char *role,
                        struct tow_error *err)
{
    struct tow_diags diags = {0};

    *instance = (struct suite_instance){.cancel.fd = -1};
    int rc = tow_instance_init(&instance->instance, suite->plugin, &suite->section, suite->job.dir,
                               &diags, err);
    if (!rc)
        rc = tow_diags_error(&diags, err);
    tow_diags_release(&diags);
    if (!rc)
        rc = tow_cancel_init(&instance->cancel, err);
    if (rc) {
        tow_instance_release(&instance->instance);
        return rc;
    }
    tow_host_init(&instance->box, &suite->job, role, suite->plugin);
    instance->box.host.load_id = "0123456789abcdef";
    instance->box.cancel = &instance->cancel;
    instance->box.reject = suite_on_reject;
    instance->box.settle = suite_on_settle;
    instance->box.context = instance;
    return TOW_OK;
}

void suite_instance_release(struct suite_instance *instance, const char *role, int opened)
{
    const struct tow_plugin *plugin = instance->instance.plugin;

    if (opened && strcmp(role, "source") == 0 && plugin->source->close)
        plugin->source->close(instance->instance.self);
    if (opened && strcmp(role, "sink") == 0 && plugin->sink->close)
        plugin->sink->close(instance->instance.self);
    tow_instance_release(&instance->instance);
    tow_cancel_release(&instance->cancel);
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
    fprintf(suite->out, "%d passed, %d failed, %d skipped\n", suite->passed, suite->failed,
            suite->skipped);
}

int tow_conformance_run(const char *path, const char *const *options, size_t count, FILE *out,
                        struct tow_error *err)
{
    struct suite suite = {.path = path, .out = out, .job = suite_job};
    struct tow_loader *loader = tow_loader_new(NULL, err);
    int rc = loader ? TOW_OK : err->code;

    if (!rc)
        rc = tow_loader_open(loader, path, &suite.plugin, err);
    if (!rc)
        rc = suite_settings(&suite, options, count, err);
    if (!rc) {
        suite_run(&suite);
        if (suite.failed)
            rc = tow_error_set(err, TOW_E_DATA, "%s: %d of %d checks failed", path, suite.failed,
                               suite.failed + suite.passed);
    }
    tow_setting_release(&suite.section);
    tow_loader_free(loader);
    return rc;
}
