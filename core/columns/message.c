#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "columns/columns_priv.h"

/* Bytes of a value that a message shows. */
#define MESSAGE_VALUE_MAX 64

/* Room for that where every byte is written \xNN, with quotes, "..." and the terminator. */
#define MESSAGE_VALUE_TEXT_MAX (4 * MESSAGE_VALUE_MAX + 8)

/* What went into the conversion, ready to be printed. */
struct message_value {
    char quoted[MESSAGE_VALUE_TEXT_MAX];
    char bare[MESSAGE_VALUE_TEXT_MAX];
};

static const char message_digits[] = "0123456789abcdef";

/* One character of text, which is `used` bytes of UTF-8 or, where that is 0, one stray byte. */
static char *message_put(char *p, const char *text, size_t used, int quoted)
{
    unsigned char c = (unsigned char)*text;

    if (used > 0 && c >= 0x20 && c != 0x7f) {
        if (quoted && (c == '"' || c == '\\'))
            *p++ = '\\';
        return mempcpy(p, text, used);
    }
    *p++ = '\\';
    if (c == '\n' || c == '\r' || c == '\t') {
        *p++ = (char)(c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
        return p;
    }
    *p++ = 'x';
    *p++ = message_digits[c >> 4];
    *p++ = message_digits[c & 15];
    return p;
}

/* Length of the character at the start of text; 0 where it is not UTF-8. */
static size_t message_character(const char *text, size_t length)
{
    size_t limit = length < 4 ? length : 4;

    for (size_t used = 1; used <= limit; used++)
        if (tow_utf8_valid(text, used))
            return used;
    return 0;
}

/* Shows a value in quotes or bare; "..." stands behind what was cut. */
static void message_show(char *p, const char *text, size_t length, int quoted)
{
    size_t at = 0;

    if (quoted)
        *p++ = '"';
    while (at < length) {
        size_t used = message_character(text + at, length - at);

        if (at + (used ? used : 1) > MESSAGE_VALUE_MAX)
            break;
        p = message_put(p, text + at, used, quoted);
        at += used ? used : 1;
    }
    if (quoted)
        *p++ = '"';
    strcpy(p, at < length ? "..." : "");
}

static void message_read_value(const struct tow_column_plan *plan, const struct tow_view *view,
                               int64_t row, struct message_value *value)
{
    char room[TOW_VALUE_TEXT_MAX];
    size_t length;
    const char *text = tow_value_text(view, row, room, &length);

    if (plan->spec.trim)
        text = tow_text_trim(text, &length);
    message_show(value->quoted, text, length, 1);
    message_show(value->bare, text, length, 0);
}

/* ---- reasons -------------------------------------------------------------------------------- */

/* "an int32", "a timestamp of format ...", "base64": what the text is not. */
static void message_expected(const struct tow_conversion *conversion, char *text, size_t size)
{
    char type[TOW_TYPE_TEXT_MAX];

    if (conversion->to.id == TOW_TYPE_JSON)
        snprintf(text, size, "JSON");
    else if (conversion->to.id == TOW_TYPE_STRING)
        snprintf(text, size, "UTF-8");
    else if (conversion->to.id == TOW_TYPE_BINARY)
        snprintf(text, size, "%s", conversion->format == TOW_FORMAT_HEX ? "hex" : "base64");
    else
        snprintf(text, size, "%s %s%s%s%s",
                 *tow_type_name(conversion->to, type) == 'i' ? "an" : "a", type,
                 conversion->pattern ? " of format \"" : "",
                 conversion->pattern ? conversion->pattern : "", conversion->pattern ? "\"" : "");
}

static void message_syntax(const struct tow_conversion *conversion, const char *quoted,
                           char *message, size_t size)
{
    char expected[256];

    message_expected(conversion, expected, sizeof expected);
    snprintf(message, size, "%s is not %s", quoted, expected);
}

static void message_range(const struct tow_conversion *conversion, const char *bare, char *message,
                          size_t size)
{
    struct tow_integer_range range = tow_integer_range(conversion->to.id);
    char type[TOW_TYPE_TEXT_MAX];

    tow_type_name(conversion->to, type);
    if (conversion->to.id <= TOW_TYPE_UINT64)
        snprintf(message, size, "%s does not fit %s (%" PRId64 " .. %" PRIu64 ")", bare, type,
                 range.low, range.high);
    else
        snprintf(message, size, "%s does not fit %s", bare, type);
}

static const char *message_bad_code(enum tow_type_id id)
{
    static const char *const codes[] = {
        [TOW_TYPE_BOOL] = "bad_bool",
        [TOW_TYPE_INT8] = "bad_int8",
        [TOW_TYPE_INT16] = "bad_int16",
        [TOW_TYPE_INT32] = "bad_int32",
        [TOW_TYPE_INT64] = "bad_int64",
        [TOW_TYPE_UINT8] = "bad_uint8",
        [TOW_TYPE_UINT16] = "bad_uint16",
        [TOW_TYPE_UINT32] = "bad_uint32",
        [TOW_TYPE_UINT64] = "bad_uint64",
        [TOW_TYPE_FLOAT32] = "bad_float32",
        [TOW_TYPE_FLOAT64] = "bad_float64",
        [TOW_TYPE_DECIMAL] = "bad_decimal",
        [TOW_TYPE_STRING] = "bad_string",
        [TOW_TYPE_BINARY] = "bad_binary",
        [TOW_TYPE_DATE] = "bad_date",
        [TOW_TYPE_TIMESTAMP] = "bad_timestamp",
        [TOW_TYPE_TIMESTAMP_NTZ] = "bad_timestamp_ntz",
        [TOW_TYPE_JSON] = "bad_json",
    };

    return codes[id];
}

const char *tow_refusal_describe(const struct tow_column_plan *plan, const struct tow_view *view,
                                 int64_t row, enum tow_refusal_reason reason,
                                 char message[TOW_REFUSAL_TEXT_MAX])
{
    const struct tow_conversion *conversion = &plan->conversion;
    const size_t size = TOW_REFUSAL_TEXT_MAX;
    struct message_value value;
    char type[TOW_TYPE_TEXT_MAX];

    if (reason == TOW_REFUSAL_REQUIRED) {
        snprintf(message, size, "null, but the column is required");
        return "required";
    }
    tow_type_name(conversion->to, type);
    message_read_value(plan, view, row, &value);
    if (reason == TOW_REFUSAL_SYNTAX)
        message_syntax(conversion, value.quoted, message, size);
    else if (reason == TOW_REFUSAL_ZONE)
        snprintf(message, size, "%s has a zone, which a %s is without", value.quoted, type);
    else if (reason == TOW_REFUSAL_DIGITS)
        snprintf(message, size, "%s does not fit %s: digits would be lost", value.bare, type);
    else if (reason == TOW_REFUSAL_CLOCK)
        snprintf(message, size, "%s does not fit %s: it has a time of day", value.bare, type);
    else
        message_range(conversion, value.bare, message, size);
    return reason == TOW_REFUSAL_SYNTAX || reason == TOW_REFUSAL_ZONE
               ? message_bad_code(conversion->to.id)
               : "out_of_range";
}
