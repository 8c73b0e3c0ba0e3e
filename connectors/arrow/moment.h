/*
 * Text of dates, times and timestamps of any unit, as RFC 3339 has them. Writers put text at `p`
 * without a terminator and return the end, or NULL for a value that has no such text;
 * TOW_TIMESTAMP_TEXT_MAX is the room that they need.
 */
#ifndef CONNECTORS_ARROW_MOMENT_H
#define CONNECTORS_ARROW_MOMENT_H

#include <stdint.h>

#include "connectors/arrow/ipc.h"

/* yyyy-mm-dd. Days, or milliseconds that make whole days; NULL beyond what 32 bits of days hold. */
char *tow_put_ipc_date(char *p, int64_t value, enum tow_ipc_unit unit);
/* hh:mm:ss and as many digits of fraction as there are, in threes; NULL outside of a day. */
char *tow_put_ipc_time(char *p, int64_t value, enum tow_ipc_unit unit);
/* Date, T and time, then Z where utc; NULL beyond what 64 bits of microseconds hold. */
char *tow_put_ipc_timestamp(char *p, int64_t value, enum tow_ipc_unit unit, int utc);

#endif
