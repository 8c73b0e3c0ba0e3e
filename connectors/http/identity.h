/* What a client shows to servers that ask who is calling (mutual TLS): a certificate and its key.
 */
#ifndef CONNECTORS_HTTP_IDENTITY_H
#define CONNECTORS_HTTP_IDENTITY_H

#include "towpath/error.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */

/* "" is taken as NULL. Messages name the options client_cert, client_key and client_key_password.
 */
struct tow_identity {
    const char *cert; /* PEM: the certificate, and those between it and its issuer; NULL: none */
    const char *key;  /* PEM; NULL: in `cert` */
    const char *password; /* that the key is encrypted with; NULL: it is not */
};

/* Reads the files: TOW_E_CONFIG where one cannot be read, where they do not belong together, where
 * the password does not fit or is missing, and where a key has no certificate. */
int tow_identity_check(const struct tow_identity *identity, struct tow_error *err);
/* The same, and lets what is made of `context` show them. Never asks on a terminal. */
int tow_identity_use(const struct tow_identity *identity, struct ssl_ctx_st *context,
                     struct tow_error *err);

/* Owned copies; TOW_E_NOMEM. The password is wiped by release, which is to be called in any case.
 */
int tow_identity_copy(struct tow_identity *to, const struct tow_identity *from,
                      struct tow_error *err);
void tow_identity_release(struct tow_identity *identity);

#endif
