#include "certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "unit.h"

#define DAY (24 * 3600L)

struct issued {
    X509 *certificate;
    EVP_PKEY *key;
};

static void issued_release(struct issued *issued)
{
    X509_free(issued->certificate);
    EVP_PKEY_free(issued->key);
}

static void extend(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* names: a subjectAltName; NULL: a certificate authority. issuer NULL: by itself. */
static struct issued issue(const char *subject, const char *names, long valid_until,
                           const struct issued *issuer)
{
    struct issued issued = {X509_new(), EVP_EC_gen("P-256")};
    X509 *by = issuer ? issuer->certificate : issued.certificate;
    X509_NAME *name;
    static int serial;

    assert_non_null(issued.certificate);
    assert_non_null(issued.key);
    X509_set_version(issued.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(issued.certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(issued.certificate), -30 * DAY);
    X509_gmtime_adj(X509_getm_notAfter(issued.certificate), valid_until);
    X509_set_pubkey(issued.certificate, issued.key);
    name = X509_get_subject_name(issued.certificate);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)subject, -1, -1, 0),
                     1);
    X509_set_issuer_name(issued.certificate, X509_get_subject_name(by));
    extend(issued.certificate, by, NID_basic_constraints, names ? "CA:FALSE" : "critical,CA:TRUE");
    if (names)
        extend(issued.certificate, by, NID_subject_alt_name, names);
    assert_true(X509_sign(issued.certificate, issuer ? issuer->key : issued.key, EVP_sha256()) > 0);
    return issued;
}

static void save(char *path, size_t size, const char *folder, const char *name,
                 const struct issued *issued, int with_key)
{
    FILE *file;

    snprintf(path, size, "%s/%s.pem", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, issued->certificate), 1);
    if (with_key)
        assert_int_equal(PEM_write_PrivateKey(file, issued->key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
}

static void make(char *path, size_t size, const char *folder, const char *name, const char *names,
                 long valid_until, const struct issued *ca)
{
    struct issued issued = issue(name, names, valid_until, ca);

    save(path, size, folder, name, &issued, 1);
    issued_release(&issued);
}

/* The client's certificate in three files: with its key, alone, and the key alone and encrypted. */
static void make_client(struct certificates *to, const char *folder, const struct issued *ca)
{
    struct issued client = issue("client", "DNS:client.example", 30 * DAY, ca);
    FILE *file;

    save(to->client, sizeof to->client, folder, "client", &client, 1);
    save(to->client_cert, sizeof to->client_cert, folder, "client-cert", &client, 0);
    snprintf(to->client_key, sizeof to->client_key, "%s/client-key.pem", folder);
    file = fopen(to->client_key, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PKCS8PrivateKey(file, client.key, EVP_aes_256_cbc(),
                                               CERTIFICATES_PASSWORD,
                                               sizeof CERTIFICATES_PASSWORD - 1, NULL, NULL),
                     1);
    assert_int_equal(fclose(file), 0);
    issued_release(&client);
}

void certificates_make(struct certificates *certificates, const char *folder)
{
    static const char here[] = "IP:127.0.0.1,DNS:localhost,DNS:service.example";
    struct issued ca = issue("towpath test CA", NULL, 30 * DAY, NULL);
    struct issued stranger = issue("another CA", NULL, 30 * DAY, NULL);

    save(certificates->ca, sizeof certificates->ca, folder, "ca", &ca, 0);
    save(certificates->stranger, sizeof certificates->stranger, folder, "stranger", &stranger, 0);
    make(certificates->server, sizeof certificates->server, folder, "server", here, 30 * DAY, &ca);
    make(certificates->other, sizeof certificates->other, folder, "other", "DNS:other.example",
         30 * DAY, &ca);
    make(certificates->expired, sizeof certificates->expired, folder, "expired", here, -DAY, &ca);
    make_client(certificates, folder, &ca);
    issued_release(&ca);
    issued_release(&stranger);
}
