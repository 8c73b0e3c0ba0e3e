/* Options in words. */
#include <inttypes.h>
#include <stdio.h>

#include "config/job.h"
#include "config/option/option_value.h"
#include "config/option/options.h"

static const char *option_type_word(int32_t type)
{
    switch (type) {
    case TOW_OPTION_STRING:
        return "string";
    case TOW_OPTION_INT:
        return "integer";
    case TOW_OPTION_DOUBLE:
        return "number";
    case TOW_OPTION_BOOL:
        return "boolean";
    case TOW_OPTION_SIZE:
        return "size";
    case TOW_OPTION_DURATION:
        return "duration";
    case TOW_OPTION_CHOICE:
        return "choice";
    case TOW_OPTION_PATH:
        return "path";
    case TOW_OPTION_STRINGS:
        return "strings";
    default:
        return "unknown";
    }
}

void tow_option_type_text(const struct tow_option *option, char *text, size_t size)
{
    if (option->type == TOW_OPTION_CHOICE)
        snprintf(text, size, "choice: %s", option->choices ? option->choices : "");
    else
        snprintf(text, size, "%s", option_type_word(option->type));
}

static void option_bound_text(const struct tow_option *option, int64_t bound, char text[32])
{
    if (option->type == TOW_OPTION_SIZE)
        tow_format_size(bound, text);
    else if (option->type == TOW_OPTION_DURATION)
        tow_format_duration(bound, text);
    else
        snprintf(text, 32, "%" PRId64, bound);
}

static const char *option_bound_unit(int32_t type)
{
    if (type == TOW_OPTION_STRING || type == TOW_OPTION_PATH)
        return " bytes";
    return type == TOW_OPTION_STRINGS ? " items" : "";
}

void tow_option_bounds_text(const struct tow_option *option, char *text, size_t size)
{
    const char *unit = option_bound_unit(option->type);
    char min[32], max[32];

    option_bound_text(option, option->min, min);
    option_bound_text(option, option->max, max);
    if (!tow_option_is_bounded(option))
        snprintf(text, size, "%s", "");
    else if (option->max == INT64_MAX)
        snprintf(text, size, "at least %s%s", min, unit);
    else if (option->min == INT64_MIN)
        snprintf(text, size, "at most %s%s", max, unit);
    else
        snprintf(text, size, "%s .. %s%s", min, max, unit);
}
