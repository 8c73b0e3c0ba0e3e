#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "plugins/events/source.h"

/* A file that was followed, by its inode, and the folder that it lay in. */
struct lost {
    uint64_t inode;
    char *folder;
};

struct lost_list {
    struct lost *items;
    size_t count, capacity;
    struct tow_error *err;
};

static void lost_release(struct lost_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].folder);
    free(list->items);
}

static int lost_add(struct lost_list *list, uint64_t inode, const char *path, size_t length)
{
    const char *slash = memrchr(path, '/', length);
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");

    if (folder && list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        struct lost *items = reallocarray(list->items, capacity, sizeof *items);

        if (items) {
            list->items = items;
            list->capacity = capacity;
        }
    }
    if (!folder || list->count == list->capacity) {
        free(folder);
        return tow_error_nomem(list->err);
    }
    list->items[list->count++] = (struct lost){inode, folder};
    return TOW_OK;
}

static int32_t lost_visit(void *context, const char *key, const void *value, uint32_t length)
{
    struct tow_events_progress progress;
    const char *path;
    size_t path_length;

    if (tow_events_tail_parse(key, value, length, &progress, &path, &path_length) != TOW_OK)
        return TOW_OK;
    return lost_add(context, progress.identity.inode, path, path_length);
}

/* What was followed so far: by the files before, or at first, as the ledger has it. */
static int lost_collect(struct lost_list *list, const struct tow_events_source *source,
                        const struct tow_events_files *old)
{
    const struct tow_host *host = source->host;
    int code = TOW_OK;

    if (!old->items)
        return host->ledger_each(host, TOW_EVENTS_TAIL_KEY, lost_visit, list, list->err);
    for (size_t i = 0; i < old->count && code == TOW_OK; i++)
        if (old->items[i].is_followed)
            code = lost_add(list, old->items[i].file.inode, old->items[i].file.path,
                            strlen(old->items[i].file.path));
    return code;
}

static int lost_compare(const void *a, const void *b)
{
    const struct lost *x = a, *y = b;
    int order = strcmp(x->folder, y->folder);

    return order ? order : (x->inode > y->inode) - (x->inode < y->inode);
}

static int lost_compare_inode(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Leaves those whose inode is not in the listing. */
static int lost_reduce(struct lost_list *list, const struct tow_listing *listing)
{
    uint64_t *inodes = malloc((listing->count + 1) * sizeof *inodes);
    size_t kept = 0;

    if (!inodes)
        return tow_error_nomem(list->err);
    for (size_t i = 0; i < listing->count; i++)
        inodes[i] = listing->files[i].inode;
    qsort(inodes, listing->count, sizeof *inodes, lost_compare_inode);
    for (size_t i = 0; i < list->count; i++) {
        if (bsearch(&list->items[i].inode, inodes, listing->count, sizeof *inodes,
                    lost_compare_inode))
            free(list->items[i].folder);
        else
            list->items[kept++] = list->items[i];
    }
    free(inodes);
    list->count = kept;
    return TOW_OK;
}

/* Sorts by folder; an inode had several first lines where files were written over. */
static void lost_sort(struct lost_list *list)
{
    size_t kept = 0;

    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, lost_compare);
    for (size_t i = 0; i < list->count; i++) {
        if (kept > 0 && lost_compare(&list->items[kept - 1], &list->items[i]) == 0)
            free(list->items[i].folder);
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

static int lost_take(struct tow_listing *listing, const struct lost *lost, const char *name,
                     struct tow_error *err)
{
    struct stat st;
    char *path;
    int code;

    if (asprintf(&path, "%s%s", lost->folder, name) < 0)
        return tow_error_nomem(err);
    /* It may be gone again; what cannot be read here is none of the job's files. */
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_ino != lost->inode) {
        free(path);
        return TOW_OK;
    }
    code = tow_listing_add(listing, path, &st, err);
    if (code == TOW_OK)
        listing->files[listing->count - 1].is_lost = 1;
    return code;
}

/* Looks through one folder for `count` of the lost. */
static int lost_search(struct tow_listing *listing, const struct lost *lost, size_t count,
                       struct tow_error *err)
{
    DIR *dir = opendir(lost->folder);
    struct dirent *entry;
    int code = TOW_OK;

    if (!dir)
        return TOW_OK;
    while (code == TOW_OK && (entry = readdir(dir)) != NULL)
        for (size_t i = 0; i < count && code == TOW_OK; i++)
            if (entry->d_ino == lost[i].inode)
                code = lost_take(listing, &lost[i], entry->d_name, err);
    closedir(dir);
    return code;
}

int tow_events_files_find_lost(struct tow_events_source *source, const struct tow_events_files *old,
                               struct tow_listing *listing, struct tow_error *err)
{
    struct lost_list list = {.err = err};
    int code = lost_collect(&list, source, old);

    if (code == TOW_OK)
        code = lost_reduce(&list, listing);
    if (code == TOW_OK)
        lost_sort(&list);
    for (size_t i = 0, next; i < list.count && code == TOW_OK; i = next) {
        for (next = i + 1; next < list.count; next++)
            if (strcmp(list.items[next].folder, list.items[i].folder) != 0)
                break;
        code = lost_search(listing, &list.items[i], next - i, err);
    }
    lost_release(&list);
    if (code == TOW_OK)
        tow_listing_sort(listing);
    return code;
}
