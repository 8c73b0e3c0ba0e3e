#include "connectors/databricks/statement.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "connectors/databricks/statement_priv.h"
#include "towpath/clock.h"

#define STATEMENT_SUBMIT_MS   60000 /* the 10 s that the server waits, and time to spare */
#define STATEMENT_START_MS    (INT64_C(20) * 60 * 1000)
#define STATEMENT_POLL_GROWTH 25    /* the longest delay, in first ones: 5 s */
#define STATEMENT_UNANSWERED  12    /* polls in a row: half a minute, if each ends at once */
#define STATEMENT_PAUSE_MS    60000 /* what a Retry-After may ask for between polls */
#define STATEMENT_CANCEL_MS   10000 /* for what helps, but is not needed */
#define STATEMENT_HURRY_MS    800   /* for all that is done once cancel_fd is readable */
#define STATEMENT_SETTLE_MS   30000 /* from a cancel to the end of the statement */
#define STATEMENT_PATH_MAX    256

/* One statement under way. */
struct run {
    struct tow_databricks *databricks;
    const struct tow_statement_request *request;
    struct tow_statement *out;
    struct tow_statement_status status;
    int64_t submitted_ms, running_ms; /* monotonic; running_ms 0: not seen running yet */
    int64_t delay_ms;
    int unanswered; /* polls in a row that brought nothing */
    int told;       /* waiting was called */
    int gone;       /* the server knows nothing of the statement */
};

static const char run_unknown[] =
    "whether it ran is not known: look at the query history before running it again";

/* ---- submitting ------------------------------------------------------------------------------ */

/* What a refusal to submit means; err holds the server's words. */
static int run_refused(struct run *run, int code, const struct tow_http_response *response,
                       struct tow_error *err)
{
    const char *warehouse = run->databricks->config.warehouse_id;
    struct tow_http_problem problem;

    tow_http_problem(response, &problem);
    /* Some say so with 400, some with 403. */
    if (response->status / 100 == 4 && run->request->result == TOW_STATEMENT_LINKS &&
        (strcasestr(problem.message, "disposition") ||
         strcasestr(problem.message, "EXTERNAL_LINKS")))
        return tow_databricks_hint(err, TOW_E_UNSUPPORTED,
                                   "this workspace does not hand out links: write result = "
                                   "\"inline\", for results of up to 25 MiB");
    if (code == TOW_E_AUTH && strcmp(problem.code, "PERMISSION_DENIED") == 0)
        return tow_databricks_hint(err, code, "the login needs CAN USE on SQL warehouse %s",
                                   warehouse);
    if (code != TOW_E_CONFIG)
        return code;
    if (response->status == 404 || strcasestr(problem.message, "warehouse") ||
        strcasestr(problem.message, "endpoint"))
        return tow_databricks_hint(err, code,
                                   "check SQL warehouse %s: it may have been deleted, or belong to "
                                   "another workspace than %s; http_path stands under SQL "
                                   "Warehouses > Connection details",
                                   warehouse, run->databricks->config.url);
    return code;
}

/* A submission of which nobody knows what became of it. */
static int run_unsure(const struct run *run, int code, struct tow_error *err)
{
    if (code != TOW_E_TRANSIENT || run->request->repeatable ||
        tow_databricks_was_unsent(run->databricks))
        return code;
    return tow_databricks_hint(err, TOW_E_ENV, "%s", run_unknown);
}

/* 1 where the server objects to result_compression, which is not in its public interface. */
static int run_refuses_compression(const struct run *run, const struct tow_http_response *response)
{
    return response->status == 400 && run->request->result == TOW_STATEMENT_LINKS &&
           !run->databricks->uncompressed && response->body.data &&
           strcasestr(response->body.data, "compression");
}

static int run_submit_once(struct run *run, struct tow_http_response *response,
                           struct tow_error *err)
{
    struct tow_databricks_call call = {.what = run->request->what,
                                       .method = "POST",
                                       .path = TOW_STATEMENT_PATH,
                                       .body_type = "application/json",
                                       .timeout_ms = STATEMENT_SUBMIT_MS,
                                       .answer_ms =
                                           tow_statement_wait_s(run->request) * INT64_C(1000),
                                       .limit = TOW_STATEMENT_LIMIT};
    struct tow_buffer body = {0};
    int code = tow_statement_body(&body, run->databricks, run->request, err);

    *response = (struct tow_http_response){.status = 0};
    if (code == TOW_OK) {
        call.body = body.data;
        call.body_length = (int64_t)body.size;
        code = tow_databricks_call(run->databricks, &call, response, err);
    }
    if (code == TOW_OK)
        code = tow_databricks_check_page(run->databricks, &call, response, err);
    tow_buffer_release(&body);
    return code;
}

static int run_submit(struct run *run, struct tow_error *err)
{
    struct tow_http_response response;
    int code = run_submit_once(run, &response, err);

    if (code == TOW_E_CONFIG && run_refuses_compression(run, &response)) {
        run->databricks->uncompressed = 1;
        tow_http_response_release(&response);
        code = run_submit_once(run, &response, err);
    }
    if (code == TOW_OK)
        code = tow_statement_read(run->out, &run->status, &response.body, run->request->what, err);
    else if (response.status == 0)
        code = run_unsure(run, code, err);
    else
        code = run_unsure(run, run_refused(run, code, &response, err), err);
    tow_http_response_release(&response);
    run->submitted_ms = tow_monotonic_ms();
    return code;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void run_path(const struct tow_statement *statement, const char *suffix,
                     char path[STATEMENT_PATH_MAX])
{
    snprintf(path, STATEMENT_PATH_MAX, TOW_STATEMENT_PATH "/%s%s", statement->id, suffix);
}

/* The warehouse's state as the server names it, "" where it does not say. */
static void run_warehouse_state(struct tow_databricks *databricks, char *state, size_t size)
{
    struct tow_databricks_call call = {
        .what = "looking at the warehouse", .method = "GET", .timeout_ms = STATEMENT_CANCEL_MS};
    char path[STATEMENT_PATH_MAX];
    json_t *answer = NULL;
    const char *text;

    snprintf(path, sizeof path, "/api/2.0/sql/warehouses/%s", databricks->config.warehouse_id);
    call.path = path;
    /* For people to read; a login that may not look does without. */
    (void)tow_databricks_call_json(databricks, &call, &answer, NULL);
    text = json_string_value(json_object_get(answer, "state"));
    snprintf(state, size, "%s", text ? text : "");
    json_decref(answer);
}

static void run_tell(struct run *run)
{
    char state[32];

    if (run->told || !run->request->waiting || run->status.state != TOW_STATEMENT_PENDING)
        return;
    run->told = 1;
    run_warehouse_state(run->databricks, state, sizeof state);
    run->request->waiting(run->request->context, state[0] ? state : "PENDING");
}

/* Milliseconds that are left of the budget for the state at hand; INT64_MAX where it has none. */
static int64_t run_left(struct run *run)
{
    const struct tow_statement_request *request = run->request;
    int64_t now = tow_monotonic_ms();

    if (run->status.state == TOW_STATEMENT_PENDING)
        return run->submitted_ms - now +
               (request->start_budget_ms > 0 ? request->start_budget_ms : STATEMENT_START_MS);
    if (!run->running_ms)
        run->running_ms = now;
    return request->run_budget_ms > 0 ? run->running_ms + request->run_budget_ms - now : INT64_MAX;
}

static int run_used_up(const struct run *run, struct tow_error *err)
{
    const struct tow_statement_request *request = run->request;
    char state[32];

    if (run->status.state == TOW_STATEMENT_RUNNING)
        return tow_error_set(
            err, TOW_E_ENV, "%s: not done within %" PRId64 " s (query timeout), so it is cancelled",
            request->what, request->run_budget_ms / 1000);
    run_warehouse_state(run->databricks, state, sizeof state);
    return tow_error_set(
        err, TOW_E_ENV,
        "%s: SQL warehouse %s has not begun with the statement within %" PRId64
        " s%s%s; look at it under SQL Warehouses: it may be unable to start, or busy",
        request->what, run->databricks->config.warehouse_id,
        (request->start_budget_ms > 0 ? request->start_budget_ms : STATEMENT_START_MS) / 1000,
        state[0] ? ", its state is " : "", state);
}

/* The next delay, give or take a fifth. */
static int64_t run_delay(struct run *run)
{
    uint16_t noise = 0;
    int64_t delay = run->delay_ms, most = run->databricks->poll_ms * STATEMENT_POLL_GROWTH;

    run->delay_ms = delay * 3 / 2 < most ? delay * 3 / 2 : most;
    if (getrandom(&noise, sizeof noise, GRND_NONBLOCK) != (ssize_t)sizeof noise)
        noise = UINT16_MAX / 2;
    return delay * 4 / 5 + delay * 2 / 5 * noise / UINT16_MAX;
}

static int run_ask(struct run *run, struct tow_error *err)
{
    struct tow_databricks_call call = {
        .what = run->request->what, .method = "GET", .limit = TOW_STATEMENT_LIMIT};
    struct tow_http_response response;
    char path[STATEMENT_PATH_MAX];
    int code;

    run_path(run->out, "", path);
    call.path = path;
    code = tow_databricks_call(run->databricks, &call, &response, err);
    if (code == TOW_OK)
        code = tow_databricks_check_page(run->databricks, &call, &response, err);
    if (code == TOW_OK)
        code = tow_statement_read(run->out, &run->status, &response.body, call.what, err);
    run->gone = response.status == 400 || response.status == 404;
    if (run->gone)
        code = tow_databricks_hint(err, TOW_E_ENV, "the statement is gone: %s", run_unknown);
    tow_http_response_release(&response);
    return code;
}

/* A poll without an answer says nothing of the statement, so it is followed by the next one. */
static int run_unanswered(struct run *run, int code, int64_t *pause_ms, struct tow_error *err)
{
    *pause_ms = 0;
    if (code == TOW_OK)
        run->unanswered = 0;
    if (code != TOW_E_TRANSIENT && code != TOW_E_RATE)
        return code;
    if (err->retry_after_ms > 0)
        *pause_ms =
            err->retry_after_ms < STATEMENT_PAUSE_MS ? err->retry_after_ms : STATEMENT_PAUSE_MS;
    if (++run->unanswered < STATEMENT_UNANSWERED)
        return TOW_OK;
    return run->request->repeatable ? code : tow_databricks_hint(err, TOW_E_ENV, "%s", run_unknown);
}

static int run_wait(struct run *run, struct tow_error *err)
{
    int64_t pause_ms = 0;
    int code = TOW_OK;

    run->delay_ms = run->databricks->poll_ms;
    while (code == TOW_OK && run->status.state < TOW_STATEMENT_SUCCEEDED) {
        int64_t left = run_left(run), delay = run_delay(run);

        if (left <= 0)
            return run_used_up(run, err);
        run_tell(run);
        delay = delay > pause_ms ? delay : pause_ms;
        code = tow_databricks_wait(run->databricks, delay < left ? delay : left, err);
        if (code == TOW_OK)
            code = run_unanswered(run, run_ask(run, err), &pause_ms, err);
    }
    return code;
}

/* ---- the end --------------------------------------------------------------------------------- */

static int run_conclude(struct run *run, struct tow_error *err)
{
    const struct tow_statement_request *request = run->request;

    run->out->succeeded_ms = tow_monotonic_ms();
    /* What a poll in between said of itself is over. */
    tow_error_set(err, TOW_OK, "%s", "");
    switch (run->status.state) {
    case TOW_STATEMENT_SUCCEEDED:
        return TOW_OK;
    case TOW_STATEMENT_FAILED:
        return tow_statement_failed(run->out, &run->status, request, err);
    case TOW_STATEMENT_CLOSED:
        if (run->status.has_result)
            return TOW_OK;
        return tow_error_set(err, request->repeatable ? TOW_E_TRANSIENT : TOW_E_ENV,
                             "%s: the statement was closed before its result could be read",
                             request->what);
    default:
        return tow_error_set(err, TOW_E_ENV,
                             "%s: the statement was cancelled at the far end%s%s: by somebody, or "
                             "by a STATEMENT_TIMEOUT of the warehouse",
                             request->what, run->status.message[0] ? ": " : "",
                             run->status.message);
    }
}

static int run_post_cancel(struct tow_databricks *databricks, const struct tow_statement *statement,
                           int64_t timeout_ms)
{
    struct tow_databricks_call call = {
        .what = "cancelling the statement", .method = "POST", .timeout_ms = timeout_ms};
    struct tow_http_response response;
    char path[STATEMENT_PATH_MAX];
    int code;

    run_path(statement, "/cancel", path);
    call.path = path;
    code = tow_databricks_call(databricks, &call, &response, NULL);
    tow_http_response_release(&response);
    return code;
}

/* The run is being stopped: its client waits for nothing any more, so another one asks, briefly. */
static void run_cancel_hastily(const struct run *run)
{
    struct tow_databricks *clone;

    /* A token that would have to be fetched first takes more time than there is. */
    if (tow_monotonic_ms() >= run->databricks->renew_ms)
        return;
    clone = tow_databricks_clone(run->databricks, -1, NULL);
    if (clone)
        (void)run_post_cancel(clone, run->out, STATEMENT_HURRY_MS);
    tow_databricks_free(clone);
}

/*
 * Cancels the statement and waits until it has ended. It may have been done just before: then it
 * counts as what it is. `code` is why it is cancelled.
 */
static int run_cancel(struct run *run, int code, struct tow_error *err)
{
    int64_t end = tow_monotonic_ms() + STATEMENT_SETTLE_MS;

    if (code == TOW_E_CANCELLED) {
        run_cancel_hastily(run);
        return code;
    }
    if (run_post_cancel(run->databricks, run->out, STATEMENT_CANCEL_MS) != TOW_OK)
        return code;
    run->delay_ms = run->databricks->poll_ms;
    while (run->status.state < TOW_STATEMENT_SUCCEEDED && tow_monotonic_ms() < end)
        if (tow_databricks_wait(run->databricks, run_delay(run), NULL) != TOW_OK ||
            run_ask(run, NULL) != TOW_OK)
            return code;
    if (run->status.state != TOW_STATEMENT_SUCCEEDED)
        return code;
    return run_conclude(run, err);
}

int tow_statement_run(struct tow_databricks *databricks,
                      const struct tow_statement_request *request, struct tow_statement *out,
                      struct tow_error *err)
{
    struct run run = {.databricks = databricks, .request = request, .out = out};
    struct tow_error local = TOW_ERROR_INIT;
    int code;

    *out = (struct tow_statement){.columns = NULL};
    err = err ? err : &local;
    if (!databricks->config.warehouse_id)
        return tow_error_set(err, TOW_E_BUG, "%s: a statement without a SQL warehouse",
                             request->what);
    code = run_submit(&run, err);
    if (code == TOW_OK)
        code = run_wait(&run, err);
    if (code == TOW_OK)
        return run_conclude(&run, err);
    if (out->id[0] && run.status.state < TOW_STATEMENT_SUCCEEDED)
        code = run_cancel(&run, code, err);
    return code;
}

int tow_statement_find(struct tow_databricks *databricks, const char *id, struct tow_statement *out,
                       struct tow_error *err)
{
    const struct tow_statement_request request = {.what = "looking for the earlier result"};
    struct run run = {.databricks = databricks, .request = &request, .out = out};
    int code;

    *out = (struct tow_statement){.columns = NULL};
    if (!tow_statement_is_id(id, strlen(id)))
        return TOW_END;
    memcpy(out->id, id, strlen(id) + 1);
    code = run_ask(&run, err);
    if (code != TOW_OK && !run.gone)
        return code;
    if (code == TOW_OK && run.status.state == TOW_STATEMENT_SUCCEEDED && run.status.has_result) {
        out->succeeded_ms = tow_monotonic_ms();
        return TOW_OK;
    }
    tow_statement_release(out);
    return TOW_END;
}

void tow_statement_close(struct tow_databricks *databricks, struct tow_statement *statement)
{
    struct tow_databricks_call call = {.what = "closing the statement", .method = "DELETE"};
    struct tow_http_response response;
    char path[STATEMENT_PATH_MAX];

    if (!statement->id[0])
        return;
    run_path(statement, "", path);
    call.path = path;
    call.timeout_ms = STATEMENT_CANCEL_MS;
    /* What is not closed is dropped an hour later. */
    (void)tow_databricks_call(databricks, &call, &response, NULL);
    tow_http_response_release(&response);
}
