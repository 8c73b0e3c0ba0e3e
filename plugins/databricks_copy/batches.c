/* Records of publishing: COPY INTO by COPY INTO, and how far it is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/databricks_copy/ledger_priv.h"
#include "plugins/databricks_copy/record.h"

static const char *const batch_states[] = {"planned", "submitted", "loaded", NULL};
static const char *const batch_phases[] = {"loading", "swapping", "swapped", "done", NULL};

#define BATCH_RANGE_TEXT 44 /* four numbers of ten digits, and what is between */

_Static_assert(TOW_COPY_RANGES_MAX *BATCH_RANGE_TEXT + 64 < TOW_POSITION_MAX,
               "every batch record fits");

/* ---- batches -------------------------------------------------------------------------------- */

int tow_copy_batch_has(const struct tow_copy_batch *batch, const struct tow_copy_part_id *id)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct tow_copy_range *range = &batch->ranges[i];

        if (range->worker == id->worker && range->generation == id->generation &&
            range->from <= id->number && id->number <= range->to)
            return 1;
    }
    return 0;
}

size_t tow_copy_batch_files(const struct tow_copy_batch *batch)
{
    size_t files = 0;

    for (size_t i = 0; i < batch->count; i++)
        files += batch->ranges[i].to - batch->ranges[i].from + (size_t)1;
    return files;
}

int tow_copy_batch_add(struct tow_copy_batch *batch, const struct tow_copy_part_record *part)
{
    const struct tow_copy_part_id *id = &part->id;
    struct tow_copy_range *last = batch->count ? &batch->ranges[batch->count - 1] : NULL;

    if (tow_copy_batch_files(batch) == TOW_COPY_FILES_MAX)
        return 0;
    if (last && last->worker == id->worker && last->generation == id->generation &&
        last->to + 1 == id->number) {
        last->to = id->number;
    } else {
        if (batch->count == TOW_COPY_RANGES_MAX)
            return 0;
        batch->ranges[batch->count++] =
            (struct tow_copy_range){id->worker, id->generation, id->number, id->number};
    }
    batch->rows += part->rows;
    return 1;
}

static void batch_key(char key[LEDGER_KEY_MAX], const char *load, uint32_t number)
{
    snprintf(key, LEDGER_KEY_MAX, "copy/%s/%08" PRIu32, load, number);
}

int tow_copy_batch_put(const struct tow_host *host, const char *load,
                       const struct tow_copy_batch *batch, struct tow_error *err)
{
    char key[LEDGER_KEY_MAX], text[TOW_POSITION_MAX];
    int used = snprintf(text, sizeof text, "%s %" PRId64 " %zu", batch_states[batch->state],
                        batch->rows, batch->count);

    for (size_t i = 0; i < batch->count; i++) {
        const struct tow_copy_range *range = &batch->ranges[i];

        used += snprintf(text + used, sizeof text - (size_t)used,
                         " %" PRIu32 ".%" PRIu32 ".%" PRIu32 "-%" PRIu32, range->worker,
                         range->generation, range->from, range->to);
    }
    batch_key(key, load, batch->number);
    return ledger_put(host, key, text, err);
}

int tow_copy_batch_remove(const struct tow_host *host, const char *load, uint32_t number,
                          struct tow_error *err)
{
    char key[LEDGER_KEY_MAX];

    batch_key(key, load, number);
    return host->ledger_remove(host, key, err);
}

static void batch_parse(struct tow_copy_batch *batch, struct tow_copy_record *record)
{
    size_t files = 0;

    batch->state = tow_copy_record_word(record, batch_states, ' ');
    batch->rows = (int64_t)tow_copy_record_number(record, INT64_MAX, ' ');
    batch->count = (size_t)tow_copy_record_number(record, TOW_COPY_RANGES_MAX, ' ');
    if (batch->count == 0)
        record->at = NULL;
    for (size_t i = 0; i < batch->count && record->at; i++) {
        struct tow_copy_range *range = &batch->ranges[i];

        range->worker = (uint32_t)tow_copy_record_number(record, LEDGER_WORKER_MAX, '.');
        range->generation = (uint32_t)tow_copy_record_number(record, LEDGER_NUMBER_MAX, '.');
        range->from = (uint32_t)tow_copy_record_number(record, LEDGER_NUMBER_MAX, '-');
        range->to = (uint32_t)tow_copy_record_number(record, LEDGER_NUMBER_MAX,
                                                     i + 1 < batch->count ? ' ' : '\0');
        files += (size_t)range->to - range->from + 1;
        if (range->to < range->from || files > TOW_COPY_FILES_MAX)
            record->at = NULL;
    }
}

struct batch_walk {
    struct tow_copy_batches *batches;
    size_t prefix_length;
    struct tow_error *err;
};

static int32_t batch_take(void *context, const char *key, const void *value, uint32_t length)
{
    struct batch_walk *walk = context;
    struct tow_copy_batches *batches = walk->batches;
    const char *name = key + walk->prefix_length;
    struct tow_copy_record number = {name, name + strlen(name)};
    struct tow_copy_record record = {value, (const char *)value + length};
    void *items = batches->items;
    struct tow_copy_batch *batch;
    int code =
        ledger_grow(&items, &batches->capacity, batches->count, sizeof *batches->items, walk->err);

    batches->items = items;
    if (code != TOW_OK)
        return code;
    batch = &batches->items[batches->count];
    memset(batch, 0, sizeof *batch);
    batch->number = (uint32_t)tow_copy_record_number(&number, LEDGER_NUMBER_MAX, '\0');
    batch_parse(batch, &record);
    if (!tow_copy_record_is_read(&number) || !tow_copy_record_is_read(&record))
        return ledger_spoilt(key, walk->err);
    batches->count++;
    return TOW_OK;
}

int tow_copy_batches_read(const struct tow_host *host, const char *load,
                          struct tow_copy_batches *batches, struct tow_error *err)
{
    char prefix[LEDGER_KEY_MAX];
    struct batch_walk walk = {batches, 0, err};

    *batches = (struct tow_copy_batches){.items = NULL};
    snprintf(prefix, sizeof prefix, "copy/%s/", load);
    walk.prefix_length = strlen(prefix);
    return host->ledger_each(host, prefix, batch_take, &walk, err);
}

void tow_copy_batches_release(struct tow_copy_batches *batches)
{
    free(batches->items);
    *batches = (struct tow_copy_batches){.items = NULL};
}

/* ---- progress ------------------------------------------------------------------------------- */

int tow_copy_progress_get(const struct tow_host *host, const char *load,
                          struct tow_copy_progress *progress, struct tow_error *err)
{
    struct tow_position value = {.size = sizeof value};
    struct tow_copy_record record;
    char key[LEDGER_KEY_MAX];
    int code;

    *progress = (struct tow_copy_progress){1, TOW_COPY_LOADING};
    snprintf(key, sizeof key, "phase/%s", load);
    code = host->ledger_get(host, key, &value, err);
    if (code == TOW_END)
        return TOW_OK;
    if (code != TOW_OK)
        return code;
    record = (struct tow_copy_record){(const char *)value.bytes,
                                      (const char *)value.bytes + value.length};
    progress->round = (uint32_t)tow_copy_record_number(&record, LEDGER_NUMBER_MAX, ' ');
    progress->phase = tow_copy_record_word(&record, batch_phases, '\0');
    if (!tow_copy_record_is_read(&record) || progress->round == 0)
        return ledger_spoilt(key, err);
    return TOW_OK;
}

int tow_copy_progress_put(const struct tow_host *host, const char *load,
                          const struct tow_copy_progress *progress, struct tow_error *err)
{
    char key[LEDGER_KEY_MAX], text[32];

    snprintf(key, sizeof key, "phase/%s", load);
    snprintf(text, sizeof text, "%" PRIu32 " %s", progress->round, batch_phases[progress->phase]);
    return ledger_put(host, key, text, err);
}

int tow_copy_progress_remove(const struct tow_host *host, const char *load, struct tow_error *err)
{
    char key[LEDGER_KEY_MAX];

    snprintf(key, sizeof key, "phase/%s", load);
    return host->ledger_remove(host, key, err);
}

/* ---- load tables ---------------------------------------------------------------------------- */

static void table_key(char key[LEDGER_KEY_MAX], const char *load, uint32_t round)
{
    snprintf(key, LEDGER_KEY_MAX, "table/%s/%08" PRIu32, load, round);
}

int tow_copy_table_put(const struct tow_host *host, const char *load, uint32_t round,
                       struct tow_error *err)
{
    char key[LEDGER_KEY_MAX];

    table_key(key, load, round);
    return ledger_put(host, key, "", err);
}

int tow_copy_table_remove(const struct tow_host *host, const char *load, uint32_t round,
                          struct tow_error *err)
{
    char key[LEDGER_KEY_MAX];

    table_key(key, load, round);
    return host->ledger_remove(host, key, err);
}

struct table_walk {
    struct tow_copy_rounds *rounds;
    size_t prefix_length;
    struct tow_error *err;
};

static int32_t table_take(void *context, const char *key, const void *value, uint32_t length)
{
    struct table_walk *walk = context;
    struct tow_copy_rounds *rounds = walk->rounds;
    const char *name = key + walk->prefix_length;
    struct tow_copy_record record = {name, name + strlen(name)};
    const uint32_t round = (uint32_t)tow_copy_record_number(&record, LEDGER_NUMBER_MAX, '\0');
    void *items = rounds->items;
    int code;

    (void)value;
    (void)length;
    if (!tow_copy_record_is_read(&record) || round == 0)
        return ledger_spoilt(key, walk->err);
    code = ledger_grow(&items, &rounds->capacity, rounds->count, sizeof round, walk->err);
    rounds->items = items;
    if (code == TOW_OK)
        rounds->items[rounds->count++] = round;
    return code;
}

int tow_copy_tables_read(const struct tow_host *host, const char *load,
                         struct tow_copy_rounds *rounds, struct tow_error *err)
{
    char prefix[LEDGER_KEY_MAX];
    struct table_walk walk = {rounds, 0, err};

    *rounds = (struct tow_copy_rounds){.items = NULL};
    snprintf(prefix, sizeof prefix, "table/%s/", load);
    walk.prefix_length = strlen(prefix);
    return host->ledger_each(host, prefix, table_take, &walk, err);
}

void tow_copy_rounds_release(struct tow_copy_rounds *rounds)
{
    free(rounds->items);
    *rounds = (struct tow_copy_rounds){.items = NULL};
}
