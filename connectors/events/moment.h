/*
 * Points in time as events have them:
 *   RFC 3339 with a fraction of any length, what lies beyond microseconds is cut;
 *   "yyyy-mm-dd hh:mm:ss[.fff]" without a zone, and "yyyy-mm-dd", in UTC;
 *   a number since 1970, also as text: of seconds below 10^11, of milliseconds below 10^14, of
 *   microseconds below 10^17, otherwise of nanoseconds; by its whole part, whatever its sign.
 */
#ifndef CONNECTORS_EVENTS_MOMENT_H
#define CONNECTORS_EVENTS_MOMENT_H

#include <stddef.h>
#include <stdint.h>

/* Microseconds since 1970 UTC. TOW_PARSE_OK, or why not (towpath/value.h). Years are 0001 to 9999.
 */
int tow_moment_parse(const char *text, size_t length, int64_t *out);

#endif
