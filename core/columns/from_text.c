#include <string.h>

#include "columns/columns_priv.h"
#include "kit/value/calendar.h"

/* As deep as a JSON value in a column may be nested. */
#define TEXT_JSON_DEPTH 64

/* Digits behind the point of an epoch in text: more than any unit has a use for. */
#define TEXT_EPOCH_SCALE 18

/* Reads one value; anything but TOW_REFUSAL_NONE refuses its row. */
typedef enum tow_refusal_reason text_parse(const struct tow_conversion *conversion,
                                           const char *text, size_t length, void *out);

static inline enum tow_refusal_reason text_reason(int parsed)
{
    if (parsed == TOW_PARSE_OK)
        return TOW_REFUSAL_NONE;
    return parsed == TOW_PARSE_RANGE ? TOW_REFUSAL_RANGE : TOW_REFUSAL_SYNTAX;
}

/* `parse` and `width` are constant where this is called, so that each caller is a loop of its
 * own. */
static inline __attribute__((always_inline)) void text_rows(const struct tow_step *step,
                                                            int64_t first, int64_t count,
                                                            text_parse *parse, char *out,
                                                            size_t width)
{
    /* A copy whose address goes nowhere stays in registers over the calls of the loop. */
    const struct tow_view in = step->in;

    for (int64_t row = first; row < first + count; row++, out += width) {
        enum tow_refusal_reason reason;
        const char *text;
        size_t length;

        if (tow_view_is_null(&in, row)) {
            memset(out, 0, width);
            continue;
        }
        text = tow_view_bytes(&in, row, &length);
        reason = parse(step->conversion, text, length, out);
        if (__builtin_expect(reason != TOW_REFUSAL_NONE, 0)) {
            memset(out, 0, width);
            tow_step_refuse(step, row, reason);
        }
    }
}

/* ---- many texts at once --------------------------------------------------------------------- */

/* The converters look at bytes around each text, which are those of other rows: not so at the ends
 * of the column. */
static int text_is_inside(const struct tow_view *in, int64_t first)
{
    const int32_t *offsets = in->offsets + in->offset;

    return offsets[first] >= TOW_TEXTS_SLACK &&
           offsets[first + TOW_TEXTS_MAX] <= offsets[in->length] - TOW_TEXTS_SLACK;
}

static void text_take(const struct tow_view *in, int64_t first, struct tow_texts *texts)
{
    const int32_t *offsets = in->offsets + in->offset + first;

    texts->base = in->bytes;
    texts->count = TOW_TEXTS_MAX;
    texts->null = 0;
    for (int i = 0; i < TOW_TEXTS_MAX; i++) {
        texts->start[i] = (uint32_t)offsets[i];
        texts->length[i] = (uint32_t)(offsets[i + 1] - offsets[i]);
    }
    for (int i = 0; in->validity && i < TOW_TEXTS_MAX; i++) {
        uint64_t is_null = (uint64_t)tow_view_is_null(in, first + i);

        texts->null |= is_null << i;
        texts->length[i] &= (uint32_t)is_null - 1; /* null may have bytes */
    }
}

/* As text_rows, of which each caller gives its own as `plain`; values of null rows are zero, as
 * there. Rows that the converter refuses go to `plain`, which finds the reason. */
typedef void text_plain(const struct tow_step *step, int64_t first, int64_t count, char *out);

static void text_many(const struct tow_step *step, int64_t first, int64_t count, text_plain *plain,
                      char *out, size_t width)
{
    const struct tow_texts_converter *converter = &step->conversion->texts;
    struct tow_texts texts;
    int64_t row = first;

    for (; converter->convert && row + TOW_TEXTS_MAX <= first + count; row += TOW_TEXTS_MAX) {
        char *values = out + (size_t)(row - first) * width;
        uint64_t again;

        if (!text_is_inside(&step->in, row)) {
            plain(step, row, TOW_TEXTS_MAX, values);
            continue;
        }
        text_take(&step->in, row, &texts);
        again = converter->convert(converter, &texts, values) | texts.null;
        for (; again; again &= again - 1) {
            int i = __builtin_ctzll(again);

            plain(step, row + i, 1, values + (size_t)i * width);
        }
    }
    plain(step, row, first + count - row, out + (size_t)(row - first) * width);
}

/* ---- bool and integers ---------------------------------------------------------------------- */

static inline enum tow_refusal_reason text_parse_bool(const struct tow_conversion *conversion,
                                                      const char *text, size_t length, void *out)
{
    int value, parsed = tow_parse_bool(text, length, &value);

    (void)conversion;
    if (parsed == TOW_PARSE_OK)
        *(int64_t *)out = value;
    return text_reason(parsed);
}

static inline enum tow_refusal_reason text_parse_int64(const struct tow_conversion *conversion,
                                                       const char *text, size_t length, void *out)
{
    (void)conversion;
    return text_reason(tow_parse_int64(text, length, out));
}

/* Negative numbers are numbers too: what refuses them is the range. */
static enum tow_refusal_reason text_parse_negative(const char *text, size_t length, void *out)
{
    int parsed = tow_parse_int64(text, length, out);

    if (parsed == TOW_PARSE_OK && *(const int64_t *)out == 0)
        return TOW_REFUSAL_NONE;
    return parsed == TOW_PARSE_SYNTAX ? TOW_REFUSAL_SYNTAX : TOW_REFUSAL_RANGE;
}

static inline enum tow_refusal_reason text_parse_uint64(const struct tow_conversion *conversion,
                                                        const char *text, size_t length, void *out)
{
    int parsed = tow_parse_uint64(text, length, out);

    (void)conversion;
    return parsed == TOW_PARSE_SYNTAX ? text_parse_negative(text, length, out)
                                      : text_reason(parsed);
}

static void text_load_bool(const struct tow_step *step, int64_t first, int64_t count,
                           int64_t *block)
{
    text_rows(step, first, count, text_parse_bool, (char *)block, sizeof *block);
}

static void text_plain_int64(const struct tow_step *step, int64_t first, int64_t count, char *out)
{
    text_rows(step, first, count, text_parse_int64, out, sizeof(int64_t));
}

static void text_load_int64(const struct tow_step *step, int64_t first, int64_t count,
                            int64_t *block)
{
    text_many(step, first, count, text_plain_int64, (char *)block, sizeof *block);
    tow_block_check(step, first, count, block);
}

static void text_load_uint64(const struct tow_step *step, int64_t first, int64_t count,
                             int64_t *block)
{
    text_rows(step, first, count, text_parse_uint64, (char *)block, sizeof *block);
}

int tow_text_to_bool(struct tow_step *step, struct tow_error *err)
{
    return tow_block_convert(step, text_load_bool, err);
}

int tow_text_to_integer(struct tow_step *step, struct tow_error *err)
{
    int is_uint64 = step->conversion->to.id == TOW_TYPE_UINT64;

    return tow_block_convert(step, is_uint64 ? text_load_uint64 : text_load_int64, err);
}

/* ---- floats and decimals -------------------------------------------------------------------- */

static inline enum tow_refusal_reason text_parse_double(const struct tow_conversion *conversion,
                                                        const char *text, size_t length, void *out)
{
    (void)conversion;
    return text_reason(tow_parse_double(text, length, out));
}

static inline enum tow_refusal_reason text_parse_float(const struct tow_conversion *conversion,
                                                       const char *text, size_t length, void *out)
{
    (void)conversion;
    return text_reason(tow_parse_float(text, length, out));
}

static inline enum tow_refusal_reason text_parse_decimal(const struct tow_conversion *conversion,
                                                         const char *text, size_t length, void *out)
{
    return text_reason(
        tow_parse_decimal(text, length, conversion->to.precision, conversion->to.scale, out));
}

static void text_plain_double(const struct tow_step *step, int64_t first, int64_t count, char *out)
{
    text_rows(step, first, count, text_parse_double, out, sizeof(double));
}

int tow_text_to_float(struct tow_step *step, struct tow_error *err)
{
    int code = tow_step_reserve(step, 0, err);

    if (code != TOW_OK)
        return code;
    if (step->conversion->to.id == TOW_TYPE_FLOAT32)
        text_rows(step, 0, step->in.length, text_parse_float, step->out->values, sizeof(float));
    else
        text_many(step, 0, step->in.length, text_plain_double, step->out->values, sizeof(double));
    return TOW_OK;
}

int tow_text_to_decimal(struct tow_step *step, struct tow_error *err)
{
    int code = tow_step_reserve(step, 0, err);

    if (code == TOW_OK)
        text_rows(step, 0, step->in.length, text_parse_decimal, step->out->values,
                  sizeof(struct tow_decimal));
    return code;
}

/* ---- dates and timestamps ------------------------------------------------------------------- */

static inline enum tow_refusal_reason text_parse_days(const struct tow_conversion *conversion,
                                                      const char *text, size_t length, void *out)
{
    (void)conversion;
    return tow_parse_date(text, length, out) == TOW_PARSE_OK ? TOW_REFUSAL_NONE
                                                             : TOW_REFUSAL_SYNTAX;
}

static inline enum tow_refusal_reason text_parse_date_pattern(
    const struct tow_conversion *conversion, const char *text, size_t length, void *out)
{
    int64_t micros, days;
    int zone;

    if (tow_parse_time_format(text, length, conversion->pattern, &micros, &zone) != TOW_PARSE_OK)
        return TOW_REFUSAL_SYNTAX;
    days = micros / TOW_MICROS_PER_DAY;
    if (days * TOW_MICROS_PER_DAY != micros)
        return TOW_REFUSAL_CLOCK;
    *(int64_t *)out = days;
    return TOW_REFUSAL_NONE;
}

/* Text without a zone is UTC for a timestamp; text with one is an instant, which a timestamp_ntz
 * is not. */
static inline enum tow_refusal_reason text_check_zone(const struct tow_conversion *conversion,
                                                      int parsed, int zone)
{
    if (parsed != TOW_PARSE_OK)
        return TOW_REFUSAL_SYNTAX;
    return zone && conversion->to.id == TOW_TYPE_TIMESTAMP_NTZ ? TOW_REFUSAL_ZONE
                                                               : TOW_REFUSAL_NONE;
}

static inline enum tow_refusal_reason text_parse_timestamp(const struct tow_conversion *conversion,
                                                           const char *text, size_t length,
                                                           void *out)
{
    int zone = 0, parsed = tow_parse_timestamp(text, length, out, &zone);

    return text_check_zone(conversion, parsed, zone);
}

static inline enum tow_refusal_reason text_parse_timestamp_pattern(
    const struct tow_conversion *conversion, const char *text, size_t length, void *out)
{
    int zone = 0;
    int parsed = tow_parse_time_format(text, length, conversion->pattern, out, &zone);

    return text_check_zone(conversion, parsed, zone);
}

static inline enum tow_refusal_reason text_parse_epoch(const struct tow_conversion *conversion,
                                                       const char *text, size_t length, void *out)
{
    struct tow_decimal decimal;
    int64_t count;
    int parsed = tow_parse_int64(text, length, &count);

    if (parsed == TOW_PARSE_OK)
        return tow_epoch_to_micros(count, conversion->epoch_exponent, out);
    parsed = tow_parse_decimal(text, length, TOW_DECIMAL_PRECISION_MAX, TEXT_EPOCH_SCALE, &decimal);
    if (parsed != TOW_PARSE_OK)
        return text_reason(parsed);
    return tow_epoch_to_micros(tow_decimal_value(decimal),
                               conversion->epoch_exponent - TEXT_EPOCH_SCALE, out);
}

static void text_plain_date(const struct tow_step *step, int64_t first, int64_t count, char *out)
{
    text_rows(step, first, count, text_parse_days, out, sizeof(int32_t));
}

static void text_plain_timestamp(const struct tow_step *step, int64_t first, int64_t count,
                                 char *out)
{
    text_rows(step, first, count, text_parse_timestamp, out, sizeof(int64_t));
}

static void text_load_date_pattern(const struct tow_step *step, int64_t first, int64_t count,
                                   int64_t *block)
{
    text_rows(step, first, count, text_parse_date_pattern, (char *)block, sizeof *block);
}

int tow_text_to_date(struct tow_step *step, struct tow_error *err)
{
    int code;

    if (step->conversion->format == TOW_FORMAT_PATTERN)
        return tow_block_convert(step, text_load_date_pattern, err);
    code = tow_step_reserve(step, 0, err);
    if (code == TOW_OK)
        text_many(step, 0, step->in.length, text_plain_date, step->out->values, sizeof(int32_t));
    return code;
}

int tow_text_to_timestamp(struct tow_step *step, struct tow_error *err)
{
    int code = tow_step_reserve(step, 0, err);
    int64_t rows = step->in.length;

    if (code != TOW_OK)
        return code;
    switch (step->conversion->format) {
    case TOW_FORMAT_PATTERN:
        text_rows(step, 0, rows, text_parse_timestamp_pattern, step->out->values, sizeof(int64_t));
        break;
    case TOW_FORMAT_EPOCH:
        text_rows(step, 0, rows, text_parse_epoch, step->out->values, sizeof(int64_t));
        break;
    default:
        text_many(step, 0, rows, text_plain_timestamp, step->out->values, sizeof(int64_t));
        break;
    }
    return TOW_OK;
}

/* ---- binary and JSON ------------------------------------------------------------------------ */

int tow_text_to_binary(struct tow_step *step, struct tow_error *err)
{
    int is_hex = step->conversion->format == TOW_FORMAT_HEX;
    /* Base64 is the larger of the two, with up to three bytes over for each value. */
    int64_t room = tow_step_bytes(step) / 4 * 3 + 3 * (step->in.length + 1);
    int code = tow_step_reserve(step, room, err);
    char *p = step->out->bytes;

    if (code != TOW_OK)
        return code;
    for (int64_t row = 0; row < step->in.length; row++) {
        size_t length, written = 0;
        const char *text = tow_view_bytes(&step->in, row, &length);

        if (tow_view_is_null(&step->in, row))
            p = tow_step_put_null(step, p);
        else if ((is_hex ? tow_parse_hex(text, length, p, &written)
                         : tow_parse_base64(text, length, p, &written)) == TOW_PARSE_OK)
            p += written;
        else
            tow_step_refuse(step, row, TOW_REFUSAL_SYNTAX);
        step->out->offsets[row + 1] = (int32_t)(p - step->out->bytes);
    }
    return TOW_OK;
}

int tow_text_check_json(struct tow_step *step, struct tow_error *err)
{
    (void)err;
    for (int64_t row = 0; row < step->in.length; row++) {
        size_t length;
        const char *text = tow_view_bytes(&step->in, row, &length);

        if (!tow_view_is_null(&step->in, row) && !tow_json_valid(text, length, TEXT_JSON_DEPTH))
            tow_step_refuse(step, row, TOW_REFUSAL_SYNTAX);
    }
    return TOW_OK;
}
