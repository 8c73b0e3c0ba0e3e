/*
 * Checks signatures of AWS Signature Version 4 as the far end does: from the request that came, by
 * code of its own.
 */
#ifndef TESTS_UNIT_SIGV4_VERIFIER_H
#define TESTS_UNIT_SIGV4_VERIFIER_H

#include "http_server.h"

struct sigv4_expected {
    const char *access_key, *secret_key;
    const char *region;
    const char *token; /* NULL: there must be none */
};

/* Fails the test where a request to S3 is not signed so, the clock is more than five minutes off,
 * or the payload's hash is not that of the body. */
void assert_signed(const struct http_seen *seen, const struct sigv4_expected *expected);

#endif
