#include "cli/live.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "console/human.h"
#include "log.h"

#define LIVE_WIDTH_DEFAULT 80
/* Weight of the last second in the rates: they follow a change within a few seconds, calmly. */
#define LIVE_WEIGHT 0.4

void tow_live_init(struct tow_live *live, int shown)
{
    *live = (struct tow_live){.shown = shown && isatty(STDERR_FILENO)};
}

/* The last column stays free: filling it would wrap the line on some terminals. */
static size_t live_width(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return LIVE_WIDTH_DEFAULT - 1;
    return size.ws_col - 1u;
}

static void live_rate(double *rate, int64_t now, int64_t before, double seconds)
{
    double fresh = (double)(now - before) / seconds;

    *rate = *rate > 0 ? LIVE_WEIGHT * fresh + (1 - LIVE_WEIGHT) * *rate : fresh;
}

static void live_show(struct tow_live *live, const struct tow_progress *progress)
{
    char rows[TOW_HUMAN_MAX], row_rate[TOW_HUMAN_MAX], byte_rate[TOW_HUMAN_MAX];
    char flight[TOW_HUMAN_MAX], rejected[TOW_HUMAN_MAX], clock[TOW_HUMAN_MAX];
    char line[512];

    snprintf(line, sizeof line, "%s rows  %s  %s  in flight %s  rejected %s  %s%s",
             tow_human_count(progress->counts.read, rows),
             tow_human_row_rate(live->row_rate, row_rate),
             tow_human_byte_rate(live->byte_rate, byte_rate),
             tow_human_bytes(progress->bytes_in_flight, flight),
             tow_human_count(progress->counts.rejected, rejected),
             tow_human_clock(progress->elapsed_ms, clock), progress->stopping ? "  stopping" : "");
    size_t width = live_width();
    if (width < strlen(line))
        line[width] = '\0';
    tow_log_live(line);
}

void tow_live_progress(void *context, const struct tow_progress *progress)
{
    struct tow_live *live = context;
    double seconds = (double)(progress->elapsed_ms - live->last.elapsed_ms) / 1000;

    if (progress->stopping && !live->told) {
        live->told = 1;
        tow_log_line(TOW_LOG_INFO, "run",
                     "stopping: what is in flight is being finished; a second signal stops at "
                     "once");
    }
    if (seconds > 0) {
        live_rate(&live->row_rate, progress->counts.read, live->last.counts.read, seconds);
        live_rate(&live->byte_rate, progress->counts.bytes, live->last.counts.bytes, seconds);
        live->last = *progress;
    }
    if (live->shown)
        live_show(live, progress);
}

void tow_live_end(struct tow_live *live)
{
    if (live->shown)
        tow_log_live(NULL);
}
