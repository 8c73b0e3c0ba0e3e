#include "config/option/option_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/excerpt.h"
#include "config/file.h"
#include "config/job.h"
#include "config/option/choices.h"
#include "config/option/options.h"
#include "towpath/value.h"

size_t tow_option_width(int32_t type)
{
    switch (type) {
    case TOW_OPTION_STRING:
    case TOW_OPTION_PATH:
        return sizeof(const char *);
    case TOW_OPTION_INT:
    case TOW_OPTION_SIZE:
    case TOW_OPTION_DURATION:
        return sizeof(int64_t);
    case TOW_OPTION_DOUBLE:
        return sizeof(double);
    case TOW_OPTION_BOOL:
    case TOW_OPTION_CHOICE:
        return sizeof(int32_t);
    case TOW_OPTION_STRINGS:
        return sizeof(struct tow_strings);
    default:
        return 0;
    }
}

int tow_option_is_bounded(const struct tow_option *option)
{
    return option->min != 0 || option->max != 0;
}

/* "300 is outside 1 .. 64". */
static int option_refuse_bounds(const struct tow_option *option, const char *shown,
                                struct tow_error *err)
{
    char bounds[80];

    tow_option_bounds_text(option, bounds, sizeof bounds);
    return tow_error_set(err, TOW_E_CONFIG, "%s is out of bounds: %s", shown, bounds);
}

static int option_outside(const struct tow_option *option, int64_t value)
{
    return tow_option_is_bounded(option) && (value < option->min || value > option->max);
}

static int option_put_integer(const struct tow_option *option, int64_t value, void *at,
                              struct tow_error *err)
{
    char shown[32];

    if (option_outside(option, value)) {
        if (option->type == TOW_OPTION_SIZE)
            tow_format_size(value, shown);
        else if (option->type == TOW_OPTION_DURATION)
            tow_format_duration(value, shown);
        else
            snprintf(shown, sizeof shown, "%" PRId64, value);
        return option_refuse_bounds(option, shown, err);
    }
    memcpy(at, &value, sizeof value);
    return TOW_OK;
}

static int option_put_double(const struct tow_option *option, double value, void *at,
                             struct tow_error *err)
{
    char shown[TOW_DOUBLE_TEXT_MAX + 1];

    *tow_put_double(shown, value) = '\0';
    if (!isfinite(value))
        return tow_error_set(err, TOW_E_CONFIG, "%s is no finite number", shown);
    if (tow_option_is_bounded(option) &&
        (value < (double)option->min || value > (double)option->max))
        return option_refuse_bounds(option, shown, err);
    memcpy(at, &value, sizeof value);
    return TOW_OK;
}

static int option_put_flag(int32_t value, void *at)
{
    memcpy(at, &value, sizeof value);
    return TOW_OK;
}

static int option_put_choice(const struct tow_option *option, const char *text, void *at,
                             struct tow_error *err)
{
    int index = tow_choices_find(option->choices, text);
    char shown[TOW_EXCERPT_MAX], near[TOW_CHOICE_TEXT_MAX];

    if (index >= 0)
        return option_put_flag(index, at);
    tow_excerpt(text, strlen(text), shown);
    if (!tow_choices_nearest(option->choices, text, near))
        return tow_error_set(err, TOW_E_CONFIG, "\"%s\" is none of %s", shown, option->choices);
    return tow_error_set(err, TOW_E_CONFIG, "\"%s\" is none of %s; did you mean \"%s\"?", shown,
                         option->choices, near);
}

static int option_check_length(const struct tow_option *option, const char *text,
                               struct tow_error *err)
{
    char bounds[80];

    if (!option_outside(option, (int64_t)strlen(text)))
        return TOW_OK;
    tow_option_bounds_text(option, bounds, sizeof bounds);
    return tow_error_set(err, TOW_E_CONFIG, "%zu bytes are out of bounds: %s", strlen(text),
                         bounds);
}

static int option_put_string(const struct tow_option *option, const char *text,
                             const struct tow_option_target *target, void *at,
                             struct tow_error *err)
{
    int rc = option_check_length(option, text, err);

    if (rc)
        return rc;
    char *copy = tow_pool_text(target->pool, text, strlen(text));
    if (!copy)
        return tow_error_nomem(err);
    memcpy(at, &copy, sizeof copy);
    return TOW_OK;
}

static int option_put_path(const struct tow_option *option, const char *text,
                           const struct tow_option_target *target, void *at, struct tow_error *err)
{
    char *path = NULL;
    int rc = option_check_length(option, text, err);

    if (rc)
        return rc;
    rc = tow_path_resolve(text, target->dir, &path, err);
    if (rc)
        return rc;
    char *copy = tow_pool_text(target->pool, path, strlen(path));
    free(path);
    if (!copy)
        return tow_error_nomem(err);
    memcpy(at, &copy, sizeof copy);
    return TOW_OK;
}

/* min and max bound the number of items. */
static int option_put_strings(const struct tow_option *option, const char *const *texts,
                              size_t count, const struct tow_option_target *target, void *at,
                              struct tow_error *err)
{
    struct tow_strings strings = {NULL, count};
    char bounds[80];

    if (option_outside(option, (int64_t)count)) {
        tow_option_bounds_text(option, bounds, sizeof bounds);
        return tow_error_set(err, TOW_E_CONFIG, "%zu items are out of bounds: %s", count, bounds);
    }
    const char **items = tow_pool_alloc(target->pool, (count + 1) * sizeof *items);
    if (!items)
        return tow_error_nomem(err);
    for (size_t i = 0; i < count; i++) {
        items[i] = tow_pool_text(target->pool, texts[i], strlen(texts[i]));
        if (!items[i])
            return tow_error_nomem(err);
    }
    strings.items = items;
    memcpy(at, &strings, sizeof strings);
    return TOW_OK;
}

/* ---- from text ------------------------------------------------------------------------------ */

static int option_refuse_text(const char *text, const char *wanted, struct tow_error *err)
{
    char shown[TOW_EXCERPT_MAX];

    return tow_error_set(err, TOW_E_CONFIG, "\"%s\" is no %s",
                         tow_excerpt(text, strlen(text), shown), wanted);
}

static int option_read_number(const struct tow_option *option, const char *text, void *at,
                              struct tow_error *err)
{
    int64_t integer = 0;
    double number = 0;
    int flag = 0;

    switch (option->type) {
    case TOW_OPTION_INT:
        if (tow_parse_int64(text, strlen(text), &integer) != TOW_PARSE_OK)
            return option_refuse_text(text, "integer of 64 bits", err);
        return option_put_integer(option, integer, at, err);
    case TOW_OPTION_DOUBLE:
        if (tow_parse_double(text, strlen(text), &number) != TOW_PARSE_OK)
            return option_refuse_text(text, "number", err);
        return option_put_double(option, number, at, err);
    default:
        if (tow_parse_bool(text, strlen(text), &flag) != TOW_PARSE_OK)
            return option_refuse_text(text, "boolean: write true or false", err);
        return option_put_flag(flag, at);
    }
}

int tow_option_read_text(const struct tow_option *option, const char *text,
                         const struct tow_option_target *target, void *at, struct tow_error *err)
{
    int64_t integer = 0;
    int rc;

    switch (option->type) {
    case TOW_OPTION_STRING:
        return option_put_string(option, text, target, at, err);
    case TOW_OPTION_PATH:
        return option_put_path(option, text, target, at, err);
    case TOW_OPTION_STRINGS:
        return option_put_strings(option, &text, 1, target, at, err);
    case TOW_OPTION_CHOICE:
        return option_put_choice(option, text, at, err);
    case TOW_OPTION_SIZE:
        rc = tow_parse_size(text, &integer, err);
        return rc ? rc : option_put_integer(option, integer, at, err);
    case TOW_OPTION_DURATION:
        rc = tow_parse_duration(text, &integer, err);
        return rc ? rc : option_put_integer(option, integer, at, err);
    default:
        return option_read_number(option, text, at, err);
    }
}

/* ---- from settings -------------------------------------------------------------------------- */

static int option_is_unquoted(int32_t type)
{
    return type == TOW_OPTION_INT || type == TOW_OPTION_DOUBLE || type == TOW_OPTION_BOOL;
}

/* How the value could be written instead. */
static const char *option_kind_hint(const struct tow_option *option, enum tow_setting_kind kind)
{
    int32_t type = option->type;
    int takes_text =
        type == TOW_OPTION_STRING || type == TOW_OPTION_PATH || type == TOW_OPTION_STRINGS;

    if (kind == TOW_SETTING_LIST || kind == TOW_SETTING_GROUP)
        return "";
    if (type == TOW_OPTION_DURATION)
        return "; the unit is missing: write it like \"500ms\" or \"15m\"";
    if (type == TOW_OPTION_SIZE)
        return "; write it like \"64MB\" or \"1.5GiB\"";
    if (type == TOW_OPTION_BOOL)
        return "; write true or false, without quotes";
    if (kind == TOW_SETTING_STRING)
        return "; write it without quotes";
    return takes_text ? "; write it in quotes" : "";
}

/* The value stays out: it may be a secret. */
static int option_refuse_kind(const struct tow_option *option, const struct tow_setting *setting,
                              struct tow_error *err)
{
    char type[256];

    tow_option_type_text(option, type, sizeof type);
    return tow_error_set(err, TOW_E_CONFIG, "is of type %s, must be of type %s%s",
                         tow_setting_kind_name(setting->kind), type,
                         option_kind_hint(option, setting->kind));
}

static int option_read_list(const struct tow_option *option, const struct tow_setting *setting,
                            const struct tow_option_target *target, void *at, struct tow_error *err)
{
    const char **texts;
    int rc;

    if (option->type != TOW_OPTION_STRINGS)
        return option_refuse_kind(option, setting, err);
    for (size_t i = 0; i < setting->count; i++)
        if (setting->items[i].kind != TOW_SETTING_STRING)
            return tow_error_set(err, TOW_E_CONFIG,
                                 "item %zu is of type %s, must be of type string", i + 1,
                                 tow_setting_kind_name(setting->items[i].kind));
    texts = calloc(setting->count + 1, sizeof *texts);
    if (!texts)
        return tow_error_nomem(err);
    for (size_t i = 0; i < setting->count; i++)
        texts[i] = setting->items[i].text;
    rc = option_put_strings(option, texts, setting->count, target, at, err);
    free(texts);
    return rc;
}

int tow_option_read(const struct tow_option *option, const struct tow_setting *setting,
                    const struct tow_option_target *target, void *at, struct tow_error *err)
{
    int32_t type = option->type;

    switch (setting->kind) {
    case TOW_SETTING_STRING:
        /* What comes from the environment can only be written as a string. */
        if (option_is_unquoted(type) && setting->expanded == TOW_SETTING_LITERAL)
            return option_refuse_kind(option, setting, err);
        return tow_option_read_text(option, setting->text, target, at, err);
    case TOW_SETTING_INT:
        if (type == TOW_OPTION_DOUBLE)
            return option_put_double(option, (double)setting->integer, at, err);
        if (type == TOW_OPTION_INT || (type == TOW_OPTION_SIZE && setting->integer >= 0))
            return option_put_integer(option, setting->integer, at, err);
        return option_refuse_kind(option, setting, err);
    case TOW_SETTING_DOUBLE:
        if (type == TOW_OPTION_DOUBLE)
            return option_put_double(option, setting->number, at, err);
        return option_refuse_kind(option, setting, err);
    case TOW_SETTING_BOOL:
        if (type == TOW_OPTION_BOOL)
            return option_put_flag((int32_t)setting->integer, at);
        return option_refuse_kind(option, setting, err);
    case TOW_SETTING_LIST:
        return option_read_list(option, setting, target, at, err);
    default:
        return option_refuse_kind(option, setting, err);
    }
}
