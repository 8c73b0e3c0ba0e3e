#include "connectors/events/moment.h"

#include <string.h>

#include "towpath/value.h"

#define MOMENT_FRACTION_MAX 9 /* digits that tow_parse_timestamp takes */
#define MOMENT_TEXT_MAX     48
#define MOMENT_LEAST        INT64_C(-62135596800000000) /* 0001-01-01 */
#define MOMENT_MOST         INT64_C(253402300799999999) /* the last of 9999 */

static int moment_is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* By the size of the whole part: what one of its units is in microseconds, 0 for nanoseconds. */
static int64_t moment_unit(uint64_t whole)
{
    if (whole < UINT64_C(100000000000))
        return 1000000;
    if (whole < UINT64_C(100000000000000))
        return 1000;
    return whole < UINT64_C(100000000000000000) ? 1 : 0;
}

/* The digits behind the point, as part of a unit, in microseconds. */
static int64_t moment_fraction(const char *text, size_t length, int64_t unit)
{
    int64_t value = 0;

    for (size_t i = 0; i < length && unit >= 10; i++) {
        unit /= 10;
        value += (text[i] - '0') * unit;
    }
    return value;
}

/* [-]digits[.digits] */
static int moment_parse_number(const char *text, size_t length, int64_t *out)
{
    size_t sign = length > 0 && text[0] == '-', point = sign, end;
    uint64_t whole;
    int64_t unit, value;

    while (point < length && moment_is_digit(text[point]))
        point++;
    end = point + (point < length && text[point] == '.');
    while (end > point && end < length && moment_is_digit(text[end]))
        end++;
    if (point == sign || end != length || end == point + 1)
        return TOW_PARSE_SYNTAX;
    if (tow_parse_uint64(text + sign, point - sign, &whole) != TOW_PARSE_OK || whole > INT64_MAX)
        return TOW_PARSE_RANGE;
    unit = moment_unit(whole);
    value = unit ? (int64_t)whole * unit : (int64_t)(whole / 1000);
    if (end > point)
        value += moment_fraction(text + point + 1, end - point - 1, unit);
    *out = sign ? -value : value;
    return *out >= MOMENT_LEAST && *out <= MOMENT_MOST ? TOW_PARSE_OK : TOW_PARSE_RANGE;
}

/* Takes digits out of a fraction that is longer than the parser's. */
static int moment_parse_long(const char *text, size_t length, int64_t *out, int *zone)
{
    const char *point = memchr(text, '.', length);
    size_t start = point ? (size_t)(point + 1 - text) : length, end = start;
    char shorter[MOMENT_TEXT_MAX];
    size_t kept;

    while (end < length && moment_is_digit(text[end]))
        end++;
    kept = start + MOMENT_FRACTION_MAX;
    if (end <= kept || kept + (length - end) > sizeof shorter)
        return TOW_PARSE_SYNTAX;
    memcpy(shorter, text, kept);
    memcpy(shorter + kept, text + end, length - end);
    return tow_parse_timestamp(shorter, kept + (length - end), out, zone);
}

int tow_moment_parse(const char *text, size_t length, int64_t *out)
{
    int zone, code;
    int32_t days;

    if (length < 10 || text[4] != '-')
        return moment_parse_number(text, length, out);
    if (length == 10) {
        code = tow_parse_date(text, length, &days);
        *out = code == TOW_PARSE_OK ? days * INT64_C(86400000000) : 0;
        return code;
    }
    code = tow_parse_timestamp(text, length, out, &zone);
    return code == TOW_PARSE_SYNTAX ? moment_parse_long(text, length, out, &zone) : code;
}
