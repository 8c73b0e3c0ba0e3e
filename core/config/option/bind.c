#include "config/option/bind.h"

#include <stdlib.h>
#include <string.h>

#include "config/excerpt.h"
#include "config/option/options.h"

static const struct tow_option *bind_find(const struct tow_option *options, const char *name)
{
    for (; options && options->name; options++)
        if (strcmp(options->name, name) == 0)
            return options;
    return NULL;
}

static int bind_is_other(const struct tow_binding *binding, const char *name)
{
    for (const char *const *other = binding->others; other && *other; other++)
        if (strcmp(*other, name) == 0)
            return 1;
    return 0;
}

void tow_unknown_key(const struct tow_setting *key, const char *owner, const char *const *names,
                     struct tow_diags *diags)
{
    const char *nearest = tow_nearest(key->name, names);
    char shown[TOW_EXCERPT_MAX];

    tow_excerpt(key->name, strlen(key->name), shown);
    if (nearest)
        tow_diags_add(diags, TOW_DIAG_ERROR, key->file, key->line,
                      "%s has no key \"%s\"; did you mean \"%s\"?", owner, shown, nearest);
    else
        tow_diags_add(diags, TOW_DIAG_ERROR, key->file, key->line, "%s has no key \"%s\"", owner,
                      shown);
}

static int bind_refuse_unknown(const struct tow_binding *binding, const struct tow_setting *key,
                               struct tow_error *err)
{
    const struct tow_option *options = binding->options;
    const char *const *others = binding->others;
    size_t count = 0;
    const char **names;

    while (options && options[count].name)
        count++;
    for (; others && *others; others++)
        count++;
    names = calloc(count + 1, sizeof *names);
    if (!names)
        return tow_error_nomem(err);
    count = 0;
    for (; options && options->name; options++)
        names[count++] = options->name;
    for (others = binding->others; others && *others; others++)
        names[count++] = *others;
    tow_unknown_key(key, binding->owner, names, binding->diags);
    free(names);
    return TOW_OK;
}

static void bind_warn_literal(const struct tow_binding *binding, const struct tow_option *option,
                              const struct tow_setting *value)
{
    int literal = value->kind == TOW_SETTING_STRING && value->expanded != TOW_SETTING_EXPANDED;

    for (size_t i = 0; i < value->count; i++)
        if (value->items[i].kind == TOW_SETTING_STRING &&
            value->items[i].expanded != TOW_SETTING_EXPANDED)
            literal = 1;
    if (literal)
        tow_diags_add(binding->diags, TOW_DIAG_WARNING, value->file, value->line,
                      "%s: secret given literally; use ${env:...} or ${file:...}", option->name);
}

/* What a reference brings may be a secret that stands in the wrong place: readers' words, which
 * show it, are kept back. */
static void bind_refuse_unseen(const struct tow_binding *binding, const struct tow_option *option,
                               const struct tow_setting *where)
{
    char type[256], bounds[80];

    tow_option_type_text(option, type, sizeof type);
    tow_option_bounds_text(option, bounds, sizeof bounds);
    tow_diags_add(binding->diags, TOW_DIAG_ERROR, where->file, where->line,
                  "%s: what the reference brings, which is not shown, does not fit; it must be of "
                  "type %s%s%s",
                  option->name, type, *bounds ? ", " : "", bounds);
}

/* What a reader says of a value: a finding, unless memory ran out. */
static int bind_judge(const struct tow_binding *binding, const struct tow_option *option,
                      const struct tow_setting *where, const struct tow_error *own,
                      struct tow_error *err)
{
    if (own->code == TOW_E_NOMEM)
        return tow_error_nomem(err);
    if (where->kind == TOW_SETTING_STRING && where->expanded == TOW_SETTING_EXPANDED &&
        option->type != TOW_OPTION_STRING && option->type != TOW_OPTION_PATH)
        bind_refuse_unseen(binding, option, where);
    else
        tow_diags_add(binding->diags, TOW_DIAG_ERROR, where->file, where->line, "%s: %s",
                      option->name, own->message);
    return TOW_OK;
}

static int bind_given(const struct tow_binding *binding, const struct tow_setting *section,
                      struct tow_error *err)
{
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < section->count; i++) {
        const struct tow_setting *value = &section->items[i];
        const struct tow_option *option = bind_find(binding->options, value->name);
        struct tow_error own = TOW_ERROR_INIT;

        if (option && value->expanded == TOW_SETTING_UNKNOWN)
            continue;
        if (option) {
            void *at = (char *)binding->self + option->offset;

            if (option->flags & TOW_OPTION_SECRET)
                bind_warn_literal(binding, option, value);
            if (tow_option_read(option, value, &binding->target, at, &own))
                rc = bind_judge(binding, option, value, &own, err);
        } else if (!bind_is_other(binding, value->name)) {
            rc = bind_refuse_unknown(binding, value, err);
        }
    }
    return rc;
}

static int bind_absent(const struct tow_binding *binding, const struct tow_setting *section,
                       struct tow_error *err)
{
    int rc = TOW_OK;

    for (const struct tow_option *option = binding->options; !rc && option && option->name;
         option++) {
        struct tow_error own = TOW_ERROR_INIT;

        if (tow_setting_get(section, option->name))
            continue;
        if (option->flags & TOW_OPTION_REQUIRED)
            tow_diags_add(binding->diags, TOW_DIAG_ERROR, section->file, section->line,
                          "%s needs the key \"%s\": %s", binding->owner, option->name,
                          option->help);
        else if (option->fallback &&
                 tow_option_read_text(option, option->fallback, &binding->target,
                                      (char *)binding->self + option->offset, &own))
            rc = bind_judge(binding, option, section, &own, err);
    }
    return rc;
}

int tow_bind(const struct tow_binding *binding, const struct tow_setting *section,
             struct tow_error *err)
{
    int rc = bind_given(binding, section, err);

    return rc ? rc : bind_absent(binding, section, err);
}
