/* One chunk on its way: its link is resolved, then downloaded, over and over where need be. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/databricks/fetch_priv.h"
#include "towpath/clock.h"

#define SLOT_UNREACHED    3      /* failures to connect before storage counts as out of reach */
#define SLOT_HOLD_MS      1000   /* after a failure ahead of need */
#define SLOT_LINK_AGE_MS  600000 /* of a first link that does not say when it ends */
#define SLOT_ANSWER_LIMIT ((size_t)1 << 20)

static const char slot_advice[] =
    "links lead to cloud storage: allow this machine to reach that host (egress rules, proxy), or "
    "write result = \"inline\", for results of up to 25 MiB";

/* ---- results --------------------------------------------------------------------------------- */

static void slot_enter(struct tow_fetch_slot *slot, enum tow_fetch_state state)
{
    struct tow_fetch *fetch = slot->fetch;

    pthread_mutex_lock(&fetch->lock);
    slot->state = state;
    slot->is_paused = 0;
    if (slot->chunk == fetch->current)
        tow_fetch_tell(fetch);
    pthread_mutex_unlock(&fetch->lock);
}

static void slot_fail(struct tow_fetch_slot *slot, const struct tow_error *err)
{
    struct tow_fetch *fetch = slot->fetch;
    int64_t pause = err->retry_after_ms > SLOT_HOLD_MS ? err->retry_after_ms : SLOT_HOLD_MS;

    pthread_mutex_lock(&fetch->lock);
    slot->state = TOW_FETCH_FAILED;
    slot->is_paused = 0;
    slot->may_restart = slot->chunk != fetch->current;
    slot->err = *err;
    tow_error_prefix(&slot->err, "chunk %" PRId64 " of the result", slot->chunk);
    if (slot->may_restart)
        fetch->hold_ms = tow_monotonic_ms() + pause;
    else
        tow_fetch_tell(fetch);
    pthread_mutex_unlock(&fetch->lock);
}

/* ---- downloads ------------------------------------------------------------------------------- */

/* The answer's header is there. An answer to a request for the rest may hold the rest, or all. */
static int slot_begin(struct tow_fetch_slot *slot, const struct tow_http_call *call,
                      struct tow_error *err)
{
    int64_t length = tow_http_length(call);
    int status = tow_http_status(call);

    if (status != 200 && !(status == 206 && slot->received > 0))
        return tow_error_set(err, TOW_E_ENV, "storage answers with HTTP %d", status);
    slot->skip = status == 200 ? slot->received : 0;
    if (status == 206 && length >= 0)
        length += slot->received;
    if (length >= 0 && slot->total >= 0 && length != slot->total)
        return tow_error_set(err, TOW_E_ENV,
                             "storage has %" PRId64 " bytes of it where it had %" PRId64 " before",
                             length, slot->total);
    if (length >= 0)
        slot->total = length;
    slot->has_begun = 1;
    return TOW_OK;
}

/* Storage has answered. */
static void slot_reached(struct tow_fetch *fetch)
{
    pthread_mutex_lock(&fetch->lock);
    fetch->was_reached = 1;
    fetch->unreached = 0;
    pthread_mutex_unlock(&fetch->lock);
}

static int slot_take(void *context, const struct tow_http_call *call, const void *bytes,
                     size_t length, struct tow_error *err)
{
    struct tow_fetch_slot *slot = context;
    struct tow_fetch *fetch = slot->fetch;
    size_t known;
    int code = slot->has_begun ? TOW_OK : slot_begin(slot, call, err);

    if (code != TOW_OK)
        return code;
    known = slot->skip < (int64_t)length ? (size_t)slot->skip : length;
    pthread_mutex_lock(&fetch->lock);
    if (tow_fetch_has_room(fetch, slot, length - known)) {
        code = tow_fetch_append(fetch, slot, (const char *)bytes + known, length - known, err);
        if (slot->chunk == fetch->current)
            tow_fetch_tell(fetch);
    } else {
        slot->is_paused = 1;
        fetch->thread_starves = 1;
        slot->paused_ms = tow_monotonic_ms();
        code = TOW_END;
    }
    pthread_mutex_unlock(&fetch->lock);
    if (code == TOW_OK)
        slot->skip -= (int64_t)known;
    return code;
}

static void slot_load(struct tow_fetch_slot *slot)
{
    struct tow_fetch *fetch = slot->fetch;
    struct tow_error err = TOW_ERROR_INIT;
    size_t count = slot->link.header_count;

    memcpy(slot->headers, slot->link.headers, count * sizeof *slot->headers);
    if (slot->received > 0) {
        snprintf(slot->range, sizeof slot->range, "bytes=%" PRId64 "-", slot->received);
        slot->headers[count++] = (struct tow_http_header){"Range", slot->range};
    }
    slot->request = (struct tow_http_request){.method = "GET",
                                              .url = slot->link.url,
                                              .headers = slot->headers,
                                              .header_count = count,
                                              .is_elsewhere = 1,
                                              .take = slot_take,
                                              .context = slot};
    slot->has_begun = 0;
    slot->skip = 0;
    slot->link_was_used = 1;
    slot_enter(slot, TOW_FETCH_LOADING);
    slot->call = tow_http_start(fetch->databricks->http, &slot->request, &err);
    if (slot->call)
        return;
    /* The link is the server's, and so are its faults. */
    if (err.code == TOW_E_CONFIG)
        err.code = TOW_E_ENV;
    slot_fail(slot, &err);
}

/* Storage refuses the link: another one may be better. */
static void slot_refused(struct tow_fetch_slot *slot, const struct tow_http_response *response)
{
    struct tow_error err = TOW_ERROR_INIT;

    tow_fetch_link_release(&slot->link);
    if (slot->refreshes++ < slot->fetch->refreshes) {
        tow_fetch_slot_start(slot);
        return;
    }
    tow_http_refused(response, "storage refuses fresh links", &err);
    tow_databricks_hint(&err, TOW_E_ENV, "%s", slot_advice);
    slot_fail(slot, &err);
}

/* The exchange failed; err says how. */
static void slot_broken(struct tow_fetch_slot *slot, struct tow_error *err)
{
    struct tow_fetch *fetch = slot->fetch;
    int is_unsent = tow_http_was_unsent(fetch->databricks->http), never, times;

    if (err->code == TOW_E_ENV && is_unsent)
        tow_databricks_hint(err, TOW_E_ENV, "%s", slot_advice);
    if (err->code == TOW_E_TRANSIENT && is_unsent) {
        pthread_mutex_lock(&fetch->lock);
        never = !fetch->was_reached;
        times = slot->chunk == fetch->current ? ++fetch->unreached : 0;
        pthread_mutex_unlock(&fetch->lock);
        if (never)
            tow_databricks_hint(err, times < SLOT_UNREACHED ? TOW_E_TRANSIENT : TOW_E_ENV, "%s",
                                slot_advice);
    }
    slot_fail(slot, err);
}

static int slot_is_refusal(int status)
{
    /* 400: S3 says so of a session that has ended. */
    return status == 400 || status == 401 || status == 403 || status == 404 || status == 410;
}

static void slot_loaded(struct tow_fetch_slot *slot, const struct tow_http_response *response,
                        int code, struct tow_error *err)
{
    if (code != TOW_OK) {
        slot_broken(slot, err);
        return;
    }
    slot_reached(slot->fetch);
    if (response->status == 200 || response->status == 206) {
        if (slot->skip > 0 || (slot->total >= 0 && slot->received != slot->total)) {
            tow_error_set(err, TOW_E_ENV, "storage has less of it than before");
            slot_fail(slot, err);
        } else {
            slot_enter(slot, TOW_FETCH_DONE);
        }
    } else if (slot_is_refusal(response->status)) {
        slot_refused(slot, response);
    } else {
        if (tow_http_refused(response, "storage", err) == TOW_E_CONFIG)
            err->code = TOW_E_ENV;
        slot_fail(slot, err);
    }
}

/* ---- links ----------------------------------------------------------------------------------- */

static void slot_resolve(struct tow_fetch_slot *slot)
{
    struct tow_fetch *fetch = slot->fetch;
    struct tow_error err = TOW_ERROR_INIT;
    char path[256];
    const struct tow_databricks_call call = {
        .what = "resolving its link", .method = "GET", .path = path, .limit = SLOT_ANSWER_LIMIT};
    int code = tow_databricks_login(fetch->databricks, &err);

    snprintf(path, sizeof path, TOW_STATEMENT_PATH "/%s/result/chunks/%" PRId64,
             fetch->statement->id, slot->chunk);
    if (code == TOW_OK)
        code = tow_databricks_exchange_init(&slot->exchange, fetch->databricks, &call, &err);
    slot->login = fetch->databricks->logins;
    if (code == TOW_OK) {
        slot_enter(slot, TOW_FETCH_RESOLVING);
        slot->call = tow_http_start(fetch->databricks->http, &slot->exchange.request, &err);
    }
    if (slot->call)
        return;
    tow_databricks_exchange_release(&slot->exchange);
    slot_fail(slot, &err);
}

/* The link of the answer, which is taken at once. */
static int slot_take_link(struct tow_fetch_slot *slot, const struct tow_databricks_call *call,
                          const struct tow_http_response *response, struct tow_error *err)
{
    json_t *answer;
    int code = tow_databricks_parse(slot->fetch->databricks, call, response, &answer, err);

    if (code == TOW_OK)
        code = tow_fetch_link_read(&slot->link, answer, slot->chunk, err);
    json_decref(answer);
    if (code != TOW_OK)
        return code;
    slot->link_was_used = 0;
    pthread_mutex_lock(&slot->fetch->lock);
    if (slot->link.rows >= 0)
        slot->rows = slot->link.rows;
    pthread_mutex_unlock(&slot->fetch->lock);
    return TOW_OK;
}

static void slot_gone(struct tow_fetch_slot *slot, struct tow_error *err)
{
    struct tow_fetch *fetch = slot->fetch;

    pthread_mutex_lock(&fetch->lock);
    fetch->is_gone = 1;
    pthread_mutex_unlock(&fetch->lock);
    tow_databricks_hint(err, TOW_E_ENV, "results are kept for an hour: the next run reads anew");
    slot_fail(slot, err);
}

static int slot_is_gone(const struct tow_http_response *response)
{
    struct tow_http_problem problem;

    if (response->status != 400)
        return response->status == 404 || response->status == 410;
    tow_http_problem(response, &problem);
    return strcasestr(problem.message, "closed") || strcasestr(problem.message, "expired");
}

/* After a 401: 1 where there is another token, which another slot may have fetched already. */
static int slot_log_in_anew(struct tow_fetch_slot *slot)
{
    struct tow_databricks *databricks = slot->fetch->databricks;

    if (slot->logged_anew)
        return 0;
    slot->logged_anew = 1;
    return slot->login != databricks->logins || tow_databricks_forget(databricks);
}

static void slot_resolved(struct tow_fetch_slot *slot, const struct tow_http_response *response,
                          int code, struct tow_error *err)
{
    const struct tow_databricks_call call = {.what = "resolving its link"};
    struct tow_databricks *databricks = slot->fetch->databricks;

    tow_databricks_exchange_release(&slot->exchange);
    if (code == TOW_OK && response->status == 401 && slot_log_in_anew(slot)) {
        slot_resolve(slot);
        return;
    }
    if (code != TOW_OK)
        tow_error_prefix(err, "%s", call.what);
    else
        code = tow_databricks_judge(databricks, &call, response, err);
    if (code == TOW_OK)
        code = slot_take_link(slot, &call, response, err);
    if (code == TOW_OK)
        slot_load(slot);
    else if (slot_is_gone(response))
        slot_gone(slot, err);
    else
        slot_fail(slot, err);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The link that came with the statement, for the first chunk. */
static void slot_take_first(struct tow_fetch_slot *slot)
{
    const struct tow_statement *statement = slot->fetch->statement;
    int64_t age = tow_monotonic_ms() - statement->succeeded_ms;

    if (slot->chunk != 0 || slot->link_was_used || !statement->first ||
        tow_fetch_link_read(&slot->link, statement->first, 0, NULL) != TOW_OK)
        return;
    if ((slot->link.expires_ms == INT64_MAX && age > SLOT_LINK_AGE_MS) ||
        !tow_fetch_link_lasts(&slot->link)) {
        tow_fetch_link_release(&slot->link);
        return;
    }
    pthread_mutex_lock(&slot->fetch->lock);
    if (slot->link.rows >= 0)
        slot->rows = slot->link.rows;
    pthread_mutex_unlock(&slot->fetch->lock);
}

void tow_fetch_slot_start(struct tow_fetch_slot *slot)
{
    if (!slot->link.url)
        slot_take_first(slot);
    /* A fresh link is tried whatever this machine's clock says. */
    if (slot->link.url && (!slot->link_was_used || tow_fetch_link_lasts(&slot->link))) {
        slot_load(slot);
        return;
    }
    tow_fetch_link_release(&slot->link);
    slot_resolve(slot);
}

void tow_fetch_slot_ended(struct tow_fetch_slot *slot)
{
    struct tow_http_response response = {.status = 0};
    struct tow_error err = TOW_ERROR_INIT;
    int code = tow_http_finish(slot->call, &response, &err);

    slot->call = NULL;
    if (slot->state == TOW_FETCH_RESOLVING)
        slot_resolved(slot, &response, code, &err);
    else
        slot_loaded(slot, &response, code, &err);
    tow_http_response_release(&response);
}

void tow_fetch_slot_break(struct tow_fetch_slot *slot)
{
    if (slot->call)
        (void)tow_http_finish(slot->call, NULL, NULL);
    slot->call = NULL;
    tow_databricks_exchange_release(&slot->exchange);
    slot_enter(slot, TOW_FETCH_WAITING);
}

void tow_fetch_slot_reset(struct tow_fetch_slot *slot, int64_t chunk)
{
    const struct tow_statement *statement = slot->fetch->statement;

    tow_fetch_slot_break(slot);
    tow_fetch_link_release(&slot->link);
    slot->link_was_used = 0;
    slot->refreshes = 0;
    slot->logged_anew = 0;
    slot->received = 0;
    slot->total = -1;
    pthread_mutex_lock(&slot->fetch->lock);
    slot->chunk = chunk;
    slot->rows =
        statement->chunk_rows && chunk < statement->chunks ? statement->chunk_rows[chunk] : -1;
    pthread_mutex_unlock(&slot->fetch->lock);
}
