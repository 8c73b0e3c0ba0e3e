#include <strings.h>

#include "kit/value/calendar.h"
#include "kit/value/digits.h"
#include "kit/value/time_text.h"
#include "towpath/value.h"

/* Numbers of a date or time. Each is read as one to `width` digits. */
enum format_field {
    FIELD_YEAR,
    FIELD_YEAR_SHORT,
    FIELD_MONTH,
    FIELD_DAY,
    FIELD_DAY_OF_YEAR,
    FIELD_HOUR,
    FIELD_HOUR_12,
    FIELD_MINUTE,
    FIELD_SECOND,
    FIELD_COUNT
};

static const struct {
    char letter;
    unsigned char field;
    unsigned char width;
    short min, max;
} format_numbers[] = {
    {'Y', FIELD_YEAR, 4, 1, 9999}, {'y', FIELD_YEAR_SHORT, 2, 0, 99},
    {'m', FIELD_MONTH, 2, 1, 12},  {'d', FIELD_DAY, 2, 1, 31},
    {'e', FIELD_DAY, 2, 1, 31},    {'j', FIELD_DAY_OF_YEAR, 3, 1, 366},
    {'H', FIELD_HOUR, 2, 0, 23},   {'I', FIELD_HOUR_12, 2, 1, 12},
    {'M', FIELD_MINUTE, 2, 0, 59}, {'S', FIELD_SECOND, 2, 0, 60},
};
#define FORMAT_NUMBERS (sizeof format_numbers / sizeof *format_numbers)

static const char *const format_months[] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};
static const char *const format_weekdays[] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};
static const char *const format_halves[] = {"AM", "PM"};

#define ABSENT (-1)

/* What the text has given so far; of what stands in it twice the later. */
struct time_format {
    const char *p;
    const char *end;
    int fields[FIELD_COUNT]; /* ABSENT or a value in bounds */
    int afternoon;           /* ABSENT, 0 for AM, 1 for PM */
    int micros;
    int zoned;
    int offset; /* seconds east of UTC */
    int has_epoch, epoch_negative;
    int64_t epoch; /* seconds since 1970, without sign */
};

/* Index in format_numbers, FORMAT_NUMBERS where the letter is no number's. */
static size_t format_number_find(char letter)
{
    size_t i = 0;

    while (i < FORMAT_NUMBERS && format_numbers[i].letter != letter)
        i++;
    return i;
}

static int format_read_number(struct time_format *state, size_t index)
{
    int value = 0, digits = 0;

    while (digits < format_numbers[index].width && state->p < state->end) {
        unsigned digit = (unsigned char)*state->p - (unsigned)'0';

        if (digit > 9)
            break;
        value = value * 10 + (int)digit;
        digits++;
        state->p++;
    }
    if (digits == 0)
        return TOW_PARSE_SYNTAX;
    if (value < format_numbers[index].min || value > format_numbers[index].max)
        return TOW_PARSE_RANGE;
    state->fields[format_numbers[index].field] = value;
    return TOW_PARSE_OK;
}

/* One of `count` names, whole or (short_length > 0) so many letters of it. */
static int format_read_name(struct time_format *state, const char *const *names, int count,
                            size_t short_length, int *out)
{
    size_t left = (size_t)(state->end - state->p);

    for (int i = 0; i < count; i++) {
        size_t length = strlen(names[i]);

        if (left < length || strncasecmp(state->p, names[i], length) != 0)
            length = short_length;
        if (length == 0 || left < length || strncasecmp(state->p, names[i], length) != 0)
            continue;
        state->p += length;
        *out = i;
        return TOW_PARSE_OK;
    }
    return TOW_PARSE_SYNTAX;
}

static int format_read_epoch(struct time_format *state)
{
    const char *start;
    int64_t value = 0;

    state->epoch_negative = state->p < state->end && *state->p == '-';
    start = state->p += state->epoch_negative;
    for (; state->p < state->end; state->p++) {
        unsigned digit = (unsigned char)*state->p - (unsigned)'0';

        if (digit > 9)
            break;
        /* Bounded, so that all of the digits are read before they are too many. */
        value = value < INT64_MAX / 100 ? value * 10 + digit : value;
    }
    state->epoch = value;
    state->has_epoch = 1;
    return state->p > start ? TOW_PARSE_OK : TOW_PARSE_SYNTAX;
}

static int format_read(struct time_format *state, const char *format);

static int format_read_month(struct time_format *state)
{
    int rc = format_read_name(state, format_months, 12, 3, &state->fields[FIELD_MONTH]);

    if (rc == TOW_PARSE_OK)
        state->fields[FIELD_MONTH]++;
    return rc;
}

/* The text for one letter. */
static int format_read_letter(struct time_format *state, char letter)
{
    size_t number = format_number_find(letter);
    int weekday, rc;

    if (number < FORMAT_NUMBERS) {
        if (letter == 'e' && state->p < state->end && *state->p == ' ')
            state->p++;
        return format_read_number(state, number);
    }
    switch (letter) {
    case 'b':
    case 'B':
        return format_read_month(state);
    case 'a':
    case 'A':
        return format_read_name(state, format_weekdays, 7, 3, &weekday);
    case 'p':
        return format_read_name(state, format_halves, 2, 0, &state->afternoon);
    case 'f':
        return tow_time_read_fraction(&state->p, state->end, &state->micros);
    case 'z':
        rc = tow_time_read_zone(&state->p, state->end, &state->offset);
        state->zoned = 1;
        return rc;
    case 's':
        return format_read_epoch(state);
    case 'T':
        return format_read(state, "%H:%M:%S");
    case 'F':
        return format_read(state, "%Y-%m-%d");
    case 'D':
        return format_read(state, "%m/%d/%y");
    default:
        return TOW_PARSE_SYNTAX;
    }
}

/* A byte that stands for itself, or a space for one or more. */
static int format_read_byte(struct time_format *state, char byte)
{
    if (state->p == state->end || *state->p != byte)
        return TOW_PARSE_SYNTAX;
    state->p++;
    while (byte == ' ' && state->p < state->end && *state->p == ' ')
        state->p++;
    return TOW_PARSE_OK;
}

static int format_read(struct time_format *state, const char *format)
{
    int rc = TOW_PARSE_OK;

    for (; rc == TOW_PARSE_OK && *format; format++) {
        if (*format != '%' || *++format == '%')
            rc = format_read_byte(state, *format);
        else
            rc = format_read_letter(state, *format);
    }
    return rc;
}

static int format_days(const struct time_format *state, int64_t *days)
{
    int year = state->fields[FIELD_YEAR], month = state->fields[FIELD_MONTH];
    int day = state->fields[FIELD_DAY], day_of_year = state->fields[FIELD_DAY_OF_YEAR];

    /* Two digits are 1969 to 2068, as POSIX has it. */
    if (year == ABSENT)
        year =
            state->fields[FIELD_YEAR_SHORT] + (state->fields[FIELD_YEAR_SHORT] < 69 ? 2000 : 1900);
    if (day_of_year != ABSENT && month == ABSENT && day == ABSENT) {
        if (day_of_year > 365 + tow_year_is_leap(year))
            return TOW_PARSE_RANGE;
        *days = tow_calendar_days(year, 1, 1) + day_of_year - 1;
        return TOW_PARSE_OK;
    }
    month = month == ABSENT ? 1 : month;
    day = day == ABSENT ? 1 : day;
    if (day > tow_month_days(year, month))
        return TOW_PARSE_RANGE;
    *days = tow_calendar_days(year, month, day);
    return TOW_PARSE_OK;
}

static int format_seconds(const struct time_format *state)
{
    int hour = state->fields[FIELD_HOUR], minute = state->fields[FIELD_MINUTE];
    int second = state->fields[FIELD_SECOND];

    if (hour == ABSENT && state->fields[FIELD_HOUR_12] != ABSENT)
        hour = state->fields[FIELD_HOUR_12] % 12 + (state->afternoon == 1 ? 12 : 0);
    hour = hour == ABSENT ? 0 : hour;
    minute = minute == ABSENT ? 0 : minute;
    second = second == ABSENT ? 0 : second;
    return (hour * 60 + minute) * 60 + second;
}

static int format_result(const struct time_format *state, int64_t *out)
{
    int64_t days, micros;
    int rc;

    if (state->has_epoch) {
        if (__builtin_mul_overflow(state->epoch, TOW_MICROS_PER_SECOND, &micros) ||
            __builtin_add_overflow(micros, state->micros, &micros))
            return TOW_PARSE_RANGE;
        *out = state->epoch_negative ? -micros : micros;
        return TOW_PARSE_OK;
    }
    if (state->fields[FIELD_YEAR] == ABSENT && state->fields[FIELD_YEAR_SHORT] == ABSENT)
        return TOW_PARSE_SYNTAX;
    rc = format_days(state, &days);
    if (rc != TOW_PARSE_OK)
        return rc;
    *out = (days * TOW_SECONDS_PER_DAY + format_seconds(state) - state->offset) *
               TOW_MICROS_PER_SECOND +
           state->micros;
    return TOW_PARSE_OK;
}

int tow_parse_time_format(const char *text, size_t length, const char *format, int64_t *out,
                          int *zone)
{
    struct time_format state = {.p = text, .end = text + length, .afternoon = ABSENT};
    int rc;

    for (int i = 0; i < FIELD_COUNT; i++)
        state.fields[i] = ABSENT;
    rc = format_read(&state, format);
    if (rc == TOW_PARSE_OK && state.p != state.end)
        rc = TOW_PARSE_SYNTAX;
    if (rc == TOW_PARSE_OK)
        rc = format_result(&state, out);
    if (rc == TOW_PARSE_OK)
        *zone = state.zoned || state.has_epoch;
    return rc;
}

const char *tow_time_format_check(const char *format)
{
    static const char letters[] = "YmdHMSybBaAjpIefzsTFD%";
    int dated = 0;

    for (; *format; format++) {
        if (*format != '%')
            continue;
        format++;
        if (*format == '\0')
            return "ends in a single '%'";
        if (!strchr(letters, *format))
            return "holds a '%' with none of Y m d H M S y b B a A j p I e f z s T F D % behind it";
        dated |= strchr("YysFD", *format) != NULL;
    }
    return dated ? NULL : "has no year: one of %Y %y %F %D %s is needed";
}
