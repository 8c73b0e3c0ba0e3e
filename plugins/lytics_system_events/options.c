#include "plugins/lytics_system_events/options.h"

#include <string.h>

#include "towpath/value.h"

#define OPTIONS_DAY_US INT64_C(86400000000)

/* A date, or a date-time; one without a zone is in UTC. */
static int options_date(const char *name, const char *text, int64_t *out, struct tow_error *err)
{
    size_t length = text ? strlen(text) : 0;
    int32_t days;
    int zone;

    *out = 0;
    if (length == 0)
        return TOW_OK;
    if (tow_parse_date(text, length, &days) == TOW_PARSE_OK)
        *out = days * OPTIONS_DAY_US;
    else if (tow_parse_timestamp(text, length, out, &zone) != TOW_PARSE_OK)
        *out = 0;
    if (*out > 0)
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "%s is \"%.60s\"; it must be a date after 1970 as in \"2020-01-01\", or "
                         "with a time as in \"2020-01-01T12:00:00Z\"",
                         name, text);
}

int tow_event_options_read(const struct tow_event_options *options, int64_t *start_us,
                           int64_t *end_us, struct tow_error *err)
{
    const char *id = options->subject_id, *type = options->subject_type;
    int code = options_date("start_date", options->start_date, start_us, err);

    if (code == TOW_OK)
        code = options_date("end_date", options->end_date, end_us, err);
    if (code == TOW_OK && *start_us && *end_us && *end_us <= *start_us)
        code = tow_error_set(err, TOW_E_CONFIG,
                             "end_date %s is not after start_date %s: nothing lies between them",
                             options->end_date, options->start_date);
    if (code == TOW_OK && id && *id && !(type && *type))
        code = tow_error_set(err, TOW_E_CONFIG,
                             "subject_id is \"%.100s\" without a subject_type: an id means nothing "
                             "alone; set subject_type, as in \"segment\"",
                             id);
    return code;
}
