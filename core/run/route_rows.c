/*
 * Rows of a batch on their way to the children, and what becomes of them on the way back.
 *
 * A sink that settles its rows in write needs a batch's record for that call alone. One that defers
 * keeps rows: where another child fails, the worker brings all rows again that are not settled,
 * under new numbers. Those that a child still holds are then left with it, and get their new
 * number; the rows of before that are not settled are, in their order, the rows of now.
 */
#include <stdlib.h>
#include <string.h>

#include "run/route_priv.h"

/* ---- batches in hand ------------------------------------------------------------------------ */

static void sub_free(struct route_sub *sub)
{
    if (sub->array.release)
        sub->array.release(&sub->array);
    free(sub->shell);
    free(sub->rows);
    free(sub);
}

static void batch_free(struct route_batch *batch)
{
    while (batch->subs) {
        struct route_sub *sub = batch->subs;

        batch->subs = sub->next;
        sub_free(sub);
    }
    free(batch->settled);
    free(batch);
}

static struct route_batch *batch_find(const struct route_sink *sink, uint64_t seq)
{
    struct route_batch *batch = sink->batches;

    while (batch && batch->seq != seq)
        batch = batch->next;
    return batch;
}

static void batch_remove(struct route_sink *sink, struct route_batch *batch)
{
    struct route_batch **at = &sink->batches;

    while (*at != batch)
        at = &(*at)->next;
    *at = batch->next;
    batch_free(batch);
}

void route_drop_batches(struct route_sink *sink, int all)
{
    struct route_batch **at = &sink->batches;

    while (*at) {
        struct route_batch *batch = *at;

        if (!all && batch->open > 0) {
            at = &batch->next;
            continue;
        }
        *at = batch->next;
        batch_free(batch);
    }
}

static int batch_begin(struct route_sink *sink, const struct tow_rows *rows,
                       struct route_batch **out, struct tow_error *err)
{
    struct route_batch *batch = calloc(1, sizeof *batch);

    if (batch)
        batch->settled = calloc(1, (size_t)rows->array->length + 1);
    if (!batch || !batch->settled) {
        free(batch);
        return tow_error_nomem(err);
    }
    batch->seq = rows->seq;
    batch->length = batch->open = rows->array->length;
    batch->next = sink->batches;
    sink->batches = batch;
    *out = batch;
    return TOW_OK;
}

/* Numbers of a child's rows, from those of before to those of now. */
static int sub_renumber(struct route_sub *sub, const int64_t *now, struct tow_error *err)
{
    if (!sub->rows) {
        sub->rows = reallocarray(NULL, (size_t)sub->count + 1, sizeof *sub->rows);
        if (!sub->rows)
            return tow_error_nomem(err);
        for (int64_t i = 0; i < sub->count; i++)
            sub->rows[i] = i;
    }
    for (int64_t i = 0; i < sub->count; i++)
        sub->rows[i] = sub->rows[i] < 0 ? -1 : now[sub->rows[i]];
    return TOW_OK;
}

/* The batch came before; now[] is where each of its rows is, -1 where it is settled. */
static int batch_renumber(struct route_batch *batch, int64_t *now, int64_t length,
                          struct tow_error *err)
{
    int64_t count = 0;

    for (int64_t i = 0; i < batch->length; i++)
        now[i] = batch->settled[i] ? -1 : count++;
    if (count != length)
        return tow_error_set(err, TOW_E_BUG, "batch %llu comes again with %lld rows, %lld are open",
                             (unsigned long long)batch->seq, (long long)length, (long long)count);
    for (struct route_sub *sub = batch->subs; sub; sub = sub->next)
        if (sub_renumber(sub, now, err))
            return err->code;
    memset(batch->settled, 0, (size_t)batch->length);
    batch->length = batch->open = length;
    return TOW_OK;
}

static int batch_again(struct route_batch *batch, int64_t length, struct tow_error *err)
{
    int64_t *now = reallocarray(NULL, (size_t)batch->length + 1, sizeof *now);
    int rc = now ? batch_renumber(batch, now, length, err) : tow_error_nomem(err);

    free(now);
    return rc;
}

/* ---- what becomes of rows ------------------------------------------------------------------- */

static int batch_settle(struct route_sink *sink, struct route_batch *batch, int64_t first,
                        int64_t count, int outcome, const char *code, const char *message)
{
    int rc = sink->host->settle(sink->host, batch->seq, first, count, outcome, code, message);

    for (int64_t i = first; !rc && i < first + count; i++) {
        batch->open -= !batch->settled[i];
        batch->settled[i] = 1;
    }
    return rc;
}

/* Rows [first, first + count) of a child, in as few calls as their numbers allow. */
static int sub_settle(struct route_sub *sub, struct route_batch *batch, int64_t first,
                      int64_t count, int outcome, const char *code, const char *message)
{
    struct route_sink *sink = sub->child->sink;
    int rc = TOW_OK;

    if (!sub->rows)
        return batch_settle(sink, batch, first, count, outcome, code, message);
    for (int64_t i = first, end; !rc && i < first + count; i = end) {
        for (end = i + 1; end < first + count && sub->rows[end] == sub->rows[end - 1] + 1; end++)
            ;
        rc = batch_settle(sink, batch, sub->rows[i], end - i, outcome, code, message);
    }
    return rc;
}

/* Those of a child's rows that are open. */
static int sub_settle_rest(struct route_sub *sub, struct route_batch *batch, int outcome,
                           const char *code, const char *message, struct tow_error *err)
{
    int rc = TOW_OK;

    for (int64_t i = 0, end; !rc && i < sub->count; i = end) {
        const int64_t row = sub->rows ? sub->rows[i] : i;

        end = i + 1;
        if (row < 0 || batch->settled[row])
            continue;
        while (end < sub->count && (sub->rows ? sub->rows[end] : end) == row + end - i &&
               !batch->settled[row + end - i])
            end++;
        rc = batch_settle(sub->child->sink, batch, row, end - i, outcome, code, message);
    }
    return rc ? tow_error_set(err, rc, "rows of a route could not be settled") : TOW_OK;
}

static struct route_sub *batch_sub_of(const struct route_batch *batch,
                                      const struct route_child *child)
{
    struct route_sub *sub = batch ? batch->subs : NULL;

    while (sub && sub->child != child)
        sub = sub->next;
    return sub;
}

int route_settle(void *context, uint64_t seq, int64_t first, int64_t count, int outcome,
                 const char *code, const char *message)
{
    const struct route_child *child = context;
    struct route_batch *batch = batch_find(child->sink, seq);
    struct route_sub *sub = batch_sub_of(batch, child);
    struct tow_error err = TOW_ERROR_INIT;

    if (!sub)
        tow_error_set(&err, TOW_E_BUG, "%s: batch %llu is not in this sink's hands",
                      child->instance.box.area, (unsigned long long)seq);
    else if (first < 0 || count < 0 || first > sub->count || count > sub->count - first)
        tow_error_set(&err, TOW_E_BUG,
                      "%s: batch %llu, row %lld: settled, but this try has no "
                      "such row",
                      child->instance.box.area, (unsigned long long)seq, (long long)first);
    for (int64_t i = first; !err.code && sub->rows && i < first + count; i++)
        if (sub->rows[i] < 0)
            tow_error_set(&err, TOW_E_BUG, "%s: batch %llu, row %lld: settled twice",
                          child->instance.box.area, (unsigned long long)seq, (long long)i);
    if (err.code) {
        run_fail(child->sink->route->run, &err, -1);
        return err.code;
    }
    return sub_settle(sub, batch, first, count, outcome, code, message);
}

int route_keep(void *context, uint64_t seq)
{
    const struct tow_host *host = ((const struct route_child *)context)->sink->host;

    return host->keep(host, seq);
}

int route_accept(struct route_child *child, struct tow_error *err)
{
    int rc = TOW_OK;

    for (struct route_batch *batch = child->sink->batches; !rc && batch; batch = batch->next)
        for (struct route_sub *sub = batch->subs; !rc && sub; sub = sub->next)
            if (sub->child == child)
                rc = sub_settle_rest(sub, batch, TOW_ROW_ACCEPTED, NULL, NULL, err);
    return rc;
}

static void batch_let_go(struct route_batch *batch, const struct route_child *child)
{
    struct route_sub **at = &batch->subs;

    while (*at) {
        struct route_sub *sub = *at;

        if (sub->child != child) {
            at = &sub->next;
            continue;
        }
        *at = sub->next;
        sub_free(sub);
    }
}

void route_let_go(struct route_child *child)
{
    for (struct route_batch *batch = child->sink->batches; batch; batch = batch->next)
        batch_let_go(batch, child);
}

/* ---- which row goes where ------------------------------------------------------------------- */

static int rows_reserve(struct route_sink *sink, int64_t length, struct tow_error *err)
{
    if (length <= sink->row_capacity)
        return TOW_OK;
    free(sink->of_row);
    free(sink->picked);
    sink->of_row = reallocarray(NULL, (size_t)length, sizeof *sink->of_row);
    sink->picked = reallocarray(NULL, (size_t)length, sizeof *sink->picked);
    sink->row_capacity = sink->of_row && sink->picked ? length : 0;
    return sink->row_capacity ? TOW_OK : tow_error_nomem(err);
}

/* Rows that a child holds still stay with it. */
static void rows_mark_held(struct route_sink *sink, const struct route_batch *batch, uint8_t *held)
{
    for (const struct route_sub *sub = batch->subs; sub; sub = sub->next)
        for (int64_t i = 0; i < sub->count; i++)
            if (sub->rows && sub->rows[i] >= 0)
                held[sub->rows[i]] = 1;
    (void)sink;
}

/* The value of a row; NULL where it has none and nothing stands for that. */
static const char *rows_value(const struct route_sink *sink, const struct tow_view *view,
                              int64_t row, size_t *length)
{
    const char *null = sink->route->spec->null;
    const char *value = NULL;

    *length = 0;
    if (!tow_view_is_null(view, row))
        value = tow_view_bytes(view, row, length);
    if (*length > 0)
        return value;
    *length = null ? strlen(null) : 0;
    return null;
}

static int rows_reject(struct route_sink *sink, struct route_batch *batch, int64_t row,
                       const char *code, const char *message, struct tow_error *err)
{
    int rc = batch_settle(sink, batch, row, 1, TOW_ROW_REJECTED, code, message);

    sink->of_row[row] = ROUTE_NONE;
    return rc ? tow_error_set(err, rc, "a row could not be rejected") : TOW_OK;
}

/* One row; *last is the route of the row before. */
static int rows_assign(struct route_sink *sink, struct route_batch *batch,
                       const struct tow_view *view, int64_t row, struct route_name **last,
                       struct tow_error *err)
{
    struct tow_error why = TOW_ERROR_INIT;
    const char *code = NULL;
    size_t length;
    const char *value = rows_value(sink, view, row, &length);

    if (!value) {
        tow_error_set(&why, TOW_E_DATA, "column %s is null or empty: no route is known for the row",
                      sink->route->spec->by);
        return rows_reject(sink, batch, row, ROUTE_CODE_NULL, why.message, err);
    }
    if (!*last || (*last)->length != length || memcmp((*last)->value, value, length) != 0) {
        struct route_name *found = NULL;
        int rc = route_find(sink->route, value, length, &found, &code, &why);

        if (rc == TOW_E_DATA)
            return rows_reject(sink, batch, row, code, why.message, err);
        if (rc) {
            *err = why;
            return rc;
        }
        *last = found;
    }
    sink->of_row[row] = (int32_t)(*last)->index;
    struct route_child *child = route_child_of(sink, *last, err);
    if (!child)
        return TOW_E_NOMEM;
    child->wanted++;
    return TOW_OK;
}

static int rows_assign_all(struct route_sink *sink, struct route_batch *batch,
                           const struct tow_rows *rows, const uint8_t *held, struct tow_error *err)
{
    struct route_name *last = NULL;
    struct tow_view view;
    int rc = TOW_OK;

    tow_view_init(&view, &sink->route->run->out, rows->array, sink->route->column);
    for (size_t i = 0; i < sink->child_capacity; i++)
        if (sink->children[i])
            sink->children[i]->wanted = 0;
    pthread_mutex_lock(&sink->route->lock);
    for (int64_t row = 0; !rc && row < rows->array->length; row++) {
        sink->of_row[row] = ROUTE_NONE;
        if (!held || !held[row])
            rc = rows_assign(sink, batch, &view, row, &last, err);
    }
    pthread_mutex_unlock(&sink->route->lock);
    return rc;
}

/* The rows of each child behind each other. */
static void rows_pick(struct route_sink *sink, int64_t length)
{
    int64_t first = 0;

    for (size_t i = 0; i < sink->child_capacity; i++) {
        struct route_child *child = sink->children[i];

        if (!child)
            continue;
        child->first = first;
        first += child->wanted;
        child->wanted = 0;
    }
    for (int64_t row = 0; row < length; row++) {
        if (sink->of_row[row] == ROUTE_NONE)
            continue;
        struct route_child *child = sink->children[sink->of_row[row]];

        sink->picked[child->first + child->wanted++] = row;
    }
}

/* ---- handing on ----------------------------------------------------------------------------- */

static void shell_release(struct ArrowArray *array)
{
    array->release = NULL;
}

/* The array without the routing column: an array and its list of children, which are borrowed. */
static int sub_make_shell(struct route_sub *sub, const struct ArrowArray *array, int64_t column,
                          struct tow_error *err)
{
    const size_t count = (size_t)array->n_children;

    sub->shell = calloc(1, sizeof *sub->shell + count * sizeof *sub->shell->children);
    if (!sub->shell)
        return tow_error_nomem(err);
    *sub->shell = *array;
    sub->shell->children = (struct ArrowArray **)(sub->shell + 1);
    sub->shell->n_children = 0;
    sub->shell->release = shell_release;
    for (int64_t i = 0; i < array->n_children; i++)
        if (i != column)
            sub->shell->children[sub->shell->n_children++] = array->children[i];
    return TOW_OK;
}

/* The rows that the child gets, without a copy where it gets all. */
static int sub_make(struct route_child *child, const struct tow_rows *rows, struct route_sub **out,
                    const struct ArrowArray **array, struct tow_error *err)
{
    const struct route *route = child->sink->route;
    struct route_sub *sub = *out = calloc(1, sizeof *sub);

    if (!sub)
        return tow_error_nomem(err);
    sub->child = child;
    sub->count = child->wanted;
    *array = rows->array;
    int rc =
        route->spec->keep_column ? TOW_OK : sub_make_shell(sub, rows->array, route->column, err);
    if (!rc && sub->shell)
        *array = sub->shell;
    if (rc || sub->count == rows->array->length)
        return rc;
    sub->rows = reallocarray(NULL, (size_t)sub->count + 1, sizeof *sub->rows);
    if (!sub->rows)
        return tow_error_nomem(err);
    memcpy(sub->rows, child->sink->picked + child->first, (size_t)sub->count * sizeof *sub->rows);
    rc = tow_array_take(&route->schema, *array, sub->rows, sub->count, &sub->array, err);
    *array = &sub->array;
    return rc;
}

/* One call of the child's write. What it settles finds the rows in the batch. */
static int sub_write(struct route_sub *sub, struct route_batch *batch, const struct tow_rows *rows,
                     const struct ArrowArray *array, struct tow_error *err)
{
    struct route_child *child = sub->child;
    const struct tow_rows offer = {
        .size = sizeof offer, .attempt = rows->attempt, .seq = rows->seq, .array = array};

    sub->next = batch->subs;
    batch->subs = sub;
    child->is_dirty = 1;
    tow_host_clear(err);
    int rc = child->sink->route->real->sink->write(child->instance.instance.self, &offer, err);
    rc = tow_host_result(&child->instance.box, "write", rc, err);
    if (rc == TOW_E_DATA) {
        char reason[sizeof err->message];

        memcpy(reason, err->message, sizeof reason);
        rc = sub_settle_rest(sub, batch, TOW_ROW_REJECTED, "refused", reason, err);
    }
    sub->is_taken = rc == TOW_OK;
    return rc;
}

static int child_write(struct route_child *child, struct route_batch *batch,
                       const struct tow_rows *rows, struct tow_error *err)
{
    const struct ArrowArray *array = NULL;
    struct route_sub *sub = NULL;
    int rc = route_child_open(child, err);

    if (!rc)
        rc = sub_make(child, rows, &sub, &array, err);
    if (rc) {
        if (sub)
            sub_free(sub);
        return rc;
    }
    rc = sub_write(sub, batch, rows, array, err);
    /* It has forgotten the rows that it did not settle. */
    if (rc && route_defers(child->sink))
        batch_let_go(batch, child);
    return rc;
}

/* After a failure, what the others took is accepted now: the worker brings the rest again. */
static int batch_accept_taken(struct route_sink *sink, struct route_batch *batch,
                              struct tow_error *err)
{
    struct tow_error own = TOW_ERROR_INIT;
    int rc = TOW_OK;

    for (struct route_sub *sub = batch->subs; !rc && sub && !route_defers(sink); sub = sub->next)
        if (sub->is_taken)
            rc = sub_settle_rest(sub, batch, TOW_ROW_ACCEPTED, NULL, NULL, &own);
    if (rc)
        *err = own;
    return rc ? rc : err->code;
}

static int batch_write(struct route_sink *sink, struct route_batch *batch,
                       const struct tow_rows *rows, const uint8_t *held, struct tow_error *err)
{
    int rc = rows_assign_all(sink, batch, rows, held, err);

    if (!rc)
        rows_pick(sink, rows->array->length);
    for (size_t i = 0; !rc && i < sink->child_capacity; i++)
        if (sink->children[i] && sink->children[i]->wanted > 0)
            rc = child_write(sink->children[i], batch, rows, err);
    return rc ? batch_accept_taken(sink, batch, err) : TOW_OK;
}

int32_t route_write(void *self, const struct tow_rows *rows, struct tow_error *err)
{
    struct route_sink *sink = self;
    struct route_batch *batch = batch_find(sink, rows->seq);
    uint8_t *held = NULL;
    int rc = rows_reserve(sink, rows->array->length, err);

    if (!rc && batch) {
        rc = batch_again(batch, rows->array->length, err);
        held = rc ? NULL : calloc(1, (size_t)rows->array->length + 1);
        if (held)
            rows_mark_held(sink, batch, held);
        else if (!rc)
            rc = tow_error_nomem(err);
    } else if (!rc) {
        rc = batch_begin(sink, rows, &batch, err);
    }
    if (!rc)
        rc = batch_write(sink, batch, rows, held, err);
    free(held);
    if (batch && !route_defers(sink))
        batch_remove(sink, batch);
    route_drop_batches(sink, 0);
    return rc;
}
