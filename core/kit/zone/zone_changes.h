/* Time zones as the system's tz data has them (RFC 9636): when their clocks change. */
#ifndef KIT_ZONE_ZONE_CHANGES_H
#define KIT_ZONE_ZONE_CHANGES_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/error.h"

#define TOW_ZONE_END INT64_C(7258118400) /* 2200-01-01: what is known of zones ends here */

struct stat;

/* $TZDIR, or the system's folder. */
const char *tow_zone_folder(void);

/* Changes of a zone's offset since 1970, in order: no two at one time, none that changes nothing.
 */
struct tow_zone_changes {
    int64_t *at;      /* instants, seconds since 1970 UTC */
    int32_t *offsets; /* offsets[i + 1] holds from at[i] on, offsets[0] before all */
    size_t count, capacity;
};

/* Starts with an offset; 0, or -1 where memory ran out. */
int tow_zone_changes_init(struct tow_zone_changes *changes, int32_t offset);
/* What was said of times from `at` on is replaced. */
int tow_zone_changes_add(struct tow_zone_changes *changes, int64_t at, int32_t offset);
void tow_zone_changes_release(struct tow_zone_changes *changes);

/* The file of a zone's name, open, where TOW_OK. TOW_E_CONFIG where there is none of that name,
 * TOW_E_ENV where it cannot be opened. */
int tow_zone_open(const char *name, int *fd, struct stat *file, struct tow_error *err);
/* Reads such a file of `size` bytes; as tow_tzif_read. */
int tow_zone_changes_read(struct tow_zone_changes *changes, int fd, int64_t size,
                          struct tow_error *err);

/* As tow_zone_local, by changes of which the first `first` are known to lie before. */
int64_t tow_zone_changes_instant(const struct tow_zone_changes *changes, size_t first,
                                 int64_t local);

/* Reads the content of a TZif file. `changes` is zero-initialized and released in every case. */
int tow_tzif_read(const unsigned char *bytes, size_t length, struct tow_zone_changes *changes,
                  struct tow_error *err);
/* Adds what a rule ("CET-1CEST,M3.5.0,M10.5.0/3") says of the time from `after` to TOW_ZONE_END. */
int tow_tzrule_expand(const char *text, size_t length, int64_t after,
                      struct tow_zone_changes *changes, struct tow_error *err);

#endif
