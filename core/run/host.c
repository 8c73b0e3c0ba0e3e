#include "run/host.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "towpath/clock.h"

static struct tow_host_box *host_box(const struct tow_host *host)
{
    return host->core;
}

static void host_log(const struct tow_host *host, int32_t level, const char *message)
{
    tow_log_line(level, host_box(host)->area, "%s", message);
}

static int32_t host_cancelled(const struct tow_host *host)
{
    const struct tow_host_box *box = host_box(host);

    return (box->cancel && tow_cancel_get(box->cancel)) ||
           (box->asked && tow_cancel_get(box->asked));
}

static int32_t host_cancel_fd(const struct tow_host *host)
{
    struct tow_cancel *cancel = host_box(host)->cancel;

    return cancel ? cancel->fd : -1;
}

static int64_t host_now_us(const struct tow_host *host)
{
    (void)host;
    return tow_now_us();
}

static int32_t host_reject(const struct tow_host *host, const struct tow_source_reject *row)
{
    struct tow_host_box *box = host_box(host);

    return box->reject ? box->reject(box->context, row) : TOW_E_BUG;
}

static int32_t host_settle(const struct tow_host *host, uint64_t seq, int64_t first, int64_t count,
                           int32_t outcome, const char *code, const char *message)
{
    struct tow_host_box *box = host_box(host);

    if (!box->settle)
        return TOW_E_BUG;
    return box->settle(box->context, seq, first, count, outcome, code, message);
}

static int32_t host_keep(const struct tow_host *host, uint64_t seq)
{
    struct tow_host_box *box = host_box(host);

    return box->keep ? box->keep(box->context, seq) : TOW_OK;
}

static int host_no_state(struct tow_error *err)
{
    return tow_error_set(err, TOW_E_BUG, "the ledger cannot be written while only looking");
}

static int32_t host_ledger_get(const struct tow_host *host, const char *key,
                               struct tow_position *value, struct tow_error *err)
{
    struct tow_host_box *box = host_box(host);

    if (box->overlay)
        return tow_overlay_get(box->overlay, box->ledger, key, value, err);
    if (!box->state)
        return TOW_END;
    return tow_state_ledger_get(box->state, box->ledger_job, box->ledger, key, value, err);
}

static int32_t host_ledger_put(const struct tow_host *host, const char *key, const void *value,
                               uint32_t length, struct tow_error *err)
{
    struct tow_host_box *box = host_box(host);

    if (box->overlay)
        return tow_overlay_put(box->overlay, box->ledger, key, value, length, err);
    if (!box->state)
        return host_no_state(err);
    return tow_state_ledger_put(box->state, box->ledger_job, box->ledger, key, value, length, err);
}

static int32_t host_ledger_remove(const struct tow_host *host, const char *key,
                                  struct tow_error *err)
{
    struct tow_host_box *box = host_box(host);

    if (box->overlay)
        return tow_overlay_remove(box->overlay, box->ledger, key, err);
    if (!box->state)
        return host_no_state(err);
    return tow_state_ledger_remove(box->state, box->ledger_job, box->ledger, key, err);
}

static int32_t host_ledger_each(const struct tow_host *host, const char *prefix,
                                int32_t (*visit)(void *context, const char *key, const void *value,
                                                 uint32_t length),
                                void *context, struct tow_error *err)
{
    struct tow_host_box *box = host_box(host);

    if (box->overlay)
        return tow_overlay_each(box->overlay, box->ledger, prefix, visit, context, err);
    if (!box->state)
        return 0;
    return tow_state_ledger_each(box->state, box->ledger_job, box->ledger, prefix, visit, context,
                                 err);
}

void tow_host_init(struct tow_host_box *box, const struct tow_job *job, const char *role,
                   const struct tow_plugin *plugin)
{
    *box = (struct tow_host_box){
        .host =
            {
                .size = sizeof box->host,
                .abi_major = TOW_ABI_MAJOR,
                .abi_minor = TOW_ABI_MINOR,
                .job = job->name,
                .load_id = "",
                .workers = 1,
                .batch_rows = (uint32_t)job->tuning.batch_rows,
                .batch_bytes = (uint64_t)job->tuning.batch_bytes,
                .core = box,
                .log = host_log,
                .cancelled = host_cancelled,
                .cancel_fd = host_cancel_fd,
                .now_us = host_now_us,
                .reject = host_reject,
                .settle = host_settle,
                .ledger_get = host_ledger_get,
                .ledger_put = host_ledger_put,
                .ledger_remove = host_ledger_remove,
                .ledger_each = host_ledger_each,
                .keep = host_keep,
                .section = role,
                .rolling = tow_job_rolls(job),
            },
        .ledger_job = job->name,
    };
    snprintf(box->area, sizeof box->area, "%s %s", role, plugin->name);
    snprintf(box->ledger, sizeof box->ledger, "%s:%s", role, plugin->name);
}

void tow_host_clear(struct tow_error *err)
{
    err->code = TOW_OK;
    err->retry_after_ms = -1;
    err->message[0] = '\0';
}

int tow_host_result(const struct tow_host_box *box, const char *call, int rc, struct tow_error *err)
{
    if (rc == TOW_OK)
        return TOW_OK;
    if (rc > TOW_OK || strcmp(tow_error_name(rc), "unknown") == 0)
        return tow_error_set(err, TOW_E_BUG, "%s: %s returned %d, which means nothing here",
                             box->area, call, rc);
    if (rc == TOW_E_CANCELLED && !host_cancelled(&box->host))
        return tow_error_set(err, TOW_E_BUG, "%s: %s was cancelled, but nobody asked for that",
                             box->area, call);
    err->code = rc;
    err->message[sizeof err->message - 1] = '\0';
    if (!err->message[0])
        snprintf(err->message, sizeof err->message, "%s failed (%s) and gave no reason", call,
                 tow_error_name(rc));
    tow_error_prefix(err, "%s", box->area);
    return rc;
}
