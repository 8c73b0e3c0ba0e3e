/*
 * Who is in which audience, by reading all of them, and what changed since the time before.
 *
 * A reading has a number, its generation. It leaves, in the job's folder, a sorted file of ids for
 * each audience (members-<generation>-<audience>), and the changes from the generation before as
 * messages in a spool (changes-<generation>), complete once ready-<generation> is there. What is
 * not complete is made anew. An audience that has no file in the generation before is new: its
 * members count as entering where `existing_users` says so, else as known.
 */
#ifndef PLUGINS_LYTICS_AUDIENCE_CHANGES_MEMBERS_H
#define PLUGINS_LYTICS_AUDIENCE_CHANGES_MEMBERS_H

#include "connectors/lytics/client.h"
#include "plugins/lytics_audience_changes/change.h"

struct tow_members;

struct tow_members_settings {
    const struct tow_host *host;
    int folder;       /* descriptor; stays the caller's */
    const char *path; /* of the folder */
    const struct tow_change_rules *rules;
    struct tow_lytics *lytics;
    int existing_users;
    uint64_t generation; /* that is to be made */
};

/* All is borrowed. */
struct tow_members *tow_members_new(const struct tow_members_settings *settings,
                                    struct tow_error *err);
void tow_members_free(struct tow_members *members);
/* A page more: TOW_OK, or TOW_END once the generation is complete. May be called again after
 * TOW_E_TRANSIENT and TOW_E_RATE. */
int tow_members_step(struct tow_members *members, struct tow_error *err);

/* 1 where the generation is complete. */
int tow_members_ready(int folder, uint64_t generation);
/* Removes what is left of generations: files of members other than `keep`, and changes that are not
 * those of `changes`. */
int tow_members_clean(int folder, const char *path, uint64_t keep, uint64_t changes,
                      struct tow_error *err);
/* The folder of a generation's changes, in new memory. */
char *tow_members_changes(const char *path, uint64_t generation, struct tow_error *err);

#define TOW_MEMBERS_SEGMENT (16 << 20) /* bytes of a segment of changes */
#define TOW_MEMBERS_MESSAGE (4 << 20)  /* of a message: an id may be long */

#endif
