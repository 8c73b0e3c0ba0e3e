#include "plugins/lytics_audience_changes/members.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectors/files/text_set.h"
#include "connectors/lytics/catalog.h"
#include "connectors/lytics/query.h"
#include "connectors/webhook/spool.h"
#include "towpath/batch.h"

#define MEMBERS_FILE "members-%" PRIu64 "-%s"
/* Changes that are committed together. */
#define MEMBERS_BLOCK (1 << 20)

struct tow_members {
    struct tow_members_settings settings;
    int64_t began_us;
    struct tow_spool *changes;
    int64_t changes_added; /* bytes since the last commit */
    uint64_t audience;     /* which is being read */
    struct tow_lytics_segment segment;
    int has_segment;
    struct tow_text_sorter *sorter;
    struct tow_buffer start; /* the next page's token; NUL-terminated */
    struct tow_lytics_answer page;
    struct tow_change_reader reader;
    struct tow_buffer message;
    int64_t met, missing;
};

/* ---- files ---------------------------------------------------------------------------------- */

char *tow_members_changes(const char *path, uint64_t generation, struct tow_error *err)
{
    char *name = NULL;

    if (asprintf(&name, "%s/changes-%" PRIu64, path, generation) < 0) {
        tow_error_nomem(err);
        return NULL;
    }
    return name;
}

static void members_ready_name(uint64_t generation, char name[40])
{
    snprintf(name, 40, "ready-%" PRIu64, generation);
}

int tow_members_ready(int folder, uint64_t generation)
{
    char name[40];

    members_ready_name(generation, name);
    return faccessat(folder, name, F_OK, 0) == 0;
}

/* An audience's id as part of a file's name: letters and digits stay, others become %xx. */
static char *members_name(uint64_t generation, const char *id, struct tow_error *err)
{
    char escaped[3 * TOW_LYTICS_NAME_MAX + 1], *p = escaped, *name = NULL;

    for (; *id; id++)
        p += sprintf(p,
                     strchr("-_", *id) || (*id >= '0' && *id <= '9') ||
                             ((*id | 32) >= 'a' && (*id | 32) <= 'z')
                         ? "%c"
                         : "%%%02x",
                     (unsigned char)*id);
    if (p - escaped > 200) {
        tow_error_set(err, TOW_E_ENV, "an audience's id is too long for a file's name");
        return NULL;
    }
    if (asprintf(&name, MEMBERS_FILE, generation, escaped) < 0) {
        tow_error_nomem(err);
        return NULL;
    }
    return name;
}

/* Of this generation or the one before; -1 where an old one is not there. */
static int members_open(const struct tow_members *members, uint64_t generation, int *fd,
                        struct tow_error *err)
{
    int is_new = generation == members->settings.generation;
    char *name = members_name(generation, members->segment.id, err);

    if (!name)
        return err->code;
    *fd = openat(members->settings.folder, name,
                 (is_new ? O_RDWR | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc =
        *fd >= 0 || (!is_new && errno == ENOENT)
            ? TOW_OK
            : tow_error_errno(err, TOW_E_ENV, errno, "opening %s/%s", members->settings.path, name);
    free(name);
    return rc;
}

/* Removes the files of a folder, and the folder. */
static int members_remove_changes(int folder, const char *path, const char *name,
                                  struct tow_error *err)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;

    while (entries && (entry = readdir(entries)))
        if (entry->d_name[0] != '.')
            unlinkat(fd, entry->d_name, 0);
    if (entries)
        closedir(entries);
    else if (fd >= 0)
        close(fd);
    if (unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return TOW_OK;
    return tow_error_errno(err, TOW_E_ENV, errno, "removing %s/%s", path, name);
}

static int members_clean_entry(int folder, const char *path, const char *name, uint64_t keep,
                               uint64_t changes, struct tow_error *err)
{
    uint64_t generation;

    if (sscanf(name, "changes-%" SCNu64, &generation) == 1)
        return generation == changes ? TOW_OK : members_remove_changes(folder, path, name, err);
    if (sscanf(name, "ready-%" SCNu64, &generation) == 1 ? generation == changes
        : sscanf(name, "members-%" SCNu64 "-", &generation) == 1
            ? generation == keep || generation == changes
            : 1)
        return TOW_OK;
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return TOW_OK;
    return tow_error_errno(err, TOW_E_ENV, errno, "removing %s/%s", path, name);
}

int tow_members_clean(int folder, const char *path, uint64_t keep, uint64_t changes,
                      struct tow_error *err)
{
    int fd = dup(folder), rc = TOW_OK;
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;

    if (!entries) {
        tow_error_errno(err, TOW_E_ENV, errno, "listing %s", path);
        if (fd >= 0)
            close(fd);
        return err->code;
    }
    rewinddir(entries);
    while (!rc && (entry = readdir(entries)))
        rc = members_clean_entry(folder, path, entry->d_name, keep, changes, err);
    closedir(entries);
    return rc;
}

/* ---- changes -------------------------------------------------------------------------------- */

static int members_open_changes(struct tow_members *members, struct tow_error *err)
{
    char *folder = tow_members_changes(members->settings.path, members->settings.generation, err);
    const struct tow_spool_settings spool = {.folder = folder,
                                             .segment_bytes = TOW_MEMBERS_SEGMENT,
                                             .max_bytes = INT64_MAX / 2,
                                             .max_message = TOW_MEMBERS_MESSAGE};

    if (!folder)
        return TOW_E_NOMEM;
    int rc = tow_spool_open(&spool, &members->changes, err);
    free(folder);
    return rc;
}

static int members_commit(struct tow_members *members, struct tow_error *err)
{
    members->changes_added = 0;
    return tow_spool_commit(members->changes, err);
}

static int members_change(void *context, const char *text, size_t length, int is_new,
                          struct tow_error *err)
{
    struct tow_members *members = context;
    struct tow_buffer *message = &members->message;
    struct tow_buffer id = {0};
    int rc = tow_buffer_json_string(&id, text, length, err);

    message->size = 0;
    if (!rc)
        rc = tow_change_put(message, members->settings.rules->id_field,
                            (struct tow_json_part){id.data, id.size}, members->segment.id,
                            members->segment.slug, members->began_us, !is_new, err);
    if (!rc)
        rc = tow_spool_add(members->changes, message->data, message->size, members->began_us, err);
    tow_buffer_release(&id);
    if (rc)
        return rc;
    members->changes_added += (int64_t)message->size;
    return members->changes_added < MEMBERS_BLOCK ? TOW_OK : members_commit(members, err);
}

/* ---- reading -------------------------------------------------------------------------------- */

static int members_keep_id(void *context, const struct tow_change *change, struct tow_error *err)
{
    struct tow_members *members = context;

    if (!change->id.text) {
        members->missing++;
        return TOW_OK;
    }
    return tow_text_sorter_add(members->sorter, change->id.text, change->id.length, err);
}

/* A profile's ids are found as in a webhook's message. */
static int members_keep_profile(struct tow_members *members, struct tow_json_part profile,
                                struct tow_error *err)
{
    struct tow_change_rules rules = *members->settings.rules;
    const char *const slug = members->segment.slug;
    struct tow_json_part id = tow_lytics_member(profile, rules.id_field);
    struct tow_buffer *message = &members->message;

    rules.audiences = (struct tow_strings){&slug, 1};
    rules.events = TOW_CHANGE_BOTH;
    if (!tow_lytics_has(id))
        id = (struct tow_json_part){"null", 4};
    message->size = 0;
    members->met++;
    int rc = tow_change_put(message, rules.id_field, id, members->segment.id, slug,
                            members->began_us, 0, err);
    return rc ? rc
              : tow_change_each(&members->reader, &rules, message->data, message->size,
                                members_keep_id, members, err);
}

static int members_begin_audience(struct tow_members *members, struct tow_error *err)
{
    const char *name = members->settings.rules->audiences.items[members->audience];
    int rc = TOW_OK;

    if (!members->has_segment)
        rc = tow_lytics_segment(members->settings.lytics, name, &members->segment, err);
    if (rc)
        return rc;
    members->has_segment = 1;
    members->start.size = 0;
    members->met = members->missing = 0;
    members->sorter = tow_text_sorter_new(members->settings.folder, 0, err);
    return members->sorter ? TOW_OK : TOW_E_NOMEM;
}

static void members_drop_audience(struct tow_members *members)
{
    tow_text_sorter_free(members->sorter);
    members->sorter = NULL;
}

static int members_page(struct tow_members *members, struct tow_error *err)
{
    const char *fields[] = {members->settings.rules->id_field};
    const struct tow_lytics_scan scan = {.segment = members->segment.id,
                                         .start = members->start.size ? members->start.data : NULL,
                                         .fields = fields,
                                         .field_count = 1};
    struct tow_json_part profile;
    struct tow_json_scan profiles;
    int rc = tow_lytics_scan_page(members->settings.lytics, &scan, &members->page, err);

    if (rc && members->page.is_stale) {
        tow_log(members->settings.host, TOW_LOG_INFO,
                "the scan of audience %s has expired after %" PRId64 " profiles and begins anew",
                members->segment.slug, members->met);
        members_drop_audience(members);
    }
    if (rc)
        return rc;
    int any =
        tow_lytics_has(members->page.data) && tow_json_scan_array(&profiles, members->page.data);
    while (!rc && any && tow_json_scan_item(&profiles, &profile))
        rc = members_keep_profile(members, profile, err);
    members->start.size = 0;
    if (!rc && members->page.next.size > 0)
        rc = tow_buffer_append(&members->start, members->page.next.data,
                               members->page.next.size + 1, err);
    return rc;
}

/* All members are known: the file, and what changed. */
static int members_end_audience(struct tow_members *members, struct tow_error *err)
{
    int now = -1, before = -1;
    int rc = members_open(members, members->settings.generation, &now, err);

    if (!rc)
        rc = tow_text_sorter_finish(members->sorter, now, err);
    if (!rc && fdatasync(now))
        rc = tow_error_errno(err, TOW_E_ENV, errno, "making a file of members durable");
    if (!rc)
        rc = members_open(members, members->settings.generation - 1, &before, err);
    if (!rc && (before >= 0 || members->settings.existing_users))
        rc = tow_text_set_compare(before, now, members_change, members, err);
    if (!rc)
        rc = members_commit(members, err);
    if (now >= 0)
        close(now);
    if (before >= 0)
        close(before);
    if (!rc && members->missing > 0)
        tow_log(members->settings.host, TOW_LOG_WARN,
                "audience %s: %" PRId64 " of %" PRId64 " profiles have no value in \"%s\" and are "
                "left out",
                members->segment.slug, members->missing, members->met,
                members->settings.rules->id_field);
    members_drop_audience(members);
    members->has_segment = 0;
    members->audience += !rc;
    return rc;
}

static int members_end(struct tow_members *members, struct tow_error *err)
{
    char name[40];

    members_ready_name(members->settings.generation, name);
    tow_spool_free(members->changes);
    members->changes = NULL;
    int fd =
        openat(members->settings.folder, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "creating %s/%s", members->settings.path,
                               name);
    close(fd);
    if (fsync(members->settings.folder))
        return tow_error_errno(err, TOW_E_ENV, errno, "making %s durable", members->settings.path);
    return TOW_END;
}

int tow_members_step(struct tow_members *members, struct tow_error *err)
{
    int rc = TOW_OK;

    if (members->audience == members->settings.rules->audiences.count)
        return members_end(members, err);
    if (!members->changes)
        rc = members_open_changes(members, err);
    if (!rc && !members->sorter)
        rc = members_begin_audience(members, err);
    if (!rc)
        rc = members_page(members, err);
    if (!rc && members->start.size == 0)
        rc = members_end_audience(members, err);
    return rc;
}

struct tow_members *tow_members_new(const struct tow_members_settings *settings,
                                    struct tow_error *err)
{
    struct tow_members *members = calloc(1, sizeof *members);

    if (!members) {
        tow_error_nomem(err);
        return NULL;
    }
    members->settings = *settings;
    members->began_us = settings->host->now_us(settings->host);
    return members;
}

void tow_members_free(struct tow_members *members)
{
    if (!members)
        return;
    members_drop_audience(members);
    tow_spool_free(members->changes);
    tow_buffer_release(&members->start);
    tow_buffer_release(&members->message);
    tow_lytics_answer_release(&members->page);
    tow_change_reader_release(&members->reader);
    free(members);
}
