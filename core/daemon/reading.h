/*
 * Reading the folder of job files, without stopping the daemon: each file's text is kept, then
 * `towpath check` judges the files in a process of its own, some at a time, since it loads plugins.
 * A check that dies or hangs is made again file by file, so that one file cannot hide the others.
 *
 * Owned by one thread; the loop polls the two descriptors and calls tow_reading_advance.
 */
#ifndef CORE_DAEMON_READING_H
#define CORE_DAEMON_READING_H

#include "daemon/job.h"
#include "towpath/rowtext.h"

struct tow_reading_file {
    char *path;
    char *text; /* includes put in */
    size_t length;
    int checked;
    int sound;  /* it may run */
    int single; /* the check of several files at once did not end well */
    char *said; /* the first finding; NULL: none */
};

struct tow_reading {
    const char *const *command; /* the program and its options, before "check"; NULL-terminated */
    struct tow_reading_file *files;
    size_t count, capacity;
    size_t first, batch; /* what is being checked */
    struct tow_child child;
    int64_t deadline_ms; /* of that check */
    int out;             /* what the check says; -1: none, or all was read */
    struct tow_buffer answer;
    int active;
};

/* Nothing is being read. */
#define TOW_READING_NONE                                \
    {                                                   \
        .child = TOW_CHILD_NONE, .out = -1, .active = 0 \
    }

/* Lists the folder and reads the files. TOW_E_ENV where the folder cannot be read. */
int tow_reading_start(struct tow_reading *reading, const char *folder, struct tow_error *err);
/* Goes on, as far as that goes without waiting: TOW_END when all files are judged, TOW_OK when
 * there is more to come; an error ends the reading. */
int tow_reading_advance(struct tow_reading *reading, int64_t now_ms, struct tow_error *err);
/* 1 where a file holds another text by now than the one that was kept when the check began: what
 * was judged may be that one, so all is to be read again. */
int tow_reading_is_stale(const struct tow_reading *reading);
/* Ends what is left of it. */
void tow_reading_release(struct tow_reading *reading);

/*
 * What a file that was found sound says. TOW_E_CONFIG where that is not so any more (a variable is
 * gone, or it changed since), with the reason.
 */
int tow_reading_plan(const struct tow_reading_file *file, struct tow_job_plan *plan,
                     struct tow_error *err);

#endif
