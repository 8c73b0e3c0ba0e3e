#include "route_toys.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "towpath/clock.h"
#include "unit.h"

struct route_far_end *route_far_end;
struct route_plan route_plan;

static pthread_mutex_t toys_lock = PTHREAD_MUTEX_INITIALIZER;

/* One call of a plugin: it may be the one to die or to fail in. */
static int toys_step(struct tow_error *err)
{
    int64_t step = __atomic_add_fetch(&route_far_end->steps, 1, __ATOMIC_SEQ_CST);

    if (step == route_plan.kill_at)
        toy_die();
    if (step == route_plan.fail_at)
        return tow_error_set(err, route_plan.fail_code, "fails as told");
    return TOW_OK;
}

/* ---- source --------------------------------------------------------------------------------- */

struct toys_source {
    struct tow_builder *builder;
    int64_t next;
};

static const struct tow_field toys_fields[] = {{"n", {TOW_TYPE_INT64, 0, 0}, 0},
                                               {"k", {TOW_TYPE_STRING, 0, 0}, 0}};

static int32_t toys_source_open(void *self, const struct tow_host *host,
                                const struct tow_position *from, struct tow_error *err)
{
    struct toys_source *source = self;

    (void)host;
    source->next = tow_position_get_int(from, 0);
    source->builder = tow_builder_new(toys_fields, 2, err);
    return source->builder ? TOW_OK : err->code;
}

static int32_t toys_source_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    (void)self;
    return tow_schema_make(out, toys_fields, 2, err);
}

static int32_t toys_source_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct toys_source *source = self;
    int64_t end = source->next + route_plan.batch;
    int rc = toys_step(err);

    if (rc || source->next >= route_plan.rows) {
        if (!route_plan.repeats)
            tow_position_set_int(&out->position, source->next);
        return rc ? rc : TOW_END;
    }
    for (int64_t n = source->next; !rc && n < end && n < route_plan.rows; n++) {
        rc = tow_append_int64(source->builder, 0, n, err);
        if (!rc)
            rc = tow_append_text(source->builder, 1, route_plan.value(n), err);
        if (!rc)
            rc = tow_builder_end_row(source->builder, err);
    }
    if (!rc)
        rc = tow_builder_finish(source->builder, &out->array, err);
    if (!rc)
        source->next = end < route_plan.rows ? end : route_plan.rows;
    tow_position_set_int(&out->position, source->next);
    return rc;
}

static void toys_source_close(void *self)
{
    tow_builder_free(((struct toys_source *)self)->builder);
}

static const struct tow_option toys_no_options[] = {TOW_OPTIONS_END};

static const struct tow_source_ops toys_source_ops = {
    .size = sizeof toys_source_ops,
    .flags = TOW_SOURCE_OFFLINE,
    .open = toys_source_open,
    .schema = toys_source_schema,
    .read = toys_source_read,
    .close = toys_source_close,
};

static const struct tow_plugin toys_source = {
    TOW_PLUGIN_HEAD,
    .name = "route_source",
    .version = "1",
    .summary = "numbers with a value to route by",
    .instance_size = sizeof(struct toys_source),
    .options = toys_no_options,
    .source = &toys_source_ops,
};

/* ---- sink ----------------------------------------------------------------------------------- */

#define TOYS_HELD_MAX 64

struct toys_sink {
    const char *table_name;
    const struct tow_host *host;
    struct route_table *table;
    struct tow_cursor cursor;
    struct tow_rows held[TOYS_HELD_MAX]; /* not settled; their arrays stay borrowed */
    int held_count;
};

static struct tow_sink_ops toys_sink_ops;

static int toys_has(uint32_t flag)
{
    return (toys_sink_ops.flags & flag) != 0;
}

static const struct tow_option toys_sink_options[] = {
    TOW_OPT_STRING("table", struct toys_sink, table_name, NULL, "where rows go"),
    TOW_OPTIONS_END,
};

struct route_table *route_table(const char *name)
{
    for (int i = 0; i < route_far_end->table_count; i++)
        if (strcmp(route_far_end->tables[i].name, name) == 0)
            return &route_far_end->tables[i];
    return NULL;
}

static int32_t toys_check(void *self, const struct tow_host *host, struct tow_error *err)
{
    const struct toys_sink *sink = self;

    (void)host;
    __atomic_add_fetch(&route_far_end->checks, 1, __ATOMIC_SEQ_CST);
    if (route_plan.bad_name && strcmp(sink->table_name, route_plan.bad_name) == 0)
        return tow_error_set(err, TOW_E_CONFIG, "no table can be called %s", sink->table_name);
    return TOW_OK;
}

/* Long enough for another worker to open the same table, too, if nothing keeps it from that. */
static void toys_meet(struct route_table *table)
{
    int64_t until = tow_monotonic_ms() + route_plan.opening_ms;
    int opening = 0;

    if (route_plan.opening_ms == 0)
        return;
    pthread_mutex_lock(&toys_lock);
    table->opening++;
    pthread_mutex_unlock(&toys_lock);
    while (opening < 2 && tow_monotonic_ms() < until) {
        pthread_mutex_lock(&toys_lock);
        opening = table->opening;
        if (opening > table->most_opening)
            table->most_opening = opening;
        pthread_mutex_unlock(&toys_lock);
        sched_yield();
    }
    pthread_mutex_lock(&toys_lock);
    table->opening--;
    pthread_mutex_unlock(&toys_lock);
}

static int32_t toys_open(void *self, const struct tow_host *host, const struct tow_position *token,
                         struct tow_error *err)
{
    struct toys_sink *sink = self;
    struct route_far_end *far = route_far_end;
    struct tow_position known = {.size = sizeof known};
    int rc = toys_step(err);

    sink->host = host;
    assert_int_equal(host->routed, 1);
    pthread_mutex_lock(&toys_lock);
    sink->table = route_table(sink->table_name);
    if (!sink->table) {
        assert_true(far->table_count < ROUTE_TABLES);
        sink->table = &far->tables[far->table_count++];
        snprintf(sink->table->name, sizeof sink->table->name, "%s", sink->table_name);
    }
    sink->table->opens++;
    if (++far->open > far->most_open)
        far->most_open = far->open;
    /* What is final cannot be cut off. */
    if (!rc && !toys_has(TOW_SINK_FINAL))
        sink->table->count[host->worker] = tow_position_get_int(token, 0);
    pthread_mutex_unlock(&toys_lock);
    toys_meet(sink->table);
    /* Children have ledgers of their own: what is in it is this table's. */
    if (!rc && host->ledger_get(host, "mine", &known, err) == TOW_OK)
        assert_memory_equal(known.bytes, sink->table_name, known.length);
    return rc ? rc
              : host->ledger_put(host, "mine", sink->table_name, (uint32_t)strlen(sink->table_name),
                                 err);
}

static int32_t toys_begin(void *self, const struct tow_host *host, const struct ArrowSchema *schema,
                          struct tow_error *err)
{
    struct toys_sink *sink = self;

    pthread_mutex_lock(&toys_lock);
    if (host)
        sink->table->columns = schema->n_children;
    pthread_mutex_unlock(&toys_lock);
    return tow_cursor_init(&sink->cursor, schema, err);
}

static void toys_take(struct toys_sink *sink, const struct tow_rows *rows, int64_t first,
                      int64_t end)
{
    struct route_table *table = sink->table;
    const uint32_t worker = sink->host->worker;

    tow_cursor_batch(&sink->cursor, rows->array);
    for (int64_t row = first; row < end; row++) {
        int64_t n = tow_view_int64(&sink->cursor.columns[0], row);

        if (route_plan.refuse && n % route_plan.refuse == 0)
            continue;
        table->unpublished[worker][table->count[worker]++ % ROUTE_ROWS] = n;
    }
}

static int toys_reject(struct toys_sink *sink, const struct tow_rows *rows, int64_t first,
                       int64_t end)
{
    int rc = TOW_OK;

    tow_cursor_batch(&sink->cursor, rows->array);
    for (int64_t row = first; !rc && row < end; row++)
        if (route_plan.refuse &&
            tow_view_int64(&sink->cursor.columns[0], row) % route_plan.refuse == 0)
            rc = sink->host->settle(sink->host, rows->seq, row, 1, TOW_ROW_REJECTED, "toy_refused",
                                    "a number it does not like");
    return rc;
}

/* Rows that are not refused, one by one. */
static int toys_accept(struct toys_sink *sink, const struct tow_rows *rows, int64_t first,
                       int64_t end)
{
    int rc = TOW_OK;

    tow_cursor_batch(&sink->cursor, rows->array);
    for (int64_t row = first; !rc && row < end; row++)
        if (!route_plan.refuse ||
            tow_view_int64(&sink->cursor.columns[0], row) % route_plan.refuse != 0)
            rc = sink->host->settle(sink->host, rows->seq, row, 1, TOW_ROW_ACCEPTED, NULL, NULL);
    return rc;
}

static int toys_settle_oldest(struct toys_sink *sink)
{
    const struct tow_rows oldest = sink->held[0];

    memmove(sink->held, sink->held + 1, (size_t)--sink->held_count * sizeof *sink->held);
    toys_take(sink, &oldest, 0, oldest.array->length);
    int rc = toys_reject(sink, &oldest, 0, oldest.array->length);
    return rc ? rc : toys_accept(sink, &oldest, 0, oldest.array->length);
}

static int toys_write_locked(struct toys_sink *sink, const struct tow_rows *rows,
                             struct tow_error *err)
{
    const int64_t half = rows->array->length / 2;
    int rc = toys_step(err);

    if (rc && route_plan.settles_half) {
        toys_take(sink, rows, 0, half);
        if (toys_reject(sink, rows, 0, half) || toys_accept(sink, rows, 0, half))
            return TOW_E_BUG;
    }
    if (rc)
        return rc;
    if (rows->seq == (uint64_t)route_plan.beyond)
        return sink->host->settle(sink->host, rows->seq, rows->array->length, 1, TOW_ROW_ACCEPTED,
                                  NULL, NULL);
    if (toys_has(TOW_SINK_DEFERS)) {
        sink->held[sink->held_count++] = *rows;
        return sink->held_count > route_plan.lag ? toys_settle_oldest(sink) : TOW_OK;
    }
    toys_take(sink, rows, 0, rows->array->length);
    return toys_reject(sink, rows, 0, rows->array->length);
}

static int32_t toys_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    pthread_mutex_lock(&toys_lock);
    int rc = toys_write_locked(self, rows, err);
    pthread_mutex_unlock(&toys_lock);
    return rc;
}

static int32_t toys_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    struct toys_sink *sink = self;
    int rc = toys_step(err);

    pthread_mutex_lock(&toys_lock);
    if (rc) /* it lets go of what is not settled */
        sink->held_count = 0;
    while (!rc && sink->held_count > 0)
        rc = toys_settle_oldest(sink);
    if (!rc)
        tow_position_set_int(token, sink->table->count[sink->host->worker]);
    pthread_mutex_unlock(&toys_lock);
    return rc ? rc : toys_step(err);
}

/* The last worker publishes what all have. */
static int32_t toys_finish(void *self, struct tow_error *err)
{
    struct toys_sink *sink = self;
    struct route_table *table = sink->table;
    int rc = toys_step(err);

    if (rc || sink->host->worker + 1 < sink->host->workers)
        return rc;
    table->finishes++;
    if (strcmp(table->load, sink->host->load_id) != 0)
        table->published_before = route_plan.repeats ? 0 : table->published_count;
    strcpy(table->load, sink->host->load_id);
    table->published_count = table->published_before;
    for (uint32_t worker = 0; worker < sink->host->workers; worker++)
        for (int64_t i = 0; i < table->count[worker]; i++)
            table->published[table->published_count++] = table->unpublished[worker][i];
    return toys_step(err);
}

static void toys_close(void *self)
{
    struct toys_sink *sink = self;

    tow_cursor_release(&sink->cursor);
    if (sink->host)
        __atomic_sub_fetch(&route_far_end->open, 1, __ATOMIC_SEQ_CST);
}

static struct tow_sink_ops toys_sink_ops = {
    .size = sizeof toys_sink_ops,
    .check = toys_check,
    .open = toys_open,
    .begin = toys_begin,
    .write = toys_write,
    .flush = toys_flush,
    .finish = toys_finish,
    .close = toys_close,
};

static const struct tow_plugin toys_sink = {
    TOW_PLUGIN_HEAD,
    .name = "route_sink",
    .version = "1",
    .summary = "a table for each route",
    .instance_size = sizeof(struct toys_sink),
    .options = toys_sink_options,
    .sink = &toys_sink_ops,
};

/* ---- results -------------------------------------------------------------------------------- */

struct toys_results {
    struct tow_cursor cursor;
    int64_t success;
};

static int32_t toys_results_open(void *self, const struct tow_host *host,
                                 const struct tow_position *token, struct tow_error *err)
{
    (void)self, (void)host, (void)token, (void)err;
    return TOW_OK;
}

static int32_t toys_results_begin(void *self, const struct tow_host *host,
                                  const struct ArrowSchema *schema, struct tow_error *err)
{
    struct toys_results *results = self;

    (void)host;
    results->success = tow_schema_find(schema, "success");
    return tow_cursor_init(&results->cursor, schema, err);
}

static int32_t toys_results_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct toys_results *results = self;
    struct tow_cursor *cursor = &results->cursor;

    (void)err;
    tow_cursor_batch(cursor, rows->array);
    while (tow_cursor_next(cursor))
        route_far_end->results[tow_view_int64(&cursor->columns[0], cursor->row)] =
            tow_view_bool(&cursor->columns[results->success], cursor->row) ? 1 : 2;
    return TOW_OK;
}

/* Between the flush of the sinks and the transaction that saves their tokens. */
static int32_t toys_results_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    (void)self, (void)token;
    return toys_step(err);
}

static void toys_results_close(void *self)
{
    tow_cursor_release(&((struct toys_results *)self)->cursor);
}

static const struct tow_sink_ops toys_results_ops = {
    .size = sizeof toys_results_ops,
    .open = toys_results_open,
    .begin = toys_results_begin,
    .write = toys_results_write,
    .flush = toys_results_flush,
    .close = toys_results_close,
};

static const struct tow_plugin toys_results = {
    TOW_PLUGIN_HEAD,
    .name = "route_results",
    .version = "1",
    .summary = "what became of each number",
    .instance_size = sizeof(struct toys_results),
    .options = toys_no_options,
    .sink = &toys_results_ops,
};

/* ---- fixture -------------------------------------------------------------------------------- */

static struct tow_setting toys_table = {
    .name = "table", .kind = TOW_SETTING_STRING, .text = "t_{k}", .file = "toy.cfg", .line = 1};

void route_set_flags(uint32_t flags)
{
    toys_sink_ops.flags = flags;
}

void route_start_anew(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s/*", fixture->folder);
    assert_int_equal(system(command), 0);
    memset(route_far_end, 0, sizeof *route_far_end);
}

int route_set_up(void **state)
{
    int rc = run_set_up(state);

    if (!route_far_end)
        route_far_end = mmap(NULL, sizeof *route_far_end, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(route_far_end, 0, sizeof *route_far_end);
    route_plan = (struct route_plan){.rows = 300, .batch = 30};
    route_set_flags(0);
    fixture->assembly.source = &toys_source;
    fixture->assembly.sink = &toys_sink;
    fixture->assembly.results = &toys_results;
    fixture->job.has_results = 1;
    fixture->job.sink.items = &toys_table;
    fixture->job.sink.count = 1;
    fixture->job.has_route = 1;
    fixture->job.route =
        (struct tow_route_spec){.by = "k", .max = 20, .open = 20, .keep_column = 1, .file = "toy"};
    return rc;
}

int route_once(int64_t n)
{
    (void)n;
    return 1;
}

void route_published(int64_t count, int (*times)(int64_t n), const char *(*name)(int64_t n))
{
    static int seen[ROUTE_ROWS];

    memset(seen, 0, sizeof seen);
    for (int i = 0; i < route_far_end->table_count; i++) {
        const struct route_table *table = &route_far_end->tables[i];

        for (int64_t row = 0; row < table->published_count; row++) {
            seen[table->published[row]]++;
            if (strcmp(table->name, name(table->published[row])) != 0)
                fail_msg("number %lld is in table %s, not %s", (long long)table->published[row],
                         table->name, name(table->published[row]));
        }
    }
    for (int64_t n = 0; n < ROUTE_ROWS; n++)
        if (seen[n] != (n < count ? times(n) : 0))
            fail_msg("number %lld was published %d times", (long long)n, seen[n]);
}
