/* What a descriptor must hold before anything of the plugin is called. */
#include <string.h>

#include "config/option/options.h"
#include "config/option/words.h"
#include "plugin/loader.h"

#define INSTANCE_SIZE_MAX (64u << 20)
#define NAME_SIZE_MAX     63 /* checkpoints hold no longer ones */

static int vet_version(const struct tow_plugin *plugin, const char *name, struct tow_error *err)
{
    if (!plugin)
        return tow_error_set(err, TOW_E_UNSUPPORTED, "plugin %s: its entry returns no descriptor",
                             name);
    if (plugin->size < offsetof(struct tow_plugin, name))
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "plugin %s: its descriptor has %u bytes, the smallest has %zu", name,
                             plugin->size, sizeof *plugin);
    if (plugin->abi_major != TOW_ABI_MAJOR || plugin->abi_minor > TOW_ABI_MINOR)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "plugin %s: built for plugin ABI %u.%u, this program has %d.%d", name,
                             plugin->abi_major, plugin->abi_minor, TOW_ABI_MAJOR, TOW_ABI_MINOR);
    if (plugin->size < sizeof *plugin)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "plugin %s: its descriptor has %u bytes, the smallest has %zu", name,
                             plugin->size, sizeof *plugin);
    return TOW_OK;
}

static int vet_header(const struct tow_plugin *plugin, const char *name, struct tow_error *err)
{
    if (!plugin->name || !plugin->version || !plugin->summary)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "plugin %s: its descriptor lacks a name, version or summary", name);
    if (strcmp(plugin->name, name) != 0)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "plugin %s: calls itself \"%s\"; file and name must agree", name,
                             plugin->name);
    if (strlen(name) > NAME_SIZE_MAX)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "plugin %s: its name has %zu bytes; at most %d are allowed", name,
                             strlen(name), NAME_SIZE_MAX);
    if (plugin->instance_size == 0 || plugin->instance_size > INSTANCE_SIZE_MAX)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "plugin %s: instances of %llu bytes; 1 to %u are allowed", name,
                             (unsigned long long)plugin->instance_size, INSTANCE_SIZE_MAX);
    if (!plugin->source && !plugin->sink && !plugin->transform)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "plugin %s: neither source, sink nor transform", name);
    return TOW_OK;
}

struct vet_member {
    const char *name;
    int present;
};

static int vet_members(const char *name, const char *kind, const struct vet_member *members,
                       size_t count, struct tow_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!members[i].present)
            return tow_error_set(err, TOW_E_UNSUPPORTED, "plugin %s: its %s lacks `%s`", name, kind,
                                 members[i].name);
    return TOW_OK;
}

static int vet_size(const char *name, const char *kind, uint32_t size, size_t least,
                    struct tow_error *err)
{
    if (size >= least)
        return TOW_OK;
    return tow_error_set(err, TOW_E_UNSUPPORTED,
                         "plugin %s: its %s table has %u bytes, the smallest has %zu", name, kind,
                         size, least);
}

/* Words are of a form, and somebody says what they are. */
static int vet_words(const char *list, const char *name, struct tow_error *err)
{
    struct tow_words words;

    return tow_words_parse(&words, list, err) ? tow_error_prefix(err, "plugin %s", name) : TOW_OK;
}

static int vet_names(const struct tow_source_ops *ops, const char *name, struct tow_error *err)
{
    if (ops->size < offsetof(struct tow_source_ops, name) + sizeof ops->name || !ops->names)
        return TOW_OK;
    if (!ops->name)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "plugin %s: its source has `names` and lacks `name`", name);
    return vet_words(ops->names, name, err);
}

/* What came after version 1.0 may be missing. */
static int vet_source(const struct tow_source_ops *ops, const char *name, struct tow_error *err)
{
    int rc = vet_size(name, "source", ops->size, offsetof(struct tow_source_ops, setup), err);

    if (rc)
        return rc;
    const struct vet_member members[] = {
        {"open", ops->open != NULL}, {"schema", ops->schema != NULL}, {"read", ops->read != NULL}};
    rc = vet_members(name, "source", members, sizeof members / sizeof *members, err);
    return rc ? rc : vet_names(ops, name, err);
}

static int vet_sink(const struct tow_sink_ops *ops, const char *name, struct tow_error *err)
{
    const size_t first_size = offsetof(struct tow_sink_ops, checkpoint_ms);
    int rc = vet_size(name, "sink", ops->size, first_size, err);

    if (rc)
        return rc;
    const struct vet_member members[] = {{"open", ops->open != NULL},
                                         {"begin", ops->begin != NULL},
                                         {"write", ops->write != NULL},
                                         {"flush", ops->flush != NULL}};
    rc = vet_members(name, "sink", members, sizeof members / sizeof *members, err);
    if (!rc && ops->size >= offsetof(struct tow_sink_ops, words) + sizeof ops->words)
        rc = vet_words(ops->words, name, err);
    return rc;
}

static int vet_transform(const struct tow_transform_ops *ops, const char *name,
                         struct tow_error *err)
{
    int rc = vet_size(name, "transform", ops->size, sizeof *ops, err);

    if (rc)
        return rc;
    const struct vet_member members[] = {{"begin", ops->begin != NULL},
                                         {"apply", ops->apply != NULL}};
    return vet_members(name, "transform", members, sizeof members / sizeof *members, err);
}

int tow_plugin_vet(const struct tow_plugin *plugin, const char *name, struct tow_error *err)
{
    int rc = vet_version(plugin, name, err);

    if (!rc)
        rc = vet_header(plugin, name, err);
    if (!rc && plugin->source)
        rc = vet_source(plugin->source, name, err);
    if (!rc && plugin->sink)
        rc = vet_sink(plugin->sink, name, err);
    if (!rc && plugin->transform)
        rc = vet_transform(plugin->transform, name, err);
    if (!rc)
        rc = tow_options_verify(plugin, err);
    return rc;
}

tow_sink_columns_call *tow_sink_columns(const struct tow_plugin *plugin)
{
    const struct tow_sink_ops *ops = plugin->sink;

    if (!ops || ops->size < offsetof(struct tow_sink_ops, columns) + sizeof ops->columns)
        return NULL;
    return ops->columns;
}

const char *tow_source_names(const struct tow_plugin *plugin)
{
    const struct tow_source_ops *ops = plugin->source;

    if (!ops || ops->size < offsetof(struct tow_source_ops, name) + sizeof ops->name)
        return NULL;
    return ops->names;
}

const char *tow_sink_words(const struct tow_plugin *plugin)
{
    const struct tow_sink_ops *ops = plugin->sink;

    if (!ops || ops->size < offsetof(struct tow_sink_ops, words) + sizeof ops->words)
        return NULL;
    return ops->words;
}

const char *tow_sink_describe_word(const struct tow_plugin *plugin)
{
    const struct tow_sink_ops *ops = plugin->sink;

    if (!ops || ops->size < offsetof(struct tow_sink_ops, describe) + sizeof ops->describe)
        return NULL;
    return ops->describe ? ops->describe_word : NULL;
}

tow_source_setup_call *tow_source_setup(const struct tow_plugin *plugin)
{
    const struct tow_source_ops *ops = plugin->source;

    if (!ops || ops->size < offsetof(struct tow_source_ops, setup) + sizeof ops->setup)
        return NULL;
    return ops->setup;
}

tow_sink_setup_call *tow_sink_setup(const struct tow_plugin *plugin)
{
    const struct tow_sink_ops *ops = plugin->sink;

    if (!ops || ops->size < offsetof(struct tow_sink_ops, setup) + sizeof ops->setup)
        return NULL;
    return ops->setup;
}
