/* The `schedule` section. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/excerpt.h"
#include "config/job_keys.h"
#include "config/job_reader.h"
#include "config/option/bind.h"
#include "schedule/clock_text.h"

#define SECOND INT64_C(1000) /* in milliseconds */
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

#define MICROS_PER_MILLI 1000

/* Of a schedule that is to keep up to date and does not say how often. */
#define SCHEDULE_EVERY_DEFAULT_MS (15 * 60 * SECOND)

#define SCHEDULE_MONDAY 2u /* as a set of weekdays */

/* The section as it stands in the file. */
struct schedule_section {
    int64_t every_ms, jitter_ms, timeout_ms, retry_wait_ms, day_of_month, tries;
    const char *cron, *at, *day_of_week, *timezone;
    int32_t frequency, overlap, catch_up, first_run, keep_updated;
};

#define SECTION(member) offsetof(struct schedule_section, member)

const struct tow_option tow_job_schedule_options[] = {
    {"every", TOW_OPTION_DURATION, 0, SECTION(every_ms), NULL, SECOND, 366 * DAY, NULL,
     "time between runs, counted from 1970-01-01 00:00 UTC"},
    {"cron", TOW_OPTION_STRING, 0, SECTION(cron), NULL, 1, 512, NULL,
     "minute, hour, day of the month, month, day of the week"},
    {"frequency", TOW_OPTION_CHOICE, 0, SECTION(frequency), NULL, 0, 0,
     "hourly|daily|weekly|monthly|continuous", "how often, or all the time"},
    {"at", TOW_OPTION_STRING, 0, SECTION(at), NULL, 1, 16, NULL,
     "time of day (\"02:00\", \"2:00pm\"), or of the hour (\":15\")"},
    {"day_of_week", TOW_OPTION_STRING, 0, SECTION(day_of_week), NULL, 1, 128, NULL,
     "of a weekly schedule: \"monday\", \"mon,thu\""},
    {"day_of_month", TOW_OPTION_INT, 0, SECTION(day_of_month), NULL, 1, 31, NULL,
     "of a monthly schedule; in a shorter month, its last day"},
    {"timezone", TOW_OPTION_STRING, 0, SECTION(timezone), "UTC", 1, 255, NULL,
     "whose clock is meant: \"America/New_York\""},
    {"jitter", TOW_OPTION_DURATION, 0, SECTION(jitter_ms), "0s", 0, DAY, NULL,
     "runs start so much later at most, by chance, the same for one slot each time"},
    {"timeout", TOW_OPTION_DURATION, 0, SECTION(timeout_ms), NULL, SECOND, 366 * DAY, NULL,
     "a run is stopped after it"},
    {"overlap", TOW_OPTION_CHOICE, 0, SECTION(overlap), "skip", 0, 0, "skip|queue",
     "a slot that comes while the job runs"},
    {"catch_up", TOW_OPTION_CHOICE, 0, SECTION(catch_up), "latest", 0, 0, "none|latest|all",
     "slots that passed while no daemon ran"},
    {"keep_updated", TOW_OPTION_BOOL, 0, SECTION(keep_updated), "true", 0, 0, NULL,
     "false: the first run is the last"},
    {"first_run", TOW_OPTION_CHOICE, 0, SECTION(first_run), "slot", 0, 0, "slot|now",
     "of a new job: at its first slot, or at once"},
    {"tries", TOW_OPTION_INT, 0, SECTION(tries), "3", 1, 100, NULL,
     "runs of one slot, as long as they fail for a reason that may pass"},
    {"retry_wait", TOW_OPTION_DURATION, 0, SECTION(retry_wait_ms), "1m", SECOND, DAY, NULL,
     "before the second try; doubles from try to try, up to an hour"},
    TOW_OPTIONS_END,
};

struct schedule_reader {
    struct tow_job_reader *job;
    const struct tow_setting *group;
    struct schedule_section section;
    struct tow_schedule *schedule;
};

/* ---- findings ------------------------------------------------------------------------------- */

/* About a key, at its place; where it is absent, at that of the section. */
__attribute__((format(printf, 4, 5))) static void schedule_find(
    const struct schedule_reader *reader, enum tow_severity severity, const char *key,
    const char *format, ...)
{
    const struct tow_setting *place = tow_setting_get(reader->group, key);
    char text[512];
    va_list args;

    if (!place)
        place = reader->group;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    tow_diags_add(reader->job->diags, severity, place->file, place->line, "schedule: %s", text);
}

static int schedule_gives(const struct schedule_reader *reader, const char *key)
{
    return tow_setting_get(reader->group, key) != NULL;
}

/* What a parser says of a value: a finding, unless memory ran out. Its message names the key. */
static int schedule_judge(const struct schedule_reader *reader, const char *key,
                          const struct tow_error *own)
{
    if (own->code == TOW_E_NOMEM)
        return tow_error_nomem(reader->job->err);
    schedule_find(reader, TOW_DIAG_ERROR, key, "%s", own->message);
    return TOW_OK;
}

/* ---- which rule ----------------------------------------------------------------------------- */

/* Two of them would be two rules. */
static void schedule_check_rules(const struct schedule_reader *reader)
{
    static const char *const rules[] = {"every", "cron", "frequency"};
    const char *first = NULL;

    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!schedule_gives(reader, rules[i]))
            continue;
        if (first)
            schedule_find(reader, TOW_DIAG_ERROR, rules[i],
                          "%s and %s both say when the job runs; keep one of them", first,
                          rules[i]);
        else
            first = rules[i];
    }
    if (!first && !schedule_gives(reader, "keep_updated"))
        schedule_find(reader, TOW_DIAG_ERROR, "schedule",
                      "it does not say when the job runs; it needs every, cron, frequency, or "
                      "keep_updated (true: every 15m; false: once)");
}

static enum tow_schedule_kind schedule_kind(const struct schedule_reader *reader)
{
    if (schedule_gives(reader, "cron"))
        return TOW_SCHEDULE_CRON;
    if (schedule_gives(reader, "frequency"))
        return (enum tow_schedule_kind)reader->section.frequency;
    return schedule_gives(reader, "every") || reader->section.keep_updated ? TOW_SCHEDULE_EVERY
                                                                           : TOW_SCHEDULE_AT_ONCE;
}

/* ---- contradictions ------------------------------------------------------------------------- */

static const char *schedule_kind_name(enum tow_schedule_kind kind)
{
    static const char *const names[] = {
        [TOW_SCHEDULE_HOURLY] = "an hourly schedule",
        [TOW_SCHEDULE_DAILY] = "a daily schedule",
        [TOW_SCHEDULE_WEEKLY] = "a weekly schedule",
        [TOW_SCHEDULE_MONTHLY] = "a monthly schedule",
        [TOW_SCHEDULE_CONTINUOUS] = "a continuous job",
        [TOW_SCHEDULE_CRON] = "a schedule by cron",
        [TOW_SCHEDULE_EVERY] = "a schedule by every",
        [TOW_SCHEDULE_AT_ONCE] = "a job that runs once, at once",
    };

    return names[kind];
}

#define KIND(name)       (1u << TOW_SCHEDULE_##name)
#define KINDS_OF_DAYS    (KIND(DAILY) | KIND(WEEKLY) | KIND(MONTHLY))
#define KINDS_WITH_SLOTS (KINDS_OF_DAYS | KIND(HOURLY) | KIND(CRON) | KIND(EVERY))

/* Keys that have a meaning with some kinds only, and what to do about it. */
static const struct {
    const char *key;
    unsigned kinds;
    const char *advice;
} schedule_keys[] = {
    {"at", KINDS_OF_DAYS | KIND(HOURLY), "it goes with frequency hourly, daily, weekly or monthly"},
    {"day_of_week", KIND(WEEKLY), "it goes with frequency weekly"},
    {"day_of_month", KIND(MONTHLY), "it goes with frequency monthly"},
    {"jitter", KINDS_WITH_SLOTS | KIND(AT_ONCE), "it is not started by the clock"},
    {"overlap", KINDS_WITH_SLOTS, "it has no slots that could overlap"},
    {"catch_up", KINDS_WITH_SLOTS, "it has no slots that could be missed"},
    {"first_run", KINDS_WITH_SLOTS, "it starts at once in any case"},
    {"tries", KINDS_WITH_SLOTS | KIND(AT_ONCE), "it is started again without end"},
};

static void schedule_check_keys(const struct schedule_reader *reader)
{
    enum tow_schedule_kind kind = reader->schedule->kind;

    for (size_t i = 0; i < sizeof schedule_keys / sizeof schedule_keys[0]; i++)
        if (schedule_gives(reader, schedule_keys[i].key) && !(schedule_keys[i].kinds >> kind & 1))
            schedule_find(reader, TOW_DIAG_ERROR, schedule_keys[i].key,
                          "%s says nothing about %s: %s", schedule_keys[i].key,
                          schedule_kind_name(kind), schedule_keys[i].advice);
    if (schedule_gives(reader, "timezone") && !(KINDS_OF_DAYS >> kind & 1) &&
        kind != TOW_SCHEDULE_HOURLY && kind != TOW_SCHEDULE_CRON)
        schedule_find(reader, TOW_DIAG_WARNING, "timezone",
                      "timezone has no say in when %s runs; times are shown in it",
                      schedule_kind_name(kind));
    if (kind == TOW_SCHEDULE_CONTINUOUS && !reader->section.keep_updated)
        schedule_find(reader, TOW_DIAG_ERROR, "keep_updated",
                      "keep_updated = false ends a job after its first run, frequency = "
                      "\"continuous\" never; keep one of them");
}

static void schedule_check_overlap(const struct schedule_reader *reader)
{
    struct tow_schedule *schedule = reader->schedule;

    if (schedule->catch_up != TOW_CATCH_UP_ALL)
        return;
    if (schedule_gives(reader, "overlap") && schedule->overlap == TOW_OVERLAP_SKIP)
        schedule_find(reader, TOW_DIAG_ERROR, "overlap",
                      "overlap = \"skip\" passes slots over, catch_up = \"all\" never does; keep "
                      "one of them");
    schedule->overlap = TOW_OVERLAP_QUEUE;
}

static void schedule_check_jitter(const struct schedule_reader *reader)
{
    int64_t gap = tow_schedule_gap(reader->schedule);
    char jitter_text[32], gap_text[32];

    if (reader->schedule->jitter_us < gap)
        return;
    tow_format_duration(reader->schedule->jitter_us / MICROS_PER_MILLI, jitter_text);
    tow_format_duration(gap / MICROS_PER_MILLI, gap_text);
    schedule_find(reader, TOW_DIAG_ERROR, "jitter",
                  "jitter (%s) is not shorter than the time between two slots (%s)", jitter_text,
                  gap_text);
}

/* ---- values --------------------------------------------------------------------------------- */

static void schedule_read_every(struct schedule_reader *reader)
{
    int64_t every =
        schedule_gives(reader, "every") ? reader->section.every_ms : SCHEDULE_EVERY_DEFAULT_MS;

    if (every % SECOND)
        schedule_find(reader, TOW_DIAG_ERROR, "every",
                      "every: %lldms is not a whole number of seconds", (long long)every);
    reader->schedule->every_us = every * MICROS_PER_MILLI;
}

static int schedule_read_cron(struct schedule_reader *reader)
{
    const char *text = reader->section.cron;
    struct tow_error own = TOW_ERROR_INIT;

    if (tow_cron_parse(text, strlen(text), &reader->schedule->cron, &own))
        return schedule_judge(reader, "cron", &own);
    return TOW_OK;
}

/* In minutes of the day, or of the hour. */
static int schedule_read_at(struct schedule_reader *reader)
{
    const char *text = reader->section.at;
    int hourly = reader->schedule->kind == TOW_SCHEDULE_HOURLY;
    char shown[TOW_EXCERPT_MAX];
    int at;

    if (!schedule_gives(reader, "at"))
        return 0;
    at = hourly ? tow_clock_parse_minute(text, strlen(text)) : tow_clock_parse(text, strlen(text));
    if (at >= 0)
        return at;
    schedule_find(reader, TOW_DIAG_ERROR, "at", "at: \"%s\" is no time of %s",
                  tow_excerpt(text, strlen(text), shown),
                  hourly ? "the hour; it is written like \":15\""
                         : "day; it is written like \"02:00\" or \"2:00pm\"");
    return 0;
}

static int schedule_read_weekdays(struct schedule_reader *reader, uint8_t *weekdays)
{
    const char *text = reader->section.day_of_week;
    struct tow_error own = TOW_ERROR_INIT;

    *weekdays = SCHEDULE_MONDAY;
    if (schedule_gives(reader, "day_of_week") &&
        tow_cron_parse_weekdays(text, strlen(text), weekdays, &own))
        return schedule_judge(reader, "day_of_week", &own);
    return TOW_OK;
}

/* hourly, daily, weekly, monthly: sets, as those of cron. */
static int schedule_read_frequency(struct schedule_reader *reader)
{
    struct tow_cron *cron = &reader->schedule->cron;
    int at = schedule_read_at(reader);
    enum tow_schedule_kind kind = reader->schedule->kind;

    *cron = (struct tow_cron){
        .minutes = UINT64_C(1) << at % 60,
        .hours = kind == TOW_SCHEDULE_HOURLY ? TOW_CRON_ALL_HOURS : UINT32_C(1) << at / 60,
        .days = TOW_CRON_ALL_DAYS,
        .months = TOW_CRON_ALL_MONTHS,
        .weekdays = TOW_CRON_ALL_WEEKDAYS,
    };
    if (kind == TOW_SCHEDULE_MONTHLY) {
        int64_t day = schedule_gives(reader, "day_of_month") ? reader->section.day_of_month : 1;

        cron->days = UINT32_C(1) << day;
        cron->clamp = 1;
    }
    return kind == TOW_SCHEDULE_WEEKLY ? schedule_read_weekdays(reader, &cron->weekdays) : TOW_OK;
}

static int schedule_read_zone(struct schedule_reader *reader)
{
    struct tow_error own = TOW_ERROR_INIT;
    char shown[TOW_EXCERPT_MAX];
    const char *name = reader->section.timezone, *near = NULL;
    char **names = NULL;

    if (!tow_zone_get(name, &reader->schedule->zone, &own))
        return TOW_OK;
    if (own.code == TOW_E_NOMEM)
        return tow_error_nomem(reader->job->err);
    if (own.code == TOW_E_CONFIG)
        names = tow_zone_names();
    if (names)
        near = tow_nearest(name, (const char *const *)names);
    schedule_find(reader, TOW_DIAG_ERROR, "timezone", "timezone: \"%s\": %s%s%s%s",
                  tow_excerpt(name, strlen(name), shown), own.message,
                  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    tow_zone_names_free(names);
    if (own.code == TOW_E_ENV)
        reader->job->diags->outside++;
    return TOW_OK;
}

static int schedule_read_rule(struct schedule_reader *reader)
{
    switch (reader->schedule->kind) {
    case TOW_SCHEDULE_CRON:
        return schedule_read_cron(reader);
    case TOW_SCHEDULE_EVERY:
        schedule_read_every(reader);
        return TOW_OK;
    case TOW_SCHEDULE_CONTINUOUS:
    case TOW_SCHEDULE_AT_ONCE:
        return TOW_OK;
    default:
        return schedule_read_frequency(reader);
    }
}

/* ---- the section ---------------------------------------------------------------------------- */

static void schedule_take_plain(struct schedule_reader *reader)
{
    const struct schedule_section *section = &reader->section;
    struct tow_schedule *schedule = reader->schedule;

    schedule->kind = schedule_kind(reader);
    schedule->once = !section->keep_updated;
    schedule->overlap = (enum tow_overlap)section->overlap;
    schedule->catch_up = (enum tow_catch_up)section->catch_up;
    schedule->first_run = (enum tow_first_run)section->first_run;
    schedule->jitter_us = section->jitter_ms * MICROS_PER_MILLI;
    schedule->timeout_us = section->timeout_ms * MICROS_PER_MILLI;
    schedule->tries = (int32_t)section->tries;
    schedule->retry_wait_us = section->retry_wait_ms * MICROS_PER_MILLI;
}

/* What the section says, once each of its values is one. */
static int schedule_take(struct schedule_reader *reader)
{
    size_t errors = reader->job->diags->errors;
    int rc;

    schedule_check_rules(reader);
    if (reader->job->diags->errors > errors)
        return TOW_OK;
    schedule_take_plain(reader);
    schedule_check_keys(reader);
    schedule_check_overlap(reader);
    rc = schedule_read_rule(reader);
    if (!rc)
        rc = schedule_read_zone(reader);
    if (rc || reader->job->diags->errors > errors)
        return rc;
    schedule_check_jitter(reader);
    tow_schedule_seal(reader->schedule, reader->job->job->name ? reader->job->job->name : "");
    reader->schedule->text =
        tow_schedule_text(reader->schedule, reader->section.cron, reader->section.day_of_week);
    return reader->schedule->text ? TOW_OK : tow_error_nomem(reader->job->err);
}

/* A value that a finding already says to be missing. */
static int schedule_is_whole(const struct tow_setting *group)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->items[i].expanded == TOW_SETTING_UNKNOWN)
            return 0;
    return 1;
}

int tow_job_read_schedule(struct tow_job_reader *job)
{
    struct schedule_reader reader = {
        .job = job,
        .group = tow_setting_get(&job->content->group, "schedule"),
        .schedule = &job->job->schedule,
    };
    struct tow_binding binding = {
        .options = tow_job_schedule_options,
        .owner = "schedule",
        .self = &reader.section,
        .target = {&job->content->pool, job->job->dir},
        .diags = job->diags,
    };
    size_t errors = job->diags->errors;
    int rc;

    if (!reader.group || !tow_job_expect_kind(job, reader.group, TOW_SETTING_GROUP))
        return TOW_OK;
    job->job->has_schedule = 1;
    rc = tow_bind(&binding, reader.group, job->err);
    if (rc || job->diags->errors > errors || !schedule_is_whole(reader.group))
        return rc;
    return schedule_take(&reader);
}
