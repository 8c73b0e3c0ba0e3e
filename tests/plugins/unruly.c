/*
 * A source, sink and transform that load, and break one promise of the interface as UNRULY says; 0
 * keeps them all. The conformance suite must find out.
 */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>

#include "towpath/batch.h"

#define UNRULY_REPEATS  1  /* source: a position stands before the last row of its batch */
#define UNRULY_DEAF     2  /* source: does not return once the run is being stopped */
#define UNRULY_SHARED   3  /* source: instances count with one global */
#define UNRULY_WIDE     4  /* source: batches beyond the host's limit */
#define UNRULY_NULLS    5  /* source: a null where its schema has none */
#define UNRULY_FICKLE   6  /* source: the second call of schema tells other columns */
#define UNRULY_OPEN     7  /* source: leaves a descriptor open */
#define UNRULY_TALLY    8  /* source: its own count is one row too high */
#define UNRULY_RANGE    9  /* sink: settles the row behind the last */
#define UNRULY_TWICE    10 /* sink: settles the first row twice */
#define UNRULY_FINISH   11 /* sink: finish is refused where it was done */
#define UNRULY_TOKEN    12 /* sink: does not go on from its token */
#define UNRULY_STUBBORN 13 /* sink: does not return once the run is being stopped */
#define UNRULY_LOSES    14 /* transform: a row goes missing */
#define UNRULY_FILTERS  15 /* transform: settles a row, and hands it out too */
#define UNRULY_EXPORTS  16 /* exports a function besides */
#define UNRULY_WORDS    17 /* source: a word of it leads to another folder */

#define STRING_OF(x) #x
#define STRING(x)    STRING_OF(x)
#define ENTRY_OF(x)  x##_LTX_tow_plugin_entry
#define ENTRY(x)     ENTRY_OF(x)

#define ROWS 350

struct unruly {
    const struct tow_host *host;
    struct tow_builder *builder;
    int64_t next, first;
    int schemas;
    int finished, resumed;
};

static int32_t unruly_hang(const struct unruly *unruly)
{
    while (unruly->host->cancelled(unruly->host))
        poll(NULL, 0, -1);
    return TOW_OK;
}

/* ---- source --------------------------------------------------------------------------------- */

#if UNRULY == UNRULY_SHARED
static int64_t unruly_count;
#endif

static int32_t unruly_source_open(void *self, const struct tow_host *host,
                                  const struct tow_position *from, struct tow_error *err)
{
    static const struct tow_field field = {"n", {TOW_TYPE_INT64, 0, 0}, 0};
    struct unruly *unruly = self;

    unruly->host = host;
    unruly->next = unruly->first = tow_position_get_int(from, 0);
#if UNRULY == UNRULY_SHARED
    unruly_count = unruly->next;
#endif
#if UNRULY == UNRULY_OPEN
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
        return TOW_E_ENV;
#endif
    unruly->builder = tow_builder_new(&field, 1, err);
    return unruly->builder ? TOW_OK : TOW_E_NOMEM;
}

static int32_t unruly_source_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    struct unruly *unruly = self;
    const struct tow_field field = {
        UNRULY == UNRULY_FICKLE && unruly->schemas ? "m" : "n",
        {TOW_TYPE_INT64, 0, 0},
        UNRULY == UNRULY_NULLS,
    };

    unruly->schemas++;
    return tow_schema_make(out, &field, 1, err);
}

static int unruly_row(struct unruly *unruly, int64_t n, struct tow_error *err)
{
    int rc = UNRULY == UNRULY_NULLS && n == 77 ? tow_append_null(unruly->builder, 0, err)
                                               : tow_append_int64(unruly->builder, 0, n, err);

    return rc ? rc : tow_builder_end_row(unruly->builder, err);
}

static int64_t unruly_next(struct unruly *unruly)
{
#if UNRULY == UNRULY_SHARED
    unruly->next++;
    return unruly_count++;
#else
    return unruly->next++;
#endif
}

static int32_t unruly_source_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct unruly *unruly = self;
    uint32_t rows = unruly->host->batch_rows + (UNRULY == UNRULY_WIDE);
    int rc = TOW_OK;

    if (UNRULY == UNRULY_DEAF)
        unruly_hang(unruly);
    if (unruly->next >= ROWS)
        return TOW_END;
    while (!rc && unruly->next < ROWS && !tow_builder_full(unruly->builder, rows, 0))
        rc = unruly_row(unruly, unruly_next(unruly), err);
    if (!rc)
        rc = tow_builder_finish(unruly->builder, &out->array, err);
    tow_position_set_int(&out->position, unruly->next - (UNRULY == UNRULY_REPEATS));
    out->flags = TOW_BATCH_COUNTED;
    out->counted = unruly->next - unruly->first + (UNRULY == UNRULY_TALLY);
    return rc;
}

static void unruly_close(void *self)
{
    tow_builder_free(((struct unruly *)self)->builder);
}

static int32_t unruly_name(void *self, const char *name, tow_text_put *put, void *context,
                           struct tow_error *err)
{
    (void)self, (void)name, (void)err;
#if UNRULY == UNRULY_WORDS
    return put(context, "../x", 4);
#else
    return put(context, "4711", 4);
#endif
}

static const struct tow_source_ops unruly_source = {
    .size = sizeof unruly_source,
    .open = unruly_source_open,
    .schema = unruly_source_schema,
    .read = unruly_source_read,
    .close = unruly_close,
    .names = "aid",
    .name = unruly_name,
};

/* ---- sink ----------------------------------------------------------------------------------- */

static int32_t unruly_sink_open(void *self, const struct tow_host *host,
                                const struct tow_position *token, struct tow_error *err)
{
    struct unruly *unruly = self;

    unruly->host = host;
    unruly->resumed = token->length > 0;
    (void)err;
    return TOW_OK;
}

static int32_t unruly_sink_begin(void *self, const struct tow_host *host,
                                 const struct ArrowSchema *schema, struct tow_error *err)
{
    (void)self, (void)host, (void)schema, (void)err;
    return TOW_OK;
}

static int32_t unruly_sink_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct unruly *unruly = self;
    const struct tow_host *host = unruly->host;

    if (UNRULY == UNRULY_TOKEN && unruly->resumed)
        return tow_error_set(err, TOW_E_ENV, "this is no new load");
    if (UNRULY == UNRULY_STUBBORN)
        unruly_hang(unruly);
    if (UNRULY == UNRULY_RANGE)
        host->settle(host, rows->seq, rows->array->length, 1, TOW_ROW_ACCEPTED, NULL, NULL);
    for (int i = 0; i < 1 + (UNRULY == UNRULY_TWICE); i++)
        host->settle(host, rows->seq, 0, 1, TOW_ROW_REJECTED, "unruly", "not the first");
    return TOW_OK;
}

static int32_t unruly_sink_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    (void)self, (void)err;
    tow_position_set_int(token, 1);
    return TOW_OK;
}

static int32_t unruly_sink_finish(void *self, struct tow_error *err)
{
    struct unruly *unruly = self;

    if (unruly->finished && UNRULY == UNRULY_FINISH)
        return tow_error_set(err, TOW_E_ENV, "it is published already");
    unruly->finished = 1;
    return TOW_OK;
}

static const struct tow_sink_ops unruly_sink = {
    .size = sizeof unruly_sink,
    .flags = TOW_SINK_PARALLEL,
    .open = unruly_sink_open,
    .begin = unruly_sink_begin,
    .write = unruly_sink_write,
    .flush = unruly_sink_flush,
    .finish = unruly_sink_finish,
};

/* ---- transform ------------------------------------------------------------------------------ */

static int32_t unruly_transform_begin(void *self, const struct tow_host *host,
                                      const struct ArrowSchema *in, struct ArrowSchema *out,
                                      struct tow_error *err)
{
    struct unruly *unruly = self;
    static const struct tow_field field = {"id", {TOW_TYPE_INT64, 0, 0}, 0};

    (void)in;
    unruly->host = host;
    unruly->builder = tow_builder_new(&field, 1, err);
    return unruly->builder ? tow_schema_make(out, &field, 1, err) : TOW_E_NOMEM;
}

/* Numbers the rows; leaves out the first. */
static int32_t unruly_transform_apply(void *self, const struct tow_rows *rows,
                                      struct ArrowArray *out, struct tow_error *err)
{
    struct unruly *unruly = self;
    int64_t first = UNRULY == UNRULY_FILTERS ? 0 : 1 + (UNRULY == UNRULY_LOSES);
    int rc = unruly->host->settle(unruly->host, rows->seq, 0, 1, TOW_ROW_FILTERED, NULL, NULL);

    for (int64_t row = first; !rc && row < rows->array->length; row++)
        rc = unruly_row(unruly, row, err);
    return rc ? rc : tow_builder_finish(unruly->builder, out, err);
}

static const struct tow_transform_ops unruly_transform = {
    .size = sizeof unruly_transform,
    .begin = unruly_transform_begin,
    .apply = unruly_transform_apply,
    .close = unruly_close,
};

/* ---- the module ----------------------------------------------------------------------------- */

static const struct tow_option unruly_options[] = {TOW_OPTIONS_END};

static const struct tow_plugin unruly_plugin = {
    TOW_PLUGIN_HEAD,
    .name = STRING(MODULE),
    .version = "1",
    .summary = "breaks a promise, or none",
    .instance_size = sizeof(struct unruly),
    .options = unruly_options,
    .source = &unruly_source,
    .sink = &unruly_sink,
    .transform = &unruly_transform,
};

#if UNRULY == UNRULY_EXPORTS
__attribute__((visibility("default"))) void unruly_besides(void);
void unruly_besides(void)
{
}
#endif

__attribute__((visibility("default"))) tow_plugin_entry ENTRY(MODULE);
const struct tow_plugin *ENTRY(MODULE)(void)
{
    return &unruly_plugin;
}
