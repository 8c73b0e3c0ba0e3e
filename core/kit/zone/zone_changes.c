#include "kit/zone/zone_changes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "towpath/zone.h"

#define ZONE_FOLDER   "/usr/share/zoneinfo"
#define ZONE_FILE_MAX (1 << 20)
#define ZONE_NAME_MAX 255

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

int tow_zone_changes_read(struct tow_zone_changes *changes, int fd, int64_t size,
                          struct tow_error *err)
{
    unsigned char *bytes;
    size_t length;
    int rc;

    if (size > ZONE_FILE_MAX)
        return tow_error_set(err, TOW_E_ENV, "its file is damaged: it is larger than %d bytes",
                             ZONE_FILE_MAX);
    bytes = malloc((size_t)size + 1);
    if (!bytes)
        return tow_error_nomem(err);
    rc = zone_read_all(fd, bytes, (size_t)size, &length, err);
    if (!rc && (length < 4 || memcmp(bytes, "TZif", 4) != 0))
        rc = zone_unknown(err);
    if (!rc)
        rc = tow_tzif_read(bytes, length, changes, err);
    free(bytes);
    return rc;
}

int tow_zone_open(const char *name, int *fd, struct stat *file, struct tow_error *err)
{
    const char *folder = tow_zone_folder();
    char path[PATH_MAX];
    int rc;

    if (!zone_is_name(name))
        return zone_unknown(err);
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

/* ---- one instant ---------------------------------------------------------------------------- */

/* The first stretch whose clocks have not gone past `local` has it, or begins behind the gap. */
int64_t tow_zone_changes_instant(const struct tow_zone_changes *changes, size_t first,
                                 int64_t local)
{
    size_t i = first;
    int64_t instant;

    while (i < changes->count && local >= changes->at[i] + changes->offsets[i])
        i++;
    instant = local - changes->offsets[i];
    return i && instant < changes->at[i - 1] ? changes->at[i - 1] : instant;
}

int tow_zone_local(const char *zone, int64_t local, int64_t *instant, struct tow_error *err)
{
    struct tow_zone_changes changes = {0};
    struct stat file;
    int fd, rc;

    *instant = local;
    if (strcmp(zone, "UTC") == 0)
        return TOW_OK;
    rc = tow_zone_open(zone, &fd, &file, err);
    if (rc)
        return rc;
    rc = tow_zone_changes_read(&changes, fd, file.st_size, err);
    if (!rc)
        *instant = tow_zone_changes_instant(&changes, 0, local);
    tow_zone_changes_release(&changes);
    close(fd);
    return rc;
}
