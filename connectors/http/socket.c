/* The sockets of a client: what they are made like, and whether bytes wait on one. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connectors/http/http_priv.h"

/* Helper programs must not inherit connections. */
curl_socket_t tow_http_open_socket(void *context, curlsocktype purpose,
                                   struct curl_sockaddr *address)
{
    struct tow_http_call *call = context;
    struct tow_http *http = call->http;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

    call->socket_errno = fd < 0 ? errno : 0;
    int *sockets = reallocarray(http->sockets, http->socket_count + 1, sizeof *sockets);

    (void)purpose;
    if (sockets)
        http->sockets = sockets;
    /* One that is not noted down is only not looked at. */
    if (sockets && fd >= 0)
        http->sockets[http->socket_count++] = fd;
    return fd;
}

int tow_http_close_socket(void *context, curl_socket_t fd)
{
    struct tow_http *http = context;
    size_t i = 0;

    while (i < http->socket_count && http->sockets[i] != fd)
        i++;
    if (i < http->socket_count)
        http->sockets[i] = http->sockets[--http->socket_count];
    return close(fd);
}

static int socket_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } address;
    socklen_t length = sizeof address;

    if (getsockname(fd, &address.any, &length) != 0)
        return -1;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): the system filled it. */
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* libcurl does not say which socket it is about to use, but by which local port. */
int tow_http_is_unread(const struct tow_http *http, int local_port)
{
    char byte;

    for (size_t i = 0; i < http->socket_count; i++)
        if (socket_port(http->sockets[i]) == local_port)
            return recv(http->sockets[i], &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) > 0;
    return 0;
}
