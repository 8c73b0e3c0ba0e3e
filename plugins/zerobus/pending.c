#include "plugins/zerobus/pending.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- batches --------------------------------------------------------------------------------- */

struct tow_bus_batch *tow_bus_pending_add(struct tow_bus_pending *pending,
                                          const struct tow_rows *rows, struct tow_error *err)
{
    size_t count = (size_t)rows->array->length;
    struct tow_bus_batch *batch = calloc(1, sizeof *batch + count), **at = &pending->batches;

    if (!batch) {
        tow_error_nomem(err);
        return NULL;
    }
    batch->seq = rows->seq;
    batch->array = rows->array;
    batch->open = rows->array->length;
    while (*at)
        at = &(*at)->next;
    *at = batch;
    return batch;
}

void tow_bus_pending_drop(struct tow_bus_pending *pending, struct tow_bus_batch *batch)
{
    struct tow_bus_batch **at = &pending->batches;

    while (*at != batch)
        at = &(*at)->next;
    *at = batch->next;
    free(batch);
}

void tow_bus_pending_forget(struct tow_bus_pending *pending, uint64_t seq)
{
    struct tow_bus_batch *batch = pending->batches;

    while (batch && batch->seq != seq)
        batch = batch->next;
    if (batch)
        tow_bus_pending_drop(pending, batch);
}

void tow_bus_pending_release(struct tow_bus_pending *pending)
{
    while (pending->batches)
        tow_bus_pending_drop(pending, pending->batches);
}

int tow_bus_settle(const struct tow_host *host, struct tow_bus_batch *batch, int64_t first,
                   int64_t count, int outcome, const char *code, const char *message,
                   struct tow_error *err)
{
    int rc = host->settle(host, batch->seq, first, count, outcome, code, message);

    if (rc != TOW_OK)
        return tow_error_set(
            err, rc, "rows %" PRId64 " to %" PRId64 " of batch %" PRIu64 " could not be settled",
            first, first + count - 1, batch->seq);
    memset(batch->settled + first, 1, (size_t)count);
    batch->open -= count;
    return TOW_OK;
}

/* ---- requests -------------------------------------------------------------------------------- */

int tow_bus_line_add(struct tow_bus_line *line, uint64_t ticket, struct tow_bus_batch *batch,
                     int64_t first, size_t count, int32_t *rows, struct tow_error *err)
{
    struct tow_bus_request *request = calloc(1, sizeof *request);

    if (!request) {
        free(rows);
        return tow_error_nomem(err);
    }
    *request = (struct tow_bus_request){.ticket = ticket,
                                        .batch = batch,
                                        .first = first,
                                        .count = count,
                                        .left = count,
                                        .rows = rows};
    if (line->newest)
        line->newest->next = request;
    else
        line->oldest = request;
    line->newest = request;
    return TOW_OK;
}

static void line_free_request(struct tow_bus_request *request)
{
    free(request->rows);
    free(request);
}

static void line_take_oldest(struct tow_bus_line *line)
{
    struct tow_bus_request *request = line->oldest;

    line->oldest = request->next;
    if (!line->oldest)
        line->newest = NULL;
    line_free_request(request);
}

void tow_bus_line_take_back(struct tow_bus_line *line)
{
    struct tow_bus_request **at = &line->oldest, *before = NULL;

    while (*at != line->newest) {
        before = *at;
        at = &(*at)->next;
    }
    line_free_request(*at);
    *at = NULL;
    line->newest = before;
}

void tow_bus_line_release(struct tow_bus_line *line)
{
    while (line->oldest)
        line_take_oldest(line);
}

static int64_t line_row(const struct tow_bus_request *request, size_t record)
{
    return request->rows ? request->rows[record] : request->first + (int64_t)record;
}

/* Neighbours in one call. */
static int line_settle_records(const struct tow_bus_request *request, const struct tow_host *host,
                               const struct tow_zerobus_outcome *outcome, struct tow_error *err)
{
    const int is_refused = outcome->is_refused;
    size_t record = outcome->first, end = outcome->first + outcome->count;
    int code = TOW_OK;

    while (record < end && code == TOW_OK) {
        int64_t first = line_row(request, record), count = 1;

        while (++record < end && line_row(request, record) == first + count)
            count++;
        code = tow_bus_settle(
            host, request->batch, first, count, is_refused ? TOW_ROW_REJECTED : TOW_ROW_ACCEPTED,
            is_refused ? "refused" : NULL, is_refused ? outcome->message : NULL, err);
    }
    return code;
}

int tow_bus_line_settle(struct tow_bus_line *line, const struct tow_host *host,
                        const struct tow_zerobus_outcome *outcome, struct tow_bus_batch **batch,
                        struct tow_error *err)
{
    struct tow_bus_request *request = line->oldest;
    int code;

    if (!request || request->ticket != outcome->ticket ||
        outcome->first + outcome->count > request->count)
        return tow_error_set(err, TOW_E_BUG, "an outcome of ticket %" PRIu64 " was not awaited",
                             outcome->ticket);
    *batch = request->batch;
    code = line_settle_records(request, host, outcome, err);
    request->left -= outcome->count;
    if (request->left == 0)
        line_take_oldest(line);
    return code;
}
