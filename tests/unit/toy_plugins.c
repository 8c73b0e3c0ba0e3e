#include "toy_plugins.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct toy_source_plan toy_source_plan;
struct toy_sink_plan toy_sink_plan;
struct toy_results_plan toy_results_plan;
struct toy_transform_plan toy_transform_plan;
struct toy_far_end *toy_far_end;

static pthread_mutex_t toy_lock = PTHREAD_MUTEX_INITIALIZER;
static int toy_writing;

void toy_reset(void)
{
    toy_source_plan = (struct toy_source_plan){
        .rows = 1000,
        .batch = 100,
        .fail_at = -1,
        .loses = -1,
        .kill_at = -1,
        .block_at = -1,
        .hook_at = -1,
        .column = "n",
    };
    toy_sink_plan = (struct toy_sink_plan){
        .fail_at = -1,
        .twice = -1,
        .beyond = -1,
        .filters = -1,
        .block_at = -1,
        .finish_fail_code = TOW_E_TRANSIENT,
    };
    toy_results_plan = (struct toy_results_plan){.refuse = -1};
    toy_transform_plan = (struct toy_transform_plan){.loses = -1, .beyond = -1, .fail_at = -1};
    if (!toy_far_end)
        toy_far_end = mmap(NULL, sizeof *toy_far_end, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(toy_far_end, 0, sizeof *toy_far_end);
    toy_sink_set_flags(0);
    toy_results_set_flags(0);
}

void toy_die(void)
{
    kill(getpid(), SIGKILL);
}

void toy_wait(const struct tow_host *host)
{
    struct pollfd wait = {.fd = host->cancel_fd(host), .events = POLLIN};

    while (!host->cancelled(host))
        poll(&wait, 1, -1);
}

/* ---- source --------------------------------------------------------------------------------- */

struct toy_source {
    const struct tow_host *host;
    struct tow_builder *builder;
    int64_t first, next;
    int was_empty; /* the batch before had no rows */
    char mark[24];
};

static struct tow_field toy_field(void)
{
    return (struct tow_field){toy_source_plan.column, {TOW_TYPE_INT64, 0, 0}, 0};
}

static int32_t toy_source_open(void *self, const struct tow_host *host,
                               const struct tow_position *from, struct tow_error *err)
{
    struct toy_source *source = self;
    struct tow_field field = toy_field();

    toy_source_plan.opened++;
    source->host = host;
    source->first = source->next = tow_position_get_int(from, 0);
    source->builder = tow_builder_new(&field, 1, err);
    if (source->builder && toy_source_plan.open_fail_times > 0) {
        toy_source_plan.open_fail_times--;
        return tow_error_set(err, toy_source_plan.open_fail_code, "the toy open fails as told");
    }
    return source->builder ? TOW_OK : TOW_E_NOMEM;
}

static int32_t toy_source_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    struct tow_field field = toy_field();

    (void)self;
    if (toy_source_plan.schema_fail_times > 0) {
        toy_source_plan.schema_fail_times--;
        return tow_error_set(err, toy_source_plan.schema_fail_code, "the toy schema fails as told");
    }
    return tow_schema_make(out, &field, 1, err);
}

static int toy_source_reject(const struct toy_source *source, int64_t n)
{
    const struct tow_source_reject row = {.size = sizeof row,
                                          .code = "toy_unreadable",
                                          .message = "not a number to its taste",
                                          .origin = "toy",
                                          .line = n + 1,
                                          .offset = n,
                                          .raw = "?",
                                          .raw_length = 1};

    return source->host->reject(source->host, &row);
}

static void toy_source_before(const struct toy_source *source, int64_t n)
{
    struct toy_source_plan *plan = &toy_source_plan;

    if (n == plan->kill_at)
        toy_die();
    if (n == plan->hook_at) {
        plan->hook_at = -1;
        plan->hook();
    }
    if (n == plan->block_at)
        toy_wait(source->host);
}

static int toy_source_row(struct toy_source *source, struct tow_error *err)
{
    const struct toy_source_plan *plan = &toy_source_plan;
    int64_t n = source->next++;

    if (n == plan->loses)
        return TOW_OK;
    if (plan->unreadable && n % plan->unreadable == plan->unreadable - 1) {
        toy_source_reject(source, n);
        return TOW_OK;
    }
    int rc = tow_append_int64(source->builder, 0, n, err);
    return rc ? rc : tow_builder_end_row(source->builder, err);
}

/* Line numbers of a single row, whatever the batch has. */
static int toy_source_bad_lines(struct tow_batch *out, struct tow_error *err)
{
    static const struct tow_field field = {"line", {TOW_TYPE_INT64, 0, 0}, 0};
    struct tow_builder *builder = tow_builder_new(&field, 1, err);
    struct ArrowArray rows = {0};
    int rc = builder ? tow_append_int64(builder, 0, 1, err) : TOW_E_NOMEM;

    if (!rc)
        rc = tow_builder_end_row(builder, err);
    if (!rc)
        rc = tow_builder_finish(builder, &rows, err);
    tow_builder_free(builder);
    struct tow_share *share = rc ? NULL : tow_share_new(&rows, err);
    if (share)
        rc = tow_share_column(share, 0, &out->lines, err);
    tow_share_unref(share);
    return rc;
}

/* What goes along with the rows. */
static int toy_source_dress(struct toy_source *source, struct tow_batch *out, struct tow_error *err)
{
    const struct toy_source_plan *plan = &toy_source_plan;

    out->origin = "toy";
    tow_position_set_int(&out->position, source->next);
    if (plan->counts) {
        out->flags = TOW_BATCH_COUNTED;
        out->counted = source->next - source->first;
    }
    if (plan->marks) {
        snprintf(source->mark, sizeof source->mark, "%lld", (long long)source->next - 1);
        out->mark_key = "toy";
        out->mark_value = source->mark;
    }
    return plan->bad_lines ? toy_source_bad_lines(out, err) : TOW_OK;
}

static int toy_source_end(struct toy_source *source, struct tow_batch *out)
{
    const struct toy_source_plan *plan = &toy_source_plan;

    if (plan->follows)
        tow_position_set_int(&out->position, source->next);
    if (plan->end_length)
        out->position.length = plan->end_length;
    if (plan->reject_at_end)
        toy_source_reject(source, source->next);
    return TOW_END;
}

static int toy_source_fails(const struct toy_source *source)
{
    struct toy_source_plan *plan = &toy_source_plan;

    if (plan->fail_at < source->next || plan->fail_at >= source->next + plan->batch ||
        plan->fail_times == 0)
        return 0;
    plan->fail_times--;
    return 1;
}

static int32_t toy_source_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct toy_source *source = self;
    const struct toy_source_plan *plan = &toy_source_plan;
    int64_t end = source->next + plan->batch;
    int rc = TOW_OK;

    if (plan->cancels)
        return TOW_E_CANCELLED;
    if (source->next >= plan->rows)
        return toy_source_end(source, out);
    if (toy_source_fails(source)) {
        if (plan->reject_and_fail)
            toy_source_reject(source, source->next++);
        return tow_error_set(err, plan->fail_code, "the toy source fails as told");
    }
    if (plan->empty && !source->was_empty) {
        source->was_empty = 1;
        return toy_source_dress(source, out, err);
    }
    source->was_empty = 0;
    while (!rc && source->next < end && source->next < plan->rows) {
        toy_source_before(source, source->next);
        if (source->host->cancelled(source->host) && plan->block_at >= 0)
            return TOW_E_CANCELLED;
        rc = toy_source_row(source, err);
    }
    if (!rc)
        rc = tow_builder_finish(source->builder, &out->array, err);
    return rc ? rc : toy_source_dress(source, out, err);
}

static void toy_source_close(void *self)
{
    toy_source_plan.closed++;
    tow_builder_free(((struct toy_source *)self)->builder);
}

static const struct tow_option toy_options[] = {TOW_OPTIONS_END};

static const struct tow_source_ops toy_source_ops = {
    .size = sizeof toy_source_ops,
    .open = toy_source_open,
    .schema = toy_source_schema,
    .read = toy_source_read,
    .close = toy_source_close,
};

const struct tow_plugin toy_source = {
    TOW_PLUGIN_HEAD,
    .name = "toy",
    .version = "1",
    .summary = "numbers",
    .instance_size = sizeof(struct toy_source),
    .options = toy_options,
    .source = &toy_source_ops,
};

/* ---- sink ----------------------------------------------------------------------------------- */

#define TOY_DEFERRED_MAX 64

/* A batch that was taken and not settled. */
struct toy_deferred {
    uint64_t seq;
    int64_t rows;
};

struct toy_sink {
    const struct tow_host *host;
    struct tow_cursor cursor;
    struct toy_deferred deferred[TOY_DEFERRED_MAX];
    int deferred_count;
    int64_t sure; /* rows of the far end that were settled */
};

static int32_t toy_sink_open(void *self, const struct tow_host *host,
                             const struct tow_position *token, struct tow_error *err)
{
    struct toy_sink *sink = self;

    (void)err;
    toy_sink_plan.opened++;
    sink->host = host;
    toy_far_end->opens_with_token += token->length > 0;
    /* What is final cannot be cut off. */
    if (host->workers == 1 && !(toy_sink.sink->flags & TOW_SINK_FINAL))
        toy_far_end->unpublished_count = tow_position_get_int(token, 0);
    sink->sure = toy_far_end->unpublished_count;
    return TOW_OK;
}

static int32_t toy_sink_begin(void *self, const struct tow_host *host,
                              const struct ArrowSchema *schema, struct tow_error *err)
{
    (void)host;
    if (toy_sink_plan.begin_fail_times > 0) {
        toy_sink_plan.begin_fail_times--;
        return tow_error_set(err, toy_sink_plan.begin_fail_code, "the toy begin fails as told");
    }
    return tow_cursor_init(&((struct toy_sink *)self)->cursor, schema, err);
}

static void toy_sink_take(int64_t value)
{
    toy_far_end->unpublished[toy_far_end->unpublished_count++ % TOY_ROWS_MAX] = value;
}

static int toy_sink_holds(const struct toy_sink *sink, const struct tow_rows *rows, int64_t value)
{
    struct tow_cursor cursor = sink->cursor;
    int found = 0;

    tow_cursor_batch(&cursor, rows->array);
    while (!found && tow_cursor_next(&cursor))
        found = tow_view_int64(&cursor.columns[0], cursor.row) == value;
    return found;
}

static int toy_sink_row(struct toy_sink *sink, const struct tow_rows *rows, int64_t value)
{
    const struct toy_sink_plan *plan = &toy_sink_plan;

    if (plan->refuse && value % plan->refuse == 0)
        return sink->host->settle(sink->host, rows->seq, sink->cursor.row, 1, TOW_ROW_REJECTED,
                                  "toy_refused", "a number it does not like");
    toy_sink_take(value);
    if (plan->fail_after_settling)
        return sink->host->settle(sink->host, rows->seq, sink->cursor.row, 1, TOW_ROW_ACCEPTED,
                                  NULL, NULL);
    return TOW_OK;
}

/* Bugs, as told. */
static int toy_sink_misbehaves(struct toy_sink *sink, const struct tow_rows *rows)
{
    const struct toy_sink_plan *plan = &toy_sink_plan;
    const struct tow_host *host = sink->host;
    int64_t length = rows->array->length;

    if (toy_sink_holds(sink, rows, plan->twice)) {
        host->settle(host, rows->seq, 0, length, TOW_ROW_ACCEPTED, NULL, NULL);
        return host->settle(host, rows->seq, 0, 1, TOW_ROW_ACCEPTED, NULL, NULL);
    }
    if (toy_sink_holds(sink, rows, plan->beyond))
        return host->settle(host, rows->seq, length, 1, TOW_ROW_ACCEPTED, NULL, NULL);
    if (toy_sink_holds(sink, rows, plan->filters))
        return host->settle(host, rows->seq, 0, 1, TOW_ROW_FILTERED, NULL, NULL);
    return TOW_OK;
}

/* Keeps the batch in mind, and settles the oldest where there are too many. */
static int toy_sink_defer(struct toy_sink *sink, const struct tow_rows *rows)
{
    const struct toy_sink_plan *plan = &toy_sink_plan;
    struct toy_deferred oldest = sink->deferred[0];

    sink->deferred[sink->deferred_count++] = (struct toy_deferred){rows->seq, rows->array->length};
    if (plan->settle_lag == 0 || sink->deferred_count <= plan->settle_lag)
        return TOW_OK;
    memmove(sink->deferred, sink->deferred + 1,
            (size_t)--sink->deferred_count * sizeof *sink->deferred);
    sink->sure += oldest.rows;
    return sink->host->settle(sink->host, oldest.seq, 0, oldest.rows, TOW_ROW_ACCEPTED, NULL, NULL);
}

static int toy_sink_write_locked(struct toy_sink *sink, const struct tow_rows *rows,
                                 struct tow_error *err)
{
    struct toy_sink_plan *plan = &toy_sink_plan;
    int fails = plan->fail_times > 0 && toy_sink_holds(sink, rows, plan->fail_at);
    int64_t end = rows->array->length;

    if (fails) {
        plan->fail_times--;
        if (!plan->fail_after_settling)
            return tow_error_set(err, plan->fail_code, "the toy sink fails as told");
        end = plan->fail_after_settling == 1 ? end / 2 : end;
    }
    if (toy_sink_misbehaves(sink, rows))
        return TOW_OK;
    tow_cursor_batch(&sink->cursor, rows->array);
    while (tow_cursor_next(&sink->cursor) && sink->cursor.row < end)
        if (toy_sink_row(sink, rows, tow_view_int64(&sink->cursor.columns[0], sink->cursor.row)))
            return TOW_E_BUG;
    if (plan->defers && toy_sink_defer(sink, rows))
        return TOW_E_BUG;
    if (fails && plan->kill_in_write == 2 && sink->host->keep(sink->host, rows->seq))
        return TOW_E_BUG;
    if (fails && plan->kill_in_write)
        toy_die();
    return fails ? tow_error_set(err, plan->fail_code, "the toy sink fails as told") : TOW_OK;
}

static int toy_sink_block(struct toy_sink *sink)
{
    __atomic_add_fetch(&toy_sink_plan.waiting, 1, __ATOMIC_SEQ_CST);
    toy_wait(sink->host);
    __atomic_sub_fetch(&toy_sink_plan.waiting, 1, __ATOMIC_SEQ_CST);
    return TOW_E_CANCELLED;
}

static int32_t toy_sink_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    if (toy_sink_holds(self, rows, toy_sink_plan.block_at))
        return toy_sink_block(self);
    pthread_mutex_lock(&toy_lock);
    if (++toy_writing > toy_sink_plan.most_at_once)
        toy_sink_plan.most_at_once = toy_writing;
    int rc = toy_sink_write_locked(self, rows, err);
    toy_writing--;
    pthread_mutex_unlock(&toy_lock);
    return rc;
}

static int toy_sink_flush_fails(struct toy_sink *sink, struct tow_error *err)
{
    struct toy_sink_plan *plan = &toy_sink_plan;

    plan->flush_fail_times--;
    if (plan->forgets) {
        toy_far_end->unpublished_count = sink->sure;
        sink->deferred_count = 0;
    }
    return tow_error_set(err, plan->flush_fail_code, "the toy flush fails as told");
}

static int32_t toy_sink_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    struct toy_sink *sink = self;

    toy_sink_plan.flushes++;
    if (toy_sink_plan.block_in_flush == 1)
        return toy_sink_block(sink);
    if (toy_sink_plan.kill_in_flush == 2)
        toy_die();
    if (toy_sink_plan.flush_fail_times > 0)
        return toy_sink_flush_fails(sink, err);
    sink->deferred_count = 0;
    sink->sure = toy_far_end->unpublished_count;
    if (sink->host->workers == 1)
        tow_position_set_int(token, toy_far_end->unpublished_count);
    if (toy_sink_plan.token_length)
        token->length = toy_sink_plan.token_length;
    if (toy_sink_plan.kill_in_flush == 1)
        toy_die();
    return TOW_OK;
}

/* The rows of the load in place of all, or behind what earlier loads brought. */
static void toy_publish(const struct tow_host *host)
{
    struct toy_far_end *far = toy_far_end;

    if (strcmp(far->load, host->load_id) != 0) {
        snprintf(far->load, sizeof far->load, "%s", host->load_id);
        far->load_base = toy_sink_plan.appends ? far->published_count : 0;
    }
    memcpy(far->published + far->load_base, far->unpublished,
           (size_t)far->unpublished_count * sizeof *far->published);
    far->published_count = far->load_base + far->unpublished_count;
}

static int32_t toy_sink_finish(void *self, struct tow_error *err)
{

    toy_sink_plan.finishes++;
    if (toy_sink_plan.block_in_flush == 2)
        return toy_sink_block(self);
    if (toy_sink_plan.finish_fail_times > 0) {
        toy_sink_plan.finish_fail_times--;
        return tow_error_set(err, toy_sink_plan.finish_fail_code, "the toy finish fails as told");
    }
    if (toy_sink_plan.kill_in_finish == 2)
        toy_die();
    toy_publish(((struct toy_sink *)self)->host);
    if (toy_sink_plan.kill_in_finish == 1)
        toy_die();
    return TOW_OK;
}

static void toy_sink_close(void *self)
{
    toy_sink_plan.closed++;
    tow_cursor_release(&((struct toy_sink *)self)->cursor);
}

/* Not const: tests set the flags. */
static struct tow_sink_ops toy_sink_ops = {
    .size = sizeof toy_sink_ops,
    .open = toy_sink_open,
    .begin = toy_sink_begin,
    .write = toy_sink_write,
    .flush = toy_sink_flush,
    .finish = toy_sink_finish,
    .close = toy_sink_close,
};

void toy_sink_set_flags(uint32_t flags)
{
    toy_sink_ops.flags = flags;
}

const struct tow_plugin toy_sink = {
    TOW_PLUGIN_HEAD,
    .name = "toy_sink",
    .version = "1",
    .summary = "keeps numbers",
    .instance_size = sizeof(struct toy_sink),
    .options = toy_options,
    .sink = &toy_sink_ops,
};
