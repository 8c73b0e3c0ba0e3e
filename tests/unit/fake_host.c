#include "fake_host.h"

#include <fcntl.h>
#include <unistd.h>

#include "unit.h"

static struct fake_host *fake_host_of(const struct tow_host *host)
{
    return host->core;
}

static char *fake_copy(const char *text, size_t length)
{
    char *copy;

    if (!text)
        return NULL;
    copy = malloc(length + 1);
    assert_non_null(copy);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

static char *fake_copy_text(const char *text)
{
    return fake_copy(text, text ? strlen(text) : 0);
}

/* One more item, zeroed, behind `count` of them. */
static void *fake_grow(void *items, size_t count, size_t item_size)
{
    char *grown = realloc(items, (count + 1) * item_size);

    assert_non_null(grown);
    memset(grown + count * item_size, 0, item_size);
    return grown;
}

/* ---- what struct tow_host offers ------------------------------------------------------------ */

static void fake_log(const struct tow_host *host, int32_t level, const char *message)
{
    struct fake_host *fake = fake_host_of(host);

    fake->lines = fake_grow(fake->lines, fake->line_count, sizeof *fake->lines);
    fake->lines[fake->line_count].level = level;
    fake->lines[fake->line_count++].message = fake_copy_text(message);
}

static int32_t fake_cancelled(const struct tow_host *host)
{
    return fake_host_of(host)->cancelled;
}

static int32_t fake_cancel_fd(const struct tow_host *host)
{
    return fake_host_of(host)->cancel_pipe[0];
}

static int64_t fake_now_us(const struct tow_host *host)
{
    return fake_host_of(host)->now_us;
}

static int32_t fake_reject(const struct tow_host *host, const struct tow_source_reject *row)
{
    struct fake_host *fake = fake_host_of(host);
    struct fake_reject *reject;

    fake->rejects = fake_grow(fake->rejects, fake->reject_count, sizeof *fake->rejects);
    reject = &fake->rejects[fake->reject_count++];
    reject->code = fake_copy_text(row->code);
    reject->message = fake_copy_text(row->message);
    reject->origin = fake_copy_text(row->origin);
    reject->line = row->line;
    reject->offset = row->offset;
    reject->raw = fake_copy(row->raw, row->raw_length);
    reject->raw_length = row->raw_length;
    return fake->reject_pause && fake->reject_count >= fake->reject_pause ? TOW_END : TOW_OK;
}

static int fake_overlaps(const struct fake_outcome *outcome, uint64_t seq, int64_t first,
                         int64_t count)
{
    return outcome->seq == seq && first < outcome->first + outcome->count &&
           outcome->first < first + count;
}

static int32_t fake_settle(const struct tow_host *host, uint64_t seq, int64_t first, int64_t count,
                           int32_t outcome, const char *code, const char *message)
{
    struct fake_host *fake = fake_host_of(host);
    struct fake_outcome *item;

    if (first < 0 || count < 1 || (fake->settle_limit && first + count > fake->settle_limit))
        return TOW_E_BUG;
    if (outcome == TOW_ROW_REJECTED && (!code || !message))
        return TOW_E_BUG;
    for (size_t i = 0; i < fake->outcome_count; i++)
        if (fake_overlaps(&fake->outcomes[i], seq, first, count))
            return TOW_E_BUG;
    fake->outcomes = fake_grow(fake->outcomes, fake->outcome_count, sizeof *fake->outcomes);
    item = &fake->outcomes[fake->outcome_count++];
    *item = (struct fake_outcome){.seq = seq, .first = first, .count = count, .outcome = outcome};
    item->code = fake_copy_text(code);
    item->message = fake_copy_text(message);
    return TOW_OK;
}

static int32_t fake_keep(const struct tow_host *host, uint64_t seq)
{
    (void)seq;
    fake_host_of(host)->keep_count++;
    return TOW_OK;
}

/* Index of the first key that is not below `key`. */
static size_t fake_fact_index(const struct fake_host *fake, const char *key)
{
    size_t i = 0;

    while (i < fake->fact_count && strcmp(fake->facts[i].key, key) < 0)
        i++;
    return i;
}

static int fake_fact_is(const struct fake_host *fake, size_t index, const char *key)
{
    return index < fake->fact_count && strcmp(fake->facts[index].key, key) == 0;
}

static int32_t fake_ledger_get(const struct tow_host *host, const char *key,
                               struct tow_position *value, struct tow_error *err)
{
    const struct tow_position *found = fake_host_fact(fake_host_of(host), key);

    (void)err;
    if (!found)
        return TOW_END;
    *value = *found;
    return TOW_OK;
}

static int32_t fake_ledger_put(const struct tow_host *host, const char *key, const void *value,
                               uint32_t length, struct tow_error *err)
{
    struct fake_host *fake = fake_host_of(host);
    size_t i = fake_fact_index(fake, key);

    if (length > TOW_POSITION_MAX)
        return tow_error_set(err, TOW_E_BUG, "ledger value of %u bytes, at most %d", length,
                             TOW_POSITION_MAX);
    if (!fake_fact_is(fake, i, key)) {
        fake->facts = fake_grow(fake->facts, fake->fact_count, sizeof *fake->facts);
        memmove(&fake->facts[i + 1], &fake->facts[i], (fake->fact_count - i) * sizeof *fake->facts);
        fake->facts[i].key = fake_copy_text(key);
        fake->fact_count++;
    }
    fake->facts[i].value = (struct tow_position){.size = sizeof(struct tow_position)};
    fake->facts[i].value.length = length;
    if (length)
        memcpy(fake->facts[i].value.bytes, value, length);
    return TOW_OK;
}

static int32_t fake_ledger_remove(const struct tow_host *host, const char *key,
                                  struct tow_error *err)
{
    struct fake_host *fake = fake_host_of(host);
    size_t i = fake_fact_index(fake, key);

    (void)err;
    if (!fake_fact_is(fake, i, key))
        return TOW_OK;
    free(fake->facts[i].key);
    fake->fact_count--;
    memmove(&fake->facts[i], &fake->facts[i + 1], (fake->fact_count - i) * sizeof *fake->facts);
    return TOW_OK;
}

static int32_t fake_ledger_each(const struct tow_host *host, const char *prefix,
                                int32_t (*visit)(void *context, const char *key, const void *value,
                                                 uint32_t length),
                                void *context, struct tow_error *err)
{
    const struct fake_host *fake = fake_host_of(host);
    size_t prefix_length = strlen(prefix);
    int32_t result = 0;

    (void)err;
    for (size_t i = 0; i < fake->fact_count && result == 0; i++) {
        const struct fake_fact *fact = &fake->facts[i];

        if (strncmp(fact->key, prefix, prefix_length) == 0)
            result = visit(context, fact->key, fact->value.bytes, fact->value.length);
    }
    return result;
}

/* ---- the host, for tests -------------------------------------------------------------------- */

void fake_host_init(struct fake_host *fake)
{
    *fake = (struct fake_host){
        .host = {.size = sizeof(struct tow_host),
                 .abi_major = TOW_ABI_MAJOR,
                 .abi_minor = TOW_ABI_MINOR,
                 .job = "test",
                 .load_id = "load-1",
                 .section = "sink",
                 .workers = 1,
                 .batch_rows = 8192,
                 .batch_bytes = 4 << 20,
                 .core = fake,
                 .log = fake_log,
                 .cancelled = fake_cancelled,
                 .cancel_fd = fake_cancel_fd,
                 .now_us = fake_now_us,
                 .reject = fake_reject,
                 .settle = fake_settle,
                 .ledger_get = fake_ledger_get,
                 .ledger_put = fake_ledger_put,
                 .ledger_remove = fake_ledger_remove,
                 .ledger_each = fake_ledger_each,
                 .keep = fake_keep},
        .now_us = 1700000000000000,
    };
    assert_int_equal(pipe2(fake->cancel_pipe, O_CLOEXEC), 0);
}

void fake_host_forget(struct fake_host *fake)
{
    for (size_t i = 0; i < fake->line_count; i++)
        free(fake->lines[i].message);
    for (size_t i = 0; i < fake->outcome_count; i++) {
        free(fake->outcomes[i].code);
        free(fake->outcomes[i].message);
    }
    for (size_t i = 0; i < fake->reject_count; i++) {
        free(fake->rejects[i].code);
        free(fake->rejects[i].message);
        free(fake->rejects[i].origin);
        free(fake->rejects[i].raw);
    }
    fake->line_count = fake->outcome_count = fake->reject_count = 0;
}

void fake_host_release(struct fake_host *fake)
{
    fake_host_forget(fake);
    for (size_t i = 0; i < fake->fact_count; i++)
        free(fake->facts[i].key);
    free(fake->lines);
    free(fake->outcomes);
    free(fake->rejects);
    free(fake->facts);
    close(fake->cancel_pipe[0]);
    close(fake->cancel_pipe[1]);
}

void fake_host_cancel(struct fake_host *fake)
{
    fake->cancelled = 1;
    assert_int_equal(write(fake->cancel_pipe[1], "x", 1), 1);
}

int fake_host_logged(const struct fake_host *fake, int32_t level, const char *text)
{
    for (size_t i = 0; i < fake->line_count; i++)
        if (fake->lines[i].level == level && strstr(fake->lines[i].message, text))
            return 1;
    return 0;
}

int64_t fake_host_settled(const struct fake_host *fake, int32_t outcome)
{
    int64_t rows = 0;

    for (size_t i = 0; i < fake->outcome_count; i++)
        if (fake->outcomes[i].outcome == outcome)
            rows += fake->outcomes[i].count;
    return rows;
}

const struct tow_position *fake_host_fact(const struct fake_host *fake, const char *key)
{
    size_t i = fake_fact_index(fake, key);

    return fake_fact_is(fake, i, key) ? &fake->facts[i].value : NULL;
}

/* ---- instances ------------------------------------------------------------------------------ */

/* A list of blocks to free with an instance; it lies before the instance's own memory. */
struct fake_block {
    struct fake_block *next;
    max_align_t bytes[];
};

struct fake_instance {
    struct fake_block *blocks;
    max_align_t self[];
};

static struct fake_instance *fake_instance_of(void *self)
{
    return (struct fake_instance *)((char *)self - offsetof(struct fake_instance, self));
}

static void *fake_instance_alloc(void *self, size_t size)
{
    struct fake_instance *instance = fake_instance_of(self);
    struct fake_block *block = calloc(1, sizeof *block + size);

    assert_non_null(block);
    block->next = instance->blocks;
    instance->blocks = block;
    return block->bytes;
}

static char *fake_instance_text(void *self, const char *text, size_t length)
{
    char *copy = fake_instance_alloc(self, length + 1);

    memcpy(copy, text, length);
    return copy;
}

struct fake_unit {
    const char *name;
    int64_t factor;
};

static int64_t fake_parse_units(const char *text, const struct fake_unit *units)
{
    char *end;
    int64_t value = strtoll(text, &end, 10);

    for (; units->name; units++)
        if (end > text && strcmp(end, units->name) == 0)
            return value * units->factor;
    fail_msg("\"%s\" is not a number with a known unit", text);
    return 0;
}

static int32_t fake_parse_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);

    for (int32_t index = 0; choices; index++) {
        const char *end = strchrnul(choices, '|');

        if ((size_t)(end - choices) == length && memcmp(choices, text, length) == 0)
            return index;
        choices = *end ? end + 1 : NULL;
    }
    fail_msg("\"%s\" is not among the choices", text);
    return 0;
}

static struct tow_strings fake_parse_strings(void *self, const char *text)
{
    struct tow_strings strings = {NULL, 0};
    const char **items = fake_instance_alloc(self, (strlen(text) + 1) * sizeof *items);

    strings.items = items;
    while (text) {
        const char *end = strchrnul(text, ',');

        items[strings.count++] = fake_instance_text(self, text, (size_t)(end - text));
        text = *end ? end + 1 : NULL;
    }
    return strings;
}

static void fake_option_set(void *self, const struct tow_option *option, const char *text)
{
    static const struct fake_unit none[] = {{"", 1}, {NULL, 0}};
    static const struct fake_unit sizes[] = {{"", 1},          {"kB", 1000},     {"MB", 1000000},
                                             {"KiB", 1 << 10}, {"MiB", 1 << 20}, {NULL, 0}};
    static const struct fake_unit durations[] = {
        {"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    char *at = (char *)self + option->offset;

    switch (option->type) {
    case TOW_OPTION_STRING:
    case TOW_OPTION_PATH:
        *(const char **)at = fake_instance_text(self, text, strlen(text));
        break;
    case TOW_OPTION_INT:
        *(int64_t *)at = fake_parse_units(text, none);
        break;
    case TOW_OPTION_SIZE:
        *(int64_t *)at = fake_parse_units(text, sizes);
        break;
    case TOW_OPTION_DURATION:
        *(int64_t *)at = fake_parse_units(text, durations);
        break;
    case TOW_OPTION_DOUBLE:
        *(double *)(void *)at = strtod(text, NULL);
        break;
    case TOW_OPTION_BOOL:
        *(int32_t *)at = !fake_parse_choice("true|false", text);
        break;
    case TOW_OPTION_CHOICE:
        *(int32_t *)at = fake_parse_choice(option->choices, text);
        break;
    case TOW_OPTION_STRINGS:
        *(struct tow_strings *)at = fake_parse_strings(self, text);
        break;
    default:
        fail_msg("option %s: type %d is not known", option->name, option->type);
    }
}

static const struct tow_option *fake_option_find(const struct tow_plugin *plugin, const char *name)
{
    for (const struct tow_option *option = plugin->options; option->name; option++)
        if (strcmp(option->name, name) == 0)
            return option;
    fail_msg("plugin %s has no option \"%s\"", plugin->name, name);
    return NULL;
}

void *fake_instance_new(const struct tow_plugin *plugin, const char *const *settings)
{
    struct fake_instance *instance = calloc(1, sizeof *instance + plugin->instance_size);
    void *self;

    assert_non_null(instance);
    self = instance->self;
    for (const struct tow_option *option = plugin->options; option->name; option++)
        if (option->fallback)
            fake_option_set(self, option, option->fallback);
    for (; settings && settings[0]; settings += 2)
        fake_option_set(self, fake_option_find(plugin, settings[0]), settings[1]);
    return self;
}

void fake_instance_free(void *self)
{
    struct fake_instance *instance = fake_instance_of(self);

    while (instance->blocks) {
        struct fake_block *block = instance->blocks;

        instance->blocks = block->next;
        free(block);
    }
    free(instance);
}
