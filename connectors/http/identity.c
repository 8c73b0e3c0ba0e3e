#include "connectors/http/identity.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

static const char *identity_given(const char *text)
{
    return text && *text ? text : NULL;
}

/* 1 where there is a certificate to show. */
static int identity_is_given(const struct tow_identity *identity)
{
    return identity_given(identity->cert) != NULL;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct identity_lock {
    const char *password; /* NULL: none */
    int is_asked;         /* 1: the key is encrypted */
};

/* OpenSSL's own callback would ask on the terminal. */
static int identity_unlock(char *into, int size, int writing, void *context)
{
    struct identity_lock *lock = context;
    size_t length = lock->password ? strlen(lock->password) : 0;

    lock->is_asked = 1;
    if (!lock->password || writing || length > (size_t)size)
        return -1;
    memcpy(into, lock->password, length);
    return (int)length;
}

/* What the system says comes first among OpenSSL's complaints, what it says itself comes last. */
static int identity_refused(const char *option, const char *path, const struct identity_lock *lock,
                            struct tow_error *err)
{
    unsigned long first = ERR_peek_error(), last = ERR_peek_last_error();
    const char *reason = last ? ERR_reason_error_string(last) : NULL, *advice = "";

    if (ERR_SYSTEM_ERROR(first))
        return tow_error_errno(err, TOW_E_CONFIG, ERR_GET_REASON(first),
                               "%s: \"%s\" cannot be read", option, path);
    if (lock->is_asked)
        advice = lock->password ? "; does client_key_password fit?"
                                : "; it is encrypted: give client_key_password";
    return tow_error_set(err, TOW_E_CONFIG, "%s: \"%s\" cannot be used: %s%s", option, path,
                         reason ? reason : "unknown reason", advice);
}

/* The key is one, but not the certificate's. */
static int identity_is_strange(unsigned long code)
{
    return ERR_GET_LIB(code) == ERR_LIB_X509 &&
           (ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH ||
            ERR_GET_REASON(code) == X509_R_KEY_TYPE_MISMATCH);
}

static int identity_use_key(const struct tow_identity *identity, SSL_CTX *context,
                            const struct identity_lock *lock, struct tow_error *err)
{
    const char *key = identity_given(identity->key), *path = key ? key : identity->cert;

    if (SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1)
        return TOW_OK;
    if (identity_is_strange(ERR_peek_last_error()))
        return tow_error_set(err, TOW_E_CONFIG,
                             "client_key: the key in \"%s\" is not that of the certificate in "
                             "\"%s\" (client_cert)",
                             path, identity->cert);
    return identity_refused(key ? "client_key" : "client_cert", path, lock, err);
}

static int identity_use_both(const struct tow_identity *identity, SSL_CTX *context,
                             struct tow_error *err)
{
    struct identity_lock lock = {.password = identity_given(identity->password)};
    int code = TOW_OK;

    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(context, identity_unlock);
    SSL_CTX_set_default_passwd_cb_userdata(context, &lock);
    if (SSL_CTX_use_certificate_chain_file(context, identity->cert) != 1)
        code = identity_refused("client_cert", identity->cert, &lock, err);
    if (code == TOW_OK)
        code = identity_use_key(identity, context, &lock, err);
    SSL_CTX_set_default_passwd_cb(context, NULL);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    ERR_clear_error();
    return code;
}

int tow_identity_use(const struct tow_identity *identity, SSL_CTX *context, struct tow_error *err)
{
    if (identity_is_given(identity))
        return identity_use_both(identity, context, err);
    if (!identity_given(identity->key) && !identity_given(identity->password))
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "%s goes with client_cert, which is missing: name the file of the "
                         "certificate",
                         identity_given(identity->key) ? "client_key" : "client_key_password");
}

int tow_identity_check(const struct tow_identity *identity, struct tow_error *err)
{
    SSL_CTX *context;
    int code;

    if (!identity_is_given(identity))
        return tow_identity_use(identity, NULL, err);
    context = SSL_CTX_new(TLS_client_method());
    code = context ? tow_identity_use(identity, context, err) : tow_error_nomem(err);
    SSL_CTX_free(context);
    return code;
}

/* ---- copies ---------------------------------------------------------------------------------- */

static int identity_copy_text(const char **to, const char *from)
{
    *to = identity_given(from) ? strdup(from) : NULL;
    return !identity_given(from) || *to;
}

int tow_identity_copy(struct tow_identity *to, const struct tow_identity *from,
                      struct tow_error *err)
{
    *to = (struct tow_identity){.cert = NULL};
    if (identity_copy_text(&to->cert, from->cert) && identity_copy_text(&to->key, from->key) &&
        identity_copy_text(&to->password, from->password))
        return TOW_OK;
    return tow_error_nomem(err);
}

void tow_identity_release(struct tow_identity *identity)
{
    char *password = (char *)(uintptr_t)identity->password;

    if (password)
        explicit_bzero(password, strlen(password));
    free(password);
    free((char *)(uintptr_t)identity->cert);
    free((char *)(uintptr_t)identity->key);
    *identity = (struct tow_identity){.cert = NULL};
}
