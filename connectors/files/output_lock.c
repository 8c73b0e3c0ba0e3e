#include "connectors/files/output_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/files/place.h"

struct tow_output_lock {
    struct tow_place place;
    char *name;
    int fd;
};

static int lock_open(struct tow_output_lock *lock, struct tow_error *err)
{
    lock->fd = openat(lock->place.folder, lock->name,
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0666);
    if (lock->fd < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "open lock file \"%s/%s\"",
                               lock->place.folder_path, lock->name);
    if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0)
        return TOW_OK;
    if (errno == EWOULDBLOCK)
        return tow_error_set(err, TOW_E_ENV,
                             "\"%s\" is being written by another run (which holds \"%s/%s\")",
                             lock->place.path, lock->place.folder_path, lock->name);
    return tow_error_errno(err, TOW_E_ENV, errno, "lock \"%s/%s\"", lock->place.folder_path,
                           lock->name);
}

/* Whoever held the lock before may have removed the file after it was opened here: TOW_END. */
static int lock_look(const struct tow_output_lock *lock, struct tow_error *err)
{
    struct stat held, named = {0};

    if (fstat(lock->fd, &held) != 0 ||
        (fstatat(lock->place.folder, lock->name, &named, AT_SYMLINK_NOFOLLOW) != 0 &&
         errno != ENOENT))
        return tow_error_errno(err, TOW_E_ENV, errno, "look at lock file \"%s/%s\"",
                               lock->place.folder_path, lock->name);
    return held.st_dev == named.st_dev && held.st_ino == named.st_ino ? TOW_OK : TOW_END;
}

static int lock_take(struct tow_output_lock *lock, struct tow_error *err)
{
    int code;

    while ((code = lock_open(lock, err)) == TOW_OK && (code = lock_look(lock, err)) == TOW_END)
        close(lock->fd);
    return code;
}

/* Closes what is held and leaves the file, which may be another's. */
static void lock_free(struct tow_output_lock *lock)
{
    if (lock->fd >= 0)
        close(lock->fd);
    free(lock->name);
    tow_place_release(&lock->place);
    free(lock);
}

struct tow_output_lock *tow_output_lock_take(const char *path, struct tow_error *err)
{
    struct tow_output_lock *lock = calloc(1, sizeof *lock);
    int code;

    if (!lock) {
        tow_error_nomem(err);
        return NULL;
    }
    lock->fd = -1;
    code = tow_place_init(&lock->place, path, err);
    if (code == TOW_OK) {
        lock->name = tow_place_hidden_name(&lock->place, "lock", err);
        code = lock->name ? lock_take(lock, err) : TOW_E_NOMEM;
    }
    if (code == TOW_OK)
        return lock;
    lock_free(lock);
    return NULL;
}

void tow_output_lock_drop(struct tow_output_lock *lock)
{
    if (!lock)
        return;
    unlinkat(lock->place.folder, lock->name, 0);
    lock_free(lock);
}
