#include "bare_host.h"

#include "unit.h"

struct bare_seen bare_seen;

static int32_t bare_reject(const struct tow_host *host, const struct tow_source_reject *row)
{
    (void)host;
    bare_seen.rejects++;
    bare_seen.reject_lines += row->line;
    return TOW_OK;
}

static int32_t bare_settle(const struct tow_host *host, uint64_t seq, int64_t first, int64_t count,
                           int32_t outcome, const char *code, const char *message)
{
    (void)host, (void)seq, (void)code, (void)message;
    assert_in_range(first + count, 0, BARE_ROWS);
    memset(bare_seen.fates + first, outcome == TOW_ROW_ACCEPTED ? '+' : '-', (size_t)count);
    return TOW_OK;
}

static int32_t bare_keep(const struct tow_host *host, uint64_t seq)
{
    (void)host, (void)seq;
    return TOW_OK;
}

static void bare_log(const struct tow_host *host, int32_t level, const char *message)
{
    (void)host, (void)level, (void)message;
}

static int32_t bare_ledger_get(const struct tow_host *host, const char *key,
                               struct tow_position *value, struct tow_error *err)
{
    (void)host, (void)key, (void)value, (void)err;
    return TOW_END;
}

void bare_host_init(struct fake_host *fake)
{
    fake_host_init(fake);
    fake->host.reject = bare_reject;
    fake->host.settle = bare_settle;
    fake->host.keep = bare_keep;
    fake->host.log = bare_log;
    fake->host.ledger_get = bare_ledger_get;
    bare_forget();
}

void bare_forget(void)
{
    bare_seen = (struct bare_seen){.rejects = 0};
    memset(bare_seen.fates, ' ', sizeof bare_seen.fates);
}

int bare_sink_life(const struct tow_plugin *plugin, void *self, const struct tow_host *host,
                   const struct table *table, struct tow_error *err)
{
    const struct tow_sink_ops *ops = plugin->sink;
    struct tow_position token = {.size = sizeof token};
    const struct tow_rows rows = {
        .size = sizeof rows, .attempt = 1, .seq = 1, .array = &table->array};
    int code = ops->check(self, host, err);

    if (code == TOW_OK)
        code = ops->open(self, host, &token, err);
    if (code == TOW_OK)
        code = ops->begin(self, host, &table->schema, err);
    if (code == TOW_OK)
        code = ops->write(self, &rows, err);
    if (code == TOW_OK)
        code = ops->flush(self, &token, err);
    ops->close(self);
    return code;
}

static int32_t bare_put_nowhere(void *context, const char *text, uint64_t length)
{
    (void)context, (void)text, (void)length;
    return TOW_OK;
}

struct bare_load bare_source_life(const struct tow_plugin *plugin, void *self,
                                  const struct tow_host *host, const struct tow_position *from,
                                  struct tow_error *err)
{
    static const struct tow_position start = {.size = sizeof start};
    const struct tow_source_ops *ops = plugin->source;
    struct ArrowSchema schema = {.release = NULL};
    struct bare_load load = {.rows = 0};
    int batches = 0;

    load.code = ops->open(self, host, from ? from : &start, err);
    if (load.code == TOW_OK)
        load.code = ops->schema(self, &schema, err);
    if (load.code == TOW_OK && ops->names && strcmp(ops->names, "aid") == 0)
        load.code = ops->name(self, "aid", bare_put_nowhere, NULL, err);
    while (load.code == TOW_OK) {
        struct tow_batch batch = {.size = sizeof batch, .position.size = sizeof batch.position};

        load.code = ops->read(self, &batch, err);
        load.rows += batch.array.release ? batch.array.length : 0;
        if (load.code == TOW_OK && ++batches == 2)
            load.middle = batch.position;
        if (batch.array.release)
            batch.array.release(&batch.array);
    }
    ops->close(self);
    if (schema.release)
        schema.release(&schema);
    return load;
}
