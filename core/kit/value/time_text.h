/* Pieces that texts of times have in common. Each reads on from *p, no byte at or behind `end`,
 * moves *p behind what it read and returns a TOW_PARSE_ code; on TOW_PARSE_SYNTAX *p is left as it
 * was. */
#ifndef KIT_VALUE_TIME_TEXT_H
#define KIT_VALUE_TIME_TEXT_H

/* 1 to 9 digits of fraction (no point); those beyond microseconds are cut. */
int tow_time_read_fraction(const char **p, const char *end, int *micros);

/* Z, z, +hh:mm, +hhmm or +hh: seconds east of UTC. */
int tow_time_read_zone(const char **p, const char *end, int *offset);

#endif
