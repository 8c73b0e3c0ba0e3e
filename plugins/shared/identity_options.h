/* The options with which a plugin shows a client certificate: one table for all that speak TLS.
 * `member` is a struct tow_identity in the instance. */
#ifndef PLUGINS_SHARED_IDENTITY_OPTIONS_H
#define PLUGINS_SHARED_IDENTITY_OPTIONS_H

#include "connectors/http/identity.h"
#include "towpath/plugin.h"

#define TOW_OPT_IDENTITY(instance, member)                                             \
    TOW_OPT_PATH("client_cert", 0, instance, member.cert,                              \
                 "PEM file of the certificate to show to a server that asks for one"), \
        TOW_OPT_PATH("client_key", 0, instance, member.key,                            \
                     "PEM file of its private key, where it is not in client_cert"),   \
        TOW_OPT_SECRET("client_key_password", instance, member.password,               \
                       "that the private key is encrypted with")

#endif
