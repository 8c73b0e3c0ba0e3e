#include <string.h>

#include "toy_plugins.h"

#define TOY_KEPT_MAX 4096

struct toy_results {
    const struct tow_host *host;
    struct tow_cursor cursor;
    int64_t number, success, code;        /* columns; number is -1 where the source has another */
    struct toy_result kept[TOY_KEPT_MAX]; /* taken, and not in the far end yet */
    int64_t kept_count;
};

static int32_t toy_results_open(void *self, const struct tow_host *host,
                                const struct tow_position *token, struct tow_error *err)
{
    (void)err;
    ((struct toy_results *)self)->host = host;
    toy_far_end->results_count = tow_position_get_int(token, 0);
    return TOW_OK;
}

static int32_t toy_results_begin(void *self, const struct tow_host *host,
                                 const struct ArrowSchema *schema, struct tow_error *err)
{
    struct toy_results *results = self;

    (void)host;
    results->number = tow_schema_find(schema, "n");
    results->success = tow_schema_find(schema, "success");
    results->code = tow_schema_find(schema, "error_code");
    return tow_cursor_init(&results->cursor, schema, err);
}

static void toy_results_take(struct toy_results *results)
{
    const struct tow_view *columns = results->cursor.columns;
    struct toy_result *to = toy_results_plan.defers
                                ? &results->kept[results->kept_count++ % TOY_KEPT_MAX]
                                : &toy_far_end->results[toy_far_end->results_count++];
    int64_t row = results->cursor.row;

    *to = (struct toy_result){.n = -1, .success = -1};
    if (results->number >= 0 && !tow_view_is_null(&columns[results->number], row))
        to->n = tow_view_int64(&columns[results->number], row);
    if (!tow_view_is_null(&columns[results->success], row))
        to->success = tow_view_bool(&columns[results->success], row);
    if (!tow_view_is_null(&columns[results->code], row)) {
        size_t length;
        const char *code = tow_view_bytes(&columns[results->code], row, &length);

        memcpy(to->code, code, length < sizeof to->code ? length : sizeof to->code - 1);
    }
}

static int32_t toy_results_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct toy_results *results = self;
    struct toy_results_plan *plan = &toy_results_plan;
    const struct tow_host *host = results->host;

    if (plan->fail_times > 0) {
        plan->fail_times--;
        return tow_error_set(err, plan->fail_code, "the toy results fail as told");
    }
    tow_cursor_batch(&results->cursor, rows->array);
    while (tow_cursor_next(&results->cursor)) {
        int64_t row = results->cursor.row;

        if (results->number < 0 || plan->refuse < 0 ||
            tow_view_int64(&results->cursor.columns[results->number], row) != plan->refuse) {
            toy_results_take(results);
            continue;
        }
        int rc = host->settle(host, rows->seq, row, 1, TOW_ROW_REJECTED, "toy", "not this one");
        if (!plan->hides_refusal)
            return rc;
    }
    return TOW_OK;
}

static int32_t toy_results_flush(void *self, struct tow_position *token, struct tow_error *err)
{
    struct toy_results *results = self;

    if (toy_results_plan.flush_fail_times > 0) {
        toy_results_plan.flush_fail_times--;
        results->kept_count = 0;
        return tow_error_set(err, TOW_E_TRANSIENT, "the toy results' flush fails as told");
    }
    memcpy(toy_far_end->results + toy_far_end->results_count, results->kept,
           (size_t)results->kept_count * sizeof *results->kept);
    toy_far_end->results_count += results->kept_count;
    results->kept_count = 0;
    tow_position_set_int(token, toy_far_end->results_count);
    return TOW_OK;
}

static int32_t toy_results_finish(void *self, struct tow_error *err)
{
    struct toy_results_plan *plan = &toy_results_plan;
    struct toy_far_end *far = toy_far_end;

    (void)self;
    if (plan->finish_fail_times > 0) {
        plan->finish_fail_times--;
        return tow_error_set(err, plan->finish_fail_code, "the toy results' finish fails as told");
    }
    if (plan->kill_in_finish == 2)
        toy_die();
    memcpy(far->published_results, far->results, sizeof far->results);
    far->published_results_count = far->results_count;
    if (plan->kill_in_finish == 1)
        toy_die();
    return TOW_OK;
}

static void toy_results_close(void *self)
{
    tow_cursor_release(&((struct toy_results *)self)->cursor);
}

static const struct tow_option toy_options[] = {TOW_OPTIONS_END};

/* Not const: tests set the flags. */
static struct tow_sink_ops toy_results_ops = {
    .size = sizeof toy_results_ops,
    .open = toy_results_open,
    .begin = toy_results_begin,
    .write = toy_results_write,
    .flush = toy_results_flush,
    .finish = toy_results_finish,
    .close = toy_results_close,
};

void toy_results_set_flags(uint32_t flags)
{
    toy_results_ops.flags = flags;
}

const struct tow_plugin toy_results = {
    TOW_PLUGIN_HEAD,
    .name = "toy_results",
    .version = "1",
    .summary = "keeps results",
    .instance_size = sizeof(struct toy_results),
    .options = toy_options,
    .sink = &toy_results_ops,
};
