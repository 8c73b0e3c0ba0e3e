/* Cron texts, weekdays and times of day: what is read lies in its bounds and has slots. */
#include "fuzz_demand.h"
#include "schedule/clock_text.h"
#include "schedule/schedule.h"

#define MICROS INT64_C(1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_sets(const struct tow_cron *cron)
{
    demand(cron->minutes && cron->minutes >> 60 == 0, "minutes are 0 to 59");
    demand(cron->hours && !(cron->hours & ~TOW_CRON_ALL_HOURS), "hours are 0 to 23");
    demand((cron->days || cron->last_day) && !(cron->days & ~TOW_CRON_ALL_DAYS), "days");
    demand(cron->months && !(cron->months & ~TOW_CRON_ALL_MONTHS), "months are 1 to 12");
    demand(cron->weekdays && !(cron->weekdays & ~TOW_CRON_ALL_WEEKDAYS), "weekdays are 0 to 6");
    demand(!cron->clamp && cron->last_day <= 1 && cron->any_of_days <= 1, "flags are 0 or 1");
}

/* Where the days are one date and weekdays that rarely meet, there may be none for many years. */
static void look_at_slots(const struct tow_cron *cron)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_schedule schedule = {.kind = TOW_SCHEDULE_CRON, .cron = *cron};
    int64_t slot = 0;

    demand(tow_zone_get("UTC", &schedule.zone, &err) == TOW_OK, "UTC");
    for (int i = 0; i < 3; i++) {
        int64_t next = tow_schedule_next(&schedule, slot);

        demand(next > slot, "slots rise");
        demand(next != TOW_SLOT_NEVER, "there is a slot");
        demand(next % (60 * MICROS) == 0, "slots are whole minutes");
        demand(tow_schedule_latest(&schedule, slot, next) == next, "the latest one is the same");
        slot = next;
    }
    demand(tow_schedule_gap(&schedule) >= 60 * MICROS, "slots are a minute apart");
    tow_schedule_release(&schedule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tow_error err = TOW_ERROR_INIT;
    const char *text = (const char *)data;
    struct tow_cron cron;
    uint8_t weekdays;
    int at;

    if (tow_cron_parse(text, size, &cron, &err) == TOW_OK) {
        look_at_sets(&cron);
        look_at_slots(&cron);
    } else {
        demand_message(&err);
    }
    err = (struct tow_error)TOW_ERROR_INIT;
    if (tow_cron_parse_weekdays(text, size, &weekdays, &err) == TOW_OK)
        demand(weekdays && weekdays <= TOW_CRON_ALL_WEEKDAYS, "weekdays are 0 to 6");
    else
        demand_message(&err);
    at = tow_clock_parse(text, size);
    demand(at >= -1 && at < 1440, "a time of day");
    at = tow_clock_parse_minute(text, size);
    demand(at >= -1 && at < 60, "a time of the hour");
    return 0;
}
