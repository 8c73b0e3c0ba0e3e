/*
 * A part of the audience on its scan: its page at hand or under way, and which of its profiles were
 * handed out. Pages follow each other by tokens that do not last: where one is refused the scan
 * begins anew.
 */
#ifndef PLUGINS_LYTICS_AUDIENCE_PART_H
#define PLUGINS_LYTICS_AUDIENCE_PART_H

#include "connectors/lytics/query.h"
#include "plugins/lytics_audience/position.h"
#include "plugins/lytics_audience/seen.h"

/* Zero-initialized is idle and valid. */
struct tow_member_part {
    int is_active;
    int number;              /* of the part, 0 to 99 */
    struct tow_buffer token; /* of the page at hand, or under way, with a NUL that is not counted;
                                size 0: the first one */
    struct tow_member_set seen;
    uint64_t batch; /* number of its next ledger entry */
    int64_t news;   /* profiles since its scan began, or began anew */
    int vain;       /* scans of it that brought nothing new, in a row */

    struct tow_lytics_pending *pending; /* NULL: no page is under way */
    int has_page;
    struct tow_lytics_answer page;
    struct tow_json_scan left; /* of the page ... */
    struct tow_json_part next; /* ... behind this profile; length 0: there is none */
};

/* What is under way is broken off. */
void tow_member_part_release(struct tow_member_part *part);

/* Begins with a part, or goes on with one at a place. */
void tow_member_part_begin(struct tow_member_part *part, int number);
int tow_member_part_continue(struct tow_member_part *part, const struct tow_host *host,
                             const struct tow_members_place *place, struct tow_error *err);

/* Asks for the page at hand, unless it is there or under way. `scan` says all but part and token;
 * `parts`, of how many this is one. */
int tow_member_part_ask(struct tow_member_part *part, struct tow_lytics *lytics,
                        const struct tow_lytics_scan *scan, int parts, struct tow_error *err);
/* Takes the page that has come. TOW_E_TRANSIENT: it is to be asked for again, or, once its token
 * was refused, the first one; TOW_E_ENV: tokens are refused again and again. */
int tow_member_part_take(struct tow_member_part *part, struct tow_error *err);

/* Steps to the page's next profile. */
void tow_member_part_next(struct tow_member_part *part);
/* The page is done with: the one that follows is at hand, or with is_last, or where there is none,
 * the part is idle. */
int tow_member_part_step(struct tow_member_part *part, int is_last, struct tow_error *err);

#endif
