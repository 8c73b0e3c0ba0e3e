/* A channel's life: connecting, moving bytes, keeping an eye on the far end, and the end. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "connectors/grpc/grpc_priv.h"
#include "connectors/machine/wakeup.h"
#include "towpath/clock.h"

#define CHANNEL_CONNECT_MS      30000
#define CHANNEL_PING_MS         20000
#define CHANNEL_PING_IDLE_MS    360000 /* gRPC's servers allow one each 5 minutes */
#define CHANNEL_PING_TIMEOUT_MS 20000
#define CHANNEL_MESSAGE_LIMIT   (4u << 20)
#define CHANNEL_METADATA_LIMIT  (64u << 10)
#define CHANNEL_WINDOW          (1u << 20)
#define CHANNEL_READ            (64u << 10) /* bytes read at once ... */
#define CHANNEL_READS           16          /* and times, before others have their turn */
/* How long one that takes nothing any more is read for what the far end said before. */
#define CHANNEL_LAST_WORDS_MS 1000

/* ---- connecting ------------------------------------------------------------------------------ */

static int64_t channel_or(int64_t value, int64_t fallback)
{
    return value ? value : fallback;
}

static int channel_take_settings(struct tow_grpc *grpc, const struct tow_grpc_settings *settings,
                                 struct tow_error *err)
{
    grpc->failure = (struct tow_error)TOW_ERROR_INIT;
    grpc->cancel_fd = settings->cancel_fd;
    grpc->ping_ms = channel_or(settings->ping_ms, CHANNEL_PING_MS);
    grpc->ping_idle_ms = channel_or(settings->ping_idle_ms, CHANNEL_PING_IDLE_MS);
    grpc->ping_timeout_ms = channel_or(settings->ping_timeout_ms, CHANNEL_PING_TIMEOUT_MS);
    grpc->message_limit = (uint32_t)channel_or(settings->message_limit, CHANNEL_MESSAGE_LIMIT);
    grpc->metadata_limit = (uint32_t)channel_or(settings->metadata_limit, CHANNEL_METADATA_LIMIT);
    grpc->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (grpc->wake_fd < 0)
        return tow_error_errno(err, TOW_E_ENV, errno, "eventfd");
    grpc->user_agent =
        strdup(settings->user_agent ? settings->user_agent : "towpath/" PACKAGE_VERSION);
    return grpc->user_agent ? TOW_OK : tow_error_nomem(err);
}

static int channel_open(struct tow_grpc *grpc, const struct tow_grpc_settings *settings,
                        struct tow_error *err)
{
    int64_t limit_ms = channel_or(settings->connect_timeout_ms, CHANNEL_CONNECT_MS);
    uint32_t window = (uint32_t)channel_or(settings->window, CHANNEL_WINDOW);
    int code = channel_take_settings(grpc, settings, err);

    if (code == TOW_OK)
        code = grpc_address_init(&grpc->address, settings->url, settings->proxy, err);
    if (code == TOW_OK)
        code = grpc_outbox_init(&grpc->out, err);
    grpc->settings_deadline_ms = grpc_deadline(tow_monotonic_ms(), limit_ms);
    if (code == TOW_OK)
        code =
            grpc_link_open(&grpc->link, &grpc->address, settings, grpc->settings_deadline_ms, err);
    if (code == TOW_OK)
        code = grpc_session_open(grpc, window, err);
    grpc->heard_ms = tow_monotonic_ms();
    return code;
}

struct tow_grpc *tow_grpc_connect(const struct tow_grpc_settings *settings, struct tow_error *err)
{
    struct tow_grpc *grpc = calloc(1, sizeof *grpc);

    if (!grpc) {
        tow_error_nomem(err);
        return NULL;
    }
    grpc->wake_fd = grpc->link.fd = -1;
    if (channel_open(grpc, settings, err) == TOW_OK)
        return grpc;
    tow_grpc_free(grpc);
    return NULL;
}

/* ---- the end --------------------------------------------------------------------------------- */

void grpc_lose(struct tow_grpc *grpc)
{
    for (struct tow_grpc_call *call = grpc->calls; call; call = call->next) {
        call->is_stream_closed = 1;
        grpc_call_fail(call, TOW_GRPC_UNAVAILABLE, "%s", grpc->failure.message);
    }
}

/* What can be said without waiting: the calls are cancelled, and nothing more will come. */
static void channel_say_goodbye(struct tow_grpc *grpc)
{
    for (struct tow_grpc_call *call = grpc->calls; call; call = call->next)
        tow_grpc_cancel(call);
    if (grpc->failure.code != TOW_OK)
        return;
    nghttp2_session_terminate_session(grpc->session, NGHTTP2_NO_ERROR);
    grpc_session_send(grpc);
}

void tow_grpc_free(struct tow_grpc *grpc)
{
    if (!grpc)
        return;
    if (grpc->session)
        channel_say_goodbye(grpc);
    while (grpc->calls)
        tow_grpc_finish(grpc->calls);
    nghttp2_session_del(grpc->session);
    grpc_link_close(&grpc->link);
    grpc_outbox_release(&grpc->out);
    grpc_address_release(&grpc->address);
    free(grpc->user_agent);
    if (grpc->wake_fd >= 0)
        close(grpc->wake_fd);
    free(grpc);
}

int tow_grpc_is_winding_up(const struct tow_grpc *grpc)
{
    return grpc->is_winding_up;
}

void tow_grpc_wake(struct tow_grpc *grpc)
{
    tow_wakeup_raise(grpc->wake_fd);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Why the far end closed the connection, as far as it said. */
static void channel_closed(struct tow_grpc *grpc)
{
    const char *peer = grpc->link.peer;

    if (grpc->is_winding_up)
        tow_error_set(&grpc->failure, TOW_E_TRANSIENT, "%s ended the connection (GOAWAY %s%s%s)",
                      peer, nghttp2_http2_strerror(grpc->goaway_code),
                      grpc->goaway_text[0] ? ": " : "", grpc->goaway_text);
    else
        tow_error_set(&grpc->failure, TOW_E_TRANSIENT, "%s closed the connection", peer);
}

/* nghttp2 has nothing to read or write any more: the far end broke the protocol, or all calls have
 * ended after a GOAWAY. */
static void channel_check_session(struct tow_grpc *grpc)
{
    nghttp2_session *session = grpc->session;

    if (grpc->failure.code != TOW_OK || nghttp2_session_want_read(session) ||
        nghttp2_session_want_write(session) || !grpc_outbox_is_empty(&grpc->out))
        return;
    if (!grpc->complaint[0])
        channel_closed(grpc);
    else if (grpc->settings_deadline_ms != GRPC_NEVER)
        tow_error_set(&grpc->failure, TOW_E_ENV, "%s does not speak HTTP/2: %s", grpc->link.peer,
                      grpc->complaint);
    else
        tow_error_set(&grpc->failure, TOW_E_TRANSIENT, "HTTP/2 with %s: %s", grpc->link.peer,
                      grpc->complaint);
}

/*
 * Reads until nothing is there, which is also what empties the buffer inside TLS that poll knows
 * nothing of. Returns 1 where more may be there. What was read counts before the end that came
 * behind it.
 */
static int channel_read(struct tow_grpc *grpc)
{
    unsigned char bytes[CHANNEL_READ];
    struct tow_error err = TOW_ERROR_INIT;

    for (int i = 0; i < CHANNEL_READS && grpc->failure.code == TOW_OK; i++) {
        size_t count;
        int code = grpc_link_read(&grpc->link, bytes, sizeof bytes, &count, &err);

        if (count > 0) {
            grpc->heard_ms = tow_monotonic_ms();
            grpc->asked_ms = 0;
            grpc_session_receive(grpc, bytes, count);
        }
        if (code == TOW_END)
            channel_closed(grpc);
        else if (code != TOW_OK)
            grpc->failure = err;
        else if (count == 0)
            return 0;
    }
    return grpc->failure.code == TOW_OK;
}

/* ---- time ------------------------------------------------------------------------------------ */

static int channel_expects(const struct tow_grpc *grpc)
{
    for (const struct tow_grpc_call *call = grpc->calls; call; call = call->next)
        if (call->expects && !call->has_ended)
            return 1;
    return 0;
}

/* When the far end is to be asked, or, where it was, given up. */
static int64_t channel_pulse_ms(const struct tow_grpc *grpc)
{
    if (grpc->asked_ms)
        return grpc_deadline(grpc->asked_ms, grpc->ping_timeout_ms);
    return grpc_deadline(grpc->heard_ms,
                         channel_expects(grpc) ? grpc->ping_ms : grpc->ping_idle_ms);
}

static void channel_take_pulse(struct tow_grpc *grpc, int64_t now_ms)
{
    if (now_ms < channel_pulse_ms(grpc))
        return;
    if (grpc->asked_ms) {
        tow_error_set(&grpc->failure, TOW_E_TRANSIENT,
                      "%s is silent: nothing came for %lld ms, and nothing within %lld ms after a "
                      "PING",
                      grpc->link.peer, (long long)(grpc->asked_ms - grpc->heard_ms),
                      (long long)grpc->ping_timeout_ms);
        return;
    }
    grpc->asked_ms = now_ms;
    if (nghttp2_submit_ping(grpc->session, NGHTTP2_FLAG_NONE, NULL) != 0)
        tow_error_nomem(&grpc->failure);
}

static int64_t channel_next_ms(const struct tow_grpc *grpc, int64_t until_ms)
{
    int64_t pulse_ms = channel_pulse_ms(grpc);

    for (const struct tow_grpc_call *call = grpc->calls; call; call = call->next)
        if (!call->has_ended && call->deadline_ms < until_ms)
            until_ms = call->deadline_ms;
    if (pulse_ms < until_ms)
        until_ms = pulse_ms;
    if (grpc->out.is_shut && grpc->out.shut_ms + CHANNEL_LAST_WORDS_MS < until_ms)
        until_ms = grpc->out.shut_ms + CHANNEL_LAST_WORDS_MS;
    return grpc->settings_deadline_ms < until_ms ? grpc->settings_deadline_ms : until_ms;
}

static void channel_tick(struct tow_grpc *grpc, int64_t now_ms)
{
    if (grpc->failure.code != TOW_OK)
        return;
    for (struct tow_grpc_call *call = grpc->calls; call; call = call->next)
        if (now_ms >= call->deadline_ms)
            grpc_call_fail(call, TOW_GRPC_DEADLINE_EXCEEDED, "the call's time is over");
    if (grpc->out.is_shut && !grpc->has_more && now_ms >= grpc->out.shut_ms + CHANNEL_LAST_WORDS_MS)
        grpc->failure = grpc->out.failure;
    else if (now_ms >= grpc->settings_deadline_ms)
        tow_error_set(&grpc->failure, TOW_E_TRANSIENT,
                      "%s accepted the connection, but no HTTP/2 frame came in time",
                      grpc->link.peer);
    else
        channel_take_pulse(grpc, now_ms);
}

/* ---- running --------------------------------------------------------------------------------- */

/* Waits for the socket. *woken: somebody called tow_grpc_wake. */
static int channel_wait(struct tow_grpc *grpc, int wait_ms, int *woken, struct tow_error *err)
{
    int sends = !grpc_outbox_is_empty(&grpc->out) && !grpc->out.is_shut;
    struct pollfd fds[3] = {{.fd = grpc->link.fd, .events = grpc_link_events(&grpc->link, sends)},
                            {.fd = grpc->wake_fd, .events = POLLIN},
                            {.fd = grpc->cancel_fd, .events = POLLIN}};

    if (poll(fds, 3, wait_ms) < 0 && errno != EINTR)
        return tow_error_errno(err, TOW_E_ENV, errno, "waiting for %s", grpc->link.peer);
    if (fds[2].revents)
        return tow_error_set(err, TOW_E_CANCELLED, "stopped while talking to %s", grpc->link.peer);
    *woken = fds[1].revents && tow_wakeup_clear(grpc->wake_fd);
    return TOW_OK;
}

static int channel_failed(struct tow_grpc *grpc, struct tow_error *err)
{
    grpc_lose(grpc);
    return tow_error_set(err, grpc->failure.code, "%s", grpc->failure.message);
}

/* 0 where there is something to do at once. */
static int channel_wait_ms(const struct tow_grpc *grpc, int64_t now_ms, int64_t until_ms)
{
    if (grpc->has_news || grpc->has_more)
        return 0;
    return grpc_wait_ms(now_ms, channel_next_ms(grpc, until_ms));
}

int tow_grpc_run(struct tow_grpc *grpc, int timeout_ms, struct tow_error *err)
{
    int64_t now_ms = tow_monotonic_ms(), until_ms = grpc_deadline(now_ms, timeout_ms);
    int woken = 0, code;

    grpc->has_news = 0;
    grpc_session_send(grpc);
    do {
        code = channel_wait(grpc, channel_wait_ms(grpc, now_ms, until_ms), &woken, err);
        if (code != TOW_OK)
            return code;
        grpc->has_more = channel_read(grpc);
        now_ms = tow_monotonic_ms();
        channel_tick(grpc, now_ms);
        grpc_session_send(grpc);
        channel_check_session(grpc);
    } while (grpc->failure.code == TOW_OK && !grpc->has_news && !woken && now_ms < until_ms);
    return grpc->failure.code == TOW_OK ? TOW_OK : channel_failed(grpc, err);
}
