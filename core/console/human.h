/*
 * Numbers and times as people read them. Each returns `text`.
 */
#ifndef CORE_CONSOLE_HUMAN_H
#define CORE_CONSOLE_HUMAN_H

#include <stddef.h>
#include <stdint.h>

#define TOW_HUMAN_MAX 40

/* 12345678 -> "12,345,678" */
char *tow_human_count(int64_t value, char text[TOW_HUMAN_MAX]);
/* A second: 1234567.0 -> "1.2 M rows/s", 950.0 -> "950 rows/s" */
char *tow_human_row_rate(double rows, char text[TOW_HUMAN_MAX]);
/* A second: 230000000.0 -> "230 MB/s" */
char *tow_human_byte_rate(double bytes, char text[TOW_HUMAN_MAX]);
/* 3250585 -> "3.1 MiB" */
char *tow_human_bytes(int64_t bytes, char text[TOW_HUMAN_MAX]);
/* 41000 -> "00:41", 3723000 -> "1:02:03" */
char *tow_human_clock(int64_t milliseconds, char text[TOW_HUMAN_MAX]);
/* Microseconds: 1234567 -> "1.235 s", 83000000 -> "1 min 23 s" */
char *tow_human_lapse(int64_t microseconds, char text[TOW_HUMAN_MAX]);
/* How far away, in microseconds: "41 s", "5 min", "3 h 20 min", "12 d 4 h". */
char *tow_human_distance(int64_t microseconds, char text[TOW_HUMAN_MAX]);
/* Microseconds since 1970: "2024-05-01 10:00:00Z"; "-" for 0. */
char *tow_human_moment(int64_t us, char text[TOW_HUMAN_MAX]);

#endif
