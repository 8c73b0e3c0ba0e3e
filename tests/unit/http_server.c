#include "http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http_wire.h"
#include "unit.h"

#define SERVER_CONNECTIONS 512
#define SERVER_SCRIPT      256
#define SERVER_SEEN        4096
#define SERVER_HEAD_MAX    65536
#define SERVER_WAIT        10 /* s */

struct server_connection {
    struct http_server *server;
    struct http_wire wire;
    pthread_t thread;
    int number;
};

struct http_server {
    struct http_server_options options;
    SSL_CTX *tls;
    int listener, port;
    char base[64];
    pthread_t thread;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    int is_stopping, goes_on;
    struct http_reply script[SERVER_SCRIPT];
    size_t script_count, script_at;
    struct http_seen *seen[SERVER_SEEN];
    size_t seen_count;
    struct server_connection *connections[SERVER_CONNECTIONS];
    int connection_count;
    size_t closed_count;
};

/* ---- waiting --------------------------------------------------------------------------------- */

static struct timespec server_time_in(long ms)
{
    struct timespec time;

    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += ms / 1000;
    time.tv_nsec += ms % 1000 * 1000000;
    if (time.tv_nsec >= 1000000000) {
        time.tv_sec++;
        time.tv_nsec -= 1000000000;
    }
    return time;
}

/* A slow server takes its time, unless it is stopped. */
static void server_pause(struct http_server *server, int ms)
{
    struct timespec until = server_time_in(ms);
    int result = 0;

    pthread_mutex_lock(&server->lock);
    while (!server->is_stopping && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&server->changed, &server->lock, &until);
    pthread_mutex_unlock(&server->lock);
}

static void server_stall(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    while (!server->is_stopping && !server->goes_on)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

/* ---- requests -------------------------------------------------------------------------------- */

static char *head_find(const char *head, const char *name)
{
    size_t length = strlen(name);
    const char *line = strstr(head, "\r\n");

    for (; line && line[2]; line = strstr(line + 2, "\r\n")) {
        const char *value = line + 2 + length;
        const char *end;

        if (strncasecmp(line + 2, name, length) != 0 || *value != ':')
            continue;
        for (value++; *value == ' '; value++)
            continue;
        end = strstr(value, "\r\n");
        return end ? strndup(value, (size_t)(end - value)) : strdup(value);
    }
    return NULL;
}

char *http_seen_header(const struct http_seen *seen, const char *name)
{
    return head_find(seen->head, name);
}

static void seen_free(struct http_seen *seen)
{
    free(seen->head);
    free(seen->body);
    free(seen);
}

/* The next request's head; NULL where the client has gone. */
static struct http_seen *connection_head(struct server_connection *connection)
{
    struct http_seen *seen = calloc(1, sizeof *seen);
    size_t used = 0;

    assert(seen);
    seen->head = malloc(SERVER_HEAD_MAX + 1);
    assert(seen->head);
    seen->connection = connection->number;
    for (;;) {
        if (used == SERVER_HEAD_MAX || !http_wire_read(&connection->wire, seen->head + used, 1))
            break;
        seen->head[++used] = '\0';
        if (used >= 4 && memcmp(seen->head + used - 4, "\r\n\r\n", 4) == 0 &&
            sscanf(seen->head, "%15s %2047s", seen->method, seen->target) == 2)
            return seen;
    }
    seen_free(seen);
    return NULL;
}

static size_t connection_chunk(struct server_connection *connection)
{
    char line[32];
    size_t used = 0;

    while (used < sizeof line - 1 && http_wire_read(&connection->wire, line + used, 1) &&
           line[used] != '\n')
        used++;
    line[used] = '\0';
    return strtoul(line, NULL, 16);
}

/* The request's body, by Content-Length or in chunks; 0 where the client breaks off. */
static int connection_body(struct server_connection *connection, struct http_seen *seen)
{
    char *length = http_seen_header(seen, "Content-Length");
    char *coding = http_seen_header(seen, "Transfer-Encoding");
    char *expect = http_seen_header(seen, "Expect");
    size_t left = length ? strtoul(length, NULL, 10) : 0;
    int is_whole = 1, is_chunked = coding && strcasecmp(coding, "chunked") == 0;

    if (expect && !connection->server->options.ignores_expect)
        is_whole = http_wire_write(&connection->wire, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    if (is_whole && is_chunked)
        left = connection_chunk(connection);
    seen->body = calloc(1, 1);
    assert(seen->body);
    while (is_whole && left > 0) {
        seen->body = realloc(seen->body, seen->length + left + 1);
        assert(seen->body);
        is_whole = http_wire_read(&connection->wire, seen->body + seen->length, left);
        seen->length += is_whole ? left : 0;
        seen->body[seen->length] = '\0';
        left = is_chunked && is_whole ? (connection_chunk(connection), connection_chunk(connection))
                                      : 0;
    }
    free(length);
    free(coding);
    free(expect);
    return is_whole;
}

/* ---- answers --------------------------------------------------------------------------------- */

static int connection_is_tunnel(const struct http_server *server, const struct http_seen *seen)
{
    return server->options.tunnel_port && strcmp(seen->method, "CONNECT") == 0;
}

/* Whether the script says to answer before the body is read. */
static int connection_is_early(struct http_server *server)
{
    int is_early;

    pthread_mutex_lock(&server->lock);
    is_early = server->script_at < server->script_count &&
               server->script[server->script_at].how & HTTP_REPLY_EARLY;
    pthread_mutex_unlock(&server->lock);
    return is_early;
}

static struct http_reply connection_choose(struct http_server *server, const struct http_seen *seen)
{
    struct http_reply reply = {.status = 500, .body = "no answer was scripted"};

    pthread_mutex_lock(&server->lock);
    if (server->script_at < server->script_count) {
        reply = server->script[server->script_at++];
    } else if (connection_is_tunnel(server, seen)) {
        reply = (struct http_reply){.status = 200, .how = HTTP_REPLY_NO_LENGTH};
    } else if (server->options.handle) {
        reply = (struct http_reply){.status = 200};
        server->options.handle(server->options.context, seen, &reply);
    }
    pthread_mutex_unlock(&server->lock);
    return reply;
}

/* Keeps a request for the test to look at. */
static void connection_note(struct http_server *server, struct http_seen *seen)
{
    pthread_mutex_lock(&server->lock);
    assert(server->seen_count < SERVER_SEEN);
    server->seen[server->seen_count++] = seen;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static int reply_head(struct http_wire *wire, const struct http_reply *reply, size_t length)
{
    char head[8192], size[64] = "";

    if (reply->how & HTTP_REPLY_CHUNKED)
        snprintf(size, sizeof size, "Transfer-Encoding: chunked\r\n");
    else if (!(reply->how & HTTP_REPLY_NO_LENGTH) && reply->status != 204 && reply->status != 304)
        snprintf(size, sizeof size, "Content-Length: %zu\r\n", length);
    snprintf(head, sizeof head, "HTTP/1.1 %d Status\r\n%s%s%s\r\n",
             reply->status ? reply->status : 200, reply->headers ? reply->headers : "", size,
             reply->how & HTTP_REPLY_CLOSE ? "Connection: close\r\n" : "");
    return http_wire_write(wire, head, strlen(head));
}

static int reply_piece(struct http_wire *wire, const struct http_reply *reply, const char *bytes,
                       size_t length)
{
    char line[32];

    if (!(reply->how & HTTP_REPLY_CHUNKED))
        return http_wire_write(wire, bytes, length);
    snprintf(line, sizeof line, "%zx\r\n", length);
    return http_wire_write(wire, line, strlen(line)) && http_wire_write(wire, bytes, length) &&
           http_wire_write(wire, "\r\n", 2);
}

/* 1 where all of the body has gone out. */
static int reply_body(struct server_connection *connection, const struct http_reply *reply,
                      size_t length)
{
    size_t step = reply->piece ? reply->piece : length, at = 0;
    unsigned how = reply->how;

    if (how & HTTP_REPLY_STALL && reply->cut == 0)
        server_stall(connection->server);
    while (at < length) {
        size_t size = length - at < step ? length - at : step;

        if (how & (HTTP_REPLY_CUT | HTTP_REPLY_STALL) && at < reply->cut && at + size > reply->cut)
            size = reply->cut - at;
        if (how & HTTP_REPLY_CUT && at >= reply->cut)
            return 0;
        if (at > 0 && reply->pause_ms)
            server_pause(connection->server, reply->pause_ms);
        if (!reply_piece(&connection->wire, reply, reply->body + at, size))
            return 0;
        at += size;
        if (how & HTTP_REPLY_STALL && at == reply->cut)
            server_stall(connection->server);
    }
    if (how & HTTP_REPLY_NO_END || (how & HTTP_REPLY_CUT && reply->cut >= length))
        return 0;
    return !(how & HTTP_REPLY_CHUNKED) || http_wire_write(&connection->wire, "0\r\n\r\n", 5);
}

/* 1 where the connection is kept. */
static int connection_answer(struct server_connection *connection, const struct http_reply *reply,
                             int has_body)
{
    size_t length = reply->body ? (reply->length ? reply->length : strlen(reply->body)) : 0;
    const unsigned closes = HTTP_REPLY_CLOSE | HTTP_REPLY_LEAVE | HTTP_REPLY_NO_LENGTH |
                            HTTP_REPLY_RAW | HTTP_REPLY_EARLY;

    if (reply->how & HTTP_REPLY_NOTHING)
        return 0;
    if (!(reply->how & HTTP_REPLY_RAW) && !reply_head(&connection->wire, reply, length))
        return 0;
    if (has_body && !reply_body(connection, reply, length))
        return 0;
    return !(reply->how & closes);
}

/* ---- connections ----------------------------------------------------------------------------- */

/* The other side of a tunnel; -1 where nobody listens. */
static int connection_tunnel(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* Passes bytes on in both directions until one side ends. */
static void connection_relay(struct server_connection *connection)
{
    int ends[2] = {connection->wire.fd, connection_tunnel(connection->server->options.tunnel_port)};
    char bytes[16384];
    int goes_on = ends[1] >= 0, i;

    while (goes_on) {
        struct pollfd wait[2] = {{ends[0], POLLIN, 0}, {ends[1], POLLIN, 0}};

        goes_on = poll(wait, 2, -1) > 0;
        for (i = 0; i < 2 && goes_on; i++) {
            struct http_wire to = {.fd = ends[!i]};
            ssize_t length = wait[i].revents ? recv(ends[i], bytes, sizeof bytes, 0) : 0;

            if (wait[i].revents)
                goes_on = length > 0 && http_wire_write(&to, bytes, (size_t)length);
        }
    }
    if (ends[1] >= 0)
        close(ends[1]);
}

/* One request and its answer; 1 where the connection is kept. */
static int connection_exchange(struct server_connection *connection)
{
    struct http_server *server = connection->server;
    struct http_seen *seen = connection_head(connection);
    struct http_reply reply;
    int is_whole, is_tunnel, has_body, is_kept;

    if (!seen)
        return 0;
    is_tunnel = connection_is_tunnel(server, seen);
    has_body = strcmp(seen->method, "HEAD") != 0;
    is_whole = connection_is_early(server) || connection_body(connection, seen);
    reply = connection_choose(server, seen);
    connection_note(server, seen);
    is_kept = is_whole && connection_answer(connection, &reply, has_body);
    if (is_tunnel && reply.status == 200)
        connection_relay(connection);
    connection->wire.how = reply.how;
    return is_kept && !is_tunnel;
}

static void *connection_main(void *context)
{
    struct server_connection *connection = context;
    const char *greeting = connection->server->options.greets;

    if (greeting)
        http_wire_write(&connection->wire, greeting, strlen(greeting));
    else if (http_wire_accept(&connection->wire, connection->server->tls))
        while (connection_exchange(connection))
            continue;
    http_wire_end(&connection->wire, connection->wire.how & HTTP_REPLY_RESET,
                  connection->wire.how & HTTP_REPLY_RUDE);
    pthread_mutex_lock(&connection->server->lock);
    connection->server->closed_count++;
    pthread_cond_broadcast(&connection->server->changed);
    pthread_mutex_unlock(&connection->server->lock);
    return NULL;
}

static void server_accept(struct http_server *server, int fd)
{
    struct server_connection *connection = calloc(1, sizeof *connection);
    const int one = 1;
    int failed;

    assert(connection);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    pthread_mutex_lock(&server->lock);
    assert(server->connection_count < SERVER_CONNECTIONS);
    server->connections[server->connection_count++] = connection;
    *connection = (struct server_connection){
        .server = server, .wire = {.fd = fd}, .number = server->connection_count};
    failed = pthread_create(&connection->thread, NULL, connection_main, connection);
    assert(!failed);
    pthread_mutex_unlock(&server->lock);
}

static void *server_main(void *context)
{
    struct http_server *server = context;

    for (;;) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
            return NULL; /* the listener was shut down */
        server_accept(server, fd);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

static void server_listen(struct http_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 128), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    snprintf(server->base, sizeof server->base, "%s://127.0.0.1:%d",
             server->options.certificate ? "https" : "http", server->port);
}

struct http_server *http_server_new(const struct http_server_options *options)
{
    struct http_server *server = calloc(1, sizeof *server);
    sigset_t pipe, before;

    assert_non_null(server);
    if (options)
        server->options = *options;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    if (server->options.certificate)
        server->tls = http_wire_context(server->options.certificate, server->options.client_ca,
                                        server->options.tls_max);
    server_listen(server);
    /* The server's threads get EPIPE; SIGPIPE ends the test where the product raises it. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    assert_int_equal(pthread_create(&server->thread, NULL, server_main, server), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return server;
}

void http_server_free(struct http_server *server)
{
    size_t i;
    int c;

    if (!server)
        return;
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    pthread_mutex_lock(&server->lock);
    server->is_stopping = 1;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    for (c = 0; c < server->connection_count; c++) {
        http_wire_stop(&server->connections[c]->wire);
        pthread_join(server->connections[c]->thread, NULL);
        http_wire_release(&server->connections[c]->wire);
        free(server->connections[c]);
    }
    for (i = 0; i < server->seen_count; i++)
        seen_free(server->seen[i]);
    SSL_CTX_free(server->tls);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

const char *http_server_base(const struct http_server *server)
{
    return server->base;
}

void http_server_reply(struct http_server *server, struct http_reply reply)
{
    pthread_mutex_lock(&server->lock);
    assert_true(server->script_count < SERVER_SCRIPT);
    server->script[server->script_count++] = reply;
    pthread_mutex_unlock(&server->lock);
}

void http_server_go_on(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->goes_on = 1;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

/* Waits until a count that the lock guards is so high. */
static void server_wait(struct http_server *server, const size_t *count, size_t wanted,
                        const char *what)
{
    struct timespec until = server_time_in(SERVER_WAIT * 1000);
    size_t reached;
    int result = 0;

    pthread_mutex_lock(&server->lock);
    while (*count < wanted && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&server->changed, &server->lock, &until);
    reached = *count;
    pthread_mutex_unlock(&server->lock);
    if (reached < wanted)
        fail_msg("%zu %s in %d s, not %zu", reached, what, SERVER_WAIT, wanted);
}

void http_server_wait(struct http_server *server, size_t count)
{
    server_wait(server, &server->seen_count, count, "requests came");
}

void http_server_wait_closed(struct http_server *server, size_t count)
{
    server_wait(server, &server->closed_count, count, "connections were closed");
}

size_t http_server_count(struct http_server *server)
{
    size_t count;

    pthread_mutex_lock(&server->lock);
    count = server->seen_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

const struct http_seen *http_server_seen(struct http_server *server, size_t index)
{
    const struct http_seen *seen = NULL;

    pthread_mutex_lock(&server->lock);
    if (index < server->seen_count)
        seen = server->seen[index];
    pthread_mutex_unlock(&server->lock);
    assert_non_null(seen);
    return seen;
}

int http_server_connections(struct http_server *server)
{
    int count;

    pthread_mutex_lock(&server->lock);
    count = server->connection_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}
