/* Rows of a batch on their way to the children. */
#include <stdlib.h>
#include <string.h>

#include "run/route/route_priv.h"

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
static void rows_mark_held(const struct route_batch *batch, uint8_t *held)
{
    for (const struct route_sub *sub = batch->subs; sub; sub = sub->next)
        for (int64_t i = 0; i < sub->count; i++)
            if (sub->rows && sub->rows[i] >= 0)
                held[sub->rows[i]] = 1;
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
    int rc = route_batch_settle(sink, batch, row, 1, TOW_ROW_REJECTED, code, message);

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
        rc = route_sub_settle_rest(sub, batch, TOW_ROW_REJECTED, "refused", reason, err);
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
            route_sub_free(sub);
        return rc;
    }
    rc = sub_write(sub, batch, rows, array, err);
    /* It has forgotten the rows that it did not settle. */
    if (rc && route_defers(child->sink))
        route_batch_let_go(batch, child);
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
            rc = route_sub_settle_rest(sub, batch, TOW_ROW_ACCEPTED, NULL, NULL, &own);
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
    struct route_batch *batch = route_batch_find(sink, rows->seq);
    uint8_t *held = NULL;
    int rc = rows_reserve(sink, rows->array->length, err);

    if (!rc && batch) {
        rc = route_batch_again(batch, rows->array->length, err);
        held = rc ? NULL : calloc(1, (size_t)rows->array->length + 1);
        if (held)
            rows_mark_held(batch, held);
        else if (!rc)
            rc = tow_error_nomem(err);
    } else if (!rc) {
        rc = route_batch_begin(sink, rows, &batch, err);
    }
    if (!rc)
        rc = batch_write(sink, batch, rows, held, err);
    free(held);
    if (batch && !route_defers(sink))
        route_batch_remove(sink, batch);
    route_drop_batches(sink, 0);
    return rc;
}
