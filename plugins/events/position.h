/*
 * Positions: where in which file a load stands, or where it ended.
 *
 * While a load is under way, files whose paths sort before that one are done, unless files are
 * followed, where the ledger alone knows. A file that appears with an earlier path in the meantime
 * is left to the next load.
 */
#ifndef PLUGINS_EVENTS_POSITION_H
#define PLUGINS_EVENTS_POSITION_H

#include <stddef.h>
#include <stdint.h>

#include "plugins/shared/file_place.h"
#include "towpath/error.h"
#include "towpath/plugin.h"

/* Longest path that a position can hold. */
#define TOW_EVENTS_PATH_MAX 3800

enum tow_events_place {
    TOW_EVENTS_NOWHERE,   /* no position yet: from the start */
    TOW_EVENTS_IN_FILE,   /* in the middle of it */
    TOW_EVENTS_FILE_DONE, /* at its end */
    TOW_EVENTS_LOAD_DONE, /* in the middle of it, where a load ended: the next begins there */
};

struct tow_events_position {
    enum tow_events_place place;
    struct tow_file_place at;
    int64_t line;  /* that the next record stands on */
    int64_t taken; /* events that this load has handed out */
    char path[TOW_EVENTS_PATH_MAX + 1];
};

/* path fits: the caller has seen to that. TOW_EVENTS_NOWHERE is an empty position. */
void tow_events_position_put(const struct tow_events_position *position, struct tow_position *out);

/* TOW_E_ENV where it is none of this plugin's. */
int tow_events_position_get(struct tow_events_position *position, const struct tow_position *from,
                            struct tow_error *err);

#endif
