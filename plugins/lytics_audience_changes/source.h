/* The source's instance: its options, and what it reads from. */
#ifndef PLUGINS_LYTICS_AUDIENCE_CHANGES_SOURCE_H
#define PLUGINS_LYTICS_AUDIENCE_CHANGES_SOURCE_H

#include "connectors/webhook/receiver.h"
#include "plugins/lytics_audience_changes/change.h"
#include "plugins/lytics_audience_changes/members.h"
#include "plugins/lytics_audience_changes/seen.h"
#include "plugins/shared/lytics_options.h"
#include "towpath/batch.h"

enum { TOW_CHANGES_WEBHOOK, TOW_CHANGES_POLL };

/* Where a run stands. */
enum tow_changes_phase {
    TOW_CHANGES_START, /* nothing was read; members are to be read first, where that is wanted */
    TOW_CHANGES_SCAN,  /* never in a position: members are being read */
    TOW_CHANGES_EMIT,  /* rows of a generation's changes */
    TOW_CHANGES_DONE,  /* a generation is through */
    TOW_CHANGES_HOOK   /* rows of what the webhook brings */
};

struct tow_changes_place {
    enum tow_changes_phase phase;
    uint64_t generation; /* of members that is known, or being told (TOW_CHANGES_EMIT) */
    struct tow_spool_place message;
    uint64_t item; /* changes of the message that were handed out */
};

struct tow_changes_options {
    struct tow_lytics_options lytics;
    struct tow_change_rules rules;
    int32_t mode;
    int32_t existing_users;
    const char *spool;
    int64_t max_spool;
    int64_t dedup_window_ms;
    int64_t dedup_entries;
    const char *listen, *path, *secret_header, *secret, *certificate, *key;
    int32_t allow_plain;
    int64_t max_body, connections, idle_ms;
};

struct tow_changes {
    struct tow_changes_options options;
    const struct tow_host *host;
    struct tow_changes_place place;
    int folder; /* of the spool, with the lock; 0 or less: not open */
    struct tow_spool *hook;
    struct tow_receiver *receiver;
    struct tow_spool *changes; /* of the generation that is told */
    struct tow_lytics *lytics;
    struct tow_members *members; /* while they are read */
    struct tow_seen *seen;
    struct tow_builder *builder;
    struct tow_change_reader reader;
    char mark[128];
    int64_t repeated;  /* deliveries that were left out since that was logged */
    int64_t looked_ms; /* when what is read was last dropped */
};

/* The place as text, and back: TOW_E_CONFIG where a position is none. */
void tow_changes_place_put(const struct tow_changes_place *place, struct tow_position *out);
int tow_changes_place_get(struct tow_changes_place *place, const struct tow_position *position,
                          struct tow_error *err);

/* rows.c: rows of messages behind the place, into the builder, which moves the place on. TOW_END
 * where there is no message; TOW_OK also where a batch is full, or a reject shall be handed on. */
int tow_changes_rows(struct tow_changes *source, struct tow_spool *spool, struct tow_error *err);

#endif
