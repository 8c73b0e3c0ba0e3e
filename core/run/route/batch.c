/*
 * Batches of which children have rows, and what becomes of those on the way back.
 *
 * A sink that settles its rows in write needs a batch's record for that call alone. One that defers
 * keeps rows: where another child fails, the worker brings all rows again that are not settled,
 * under new numbers. Those that a child still holds are then left with it, and get their new
 * number; the rows of before that are not settled are, in their order, the rows of now.
 */
#include <stdlib.h>
#include <string.h>

#include "run/route/route_priv.h"

/* ---- batches in hand ------------------------------------------------------------------------ */

void route_sub_free(struct route_sub *sub)
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
        route_sub_free(sub);
    }
    free(batch->settled);
    free(batch);
}

struct route_batch *route_batch_find(const struct route_sink *sink, uint64_t seq)
{
    struct route_batch *batch = sink->batches;

    while (batch && batch->seq != seq)
        batch = batch->next;
    return batch;
}

void route_batch_remove(struct route_sink *sink, struct route_batch *batch)
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

int route_batch_begin(struct route_sink *sink, const struct tow_rows *rows,
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

int route_batch_again(struct route_batch *batch, int64_t length, struct tow_error *err)
{
    int64_t *now = reallocarray(NULL, (size_t)batch->length + 1, sizeof *now);
    int rc = now ? batch_renumber(batch, now, length, err) : tow_error_nomem(err);

    free(now);
    return rc;
}

/* ---- what becomes of rows ------------------------------------------------------------------- */

int route_batch_settle(struct route_sink *sink, struct route_batch *batch, int64_t first,
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
        return route_batch_settle(sink, batch, first, count, outcome, code, message);
    for (int64_t i = first, end; !rc && i < first + count; i = end) {
        for (end = i + 1; end < first + count && sub->rows[end] == sub->rows[end - 1] + 1; end++)
            ;
        rc = route_batch_settle(sink, batch, sub->rows[i], end - i, outcome, code, message);
    }
    return rc;
}

/* Those of a child's rows that are open. */
int route_sub_settle_rest(struct route_sub *sub, struct route_batch *batch, int outcome,
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
        rc = route_batch_settle(sub->child->sink, batch, row, end - i, outcome, code, message);
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
    struct route_batch *batch = route_batch_find(child->sink, seq);
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
    for (int64_t i = first; sub && !err.code && sub->rows && i < first + count; i++)
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
                rc = route_sub_settle_rest(sub, batch, TOW_ROW_ACCEPTED, NULL, NULL, err);
    return rc;
}

void route_batch_let_go(struct route_batch *batch, const struct route_child *child)
{
    struct route_sub **at = &batch->subs;

    while (*at) {
        struct route_sub *sub = *at;

        if (sub->child != child) {
            at = &sub->next;
            continue;
        }
        *at = sub->next;
        route_sub_free(sub);
    }
}

void route_let_go(struct route_child *child)
{
    for (struct route_batch *batch = child->sink->batches; batch; batch = batch->next)
        route_batch_let_go(batch, child);
}
