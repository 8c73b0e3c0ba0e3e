#include "plugins/lytics_metrics/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_DAY_MS INT64_C(86400000)

/* ---- one metric ------------------------------------------------------------------------------ */

/* A level is best told by its highest value, a count by its sum; audiences have sizes that are
 * levels, streams have sizes that are counts of messages (API: examples of both). */
static const char *pair_aggregation(const struct tow_metric_pair *pair, int32_t choice)
{
    static const char *const names[] = {"", "sum", "max", "min", "diff", "first", "smooth"};

    if (choice > 0)
        return names[choice];
    return strcmp(pair->dimension, "segment") == 0 && strcmp(pair->type, "size") == 0 ? "max"
                                                                                      : "sum";
}

static int pair_set_word(char to[TOW_METRIC_WORD_MAX], const char *name, const char *text,
                         size_t length, struct tow_error *err)
{
    if (length == 0)
        return tow_error_set(err, TOW_E_CONFIG, "%s is missing or empty", name);
    if (length >= TOW_METRIC_WORD_MAX || memchr(text, ':', length))
        return tow_error_set(err, TOW_E_CONFIG,
                             "%s is \"%.*s\"; it must have at most %d bytes, and no colon", name,
                             (int)(length < 100 ? length : 100), text, TOW_METRIC_WORD_MAX - 1);
    memcpy(to, text, length);
    to[length] = '\0';
    return TOW_OK;
}

static int pair_check(const struct tow_metric_pair *pair, struct tow_error *err)
{
    if (pair->id || tow_lytics_is_listed(TOW_LYTICS_LISTABLE, pair->dimension))
        return TOW_OK;
    return tow_error_set(
        err, TOW_E_CONFIG,
        "dimension %s without an id: the API cannot list its ids; set "
        "dimension_id, or write \"%s:%s:ID\" (it lists those of " TOW_LYTICS_LISTABLE ")",
        pair->dimension, pair->dimension, pair->type);
}

/* "dimension:type", "dimension:type:id". */
static int pair_parse(struct tow_metric_pair *pair, const char *text, struct tow_error *err)
{
    const char *type = strchr(text, ':'), *id = type ? strchr(type + 1, ':') : NULL;
    int code;

    if (!type)
        return tow_error_set(err, TOW_E_CONFIG,
                             "metrics has \"%.100s\"; it must be as in \"segment:size\" or "
                             "\"stream:size:web\"",
                             text);
    code =
        pair_set_word(pair->dimension, "a dimension in metrics", text, (size_t)(type - text), err);
    type++;
    if (code == TOW_OK)
        code = pair_set_word(pair->type, "a type in metrics", type,
                             id ? (size_t)(id - type) : strlen(type), err);
    pair->id = id && id[1] ? id + 1 : NULL;
    return code;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int options_given(const char *text)
{
    return text && *text;
}

static int options_check_times(const struct tow_metric_options *options, struct tow_error *err)
{
    static const int64_t known[] = {0, 7, 14, 30, 60, 90};
    int is_known = options->allow_any_lookback;

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        is_known |= options->lookback_ms == known[i] * OPTIONS_DAY_MS;
    if (!is_known)
        return tow_error_set(err, TOW_E_CONFIG,
                             "lookback is %lld hours; it must be 0d, 7d, 14d, 30d, 60d or 90d, "
                             "unless allow_any_lookback is set",
                             (long long)(options->lookback_ms / 3600000));
    if (options->interval_ms % 60000 != 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "interval is %lld ms; it must be whole minutes, as in \"2h\"",
                             (long long)options->interval_ms);
    return TOW_OK;
}

static int options_check_words(const struct tow_metric_options *options, struct tow_error *err)
{
    int is_single = options_given(options->dimension) || options_given(options->dimension_type) ||
                    options_given(options->dimension_id);

    if (is_single && options->metrics.count > 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "dimension, dimension_id and dimension_type name one metric, metrics "
                             "several: use one of the two ways");
    if (!is_single && options->metrics.count == 0)
        return tow_error_set(err, TOW_E_CONFIG,
                             "no metric is named: set dimension and dimension_type, as in "
                             "\"segment\" and \"size\"");
    return TOW_OK;
}

static int options_read_single(const struct tow_metric_options *options,
                               struct tow_metric_pair *pair, struct tow_error *err)
{
    const char *dimension = options->dimension ? options->dimension : "";
    const char *type = options->dimension_type ? options->dimension_type : "";
    int code = pair_set_word(pair->dimension, "dimension", dimension, strlen(dimension), err);

    if (code == TOW_OK)
        code = pair_set_word(pair->type, "dimension_type", type, strlen(type), err);
    pair->id = options_given(options->dimension_id) ? options->dimension_id : NULL;
    return code;
}

static int options_is_same(const struct tow_metric_pair *a, const struct tow_metric_pair *b)
{
    return strcmp(a->dimension, b->dimension) == 0 && strcmp(a->type, b->type) == 0 &&
           (!a->id || !b->id || strcmp(a->id, b->id) == 0);
}

static int options_check_pairs(const struct tow_metric_pair *pairs, size_t count,
                               struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < count && code == TOW_OK; i++) {
        code = pair_check(&pairs[i], err);
        for (size_t j = 0; j < i && code == TOW_OK; j++)
            if (options_is_same(&pairs[i], &pairs[j]))
                code = tow_error_set(err, TOW_E_CONFIG,
                                     "metrics names %s:%s%s%s twice: its rows would come twice",
                                     pairs[i].dimension, pairs[i].type, pairs[i].id ? ":" : "",
                                     pairs[i].id ? pairs[i].id : "");
    }
    return code;
}

int tow_metric_options_read(const struct tow_metric_options *options,
                            struct tow_metric_pair **pairs, size_t *count, struct tow_error *err)
{
    int code = options_check_times(options, err);

    *pairs = NULL;
    *count = options->metrics.count ? options->metrics.count : 1;
    if (code == TOW_OK)
        code = options_check_words(options, err);
    if (code != TOW_OK)
        return code;
    *pairs = calloc(*count, sizeof **pairs);
    if (!*pairs)
        return tow_error_nomem(err);
    if (options->metrics.count == 0)
        code = options_read_single(options, *pairs, err);
    for (size_t i = 0; i < options->metrics.count && code == TOW_OK; i++)
        code = pair_parse(*pairs + i, options->metrics.items[i], err);
    for (size_t i = 0; i < *count; i++)
        (*pairs)[i].aggregation = pair_aggregation(*pairs + i, options->aggregation);
    if (code == TOW_OK)
        code = options_check_pairs(*pairs, *count, err);
    if (code != TOW_OK) {
        free(*pairs);
        *pairs = NULL;
    }
    return code;
}
