#include "plugins/lytics_audience/options.h"

#include <string.h>

static int options_check_fields(const struct tow_strings *fields, struct tow_error *err)
{
    for (uint64_t i = 0; i < fields->count; i++) {
        if (!fields->items[i][0] || strchr(fields->items[i], ','))
            return tow_error_set(err, TOW_E_CONFIG,
                                 "fields: \"%.200s\" is no field: the API takes a list with commas "
                                 "between",
                                 fields->items[i]);
        for (uint64_t j = 0; j < i; j++)
            if (strcmp(fields->items[i], fields->items[j]) == 0)
                return tow_error_set(err, TOW_E_CONFIG, "fields: \"%.200s\" is named twice",
                                     fields->items[i]);
    }
    return TOW_OK;
}

int tow_members_options_check(const struct tow_members_options *options, struct tow_error *err)
{
    const struct tow_lytics_settings settings = tow_lytics_options_settings(&options->lytics, -1);
    int code = tow_lytics_check(&settings, err);

    if (code == TOW_OK && options->is_descending && !options->sort_field)
        code = tow_error_set(err, TOW_E_CONFIG, "descending is for sort_field");
    if (code == TOW_OK && options->parallel > options->parts)
        code = tow_error_set(err, TOW_E_CONFIG,
                             "parallel is for the parts that splits makes: there are fewer");
    return code == TOW_OK ? options_check_fields(&options->fields, err) : code;
}
