#include "plugins/lytics_audience_changes/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEEN_MAGIC UINT64_C(0x31306e6565737774)
#define SEEN_WAYS  8

struct seen_entry {
    struct tow_seen_key key; /* both 0: empty */
    struct tow_seen_place place;
    int64_t at_us;
};

struct seen_table {
    uint64_t magic, buckets;
    struct seen_entry entries[];
};

struct tow_seen {
    struct seen_table *table;
    size_t size;
};

static int seen_map(struct tow_seen *seen, int fd, uint64_t buckets, const char *path,
                    struct tow_error *err)
{
    struct stat stat;

    if (fstat(fd, &stat))
        return tow_error_errno(err, TOW_E_ENV, errno, "looking at %s", path);
    if (!S_ISREG(stat.st_mode))
        return tow_error_set(err, TOW_E_ENV, "%s is no regular file", path);
    if ((size_t)stat.st_size != seen->size &&
        (ftruncate(fd, 0) || ftruncate(fd, (off_t)seen->size)))
        return tow_error_errno(err, TOW_E_ENV, errno, "sizing %s", path);
    /* Room on the disk now, and not a SIGBUS later. */
    int errnum = posix_fallocate(fd, 0, (off_t)seen->size);
    if (errnum)
        return tow_error_errno(err, TOW_E_ENV, errnum, "making room for %s", path);
    void *memory = mmap(NULL, seen->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return tow_error_errno(err, TOW_E_ENV, errno, "mapping %s", path);
    seen->table = memory;
    if (seen->table->magic != SEEN_MAGIC || seen->table->buckets != buckets) {
        memset(seen->table, 0, seen->size);
        seen->table->magic = SEEN_MAGIC;
        seen->table->buckets = buckets;
    }
    return TOW_OK;
}

int tow_seen_open(const char *path, int64_t entries, struct tow_seen **out, struct tow_error *err)
{
    uint64_t buckets = ((uint64_t)entries + SEEN_WAYS - 1) / SEEN_WAYS;
    struct tow_seen *seen = calloc(1, sizeof *seen);
    int rc;

    *out = seen;
    if (!seen)
        return tow_error_nomem(err);
    seen->size = sizeof *seen->table + buckets * SEEN_WAYS * sizeof(struct seen_entry);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        rc = tow_error_errno(err, TOW_E_ENV, errno, "opening %s", path);
    } else {
        rc = seen_map(seen, fd, buckets, path, err);
        close(fd);
    }
    if (rc) {
        tow_seen_close(seen);
        *out = NULL;
    }
    return rc;
}

void tow_seen_close(struct tow_seen *seen)
{
    if (!seen)
        return;
    if (seen->table)
        munmap(seen->table, seen->size);
    free(seen);
}

/* Two chains of FNV-1a by words of a byte, from different starts; the length keeps texts apart. */
void tow_seen_hash(struct tow_seen_key *key, const void *bytes, size_t length)
{
    const unsigned char *p = bytes;

    key->a = (key->a ^ length) * UINT64_C(0x9E3779B97F4A7C15);
    key->b = (key->b + length) * UINT64_C(0xC2B2AE3D27D4EB4F);
    for (size_t i = 0; i < length; i++) {
        key->a = (key->a ^ p[i]) * UINT64_C(0x100000001b3);
        key->b = (key->b ^ p[i]) * UINT64_C(0x9E3779B97F4A7C15);
        key->b ^= key->b >> 29;
    }
}

static int seen_before(struct tow_seen_place a, struct tow_seen_place b)
{
    if (tow_spool_before(a.message, b.message))
        return 1;
    return !tow_spool_before(b.message, a.message) && a.item < b.item;
}

int tow_seen_again(struct tow_seen *seen, const struct tow_seen_key *key,
                   struct tow_seen_place place, int64_t now_us, int64_t window_us)
{
    uint64_t mixed = (key->a ^ key->a >> 32) * UINT64_C(0x9E3779B97F4A7C15);
    struct seen_entry *bucket =
        &seen->table->entries[(mixed >> 20) % seen->table->buckets * SEEN_WAYS];
    struct seen_entry *into = bucket;

    for (int i = 0; i < SEEN_WAYS; i++) {
        struct seen_entry *entry = &bucket[i];

        if (entry->key.a == key->a && entry->key.b == key->b) {
            int is_earlier = seen_before(entry->place, place);

            if (is_earlier && now_us - entry->at_us <= window_us)
                return 1;
            into = entry;
            break;
        }
        if (entry->at_us < into->at_us)
            into = entry;
    }
    *into = (struct seen_entry){*key, place, now_us};
    return 0;
}
