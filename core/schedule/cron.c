#include "schedule/cron.h"

#include <string.h>
#include <strings.h>

#include "config/excerpt.h"
#include "kit/value/calendar.h"

#define CRON_FIELDS     5
#define CRON_NAME_SHORT 3

static const char *const cron_months[] = {"january",  "february", "march",  "april",     "may",
                                          "june",     "july",     "august", "september", "october",
                                          "november", "december", NULL};
static const char *const cron_weekdays[] = {"sunday",   "monday", "tuesday",  "wednesday",
                                            "thursday", "friday", "saturday", NULL};

/* One of the five fields: its bounds, and the names of its values from the lowest on. */
struct cron_field {
    const char *name;
    int low, high;
    const char *const *names;
};

enum { CRON_MINUTE, CRON_HOUR, CRON_DAY, CRON_MONTH, CRON_WEEKDAY };

static const struct cron_field cron_fields[CRON_FIELDS] = {
    [CRON_MINUTE] = {"minute", 0, 59, NULL},
    [CRON_HOUR] = {"hour", 0, 23, NULL},
    [CRON_DAY] = {"day of the month", 1, 31, NULL},
    [CRON_MONTH] = {"month", 1, 12, cron_months},
    [CRON_WEEKDAY] = {"day of the week", 0, 7, cron_weekdays}, /* Sunday is 0 and 7 */
};

static const struct {
    const char *name, *text;
} cron_words[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

/* A field while it is read. */
struct cron_reader {
    const struct cron_field *field;
    const char *at, *end; /* what is left of it */
    const char *text;     /* where it starts */
    const char *owner;    /* key of the job file that it belongs to */
    struct tow_error *err;
};

static int cron_refuse(const struct cron_reader *reader, const char *reason)
{
    const struct cron_field *field = reader->field;
    char shown[TOW_EXCERPT_MAX];

    tow_excerpt(reader->text, (size_t)(reader->end - reader->text), shown);
    return tow_error_set(reader->err, TOW_E_CONFIG,
                         "%s: the %s is \"%s\": %s; it takes %d to %d%s%s%s, `*`, lists (1,2), "
                         "ranges (1-5) and steps (*/2)",
                         reader->owner, field->name, shown, reason, field->low, field->high,
                         field->names ? ", names like " : "", field->names ? field->names[1] : "",
                         !field->names && field->low == 1 ? ", L" : "");
}

static int cron_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int cron_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int cron_number(struct cron_reader *reader, int *number)
{
    const char *start = reader->at;

    for (*number = 0; reader->at < reader->end && cron_is_digit(*reader->at); reader->at++) {
        if (reader->at - start >= 3)
            return cron_refuse(reader, "a number is too long");
        *number = *number * 10 + (*reader->at - '0');
    }
    return reader->at > start ? TOW_OK : cron_refuse(reader, "a number is missing");
}

/* "mon", or "monday". */
static int cron_name(struct cron_reader *reader, int *number)
{
    const struct cron_field *field = reader->field;
    const char *start = reader->at;
    size_t length;

    while (reader->at < reader->end && cron_is_letter(*reader->at))
        reader->at++;
    length = (size_t)(reader->at - start);
    for (int i = 0; field->names && field->names[i]; i++)
        if ((length == CRON_NAME_SHORT || length == strlen(field->names[i])) &&
            strncasecmp(start, field->names[i], length) == 0) {
            *number = field->low + i;
            return TOW_OK;
        }
    return cron_refuse(reader, "a name in it is none of this field's");
}

static int cron_value(struct cron_reader *reader, int *number)
{
    int named = reader->at < reader->end && cron_is_letter(*reader->at);
    int rc = named ? cron_name(reader, number) : cron_number(reader, number);

    if (rc)
        return rc;
    if (*number < reader->field->low || *number > reader->field->high)
        return cron_refuse(reader, "a number is out of its bounds");
    return TOW_OK;
}

static int cron_take(struct cron_reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c)
        return 0;
    reader->at++;
    return 1;
}

static int cron_step(struct cron_reader *reader, int span, int *step)
{
    int rc = cron_number(reader, step);

    if (rc)
        return rc;
    if (*step == 0)
        return cron_refuse(reader, "a step of 0 goes nowhere");
    if (*step > span)
        return cron_refuse(reader, "a step is longer than what it steps through (an interval of "
                                   "its own is `every`)");
    return TOW_OK;
}

/*
 * low..high by step; where low is the greater one, over the end and on from the beginning. Sunday
 * is 7 within a range, and 0 in the set.
 */
static uint64_t cron_range(const struct cron_field *field, int low, int high, int step)
{
    int weekday = field == &cron_fields[CRON_WEEKDAY];
    int count = (weekday ? 6 : field->high) - field->low + 1;
    uint64_t set = 0;

    if (low > high)
        high += count;
    for (int i = low; i <= high; i += step)
        set |= UINT64_C(1) << (field->low + (i - field->low) % count);
    return set;
}

/* "*", "3", "1-5", and with a step: "*" "/2", "1-5/2", "3/10" (from 3 to the end). */
static int cron_item(struct cron_reader *reader, uint64_t *set)
{
    const struct cron_field *field = reader->field;
    int weekday = field == &cron_fields[CRON_WEEKDAY];
    int low = field->low, high = weekday ? 6 : field->high, step = 1, rc = TOW_OK, single = 0;

    if (!cron_take(reader, '*')) {
        rc = cron_value(reader, &low);
        single = !rc && !cron_take(reader, '-');
        if (!rc && !single)
            rc = cron_value(reader, &high);
        /* Only "7-7" and "5-7" end with Sunday; "7", "7-2" and "7/2" start with it. */
        if (weekday && low == 7 && (single || high < 7))
            low = 0;
    }
    if (rc)
        return rc;
    if (cron_take(reader, '/'))
        rc = cron_step(reader, (weekday ? 6 : field->high) - field->low + 1, &step);
    else if (single)
        high = low;
    if (!rc)
        *set |= cron_range(field, low, high, step);
    return rc;
}

/* L stands for itself, in the field of days. */
static int cron_take_last(struct cron_reader *reader)
{
    if (reader->field != &cron_fields[CRON_DAY] || reader->at == reader->end ||
        (*reader->at != 'L' && *reader->at != 'l') ||
        (reader->end - reader->at > 1 && reader->at[1] != ','))
        return 0;
    reader->at++;
    return 1;
}

static int cron_field(struct cron_reader *reader, uint64_t *set, uint8_t *last_day)
{
    *set = 0;
    do {
        if (cron_take_last(reader)) {
            *last_day = 1;
            continue;
        }
        int rc = cron_item(reader, set);
        if (rc)
            return rc;
    } while (cron_take(reader, ','));
    if (reader->at < reader->end)
        return cron_refuse(reader, "something in it is neither a value nor a range");
    return TOW_OK;
}

static int cron_is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Where each field starts and ends; returns how many there are, though no more than asked for are
 * kept. */
static int cron_split(const char *text, size_t length, struct cron_reader readers[CRON_FIELDS])
{
    const char *end = text + length;
    int count = 0;

    for (;;) {
        while (text < end && cron_is_space(*text))
            text++;
        if (text == end)
            return count;
        const char *start = text;
        while (text < end && !cron_is_space(*text))
            text++;
        if (count < CRON_FIELDS)
            readers[count] = (struct cron_reader){.at = start, .end = text, .text = start};
        count++;
    }
}

/* 1 where some year has a day in the sets. */
static int cron_has_day(const struct tow_cron *cron)
{
    if (cron->last_day || cron->any_of_days)
        return 1;
    for (int month = 1; month <= 12; month++)
        if (cron->months >> month & 1 &&
            cron->days & ((UINT64_C(2) << tow_month_days(2000, month)) - 1))
            return 1;
    return 0;
}

static const char *cron_word(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof cron_words / sizeof cron_words[0]; i++)
        if (strlen(cron_words[i].name) == length &&
            strncasecmp(cron_words[i].name, text, length) == 0)
            return cron_words[i].text;
    return NULL;
}

/* "@daily" as its five fields. */
static int cron_expand_word(const char **text, size_t *length, struct tow_error *err)
{
    char shown[TOW_EXCERPT_MAX];
    const char *word;

    while (*length && cron_is_space((*text)[*length - 1]))
        --*length;
    while (*length && cron_is_space(**text)) {
        ++*text;
        --*length;
    }
    if (*length == 0 || **text != '@')
        return TOW_OK;
    word = cron_word(*text, *length);
    if (!word)
        return tow_error_set(err, TOW_E_CONFIG,
                             "cron: \"%s\" is none of @hourly, @daily, @weekly, @monthly and "
                             "@yearly",
                             tow_excerpt(*text, *length, shown));
    *text = word;
    *length = strlen(word);
    return TOW_OK;
}

int tow_cron_parse(const char *text, size_t length, struct tow_cron *cron, struct tow_error *err)
{
    struct cron_reader readers[CRON_FIELDS];
    uint64_t sets[CRON_FIELDS];
    char shown[TOW_EXCERPT_MAX];
    int rc = cron_expand_word(&text, &length, err);
    int count;

    *cron = (struct tow_cron){0};
    if (rc)
        return rc;
    count = cron_split(text, length, readers);
    if (count != CRON_FIELDS)
        return tow_error_set(err, TOW_E_CONFIG,
                             "cron: \"%s\" has %d field%s, must have 5: minute, hour, day of the "
                             "month, month, day of the week%s",
                             tow_excerpt(text, length, shown), count, count == 1 ? "" : "s",
                             count == 6 ? " (there is none of seconds)" : "");
    for (int i = 0; i < CRON_FIELDS; i++) {
        readers[i].field = &cron_fields[i];
        readers[i].owner = "cron";
        readers[i].err = err;
        rc = cron_field(&readers[i], &sets[i], &cron->last_day);
        if (rc)
            return rc;
    }
    cron->minutes = sets[CRON_MINUTE];
    cron->hours = (uint32_t)sets[CRON_HOUR];
    cron->days = (uint32_t)sets[CRON_DAY];
    cron->months = (uint16_t)sets[CRON_MONTH];
    cron->weekdays = (uint8_t)sets[CRON_WEEKDAY];
    cron->any_of_days = *readers[CRON_DAY].text != '*' && *readers[CRON_WEEKDAY].text != '*';
    if (!cron_has_day(cron))
        return tow_error_set(err, TOW_E_CONFIG,
                             "cron: \"%s\" never comes: none of its months has such a day",
                             tow_excerpt(text, length, shown));
    return TOW_OK;
}

int tow_cron_parse_weekdays(const char *text, size_t length, uint8_t *weekdays,
                            struct tow_error *err)
{
    struct cron_reader reader = {
        .field = &cron_fields[CRON_WEEKDAY],
        .at = text,
        .end = text + length,
        .text = text,
        .owner = "day_of_week",
        .err = err,
    };
    uint8_t last_day = 0;
    uint64_t set;
    int rc = cron_field(&reader, &set, &last_day);

    *weekdays = (uint8_t)set;
    return rc;
}
