#include "connectors/webhook/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "connectors/files/place.h"
#include "towpath/rowtext.h"

/*
 * A segment: its head, then messages, each struct spool_head and the bytes. Numbers are as the
 * processor has them: a spool does not leave its machine.
 */
#define SPOOL_MAGIC   UINT64_C(0x31306c6f6f707374)
#define SPOOL_SUFFIX  ".spool"
#define SPOOL_NAME    40
#define SPOOL_MODE    0700 /* of the folder */
#define SPOOL_READ    (256u << 10)
#define SPOOL_SEGMENT sizeof(struct spool_segment_head)

struct spool_segment_head {
    uint64_t magic, number;
};

struct spool_head {
    uint32_t length;
    uint32_t crc; /* of what follows: received_us and the bytes */
    int64_t received_us;
};

struct tow_spool {
    char *path; /* of the folder, for messages */
    int folder; /* descriptor, with the lock */
    int64_t segment_bytes, max_bytes;
    size_t max_message;

    pthread_mutex_t lock;
    struct tow_buffer added; /* not written yet */
    int64_t bytes;           /* of all segments, and of what was added */
    uint64_t first;          /* oldest segment */
    struct tow_spool_place durable;
    int broken; /* a commit failed */
    int64_t cut;

    /* Of whoever commits. */
    struct tow_buffer writing;
    int out; /* segment durable.segment */

    /* Of the reader. */
    int in; /* segment in_number; -1: none */
    uint64_t in_number;
    struct tow_buffer block; /* bytes [block_at, block_at + block.size) of it */
    uint64_t block_at;
};

static void spool_name(uint64_t number, char name[SPOOL_NAME])
{
    snprintf(name, SPOOL_NAME, "%020" PRIu64 SPOOL_SUFFIX, number);
}

static int spool_failed(const struct tow_spool *spool, uint64_t number, const char *what,
                        struct tow_error *err)
{
    int errnum = errno;
    char name[SPOOL_NAME];

    spool_name(number, name);
    return tow_error_errno(err, TOW_E_ENV, errnum, "%s %s/%s", what, spool->path, name);
}

int tow_spool_before(struct tow_spool_place a, struct tow_spool_place b)
{
    return a.segment < b.segment || (a.segment == b.segment && a.offset < b.offset);
}

static uint32_t spool_crc(int64_t received_us, const void *bytes, size_t length)
{
    uint32_t crc = (uint32_t)crc32(0, (const unsigned char *)&received_us, sizeof received_us);

    return (uint32_t)crc32_z(crc, bytes, length);
}

/* ---- segments ------------------------------------------------------------------------------- */

/* The number that a file's name stands for; 0 where it is no segment. */
static uint64_t spool_number(const char *name)
{
    char expected[SPOOL_NAME];
    uint64_t number = strtoull(name, NULL, 10);

    spool_name(number, expected);
    return strcmp(name, expected) == 0 ? number : 0;
}

static int spool_sync_folder(const struct tow_spool *spool, struct tow_error *err)
{
    if (fsync(spool->folder) == 0)
        return TOW_OK;
    return tow_error_errno(err, TOW_E_ENV, errno, "making names in %s durable", spool->path);
}

static int spool_write(int fd, const void *bytes, size_t length)
{
    const char *p = bytes;

    while (length > 0) {
        ssize_t wrote = write(fd, p, length);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -1;
        p += wrote;
        length -= (size_t)wrote;
    }
    return 0;
}

/* A new segment behind all others. */
static int spool_begin_segment(struct tow_spool *spool, uint64_t number, struct tow_error *err)
{
    const struct spool_segment_head head = {SPOOL_MAGIC, number};
    char name[SPOOL_NAME];

    spool_name(number, name);
    int fd = openat(spool->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return spool_failed(spool, number, "creating", err);
    if (spool_write(fd, &head, sizeof head) || fdatasync(fd)) {
        spool_failed(spool, number, "writing", err);
        close(fd);
        unlinkat(spool->folder, name, 0);
        return err->code;
    }
    if (spool_sync_folder(spool, err)) {
        close(fd);
        return err->code;
    }
    if (spool->out >= 0)
        close(spool->out);
    spool->out = fd;
    pthread_mutex_lock(&spool->lock);
    spool->durable = (struct tow_spool_place){number, sizeof head};
    spool->bytes += (int64_t)sizeof head;
    pthread_mutex_unlock(&spool->lock);
    return TOW_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* Bytes of the open segment, fewer where it ends; -1 with errno. */
static ssize_t spool_pread(const struct tow_spool *spool, void *bytes, size_t length,
                           uint64_t offset)
{
    size_t done = 0;

    while (done < length) {
        ssize_t got = pread(spool->in, (char *)bytes + done, length - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static int spool_open_segment(struct tow_spool *spool, uint64_t number, struct tow_error *err)
{
    struct spool_segment_head head;
    char name[SPOOL_NAME];
    ssize_t got;

    if (spool->in >= 0 && spool->in_number == number)
        return TOW_OK;
    if (spool->in >= 0)
        close(spool->in);
    spool_name(number, name);
    spool->block.size = 0;
    spool->in = openat(spool->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (spool->in < 0)
        return spool_failed(spool, number, "opening", err);
    spool->in_number = number;
    got = spool_pread(spool, &head, sizeof head, 0);
    if (got < 0)
        return spool_failed(spool, number, "reading", err);
    if (got < (ssize_t)sizeof head || head.magic != SPOOL_MAGIC || head.number != number)
        return tow_error_set(err, TOW_E_ENV, "%s/%s is no segment of a spool", spool->path, name);
    return TOW_OK;
}

/* `length` bytes at the offset, which must be there; NULL with the reason where not. */
static const char *spool_bytes(struct tow_spool *spool, uint64_t offset, size_t length,
                               struct tow_error *err)
{
    struct tow_buffer *block = &spool->block;
    ssize_t got;

    if (offset >= spool->block_at && offset + length <= spool->block_at + block->size)
        return block->data + (offset - spool->block_at);
    size_t wanted = length > SPOOL_READ ? length : SPOOL_READ;
    block->size = 0;
    if (tow_buffer_reserve(block, wanted, err))
        return NULL;
    spool->block_at = offset;
    got = spool_pread(spool, block->data, wanted, offset);
    if (got < 0) {
        spool_failed(spool, spool->in_number, "reading", err);
        return NULL;
    }
    block->size = (size_t)got;
    if (block->size < length) {
        tow_error_set(err, TOW_E_ENV, "segment %" PRIu64 " of %s ends too early", spool->in_number,
                      spool->path);
        return NULL;
    }
    return block->data;
}

/* The message that lies whole before `end` of the open segment: TOW_OK; TOW_E_DATA where there is
 * none; other classes where that cannot be told. */
static int spool_message(struct tow_spool *spool, struct tow_spool_place at, uint64_t end,
                         struct tow_spool_message *message, struct tow_error *err)
{
    struct spool_head head = {0};
    uint64_t left = at.offset <= end ? end - at.offset : 0;
    const char *bytes = left < sizeof head ? NULL : spool_bytes(spool, at.offset, sizeof head, err);

    if (bytes)
        memcpy(&head, bytes, sizeof head);
    else if (left >= sizeof head)
        return err->code;
    if (left < sizeof head || head.length > left - sizeof head)
        return tow_error_set(err, TOW_E_DATA, "segment %" PRIu64 " of %s ends within a message",
                             at.segment, spool->path);
    bytes = spool_bytes(spool, at.offset, sizeof head + head.length, err);
    if (!bytes)
        return err->code;
    if (spool_crc(head.received_us, bytes + sizeof head, head.length) != head.crc)
        return tow_error_set(err, TOW_E_DATA,
                             "segment %" PRIu64 " of %s is damaged at offset %" PRIu64, at.segment,
                             spool->path, at.offset);
    *message = (struct tow_spool_message){
        .bytes = bytes + sizeof head,
        .length = head.length,
        .received_us = head.received_us,
        .next = {at.segment, at.offset + sizeof head + head.length},
    };
    return TOW_OK;
}

static int spool_size(const struct tow_spool *spool, uint64_t *size, struct tow_error *err)
{
    struct stat stat;

    if (fstat(spool->in, &stat))
        return spool_failed(spool, spool->in_number, "looking at", err);
    *size = (uint64_t)stat.st_size;
    return TOW_OK;
}

int tow_spool_read(struct tow_spool *spool, struct tow_spool_place from,
                   struct tow_spool_message *message, struct tow_error *err)
{
    pthread_mutex_lock(&spool->lock);
    const struct tow_spool_place durable = spool->durable;
    const uint64_t first = spool->first;
    pthread_mutex_unlock(&spool->lock);

    if (from.segment == 0)
        from = (struct tow_spool_place){first, SPOOL_SEGMENT};
    if (from.segment < first || from.segment > durable.segment ||
        (from.segment == durable.segment && from.offset > durable.offset))
        return tow_error_set(err, TOW_E_CONFIG,
                             "%s has no segment %" PRIu64 " with an offset %" PRIu64
                             ": it is not the spool that the job was reading; put it back, or "
                             "start anew with --full",
                             spool->path, from.segment, from.offset);
    for (;;) {
        uint64_t end = durable.offset;
        int rc = spool_open_segment(spool, from.segment, err);

        if (!rc && from.segment < durable.segment)
            rc = spool_size(spool, &end, err);
        if (rc)
            return rc;
        if (from.offset < end) {
            rc = spool_message(spool, from, end, message, err);
            if (rc == TOW_E_DATA)
                err->code = rc = TOW_E_ENV;
            return rc;
        }
        if (from.segment == durable.segment)
            return TOW_END;
        from = (struct tow_spool_place){from.segment + 1, SPOOL_SEGMENT};
    }
}

int tow_spool_drop(struct tow_spool *spool, struct tow_spool_place place, struct tow_error *err)
{
    char name[SPOOL_NAME];
    struct stat stat;

    pthread_mutex_lock(&spool->lock);
    const uint64_t newest = spool->durable.segment;
    pthread_mutex_unlock(&spool->lock);
    while (spool->first < place.segment && spool->first < newest) {
        spool_name(spool->first, name);
        if (fstatat(spool->folder, name, &stat, AT_SYMLINK_NOFOLLOW))
            return spool_failed(spool, spool->first, "looking at", err);
        if (unlinkat(spool->folder, name, 0))
            return spool_failed(spool, spool->first, "removing", err);
        pthread_mutex_lock(&spool->lock);
        spool->first++;
        spool->bytes -= stat.st_size;
        pthread_mutex_unlock(&spool->lock);
    }
    return TOW_OK;
}

/* ---- adding --------------------------------------------------------------------------------- */

int tow_spool_add(struct tow_spool *spool, const void *bytes, size_t length, int64_t received_us,
                  struct tow_error *err)
{
    const struct spool_head head = {
        .length = (uint32_t)length,
        .crc = spool_crc(received_us, bytes, length),
        .received_us = received_us,
    };
    int64_t size = (int64_t)(sizeof head + length);

    if (length > spool->max_message)
        return tow_error_set(err, TOW_E_DATA, "a message of %zu bytes; at most %zu are taken",
                             length, spool->max_message);
    pthread_mutex_lock(&spool->lock);
    int rc = TOW_OK;
    if (spool->broken)
        rc = tow_error_set(err, TOW_E_ENV, "the spool %s takes nothing more", spool->path);
    else if (spool->bytes + size > spool->max_bytes)
        rc = tow_error_set(err, TOW_E_RATE, "the spool %s has %" PRId64 " bytes, of %" PRId64,
                           spool->path, spool->bytes, spool->max_bytes);
    if (!rc)
        rc = tow_buffer_reserve(&spool->added, (size_t)size, err);
    if (!rc) {
        tow_buffer_append(&spool->added, &head, sizeof head, err);
        tow_buffer_append(&spool->added, bytes, length, err);
        spool->bytes += size;
    }
    pthread_mutex_unlock(&spool->lock);
    return rc;
}

static int spool_commit(struct tow_spool *spool, struct tow_error *err)
{
    if (spool->durable.offset >= (uint64_t)spool->segment_bytes &&
        spool_begin_segment(spool, spool->durable.segment + 1, err))
        return err->code;
    if (spool_write(spool->out, spool->writing.data, spool->writing.size) || fdatasync(spool->out))
        return spool_failed(spool, spool->durable.segment, "writing", err);
    pthread_mutex_lock(&spool->lock);
    spool->durable.offset += spool->writing.size;
    pthread_mutex_unlock(&spool->lock);
    return TOW_OK;
}

int tow_spool_commit(struct tow_spool *spool, struct tow_error *err)
{
    struct tow_buffer added;
    int rc = TOW_OK;

    pthread_mutex_lock(&spool->lock);
    added = spool->added;
    spool->added = spool->writing;
    spool->added.size = 0;
    spool->writing = added;
    if (spool->broken)
        rc = tow_error_set(err, TOW_E_ENV, "the spool %s takes nothing more", spool->path);
    pthread_mutex_unlock(&spool->lock);
    if (!rc && added.size > 0)
        rc = spool_commit(spool, err);
    if (rc) {
        /* What part of it is on the disk nobody knows: the next opening cuts it off, or finds
         * messages that were not acknowledged. */
        pthread_mutex_lock(&spool->lock);
        spool->broken = 1;
        pthread_mutex_unlock(&spool->lock);
    }
    return rc;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* Finds the oldest and the newest segment; what lies between is looked at when it is read. */
static int spool_find(struct tow_spool *spool, uint64_t *newest, struct tow_error *err)
{
    int fd = dup(spool->folder);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    struct stat stat;

    if (!entries) {
        tow_error_errno(err, TOW_E_ENV, errno, "listing %s", spool->path);
        if (fd >= 0)
            close(fd);
        return err->code;
    }
    rewinddir(entries);
    while ((entry = readdir(entries))) {
        uint64_t number = spool_number(entry->d_name);

        if (number == 0 || fstatat(spool->folder, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW))
            continue;
        if (spool->first == 0 || number < spool->first)
            spool->first = number;
        if (number > *newest)
            *newest = number;
        spool->bytes += stat.st_size;
    }
    closedir(entries);
    return TOW_OK;
}

/* Where the whole messages of the newest segment end; a segment without a whole head has none. What
 * could not be read is not torn: it may have been acknowledged. */
static int spool_find_end(struct tow_spool *spool, uint64_t number, uint64_t *end,
                          struct tow_error *err)
{
    struct tow_spool_place at = {number, SPOOL_SEGMENT};
    struct tow_spool_message message = {.bytes = NULL};
    struct tow_error torn = TOW_ERROR_INIT;
    uint64_t size = 0;
    int rc = spool_open_segment(spool, number, err);

    *end = 0;
    if (spool->in < 0)
        return rc;
    if (spool_size(spool, &size, err))
        return err->code;
    if (rc)
        return size < SPOOL_SEGMENT ? TOW_OK : rc;
    while (at.offset < size && !(rc = spool_message(spool, at, size, &message, &torn)))
        at = message.next;
    *end = at.offset;
    if (!rc || rc == TOW_E_DATA)
        return TOW_OK;
    *err = torn;
    return rc;
}

/* Cuts off what was never committed, and a segment that was never begun; writing goes on in one of
 * its own, so that what is there is written only once. */
static int spool_mend(struct tow_spool *spool, uint64_t *newest, struct tow_error *err)
{
    char name[SPOOL_NAME];
    uint64_t end, size = 0;
    int rc = spool_find_end(spool, *newest, &end, err);

    if (!rc)
        rc = spool_size(spool, &size, err);
    if (rc || (end == size && end > 0))
        return rc;
    spool->cut = (int64_t)(size - end);
    spool->bytes -= spool->cut;
    /* Its number may be used again. */
    close(spool->in);
    spool->in = -1;
    spool->block.size = 0;
    spool_name(*newest, name);
    if (end == 0) {
        if (unlinkat(spool->folder, name, 0))
            return spool_failed(spool, *newest, "removing", err);
        --*newest;
        return TOW_OK;
    }
    int fd = openat(spool->folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return spool_failed(spool, *newest, "opening", err);
    if (ftruncate(fd, (off_t)end) || fdatasync(fd))
        rc = spool_failed(spool, *newest, "mending", err);
    close(fd);
    return rc;
}

/* What lies in it is for nobody else. */
static int spool_make_folder(const struct tow_spool *spool, struct tow_error *err)
{
    struct tow_place place;
    int rc = tow_place_make_folders(spool->path, err);

    if (!rc && mkdir(spool->path, SPOOL_MODE))
        return errno == EEXIST
                   ? TOW_OK
                   : tow_error_errno(err, TOW_E_ENV, errno, "making the spool %s", spool->path);
    if (!rc)
        rc = tow_place_init(&place, spool->path, err);
    if (rc)
        return rc;
    rc = tow_place_sync(&place, err);
    tow_place_release(&place);
    return rc;
}

static int spool_lock_folder(struct tow_spool *spool, struct tow_error *err)
{
    int rc = spool_make_folder(spool, err);

    if (rc)
        return rc;
    spool->folder = open(spool->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->folder < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "opening the spool %s", spool->path);
    if (flock(spool->folder, LOCK_EX | LOCK_NB) == 0)
        return TOW_OK;
    if (errno == EWOULDBLOCK)
        return tow_error_set(err, TOW_E_ENV, "the spool %s is in use by another process",
                             spool->path);
    return tow_error_errno(err, TOW_E_ENV, errno, "locking the spool %s", spool->path);
}

int tow_spool_open(const struct tow_spool_settings *settings, struct tow_spool **out,
                   struct tow_error *err)
{
    struct tow_spool *spool = calloc(1, sizeof *spool);
    uint64_t newest = 0;

    *out = spool;
    if (!spool)
        return tow_error_nomem(err);
    pthread_mutex_init(&spool->lock, NULL);
    spool->folder = spool->out = spool->in = -1;
    spool->segment_bytes = settings->segment_bytes;
    spool->max_bytes = settings->max_bytes;
    spool->max_message = settings->max_message;
    spool->path = strdup(settings->folder);
    int rc = spool->path ? spool_lock_folder(spool, err) : tow_error_nomem(err);
    if (!rc)
        rc = spool_find(spool, &newest, err);
    if (!rc && newest > 0)
        rc = spool_mend(spool, &newest, err);
    if (!rc && (spool->first == 0 || spool->first > newest))
        spool->first = newest + 1;
    if (!rc)
        rc = spool_begin_segment(spool, newest + 1, err);
    if (rc) {
        tow_spool_free(spool);
        *out = NULL;
    }
    return rc;
}

int64_t tow_spool_cut(const struct tow_spool *spool)
{
    return spool->cut;
}

void tow_spool_free(struct tow_spool *spool)
{
    if (!spool)
        return;
    if (spool->in >= 0)
        close(spool->in);
    if (spool->out >= 0)
        close(spool->out);
    if (spool->folder >= 0)
        close(spool->folder);
    tow_buffer_release(&spool->added);
    tow_buffer_release(&spool->writing);
    tow_buffer_release(&spool->block);
    pthread_mutex_destroy(&spool->lock);
    free(spool->path);
    free(spool);
}
