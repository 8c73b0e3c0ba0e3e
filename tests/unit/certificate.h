/* Certificates for tests, made when they are needed: there is none to expire in the tree. */
#ifndef TESTS_UNIT_CERTIFICATE_H
#define TESTS_UNIT_CERTIFICATE_H

/*
 * Writes a PEM file with a new key and a certificate that signs itself, for `names` as OpenSSL's
 * subjectAltName has them ("DNS:localhost,IP:127.0.0.1"). The file serves as a server's certificate
 * and key, and as what a client trusts. What cannot be done fails the test.
 */
void certificate_write(const char *path, const char *names);
/* As certificate_write, and out of date. */
void certificate_write_expired(const char *path, const char *names);
/* The same for clients that trust no server's own certificate: `path` for the server, `authority`,
 * who has signed it, for clients. */
void certificate_write_signed(const char *path, const char *authority, const char *names);

#endif
