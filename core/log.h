/*
 * The log: lines on stderr, as text or JSON.
 *
 * Set up once before threads start; lines may come from any thread and are written whole, each with
 * one write. Before the set-up: text, from TOW_LOG_INFO up.
 *
 * Text: "towpath: warning: source csv: what happened"; at TOW_LOG_DEBUG the time (UTC) stands
 * before it. Level words are coloured where stderr is a terminal and NO_COLOR is unset. Control
 * characters become spaces, so that no value from outside can steer the terminal.
 * JSON: {"time":"2024-05-01T10:00:00.123Z","level":"warning","area":"source csv","message":"..."}
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdarg.h>

#include "towpath/plugin.h"

#define TOW_LOG_TEXT 0
#define TOW_LOG_JSON 1

/* level: TOW_LOG_DEBUG ... TOW_LOG_ERROR, the least that is shown. */
void tow_log_setup(int level, int format);
/* From now on lines name this job: "towpath: orders: warning: ...", a member "job" in JSON. Cut at
 * 64 bytes; NULL: none. As the set-up, before threads start. */
void tow_log_name(const char *job);
/* `area` says who speaks ("run", "source csv"), NULL for the program itself; the line needs no end.
 * Lines beyond 8 KiB are cut. */
void tow_log_line(int level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * A live line at the bottom of a terminal: shown anew by each call, wiped by the next log line and
 * by NULL. The caller has found that stderr is a terminal, and that the text fits its width.
 */
void tow_log_live(const char *text);

#endif
