#include "tcp_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit.h"

struct tcp_proxy {
    const char *answer;
    int target_port;
    int listening, port, stop_fd;
    pthread_t thread;
    pthread_mutex_t lock;
    char request[4096];
};

static struct sockaddr_in proxy_address(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* 1 once a descriptor of the first `count` is readable; 0 where it is time to go. */
static int proxy_wait(struct pollfd *fds, nfds_t count)
{
    while (poll(fds, count + 1, -1) < 0)
        continue;
    return !fds[count].revents;
}

static int proxy_read_request(struct tcp_proxy *proxy, int fd)
{
    struct pollfd fds[2] = {{fd, POLLIN, 0}, {proxy->stop_fd, POLLIN, 0}};
    size_t size = 0;
    int complete = 0;

    while (!complete && proxy_wait(fds, 1)) {
        ssize_t got;

        pthread_mutex_lock(&proxy->lock);
        got = read(fd, proxy->request + size, sizeof proxy->request - 1 - size);
        size += got > 0 ? (size_t)got : 0;
        complete = strstr(proxy->request, "\r\n\r\n") != NULL;
        pthread_mutex_unlock(&proxy->lock);
        if (got <= 0)
            return 0;
    }
    return complete;
}

static int proxy_pass(int from, int to)
{
    char bytes[16384];
    ssize_t got = read(from, bytes, sizeof bytes);

    return got > 0 && send(to, bytes, (size_t)got, MSG_NOSIGNAL) == got;
}

static void proxy_tunnel(struct tcp_proxy *proxy, int near)
{
    const struct sockaddr_in address = proxy_address(proxy->target_port);
    int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct pollfd fds[3] = {{near, POLLIN, 0}, {far, POLLIN, 0}, {proxy->stop_fd, POLLIN, 0}};
    int passes = connect(far, (const struct sockaddr *)&address, sizeof address) == 0;

    while (passes && proxy_wait(fds, 2)) {
        if (fds[0].revents)
            passes = proxy_pass(near, far);
        if (passes && fds[1].revents)
            passes = proxy_pass(far, near);
    }
    close(far);
}

static void *proxy_main(void *context)
{
    struct tcp_proxy *proxy = context;
    struct pollfd fds[2] = {{proxy->listening, POLLIN, 0}, {proxy->stop_fd, POLLIN, 0}};
    int fd;

    if (!proxy_wait(fds, 1))
        return NULL;
    fd = accept(proxy->listening, NULL, NULL);
    fds[0].fd = fd;
    if (proxy_read_request(proxy, fd)) {
        if (proxy->answer)
            (void)send(fd, proxy->answer, strlen(proxy->answer), MSG_NOSIGNAL);
        else
            proxy_wait(fds, 1);
        if (proxy->answer && strstr(proxy->answer, " 200 "))
            proxy_tunnel(proxy, fd);
    }
    close(fd);
    return NULL;
}

struct tcp_proxy *tcp_proxy_new(const char *answer, int target_port)
{
    struct tcp_proxy *proxy = calloc(1, sizeof *proxy);
    struct sockaddr_in address = proxy_address(0);
    socklen_t length = sizeof address;

    assert_non_null(proxy);
    proxy->answer = answer;
    proxy->target_port = target_port;
    proxy->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(proxy->listening, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(proxy->listening, 4), 0);
    assert_int_equal(getsockname(proxy->listening, (struct sockaddr *)&address, &length), 0);
    proxy->port = ntohs(address.sin_port);
    proxy->stop_fd = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&proxy->lock, NULL);
    assert_int_equal(pthread_create(&proxy->thread, NULL, proxy_main, proxy), 0);
    return proxy;
}

void tcp_proxy_free(struct tcp_proxy *proxy)
{
    const uint64_t one = 1;

    assert_int_equal(write(proxy->stop_fd, &one, sizeof one), sizeof one);
    pthread_join(proxy->thread, NULL);
    pthread_mutex_destroy(&proxy->lock);
    close(proxy->listening);
    close(proxy->stop_fd);
    free(proxy);
}

int tcp_proxy_port(const struct tcp_proxy *proxy)
{
    return proxy->port;
}

const char *tcp_proxy_request(struct tcp_proxy *proxy)
{
    pthread_mutex_lock(&proxy->lock);
    pthread_mutex_unlock(&proxy->lock);
    return proxy->request;
}
