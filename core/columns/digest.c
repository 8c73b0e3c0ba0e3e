#include "columns/columns_priv.h"

#define DIGEST_SIZE 32

static int digest_failed(struct tow_error *err)
{
    return tow_error_set(err, TOW_E_ENV, "SHA-256: libcrypto failed");
}

int tow_digest_open(struct tow_digest *digest, struct tow_error *err)
{
    if (digest->context)
        return TOW_OK;
    digest->method = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!digest->method || EVP_MD_get_size(digest->method) != DIGEST_SIZE)
        return tow_error_set(err, TOW_E_ENV, "SHA-256: libcrypto does not offer it");
    digest->context = EVP_MD_CTX_new();
    if (!digest->context)
        return tow_error_nomem(err);
    if (!EVP_DigestInit_ex2(digest->context, digest->method, NULL))
        return digest_failed(err);
    return TOW_OK;
}

void tow_digest_release(struct tow_digest *digest)
{
    EVP_MD_CTX_free(digest->context);
    EVP_MD_free(digest->method);
    *digest = (struct tow_digest){0};
}

static int digest_value(struct tow_digest *digest, const char *text, size_t length,
                        unsigned char out[DIGEST_SIZE])
{
    /* Without a method the context keeps its own: nothing is looked up. */
    return EVP_DigestInit_ex2(digest->context, NULL, NULL) &&
           EVP_DigestUpdate(digest->context, text, length) &&
           EVP_DigestFinal_ex(digest->context, out, NULL);
}

int tow_digest_column(struct tow_step *step, struct tow_error *err)
{
    int is_binary = step->out->type.id == TOW_TYPE_BINARY;
    int code = tow_step_reserve(step, step->in.length * 2 * DIGEST_SIZE, err);
    char *p = step->out->bytes;

    if (code != TOW_OK)
        return code;
    for (int64_t row = 0; row < step->in.length; row++) {
        unsigned char hash[DIGEST_SIZE];
        char room[TOW_VALUE_TEXT_MAX];
        const char *text;
        size_t length;

        if (tow_view_is_null(&step->in, row)) {
            p = tow_step_put_null(step, p);
        } else {
            text = tow_value_text(&step->in, row, room, &length);
            if (!digest_value(step->digest, text, length, is_binary ? (void *)p : hash))
                return digest_failed(err);
            p = is_binary ? p + DIGEST_SIZE : tow_put_hex(p, hash, DIGEST_SIZE);
        }
        step->out->offsets[row + 1] = (int32_t)(p - step->out->bytes);
    }
    return TOW_OK;
}
