/* Certificates for TLS servers in tests, made when they are needed. */
#ifndef TESTS_UNIT_CERTIFICATES_H
#define TESTS_UNIT_CERTIFICATES_H

#define CERTIFICATES_PASSWORD "open sesame"

/* Paths of PEM files; those that are no `ca` hold certificate and key. */
struct certificates {
    char ca[160];      /* has issued all below */
    char server[160];  /* for 127.0.0.1, localhost and service.example */
    char other[160];   /* for other.example */
    char expired[160]; /* as `server`, until yesterday */
    char client[160];
    char client_cert[160]; /* of `client`, alone */
    char client_key[160];  /* and its key, encrypted with CERTIFICATES_PASSWORD */
    char stranger[160];    /* another ca, which has issued nothing */
};

/* Writes them into a folder; the test fails where it cannot. */
void certificates_make(struct certificates *certificates, const char *folder);

#endif
