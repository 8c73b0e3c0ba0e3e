#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "towpath/rowtext.h"

#define LOG_MESSAGE_MAX 8192
#define LOG_TIME_MAX    32

/* Back to the start of the terminal's line, and clear it. */
#define LOG_WIPE "\r\033[K"

/* The one log of the process, shared by all threads. */
static struct {
    pthread_mutex_t lock; /* keeps lines and the live line apart */
    int level, format, colour;
    int live; /* 1: the live line is on the screen */
    char job[65];
} log_state = {PTHREAD_MUTEX_INITIALIZER, TOW_LOG_INFO, TOW_LOG_TEXT, 0, 0, ""};

static const struct {
    const char *name, *colour;
} log_levels[] = {
    [TOW_LOG_DEBUG] = {"debug", "\033[2m"},
    [TOW_LOG_INFO] = {"info", ""},
    [TOW_LOG_WARN] = {"warning", "\033[33m"},
    [TOW_LOG_ERROR] = {"error", "\033[31m"},
};

static int log_wants_colour(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDERR_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

void tow_log_setup(int level, int format)
{
    log_state.level = level;
    log_state.format = format;
    log_state.colour = log_wants_colour();
}

void tow_log_name(const char *job)
{
    snprintf(log_state.job, sizeof log_state.job, "%s", job ? job : "");
}

/* A log that cannot be written must not stop the run: what does not go out is dropped. */
static void log_write(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(STDERR_FILENO, bytes, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes += n;
        length -= (size_t)n;
    }
}

static void log_time(char text[LOG_TIME_MAX])
{
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t length = strftime(text, LOG_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + length, LOG_TIME_MAX - length, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

static void log_blank_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

static int log_text(struct tow_buffer *line, int level, const char *area, char *message)
{
    char time[LOG_TIME_MAX] = "";
    const char *colour = log_state.colour ? log_levels[level].colour : "";

    log_blank_controls(message);
    if (log_state.level == TOW_LOG_DEBUG)
        log_time(time);
    return tow_buffer_printf(line, NULL, "%s%stowpath: %s%s%s%s%s: %s%s%s\n", time,
                             *time ? " " : "", log_state.job, log_state.job[0] ? ": " : "", colour,
                             log_levels[level].name, *colour ? "\033[0m" : "", area ? area : "",
                             area ? ": " : "", message);
}

static int log_json(struct tow_buffer *line, int level, const char *area, const char *message)
{
    char time[LOG_TIME_MAX];

    log_time(time);
    int rc = tow_buffer_printf(line, NULL, "{\"time\":\"%s\",\"level\":\"%s\",\"area\":", time,
                               log_levels[level].name);
    if (!rc)
        rc = area ? tow_buffer_json_string(line, area, strlen(area), NULL)
                  : tow_buffer_append(line, "null", 4, NULL);
    if (!rc && log_state.job[0])
        rc = tow_buffer_append(line, ",\"job\":", 7, NULL);
    if (!rc && log_state.job[0])
        rc = tow_buffer_json_string(line, log_state.job, strlen(log_state.job), NULL);
    if (!rc)
        rc = tow_buffer_append(line, ",\"message\":", 11, NULL);
    if (!rc)
        rc = tow_buffer_json_string(line, message, strlen(message), NULL);
    return rc ? rc : tow_buffer_append(line, "}\n", 2, NULL);
}

void tow_log_line(int level, const char *area, const char *format, ...)
{
    char message[LOG_MESSAGE_MAX];
    struct tow_buffer line = {0};
    va_list args;

    /* A level that a plugin made up counts as the nearest. */
    level = level < TOW_LOG_DEBUG ? TOW_LOG_DEBUG : level > TOW_LOG_ERROR ? TOW_LOG_ERROR : level;
    if (level < log_state.level)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    pthread_mutex_lock(&log_state.lock);
    int rc = log_state.live ? tow_buffer_append(&line, LOG_WIPE, strlen(LOG_WIPE), NULL) : TOW_OK;
    if (!rc)
        rc = log_state.format == TOW_LOG_JSON ? log_json(&line, level, area, message)
                                              : log_text(&line, level, area, message);
    if (!rc) {
        log_write(line.data, line.size);
    } else { /* no memory: at least what it says */
        log_write(message, strlen(message));
        log_write("\n", 1);
    }
    log_state.live = 0;
    pthread_mutex_unlock(&log_state.lock);
    tow_buffer_release(&line);
}

void tow_log_live(const char *text)
{
    char line[1024];

    pthread_mutex_lock(&log_state.lock);
    if (text || log_state.live) {
        snprintf(line, sizeof line, LOG_WIPE "%s", text ? text : "");
        log_write(line, strlen(line));
    }
    log_state.live = text != NULL;
    pthread_mutex_unlock(&log_state.lock);
}
