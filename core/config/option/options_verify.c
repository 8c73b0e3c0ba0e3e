/* Option tables are written by hand: what is wrong with one is said when its plugin is loaded. */
#include <inttypes.h>
#include <string.h>

#include "config/option/choices.h"
#include "config/option/option_value.h"
#include "config/option/options.h"

#define OPTIONS_MAX            256
#define OPTION_ALIGNMENT(type) ((type) == TOW_OPTION_BOOL || (type) == TOW_OPTION_CHOICE ? 4u : 8u)

/* As libconfig reads names, less what nobody needs. */
static int verify_is_name(const char *name)
{
    if (*name < 'a' || *name > 'z')
        return 0;
    for (; *name; name++)
        if (!((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9') || *name == '_'))
            return 0;
    return 1;
}

static const char *verify_name(const struct tow_plugin *plugin, const struct tow_option *option)
{
    if (!verify_is_name(option->name))
        return "its name is not made of a-z, 0-9 and '_', a letter first";
    if (strcmp(option->name, "plugin") == 0 || strcmp(option->name, "connection") == 0 ||
        strcmp(option->name, "true") == 0 || strcmp(option->name, "false") == 0)
        return "job files use that name for something else";
    for (const struct tow_option *other = plugin->options; other != option; other++)
        if (strcmp(other->name, option->name) == 0)
            return "the name stands in the table twice";
    if (!option->help || !*option->help || strchr(option->help, '\n'))
        return "it has no help of one line";
    return NULL;
}

static const char *verify_place(const struct tow_plugin *plugin, const struct tow_option *option)
{
    size_t width = tow_option_width(option->type);

    if (width == 0)
        return "its type is not known";
    if (option->offset > plugin->instance_size || plugin->instance_size - option->offset < width)
        return "its member does not lie inside the instance";
    if (option->offset % OPTION_ALIGNMENT(option->type) != 0)
        return "the offset of its member is not aligned";
    return NULL;
}

static int verify_holds_text(int32_t type)
{
    return type == TOW_OPTION_STRING || type == TOW_OPTION_PATH || type == TOW_OPTION_STRINGS;
}

static const char *verify_flags(const struct tow_option *option)
{
    if (option->flags & ~(TOW_OPTION_REQUIRED | TOW_OPTION_SECRET | TOW_OPTION_PROGRAM))
        return "it has a flag that is not known";
    if ((option->flags & TOW_OPTION_REQUIRED) && option->fallback)
        return "it is required and has a default";
    if ((option->flags & TOW_OPTION_SECRET) && !verify_holds_text(option->type))
        return "only text can be secret";
    if ((option->flags & TOW_OPTION_PROGRAM) && !verify_holds_text(option->type))
        return "only text can name a program";
    if ((option->flags & TOW_OPTION_SECRET) && option->fallback)
        return "a secret has no default";
    return NULL;
}

static const char *verify_bounds(const struct tow_option *option)
{
    if (!tow_option_is_bounded(option))
        return NULL;
    if (option->type == TOW_OPTION_BOOL || option->type == TOW_OPTION_CHOICE)
        return "its type has no bounds";
    if (option->min > option->max)
        return "its least bound is above its largest";
    if (option->min < 0 && option->type != TOW_OPTION_INT && option->type != TOW_OPTION_DOUBLE)
        return "its type has no negative values";
    return NULL;
}

static const char *verify_choices(const struct tow_option *option)
{
    char choice[TOW_CHOICE_TEXT_MAX];
    const char *p = option->choices;
    int count = 0;

    if (option->type != TOW_OPTION_CHOICE)
        return p ? "only choices have choices" : NULL;
    while (p) {
        if (count == TOW_CHOICES_MAX || tow_choices_next(&p, choice) != 0)
            return "its choices are not 1 to 32 words of at most 47 bytes, split by '|'";
        if (tow_choices_find(option->choices, choice) != count++)
            return "a choice stands there twice";
    }
    return count ? NULL : "it has no choices";
}

/* Reads the default as job files are read, into a place of its own. */
static int verify_fallback(const struct tow_option *option, struct tow_error *err)
{
    struct tow_pool pool = {0};
    struct tow_option_target target = {&pool, "/"};
    struct tow_option checked = *option;
    union {
        const char *text;
        int64_t integer;
        double number;
        int32_t flag;
        struct tow_strings strings;
    } at;
    int rc = TOW_OK;

    if (!option->fallback)
        return TOW_OK;
    /* Where a path leads depends on who runs this; that it is one does not. */
    if (option->type == TOW_OPTION_PATH && *option->fallback)
        checked.type = TOW_OPTION_STRING;
    rc = tow_option_read_text(&checked, option->fallback, &target, &at, err);
    tow_pool_release(&pool);
    return rc;
}

static int verify_option(const struct tow_plugin *plugin, const struct tow_option *option,
                         struct tow_error *err)
{
    const char *wrong = verify_name(plugin, option);
    int rc;

    if (!wrong)
        wrong = verify_place(plugin, option);
    if (!wrong)
        wrong = verify_flags(option);
    if (!wrong)
        wrong = verify_bounds(option);
    if (!wrong)
        wrong = verify_choices(option);
    if (wrong)
        return tow_error_set(err, TOW_E_UNSUPPORTED, "plugin %s: option \"%s\": %s", plugin->name,
                             option->name, wrong);
    rc = verify_fallback(option, err);
    if (rc == TOW_E_NOMEM)
        return rc;
    if (rc) {
        tow_error_prefix(err, "plugin %s: option \"%s\": its default", plugin->name, option->name);
        if (err)
            err->code = TOW_E_UNSUPPORTED;
        return TOW_E_UNSUPPORTED;
    }
    return TOW_OK;
}

int tow_options_verify(const struct tow_plugin *plugin, struct tow_error *err)
{
    const struct tow_option *option = plugin->options;

    for (; option && option->name; option++) {
        int rc = TOW_OK;

        if (option - plugin->options == OPTIONS_MAX)
            return tow_error_set(err, TOW_E_UNSUPPORTED,
                                 "plugin %s: more than %d options; does the table end with "
                                 "TOW_OPTIONS_END?",
                                 plugin->name, OPTIONS_MAX);
        rc = verify_option(plugin, option, err);
        if (rc)
            return rc;
    }
    return TOW_OK;
}
