#include "run/backoff.h"

#include <stdio.h>

#include "log.h"
#include "run/host.h"
#include "towpath/clock.h"

void tow_backoff_init(struct tow_backoff *backoff, const struct tow_retry *retry)
{
    *backoff = (struct tow_backoff){.retry = retry};
    /* Two processes that failed together must not come back together. */
    backoff->random = (uint64_t)tow_now_us() * 0x9E3779B97F4A7C15u ^ (uintptr_t)backoff;
}

void tow_backoff_reset(struct tow_backoff *backoff)
{
    backoff->started_ms = 0;
    backoff->tries = 0;
}

/* xorshift64*: jitter needs no more. */
static uint64_t backoff_random(struct tow_backoff *backoff)
{
    uint64_t x = backoff->random | 1;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    backoff->random = x;
    return x * 0x2545F4914F6CDD1Du >> 11;
}

int64_t tow_backoff_delay(struct tow_backoff *backoff, const struct tow_error *err)
{
    int64_t most = backoff->retry->base_ms;

    if (err->retry_after_ms > backoff->retry->budget_ms)
        return err->retry_after_ms; /* any number of a far end: too large to be added to */
    if (err->retry_after_ms >= 0)
        return err->retry_after_ms +
               (int64_t)(backoff_random(backoff) % (uint64_t)(err->retry_after_ms / 10 + 1));
    for (int64_t i = 1; i < backoff->tries && most < backoff->retry->cap_ms; i++)
        most *= 2;
    if (most > backoff->retry->cap_ms)
        most = backoff->retry->cap_ms;
    return (int64_t)(backoff_random(backoff) % (uint64_t)(most + 1));
}

static int backoff_give_up(const struct tow_backoff *backoff, struct tow_error *err,
                           const char *what, const char *limit)
{
    tow_error_prefix(err, "gave up after %lld tries (%s is %s)", (long long)backoff->tries, what,
                     limit);
    return TOW_BACKOFF_STOP;
}

int tow_backoff_may_pass(int error_class)
{
    return error_class == TOW_E_TRANSIENT || error_class == TOW_E_RATE;
}

int tow_backoff_next(struct tow_backoff *backoff, struct tow_error *err, struct tow_cancel *cancel)
{
    char limit[32];
    int64_t now = tow_monotonic_ms();

    if (!tow_backoff_may_pass(err->code))
        return TOW_BACKOFF_STOP;
    if (backoff->tries == 0)
        backoff->started_ms = now;
    backoff->tries++;
    if (backoff->tries >= backoff->retry->tries) {
        snprintf(limit, sizeof limit, "%lld", (long long)backoff->retry->tries);
        return backoff_give_up(backoff, err, "retry.tries", limit);
    }
    int64_t delay = tow_backoff_delay(backoff, err);
    tow_format_duration(backoff->retry->budget_ms, limit);
    if (delay > backoff->retry->budget_ms - (now - backoff->started_ms))
        return backoff_give_up(backoff, err, "retry.budget", limit);
    tow_log_line(TOW_LOG_INFO, "run", "%s; trying again in %lld ms (try %lld of %lld)",
                 err->message, (long long)delay, (long long)backoff->tries + 1,
                 (long long)backoff->retry->tries);
    if (!cancel || !tow_cancel_wait(cancel, delay))
        return TOW_BACKOFF_AGAIN;
    tow_error_prefix(err, "stopped while waiting to try again");
    err->code = TOW_E_CANCELLED;
    return TOW_BACKOFF_CANCEL;
}
