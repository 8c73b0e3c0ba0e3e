/*
 * The daemon over HTTP (libmicrohttpd), in the daemon's own thread: one descriptor to poll, and a
 * call when it is readable.
 *
 *   GET  /healthz             the loop goes round
 *   GET  /readyz              200 where it does all that it is there for, else 503 with the reason
 *   GET  /metrics             Prometheus' text format (metrics.h)
 *   GET  /api/jobs            all jobs: where they stand, their next and last runs
 *   GET  /api/runs            the newest runs: ?job=NAME, ?last=N (20, at most 1000)
 *   POST /api/jobs/NAME/run   starts a run: 202; 404, 409 where it runs already, 503
 *
 * Any address but a loopback one needs a token. With a token, all but the first two ask for
 * "Authorization: Bearer TOKEN". What a browser could be made to send by another site is refused:
 * a POST with an Origin, or that a browser marks as from another site; and, without a token, any
 * request whose Host is not a loopback name (DNS rebinding).
 *
 * Answers hold no secret: no option of a job, no URL of an alert.
 */
#ifndef CORE_DAEMON_WEB_H
#define CORE_DAEMON_WEB_H

#include "daemon/daemon.h"

struct tow_web_settings {
    const char *listen;    /* "127.0.0.1:9477", "[::1]:9477"; port 0: any, which is logged */
    const char *token;     /* NULL or "": none */
    const char *cert_file; /* with key_file: TLS; NULL: none */
    const char *key_file;
    int plain; /* another address than loopback may go without TLS */
};

/* TOW_E_CONFIG where the settings do not go together, TOW_E_ENV where the address is taken. */
int tow_web_open(struct tow_web **out, const struct tow_web_settings *settings,
                 struct tow_daemon *daemon, struct tow_error *err);
void tow_web_close(struct tow_web *web);
int tow_web_fd(const struct tow_web *web);
/* How long the descriptor may be waited for; INT64_MAX: as long as one likes. */
int64_t tow_web_timeout_ms(struct tow_web *web);
void tow_web_run(struct tow_web *web);

#endif
