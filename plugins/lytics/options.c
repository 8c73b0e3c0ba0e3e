#include "plugins/lytics/options.h"

#include <string.h>

#include "towpath/json.h"
#include "towpath/value.h"

/* ---- what goes together --------------------------------------------------------------------- */

static int options_check_append(const char *append, struct tow_error *err)
{
    const struct tow_json_part part = {append, strlen(append)};
    struct tow_json_scan scan;

    if (tow_json_valid(append, part.length, TOW_LYTICS_DEPTH) && tow_json_scan_object(&scan, part))
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG, "append is no JSON object: \"%.200s\"", append);
}

int tow_import_options_check(const struct tow_import_options *options, struct tow_error *err)
{
    const struct tow_lytics_settings settings = tow_lytics_options_settings(&options->lytics, -1);
    int code = tow_lytics_check(&settings, err);

    if (code != TOW_OK)
        return code;
    if (options->record_max_bytes > options->max_bytes)
        return tow_error_set(err, TOW_E_CONFIG,
                             "record_max_bytes is larger than max_bytes, which an upload has");
    if (options->format == TOW_IMPORT_JSON && (options->droperrors || options->append))
        return tow_error_set(err, TOW_E_CONFIG, "%s is for format \"csv\"",
                             options->append ? "append" : "droperrors");
    if (options->format == TOW_IMPORT_CSV && options->nested == TOW_IMPORT_NESTED_FLATTEN)
        return tow_error_set(err, TOW_E_CONFIG,
                             "nested \"flatten\" is for format \"json\": the columns of CSV are "
                             "the same for all rows");
    if (options->format == TOW_IMPORT_CSV && options->omit_empty)
        return tow_error_set(err, TOW_E_CONFIG,
                             "omit_empty is for format \"json\": in CSV a null is nothing "
                             "between two commas in any case");
    return options->append ? options_check_append(options->append, err) : TOW_OK;
}

/* ---- columns -------------------------------------------------------------------------------- */

static int options_is_time(enum tow_type_id id)
{
    return id == TOW_TYPE_TIMESTAMP || id == TOW_TYPE_TIMESTAMP_NTZ || id == TOW_TYPE_DATE ||
           id == TOW_TYPE_STRING;
}

int tow_import_options_fit(const struct tow_import_options *options,
                           const struct ArrowSchema *schema, struct tow_error *err)
{
    const char *name = options->timestamp_field;
    char type[TOW_TYPE_TEXT_MAX];
    struct tow_field field;
    int64_t index;
    int code;

    if (!name || !name[0])
        return TOW_OK;
    index = tow_schema_find(schema, name);
    if (index < 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "timestamp_field: there is no column \"%.200s\"; \"\" leaves events "
                             "the time of their arrival",
                             name);
    code = tow_schema_field(schema, index, &field, err);
    if (code != TOW_OK || options_is_time(field.type.id))
        return code;
    return tow_error_set(err, TOW_E_CONFIG,
                         "timestamp_field: column \"%.200s\" is %s, which tells no time; name "
                         "another one, or \"\"",
                         name, tow_type_name(field.type, type));
}

/* ---- names ---------------------------------------------------------------------------------- */

int tow_import_filename(const struct tow_import_options *options, const struct tow_host *host,
                        const char *part, struct tow_buffer *out, struct tow_error *err)
{
    const struct {
        const char *word, *value;
    } words[] = {{"{job}", host->job}, {"{load}", host->load_id}, {"{part}", part}};
    int code = TOW_OK;

    out->size = 0;
    for (const char *p = options->filename; *p && code == TOW_OK;) {
        const char *value = NULL;

        for (size_t i = 0; i < sizeof words / sizeof *words && !value; i++)
            if (strncmp(p, words[i].word, strlen(words[i].word)) == 0) {
                value = words[i].value;
                p += strlen(words[i].word);
            }
        code = value ? tow_buffer_append(out, value, strlen(value), err)
                     : tow_buffer_append(out, p++, 1, err);
    }
    if (code == TOW_OK)
        code = tow_buffer_append(out, options->format == TOW_IMPORT_JSON ? ".json" : ".csv",
                                 options->format == TOW_IMPORT_JSON ? 5 : 4, err);
    if (code == TOW_OK && options->gzip)
        code = tow_buffer_append(out, ".gz", 3, err);
    return code == TOW_OK ? tow_buffer_append(out, "", 1, err) : code;
}
