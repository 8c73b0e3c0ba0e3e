#include "connectors/arrow/members.h"

#include <stdlib.h>
#include <string.h>

#include "towpath/value.h"

/* So many names are compared each with each, more are sorted. */
#define MEMBERS_FEW   16
#define MEMBERS_FIRST 64
#define MEMBERS_SHOWN 100 /* bytes of a name in a message */

void tow_members_release(struct tow_members *members)
{
    free(members->names);
    *members = (struct tow_members){NULL, 0, 0};
}

int tow_members_push(struct tow_members *members, size_t at, size_t length, struct tow_error *err)
{
    if (members->count == members->capacity) {
        size_t capacity = members->capacity ? 2 * members->capacity : MEMBERS_FIRST;
        struct tow_member *names = reallocarray(members->names, capacity, sizeof *names);

        if (!names)
            return tow_error_nomem(err);
        members->names = names;
        members->capacity = capacity;
    }
    members->names[members->count++] = (struct tow_member){at, length};
    return TOW_OK;
}

static int member_compare(const void *left, const void *right, void *text)
{
    const struct tow_member *a = left, *b = right;

    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return memcmp((const char *)text + a->at, (const char *)text + b->at, a->length);
}

static const struct tow_member *members_repeated_of_few(const struct tow_member *names,
                                                        size_t count, const char *text)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (member_compare(&names[i], &names[j], (void *)text) == 0)
                return &names[i];
    return NULL;
}

static const struct tow_member *members_repeated_of_many(struct tow_member *names, size_t count,
                                                         const char *text)
{
    qsort_r(names, count, sizeof *names, member_compare, (void *)text);
    for (size_t i = 1; i < count; i++)
        if (member_compare(&names[i], &names[i - 1], (void *)text) == 0)
            return &names[i];
    return NULL;
}

static const struct tow_member *members_repeated(struct tow_member *names, size_t count,
                                                 const char *text)
{
    return count <= MEMBERS_FEW ? members_repeated_of_few(names, count, text)
                                : members_repeated_of_many(names, count, text);
}

int tow_members_pop(struct tow_members *members, size_t base, const char *text,
                    struct tow_error *err)
{
    const size_t count = members->count - base;
    const struct tow_member *repeated = NULL;

    members->count = base;
    if (count > 0)
        repeated = members_repeated(members->names + base, count, text);
    if (!repeated)
        return TOW_OK;
    if (repeated->length <= MEMBERS_SHOWN)
        return tow_error_set(err, TOW_E_DATA, "two members are called %.*s", (int)repeated->length,
                             text + repeated->at);
    return tow_error_set(err, TOW_E_DATA, "two members are called %.*s...",
                         (int)tow_utf8_prefix(text + repeated->at, MEMBERS_SHOWN),
                         text + repeated->at);
}
