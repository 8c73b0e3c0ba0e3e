#include "certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "unit.h"

#define CERTIFICATE_BEFORE (-3600L) /* seconds, around now */
#define CERTIFICATE_AFTER  86400L

static void certificate_extend(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* Of `subject`, with `key`, without extensions and not signed. */
static X509 *certificate_make(EVP_PKEY *key, const char *subject, const X509 *issuer)
{
    X509 *certificate = X509_new();
    X509_NAME *name;

    assert_non_null(certificate);
    name = X509_get_subject_name(certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), CERTIFICATE_BEFORE);
    X509_gmtime_adj(X509_getm_notAfter(certificate), CERTIFICATE_AFTER);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject, -1, -1, 0);
    X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : name);
    X509_set_pubkey(certificate, key);
    return certificate;
}

static EVP_PKEY *certificate_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");

    assert_non_null(key);
    return key;
}

/* Signs it, and writes it to the file, with its key where there is one. */
static void certificate_finish(X509 *certificate, EVP_PKEY *signer, const char *path, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(X509_sign(certificate, signer, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    if (key)
        assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
}

static void certificate_write_own(const char *path, const char *names, long until)
{
    EVP_PKEY *key = certificate_key();
    X509 *certificate = certificate_make(key, "towpath test", NULL);

    X509_gmtime_adj(X509_getm_notAfter(certificate), until);
    certificate_extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
    certificate_extend(certificate, NID_subject_alt_name, names);
    certificate_finish(certificate, key, path, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void certificate_write(const char *path, const char *names)
{
    certificate_write_own(path, names, CERTIFICATE_AFTER);
}

void certificate_write_expired(const char *path, const char *names)
{
    certificate_write_own(path, names, CERTIFICATE_BEFORE / 2);
}

void certificate_write_signed(const char *path, const char *authority, const char *names)
{
    EVP_PKEY *signer = certificate_key(), *key = certificate_key();
    X509 *root = certificate_make(signer, "towpath authority", NULL);
    X509 *certificate = certificate_make(key, "towpath test", root);

    certificate_extend(root, NID_basic_constraints, "critical,CA:TRUE");
    certificate_finish(root, signer, authority, NULL);
    certificate_extend(certificate, NID_basic_constraints, "critical,CA:FALSE");
    certificate_extend(certificate, NID_subject_alt_name, names);
    certificate_finish(certificate, signer, path, key);
    X509_free(certificate);
    X509_free(root);
    EVP_PKEY_free(key);
    EVP_PKEY_free(signer);
}
