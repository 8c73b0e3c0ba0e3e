/*
 * The five fields of cron: sets of minutes, hours, days of the month, months and days of the week.
 */
#ifndef CORE_SCHEDULE_CRON_H
#define CORE_SCHEDULE_CRON_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

#define TOW_CRON_ALL_HOURS    0xFFFFFFu
#define TOW_CRON_ALL_DAYS     0xFFFFFFFEu
#define TOW_CRON_ALL_MONTHS   0x1FFEu
#define TOW_CRON_ALL_WEEKDAYS 0x7Fu

struct tow_cron {
    uint64_t minutes;    /* bit n: minute n */
    uint32_t hours;      /* bits 0 .. 23 */
    uint32_t days;       /* bits 1 .. 31 */
    uint16_t months;     /* bits 1 .. 12 */
    uint8_t weekdays;    /* bits 0 .. 6, Sunday first */
    uint8_t last_day;    /* 1: also the last day of the month, L */
    uint8_t clamp;       /* 1: a day that the month lacks is its last one; never of a cron text */
    uint8_t any_of_days; /* 1: a day in one of days and weekdays is enough, as cron has it where
                            neither field starts with `*`; 0: it must be in both */
};

/*
 * Reads "15 2 * * mon-fri", "@daily". TOW_E_CONFIG names the field, what it holds, and what it may
 * hold; also where no date fits ("0 0 30 2 *").
 */
int tow_cron_parse(const char *text, size_t length, struct tow_cron *cron, struct tow_error *err);

/* The last field alone: "monday", "mon,thu", "mon-fri". */
int tow_cron_parse_weekdays(const char *text, size_t length, uint8_t *weekdays,
                            struct tow_error *err);

#endif
