/* A profile as a row: values of JSON as values of columns. */
#ifndef PLUGINS_LYTICS_AUDIENCE_PROFILE_H
#define PLUGINS_LYTICS_AUDIENCE_PROFILE_H

#include "plugins/lytics_audience/columns.h"
#include "towpath/json.h"

/* What profiles are made into. Borrowed, but for the buffers and what `seen` points to. */
struct tow_profile_maker {
    const struct tow_member_columns *columns;
    struct tow_builder *builder;
    int is_text;        /* every value but json is a string */
    int makes_bad_null; /* a value that does not fit its column is null; else the row is bad */
    struct tow_buffer scratch, key;
    int64_t *filled;    /* of each column, the number of the last profile that had it */
    int64_t profiles;   /* so far */
    int64_t bad_values; /* that were made null */
};

int tow_profile_maker_init(struct tow_profile_maker *maker, struct tow_error *err);
void tow_profile_maker_release(struct tow_profile_maker *maker);

/*
 * Adds a row for a profile, a JSON object. Members without a column are left out, columns without a
 * member are null; of members with one name the first counts. TOW_E_DATA: the profile is no object,
 * or has a value that does not fit; nothing is added then, and the message says which.
 */
int tow_profile_put(struct tow_profile_maker *maker, struct tow_json_part profile,
                    struct tow_error *err);

#endif
