#include <stdio.h>
#include <string.h>

#include "config/job_reader.h"

/* Room for the longest cron text, and a time zone. */
#define SCHEDULE_RULE_MAX 640
#define SCHEDULE_TEXT_MAX 1024

static int schedule_is_zoned(const struct tow_schedule *schedule)
{
    return schedule->kind != TOW_SCHEDULE_EVERY && schedule->kind != TOW_SCHEDULE_CONTINUOUS &&
           schedule->kind != TOW_SCHEDULE_AT_ONCE;
}

static void schedule_put_rule(const struct tow_schedule *schedule, const char *cron,
                              const char *weekdays, char text[SCHEDULE_RULE_MAX])
{
    int minute = schedule->cron.minutes ? __builtin_ctzll(schedule->cron.minutes) : 0;
    int hour = schedule->cron.hours ? __builtin_ctz(schedule->cron.hours) : 0;
    int day = schedule->cron.days ? __builtin_ctz(schedule->cron.days) : 0;
    const size_t size = SCHEDULE_RULE_MAX;
    char every[32];

    switch (schedule->kind) {
    case TOW_SCHEDULE_CRON:
        snprintf(text, size, "cron %s", cron);
        break;
    case TOW_SCHEDULE_EVERY:
        tow_format_duration(schedule->every_us / 1000, every);
        snprintf(text, size, "every %s", every);
        break;
    case TOW_SCHEDULE_HOURLY:
        snprintf(text, size, "hourly at :%02d", minute);
        break;
    case TOW_SCHEDULE_DAILY:
        snprintf(text, size, "daily at %02d:%02d", hour, minute);
        break;
    case TOW_SCHEDULE_WEEKLY:
        snprintf(text, size, "weekly on %s at %02d:%02d", weekdays ? weekdays : "monday", hour,
                 minute);
        break;
    case TOW_SCHEDULE_MONTHLY:
        snprintf(text, size, "monthly on day %d at %02d:%02d", day, hour, minute);
        break;
    case TOW_SCHEDULE_CONTINUOUS:
        strcpy(text, "continuous");
        break;
    case TOW_SCHEDULE_AT_ONCE:
        strcpy(text, "once, at once");
        break;
    }
}

char *tow_schedule_text(const struct tow_schedule *schedule, const char *cron, const char *weekdays)
{
    char rule[SCHEDULE_RULE_MAX] = "", text[SCHEDULE_TEXT_MAX];
    int zoned = schedule_is_zoned(schedule);

    schedule_put_rule(schedule, cron, weekdays, rule);
    snprintf(text, sizeof text, "%s%s%s%s", rule, zoned ? " in " : "",
             zoned ? tow_zone_name(schedule->zone) : "",
             schedule->once && schedule->kind != TOW_SCHEDULE_AT_ONCE ? ", once" : "");
    return strdup(text);
}
