#include "config/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/bind.h"
#include "config/pool.h"

static const char *const options_core_keys[] = {"plugin", NULL};

int tow_instance_init(struct tow_instance *instance, const struct tow_plugin *plugin,
                      const struct tow_setting *section, const char *dir, struct tow_diags *diags,
                      struct tow_error *err)
{
    struct tow_pool *pool = calloc(1, sizeof *pool);
    char owner[80];

    *instance = (struct tow_instance){.plugin = plugin, .priv = pool};
    instance->self = calloc(1, plugin->instance_size);
    if (!pool || !instance->self)
        return tow_error_nomem(err);
    snprintf(owner, sizeof owner, "plugin %s", plugin->name);
    struct tow_binding binding = {
        .options = plugin->options,
        .others = options_core_keys,
        .owner = owner,
        .self = instance->self,
        .target = {pool, dir},
        .diags = diags,
    };
    return tow_bind(&binding, section, err);
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
