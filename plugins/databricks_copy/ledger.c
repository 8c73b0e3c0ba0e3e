#include "plugins/databricks_copy/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/databricks_copy/ledger_priv.h"
#include "plugins/databricks_copy/record.h"

const char *const tow_copy_modes[] = {"append", "replace", "merge", "drop_create", NULL};
const char *const tow_copy_formats[] = {"csv", "ndjson", NULL};

/* Magic, name, null token, two words, a number, table and stage, a line end behind each. */
_Static_assert(TOW_COPY_LOAD_MAX + TOW_COPY_NULL_MAX + TOW_COPY_TABLE_MAX + TOW_COPY_STAGE_MAX +
                       3 * 21 + 16 <
                   TOW_POSITION_MAX,
               "every load record fits");

/* ---- keys and values ------------------------------------------------------------------------ */

int ledger_spoilt(const char *key, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_ENV,
                         "the ledger entry \"%.200s\" is not of this sink's making; start the load "
                         "anew with --full",
                         key);
}

int tow_copy_is_id(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-_";
    const size_t length = strlen(text);

    return length > 0 && length < TOW_COPY_LOAD_MAX && strspn(text, letters) == length &&
           text[0] != '-' && text[0] != '_';
}

int ledger_put(const struct tow_host *host, const char *key, const char *text,
               struct tow_error *err)
{
    return host->ledger_put(host, key, text, (uint32_t)strlen(text), err);
}

/* Doubles what an array has room for. */
int ledger_grow(void **items, size_t *capacity, size_t count, size_t size, struct tow_error *err)
{
    const size_t wanted = *capacity ? *capacity * 2 : 16;
    void *grown;

    if (count < *capacity)
        return TOW_OK;
    grown = reallocarray(*items, wanted, size);
    if (!grown)
        return tow_error_nomem(err);
    *items = grown;
    *capacity = wanted;
    return TOW_OK;
}

/* ---- names ---------------------------------------------------------------------------------- */

int tow_copy_names_add(struct tow_copy_names *names, const char *name, struct tow_error *err)
{
    void *items = names->items;
    int code = ledger_grow(&items, &names->capacity, names->count, sizeof *names->items, err);

    names->items = items;
    if (code != TOW_OK)
        return code;
    names->items[names->count] = strdup(name);
    if (!names->items[names->count])
        return tow_error_nomem(err);
    names->count++;
    return TOW_OK;
}

void tow_copy_names_release(struct tow_copy_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct tow_copy_names){.items = NULL};
}

/* Collects what stands behind `prefix` in the keys of a walk. */
struct ledger_collect {
    struct tow_copy_names *names;
    size_t prefix_length;
    struct tow_error *err;
};

static int32_t ledger_collect_one(void *context, const char *key, const void *value,
                                  uint32_t length)
{
    struct ledger_collect *collect = context;

    (void)value;
    (void)length;
    return tow_copy_names_add(collect->names, key + collect->prefix_length, collect->err);
}

static int ledger_collect(const struct tow_host *host, const char *prefix,
                          struct tow_copy_names *names, struct tow_error *err)
{
    struct ledger_collect collect = {names, strlen(prefix), err};

    return host->ledger_each(host, prefix, ledger_collect_one, &collect, err);
}

static int ledger_remove_all(const struct tow_host *host, const char *prefix, struct tow_error *err)
{
    struct tow_copy_names names = {.items = NULL};
    char key[LEDGER_KEY_MAX];
    int code = ledger_collect(host, prefix, &names, err);

    for (size_t i = 0; i < names.count && code == TOW_OK; i++) {
        snprintf(key, sizeof key, "%s%s", prefix, names.items[i]);
        code = host->ledger_remove(host, key, err);
    }
    tow_copy_names_release(&names);
    return code;
}

/* ---- the load ------------------------------------------------------------------------------- */

int tow_copy_load_put(const struct tow_host *host, const char *id, const struct tow_copy_load *load,
                      struct tow_error *err)
{
    char key[LEDGER_KEY_MAX], text[TOW_POSITION_MAX];

    snprintf(key, sizeof key, "load/%s", id);
    snprintf(text, sizeof text, "copy1\n%s\n%s\n%s\n%s\n%" PRIu64 "\n%s\n%s", load->name,
             load->null_text, tow_copy_modes[load->mode], tow_copy_formats[load->format],
             load->keys, load->table, load->stage);
    return ledger_put(host, key, text, err);
}

static int ledger_load_parse(const char *key, const struct tow_position *value,
                             struct tow_copy_load *load, struct tow_error *err)
{
    struct tow_copy_record record = {(const char *)value->bytes,
                                     (const char *)value->bytes + value->length};
    char magic[8];

    tow_copy_record_text(&record, magic, sizeof magic, '\n');
    tow_copy_record_text(&record, load->name, sizeof load->name, '\n');
    tow_copy_record_text(&record, load->null_text, sizeof load->null_text, '\n');
    load->mode = tow_copy_record_word(&record, tow_copy_modes, '\n');
    load->format = tow_copy_record_word(&record, tow_copy_formats, '\n');
    load->keys = tow_copy_record_number(&record, UINT64_MAX, '\n');
    tow_copy_record_text(&record, load->table, sizeof load->table, '\n');
    tow_copy_record_text(&record, load->stage, sizeof load->stage, '\0');
    if (!tow_copy_record_is_read(&record) || strcmp(magic, "copy1") != 0 ||
        !tow_copy_is_id(load->name) || !load->null_text[0])
        return ledger_spoilt(key, err);
    return TOW_OK;
}

int tow_copy_load_get(const struct tow_host *host, const char *id, struct tow_copy_load *load,
                      struct tow_error *err)
{
    struct tow_position value = {.size = sizeof value};
    char key[LEDGER_KEY_MAX];
    int code;

    snprintf(key, sizeof key, "load/%s", id);
    code = host->ledger_get(host, key, &value, err);
    return code == TOW_OK ? ledger_load_parse(key, &value, load, err) : code;
}

int tow_copy_load_remove(const struct tow_host *host, const char *id, struct tow_error *err)
{
    char key[LEDGER_KEY_MAX];

    snprintf(key, sizeof key, "load/%s", id);
    return host->ledger_remove(host, key, err);
}

int tow_copy_loads(const struct tow_host *host, struct tow_copy_names *names, struct tow_error *err)
{
    return ledger_collect(host, "load/", names, err);
}

/* ---- generations ---------------------------------------------------------------------------- */

int tow_copy_generation_next(const struct tow_host *host, const char *load, uint32_t *generation,
                             struct tow_error *err)
{
    struct tow_position value = {.size = sizeof value};
    char key[LEDGER_KEY_MAX], text[16];
    uint64_t last = 0;
    int code;

    snprintf(key, sizeof key, "generation/%s/%04" PRIu32, load, host->worker);
    code = host->ledger_get(host, key, &value, err);
    if (code < TOW_OK)
        return code;
    if (code == TOW_OK) {
        struct tow_copy_record record = {(const char *)value.bytes,
                                         (const char *)value.bytes + value.length};

        last = tow_copy_record_number(&record, LEDGER_NUMBER_MAX - 1, '\0');
        if (!tow_copy_record_is_read(&record))
            return ledger_spoilt(key, err);
    }
    *generation = (uint32_t)last + 1;
    snprintf(text, sizeof text, "%" PRIu32, *generation);
    return ledger_put(host, key, text, err);
}

int tow_copy_generations_remove(const struct tow_host *host, const char *load,
                                struct tow_error *err)
{
    char prefix[LEDGER_KEY_MAX];

    snprintf(prefix, sizeof prefix, "generation/%s/", load);
    return ledger_remove_all(host, prefix, err);
}

/* ---- parts ---------------------------------------------------------------------------------- */

void tow_copy_part_name(const struct tow_copy_part_id *id, int is_json,
                        char name[TOW_COPY_NAME_MAX])
{
    snprintf(name, TOW_COPY_NAME_MAX, "w%" PRIu32 "-g%" PRIu32 "-p%05" PRIu32 ".%s.gz", id->worker,
             id->generation, id->number, is_json ? "json" : "csv");
}

static void ledger_part_key(char key[LEDGER_KEY_MAX], const char *load,
                            const struct tow_copy_part_id *id)
{
    snprintf(key, LEDGER_KEY_MAX, "part/%s/%04" PRIu32 "/%08" PRIu32 "/%08" PRIu32, load,
             id->worker, id->generation, id->number);
}

int tow_copy_part_put(const struct tow_host *host, const char *load,
                      const struct tow_copy_part_record *part, struct tow_error *err)
{
    char key[LEDGER_KEY_MAX], text[64];

    ledger_part_key(key, load, &part->id);
    snprintf(text, sizeof text, "%" PRId64 " %" PRId64, part->rows, part->bytes);
    return ledger_put(host, key, text, err);
}

int tow_copy_part_remove(const struct tow_host *host, const char *load,
                         const struct tow_copy_part_id *id, struct tow_error *err)
{
    char key[LEDGER_KEY_MAX];

    ledger_part_key(key, load, id);
    return host->ledger_remove(host, key, err);
}

struct ledger_parts {
    struct tow_copy_parts *parts;
    size_t prefix_length;
    struct tow_error *err;
};

static int32_t ledger_take_part(void *context, const char *key, const void *value, uint32_t length)
{
    struct ledger_parts *walk = context;
    struct tow_copy_parts *parts = walk->parts;
    const char *name = key + walk->prefix_length;
    struct tow_copy_record numbers = {name, name + strlen(name)};
    struct tow_copy_record counts = {value, (const char *)value + length};
    struct tow_copy_part_record part;
    void *items = parts->items;
    int code;

    part.id.worker = (uint32_t)tow_copy_record_number(&numbers, LEDGER_WORKER_MAX, '/');
    part.id.generation = (uint32_t)tow_copy_record_number(&numbers, LEDGER_NUMBER_MAX, '/');
    part.id.number = (uint32_t)tow_copy_record_number(&numbers, LEDGER_NUMBER_MAX, '\0');
    part.rows = (int64_t)tow_copy_record_number(&counts, LEDGER_ROWS_MAX, ' ');
    part.bytes = (int64_t)tow_copy_record_number(&counts, INT64_MAX, '\0');
    if (!tow_copy_record_is_read(&numbers) || !tow_copy_record_is_read(&counts))
        return ledger_spoilt(key, walk->err);
    code = ledger_grow(&items, &parts->capacity, parts->count, sizeof part, walk->err);
    parts->items = items;
    if (code == TOW_OK)
        parts->items[parts->count++] = part;
    return code;
}

int tow_copy_parts_read(const struct tow_host *host, const char *load, int64_t worker,
                        struct tow_copy_parts *parts, struct tow_error *err)
{
    char prefix[LEDGER_KEY_MAX], of_worker[LEDGER_KEY_MAX];
    struct ledger_parts walk = {parts, 0, err};

    *parts = (struct tow_copy_parts){.items = NULL};
    snprintf(prefix, sizeof prefix, "part/%s/", load);
    walk.prefix_length = strlen(prefix);
    if (worker < 0)
        return host->ledger_each(host, prefix, ledger_take_part, &walk, err);
    snprintf(of_worker, sizeof of_worker, "part/%s/%04" PRId64 "/", load, worker);
    return host->ledger_each(host, of_worker, ledger_take_part, &walk, err);
}

void tow_copy_parts_release(struct tow_copy_parts *parts)
{
    free(parts->items);
    *parts = (struct tow_copy_parts){.items = NULL};
}

/* ---- stale files ---------------------------------------------------------------------------- */

int tow_copy_stale_put(const struct tow_host *host, const char *load, const char *name,
                       struct tow_error *err)
{
    char key[LEDGER_KEY_MAX];

    snprintf(key, sizeof key, "stale/%s/%s", load, name);
    return ledger_put(host, key, "", err);
}

int tow_copy_stale_remove(const struct tow_host *host, const char *load, const char *name,
                          struct tow_error *err)
{
    char key[LEDGER_KEY_MAX];

    snprintf(key, sizeof key, "stale/%s/%s", load, name);
    return host->ledger_remove(host, key, err);
}

int tow_copy_stale_read(const struct tow_host *host, const char *load, struct tow_copy_names *names,
                        struct tow_error *err)
{
    char prefix[LEDGER_KEY_MAX];

    *names = (struct tow_copy_names){.items = NULL};
    snprintf(prefix, sizeof prefix, "stale/%s/", load);
    return ledger_collect(host, prefix, names, err);
}
