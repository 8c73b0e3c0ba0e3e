/* The server's thread: sockets, TLS, and whose turn it is. */
#include "grpc_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "grpc_server_priv.h"
#include "towpath/clock.h"
#include "unit.h"

#define SERVER_LINES_MAX 64
#define SERVER_READ      65536

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Bytes moved; 0: none now; -1: the end. */
static ssize_t line_result(const struct grpc_line *line, int result)
{
    int why;

    if (result > 0)
        return result;
    why = SSL_get_error(line->ssl, result);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t line_read(struct grpc_line *line, void *into, size_t capacity)
{
    ssize_t got;

    ERR_clear_error();
    if (line->ssl)
        return line_result(line, SSL_read(line->ssl, into, (int)capacity));
    got = recv(line->fd, into, capacity, 0);
    if (got == 0)
        return -1;
    return got > 0 ? got : errno == EAGAIN ? 0 : -1;
}

static ssize_t line_write(struct grpc_line *line, const void *bytes, size_t length)
{
    ssize_t put;

    ERR_clear_error();
    if (line->ssl)
        return line_result(line, SSL_write(line->ssl, bytes, (int)length));
    put = send(line->fd, bytes, length, MSG_NOSIGNAL);
    return put >= 0 ? put : errno == EAGAIN ? 0 : -1;
}

/* ---- connections ----------------------------------------------------------------------------- */

static void line_free(struct grpc_line *line)
{
    const struct linger reset = {1, 0};

    while (line->peers) {
        struct grpc_peer *peer = line->peers;

        line->peers = peer->next;
        grpc_peer_free(peer);
    }
    nghttp2_session_del(line->session);
    if (line->drops == 2)
        setsockopt(line->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    SSL_free(line->ssl);
    close(line->fd);
    tow_buffer_release(&line->out);
    free(line);
}

static void line_gather(struct grpc_line *line)
{
    const uint8_t *bytes;
    ssize_t count;

    while (!line->is_frozen && line->session &&
           (count = nghttp2_session_mem_send(line->session, &bytes)) > 0)
        assert_int_equal(tow_buffer_append(&line->out, bytes, (size_t)count, NULL), TOW_OK);
}

static void line_send(struct grpc_line *line)
{
    ssize_t put = 1;

    line_gather(line);
    while (!line->is_frozen && line->written < line->out.size && put > 0) {
        put = line_write(line, line->out.data + line->written, line->out.size - line->written);
        if (put < 0)
            line->is_dead = 1;
        else
            line->written += (size_t)put;
    }
    if (line->written == line->out.size) {
        line->written = line->out.size = 0;
        line->is_dead |= line->drops != 0;
    }
    if (line->session && !nghttp2_session_want_read(line->session) &&
        !nghttp2_session_want_write(line->session) && line->out.size == 0)
        line->is_dead = 1;
}

static void line_receive(struct grpc_line *line)
{
    char bytes[SERVER_READ];
    ssize_t got = 1;

    while (got > 0 && !line->is_frozen && !line->drops && line->session) {
        got = line_read(line, bytes, sizeof bytes);
        if (got < 0 || (got > 0 && nghttp2_session_mem_recv(line->session, (const uint8_t *)bytes,
                                                            (size_t)got) < 0))
            line->is_dead = 1;
    }
}

static void server_accept(struct grpc_server *server)
{
    int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct grpc_line *line;
    const int on = 1;

    if (fd < 0)
        return;
    line = calloc(1, sizeof *line);
    assert_non_null(line);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    line->server = server;
    line->fd = fd;
    pthread_mutex_lock(&server->lock);
    line->number = ++server->connections;
    pthread_mutex_unlock(&server->lock);
    line->is_frozen = server->options.is_mute;
    line->next = server->lines;
    server->lines = line;
    if (server->says) {
        assert_int_equal(tow_buffer_append(&line->out, server->says, strlen(server->says), NULL),
                         TOW_OK);
        return;
    }
    if (server->tls) {
        line->ssl = SSL_new(server->tls);
        SSL_set_fd(line->ssl, fd);
        SSL_set_accept_state(line->ssl);
    }
    line->session = grpc_line_session(line);
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* Work from other threads. Returns 0 once it is time to go. */
static int server_obey(struct grpc_server *server)
{
    uint64_t count;
    int goes_on;

    if (read(server->wake_fd, &count, sizeof count) < 0)
        return 1;
    pthread_mutex_lock(&server->lock);
    if (server->work)
        server->work(server->work_context);
    server->work = NULL;
    if (server->stops_listening && server->fd >= 0) {
        close(server->fd);
        server->fd = -1;
    }
    goes_on = !server->is_stopping;
    pthread_cond_broadcast(&server->done);
    pthread_mutex_unlock(&server->lock);
    return goes_on;
}

static void server_bury(struct grpc_server *server)
{
    struct grpc_line **at = &server->lines;

    while (*at) {
        struct grpc_line *line = *at;

        if (line->is_dead) {
            *at = line->next;
            line_free(line);
        } else {
            at = &line->next;
        }
    }
}

static int server_poll(struct grpc_server *server, struct pollfd *fds, int64_t wait_ms)
{
    int count = 2;

    fds[0] = (struct pollfd){.fd = server->wake_fd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = server->fd, .events = POLLIN};
    for (const struct grpc_line *line = server->lines; line; line = line->next) {
        short events = line->out.size > 0 ? POLLIN | POLLOUT : POLLIN;

        assert_true(count < SERVER_LINES_MAX);
        fds[count++] = (struct pollfd){.fd = line->is_frozen ? -1 : line->fd, .events = events};
    }
    return poll(fds, (nfds_t)count, wait_ms > 60000 ? 60000 : (int)wait_ms);
}

static int64_t server_tick(struct grpc_server *server)
{
    int64_t now_ms = tow_monotonic_ms(), next_ms = now_ms + 60000;

    for (struct grpc_line *line = server->lines; line; line = line->next) {
        struct grpc_peer *next;

        for (struct grpc_peer *peer = line->peers; peer; peer = next) {
            next = peer->next;
            grpc_peer_tick(peer, now_ms, &next_ms);
        }
        line_send(line);
    }
    server_bury(server);
    return next_ms - now_ms;
}

static void *server_main(void *context)
{
    struct grpc_server *server = context;
    struct pollfd fds[SERVER_LINES_MAX];
    int goes_on = 1;

    while (goes_on) {
        int64_t wait_ms = server_tick(server);
        int i = 2;

        if (server_poll(server, fds, wait_ms < 0 ? 0 : wait_ms) < 0)
            continue;
        for (struct grpc_line *line = server->lines; line; line = line->next)
            if (fds[i++].revents)
                line_receive(line);
        if (fds[1].revents)
            server_accept(server);
        if (fds[0].revents)
            goes_on = server_obey(server);
    }
    while (server->lines) {
        server->lines->is_dead = 1;
        server_bury(server);
    }
    return NULL;
}

/* ---- the server, for tests ------------------------------------------------------------------- */

static int server_choose(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                         const unsigned char *in, unsigned in_length, void *context)
{
    const struct grpc_server *server = context;
    unsigned char *chosen = NULL;

    (void)ssl;
    if (server->options.no_alpn ||
        nghttp2_select_next_protocol(&chosen, out_length, in, in_length) != 1)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void server_secure(struct grpc_server *server)
{
    server->tls = SSL_CTX_new(TLS_server_method());
    assert_non_null(server->tls);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(server->tls, server->certificate), 1);
    assert_int_equal(
        SSL_CTX_use_PrivateKey_file(server->tls, server->certificate, SSL_FILETYPE_PEM), 1);
    if (server->options.tls_max) {
        SSL_CTX_set_security_level(server->tls, 0);
        SSL_CTX_set_max_proto_version(server->tls, server->options.tls_max);
    }
    if (server->options.asks_client) {
        assert_int_equal(SSL_CTX_load_verify_file(server->tls, server->certificate), 1);
        SSL_CTX_set_verify(server->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    SSL_CTX_set_mode(server->tls,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_alpn_select_cb(server->tls, server_choose, server);
}

static void server_listen(struct grpc_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(server->fd >= 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server->fd, SERVER_LINES_MAX), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    (void)snprintf(server->url, sizeof server->url, "%s://127.0.0.1:%d",
                   server->certificate ? "https" : "http", server->port);
}

struct grpc_server *grpc_server_new(const struct grpc_server_options *options)
{
    struct grpc_server *server = calloc(1, sizeof *server);

    assert_non_null(server);
    server->options = *options;
    server->certificate = options->certificate ? strdup(options->certificate) : NULL;
    server->says = options->says ? strdup(options->says) : NULL;
    server_listen(server);
    if (server->certificate)
        server_secure(server);
    server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(server->wake_fd >= 0);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->done, NULL);
    assert_int_equal(pthread_create(&server->thread, NULL, server_main, server), 0);
    return server;
}

static void server_wake(struct grpc_server *server)
{
    const uint64_t one = 1;

    assert_int_equal(write(server->wake_fd, &one, sizeof one), sizeof one);
}

void grpc_server_free(struct grpc_server *server)
{
    if (!server)
        return;
    pthread_mutex_lock(&server->lock);
    server->is_stopping = 1;
    pthread_mutex_unlock(&server->lock);
    server_wake(server);
    pthread_join(server->thread, NULL);
    if (server->fd >= 0)
        close(server->fd);
    close(server->wake_fd);
    SSL_CTX_free(server->tls);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->done);
    free(server->certificate);
    free(server->says);
    free(server);
}

int grpc_server_port(const struct grpc_server *server)
{
    return server->port;
}

const char *grpc_server_url(const struct grpc_server *server)
{
    return server->url;
}

int grpc_server_connections(struct grpc_server *server)
{
    int connections;

    pthread_mutex_lock(&server->lock);
    connections = server->connections;
    pthread_mutex_unlock(&server->lock);
    return connections;
}

void grpc_server_do(struct grpc_server *server, void (*work)(void *context), void *context)
{
    pthread_mutex_lock(&server->lock);
    server->work = work;
    server->work_context = context;
    server_wake(server);
    while (server->work)
        pthread_cond_wait(&server->done, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

static void server_nothing(void *context)
{
    (void)context;
}

void grpc_server_stop_listening(struct grpc_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->stops_listening = 1;
    pthread_mutex_unlock(&server->lock);
    grpc_server_do(server, server_nothing, NULL);
}

static void server_freeze_lines(void *context)
{
    struct grpc_server *server = context;

    for (struct grpc_line *line = server->lines; line; line = line->next)
        line->is_frozen = 1;
}

void grpc_server_freeze(struct grpc_server *server)
{
    grpc_server_do(server, server_freeze_lines, server);
}
