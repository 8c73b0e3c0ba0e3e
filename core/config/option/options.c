#include "config/option/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/excerpt.h"
#include "config/option/bind.h"
#include "config/pool.h"

static const char *const options_core_keys[] = {"plugin", NULL};

static int options_new(struct tow_instance *instance, const struct tow_plugin *plugin,
                       struct tow_error *err)
{
    instance->plugin = plugin;
    instance->priv = calloc(1, sizeof(struct tow_pool));
    instance->self = calloc(1, plugin->instance_size);
    return instance->priv && instance->self ? TOW_OK : tow_error_nomem(err);
}

int tow_instance_init(struct tow_instance *instance, const struct tow_plugin *plugin,
                      const struct tow_setting *section, const char *dir, struct tow_diags *diags,
                      struct tow_error *err)
{
    char owner[80];

    *instance = (struct tow_instance){0};
    if (options_new(instance, plugin, err))
        return err->code;
    snprintf(owner, sizeof owner, "plugin %s", plugin->name);
    struct tow_binding binding = {
        .options = plugin->options,
        .others = options_core_keys,
        .owner = owner,
        .self = instance->self,
        .target = {instance->priv, dir},
        .diags = diags,
    };
    return tow_bind(&binding, section, err);
}

static int options_refuse_name(const struct tow_plugin *plugin, const char *name, size_t length,
                               struct tow_error *err)
{
    const struct tow_option *option;
    char shown[TOW_EXCERPT_MAX];
    const char *names[128];
    size_t count = 0;

    while (count < 127 && (option = tow_option_at(plugin, count)))
        names[count++] = option->name;
    names[count] = NULL;
    const char *near = tow_nearest(tow_excerpt(name, length, shown), names);
    return tow_error_set(err, TOW_E_CONFIG, "plugin %s has no option \"%s\"%s%s%s", plugin->name,
                         shown, near ? "; did you mean \"" : "", near ? near : "",
                         near ? "\"?" : "");
}

static int options_set_text(struct tow_instance *instance, const char *name, const char *value,
                            struct tow_error *err)
{
    const struct tow_option_target target = {instance->priv, "."};
    size_t length = strcspn(name, "=");
    const struct tow_option *option;

    for (size_t i = 0; (option = tow_option_at(instance->plugin, i)); i++)
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0) {
            if (tow_option_read_text(option, value, &target,
                                     (char *)instance->self + option->offset, err))
                return tow_error_prefix(err, "%s", option->name);
            return TOW_OK;
        }
    return options_refuse_name(instance->plugin, name, length, err);
}

int tow_instance_init_texts(struct tow_instance *instance, const struct tow_plugin *plugin,
                            const char *const *pairs, size_t count, struct tow_error *err)
{
    const struct tow_option *option;
    int rc;

    *instance = (struct tow_instance){0};
    rc = options_new(instance, plugin, err);
    for (size_t i = 0; !rc && (option = tow_option_at(plugin, i)); i++)
        if (option->fallback)
            rc = options_set_text(instance, option->name, option->fallback, err);
    for (size_t i = 0; !rc && i + 1 < count; i += 2)
        rc = options_set_text(instance, pairs[i], pairs[i + 1], err);
    return rc;
}

void tow_instance_release(struct tow_instance *instance)
{
    struct tow_pool *pool = instance->priv;

    if (pool)
        tow_pool_release(pool);
    free(pool);
    if (instance->self)
        explicit_bzero(instance->self, instance->plugin->instance_size);
    free(instance->self);
    *instance = (struct tow_instance){0};
}

const struct tow_option *tow_option_at(const struct tow_plugin *plugin, size_t index)
{
    const struct tow_option *option = plugin->options;

    if (!option)
        return NULL;
    while (option->name && index-- > 0)
        option++;
    return option->name ? option : NULL;
}
