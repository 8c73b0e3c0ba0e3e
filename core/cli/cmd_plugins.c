/* `towpath plugins list` and `plugins show`: what there is to build jobs from. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options_text.h"
#include "cli/plugin_columns.h"

struct plugins_options {
    int json;
};

static const struct tow_argument plugins_arguments[] = {
    {"json", 0, TOW_ARGUMENT_FLAG, offsetof(struct plugins_options, json), NULL, "print JSON", 0, 0,
     0},
    TOW_ARGUMENTS_END,
};

struct plugins_show_options {
    int json;
    struct tow_texts given; /* options of the plugin */
};

static const struct tow_argument plugins_show_arguments[] = {
    {"json", 0, TOW_ARGUMENT_FLAG, offsetof(struct plugins_show_options, json), NULL, "print JSON",
     0, 0, 0},
    {"OPTION", 0, TOW_ARGUMENT_OTHERS, offsetof(struct plugins_show_options, given), "VALUE",
     "an option of the plugin, for sinks whose columns depend on it", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

static const char *plugin_kinds(const struct tow_plugin *plugin)
{
    static const char *const kinds[] = {
        "none",
        "source",
        "sink",
        "source, sink",
        "transform",
        "source, transform",
        "sink, transform",
        "source, sink, transform",
    };

    return kinds[(plugin->source ? 1 : 0) | (plugin->sink ? 2 : 0) | (plugin->transform ? 4 : 0)];
}

static void plugin_doc_kinds(struct tow_doc *doc, const struct tow_plugin *plugin)
{
    tow_doc_open(doc, "kinds", '[');
    if (plugin->source)
        tow_doc_text(doc, NULL, "source");
    if (plugin->sink)
        tow_doc_text(doc, NULL, "sink");
    if (plugin->transform)
        tow_doc_text(doc, NULL, "transform");
    tow_doc_close(doc, ']');
}

/* ---- list ----------------------------------------------------------------------------------- */

struct plugins_list {
    struct tow_loader *loader;
    struct tow_table *table; /* or */
    struct tow_doc *doc;
};

static void plugins_row(struct tow_table *table, const char *name, const char *path,
                        const struct tow_plugin *plugin, const struct tow_error *err)
{
    tow_table_add(table, "%s", name);
    tow_table_add(table, "%s", plugin ? plugin_kinds(plugin) : "-");
    tow_table_add(table, "%s", plugin ? plugin->version : "-");
    tow_table_add(table, "%s", plugin ? plugin->summary : err->message);
    tow_table_add(table, "%s", path ? path : "(built in)");
}

static void plugins_doc(struct tow_doc *doc, const char *name, const char *path,
                        const struct tow_plugin *plugin, const struct tow_error *err)
{
    tow_doc_open(doc, NULL, '{');
    tow_doc_text(doc, "name", name);
    tow_doc_text(doc, "file", path);
    tow_doc_text(doc, "version", plugin ? plugin->version : NULL);
    tow_doc_text(doc, "summary", plugin ? plugin->summary : NULL);
    if (plugin)
        plugin_doc_kinds(doc, plugin);
    else
        tow_doc_text(doc, "kinds", NULL);
    tow_doc_text(doc, "error", plugin ? NULL : err->message);
    tow_doc_close(doc, '}');
}

static int plugins_visit(void *context, const char *name, const char *path)
{
    struct plugins_list *list = context;
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;

    if (tow_loader_get(list->loader, name, &plugin, &err))
        plugin = NULL;
    if (list->doc)
        plugins_doc(list->doc, name, path, plugin, &err);
    else
        plugins_row(list->table, name, path, plugin, &err);
    return 0;
}

static int plugins_list(struct tow_loader *loader, int json, struct tow_error *err)
{
    static const struct tow_table_column columns[] = {
        {"NAME", 0, 0}, {"KIND", 0, 0}, {"VERSION", 0, 0}, {"SUMMARY", 0, 0}, {"FILE", 0, 0},
    };
    struct tow_doc doc = {.to = stdout};
    struct plugins_list list = {.loader = loader, .doc = json ? &doc : NULL};
    int rc, ended;

    if (json)
        tow_doc_open(&doc, NULL, '[');
    else
        list.table = tow_table_new(columns, sizeof columns / sizeof columns[0]);
    rc = tow_loader_each(loader, plugins_visit, &list, err);
    if (json) {
        tow_doc_close(&doc, ']');
        ended = tow_doc_end(&doc, rc ? NULL : err);
    } else {
        ended = tow_table_print(list.table, 0, stdout, rc ? NULL : err);
    }
    return rc ? rc : ended;
}

static int plugins_list_call(const struct tow_cli *cli, const void *options)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_loader *loader = tow_loader_new(cli->plugin_path, &err);
    int rc = loader ? TOW_OK : err.code;

    if (!rc)
        rc = plugins_list(loader, ((const struct plugins_options *)options)->json, &err);
    tow_loader_free(loader);
    return rc ? tow_cli_fail(&err) : TOW_EXIT_OK;
}

/* ---- show ----------------------------------------------------------------------------------- */

static const struct {
    uint32_t flag;
    const char *text;
} plugin_source_flags[] = {{TOW_SOURCE_OFFLINE, "knows its columns offline"},
                           {TOW_SOURCE_REMOTE, "reads over the network"}},
  plugin_sink_flags[] = {
      {TOW_SINK_PARALLEL, "several instances may write at once (pipeline.workers)"},
      {TOW_SINK_OFFLINE_BEGIN, "judges columns offline"},
      {TOW_SINK_DEFERS, "settles rows later"},
      {TOW_SINK_FINAL, "a settled row is final at the far end"},
};

static void plugin_print_flags(const struct tow_plugin *plugin)
{
    if (plugin->source)
        for (size_t i = 0; i < sizeof plugin_source_flags / sizeof plugin_source_flags[0]; i++)
            if (plugin->source->flags & plugin_source_flags[i].flag)
                printf("as a source: %s\n", plugin_source_flags[i].text);
    if (plugin->sink)
        for (size_t i = 0; i < sizeof plugin_sink_flags / sizeof plugin_sink_flags[0]; i++)
            if (plugin->sink->flags & plugin_sink_flags[i].flag)
                printf("as a sink: %s\n", plugin_sink_flags[i].text);
}

static int plugin_show_text(const struct tow_plugin *plugin, const struct tow_texts *given,
                            struct tow_error *err)
{
    struct tow_table *table = tow_option_table_new();
    const struct tow_option *option;

    printf("%s %s: %s\n%s\n", plugin->name, plugin->version, plugin->summary, plugin_kinds(plugin));
    plugin_print_flags(plugin);
    if (tow_source_names(plugin))
        printf("as a source: has words for options of the sink: {%s}\n", tow_source_names(plugin));
    if (tow_sink_words(plugin) && *tow_sink_words(plugin))
        printf("as a sink: has words for its own options: {%s}\n", tow_sink_words(plugin));
    putchar('\n');
    for (size_t i = 0; (option = tow_option_at(plugin, i)) != NULL; i++)
        tow_option_row(table, option);
    int rc = tow_table_print(table, 0, stdout, err);
    return rc ? rc : tow_plugin_columns_text(plugin, given, err);
}

static int plugin_show_json(const struct tow_plugin *plugin, const struct tow_texts *given,
                            struct tow_error *err)
{
    struct tow_doc doc = {.to = stdout};
    const struct tow_option *option;

    tow_doc_open(&doc, NULL, '{');
    tow_doc_text(&doc, "name", plugin->name);
    tow_doc_text(&doc, "version", plugin->version);
    tow_doc_text(&doc, "summary", plugin->summary);
    plugin_doc_kinds(&doc, plugin);
    if (plugin->source) {
        tow_doc_bool(&doc, "source_offline", (plugin->source->flags & TOW_SOURCE_OFFLINE) != 0);
        tow_doc_bool(&doc, "source_remote", (plugin->source->flags & TOW_SOURCE_REMOTE) != 0);
        tow_doc_text(&doc, "source_words", tow_source_names(plugin));
    }
    if (plugin->sink) {
        tow_doc_bool(&doc, "sink_parallel", (plugin->sink->flags & TOW_SINK_PARALLEL) != 0);
        tow_doc_bool(&doc, "sink_offline_begin",
                     (plugin->sink->flags & TOW_SINK_OFFLINE_BEGIN) != 0);
        tow_doc_bool(&doc, "sink_defers", (plugin->sink->flags & TOW_SINK_DEFERS) != 0);
        tow_doc_bool(&doc, "sink_final", (plugin->sink->flags & TOW_SINK_FINAL) != 0);
        tow_doc_text(&doc, "sink_words", tow_sink_words(plugin));
    }
    tow_doc_open(&doc, "options", '[');
    for (size_t i = 0; (option = tow_option_at(plugin, i)) != NULL; i++)
        tow_option_doc(&doc, option);
    tow_doc_close(&doc, ']');
    int rc = tow_plugin_columns_doc(plugin, given, &doc, err);
    tow_doc_close(&doc, '}');
    int ended = tow_doc_end(&doc, rc ? NULL : err);
    return rc ? rc : ended;
}

static int plugins_show_call(const struct tow_cli *cli, const void *options)
{
    struct tow_error err = TOW_ERROR_INIT;
    const struct tow_plugin *plugin = NULL;
    const struct plugins_show_options *show = options;
    const char *name = cli->arguments[0];
    struct tow_loader *loader = tow_loader_new(cli->plugin_path, &err);
    int rc = loader ? TOW_OK : err.code;

    if (!rc)
        rc = strchr(name, '/') ? tow_loader_open(loader, name, &plugin, &err)
                               : tow_loader_get(loader, name, &plugin, &err);
    if (!rc)
        rc = tow_plugin_columns_check(plugin, &show->given, &err);
    if (!rc)
        rc = show->json ? plugin_show_json(plugin, &show->given, &err)
                        : plugin_show_text(plugin, &show->given, &err);
    tow_loader_free(loader);
    return rc ? tow_cli_fail(&err) : TOW_EXIT_OK;
}

const struct tow_command tow_cmd_plugins_list = {
    .name = "plugins list",
    .arguments = "",
    .summary = "Lists plugins; those that cannot be loaded, with the reason",
    .about = "With --json: an array of {name, file, version, summary, kinds, error}; file is null\n"
             "of a plugin that is part of the program.",
    .example = "  towpath plugins list --plugin-path ./build",
    .options = plugins_arguments,
    .options_size = sizeof(struct plugins_options),
    .call = plugins_list_call,
};

const struct tow_command tow_cmd_plugins_show = {
    .name = "plugins show",
    .arguments = "NAME|FILE",
    .summary = "Shows a plugin's options, and columns that a sink asks for",
    .about =
        "With --json: {name, version, summary, kinds; of a source source_offline, source_remote,\n"
        "source_words; of a sink sink_parallel, sink_offline_begin, sink_defers, sink_final,\n"
        "sink_words; options [{name, type, required, secret, default, bounds, help}],\n"
        "columns [{name, type, shape, required, place}]}.",
    .example = "  towpath plugins show csv\n"
               "  towpath plugins show ttd --endpoint advertiser",
    .options = plugins_show_arguments,
    .options_size = sizeof(struct plugins_show_options),
    .argument_min = 1,
    .argument_max = 1,
    .call = plugins_show_call,
};
