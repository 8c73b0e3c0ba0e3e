/* `towpath NAME WORD`: what a sink says of its far end, for that one's other clients. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/execute.h"
#include "config/option/options.h"
#include "plugin/loader.h"
#include "run/host.h"
#include "towpath/rowtext.h"

struct describe_options {
    const char *output;
    struct tow_texts given; /* options of the plugin */
};

static const struct tow_argument describe_arguments[] = {
    {"output", 'o', TOW_ARGUMENT_TEXT, offsetof(struct describe_options, output), "FILE",
     "write there, over what is there, instead of standard output", 0, 0, 0},
    {"OPTION", 0, TOW_ARGUMENT_OTHERS, offsetof(struct describe_options, given), "VALUE",
     "an option of the plugin, as a job file would set it", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

const struct tow_plugin *tow_cli_describer(const char *plugin_path, const char *name,
                                           const char *word)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;
    struct tow_loader *loader = tow_loader_new(plugin_path, &err);

    if (!loader || tow_loader_get(loader, name, &plugin, &err) != TOW_OK)
        plugin = NULL;
    tow_loader_free(loader);
    const char *own = plugin ? tow_sink_describe_word(plugin) : NULL;
    return own && strcmp(own, word) == 0 ? plugin : NULL;
}

static int32_t describe_put(void *context, const char *text, uint64_t length)
{
    struct tow_error err = TOW_ERROR_INIT;

    return tow_buffer_append(context, text, (size_t)length, &err);
}

/* Whole, or not at all: no file is opened before the text is complete. */
static int describe_ask(const struct tow_plugin *plugin, const struct tow_texts *given,
                        struct tow_buffer *text, struct tow_cancel *cancel, struct tow_error *err)
{
    const struct tow_job job = {.name = ""};
    struct tow_instance instance;
    struct tow_host_box box;
    int rc = tow_instance_init_texts(&instance, plugin, given->items, given->count, err);

    if (!rc) {
        tow_host_init(&box, &job, "sink", plugin);
        box.cancel = cancel;
        tow_host_clear(err);
        rc = plugin->sink->describe(instance.self, &box.host, describe_put, text, err);
        rc = tow_host_result(&box, "describe", rc, err);
    }
    tow_instance_release(&instance);
    return rc;
}

static int describe_save(const char *path, const struct tow_buffer *text, struct tow_error *err)
{
    FILE *file = path ? fopen(path, "we") : stdout;

    if (!file)
        return tow_error_errno(err, TOW_E_ENV, errno, "%s", path);
    fwrite(text->data, 1, text->size, file);
    if (!path)
        return TOW_OK;
    errno = 0;
    int failed = ferror(file);
    if (fclose(file) || failed)
        return tow_error_errno(err, TOW_E_ENV, errno ? errno : EIO, "%s", path);
    return TOW_OK;
}

static int describe_call(const struct tow_cli *cli, const void *options)
{
    const struct describe_options *describe = options;
    const struct tow_plugin *plugin =
        tow_cli_describer(cli->plugin_path, cli->arguments[0], cli->arguments[1]);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_cancel cancel = {.fd = -1};
    struct tow_buffer text = {0};
    int rc = plugin ? tow_cancel_init(&cancel, &err)
                    : tow_error_set(&err, TOW_E_CONFIG, "no plugin \"%s\"", cli->arguments[0]);

    if (!rc) {
        tow_cli_catch(&cancel, &cancel);
        rc = describe_ask(plugin, &describe->given, &text, &cancel, &err);
        tow_cli_catch(NULL, NULL);
    }
    if (!rc)
        rc = describe_save(describe->output, &text, &err);
    int code = rc ? tow_cli_fail(&err) : TOW_EXIT_OK;
    if (rc == TOW_E_CANCELLED)
        code = 128 + tow_cancel_get(&cancel);
    tow_buffer_release(&text);
    tow_cancel_release(&cancel);
    return code;
}

const struct tow_command tow_cmd_describe = {
    .name = "NAME WORD",
    .arguments = "",
    .about = "The plugin's options say of what (`towpath plugins show NAME` lists them).",
    .example = "  towpath zerobus proto --table main.crm.vip --output record.proto",
    .options = describe_arguments,
    .options_size = sizeof(struct describe_options),
    .argument_min = 2,
    .argument_max = 2,
    .call = describe_call,
};
