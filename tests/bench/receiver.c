/*
 * receiver - an HTTP server for benches, which costs as little as one can: it reads requests with
 * their bodies and answers each at once with the same text.
 *
 *   receiver PORT-FILE ANSWER [DELAY-MS]
 *
 * Writes its port to PORT-FILE (renamed into place). At the end of its input it prints the
 * connections, requests and bytes of bodies that came, and ends.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (256 << 10)

static atomic_llong connections, requests, body_bytes;
static char answer[1024];
static size_t answer_length;
static useconds_t delay_us;

struct peer {
    int fd;
    size_t used; /* bytes of the buffer that are not dealt with */
    char buffer[BUFFER + 1];
};

/* Bytes of the header with its empty line; 0 where the peer is gone, or sends more than fits. */
static size_t peer_read_head(struct peer *peer)
{
    for (;;) {
        peer->buffer[peer->used] = '\0';
        char *end = strstr(peer->buffer, "\r\n\r\n");
        if (end)
            return (size_t)(end - peer->buffer) + 4;
        if (peer->used == BUFFER)
            return 0;
        ssize_t got = read(peer->fd, peer->buffer + peer->used, BUFFER - peer->used);
        if (got <= 0)
            return 0;
        peer->used += (size_t)got;
    }
}

static long long peer_length(char *head, size_t length)
{
    static const char name[] = "\r\ncontent-length:";

    head[length - 1] = '\0';
    char *at = strcasestr(head, name);
    return at ? atoll(at + sizeof name - 1) : 0;
}

/* Drops `length` bytes, some of which may be in the buffer behind the header. */
static int peer_skip(struct peer *peer, size_t head, long long length)
{
    long long left = length - (long long)(peer->used - head);

    if (left < 0) {
        memmove(peer->buffer, peer->buffer + head + length, (size_t)-left);
        peer->used = (size_t)-left;
        return 1;
    }
    peer->used = 0;
    while (left > 0) {
        ssize_t got = read(peer->fd, peer->buffer, left < BUFFER ? (size_t)left : BUFFER);

        if (got <= 0)
            return 0;
        left -= got;
    }
    return 1;
}

static void *peer_serve(void *context)
{
    struct peer *peer = context;
    size_t head;

    while ((head = peer_read_head(peer)) > 0) {
        long long length = peer_length(peer->buffer, head);

        if (!peer_skip(peer, head, length))
            break;
        atomic_fetch_add(&requests, 1);
        atomic_fetch_add(&body_bytes, length);
        if (delay_us)
            usleep(delay_us);
        if (write(peer->fd, answer, answer_length) != (ssize_t)answer_length)
            break;
    }
    close(peer->fd);
    free(peer);
    return NULL;
}

static void *accept_all(void *context)
{
    int fd, one = 1;

    while ((fd = accept(*(int *)context, NULL, NULL)) >= 0) {
        struct peer *peer = malloc(sizeof *peer);
        pthread_t thread;

        if (!peer)
            abort();
        atomic_fetch_add(&connections, 1);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        peer->fd = fd;
        peer->used = 0;
        if (pthread_create(&thread, NULL, peer_serve, peer))
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

static int listen_somewhere(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) || listen(fd, 64) ||
        getsockname(fd, (struct sockaddr *)&address, &length))
        return -1;
    *port = ntohs(address.sin_port);
    return fd;
}

static int say_port(const char *path, int port)
{
    char before[4096];

    snprintf(before, sizeof before, "%s.new", path);
    FILE *to = fopen(before, "w");
    if (!to)
        return -1;
    fprintf(to, "%d\n", port);
    return fclose(to) || rename(before, path) ? -1 : 0;
}

int main(int argc, char **argv)
{
    int port = 0, fd = listen_somewhere(&port);
    pthread_t thread;

    if (argc < 3 || fd < 0) {
        fprintf(stderr, "usage: receiver PORT-FILE ANSWER [DELAY-MS]\n");
        return 2;
    }
    if (argc > 3)
        delay_us = (useconds_t)atoi(argv[3]) * 1000;
    answer_length = (size_t)snprintf(answer, sizeof answer,
                                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                     "Content-Length: %zu\r\n\r\n%s",
                                     strlen(argv[2]), argv[2]);
    if (answer_length >= sizeof answer || pthread_create(&thread, NULL, accept_all, &fd) ||
        say_port(argv[1], port))
        return 3;
    while (getchar() != EOF)
        continue;
    printf("%lld connections, %lld requests, %lld bytes\n", atomic_load(&connections),
           atomic_load(&requests), atomic_load(&body_bytes));
    return fflush(stdout) ? 3 : 0;
}
