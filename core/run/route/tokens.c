/*
 * The children's tokens of one worker, in the ledger: under "WORKER/GENERATION/" the bytes of all,
 * cut into entries that fit. Per child: the lengths of name and token, then both. The bytes never
 * leave the machine that wrote them, so numbers are as the processor has them.
 *
 * The worker's token is "GENERATION LENGTH"; the length tells that all entries are there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/route/route_priv.h"

#define TOKENS_KEY_MAX 64

struct tokens_head {
    uint32_t name, token;
};

static void tokens_key(const struct route_sink *sink, uint64_t generation, size_t number,
                       char key[TOKENS_KEY_MAX])
{
    snprintf(key, TOKENS_KEY_MAX, "%05" PRIu32 "/%016" PRIx64 "/%05zu", sink->host->worker,
             generation, number);
}

static size_t tokens_entries(uint32_t length)
{
    return (length + TOW_POSITION_MAX - 1) / TOW_POSITION_MAX;
}

static int tokens_damaged(struct tow_error *err)
{
    return tow_error_set(err, TOW_E_ENV,
                         "the ledger lacks what the routes of the unfinished load stand at; start "
                         "it anew with --full");
}

/* ---- saving --------------------------------------------------------------------------------- */

static int tokens_encode(const struct route_sink *sink, struct tow_buffer *out,
                         struct tow_error *err)
{
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < sink->child_capacity; i++) {
        const struct route_child *child = sink->children[i];

        if (!child || !child->token.bytes)
            continue;
        const struct tokens_head head = {(uint32_t)strlen(child->name->name), child->token.length};
        rc = tow_buffer_append(out, &head, sizeof head, err);
        if (!rc)
            rc = tow_buffer_append(out, child->name->name, head.name, err);
        if (!rc)
            rc = tow_buffer_append(out, child->token.bytes, head.token, err);
    }
    return rc;
}

static int tokens_put(const struct route_sink *sink, uint64_t generation,
                      const struct tow_buffer *bytes, struct tow_error *err)
{
    const struct tow_host *host = &sink->route->tokens.host;
    char key[TOKENS_KEY_MAX];
    int rc = TOW_OK;

    for (size_t i = 0, at = 0; !rc && at < bytes->size; i++, at += TOW_POSITION_MAX) {
        const size_t left = bytes->size - at;

        tokens_key(sink, generation, i, key);
        rc = host->ledger_put(host, key, bytes->data + at,
                              (uint32_t)(left < TOW_POSITION_MAX ? left : TOW_POSITION_MAX), err);
    }
    return rc;
}

static int tokens_remove(const struct route_sink *sink, const struct route_generation *generation,
                         struct tow_error *err)
{
    const struct tow_host *host = &sink->route->tokens.host;
    char key[TOKENS_KEY_MAX];
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < tokens_entries(generation->length); i++) {
        tokens_key(sink, generation->number, i, key);
        rc = host->ledger_remove(host, key, err);
    }
    return rc;
}

/* All that neither the last checkpoint nor the next one can be about. */
static int tokens_remove_old(struct route_sink *sink, struct tow_error *err)
{
    struct route_generation *generations = sink->generations;
    size_t kept = 0;
    int rc = TOW_OK;

    for (size_t i = 0; i < sink->generation_count; i++) {
        const int is_old =
            i + 1 < sink->generation_count && generations[i].number != sink->committed;

        if (!rc && is_old)
            rc = tokens_remove(sink, &generations[i], err);
        if (rc || !is_old)
            generations[kept++] = generations[i];
    }
    sink->generation_count = kept;
    return rc;
}

static int tokens_write(struct route_sink *sink, struct tow_error *err)
{
    struct route_generation *last =
        sink->generation_count ? &sink->generations[sink->generation_count - 1] : NULL;
    struct tow_buffer bytes = {0};
    struct route_generation next = {.number = last ? last->number + 1 : 1};
    int rc = tokens_remove_old(sink, err);

    if (!rc)
        rc = tokens_encode(sink, &bytes, err);
    if (!rc)
        rc = tokens_put(sink, next.number, &bytes, err);
    next.length = (uint32_t)bytes.size;
    if (!rc) {
        sink->generations[sink->generation_count++] = next;
        sink->is_changed = 0;
    }
    tow_buffer_release(&bytes);
    return rc;
}

int route_tokens_save(struct route_sink *sink, struct tow_position *token, struct tow_error *err)
{
    int rc = sink->is_changed ? tokens_write(sink, err) : TOW_OK;

    if (rc || sink->generation_count == 0)
        return rc;
    const struct route_generation *last = &sink->generations[sink->generation_count - 1];
    token->length = (uint32_t)snprintf((char *)token->bytes, sizeof token->bytes,
                                       "%" PRIu64 " %" PRIu32, last->number, last->length);
    return TOW_OK;
}

/* "GENERATION LENGTH"; 0 where it is none. */
static int tokens_parse(const struct tow_position *token, struct route_generation *out)
{
    char text[48];

    if (token->length == 0 || token->length >= sizeof text)
        return 0;
    memcpy(text, token->bytes, token->length);
    text[token->length] = '\0';
    return sscanf(text, "%" SCNu64 " %" SCNu32, &out->number, &out->length) == 2;
}

void route_committed(struct run *run)
{
    struct route_generation generation;

    for (uint32_t i = 0; i < run->worker_count; i++)
        if (tokens_parse(&run->settled.tokens[i], &generation))
            ((struct route_sink *)run->workers[i].sink.instance.self)->committed =
                generation.number;
}

/* ---- loading -------------------------------------------------------------------------------- */

/* Keys that are not of `keep`, and of this worker, or of one that is no more. */
struct tokens_stale {
    const struct route_sink *sink;
    uint64_t keep;
    char (*keys)[TOKENS_KEY_MAX];
    size_t count, capacity;
};

static int32_t tokens_note_stale(void *context, const char *key, const void *value, uint32_t length)
{
    struct tokens_stale *stale = context;
    const struct tow_host *host = stale->sink->host;
    uint64_t generation;
    uint32_t worker;

    (void)value, (void)length;
    if (strlen(key) >= TOKENS_KEY_MAX ||
        sscanf(key, "%5" SCNu32 "/%16" SCNx64, &worker, &generation) != 2)
        return TOW_OK;
    if (worker == host->worker ? generation == stale->keep
                               : host->worker > 0 || worker < host->workers)
        return TOW_OK;
    if (stale->count == stale->capacity) {
        size_t capacity = stale->capacity ? stale->capacity * 2 : 16;
        void *keys = reallocarray(stale->keys, capacity, sizeof *stale->keys);

        if (!keys)
            return TOW_E_NOMEM;
        stale->keys = keys;
        stale->capacity = capacity;
    }
    memcpy(stale->keys[stale->count++], key, strlen(key) + 1);
    return TOW_OK;
}

static int tokens_remove_stale(const struct route_sink *sink, uint64_t keep, struct tow_error *err)
{
    const struct tow_host *host = &sink->route->tokens.host;
    struct tokens_stale stale = {.sink = sink, .keep = keep};
    int rc = host->ledger_each(host, "", tokens_note_stale, &stale, err);

    if (rc == TOW_E_NOMEM)
        tow_error_nomem(err);
    for (size_t i = 0; !rc && i < stale.count; i++)
        rc = host->ledger_remove(host, stale.keys[i], err);
    free(stale.keys);
    return rc;
}

static int tokens_get(const struct route_sink *sink, const struct route_generation *generation,
                      struct tow_buffer *out, struct tow_error *err)
{
    const struct tow_host *host = &sink->route->tokens.host;
    char key[TOKENS_KEY_MAX];
    int rc = TOW_OK;

    for (size_t i = 0; !rc && i < tokens_entries(generation->length); i++) {
        struct tow_position entry = {.size = sizeof entry};

        tokens_key(sink, generation->number, i, key);
        rc = host->ledger_get(host, key, &entry, err);
        if (rc == TOW_END)
            return tokens_damaged(err);
        if (!rc)
            rc = tow_buffer_append(out, entry.bytes, entry.length, err);
    }
    return rc || out->size == generation->length ? rc : tokens_damaged(err);
}

static int tokens_take(struct route_sink *sink, const char *bytes, const struct tokens_head *head,
                       struct tow_error *err)
{
    char name[ROUTE_NAME_MAX + 1];
    struct route_name *route = NULL;

    memcpy(name, bytes, head->name);
    name[head->name] = '\0';
    pthread_mutex_lock(&sink->route->lock);
    int rc = route_know(sink->route, name, &route, err);
    pthread_mutex_unlock(&sink->route->lock);
    struct route_child *child = rc ? NULL : route_child_of(sink, route, err);
    return child ? route_child_set_token(child, bytes + head->name, head->token, err) : err->code;
}

static int tokens_decode(struct route_sink *sink, const struct tow_buffer *bytes,
                         struct tow_error *err)
{
    size_t at = 0;
    int rc = TOW_OK;

    while (!rc && at < bytes->size) {
        struct tokens_head head;

        if (bytes->size - at < sizeof head)
            return tokens_damaged(err);
        memcpy(&head, bytes->data + at, sizeof head);
        at += sizeof head;
        if (head.name > ROUTE_NAME_MAX || head.token > TOW_POSITION_MAX ||
            bytes->size - at < (size_t)head.name + head.token)
            return tokens_damaged(err);
        rc = tokens_take(sink, bytes->data + at, &head, err);
        at += (size_t)head.name + head.token;
    }
    return rc;
}

int route_tokens_load(struct route_sink *sink, const struct tow_position *token,
                      struct tow_error *err)
{
    struct route_generation generation = {.number = 0};
    struct tow_buffer bytes = {0};
    int rc = TOW_OK;

    if (token->length > 0 && !tokens_parse(token, &generation))
        return tow_error_set(err, TOW_E_CONFIG,
                             "the unfinished load had no route; go back, or start it anew with "
                             "--full");
    if (generation.number) {
        rc = tokens_get(sink, &generation, &bytes, err);
        if (!rc)
            rc = tokens_decode(sink, &bytes, err);
        sink->generations[0] = generation;
        sink->generation_count = 1;
        sink->committed = generation.number;
    }
    if (!rc)
        rc = tokens_remove_stale(sink, generation.number, err);
    tow_buffer_release(&bytes);
    return rc;
}
