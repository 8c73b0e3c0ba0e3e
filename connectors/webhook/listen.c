#include "connectors/webhook/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "towpath/value.h"

static int listen_refuse(const char *text, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_CONFIG,
                         "listen \"%s\" is no address and port, as in \"127.0.0.1:8088\" or "
                         "\"[::1]:8088\"",
                         text);
}

int tow_listen_parse(const char *text, struct tow_listen *out, struct tow_error *err)
{
    const char *colon = strrchr(text, ':');
    struct sockaddr_in *four = (struct sockaddr_in *)&out->address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&out->address;
    char host[INET6_ADDRSTRLEN + 2];
    uint64_t port;

    memset(out, 0, sizeof *out);
    if (!colon || (size_t)(colon - text) >= sizeof host ||
        tow_parse_uint64(colon + 1, strlen(colon + 1), &port) || port > 65535)
        return listen_refuse(text, err);
    size_t length = (size_t)(colon - text);
    memcpy(host, text, length);
    host[length] = '\0';
    if (strcmp(host, "localhost") == 0)
        strcpy(host, "127.0.0.1");
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        out->is_loopback = ntohl(four->sin_addr.s_addr) >> 24 == 127;
        return TOW_OK;
    }
    if (length < 2 || host[0] != '[' || host[length - 1] != ']')
        return listen_refuse(text, err);
    host[length - 1] = '\0';
    if (inet_pton(AF_INET6, host + 1, &six->sin6_addr) != 1)
        return listen_refuse(text, err);
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    out->is_loopback = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    return TOW_OK;
}
