#include "run/route/name.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/excerpt.h"

#define NAME_SUFFIX 9 /* "_" and 8 hex digits */
#define FNV_OFFSET  0xcbf29ce484222325u
#define FNV_PRIME   0x100000001b3u

static int name_refuse(const char *value, size_t length, struct tow_error *err, const char *why)
{
    char shown[TOW_EXCERPT_MAX];

    return tow_error_set(err, TOW_E_DATA, "\"%s\" makes no name of a route: %s",
                         tow_excerpt(value, length, shown), why);
}

static char name_letter(unsigned char byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (char)(byte + ('a' - 'A'));
    if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9'))
        return (char)byte;
    return '_';
}

/* The same for a value in every run. That two values have one is found out like any collision. */
static uint32_t name_hash(const char *value, size_t length)
{
    uint64_t hash = FNV_OFFSET;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)value[i]) * FNV_PRIME;
    return (uint32_t)(hash ^ hash >> 32);
}

/* A value that had to be changed gets a suffix of its own: by this alone, whichever comes first, no
 * other value has its name. */
static int name_identifier(const struct tow_route_spec *spec, const char *value, size_t length,
                           char *name, struct tow_error *err)
{
    const int suffix = spec->collisions == TOW_ROUTE_SUFFIX;
    const size_t most = suffix ? ROUTE_NAME_MAX - NAME_SUFFIX : ROUTE_NAME_MAX;
    size_t used = 0;
    int changed = 0;

    for (size_t i = 0; i < length; i++) {
        const unsigned char byte = (unsigned char)value[i];

        if ((byte & 0xc0) == 0x80) /* one '_' for all bytes of a character */
            continue;
        if (used == most && !suffix)
            return name_refuse(value, length, err, "it is longer than 200 characters");
        changed |= name_letter(byte) != value[i] || used == most;
        if (used < most)
            name[used++] = name_letter(byte);
    }
    name[used] = '\0';
    if (used == 0)
        return name_refuse(value, length, err, "it is no UTF-8");
    if (suffix && changed)
        snprintf(name + used, NAME_SUFFIX + 1, "_%08" PRIx32, name_hash(value, length));
    return TOW_OK;
}

static int name_as_is(const char *value, size_t length, char *name, struct tow_error *err)
{
    struct tow_word word = {.name = ""};
    struct tow_error why = TOW_ERROR_INIT;

    if (length > ROUTE_NAME_MAX)
        return name_refuse(value, length, err, "it has more than 200 bytes");
    if (tow_word_set(&word, value, length, &why))
        return name_refuse(value, length, err, why.message);
    if (strchr(".~- ", value[0]) || value[length - 1] == ' ')
        return name_refuse(value, length, err,
                           "it begins with '.', '~', '-' or a blank, or ends with a blank");
    memcpy(name, value, length);
    name[length] = '\0';
    return TOW_OK;
}

int route_name_of(const struct tow_route_spec *spec, const char *value, size_t length,
                  char name[ROUTE_NAME_MAX + 1], struct tow_error *err)
{
    if (length == 0)
        return name_refuse(value, length, err, "it is empty");
    return spec->names == TOW_ROUTE_AS_IS ? name_as_is(value, length, name, err)
                                          : name_identifier(spec, value, length, name, err);
}
