/* Where a load of an audience stands. */
#ifndef PLUGINS_LYTICS_AUDIENCE_POSITION_H
#define PLUGINS_LYTICS_AUDIENCE_POSITION_H

#include "towpath/plugin.h"
#include "towpath/rowtext.h"

#define TOW_MEMBERS_PARTS_MAX 100
#define TOW_MEMBERS_SCANS_MAX 16 /* parts that are scanned at once */

/* A part that is being scanned, and its page at hand. */
struct tow_members_place {
    int part;
    const char *token; /* size 0: the first page */
    size_t size;
};

struct tow_members_position {
    char segment[128]; /* the audience's id, as far as it goes */
    int parts;         /* of the audience */
    int next;          /* the part that has not been begun; those before it are done, but for: */
    struct tow_members_place places[TOW_MEMBERS_SCANS_MAX];
    size_t count;
    int64_t rows; /* profiles handed out or rejected so far */
};

/* Tokens for which there is no room are left out: those scans begin anew then. */
int tow_members_position_put(const struct tow_members_position *at, struct tow_position *out,
                             struct tow_error *err);
/* Tokens are borrowed from `from`. TOW_E_ENV where it is none. */
int tow_members_position_read(struct tow_members_position *at, const struct tow_position *from,
                              struct tow_error *err);

#endif
