/*
 * Which profiles a load has handed out, by hashes of 96 bits: in memory for the part of the
 * audience that is being scanned, and batch by batch in the job's ledger, with the checkpoint, so
 * that a scan that has to begin anew, in this process or another, hands out each profile once.
 */
#ifndef PLUGINS_LYTICS_AUDIENCE_SEEN_H
#define PLUGINS_LYTICS_AUDIENCE_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "towpath/plugin.h"
#include "towpath/rowtext.h"

struct tow_member_hash {
    uint64_t high; /* never 0 */
    uint32_t low;
};

/* Of any bytes. */
struct tow_member_hash tow_member_hash_of(const void *bytes, size_t length);

/* Zero-initialized is empty and valid. */
struct tow_member_set {
    struct tow_member_hash *items;
    size_t count, capacity;
};
void tow_member_set_release(struct tow_member_set *set);
/* Forgets all, and keeps the room. */
void tow_member_set_clear(struct tow_member_set *set);
/* *is_new: it was not there. */
int tow_member_set_add(struct tow_member_set *set, struct tow_member_hash hash, int *is_new,
                       struct tow_error *err);

/* Hashes of a batch as the text of a ledger entry: 16 bytes each. */
#define TOW_MEMBER_HASH_TEXT 16
int tow_member_hash_put(struct tow_buffer *out, struct tow_member_hash hash, struct tow_error *err);

/*
 * The entries of a part of the audience, 0 to 99: "seen/PART/BATCH". Each begins with a mark of its
 * load, by which those of loads before, which the next one writes over, are told from its own.
 */
#define TOW_MEMBER_KEY_MAX 64
void tow_member_key(char key[TOW_MEMBER_KEY_MAX], int part, uint64_t batch);
/* Begins the text of an entry. */
int tow_member_entry(struct tow_buffer *out, const char *load, struct tow_error *err);
/* Adds what the ledger has of a part of the host's load to the set. *batches: the number behind the
 * last entry's. TOW_E_ENV where an entry is of another form. */
int tow_member_set_read(struct tow_member_set *set, const struct tow_host *host, int part,
                        uint64_t *batches, struct tow_error *err);

#endif
