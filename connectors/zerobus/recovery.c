/* The thread of a stream: one connection after the other, for as long as that leads anywhere. */
#include <poll.h>
#include <string.h>

#include "connectors/machine/wakeup.h"
#include "connectors/zerobus/stream.h"
#include "connectors/zerobus/stream_priv.h"
#include "towpath/clock.h"

#define RECOVERY_BACKOFF_MAX_MS 30000
#define RECOVERY_REFUSED_MAX    32 /* records in a row: then it is not the records */

/* Until there is something to send, or nothing more will come: then 0. */
static int recovery_wait_for_work(struct tow_zerobus *zerobus)
{
    struct pollfd fds[2] = {{.fd = zerobus->work_fd, .events = POLLIN},
                            {.fd = zerobus->stop_fd, .events = POLLIN}};

    while (!fds[1].revents) {
        int has_work, is_closing;

        pthread_mutex_lock(&zerobus->lock);
        has_work = zerobus->open.oldest && !zerobus->is_given_up;
        is_closing = zerobus->is_closing;
        pthread_mutex_unlock(&zerobus->lock);
        if (has_work || is_closing)
            return has_work;
        poll(fds, 2, -1);
        (void)tow_wakeup_clear(zerobus->work_fd);
    }
    return 0;
}

/* xorshift64*: so that many streams that broke together do not come back together. */
static uint64_t recovery_random(struct tow_zerobus *zerobus)
{
    uint64_t x = zerobus->random;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    zerobus->random = x;
    return (x * 0x2545F4914F6CDD1Du) >> 11;
}

/* Half of the wait at least. Returns 0 where the stream was told to end. */
static int recovery_back_off(struct tow_zerobus *zerobus)
{
    struct pollfd stop = {.fd = zerobus->stop_fd, .events = POLLIN};
    int64_t wait_ms = zerobus->settings.recovery_backoff_ms;
    int64_t until_ms;

    for (int64_t i = 1; i < zerobus->failures && wait_ms < RECOVERY_BACKOFF_MAX_MS; i++)
        wait_ms *= 2;
    if (zerobus->failures > 1 && wait_ms > RECOVERY_BACKOFF_MAX_MS)
        wait_ms = RECOVERY_BACKOFF_MAX_MS;
    wait_ms -= (int64_t)(recovery_random(zerobus) % (uint64_t)(wait_ms / 2 + 1));
    until_ms = grpc_deadline(tow_monotonic_ms(), wait_ms);
    while (tow_monotonic_ms() < until_ms)
        if (poll(&stop, 1, grpc_wait_ms(tow_monotonic_ms(), until_ms)) > 0)
            return 0;
    return 1;
}

static int recovery_fail(struct tow_zerobus *zerobus, const struct tow_error *err)
{
    pthread_mutex_lock(&zerobus->lock);
    zerobus->state = TOW_ZEROBUS_FAILED;
    zerobus->failure = *err;
    pthread_mutex_unlock(&zerobus->lock);
    return 0;
}

/* Refuses the oldest request, which is a single record. */
static void recovery_refuse_oldest(struct tow_zerobus *zerobus)
{
    struct request *request = request_list_take(&zerobus->open);

    request_settle(request, &zerobus->pool);
    request->is_refused = 1;
    request->message = strdup(zerobus->refusal);
    request_list_append(&zerobus->ended, request);
    zerobus->suspects--;
    zerobus->refused_in_a_row++;
}

/* The server refuses what was sent for what it holds. Once the guilty request is known it is made
 * smaller, until it is one record. Returns 1 where the stream goes on. */
static int recovery_hunt(struct tow_zerobus *zerobus, const struct connection_report *report,
                         struct tow_error *err)
{
    int code = TOW_OK;

    if (zerobus->settings.no_recovery)
        return recovery_fail(zerobus, err);
    if (!report->is_oldest_guilty)
        return 1;
    pthread_mutex_lock(&zerobus->lock);
    if (zerobus->open.oldest->count == 1)
        recovery_refuse_oldest(zerobus);
    else if (request_list_split(&zerobus->open) == 0)
        zerobus->suspects++;
    else
        code = tow_error_nomem(err);
    zerobus->unsent = zerobus->open.oldest;
    pthread_mutex_unlock(&zerobus->lock);
    stream_notify(zerobus);
    if (code == TOW_OK && zerobus->refused_in_a_row >= RECOVERY_REFUSED_MAX)
        code = tow_error_set(err, TOW_E_CONFIG,
                             "%s: the server refused %d records in a row, so it may be more than "
                             "single rows that does not fit: %s",
                             zerobus->settings.table, RECOVERY_REFUSED_MAX, zerobus->refusal);
    return code == TOW_OK ? 1 : recovery_fail(zerobus, err);
}

/* A login that was refused before anything was sent is renewed once. */
static int recovery_may_renew_login(const struct tow_zerobus *zerobus,
                                    const struct connection_report *report,
                                    const struct tow_error *err)
{
    return err->code == TOW_E_AUTH && !report->was_opened && !zerobus->was_login_renewed &&
           zerobus->settings.login.refused != NULL;
}

static int recovery_recover(struct tow_zerobus *zerobus, const struct connection_report *report,
                            struct tow_error *err)
{
    int renews = recovery_may_renew_login(zerobus, report, err);

    if (zerobus->settings.no_recovery ||
        (!renews && err->code != TOW_E_TRANSIENT && err->code != TOW_E_RATE))
        return recovery_fail(zerobus, err);
    /* That a stream which did its work breaks costs nothing; getting no further does. */
    zerobus->failures = report->was_useful ? 0 : zerobus->failures + 1;
    if (zerobus->failures > zerobus->settings.recovery_retries && !report->was_useful) {
        if (zerobus->settings.recovery_retries > 0)
            tow_error_prefix(err, "gave up after %lld attempts", (long long)zerobus->failures);
        return recovery_fail(zerobus, err);
    }
    zerobus->was_login_renewed |= renews;
    pthread_mutex_lock(&zerobus->lock);
    if (zerobus->state != TOW_ZEROBUS_UNINITIALIZED)
        zerobus->state = TOW_ZEROBUS_RECOVERING;
    pthread_mutex_unlock(&zerobus->lock);
    stream_log(zerobus, 0, "%s; connecting anew (attempt %lld of %lld)", err->message,
               (long long)zerobus->failures, (long long)zerobus->settings.recovery_retries);
    return renews || recovery_back_off(zerobus);
}

/* Returns 1 where another connection is to follow. */
static int recovery_go_on(struct tow_zerobus *zerobus, enum connection_end end,
                          const struct connection_report *report, struct tow_error *err)
{
    switch (end) {
    case CONNECTION_CLOSED:
        return 0;
    case CONNECTION_ROTATED:
        return 1;
    case CONNECTION_REFUSED:
        return recovery_hunt(zerobus, report, err);
    default:
        return err->code == TOW_E_CANCELLED ? 0 : recovery_recover(zerobus, report, err);
    }
}

void *recovery_main(void *context)
{
    struct tow_zerobus *zerobus = context;
    int goes_on = 1;

    while (goes_on) {
        struct tow_error err = TOW_ERROR_INIT;
        struct connection_report report;
        enum connection_end end = connection_live(zerobus, &report, &err);

        if (report.was_opened)
            zerobus->was_login_renewed = 0;
        goes_on = recovery_go_on(zerobus, end, &report, &err);
        if (goes_on && zerobus->state != TOW_ZEROBUS_UNINITIALIZED)
            goes_on = recovery_wait_for_work(zerobus);
    }
    pthread_mutex_lock(&zerobus->lock);
    if (zerobus->state != TOW_ZEROBUS_FAILED)
        zerobus->state = TOW_ZEROBUS_CLOSED;
    zerobus->is_over = 1;
    pthread_mutex_unlock(&zerobus->lock);
    stream_notify(zerobus);
    return NULL;
}
