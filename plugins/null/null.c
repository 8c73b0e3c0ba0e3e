/* The sink plugin "null": takes rows of any columns, counts them, and keeps none. What a source,
 * its transforms and the job's columns take is measured with it, and tried. */
#include <inttypes.h>

#include "towpath/batch.h"
#include "towpath/plugin.h"

struct null_sink {
    const struct tow_host *host;
    int64_t rows, batches;
};

static const struct tow_option null_options[] = {TOW_OPTIONS_END};

static int32_t null_open(void *self, const struct tow_host *host, const struct tow_position *token,
                         struct tow_error *err)
{
    struct null_sink *sink = self;

    (void)token;
    (void)err;
    *sink = (struct null_sink){.host = host};
    return TOW_OK;
}

static int32_t null_begin(void *self, const struct tow_host *host, const struct ArrowSchema *schema,
                          struct tow_error *err)
{
    (void)self;
    (void)host;
    (void)schema;
    (void)err;
    return TOW_OK;
}

static int32_t null_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct null_sink *sink = self;

    (void)err;
    sink->rows += rows->array->length;
    sink->batches++;
    return TOW_OK;
}

static int32_t null_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    (void)self;
    (void)token;
    (void)err;
    return TOW_OK;
}

static int32_t null_finish(void *self, struct tow_error *err)
{
    const struct null_sink *sink = self;

    (void)err;
    tow_log(sink->host, TOW_LOG_INFO, "%" PRId64 " rows in %" PRId64 " batches let go", sink->rows,
            sink->batches);
    return TOW_OK;
}

TOW_SINK_PLUGIN(null, "1.0", "Nowhere: rows are counted and let go", struct null_sink, null_options,
                TOW_SINK_PARALLEL | TOW_SINK_OFFLINE_BEGIN, .open = null_open, .begin = null_begin,
                .write = null_write, .flush = null_flush, .finish = null_finish)
