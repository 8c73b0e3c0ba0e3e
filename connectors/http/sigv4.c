#include "connectors/http/sigv4.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "towpath/value.h"

#define SIGV4_DIGEST 32

/* A header, or a parameter of the query: names and values as they are sorted and signed. */
struct sigv4_pair {
    struct tow_buffer name, value;
};

struct sigv4_pairs {
    struct sigv4_pair *items;
    size_t count;
};

/* ---- hashes ---------------------------------------------------------------------------------- */

static void sigv4_hex(char *hash, const unsigned char digest[SIGV4_DIGEST])
{
    *tow_put_hex(hash, digest, SIGV4_DIGEST) = '\0';
}

int tow_sigv4_hash(char hash[TOW_SIGV4_HASH_SIZE], const void *bytes, size_t length,
                   struct tow_error *err)
{
    unsigned char digest[SIGV4_DIGEST];

    if (EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL) != 1)
        return tow_error_set(err, TOW_E_ENV, "libcrypto cannot make a SHA-256");
    sigv4_hex(hash, digest);
    return TOW_OK;
}

static int sigv4_read_file(EVP_MD_CTX *context, int fd, int64_t length, struct tow_error *err)
{
    unsigned char piece[16384];
    int64_t at = 0;

    while (at < length) {
        size_t room = (uint64_t)(length - at) < sizeof piece ? (size_t)(length - at) : sizeof piece;
        ssize_t got = pread(fd, piece, room, at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return tow_error_errno(err, TOW_E_ENV, errno, "read the file to sign");
        if (got == 0)
            return tow_error_set(err, TOW_E_ENV, "the file to sign ends after %lld of %lld bytes",
                                 (long long)at, (long long)length);
        if (EVP_DigestUpdate(context, piece, (size_t)got) != 1)
            return tow_error_set(err, TOW_E_ENV, "libcrypto cannot make a SHA-256");
        at += got;
    }
    return TOW_OK;
}

int tow_sigv4_hash_file(char hash[TOW_SIGV4_HASH_SIZE], int fd, int64_t length,
                        struct tow_error *err)
{
    unsigned char digest[SIGV4_DIGEST];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int code;

    if (!context)
        return tow_error_nomem(err);
    if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        code = tow_error_set(err, TOW_E_ENV, "libcrypto cannot make a SHA-256");
    else
        code = sigv4_read_file(context, fd, length, err);
    if (code == TOW_OK && EVP_DigestFinal_ex(context, digest, NULL) != 1)
        code = tow_error_set(err, TOW_E_ENV, "libcrypto cannot make a SHA-256");
    if (code == TOW_OK)
        sigv4_hex(hash, digest);
    EVP_MD_CTX_free(context);
    return code;
}

static int sigv4_hmac(unsigned char out[SIGV4_DIGEST], const void *key, size_t key_length,
                      const void *text, size_t length, struct tow_error *err)
{
    if (!HMAC(EVP_sha256(), key, (int)key_length, text, length, out, NULL))
        return tow_error_set(err, TOW_E_ENV, "libcrypto cannot make an HMAC of SHA-256");
    return TOW_OK;
}

/* ---- pairs ----------------------------------------------------------------------------------- */

static int sigv4_pairs_init(struct sigv4_pairs *pairs, size_t count, struct tow_error *err)
{
    *pairs = (struct sigv4_pairs){calloc(count ? count : 1, sizeof *pairs->items), count};
    return pairs->items ? TOW_OK : tow_error_nomem(err);
}

static void sigv4_pairs_release(struct sigv4_pairs *pairs)
{
    size_t i;

    for (i = 0; i < pairs->count && pairs->items; i++) {
        tow_buffer_release(&pairs->items[i].name);
        /* A session token is among the headers. */
        if (pairs->items[i].value.data)
            OPENSSL_cleanse(pairs->items[i].value.data, pairs->items[i].value.size);
        tow_buffer_release(&pairs->items[i].value);
    }
    free(pairs->items);
}

static int sigv4_compare_text(const struct tow_buffer *a, const struct tow_buffer *b)
{
    size_t least = a->size < b->size ? a->size : b->size;
    int order = least ? memcmp(a->data, b->data, least) : 0;

    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int sigv4_compare(const void *left, const void *right)
{
    const struct sigv4_pair *a = left, *b = right;
    int order = sigv4_compare_text(&a->name, &b->name);

    return order ? order : sigv4_compare_text(&a->value, &b->value);
}

/* ---- path and query -------------------------------------------------------------------------- */

/* Appends text with its %XX undone. */
static int sigv4_decode(struct tow_buffer *out, const char *text, size_t length,
                        struct tow_error *err)
{
    int code = tow_buffer_reserve(out, length, err);
    size_t i, used;

    for (i = 0; i < length && code == TOW_OK; i++) {
        if (text[i] == '%' && i + 2 < length &&
            tow_parse_hex(text + i + 1, 2, out->data + out->size, &used) == TOW_PARSE_OK) {
            out->size++;
            i += 2;
        } else {
            out->data[out->size++] = text[i];
        }
    }
    return code;
}

/* Appends text as the far end encodes it after decoding what it got. */
static int sigv4_recode(struct tow_buffer *out, const char *text, size_t length, int keep_slashes,
                        struct tow_error *err)
{
    struct tow_buffer plain = {NULL, 0, 0};
    int code = sigv4_decode(&plain, text, length, err);

    if (code == TOW_OK)
        code = tow_http_encode(out, plain.data, plain.size, keep_slashes, err);
    tow_buffer_release(&plain);
    return code;
}

/* Whether a path has segments that services other than S3 would take out. */
static int sigv4_is_crooked(const char *path)
{
    const char *at;

    for (at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
        size_t length = strcspn(at + 1, "/");

        if (length == 0 && at[1] == '/')
            return 1;
        if ((length == 1 && at[1] == '.') || (length == 2 && at[1] == '.' && at[2] == '.'))
            return 1;
    }
    return 0;
}

/* S3 encodes a path once, others twice. */
static int sigv4_path(struct tow_buffer *out, const struct tow_http_sigv4 *keys, const char *path,
                      struct tow_error *err)
{
    if (strcmp(keys->service, "s3") == 0)
        return sigv4_recode(out, path, strlen(path), 1, err);
    if (sigv4_is_crooked(path))
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "a path with empty or dot segments cannot be signed for %s",
                             keys->service);
    return tow_http_encode(out, path, strlen(path), 1, err);
}

static int sigv4_parameter(struct sigv4_pair *pair, const char *text, size_t length,
                           struct tow_error *err)
{
    const char *equals = memchr(text, '=', length);
    size_t name = equals ? (size_t)(equals - text) : length;
    size_t value = equals ? length - name - 1 : 0;
    int code = sigv4_recode(&pair->name, text, name, 0, err);

    return code == TOW_OK ? sigv4_recode(&pair->value, text + length - value, value, 0, err) : code;
}

static int sigv4_query(struct tow_buffer *out, const char *query, struct tow_error *err)
{
    struct sigv4_pairs pairs;
    const char *at;
    size_t count = 0, i;
    int code;

    if (!query || !*query)
        return TOW_OK;
    for (at = query; at; at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL)
        count++;
    code = sigv4_pairs_init(&pairs, count, err);
    for (at = query, i = 0; i < count && code == TOW_OK; i++) {
        size_t length = strcspn(at, "&");

        code = sigv4_parameter(&pairs.items[i], at, length, err);
        at += length + 1;
    }
    if (code == TOW_OK)
        qsort(pairs.items, count, sizeof *pairs.items, sigv4_compare);
    for (i = 0; i < count && code == TOW_OK; i++)
        code = tow_buffer_printf(out, err, "%s%.*s=%.*s", i ? "&" : "",
                                 (int)pairs.items[i].name.size, pairs.items[i].name.data,
                                 (int)pairs.items[i].value.size, pairs.items[i].value.data);
    sigv4_pairs_release(&pairs);
    return code;
}

/* ---- headers --------------------------------------------------------------------------------- */

/* Name in small letters; value without blanks around, and runs of them made one. */
static int sigv4_header(struct sigv4_pair *pair, const struct tow_http_header *header,
                        struct tow_error *err)
{
    const char *at = header->value;
    size_t i;
    int code = tow_buffer_append(&pair->name, header->name, strlen(header->name), err);

    for (i = 0; i < pair->name.size && code == TOW_OK; i++)
        if (pair->name.data[i] >= 'A' && pair->name.data[i] <= 'Z')
            pair->name.data[i] = (char)(pair->name.data[i] + ('a' - 'A'));
    if (code == TOW_OK)
        code = tow_buffer_reserve(&pair->value, strlen(at), err);
    if (code != TOW_OK)
        return code;
    for (; *at; at++)
        if (*at != ' ' || (pair->value.size > 0 && pair->value.data[pair->value.size - 1] != ' '))
            pair->value.data[pair->value.size++] = *at;
    if (pair->value.size > 0 && pair->value.data[pair->value.size - 1] == ' ')
        pair->value.size--;
    return TOW_OK;
}

/* The canonical headers, and the list of their names. */
static int sigv4_headers(struct tow_buffer *lines, struct tow_buffer *names,
                         const struct tow_sigv4_request *request, struct tow_error *err)
{
    struct sigv4_pairs pairs;
    size_t i;
    int code = sigv4_pairs_init(&pairs, request->header_count, err);

    for (i = 0; i < request->header_count && code == TOW_OK; i++)
        code = sigv4_header(&pairs.items[i], &request->headers[i], err);
    if (code == TOW_OK)
        qsort(pairs.items, pairs.count, sizeof *pairs.items, sigv4_compare);
    for (i = 0; i < pairs.count && code == TOW_OK; i++) {
        const struct sigv4_pair *pair = &pairs.items[i];

        code = tow_buffer_printf(lines, err, "%.*s:%.*s\n", (int)pair->name.size, pair->name.data,
                                 (int)pair->value.size, pair->value.data);
        if (code == TOW_OK)
            code = tow_buffer_printf(names, err, "%s%.*s", i ? ";" : "", (int)pair->name.size,
                                     pair->name.data);
    }
    sigv4_pairs_release(&pairs);
    return code;
}

/* ---- signature ------------------------------------------------------------------------------- */

void tow_sigv4_date(char date[TOW_SIGV4_DATE_SIZE], time_t now)
{
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(date, TOW_SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &utc);
}

/* Hash of the canonical request; names of the signed headers are appended to `names`. */
static int sigv4_canonical(char hash[TOW_SIGV4_HASH_SIZE], struct tow_buffer *names,
                           const struct tow_http_sigv4 *keys,
                           const struct tow_sigv4_request *request, struct tow_error *err)
{
    struct tow_buffer text = {NULL, 0, 0};
    int code = tow_buffer_printf(&text, err, "%s\n", request->method);

    if (code == TOW_OK)
        code = sigv4_path(&text, keys, request->path, err);
    if (code == TOW_OK)
        code = tow_buffer_append(&text, "\n", 1, err);
    if (code == TOW_OK)
        code = sigv4_query(&text, request->query, err);
    if (code == TOW_OK)
        code = tow_buffer_append(&text, "\n", 1, err);
    if (code == TOW_OK)
        code = sigv4_headers(&text, names, request, err);
    if (code == TOW_OK)
        code = tow_buffer_printf(&text, err, "\n%.*s\n%s", (int)names->size, names->data,
                                 request->payload);
    if (code == TOW_OK)
        code = tow_sigv4_hash(hash, text.data, text.size, err);
    if (text.data)
        OPENSSL_cleanse(text.data, text.size);
    tow_buffer_release(&text);
    return code;
}

/* The key of this day, region and service signs `text`. */
static int sigv4_seal(char signature[TOW_SIGV4_HASH_SIZE], const struct tow_http_sigv4 *keys,
                      const char *date, const struct tow_buffer *text, struct tow_error *err)
{
    const char *const steps[] = {keys->region, keys->service, "aws4_request"};
    unsigned char key[SIGV4_DIGEST];
    struct tow_buffer first = {NULL, 0, 0};
    size_t i;
    int code = tow_buffer_printf(&first, err, "AWS4%s", keys->secret_key);

    if (code == TOW_OK)
        code = sigv4_hmac(key, first.data, first.size, date, 8, err);
    for (i = 0; i < 3 && code == TOW_OK; i++)
        code = sigv4_hmac(key, key, sizeof key, steps[i], strlen(steps[i]), err);
    if (code == TOW_OK)
        code = sigv4_hmac(key, key, sizeof key, text->data, text->size, err);
    if (code == TOW_OK)
        sigv4_hex(signature, key);
    OPENSSL_cleanse(key, sizeof key);
    if (first.data)
        OPENSSL_cleanse(first.data, first.size);
    tow_buffer_release(&first);
    return code;
}

int tow_sigv4_sign(struct tow_buffer *out, const struct tow_http_sigv4 *keys, const char *date,
                   const struct tow_sigv4_request *request, struct tow_error *err)
{
    char hash[TOW_SIGV4_HASH_SIZE], signature[TOW_SIGV4_HASH_SIZE];
    struct tow_buffer names = {NULL, 0, 0}, text = {NULL, 0, 0}, scope = {NULL, 0, 0};
    int code = sigv4_canonical(hash, &names, keys, request, err);

    if (code == TOW_OK)
        code = tow_buffer_printf(&scope, err, "%.8s/%s/%s/aws4_request", date, keys->region,
                                 keys->service);
    if (code == TOW_OK)
        code = tow_buffer_printf(&text, err, "AWS4-HMAC-SHA256\n%s\n%.*s\n%s", date,
                                 (int)scope.size, scope.data, hash);
    if (code == TOW_OK)
        code = sigv4_seal(signature, keys, date, &text, err);
    if (code == TOW_OK)
        code = tow_buffer_printf(out, err,
                                 "AWS4-HMAC-SHA256 Credential=%s/%.*s,SignedHeaders=%.*s,"
                                 "Signature=%s",
                                 keys->access_key, (int)scope.size, scope.data, (int)names.size,
                                 names.data, signature);
    tow_buffer_release(&names);
    tow_buffer_release(&text);
    tow_buffer_release(&scope);
    return code;
}
