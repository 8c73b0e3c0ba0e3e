#include "plugins/databricks_copy/redact.h"

#include <string.h>

#define REDACT_LEAST 4 /* bytes of a secret's beginning that give it away */

static const char redact_stars[] = "***";

static void redact_at(char *found, size_t length)
{
    const size_t stars = sizeof redact_stars - 1;
    const size_t put = length < stars ? length : stars;

    memcpy(found, redact_stars, put);
    memmove(found + put, found + length, strlen(found + length) + 1);
}

/* Bytes at the message's end that the secret begins with. */
static size_t redact_tail(const char *message, size_t length, const char *secret)
{
    size_t most = strlen(secret);

    if (most > length)
        most = length;
    while (most >= REDACT_LEAST && memcmp(message + length - most, secret, most) != 0)
        most--;
    return most >= REDACT_LEAST ? most : 0;
}

void tow_copy_redact(struct tow_error *err, const char *secret)
{
    char *found = err->message;
    size_t length, tail;

    if (!secret || !*secret)
        return;
    while ((found = strstr(found, secret))) {
        redact_at(found, strlen(secret));
        found++;
    }
    length = strlen(err->message);
    tail = redact_tail(err->message, length, secret);
    if (tail > 0)
        redact_at(err->message + length - tail, tail);
}
