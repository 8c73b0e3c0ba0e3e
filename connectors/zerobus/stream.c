/* The caller's side of a stream; its thread is recovery.c's. */
#include "connectors/zerobus/stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "connectors/machine/wakeup.h"
#include "connectors/zerobus/stream_priv.h"
#include "towpath/clock.h"

#define STREAM_INFLIGHT_RECORDS INT64_C(50000)
#define STREAM_INFLIGHT_BYTES   (INT64_C(64) << 20)
#define STREAM_RECOVERY_MS      15000
#define STREAM_BACKOFF_MS       2000
#define STREAM_RETRIES          3
#define STREAM_ACK_MS           60000
#define STREAM_FLUSH_MS         300000
#define STREAM_DRAIN_MS         500
#define STREAM_GOODBYE_MS       1000 /* that close waits beyond the drain */
#define STREAM_REQUEST_MIN      ((size_t)1 << 20)
#define STREAM_REQUESTS         16 /* that what is under way is divided into, about */

/* ---- telling each other ---------------------------------------------------------------------- */

void stream_log(struct tow_zerobus *zerobus, int is_detail, const char *format, ...)
{
    char line[1024];
    va_list args;

    if (!zerobus->settings.log)
        return;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    zerobus->settings.log(zerobus->settings.log_context, is_detail, line);
}

void stream_notify(struct tow_zerobus *zerobus)
{
    tow_wakeup_raise(zerobus->news_fd);
}

/* Tells the stream's thread. With the lock held. */
static void stream_wake(struct tow_zerobus *zerobus)
{
    if (zerobus->grpc)
        tow_grpc_wake(zerobus->grpc);
    else
        tow_wakeup_raise(zerobus->work_fd);
}

/* ---- opening and freeing --------------------------------------------------------------------- */

static void stream_default(int64_t *setting, int64_t value)
{
    if (*setting == 0)
        *setting = value;
}

static void stream_fill_in(struct tow_zerobus_settings *settings)
{
    stream_default(&settings->max_inflight_records, STREAM_INFLIGHT_RECORDS);
    stream_default(&settings->max_inflight_bytes, STREAM_INFLIGHT_BYTES);
    stream_default(&settings->max_payload_bytes, TOW_ZEROBUS_PAYLOAD_MAX);
    stream_default(&settings->recovery_timeout_ms, STREAM_RECOVERY_MS);
    stream_default(&settings->recovery_backoff_ms, STREAM_BACKOFF_MS);
    stream_default(&settings->recovery_retries, STREAM_RETRIES);
    stream_default(&settings->ack_timeout_ms, STREAM_ACK_MS);
    stream_default(&settings->flush_timeout_ms, STREAM_FLUSH_MS);
    stream_default(&settings->drain_ms, STREAM_DRAIN_MS);
}

/* Copies the texts; 0 where memory ran out. */
static int stream_copy(struct tow_zerobus *zerobus, const struct tow_zerobus_settings *given)
{
    struct tow_zerobus_settings *settings = &zerobus->settings;
    const char **const texts[] = {&settings->endpoint, &settings->table, &settings->ca_file,
                                  &settings->proxy, &settings->user_agent};
    int whole = 1;

    *settings = *given;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (*texts[i]) {
            *texts[i] = strdup(*texts[i]);
            whole &= *texts[i] != NULL;
        }
    whole &= tow_identity_copy(&settings->identity, &given->identity, NULL) == TOW_OK;
    if (given->descriptor)
        whole &= tow_buffer_append(&zerobus->descriptor, given->descriptor->data,
                                   given->descriptor->size, NULL) == TOW_OK;
    settings->descriptor = NULL;
    stream_fill_in(settings);
    return whole;
}

static int stream_init(struct tow_zerobus *zerobus, const struct tow_zerobus_settings *settings,
                       struct tow_error *err)
{
    int *const fds[] = {&zerobus->news_fd, &zerobus->work_fd, &zerobus->stop_fd};

    zerobus->news_fd = zerobus->work_fd = zerobus->stop_fd = -1;
    zerobus->failure = (struct tow_error)TOW_ERROR_INIT;
    pthread_mutex_init(&zerobus->lock, NULL);
    if (!stream_copy(zerobus, settings))
        return tow_error_nomem(err);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        *fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (*fds[i] < 0)
            return tow_error_errno(err, TOW_E_ENV, errno, "eventfd");
    }
    zerobus->random = ((uint64_t)tow_monotonic_ms() * 0x9E3779B97F4A7C15u ^ (uintptr_t)zerobus) | 1;
    return TOW_OK;
}

/* Until something has changed, or the deadline. */
static int stream_wait(struct tow_zerobus *zerobus, int64_t deadline_ms, struct tow_error *err)
{
    struct pollfd fds[2] = {{.fd = zerobus->news_fd, .events = POLLIN},
                            {.fd = zerobus->settings.cancel_fd, .events = POLLIN}};

    if (poll(fds, 2, grpc_wait_ms(tow_monotonic_ms(), deadline_ms)) < 0 && errno != EINTR)
        return tow_error_errno(err, TOW_E_ENV, errno, "waiting for %s", zerobus->settings.table);
    if (fds[1].revents)
        return tow_error_set(err, TOW_E_CANCELLED, "stopped while sending to %s",
                             zerobus->settings.table);
    (void)tow_wakeup_clear(zerobus->news_fd);
    return TOW_OK;
}

static int stream_await_opened(struct tow_zerobus *zerobus, struct tow_error *err)
{
    int code = TOW_OK;

    while (code == TOW_OK && tow_zerobus_state(zerobus) == TOW_ZEROBUS_UNINITIALIZED)
        code = stream_wait(zerobus, GRPC_NEVER, err);
    return code == TOW_OK ? tow_zerobus_failure(zerobus, err) : code;
}

/* Signals are for the process's own threads; and the end of a connection is no signal here. */
static int stream_start(struct tow_zerobus *zerobus, struct tow_error *err)
{
    sigset_t all, before;
    int errnum;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errnum = pthread_create(&zerobus->thread, NULL, recovery_main, zerobus);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    zerobus->is_running = errnum == 0;
    return errnum ? tow_error_errno(err, TOW_E_ENV, errnum, "starting a thread") : TOW_OK;
}

struct tow_zerobus *tow_zerobus_open(const struct tow_zerobus_settings *settings,
                                     struct tow_error *err)
{
    struct tow_zerobus *zerobus = calloc(1, sizeof *zerobus);

    if (!zerobus) {
        tow_error_nomem(err);
        return NULL;
    }
    if (stream_init(zerobus, settings, err) == TOW_OK && stream_start(zerobus, err) == TOW_OK &&
        stream_await_opened(zerobus, err) == TOW_OK)
        return zerobus;
    tow_zerobus_free(zerobus);
    return NULL;
}

static void stream_join(struct tow_zerobus *zerobus)
{
    if (!zerobus->is_running)
        return;
    tow_wakeup_raise(zerobus->stop_fd);
    pthread_join(zerobus->thread, NULL);
    zerobus->is_running = 0;
}

static void stream_release_settings(struct tow_zerobus_settings *settings)
{
    const char *const texts[] = {settings->endpoint, settings->table, settings->ca_file,
                                 settings->proxy, settings->user_agent};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free((char *)(uintptr_t)texts[i]);
    tow_identity_release(&settings->identity);
}

void tow_zerobus_free(struct tow_zerobus *zerobus)
{
    if (!zerobus)
        return;
    stream_join(zerobus);
    request_list_release(&zerobus->open, &zerobus->pool);
    request_list_release(&zerobus->ended, &zerobus->pool);
    request_pool_release(&zerobus->pool);
    tow_buffer_release(&zerobus->descriptor);
    stream_release_settings(&zerobus->settings);
    if (zerobus->news_fd >= 0)
        close(zerobus->news_fd);
    if (zerobus->work_fd >= 0)
        close(zerobus->work_fd);
    if (zerobus->stop_fd >= 0)
        close(zerobus->stop_fd);
    pthread_mutex_destroy(&zerobus->lock);
    free(zerobus);
}

/* ---- looking --------------------------------------------------------------------------------- */

enum tow_zerobus_state tow_zerobus_state(struct tow_zerobus *zerobus)
{
    enum tow_zerobus_state state;

    pthread_mutex_lock(&zerobus->lock);
    state = zerobus->state;
    if (state == TOW_ZEROBUS_OPENED && zerobus->is_flushing)
        state = TOW_ZEROBUS_FLUSHING;
    pthread_mutex_unlock(&zerobus->lock);
    return state;
}

static int stream_failure(const struct tow_zerobus *zerobus, struct tow_error *err)
{
    if (zerobus->state != TOW_ZEROBUS_FAILED)
        return TOW_OK;
    return tow_error_set(err, zerobus->failure.code, "%s", zerobus->failure.message);
}

int tow_zerobus_failure(struct tow_zerobus *zerobus, struct tow_error *err)
{
    int code;

    pthread_mutex_lock(&zerobus->lock);
    code = stream_failure(zerobus, err);
    pthread_mutex_unlock(&zerobus->lock);
    return code;
}

void tow_zerobus_stream_id(struct tow_zerobus *zerobus, char *id, size_t size)
{
    pthread_mutex_lock(&zerobus->lock);
    (void)snprintf(id, size, "%s", zerobus->stream_id);
    pthread_mutex_unlock(&zerobus->lock);
}

size_t tow_zerobus_unacknowledged(struct tow_zerobus *zerobus, size_t *bytes)
{
    size_t records;

    pthread_mutex_lock(&zerobus->lock);
    records = zerobus->open.records;
    if (bytes)
        *bytes = zerobus->open.bytes;
    pthread_mutex_unlock(&zerobus->lock);
    return records;
}

/* ---- sending --------------------------------------------------------------------------------- */

struct tow_buffer tow_zerobus_buffer(struct tow_zerobus *zerobus)
{
    struct tow_buffer buffer;

    pthread_mutex_lock(&zerobus->lock);
    buffer = request_pool_take(&zerobus->pool);
    pthread_mutex_unlock(&zerobus->lock);
    return buffer;
}

/* The longer the server takes to acknowledge, the more is under way, and the larger requests may
 * be without holding anything up. */
size_t tow_zerobus_request_size(struct tow_zerobus *zerobus)
{
    const size_t most = (size_t)zerobus->settings.max_payload_bytes;
    size_t size;

    pthread_mutex_lock(&zerobus->lock);
    size = zerobus->open.bytes / STREAM_REQUESTS;
    pthread_mutex_unlock(&zerobus->lock);
    if (size < STREAM_REQUEST_MIN)
        size = STREAM_REQUEST_MIN;
    return size < most ? size : most;
}

static int stream_check_request(const struct tow_zerobus *zerobus, const struct tow_buffer *body,
                                size_t count, size_t payload, struct tow_error *err)
{
    const struct tow_zerobus_settings *settings = &zerobus->settings;

    if (count == 0)
        return tow_error_set(err, TOW_E_BUG, "a request without records");
    if (payload > (size_t)settings->max_payload_bytes ||
        body->size > (size_t)TOW_ZEROBUS_MESSAGE_MAX - TOW_ZEROBUS_HEAD_MAX)
        return tow_error_set(err, TOW_E_DATA,
                             "a request of %zu record bytes, %zu on the wire; at most %lld and "
                             "%lld are taken",
                             payload, body->size, (long long)settings->max_payload_bytes,
                             (long long)TOW_ZEROBUS_MESSAGE_MAX);
    return TOW_OK;
}

static int stream_has_room(const struct tow_zerobus *zerobus, const struct request *request)
{
    const struct tow_zerobus_settings *settings = &zerobus->settings;
    const struct request_list *open = &zerobus->open;

    return open->requests == 0 ||
           (open->records + request->count <= (size_t)settings->max_inflight_records &&
            open->bytes + request->end <= (size_t)settings->max_inflight_bytes);
}

/* TOW_END: there is no room yet. */
static int stream_try_put(struct tow_zerobus *zerobus, struct request *request,
                          struct tow_error *err)
{
    int code = stream_failure(zerobus, err);

    if (code != TOW_OK)
        return code;
    if (zerobus->is_closing || zerobus->is_over)
        return tow_error_set(err, TOW_E_BUG, "a record for %s after its stream was closed",
                             zerobus->settings.table);
    if (!stream_has_room(zerobus, request))
        return TOW_END;
    request_list_append(&zerobus->open, request);
    if (!zerobus->unsent)
        zerobus->unsent = request;
    stream_wake(zerobus);
    return TOW_OK;
}

int tow_zerobus_put(struct tow_zerobus *zerobus, uint64_t ticket, struct tow_buffer *body,
                    size_t count, size_t payload, struct tow_error *err)
{
    struct request *request;
    int code = stream_check_request(zerobus, body, count, payload, err);

    if (code != TOW_OK)
        return code;
    request = request_new(ticket, body, count);
    if (!request)
        return tow_error_nomem(err);
    for (code = TOW_END; code == TOW_END;) {
        pthread_mutex_lock(&zerobus->lock);
        code = stream_try_put(zerobus, request, err);
        pthread_mutex_unlock(&zerobus->lock);
        if (code == TOW_END && stream_wait(zerobus, GRPC_NEVER, err) != TOW_OK)
            code = err->code;
    }
    if (code == TOW_OK)
        return TOW_OK;
    *body = request->body->bytes;
    free(request->body);
    free(request);
    return code;
}

int tow_zerobus_next(struct tow_zerobus *zerobus, struct tow_zerobus_outcome *outcome)
{
    struct request *request = NULL;

    pthread_mutex_lock(&zerobus->lock);
    if (zerobus->ended.oldest)
        request = request_list_take(&zerobus->ended);
    if (request) {
        *outcome = (struct tow_zerobus_outcome){.ticket = request->ticket,
                                                .first = request->first,
                                                .count = request->count,
                                                .is_refused = request->is_refused};
        (void)snprintf(outcome->message, sizeof outcome->message, "%s",
                       request->message ? request->message : "the server gives no reason");
        request_free(request, &zerobus->pool);
    }
    pthread_mutex_unlock(&zerobus->lock);
    return request ? TOW_OK : TOW_END;
}

/* ---- flushing and closing -------------------------------------------------------------------- */

/* TOW_END: there are requests without outcome. *has_outcome: some that have one were not taken. */
static int stream_is_flushed(struct tow_zerobus *zerobus, int *has_outcome, struct tow_error *err)
{
    int code;

    pthread_mutex_lock(&zerobus->lock);
    *has_outcome = zerobus->ended.oldest != NULL;
    code = zerobus->open.oldest ? stream_failure(zerobus, err) : TOW_OK;
    if (code == TOW_OK && zerobus->open.oldest)
        code = zerobus->is_over ? tow_error_set(err, TOW_E_TRANSIENT,
                                                "%s: the stream was closed before all was "
                                                "acknowledged",
                                                zerobus->settings.table)
                                : TOW_END;
    pthread_mutex_unlock(&zerobus->lock);
    return code;
}

/* The first call of a flush sets its end; a result of the whole ends it. */
static int64_t stream_flushing(struct tow_zerobus *zerobus, int is_flushing)
{
    int64_t until_ms;

    pthread_mutex_lock(&zerobus->lock);
    if (is_flushing && !zerobus->is_flushing)
        zerobus->flush_until_ms =
            grpc_deadline(tow_monotonic_ms(), zerobus->settings.flush_timeout_ms);
    zerobus->is_flushing = is_flushing;
    until_ms = zerobus->flush_until_ms;
    pthread_mutex_unlock(&zerobus->lock);
    return until_ms;
}

/* `some`: TOW_END once there is an outcome to be taken. */
static int stream_flush(struct tow_zerobus *zerobus, int some, struct tow_error *err)
{
    int64_t deadline_ms = stream_flushing(zerobus, 1);
    int code, has_outcome;

    while ((code = stream_is_flushed(zerobus, &has_outcome, err)) == TOW_END) {
        if (some && has_outcome)
            return TOW_END;
        if (tow_monotonic_ms() >= deadline_ms)
            code = tow_error_set(err, TOW_E_TRANSIENT,
                                 "%s: %zu records were not acknowledged within %lld ms",
                                 zerobus->settings.table, tow_zerobus_unacknowledged(zerobus, NULL),
                                 (long long)zerobus->settings.flush_timeout_ms);
        else
            code = stream_wait(zerobus, deadline_ms, err);
        if (code != TOW_OK)
            break;
    }
    stream_flushing(zerobus, 0);
    return code;
}

int tow_zerobus_flush(struct tow_zerobus *zerobus, struct tow_error *err)
{
    return stream_flush(zerobus, 0, err);
}

int tow_zerobus_flush_some(struct tow_zerobus *zerobus, struct tow_error *err)
{
    return stream_flush(zerobus, 1, err);
}

static int stream_is_over(struct tow_zerobus *zerobus)
{
    int is_over;

    pthread_mutex_lock(&zerobus->lock);
    is_over = zerobus->is_over;
    pthread_mutex_unlock(&zerobus->lock);
    return is_over;
}

/* Half-closed, the stream drains for a moment; a thread that does not come to its end by itself is
 * told to. */
static void stream_say_goodbye(struct tow_zerobus *zerobus, int is_flushed)
{
    int64_t limit_ms = zerobus->settings.drain_ms + STREAM_GOODBYE_MS;
    int64_t deadline_ms = grpc_deadline(tow_monotonic_ms(), limit_ms);

    pthread_mutex_lock(&zerobus->lock);
    zerobus->is_closing = 1;
    zerobus->is_given_up = !is_flushed;
    stream_wake(zerobus);
    pthread_mutex_unlock(&zerobus->lock);
    while (!stream_is_over(zerobus) && tow_monotonic_ms() < deadline_ms &&
           stream_wait(zerobus, deadline_ms, NULL) == TOW_OK)
        continue;
    stream_join(zerobus);
}

int tow_zerobus_close(struct tow_zerobus *zerobus, struct tow_error *err)
{
    int code;

    if (!zerobus->is_running)
        return TOW_OK;
    code = tow_zerobus_flush(zerobus, err);
    stream_say_goodbye(zerobus, code == TOW_OK);
    return code;
}
