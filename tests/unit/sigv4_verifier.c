#include "sigv4_verifier.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <time.h>

#include "http_fixture.h"

#define TEXT_MAX 16384

static void hex(char *to, const unsigned char *bytes)
{
    int i;

    for (i = 0; i < 32; i++)
        sprintf(to + 2 * i, "%02x", bytes[i]);
}

static void sha256(char *to, const void *bytes, size_t length)
{
    unsigned char digest[32];

    assert_int_equal(EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL), 1);
    hex(to, digest);
}

static void hmac(unsigned char key[32], size_t key_length, const char *text)
{
    unsigned char out[32];

    assert_non_null(HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text,
                         strlen(text), out, NULL));
    memcpy(key, out, 32);
}

/* A header of the request; "" where there is none. */
static char *header(const struct http_seen *seen, const char *name, char *to, size_t size)
{
    char *value = http_seen_header(seen, name);

    snprintf(to, size, "%s", value ? value : "");
    free(value);
    return to;
}

/* "Name=value" of an Authorization header. */
static void part(const char *authorization, const char *name, char *to, size_t size)
{
    const char *at = strstr(authorization, name);
    size_t length;

    assert_non_null(at);
    at += strlen(name);
    length = strcspn(at, ", ");
    assert_true(length < size);
    memcpy(to, at, length);
    to[length] = '\0';
}

/* S3 decodes the path that it gets, and encodes the key: all but unreserved characters and '/'. */
static void canonical_path(const char *target, char *to)
{
    for (; *target && *target != '?'; target++) {
        unsigned byte = (unsigned char)*target;

        if (byte == '%') {
            assert_int_equal(sscanf(target + 1, "%2x", &byte), 1);
            target += 2;
        }
        to += sprintf(to, isalnum((int)byte) || strchr("-._~/", (int)byte) ? "%c" : "%%%02X",
                      (int)byte);
    }
    *to = '\0';
}

/* Runs of blanks count as one. */
static char *collapse(char *value)
{
    char *at, *to = value;

    for (at = value; *at; at++)
        if (*at != ' ' || at[1] != ' ')
            *to++ = *at;
    *to = '\0';
    return value;
}

/* The lines of the headers that SignedHeaders names. */
static void canonical_headers(const struct http_seen *seen, const char *names, char *to)
{
    char list[1024], value[8192], *name, *rest = NULL;

    snprintf(list, sizeof list, "%s", names);
    for (name = strtok_r(list, ";", &rest); name; name = strtok_r(NULL, ";", &rest))
        to += sprintf(to, "%s:%s\n", name, collapse(header(seen, name, value, sizeof value)));
}

static void assert_fresh(const char *date)
{
    struct tm tm = {0};
    time_t then;

    assert_non_null(strptime(date, "%Y%m%dT%H%M%SZ", &tm));
    then = timegm(&tm);
    assert_true(labs((long)(time(NULL) - then)) < 300);
}

static void assert_payload(const struct http_seen *seen, const char *payload)
{
    char hash[65];

    if (strcmp(payload, "UNSIGNED-PAYLOAD") == 0)
        return;
    sha256(hash, seen->body ? seen->body : "", seen->length);
    assert_string_equal(payload, hash);
}

void assert_signed(const struct http_seen *seen, const struct sigv4_expected *expected)
{
    char authorization[4096], date[64], payload[128], token[4096], names[1024], signature[65];
    char credential[256], scope[256], hash[65], computed[65];
    char path[TEXT_MAX], lines[TEXT_MAX], text[3 * TEXT_MAX];
    unsigned char key[128];

    header(seen, "Authorization", authorization, sizeof authorization);
    header(seen, "X-Amz-Date", date, sizeof date);
    header(seen, "X-Amz-Content-Sha256", payload, sizeof payload);
    header(seen, "X-Amz-Security-Token", token, sizeof token);
    assert_string_equal(token, expected->token ? expected->token : "");
    assert_fresh(date);
    assert_payload(seen, payload);
    part(authorization, "SignedHeaders=", names, sizeof names);
    part(authorization, "Signature=", signature, sizeof signature);
    part(authorization, "Credential=", credential, sizeof credential);
    snprintf(scope, sizeof scope, "%.8s/%s/s3/aws4_request", date, expected->region);
    snprintf(text, sizeof text, "%s/%s", expected->access_key, scope);
    assert_string_equal(credential, text);
    assert_null(strchr(seen->target, '?'));
    canonical_path(seen->target, path);
    canonical_headers(seen, names, lines);
    snprintf(text, sizeof text, "%s\n%s\n\n%s\n%s\n%s", seen->method, path, lines, names, payload);
    sha256(hash, text, strlen(text));
    snprintf((char *)key, sizeof key, "AWS4%s", expected->secret_key);
    snprintf(text, sizeof text, "%.8s", date);
    hmac(key, strlen((char *)key), text);
    hmac(key, 32, expected->region);
    hmac(key, 32, "s3");
    hmac(key, 32, "aws4_request");
    snprintf(text, sizeof text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, hash);
    hmac(key, 32, text);
    hex(computed, key);
    assert_string_equal(signature, computed);
}
