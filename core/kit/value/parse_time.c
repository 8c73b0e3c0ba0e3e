#include "kit/value/calendar.h"
#include "kit/value/digits.h"
#include "kit/value/time_text.h"
#include "towpath/value.h"

/*
 * Text of a fixed shape is checked a word at a time: exclusive or with the shape leaves values 0 to
 * 9 where a digit stood and 0 where the shape's own character did.
 */
#define SHAPE_DATE      UINT64_C(0x2D30302D30303030) /* 0000-00- */
#define SHAPE_DATE_END  UINT64_C(0x30302D30302D3030) /* 00-00-00 */
#define SHAPE_TIME      UINT64_C(0x30303A30303A3030) /* 00:00:00 */
#define DIGITS_DATE     UINT64_C(0x00FFFF00FFFFFFFF)
#define DIGITS_DATE_END UINT64_C(0xFFFF00FFFF00FFFF)
#define DIGITS_TIME     DIGITS_DATE_END
#define SHAPE_MILLIS    UINT64_C(0x5A3030302E000000) /* .000Z behind three bytes */
#define DIGITS_MILLIS   UINT64_C(0x00FFFFFF00000000)
#define SHAPE_MICROS    UINT64_C(0x5A3030303030302E) /* .000000Z */
#define DIGITS_MICROS   UINT64_C(0x00FFFFFFFFFFFF00)

#define DATE_LENGTH         10
#define STAMP_LENGTH        19 /* to the seconds */
#define STAMP_MILLIS_LENGTH 24
#define STAMP_MICROS_LENGTH 27

static inline uint64_t shape_bad(uint64_t values, uint64_t digits)
{
    const uint64_t high = 0xF0 * TOW_BYTES_ONE, six = 0x06 * TOW_BYTES_ONE;

    return (values | (values + (six & digits))) & (high | ~digits);
}

/* Every byte with the next one as two digits; good where both are digits. */
static inline uint64_t shape_pairs(uint64_t values)
{
    return values * 10 + (values >> 8);
}

static inline int pair_at(uint64_t pairs, unsigned byte)
{
    return (int)(pairs >> (8 * byte) & 0xFF);
}

static inline int time_read_date(const char *text, int64_t *days)
{
    uint64_t start = tow_load8(text) ^ SHAPE_DATE;
    uint64_t end = tow_load8(text + 2) ^ SHAPE_DATE_END;
    uint64_t pairs = shape_pairs(start);
    int year = 100 * pair_at(pairs, 0) + pair_at(pairs, 2);
    int month = pair_at(pairs, 5), day = pair_at(shape_pairs(end), 6);

    if (shape_bad(start, DIGITS_DATE) | shape_bad(end, DIGITS_DATE_END))
        return TOW_PARSE_SYNTAX;
    if (year == 0 || month - 1u > 11 || day == 0 || (day > 28 && day > tow_month_days(year, month)))
        return TOW_PARSE_RANGE;
    *days = tow_calendar_days(year, month, day);
    return TOW_PARSE_OK;
}

static inline int time_read_clock(const char *text, int *seconds)
{
    uint64_t values = tow_load8(text) ^ SHAPE_TIME;
    uint64_t pairs = shape_pairs(values);
    int hour = pair_at(pairs, 0), minute = pair_at(pairs, 3), second = pair_at(pairs, 6);

    if (shape_bad(values, DIGITS_TIME))
        return TOW_PARSE_SYNTAX;
    if (hour > 23 || minute > 59 || second > 60)
        return TOW_PARSE_RANGE;
    *seconds = (hour * 60 + minute) * 60 + second;
    return TOW_PARSE_OK;
}

int tow_parse_date(const char *text, size_t length, int32_t *out)
{
    int64_t days;
    int rc;

    if (length != DATE_LENGTH)
        return TOW_PARSE_SYNTAX;
    rc = time_read_date(text, &days);
    if (rc == TOW_PARSE_OK)
        *out = (int32_t)days;
    return rc;
}

/* The tails that most programs write: three or six digits, in UTC. 0 where it is none of them. */
static inline int time_read_usual_tail(const char *text, size_t length, int *micros)
{
    const uint64_t behind_three = ~UINT64_C(0xFFFFFF);
    uint64_t values;

    if (length == STAMP_MILLIS_LENGTH) {
        values = (tow_load8(text + length - 8) & behind_three) ^ SHAPE_MILLIS;
        if (shape_bad(values, DIGITS_MILLIS))
            return 0;
        *micros = (int)tow_digits_value(values << 8) * 1000;
        return 1;
    }
    if (length != STAMP_MICROS_LENGTH)
        return 0;
    values = tow_load8(text + length - 8) ^ SHAPE_MICROS;
    if (shape_bad(values, DIGITS_MICROS))
        return 0;
    *micros = (int)tow_digits_value(values << 8);
    return 1;
}

/* What may stand behind the seconds. *zone is as in tow_parse_timestamp. */
static int time_read_tail(const char *p, const char *end, int *micros, int *offset, int *zone)
{
    int rc;

    if (*p == '.') {
        p++;
        rc = tow_time_read_fraction(&p, end, micros);
        if (rc != TOW_PARSE_OK || p == end)
            return rc;
    }
    rc = tow_time_read_zone(&p, end, offset);
    *zone = 1;
    return p == end ? rc : TOW_PARSE_SYNTAX;
}

int tow_parse_timestamp(const char *text, size_t length, int64_t *out, int *zone)
{
    int64_t days = 0;
    int date, clock, tail = TOW_PARSE_OK;
    int seconds = 0, micros = 0, offset = 0, zoned = 0;

    if (length < STAMP_LENGTH)
        return TOW_PARSE_SYNTAX;
    if (text[DATE_LENGTH] != ' ' && (text[DATE_LENGTH] | 0x20) != 't')
        return TOW_PARSE_SYNTAX;
    date = time_read_date(text, &days);
    clock = time_read_clock(text + DATE_LENGTH + 1, &seconds);
    if ((length == STAMP_LENGTH + 1 && text[STAMP_LENGTH] == 'Z') ||
        time_read_usual_tail(text, length, &micros))
        zoned = 1;
    else if (length > STAMP_LENGTH)
        tail = time_read_tail(text + STAMP_LENGTH, text + length, &micros, &offset, &zoned);
    if (date | clock | tail)
        return date == TOW_PARSE_SYNTAX || clock == TOW_PARSE_SYNTAX || tail == TOW_PARSE_SYNTAX
                   ? TOW_PARSE_SYNTAX
                   : TOW_PARSE_RANGE;
    *out = (days * TOW_SECONDS_PER_DAY + seconds - offset) * TOW_MICROS_PER_SECOND + micros;
    *zone = zoned;
    return TOW_PARSE_OK;
}
