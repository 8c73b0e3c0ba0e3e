#include "plugins/events/files.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/events/source.h"
#include "towpath/batch.h"

static void files_release_items(struct tow_events_file *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(items[i].file.path);
        free(items[i].file.etag);
    }
    free(items);
}

void tow_events_files_release(struct tow_events_files *files)
{
    files_release_items(files->items, files->count);
    for (size_t i = 0; i < files->retired_count; i++)
        free(files->retired[i]);
    free(files->retired);
    free(files->known);
    *files = (struct tow_events_files){0};
}

/* ---- progress ------------------------------------------------------------------------------- */

static int files_compare_identity(const void *a, const void *b)
{
    const struct tow_events_identity *x = a, *y = b;

    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

/* Where it is, or belongs. */
static size_t files_known_at(const struct tow_events_files *files,
                             struct tow_events_identity identity)
{
    size_t low = 0, high = files->known_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (files_compare_identity(&files->known[middle].identity, &identity) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int tow_events_files_note(struct tow_events_files *files,
                          const struct tow_events_progress *progress, struct tow_error *err)
{
    size_t at = files_known_at(files, progress->identity);
    struct tow_events_progress *known = files->known;

    if (at < files->known_count && tow_events_identity_is(known[at].identity, progress->identity)) {
        known[at] = *progress;
        return TOW_OK;
    }
    if (files->known_count == files->known_capacity) {
        size_t capacity = files->known_capacity ? 2 * files->known_capacity : 16;

        known = reallocarray(known, capacity, sizeof *known);
        if (!known)
            return tow_error_nomem(err);
        files->known = known;
        files->known_capacity = capacity;
    }
    memmove(known + at + 1, known + at, (files->known_count - at) * sizeof *known);
    known[at] = *progress;
    files->known_count++;
    return TOW_OK;
}

int tow_events_files_progress(const struct tow_events_source *source,
                              struct tow_events_identity identity,
                              struct tow_events_progress *progress, struct tow_error *err)
{
    const struct tow_events_files *files = &source->files;
    size_t at = files_known_at(files, identity);

    if (at < files->known_count && tow_events_identity_is(files->known[at].identity, identity)) {
        *progress = files->known[at];
        return TOW_OK;
    }
    *progress = (struct tow_events_progress){.identity = identity, .line = 1};
    if (!files->looks_at_tails || !source->options.incremental)
        return TOW_END;
    return tow_events_tail_get(source->host, identity, progress, err);
}

/* ---- judging -------------------------------------------------------------------------------- */

/* A whole file that was read before and is not what it was. */
static int files_judge_change(const struct tow_events_source *source, struct tow_events_file *item,
                              const char *change, struct tow_error *err)
{
    const char *path = item->file.path;

    switch (source->options.on_change) {
    case TOW_EVENTS_CHANGE_SKIP:
        tow_log(source->host, TOW_LOG_WARN, "%s %s; left out (on_change = \"skip\")", path, change);
        item->is_due = 0;
        item->seen = item->file.size;
        return TOW_OK;
    case TOW_EVENTS_CHANGE_RELOAD:
        tow_log(source->host, TOW_LOG_WARN, "%s %s; read again (on_change = \"reload\")", path,
                change);
        item->is_due = 1;
        return TOW_OK;
    default:
        return tow_error_set(err, TOW_E_ENV,
                             "%s %s; on_change = \"skip\" leaves such files out, \"reload\" reads "
                             "them again from the start, and tail = true goes on where files of "
                             "lines grow",
                             path, change);
    }
}

static int files_judge(struct tow_events_source *source, struct tow_events_file *item,
                       struct tow_error *err)
{
    char change[TOW_FILE_CHANGE_MAX] = "";
    enum tow_file_verdict verdict;
    int code;

    item->is_due = 1;
    if (!source->options.incremental || item->file.is_stream || item->is_lost)
        return TOW_OK;
    code = tow_events_ledger_judge(source->host, &item->file, &verdict, change, err);
    if (code != TOW_OK)
        return code;
    item->is_due = verdict == TOW_FILE_NEW;
    if (verdict == TOW_FILE_DONE)
        item->seen = item->file.size;
    if (verdict == TOW_FILE_NEW)
        return tow_events_store_has_marker(source, &item->file, &item->is_due, err);
    return verdict == TOW_FILE_CHANGED ? files_judge_change(source, item, change, err) : TOW_OK;
}

static struct tow_events_file *files_find(const struct tow_events_files *files, const char *path)
{
    size_t low = 0, high = files->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(files->items[middle].file.path, path);

        if (order == 0)
            return &files->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int files_is_same(const struct tow_file *a, const struct tow_file *b)
{
    if (a->etag && b->etag)
        return a->size == b->size && strcmp(a->etag, b->etag) == 0;
    return a->size == b->size && a->mtime_ns == b->mtime_ns && a->inode == b->inode &&
           a->device == b->device;
}

/* A path that was handed out stays where it is. */
static void files_carry_path(struct tow_events_file *old, struct tow_events_file *item)
{
    char *path = item->file.path;

    if (!old || !old->is_origin)
        return;
    item->file.path = old->file.path;
    item->is_origin = 1;
    old->file.path = path;
    old->is_origin = 0;
}

/* Room for all paths that were handed out. */
static int files_reserve_retired(struct tow_events_files *files, struct tow_error *err)
{
    size_t needed = files->retired_count + files->count;
    char **retired;

    if (needed <= files->retired_capacity)
        return TOW_OK;
    retired = reallocarray(files->retired, 2 * needed, sizeof *retired);
    if (!retired)
        return tow_error_nomem(err);
    files->retired = retired;
    files->retired_capacity = 2 * needed;
    return TOW_OK;
}

/* Keeps the paths that were handed out and that no file has any more. */
static void files_retire(struct tow_events_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        if (!files->items[i].is_origin)
            continue;
        files->retired[files->retired_count++] = files->items[i].file.path;
        files->items[i].file.path = NULL;
    }
}

/* What was known of a file under that path, where it is the same one. */
static int files_carry(struct tow_events_source *source, const struct tow_events_file *old,
                       struct tow_events_file *item, struct tow_error *err)
{
    int is_same = old && files_is_same(&old->file, &item->file);

    /* The ledger may not have it yet. */
    if (old && !is_same && !old->is_followed && old->seen >= 0)
        return files_judge_change(source, item, "has changed since it was read", err);
    if (!old || (!is_same && !old->is_followed))
        return files_judge(source, item, err);
    item->is_followed = old->is_followed;
    item->seen = old->seen;
    item->is_due = old->is_due;
    /* What is followed says by itself, once it is opened, whether it is another one. */
    if (old->is_followed && !is_same)
        item->is_due = 1;
    /* A file that waits for its marker, or for its first whole line, is asked again. */
    if (!item->is_due && !old->is_followed && old->seen < 0)
        return files_judge(source, item, err);
    return TOW_OK;
}

/* Takes the texts out of the listing. */
static int files_take(struct tow_events_source *source, struct tow_listing *listing,
                      struct tow_events_files *now, struct tow_error *err)
{
    int code = TOW_OK;

    now->items = calloc(listing->count + 1, sizeof *now->items);
    if (!now->items)
        return tow_error_nomem(err);
    for (size_t i = 0; i < listing->count && code == TOW_OK; i++) {
        struct tow_events_file *item = &now->items[now->count++];

        item->file = listing->files[i];
        item->seen = -1;
        item->is_lost = item->file.is_lost;
        listing->files[i].path = listing->files[i].etag = NULL;
        if (strlen(item->file.path) > TOW_EVENTS_PATH_MAX)
            code = tow_error_set(err, TOW_E_ENV, "%s: the path has more than %d bytes",
                                 item->file.path, TOW_EVENTS_PATH_MAX);
        else
            code = files_carry(source, files_find(&source->files, item->file.path), item, err);
    }
    return code;
}

int tow_events_files_refresh(struct tow_events_source *source, struct tow_error *err)
{
    struct tow_events_files *files = &source->files;
    struct tow_events_files now = {0};
    struct tow_listing listing = {NULL, 0};
    int code = tow_events_store_list(source, &listing, err);

    if (code == TOW_OK && source->options.tail)
        code = tow_events_files_find_lost(source, files, &listing, err);
    if (code == TOW_OK)
        code = files_take(source, &listing, &now, err);
    tow_listing_release(&listing);
    if (code == TOW_OK)
        code = files_reserve_retired(files, err);
    if (code != TOW_OK) {
        files_release_items(now.items, now.count);
        return code;
    }
    for (size_t i = 0; i < now.count; i++)
        files_carry_path(files_find(files, now.items[i].file.path), &now.items[i]);
    files_retire(files);
    files_release_items(files->items, files->count);
    files->items = now.items;
    files->count = now.count;
    return TOW_OK;
}

/* ---- going on ------------------------------------------------------------------------------- */

int tow_events_files_resume(struct tow_events_source *source, struct tow_error *err)
{
    const struct tow_events_position *position = &source->resume;
    struct tow_events_files *files = &source->files;
    struct tow_events_file *item = files_find(files, position->path);

    /* The ledger knows how far files are that are followed. */
    if (position->place == TOW_EVENTS_NOWHERE || source->options.tail)
        return TOW_OK;
    for (size_t i = 0; i < files->count && position->place != TOW_EVENTS_LOAD_DONE; i++)
        if (strcmp(files->items[i].file.path, position->path) < 0)
            files->items[i].is_due = 0;
    if (position->place == TOW_EVENTS_FILE_DONE) {
        if (item)
            item->is_due = 0;
        return TOW_OK;
    }
    if (!item)
        return tow_error_set(err, TOW_E_ENV,
                             "%s, in which the last run stopped, is not there any more: bring it "
                             "back, or start anew with `towpath state reset %s`",
                             position->path, source->host->job);
    item->is_due = 1;
    item->is_resumed = 1;
    /* It comes first: a position in another file would not say how far this one was read. */
    source->next = (size_t)(item - files->items);
    source->is_wrapping = position->place == TOW_EVENTS_LOAD_DONE;
    return TOW_OK;
}
