/* Where a load of an audience stands. */
#ifndef PLUGINS_LYTICS_AUDIENCE_POSITION_H
#define PLUGINS_LYTICS_AUDIENCE_POSITION_H

#include "towpath/plugin.h"
#include "towpath/rowtext.h"

struct tow_members_position {
    char segment[128];       /* the audience's id, as far as it goes */
    int parts, part;         /* of the audience, and the one that is being scanned */
    int64_t rows;            /* profiles handed out or rejected so far */
    struct tow_buffer token; /* of the page at hand, with a NUL that is not counted; size 0: the
                                first one */
};

/* A token that is too long for a position is left out: the scan of that part begins anew then. */
int tow_members_position_put(const struct tow_members_position *at, struct tow_position *out,
                             struct tow_error *err);
/* TOW_E_ENV where it is none. */
int tow_members_position_read(struct tow_members_position *at, const struct tow_position *from,
                              struct tow_error *err);

#endif
