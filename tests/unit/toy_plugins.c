#include "toy_plugins.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct toy_source_plan toy_source_plan;
struct toy_sink_plan toy_sink_plan;
struct toy_far_end *toy_far_end;

static pthread_mutex_t toy_lock = PTHREAD_MUTEX_INITIALIZER;
static int toy_writing;

void toy_reset(void)
{
    toy_source_plan = (struct toy_source_plan){
        .rows = 1000, .batch = 100, .fail_at = -1, .loses = -1, .kill_at = -1, .column = "n"};
    toy_sink_plan = (struct toy_sink_plan){.fail_at = -1};
    if (!toy_far_end)
        toy_far_end = mmap(NULL, sizeof *toy_far_end, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(toy_far_end, 0, sizeof *toy_far_end);
    toy_sink_set_flags(0);
}

static void toy_die(void)
{
    kill(getpid(), SIGKILL);
}

/* ---- source --------------------------------------------------------------------------------- */

struct toy_source {
    const struct tow_host *host;
    struct tow_builder *builder;
    int64_t next;
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
    source->next = tow_position_get_int(from, 0);
    source->builder = tow_builder_new(&field, 1, err);
    return source->builder ? TOW_OK : TOW_E_NOMEM;
}

static int32_t toy_source_schema(void *self, struct ArrowSchema *out, struct tow_error *err)
{
    struct tow_field field = toy_field();

    (void)self;
    return tow_schema_make(out, &field, 1, err);
}

static int toy_source_row(struct toy_source *source, struct tow_error *err)
{
    const struct toy_source_plan *plan = &toy_source_plan;
    int64_t n = source->next++;

    if (n == plan->kill_at)
        toy_die();
    if (n == plan->loses)
        return source->host->settle ? TOW_OK : TOW_E_BUG;
    if (plan->unreadable && n % plan->unreadable == plan->unreadable - 1) {
        const struct tow_source_reject row = {.size = sizeof row,
                                              .code = "toy_unreadable",
                                              .message = "not a number to its taste",
                                              .origin = "toy",
                                              .line = n + 1,
                                              .offset = n,
                                              .raw = "?",
                                              .raw_length = 1};

        source->host->reject(source->host, &row);
        return TOW_OK;
    }
    int rc = tow_append_int64(source->builder, 0, n, err);
    return rc ? rc : tow_builder_end_row(source->builder, err);
}

static int32_t toy_source_read(void *self, struct tow_batch *out, struct tow_error *err)
{
    struct toy_source *source = self;
    struct toy_source_plan *plan = &toy_source_plan;
    int64_t end = source->next + plan->batch;
    int rc = TOW_OK;

    if (source->next >= plan->rows) {
        if (plan->follows)
            tow_position_set_int(&out->position, source->next);
        return TOW_END;
    }
    if (plan->fail_at >= source->next && plan->fail_at < end && plan->fail_times > 0) {
        plan->fail_times--;
        return tow_error_set(err, plan->fail_code, "the toy source fails as told");
    }
    while (!rc && source->next < end && source->next < plan->rows)
        rc = toy_source_row(source, err);
    if (!rc)
        rc = tow_builder_finish(source->builder, &out->array, err);
    out->origin = "toy";
    tow_position_set_int(&out->position, source->next);
    return rc;
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

struct toy_sink {
    const struct tow_host *host;
    struct tow_cursor cursor;
    uint64_t deferred[TOY_DEFERRED_MAX]; /* batches that were taken and not settled */
    int deferred_count;
};

static int32_t toy_sink_open(void *self, const struct tow_host *host,
                             const struct tow_position *token, struct tow_error *err)
{
    (void)err;
    ((struct toy_sink *)self)->host = host;
    toy_far_end->opens_with_token += token->length > 0;
    if (host->workers == 1)
        toy_far_end->unpublished_count = tow_position_get_int(token, 0);
    return TOW_OK;
}

static int32_t toy_sink_begin(void *self, const struct tow_host *host,
                              const struct ArrowSchema *schema, struct tow_error *err)
{
    (void)host;
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
        end /= 2;
    }
    tow_cursor_batch(&sink->cursor, rows->array);
    while (tow_cursor_next(&sink->cursor) && sink->cursor.row < end)
        if (toy_sink_row(sink, rows, tow_view_int64(&sink->cursor.columns[0], sink->cursor.row)))
            return TOW_E_BUG;
    if (plan->defers)
        sink->deferred[sink->deferred_count++ % TOY_DEFERRED_MAX] = rows->seq;
    return fails ? tow_error_set(err, plan->fail_code, "the toy sink fails as told") : TOW_OK;
}

static int32_t toy_sink_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    pthread_mutex_lock(&toy_lock);
    if (++toy_writing > toy_sink_plan.most_at_once)
        toy_sink_plan.most_at_once = toy_writing;
    int rc = toy_sink_write_locked(self, rows, err);
    toy_writing--;
    pthread_mutex_unlock(&toy_lock);
    return rc;
}

static int32_t toy_sink_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    struct toy_sink *sink = self;

    if (toy_sink_plan.kill_in_flush == 2)
        toy_die();
    if (toy_sink_plan.flush_fail_times > 0) {
        toy_sink_plan.flush_fail_times--;
        return tow_error_set(err, toy_sink_plan.flush_fail_code, "the toy flush fails as told");
    }
    sink->deferred_count = 0;
    if (sink->host->workers == 1)
        tow_position_set_int(token, toy_far_end->unpublished_count);
    if (toy_sink_plan.kill_in_flush == 1)
        toy_die();
    return TOW_OK;
}

static int32_t toy_sink_finish(void *self, struct tow_error *err)
{
    struct toy_far_end *far = toy_far_end;

    (void)self;
    toy_sink_plan.finishes++;
    if (toy_sink_plan.finish_fail_times > 0) {
        toy_sink_plan.finish_fail_times--;
        return tow_error_set(err, TOW_E_TRANSIENT, "the toy finish fails as told");
    }
    if (toy_sink_plan.kill_in_finish == 2)
        toy_die();
    memcpy(far->published, far->unpublished, sizeof far->published);
    far->published_count = far->unpublished_count;
    if (toy_sink_plan.kill_in_finish == 1)
        toy_die();
    return TOW_OK;
}

static void toy_sink_close(void *self)
{
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

/* ---- transform: leaves out multiples of 10, rejects multiples of 7 ----------------------------
 */

struct toy_transform {
    const struct tow_host *host;
    struct tow_cursor cursor;
    struct tow_builder *builder;
};

static int32_t toy_transform_begin(void *self, const struct tow_host *host,
                                   const struct ArrowSchema *in, struct ArrowSchema *out,
                                   struct tow_error *err)
{
    struct toy_transform *transform = self;
    static const struct tow_field field = {"n", {TOW_TYPE_INT64, 0, 0}, 0};

    transform->host = host;
    transform->builder = tow_builder_new(&field, 1, err);
    if (!transform->builder)
        return TOW_E_NOMEM;
    int rc = tow_cursor_init(&transform->cursor, in, err);
    return rc ? rc : tow_schema_copy(out, in, err);
}

static int32_t toy_transform_apply(void *self, const struct tow_rows *rows, struct ArrowArray *out,
                                   struct tow_error *err)
{
    struct toy_transform *transform = self;
    const struct tow_host *host = transform->host;
    int rc = TOW_OK;

    tow_cursor_batch(&transform->cursor, rows->array);
    while (!rc && tow_cursor_next(&transform->cursor)) {
        int64_t row = transform->cursor.row;
        int64_t value = tow_view_int64(&transform->cursor.columns[0], row);

        if (value % 10 == 0)
            rc = host->settle(host, rows->seq, row, 1, TOW_ROW_FILTERED, NULL, NULL);
        else if (value % 7 == 0)
            rc = host->settle(host, rows->seq, row, 1, TOW_ROW_REJECTED, "toy_seven", "a seventh");
        else {
            rc = tow_append_int64(transform->builder, 0, value, err);
            if (!rc)
                rc = tow_builder_end_row(transform->builder, err);
        }
    }
    return rc ? rc : tow_builder_finish(transform->builder, out, err);
}

static void toy_transform_close(void *self)
{
    struct toy_transform *transform = self;

    tow_builder_free(transform->builder);
    tow_cursor_release(&transform->cursor);
}

static const struct tow_transform_ops toy_transform_ops = {
    .size = sizeof toy_transform_ops,
    .begin = toy_transform_begin,
    .apply = toy_transform_apply,
    .close = toy_transform_close,
};

const struct tow_plugin toy_transform = {
    TOW_PLUGIN_HEAD,
    .name = "toy_transform",
    .version = "1",
    .summary = "leaves out tens, rejects sevens",
    .instance_size = sizeof(struct toy_transform),
    .options = toy_options,
    .transform = &toy_transform_ops,
};
