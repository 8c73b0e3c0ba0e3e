/* counter - the smallest source: the whole numbers from 0 on. */
#include <towpath/batch.h>

struct counter {
    int64_t rows; /* option */
    const struct tow_host *host;
    struct tow_builder *builder;
    int64_t next; /* the number that comes next */
};

static const struct tow_option options[] = {
    TOW_OPT_INT("rows", struct counter, rows, "1000", 0, INT64_MAX, "how many numbers there are"),
    TOW_OPTIONS_END,
};

static const struct tow_field fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 1}};

static int32_t counter_open(void *self, const struct tow_host *host,
                            const struct tow_position *from, struct tow_error *err)
{
    struct counter *counter = self;

    counter->host = host;
    counter->next = tow_position_get_int(from, 0);
    counter->builder = tow_builder_new(fields, 1, err);
    return counter->builder ? TOW_OK : TOW_E_NOMEM;
}

static int32_t counter_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    return tow_schema_make(out, fields, 1, err);
}

static int32_t counter_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct counter *counter = self;
    int64_t next = counter->next, last = next + counter->host->batch_rows;
    int rc = next < counter->rows ? TOW_OK : TOW_END;

    tow_builder_reset(counter->builder); /* what a failed read may have left */
    for (; !rc && next < last && next < counter->rows; next++)
        if (!(rc = tow_append_int64(counter->builder, 0, next, err)))
            rc = tow_builder_end_row(counter->builder, err);
    if (rc || (rc = tow_builder_finish(counter->builder, &out->array, err)))
        return rc;
    counter->next = next;
    tow_position_set_int(&out->position, next);
    return TOW_OK;
}

static void counter_close(void *self)
{
    tow_builder_free(((struct counter *)self)->builder);
}

TOW_SOURCE_PLUGIN(counter, "1.0", "the whole numbers from 0 on", struct counter, options,
                  TOW_SOURCE_OFFLINE, NULL, counter_open, counter_schema, counter_read,
                  counter_close)
