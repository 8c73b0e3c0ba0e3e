/*
 * The five fields of cron: sets of minutes, hours, days of the month, months and days of the week.
 */
#ifndef CORE_SCHEDULE_CRON_H
#define CORE_SCHEDULE_CRON_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

struct tow_cron {
    uint64_t minutes; /* bit n: minute n */
    uint32_t hours;
    uint32_t days;    /* bits 1 .. 31 */
    uint16_t months;  /* bits 1 .. 12 */
    uint8_t weekdays; /* bits 0 .. 6, Sunday first */
    uint8_t last_day; /* 1: also the last day of the month, L */
    uint8_t any_day;  /* 1: both fields of days must hold; 0: one of them is enough */
};

/*
 * Reads "15 2 * * mon-fri", "@daily". TOW_E_CONFIG names the field, what it holds, and what it may
 * hold; also where no date fits ("0 0 30 2 *").
 */
int tow_cron_parse(const char *text, size_t length, struct tow_cron *cron, struct tow_error *err);

#endif
