/*
 * Names of the members of JSON objects, so that two of the same name are found. Objects lie inside
 * of each other: their names are a stack.
 */
#ifndef CONNECTORS_ARROW_MEMBERS_H
#define CONNECTORS_ARROW_MEMBERS_H

#include <stddef.h>

#include "towpath/error.h"

/* The text of a name, quotes and all, in what has been written. */
struct tow_member {
    size_t at, length;
};

/* Zero-initialized is empty and valid. */
struct tow_members {
    struct tow_member *names;
    size_t count, capacity;
};

void tow_members_release(struct tow_members *members);
int tow_members_push(struct tow_members *members, size_t at, size_t length, struct tow_error *err);
/* Takes the names from number `base` on off the stack; TOW_E_DATA where two of them are the same.
 * `text` is what they lie in. */
int tow_members_pop(struct tow_members *members, size_t base, const char *text,
                    struct tow_error *err);

#endif
