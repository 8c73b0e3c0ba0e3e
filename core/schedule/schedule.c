#include "schedule/schedule.h"

#include <stdlib.h>

/* Spreads bits: equal numbers stay equal, others become unlike (the finisher of SplitMix64). */
static uint64_t schedule_mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static uint64_t schedule_mix_text(uint64_t x, const char *text)
{
    for (; *text; text++)
        x = schedule_mix(x ^ (unsigned char)*text);
    return schedule_mix(x);
}

static uint64_t schedule_fingerprint(const struct tow_schedule *schedule)
{
    const struct tow_cron *cron = &schedule->cron;
    const uint64_t parts[] = {
        (uint64_t)schedule->kind,
        (uint64_t)schedule->once,
        (uint64_t)schedule->every_us,
        cron->minutes,
        (uint64_t)cron->hours << 32 | cron->days,
        (uint64_t)cron->months << 32 | (uint64_t)cron->weekdays << 24 |
            (uint64_t)cron->last_day << 16 | (uint64_t)cron->clamp << 8 | cron->any_of_days,
    };
    uint64_t x = schedule->kind == TOW_SCHEDULE_EVERY
                     ? 0
                     : schedule_mix_text(0, tow_zone_name(schedule->zone));

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        x = schedule_mix(x ^ parts[i]);
    return x ? x : 1;
}

void tow_schedule_seal(struct tow_schedule *schedule, const char *job)
{
    schedule->seed = schedule_mix_text(1, job);
    schedule->fingerprint = schedule_fingerprint(schedule);
}

int64_t tow_schedule_due(const struct tow_schedule *schedule, int64_t slot_us)
{
    uint64_t chance;

    if (schedule->jitter_us == 0 || slot_us == TOW_SLOT_NEVER)
        return slot_us;
    chance = schedule_mix(schedule->seed ^ schedule_mix((uint64_t)slot_us));
    return slot_us +
           (int64_t)((unsigned __int128)chance * ((uint64_t)schedule->jitter_us + 1) >> 64);
}

void tow_schedule_release(struct tow_schedule *schedule)
{
    tow_zone_put(schedule->zone);
    free(schedule->text);
    *schedule = (struct tow_schedule){0};
}
