#include "connectors/webhook/receiver.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "connectors/machine/wakeup.h"
#include "connectors/webhook/listen.h"
#include "kit/guests.h"
#include "towpath/clock.h"
#include "towpath/rowtext.h"

#define RECEIVER_PEM_MAX (1 << 20)
/* TLS 1.2 at least. */
#define RECEIVER_TLS "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
/* Times that a connection may be silent, in which it has to bring a whole request. */
#define RECEIVER_PATIENCE 4
/* What a sender is asked to wait, in seconds. */
#define RECEIVER_RETRY_AFTER "5"

struct receiver_request {
    struct MHD_Connection *connection;
    struct tow_buffer body;
    size_t reserved; /* of receiver->pending */
    unsigned status; /* its answer; 0: none yet */
    size_t dropped;  /* of a body that is refused */
    struct receiver_request *next;
};

struct tow_receiver {
    struct tow_spool *spool;
    char *path, *secret_header, *secret;
    char *certificate, *key; /* PEM text */
    size_t max_body, max_pending;
    struct MHD_Daemon *daemon;
    int fd;

    pthread_t committer;
    int committing;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct receiver_request *waiting; /* suspended until the next commit is through */
    struct tow_guests guests;
    size_t pending;
    int requests; /* that have no answer yet */
    int stopping;
    struct tow_error failure; /* of the spool */
};

/* ---- the committer -------------------------------------------------------------------------- */

static void receiver_answer_all(struct receiver_request *requests, unsigned status)
{
    while (requests) {
        struct receiver_request *request = requests;

        requests = request->next;
        request->status = status;
        /* From here on the connection's own thread may free it. */
        MHD_resume_connection(request->connection);
    }
}

/* All that wait while one commit is under way go into the next one together. */
static void receiver_commit(struct tow_receiver *receiver, struct receiver_request *requests)
{
    struct tow_error err = TOW_ERROR_INIT;
    int rc = tow_spool_commit(receiver->spool, &err);

    if (rc) {
        pthread_mutex_lock(&receiver->lock);
        if (receiver->failure.code == TOW_OK)
            receiver->failure = err;
        pthread_mutex_unlock(&receiver->lock);
    }
    tow_wakeup_raise(receiver->fd);
    receiver_answer_all(requests, rc ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK);
}

/* Until there is something to do; with the lock. The connections are looked after here, as the
 * library's own threads offer no moment for it. */
static void receiver_rest(struct tow_receiver *receiver)
{
    int64_t until_ms = tow_guests_look(&receiver->guests, tow_monotonic_ms());
    const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

    if (until_ms == INT64_MAX)
        pthread_cond_wait(&receiver->changed, &receiver->lock);
    else
        pthread_cond_timedwait(&receiver->changed, &receiver->lock, &until);
}

static void *receiver_committer(void *context)
{
    struct tow_receiver *receiver = context;

    pthread_mutex_lock(&receiver->lock);
    for (;;) {
        struct receiver_request *requests = receiver->waiting;

        receiver->waiting = NULL;
        if (requests) {
            pthread_mutex_unlock(&receiver->lock);
            receiver_commit(receiver, requests);
            pthread_mutex_lock(&receiver->lock);
        } else if (receiver->stopping) {
            break;
        } else {
            receiver_rest(receiver);
        }
    }
    pthread_mutex_unlock(&receiver->lock);
    return NULL;
}

/* ---- requests ------------------------------------------------------------------------------- */

static enum MHD_Result receiver_reply(struct MHD_Connection *connection, unsigned status)
{
    static char ok[] = "{\"status\":\"ok\"}\n", refused[] = "{\"status\":\"refused\"}\n";
    char *text = status == MHD_HTTP_OK ? ok : refused;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);

    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, RECEIVER_RETRY_AFTER);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST, PUT, PATCH");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* In a time that does not tell where the two differ. */
static int receiver_is_secret(const struct tow_receiver *receiver, const char *given)
{
    size_t length = strlen(receiver->secret), given_length = given ? strlen(given) : 0;
    unsigned differs = length != given_length;

    for (size_t i = 0; i < given_length; i++)
        differs |=
            (unsigned char)given[i] ^ (unsigned char)receiver->secret[length ? i % length : 0];
    return given && !differs;
}

static const char *receiver_header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Before the body comes; 0 where it may. */
static unsigned receiver_judge(const struct tow_receiver *receiver,
                               struct MHD_Connection *connection, const char *url,
                               const char *method)
{
    const char *length = receiver_header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const char *encoding = receiver_header(connection, MHD_HTTP_HEADER_CONTENT_ENCODING);

    if (strcmp(url, receiver->path) != 0)
        return MHD_HTTP_NOT_FOUND;
    if (strcmp(method, "POST") != 0 && strcmp(method, "PUT") != 0 && strcmp(method, "PATCH") != 0)
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    if (receiver->secret_header &&
        !receiver_is_secret(receiver, receiver_header(connection, receiver->secret_header)))
        return MHD_HTTP_UNAUTHORIZED;
    if (encoding && strcmp(encoding, "identity") != 0)
        return MHD_HTTP_UNSUPPORTED_MEDIA_TYPE;
    if (length && strtoull(length, NULL, 10) > receiver->max_body)
        return MHD_HTTP_CONTENT_TOO_LARGE;
    return 0;
}

/* Room for `extra` bytes more of a body, within what all of them may have. */
static unsigned receiver_reserve(struct tow_receiver *receiver, struct receiver_request *request,
                                 size_t extra)
{
    struct tow_buffer *body = &request->body;
    size_t before = body->capacity;
    unsigned status = 0;

    if (extra > receiver->max_body - body->size)
        return MHD_HTTP_CONTENT_TOO_LARGE;
    if (tow_buffer_reserve(body, extra, NULL))
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    pthread_mutex_lock(&receiver->lock);
    receiver->pending += body->capacity - before;
    request->reserved += body->capacity - before;
    if (receiver->pending > receiver->max_pending)
        status = MHD_HTTP_SERVICE_UNAVAILABLE;
    pthread_mutex_unlock(&receiver->lock);
    return status;
}

/* The body is complete: into the spool, and the connection waits for the next commit. Returns its
 * answer where there is one at once. */
static unsigned receiver_take(struct tow_receiver *receiver, struct receiver_request *request)
{
    struct tow_error err = TOW_ERROR_INIT;

    if (request->body.size == 0)
        return MHD_HTTP_BAD_REQUEST;
    if (tow_spool_add(receiver->spool, request->body.data, request->body.size, tow_now_us(), &err))
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    MHD_suspend_connection(request->connection);
    pthread_mutex_lock(&receiver->lock);
    int stopping = receiver->stopping;
    if (!stopping) {
        request->next = receiver->waiting;
        receiver->waiting = request;
        pthread_cond_signal(&receiver->changed);
    }
    pthread_mutex_unlock(&receiver->lock);
    if (stopping) {
        request->status = MHD_HTTP_SERVICE_UNAVAILABLE;
        MHD_resume_connection(request->connection);
    }
    return 0;
}

/* Part of a body. Of one that is refused as much again is read and dropped, so that the sender gets
 * to see the answer; 0 where it has more than that. */
static int receiver_more(struct tow_receiver *receiver, struct receiver_request *request,
                         const char *bytes, size_t length)
{
    if (!request->status)
        request->status = receiver_reserve(receiver, request, length);
    if (!request->status)
        request->status = tow_buffer_append(&request->body, bytes, length, NULL)
                              ? MHD_HTTP_SERVICE_UNAVAILABLE
                              : 0;
    else
        request->dropped += length;
    return request->dropped <= receiver->max_body;
}

static enum MHD_Result receiver_handle(void *context, struct MHD_Connection *connection,
                                       const char *url, const char *method, const char *version,
                                       const char *upload, size_t *upload_size, void **state)
{
    struct tow_receiver *receiver = context;
    struct receiver_request *request = *state;

    (void)version;
    if (!request) {
        *state = request = calloc(1, sizeof *request);
        if (!request)
            return MHD_NO;
        request->connection = connection;
        pthread_mutex_lock(&receiver->lock);
        receiver->requests++;
        pthread_mutex_unlock(&receiver->lock);
        unsigned refused = receiver_judge(receiver, connection, url, method);
        return refused ? receiver_reply(connection, refused) : MHD_YES;
    }
    if (*upload_size > 0) {
        int goes_on = receiver_more(receiver, request, upload, *upload_size);

        *upload_size = 0;
        return goes_on ? MHD_YES : MHD_NO;
    }
    unsigned status = request->status ? request->status : receiver_take(receiver, request);
    return status ? receiver_reply(connection, status) : MHD_YES;
}

static void receiver_done(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_RequestTerminationCode code)
{
    struct tow_receiver *receiver = context;
    struct receiver_request *request = *state;

    struct tow_guest *guest =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

    (void)code;
    if (!request)
        return;
    pthread_mutex_lock(&receiver->lock);
    if (guest)
        tow_guests_renew(&receiver->guests, guest, tow_monotonic_ms());
    receiver->pending -= request->reserved;
    receiver->requests--;
    pthread_cond_signal(&receiver->changed);
    pthread_mutex_unlock(&receiver->lock);
    tow_buffer_release(&request->body);
    free(request);
    *state = NULL;
}

/* A connection comes or goes; the library closes its socket after this. */
static void receiver_notice(void *context, struct MHD_Connection *connection, void **guest_slot,
                            enum MHD_ConnectionNotificationCode code)
{
    struct tow_receiver *receiver = context;
    struct tow_guest *guest = *guest_slot;

    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        /* Without memory it is a guest that nobody shows out. */
        *guest_slot = guest = calloc(1, sizeof *guest);
    if (!guest)
        return;
    pthread_mutex_lock(&receiver->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        if (!receiver->guests.first)
            pthread_cond_signal(&receiver->changed);
        tow_guests_come(
            &receiver->guests, guest,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
            tow_monotonic_ms());
    } else {
        tow_guests_leave(&receiver->guests, guest);
    }
    pthread_mutex_unlock(&receiver->lock);
    if (code == MHD_CONNECTION_NOTIFY_CLOSED)
        free(guest);
}

/* ---- settings ------------------------------------------------------------------------------- */

static int receiver_read_pem(const char *path, char **out, struct tow_error *err)
{
    FILE *file = fopen(path, "re");
    struct stat stat;
    size_t got;

    if (!file)
        return tow_error_errno(err, TOW_E_ENV, errno, "opening %s", path);
    if (fstat(fileno(file), &stat) || !S_ISREG(stat.st_mode) || stat.st_size > RECEIVER_PEM_MAX) {
        fclose(file);
        return tow_error_set(err, TOW_E_CONFIG, "%s is no PEM file of at most %d bytes", path,
                             RECEIVER_PEM_MAX);
    }
    *out = calloc(1, (size_t)stat.st_size + 1);
    got = *out ? fread(*out, 1, (size_t)stat.st_size, file) : 0;
    int failed = ferror(file);
    fclose(file);
    if (!*out)
        return tow_error_nomem(err);
    if (failed || got == 0)
        return tow_error_set(err, TOW_E_ENV, "%s cannot be read, or is empty", path);
    return TOW_OK;
}

static void receiver_wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* What a start would stumble over, without a look at what is in it. */
static int receiver_check_file(const char *path, struct tow_error *err)
{
    if (!path || access(path, R_OK) == 0)
        return TOW_OK;
    return tow_error_errno(err, TOW_E_ENV, errno, "reading %s", path);
}

int tow_receiver_check(const struct tow_receiver_settings *settings, struct tow_error *err)
{
    struct tow_listen listen;
    int rc = tow_listen_parse(settings->listen, &listen, err);

    if (rc)
        return rc;
    if (settings->path[0] != '/')
        return tow_error_set(err, TOW_E_CONFIG, "path \"%s\" must begin with '/'", settings->path);
    if (!settings->certificate != !settings->key)
        return tow_error_set(err, TOW_E_CONFIG, "certificate and key go together: %s is missing",
                             settings->certificate ? "the key" : "the certificate");
    if (!settings->secret_header != !settings->secret)
        return tow_error_set(err, TOW_E_CONFIG,
                             "secret and secret_header go together: %s is missing",
                             settings->secret ? "secret_header" : "secret");
    if (settings->secret && !settings->secret[0])
        return tow_error_set(err, TOW_E_CONFIG, "secret is empty");
    rc = receiver_check_file(settings->certificate, err);
    if (!rc)
        rc = receiver_check_file(settings->key, err);
    if (rc || settings->allow_plain || listen.is_loopback)
        return rc;
    if (!settings->certificate)
        return tow_error_set(err, TOW_E_CONFIG,
                             "others can reach %s: give a certificate and a key, listen on "
                             "127.0.0.1 behind a proxy, or say that plain HTTP is meant",
                             settings->listen);
    if (!settings->secret)
        return tow_error_set(err, TOW_E_CONFIG,
                             "others can reach %s: give secret_header and secret, which senders "
                             "must then know",
                             settings->listen);
    return TOW_OK;
}

static int receiver_keep(struct tow_receiver *receiver,
                         const struct tow_receiver_settings *settings, struct tow_error *err)
{
    receiver->max_body = settings->max_body;
    receiver->max_pending = settings->max_pending;
    receiver->path = strdup(settings->path);
    if (settings->secret) {
        receiver->secret_header = strdup(settings->secret_header);
        receiver->secret = strdup(settings->secret);
    }
    if (!receiver->path || (settings->secret && (!receiver->secret_header || !receiver->secret)))
        return tow_error_nomem(err);
    if (!settings->certificate)
        return TOW_OK;
    int rc = receiver_read_pem(settings->certificate, &receiver->certificate, err);
    return rc ? rc : receiver_read_pem(settings->key, &receiver->key, err);
}

/* ---- start and stop ------------------------------------------------------------------------- */

static int receiver_listen(struct tow_receiver *receiver,
                           const struct tow_receiver_settings *settings, struct tow_error *err)
{
    struct tow_listen listen;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    int rc = tow_listen_parse(settings->listen, &listen, err);

    if (rc)
        return rc;
    if (receiver->certificate)
        flags |= MHD_USE_TLS;
    if (listen.address.ss_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, receiver->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, receiver->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)RECEIVER_TLS},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    errno = 0;
    receiver->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, receiver_handle, receiver, MHD_OPTION_NOTIFY_COMPLETED, receiver_done,
        receiver, MHD_OPTION_NOTIFY_CONNECTION, receiver_notice, receiver, MHD_OPTION_SOCK_ADDR,
        &listen.address, MHD_OPTION_CONNECTION_LIMIT, (unsigned)settings->connections,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)((settings->timeout_ms + 999) / 1000),
        MHD_OPTION_ARRAY, receiver->certificate ? tls : none, MHD_OPTION_END);
    if (receiver->daemon)
        return TOW_OK;
    return tow_error_errno(err, TOW_E_ENV, errno ? errno : EINVAL, "listening on %s%s",
                           settings->listen,
                           receiver->certificate ? " with this certificate and key" : "");
}

/* Waits count on a clock that nobody sets. */
static void receiver_init_changed(struct tow_receiver *receiver)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&receiver->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

int tow_receiver_start(const struct tow_receiver_settings *settings, struct tow_spool *spool,
                       struct tow_receiver **out, struct tow_error *err)
{
    struct tow_receiver *receiver = calloc(1, sizeof *receiver);
    int errnum, rc;

    *out = receiver;
    if (!receiver)
        return tow_error_nomem(err);
    receiver->spool = spool;
    receiver->guests.patience_ms = RECEIVER_PATIENCE * settings->timeout_ms;
    receiver->failure = (struct tow_error)TOW_ERROR_INIT;
    pthread_mutex_init(&receiver->lock, NULL);
    receiver_init_changed(receiver);
    receiver->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = receiver->fd < 0 ? tow_error_errno(err, TOW_E_ENV, errno, "eventfd")
                          : receiver_keep(receiver, settings, err);
    if (!rc && (errnum = pthread_create(&receiver->committer, NULL, receiver_committer, receiver)))
        rc = tow_error_errno(err, TOW_E_ENV, errnum, "starting the thread that commits");
    else if (!rc)
        receiver->committing = 1;
    if (!rc)
        rc = receiver_listen(receiver, settings, err);
    if (rc) {
        tow_receiver_stop(receiver);
        *out = NULL;
    }
    return rc;
}

/* An answer that is under way is worth a moment: its sender would send again. */
static void receiver_let_answers_go(struct tow_receiver *receiver)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pthread_mutex_lock(&receiver->lock);
    while (receiver->requests > 0 &&
           pthread_cond_timedwait(&receiver->changed, &receiver->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&receiver->lock);
}

void tow_receiver_stop(struct tow_receiver *receiver)
{
    if (!receiver)
        return;
    pthread_mutex_lock(&receiver->lock);
    receiver->stopping = 1;
    pthread_cond_signal(&receiver->changed);
    pthread_mutex_unlock(&receiver->lock);
    /* What waits gets its answer; what comes now is turned away. No connection is suspended then,
     * which the library asks for. */
    if (receiver->committing)
        pthread_join(receiver->committer, NULL);
    receiver_let_answers_go(receiver);
    if (receiver->daemon)
        MHD_stop_daemon(receiver->daemon);
    if (receiver->fd >= 0)
        close(receiver->fd);
    pthread_mutex_destroy(&receiver->lock);
    pthread_cond_destroy(&receiver->changed);
    free(receiver->path);
    free(receiver->secret_header);
    receiver_wipe(receiver->secret);
    receiver_wipe(receiver->key);
    free(receiver->certificate);
    free(receiver);
}

int tow_receiver_port(const struct tow_receiver *receiver)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(receiver->daemon, MHD_DAEMON_INFO_BIND_PORT);

    return info ? info->port : 0;
}

int tow_receiver_fd(const struct tow_receiver *receiver)
{
    return receiver->fd;
}

void tow_receiver_quiet(struct tow_receiver *receiver)
{
    (void)tow_wakeup_clear(receiver->fd);
}

int tow_receiver_health(struct tow_receiver *receiver, struct tow_error *err)
{
    pthread_mutex_lock(&receiver->lock);
    if (receiver->failure.code)
        *err = receiver->failure;
    int rc = receiver->failure.code;
    pthread_mutex_unlock(&receiver->lock);
    return rc;
}
