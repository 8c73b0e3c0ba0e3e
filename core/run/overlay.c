#include "run/overlay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct overlay_entry {
    char *ledger, *key;
    unsigned char *value; /* NULL: removed, whatever the state has */
    uint32_t length;
};

struct tow_overlay {
    struct tow_state *state;
    const char *job;
    pthread_mutex_t lock;
    struct overlay_entry *entries; /* in order of ledger and key */
    size_t count, capacity;
};

struct tow_overlay *tow_overlay_new(struct tow_state *state, const char *job, struct tow_error *err)
{
    struct tow_overlay *overlay = calloc(1, sizeof *overlay);

    if (!overlay) {
        tow_error_nomem(err);
        return NULL;
    }
    overlay->state = state;
    overlay->job = job;
    pthread_mutex_init(&overlay->lock, NULL);
    return overlay;
}

static void overlay_release_entry(struct overlay_entry *entry)
{
    free(entry->ledger);
    free(entry->key);
    free(entry->value);
}

void tow_overlay_free(struct tow_overlay *overlay)
{
    if (!overlay)
        return;
    for (size_t i = 0; i < overlay->count; i++)
        overlay_release_entry(&overlay->entries[i]);
    free(overlay->entries);
    pthread_mutex_destroy(&overlay->lock);
    free(overlay);
}

/* ---- entries, under the lock ---------------------------------------------------------------- */

static int overlay_compare(const struct overlay_entry *entry, const char *ledger, const char *key)
{
    int order = strcmp(entry->ledger, ledger);

    return order ? order : strcmp(entry->key, key);
}

/* Index of the first entry that is not before the key. */
static size_t overlay_index(const struct tow_overlay *overlay, const char *ledger, const char *key)
{
    size_t low = 0, high = overlay->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (overlay_compare(&overlay->entries[middle], ledger, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int overlay_is(const struct tow_overlay *overlay, size_t index, const char *ledger,
                      const char *key)
{
    return index < overlay->count && overlay_compare(&overlay->entries[index], ledger, key) == 0;
}

static int overlay_grow(struct tow_overlay *overlay, struct tow_error *err)
{
    size_t capacity = overlay->capacity ? overlay->capacity * 2 : 16;
    struct overlay_entry *entries;

    if (overlay->count < overlay->capacity)
        return TOW_OK;
    entries = reallocarray(overlay->entries, capacity, sizeof *entries);
    if (!entries)
        return tow_error_nomem(err);
    overlay->entries = entries;
    overlay->capacity = capacity;
    return TOW_OK;
}

/* Takes `value` over unless it fails; NULL: removed. */
static int overlay_set(struct tow_overlay *overlay, const char *ledger, const char *key,
                       unsigned char *value, uint32_t length, struct tow_error *err)
{
    size_t i = overlay_index(overlay, ledger, key);
    struct overlay_entry made = {.value = value, .length = length};
    int rc;

    if (overlay_is(overlay, i, ledger, key)) {
        free(overlay->entries[i].value);
        overlay->entries[i].value = value;
        overlay->entries[i].length = length;
        return TOW_OK;
    }
    rc = overlay_grow(overlay, err);
    if (rc)
        return rc;
    made.ledger = strdup(ledger);
    made.key = strdup(key);
    if (!made.ledger || !made.key) {
        free(made.ledger);
        free(made.key);
        return tow_error_nomem(err);
    }
    memmove(&overlay->entries[i + 1], &overlay->entries[i],
            (overlay->count - i) * sizeof *overlay->entries);
    overlay->entries[i] = made;
    overlay->count++;
    return TOW_OK;
}

/* ---- single entries ------------------------------------------------------------------------- */

int tow_overlay_put(struct tow_overlay *overlay, const char *ledger, const char *key,
                    const void *value, uint32_t length, struct tow_error *err)
{
    unsigned char *copy;
    int rc;

    if (length > TOW_POSITION_MAX)
        return tow_error_set(err, TOW_E_BUG,
                             "ledger %s: the value of key \"%.200s\" has %u bytes, at most %d",
                             ledger, key, length, TOW_POSITION_MAX);
    copy = malloc((size_t)length + 1);
    if (!copy)
        return tow_error_nomem(err);
    if (length)
        memcpy(copy, value, length);
    pthread_mutex_lock(&overlay->lock);
    rc = overlay_set(overlay, ledger, key, copy, length, err);
    pthread_mutex_unlock(&overlay->lock);
    if (rc)
        free(copy);
    return rc;
}

int tow_overlay_remove(struct tow_overlay *overlay, const char *ledger, const char *key,
                       struct tow_error *err)
{
    int rc;

    pthread_mutex_lock(&overlay->lock);
    rc = overlay_set(overlay, ledger, key, NULL, 0, err);
    pthread_mutex_unlock(&overlay->lock);
    return rc;
}

int tow_overlay_get(struct tow_overlay *overlay, const char *ledger, const char *key,
                    struct tow_position *value, struct tow_error *err)
{
    int known, rc = TOW_END;
    size_t i;

    pthread_mutex_lock(&overlay->lock);
    i = overlay_index(overlay, ledger, key);
    known = overlay_is(overlay, i, ledger, key);
    if (known && overlay->entries[i].value) {
        tow_ledger_give(overlay->entries[i].value, overlay->entries[i].length, value);
        rc = TOW_OK;
    }
    pthread_mutex_unlock(&overlay->lock);
    if (known || !overlay->state)
        return rc;
    return tow_state_ledger_get(overlay->state, overlay->job, ledger, key, value, err);
}

/* ---- walking -------------------------------------------------------------------------------- */

/* A walk over both: always on at the next key behind `last`. */
struct overlay_walk {
    struct tow_overlay *overlay;
    const char *ledger, *prefix;
    int32_t (*visit)(void *context, const char *key, const void *value, uint32_t length);
    void *context;
    char *last; /* NULL: none yet */
    struct tow_error *err;
};

/* Copies the entry behind walk->last, if one of the prefix is left, before `limit` where that is
 * not NULL. */
static int overlay_next(struct overlay_walk *walk, const char *limit, struct overlay_entry *out)
{
    struct tow_overlay *overlay = walk->overlay;
    int rc = TOW_END;
    size_t i;

    pthread_mutex_lock(&overlay->lock);
    i = overlay_index(overlay, walk->ledger, walk->last ? walk->last : walk->prefix);
    if (walk->last && overlay_is(overlay, i, walk->ledger, walk->last))
        i++;
    if (i < overlay->count && strcmp(overlay->entries[i].ledger, walk->ledger) == 0 &&
        strncmp(overlay->entries[i].key, walk->prefix, strlen(walk->prefix)) == 0 &&
        (!limit || strcmp(overlay->entries[i].key, limit) < 0)) {
        const struct overlay_entry *entry = &overlay->entries[i];

        *out = (struct overlay_entry){.length = entry->length, .key = strdup(entry->key)};
        out->value = entry->value ? malloc((size_t)entry->length + 1) : NULL;
        rc = out->key && (out->value || !entry->value) ? TOW_OK : tow_error_nomem(walk->err);
        if (out->value)
            memcpy(out->value, entry->value, entry->length);
    }
    pthread_mutex_unlock(&overlay->lock);
    return rc;
}

/* Visits the entries before `limit`. */
static int overlay_visit_before(struct overlay_walk *walk, const char *limit)
{
    struct overlay_entry entry = {.key = NULL};
    int rc;

    while ((rc = overlay_next(walk, limit, &entry)) == TOW_OK) {
        free(walk->last);
        walk->last = entry.key;
        if (entry.value)
            rc = walk->visit(walk->context, entry.key, entry.value, entry.length);
        free(entry.value);
        entry = (struct overlay_entry){.key = NULL};
        if (rc)
            return rc;
    }
    free(entry.key);
    free(entry.value);
    return rc == TOW_END ? TOW_OK : rc;
}

/* An entry of the state, between those of the overlay; one of the same key stands in its place. */
static int32_t overlay_visit_state(void *context, const char *key, const void *value,
                                   uint32_t length)
{
    struct overlay_walk *walk = context;
    struct tow_overlay *overlay = walk->overlay;
    int known, rc = overlay_visit_before(walk, key);
    char *last;

    if (rc)
        return rc;
    pthread_mutex_lock(&overlay->lock);
    known = overlay_is(overlay, overlay_index(overlay, walk->ledger, key), walk->ledger, key);
    pthread_mutex_unlock(&overlay->lock);
    if (known)
        return TOW_OK;
    last = strdup(key);
    if (!last)
        return tow_error_nomem(walk->err);
    free(walk->last);
    walk->last = last;
    return walk->visit(walk->context, key, value, length);
}

int tow_overlay_each(struct tow_overlay *overlay, const char *ledger, const char *prefix,
                     int32_t (*visit)(void *context, const char *key, const void *value,
                                      uint32_t length),
                     void *context, struct tow_error *err)
{
    struct overlay_walk walk = {
        .overlay = overlay,
        .ledger = ledger,
        .prefix = prefix,
        .visit = visit,
        .context = context,
        .err = err,
    };
    int rc = TOW_OK;

    if (overlay->state)
        rc = tow_state_ledger_each(overlay->state, overlay->job, ledger, prefix,
                                   overlay_visit_state, &walk, err);
    if (!rc)
        rc = overlay_visit_before(&walk, NULL);
    free(walk.last);
    return rc;
}
