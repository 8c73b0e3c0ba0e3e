/*
 * Text of INTERVAL values as Databricks prints them (Databricks SQL reference, INTERVAL type).
 *
 * Writers put text at `p` without a terminator and return the end; TOW_INTERVAL_TEXT_MAX is the
 * room that they need.
 */
#ifndef CONNECTORS_ARROW_INTERVAL_H
#define CONNECTORS_ARROW_INTERVAL_H

#include <stdint.h>

#include "connectors/arrow/ipc.h"

#define TOW_INTERVAL_TEXT_MAX 40

/* YEAR TO MONTH: "1-2" for 14 months, "-1-2" for -14. */
char *tow_put_interval_months(char *p, int32_t months);
/* DAY TO SECOND: "1 02:03:04.000000000", with one sign in front of all. unit: second to nano. */
char *tow_put_interval_time(char *p, int64_t duration, enum tow_ipc_unit unit);
/* Days and milliseconds, each with its own sign, in the same form. */
char *tow_put_interval_days(char *p, int32_t days, int32_t milliseconds);

#endif
