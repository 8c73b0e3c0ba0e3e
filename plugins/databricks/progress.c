#include "plugins/databricks/progress.h"

#include <string.h>

void tow_scan_progress_release(struct tow_scan_progress *progress)
{
    tow_key_release(&progress->last);
    *progress = (struct tow_scan_progress){.same = {0}};
}

/* The key of a row, up to the first value that cannot be kept. */
static int progress_read_key(const struct tow_view *keys, size_t key_count, int64_t row,
                             struct tow_key *key, struct tow_error *err)
{
    struct tow_buffer text = {0};
    int code = TOW_OK;

    for (size_t i = 0; i < key_count && code == TOW_OK; i++) {
        if (tow_view_is_null(&keys[i], row)) {
            code = tow_key_add(key, NULL, err);
            continue;
        }
        text.size = 0;
        code = tow_key_put(&text, &keys[i], row, err);
        if (code == TOW_OK && !tow_key_is_kept(text.data, text.size))
            break;
        if (code == TOW_OK)
            code = tow_buffer_append(&text, "", 1, err);
        if (code == TOW_OK)
            code = tow_key_add(key, text.data, err);
    }
    tow_buffer_release(&text);
    return code;
}

static int progress_same_value(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* How many first values the two keys share. */
static size_t progress_shared(const struct tow_key *a, const struct tow_key *b)
{
    size_t i = 0;

    while (i < a->count && i < b->count && progress_same_value(a->values[i], b->values[i]))
        i++;
    return i;
}

/* How many first columns of the two rows are the same, `most` at most. */
static size_t progress_shared_rows(const struct tow_view *keys, size_t most, int64_t a, int64_t b)
{
    size_t i = 0;

    while (i < most && tow_key_same(&keys[i], a, b))
        i++;
    return i;
}

/* For each count of first columns: how many of the last rows share them. */
static void progress_count_runs(const struct tow_view *keys, size_t key_count, int64_t first,
                                int64_t count, int64_t *runs)
{
    const int64_t last = first + count - 1;
    size_t shared = key_count;

    for (size_t i = 0; i <= key_count; i++)
        runs[i] = i == 0 ? count : 1;
    for (int64_t row = last - 1; row >= first && shared > 0; row--) {
        shared = progress_shared_rows(keys, shared, row, last);
        for (size_t i = 1; i <= shared; i++)
            runs[i]++;
    }
}

int tow_scan_progress_advance(const struct tow_scan_progress *from, const struct tow_view *keys,
                              size_t key_count, int64_t first, int64_t count,
                              struct tow_scan_progress *to, struct tow_error *err)
{
    size_t shared;
    int code = progress_read_key(keys, key_count, first + count - 1, &to->last, err);

    if (code != TOW_OK) {
        tow_scan_progress_release(to);
        return code;
    }
    progress_count_runs(keys, to->last.count, first, count, to->same);
    shared = progress_shared(&from->last, &to->last);
    for (size_t i = 0; i <= shared; i++)
        if (to->same[i] == count)
            to->same[i] += from->same[i];
    return TOW_OK;
}

int tow_scan_progress_matches(const struct tow_scan_progress *progress, const struct tow_view *keys,
                              int64_t row, int *matches, struct tow_error *err)
{
    struct tow_key key = {.count = 0};
    int code = progress_read_key(keys, progress->last.count, row, &key, err);

    *matches = code == TOW_OK && progress_shared(&key, &progress->last) == progress->last.count;
    tow_key_release(&key);
    return code;
}
