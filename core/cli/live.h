/*
 * What a running job shows on stderr: a live line on a terminal, and a word when it is stopping.
 */
#ifndef CORE_CLI_LIVE_H
#define CORE_CLI_LIVE_H

#include "run/run.h"

struct tow_live {
    int shown;                /* 1: stderr is a terminal and wants the line */
    int told;                 /* that the run is stopping */
    struct tow_progress last; /* for rates of the last second */
    double row_rate, byte_rate;
};

/* shown: 1 where the line is wanted, should stderr be a terminal. */
void tow_live_init(struct tow_live *live, int shown);
/* tow_run_options.progress, with the live line as context. */
void tow_live_progress(void *live, const struct tow_progress *progress);
void tow_live_end(struct tow_live *live);

#endif
