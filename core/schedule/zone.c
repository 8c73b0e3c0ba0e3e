#include "schedule/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schedule/zone_priv.h"

#define ZONE_FOLDER   "/usr/share/zoneinfo"
#define ZONE_FILE_MAX (1 << 20)
#define ZONE_NAME_MAX 255

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

/* ---- changes -------------------------------------------------------------------------------- */

static int zone_changes_grow(struct tow_zone_changes *changes)
{
    size_t capacity = changes->capacity ? changes->capacity * 2 : 64;
    int64_t *at = reallocarray(changes->at, capacity, sizeof *at);
    int32_t *offsets;

    if (!at)
        return -1;
    changes->at = at;
    offsets = reallocarray(changes->offsets, capacity + 1, sizeof *offsets);
    if (!offsets)
        return -1;
    changes->offsets = offsets;
    changes->capacity = capacity;
    return 0;
}

int tow_zone_changes_init(struct tow_zone_changes *changes, int32_t offset)
{
    if (zone_changes_grow(changes))
        return -1;
    changes->offsets[0] = offset;
    return 0;
}

int tow_zone_changes_add(struct tow_zone_changes *changes, int64_t at, int32_t offset)
{
    if (at < 0) {
        changes->offsets[0] = offset;
        return 0;
    }
    while (changes->count && changes->at[changes->count - 1] >= at)
        changes->count--;
    if (changes->offsets[changes->count] == offset)
        return 0;
    if (changes->count == changes->capacity && zone_changes_grow(changes))
        return -1;
    changes->at[changes->count++] = at;
    changes->offsets[changes->count] = offset;
    return 0;
}

void tow_zone_changes_release(struct tow_zone_changes *changes)
{
    free(changes->at);
    free(changes->offsets);
    *changes = (struct tow_zone_changes){0};
}

/* ---- files ---------------------------------------------------------------------------------- */

const char *tow_zone_folder(void)
{
    const char *folder = getenv("TZDIR");

    return folder && *folder ? folder : ZONE_FOLDER;
}

/* "America/New_York": no way out of the folder, nothing hidden. */
static int zone_is_name(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > ZONE_NAME_MAX || name[length - 1] == '/')
        return 0;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        int first = i == 0 || name[i - 1] == '/';

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (!first && (c == '/' || strchr("_+-.", c)))))
            return 0;
    }
    return 1;
}

static int zone_unknown(struct tow_error *err)
{
    return tow_error_set(err, TOW_E_CONFIG,
                         "the system's tz data has no such zone; names are like Europe/Berlin, "
                         "America/New_York, UTC");
}

static int zone_read_all(int fd, unsigned char *bytes, size_t size, size_t *length,
                         struct tow_error *err)
{
    for (*length = 0; *length < size;) {
        ssize_t got = read(fd, bytes + *length, size - *length);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return tow_error_errno(err, TOW_E_ENV, errno, "its file cannot be read");
        if (got == 0)
            break;
        *length += (size_t)got;
    }
    return TOW_OK;
}

static int zone_read_file(int fd, struct tow_zone *zone, struct tow_error *err)
{
    unsigned char *bytes;
    size_t length;
    int rc;

    if (zone->file.st_size > ZONE_FILE_MAX)
        return tow_error_set(err, TOW_E_ENV, "its file is damaged: it is larger than %d bytes",
                             ZONE_FILE_MAX);
    bytes = malloc((size_t)zone->file.st_size + 1);
    if (!bytes)
        return tow_error_nomem(err);
    rc = zone_read_all(fd, bytes, (size_t)zone->file.st_size, &length, err);
    if (!rc && (length < 4 || memcmp(bytes, "TZif", 4) != 0))
        rc = zone_unknown(err);
    if (!rc)
        rc = tow_tzif_read(bytes, length, &zone->changes, err);
    free(bytes);
    return rc;
}

/* *fd: the file of a name, open, where TOW_OK. */
static int zone_open(const char *name, int *fd, struct stat *file, struct tow_error *err)
{
    const char *folder = tow_zone_folder();
    char path[PATH_MAX];
    int rc;

    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return zone_unknown(err);
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0 && errno != ENOENT && errno != ENOTDIR)
        return tow_error_errno(err, TOW_E_ENV, errno, "its file %s cannot be read", path);
    if (*fd < 0 && access(folder, F_OK) != 0)
        return tow_error_set(err, TOW_E_ENV,
                             "there is no tz data in %s; install tzdata, or set TZDIR", folder);
    if (*fd < 0)
        return zone_unknown(err);
    if (fstat(*fd, file) != 0)
        rc = tow_error_errno(err, TOW_E_ENV, errno, "its file %s cannot be read", path);
    else
        rc = S_ISREG(file->st_mode) ? TOW_OK : zone_unknown(err);
    if (rc)
        close(*fd);
    return rc;
}

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
        rc = zone_read_file(fd, zone, err);
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
    int rc = zone_is_name(name) ? TOW_OK : zone_unknown(err);

    if (!rc && !utc)
        rc = zone_open(name, &fd, &file, err);
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

/* The first stretch whose clocks have not gone past `local` has it, or begins behind the gap. */
int64_t tow_zone_instant(const struct tow_zone *zone, int64_t local)
{
    const struct tow_zone_changes *changes = &zone->changes;
    size_t i = zone_changes_until(zone, local - ZONE_OFFSET_MAX);
    int64_t instant;

    while (i < changes->count && local >= changes->at[i] + changes->offsets[i])
        i++;
    instant = local - changes->offsets[i];
    return i && instant < changes->at[i - 1] ? changes->at[i - 1] : instant;
}
