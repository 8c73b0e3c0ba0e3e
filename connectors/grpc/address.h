/* Where a channel goes: the parts of its URL, and the proxy on the way. */
#ifndef CONNECTORS_GRPC_ADDRESS_H
#define CONNECTORS_GRPC_ADDRESS_H

#include "towpath/error.h"

struct grpc_address {
    int is_secure;   /* https */
    char *host;      /* without the brackets of an IPv6 address */
    char *authority; /* "host:port" as the request and messages say it */
    char *url;       /* "http://host:port": what libcurl dials, which knows nothing of TLS here */
    char *proxy;     /* "": none */
    char *no_proxy;  /* hosts that the proxy is not for; NULL: libcurl's own variables say */
};

/* TOW_E_CONFIG where the URL is none, has more than a host and a port, or is http to a host that is
 * not this one. `proxy` as in tow_grpc_settings. */
int grpc_address_init(struct grpc_address *address, const char *url, const char *proxy,
                      struct tow_error *err);
void grpc_address_release(struct grpc_address *address);

#endif
