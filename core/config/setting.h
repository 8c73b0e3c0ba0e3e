/*
 * The content of a job file as a tree: libconfig's, with includes read, variables expanded and
 * the place of each value kept. Owned by the job that it was read for.
 */
#ifndef CORE_CONFIG_SETTING_H
#define CORE_CONFIG_SETTING_H

#include <stddef.h>
#include <stdint.h>

enum tow_setting_kind {
    TOW_SETTING_STRING,
    TOW_SETTING_INT,
    TOW_SETTING_DOUBLE,
    TOW_SETTING_BOOL,
    TOW_SETTING_LIST, /* libconfig's arrays and lists */
    TOW_SETTING_GROUP
};

/* Where the text of a STRING comes from. */
#define TOW_SETTING_LITERAL   0 /* it stands in the file */
#define TOW_SETTING_EXPANDED  1 /* a ${...} was replaced by what is not in the file */
#define TOW_SETTING_DEFAULTED 2 /* by ${env:NAME:-default} alone: the default is in the file */
#define TOW_SETTING_UNKNOWN   3 /* a ${...} could not be replaced, which a finding says */

struct tow_setting {
    char *name; /* NULL for items of a list */
    enum tow_setting_kind kind;
    char *text;      /* STRING, after expansion; UTF-8 */
    int64_t integer; /* INT, BOOL */
    double number;   /* DOUBLE */
    struct tow_setting *items;
    size_t count;     /* of items: LIST, GROUP */
    const char *file; /* where it stands; borrowed from the job */
    int line;
    int expanded; /* TOW_SETTING_LITERAL, ... */
};

/* Member of a group by name; NULL where absent. */
const struct tow_setting *tow_setting_get(const struct tow_setting *group, const char *name);
/* "string", "integer", ... for messages. */
const char *tow_setting_kind_name(enum tow_setting_kind kind);
/* Moves a member out of a group. 1, or 0 where it is absent: `out` is then left alone. */
int tow_setting_take(struct tow_setting *group, const char *name, struct tow_setting *out);
/* A deep copy; places stay borrowed. 0, or -1 where memory ran out: `to` is then empty. */
int tow_setting_copy(struct tow_setting *to, const struct tow_setting *from);
/* Frees the content (not the struct itself), wiping every string. */
void tow_setting_release(struct tow_setting *setting);

#endif
