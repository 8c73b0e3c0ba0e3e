#include "schedule/zone.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/zone/zone_changes.h"

/* Changes are found through the year or so that they lie in: 2^25 s are 388 days. */
#define ZONE_BUCKET_BITS 25
#define ZONE_BUCKETS     ((size_t)(TOW_ZONE_END >> ZONE_BUCKET_BITS) + 1)

/* Local time is at most so far from UTC. */
#define ZONE_OFFSET_MAX (2 * 86400)

struct tow_zone {
    struct tow_zone *next;
    size_t users;
    char *name;
    struct stat file; /* what it was read from; all zero for the UTC that needs none */
    struct tow_zone_changes changes;
    uint32_t buckets[ZONE_BUCKETS]; /* changes before each bucket */
};

/* What is in use, so that a thousand jobs in one zone read and hold it once. */
static pthread_mutex_t zone_lock = PTHREAD_MUTEX_INITIALIZER;
static struct tow_zone *zone_list;

/* ---- the list ------------------------------------------------------------------------------- */

static void zone_free(struct tow_zone *zone)
{
    if (!zone)
        return;
    tow_zone_changes_release(&zone->changes);
    free(zone->name);
    free(zone);
}

/* A file that was replaced, as tz data is with each release, is another one. */
static int zone_is_of(const struct tow_zone *zone, const struct stat *file)
{
    return zone->file.st_dev == file->st_dev && zone->file.st_ino == file->st_ino &&
           zone->file.st_size == file->st_size &&
           zone->file.st_mtim.tv_sec == file->st_mtim.tv_sec &&
           zone->file.st_mtim.tv_nsec == file->st_mtim.tv_nsec;
}

static struct tow_zone *zone_find(const char *name, const struct stat *file)
{
    for (struct tow_zone *zone = zone_list; zone; zone = zone->next)
        if (strcmp(zone->name, name) == 0 && zone_is_of(zone, file))
            return zone;
    return NULL;
}

static void zone_index(struct tow_zone *zone)
{
    const struct tow_zone_changes *changes = &zone->changes;
    size_t change = 0;

    for (size_t i = 0; i < ZONE_BUCKETS; i++) {
        while (change < changes->count && changes->at[change] < (int64_t)i << ZONE_BUCKET_BITS)
            change++;
        zone->buckets[i] = (uint32_t)change;
    }
}

/* fd -1: UTC, of which no file says anything. */
static int zone_make(const char *name, int fd, const struct stat *file, struct tow_zone **out,
                     struct tow_error *err)
{
    struct tow_zone *zone = calloc(1, sizeof *zone);
    int rc = TOW_OK;

    if (!zone || !(zone->name = strdup(name)))
        rc = tow_error_nomem(err);
    if (!rc && fd >= 0) {
        zone->file = *file;
        rc = tow_zone_changes_read(&zone->changes, fd, file->st_size, err);
    } else if (!rc && tow_zone_changes_init(&zone->changes, 0)) {
        rc = tow_error_nomem(err);
    }
    if (rc) {
        zone_free(zone);
        return rc;
    }
    zone_index(zone);
    zone->next = zone_list;
    zone_list = zone;
    *out = zone;
    return TOW_OK;
}

static int zone_get(const char *name, struct tow_zone **out, struct tow_error *err)
{
    struct stat file = {0};
    int utc = strcmp(name, "UTC") == 0;
    int fd = -1;
    int rc = utc ? TOW_OK : tow_zone_open(name, &fd, &file, err);

    if (rc)
        return rc;
    pthread_mutex_lock(&zone_lock);
    *out = zone_find(name, &file);
    if (!*out)
        rc = zone_make(name, fd, &file, out, err);
    if (!rc)
        (*out)->users++;
    pthread_mutex_unlock(&zone_lock);
    if (fd >= 0)
        close(fd);
    return rc;
}

int tow_zone_get(const char *name, const struct tow_zone **out, struct tow_error *err)
{
    struct tow_zone *zone = NULL;
    int rc = zone_get(name, &zone, err);

    *out = rc ? NULL : zone;
    return rc;
}

void tow_zone_put(const struct tow_zone *zone)
{
    struct tow_zone **link = &zone_list;

    if (!zone)
        return;
    pthread_mutex_lock(&zone_lock);
    while (*link && *link != zone)
        link = &(*link)->next;
    if (*link && --(*link)->users == 0) {
        struct tow_zone *unused = *link;

        *link = unused->next;
        zone_free(unused);
    }
    pthread_mutex_unlock(&zone_lock);
}

const char *tow_zone_name(const struct tow_zone *zone)
{
    return zone->name;
}

/* ---- asking --------------------------------------------------------------------------------- */

/* How many changes lie at or before an instant. */
static size_t zone_changes_until(const struct tow_zone *zone, int64_t instant)
{
    const struct tow_zone_changes *changes = &zone->changes;
    size_t count;

    if (instant < 0)
        return 0;
    count = instant < TOW_ZONE_END ? zone->buckets[instant >> ZONE_BUCKET_BITS] : changes->count;
    while (count < changes->count && changes->at[count] <= instant)
        count++;
    return count;
}

struct tow_zone_span tow_zone_span(const struct tow_zone *zone, int64_t instant)
{
    size_t count = zone_changes_until(zone, instant);

    return (struct tow_zone_span){
        .end = count < zone->changes.count ? zone->changes.at[count] : INT64_MAX,
        .offset = zone->changes.offsets[count],
    };
}

int64_t tow_zone_instant(const struct tow_zone *zone, int64_t local)
{
    size_t first = zone_changes_until(zone, local - ZONE_OFFSET_MAX);

    return tow_zone_changes_instant(&zone->changes, first, local);
}
