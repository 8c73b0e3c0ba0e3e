/*
 * What a webhook of Lytics tells: profiles that entered audiences, or left them.
 *
 * A message is a payload, or an array of them: {"id", "data": {<fields of the profile>,
 * "segment_events": [{"id": <segment>, "slug", "event": "enter" or "exit", "enter" or "exit":
 * <RFC 3339>}]}, "meta"}, or the same within a CloudEvent's "data". (Lytics: audience triggers.)
 */
#ifndef PLUGINS_LYTICS_AUDIENCE_CHANGES_CHANGE_H
#define PLUGINS_LYTICS_AUDIENCE_CHANGES_CHANGE_H

#include "towpath/json.h"
#include "towpath/plugin.h"

/* Indexes into the option table's choices. */
enum { TOW_CHANGE_BOTH, TOW_CHANGE_ENTERS, TOW_CHANGE_EXITS };
enum { TOW_CHANGE_MISSING_REJECT, TOW_CHANGE_MISSING_NULL, TOW_CHANGE_MISSING_FAIL };
enum { TOW_CHANGE_MULTI_FIRST, TOW_CHANGE_MULTI_EXPLODE, TOW_CHANGE_MULTI_JSON };

struct tow_change_rules {
    struct tow_strings audiences; /* ids or slugs */
    const char *id_field;
    int32_t events;
    int32_t missing_id;
    int32_t multi_id;
};

/* A row, or why there is none. Texts are good for the visit. */
struct tow_change {
    const char *code; /* NULL: a row; else it is rejected, with this code and message */
    const char *message;
    struct tow_json_part id; /* its bytes, not JSON; text NULL: there is none */
    struct tow_json_part slug;
    int64_t at_us;
    int is_exit;
};

typedef int tow_change_visit(void *context, const struct tow_change *change, struct tow_error *err);

/* Texts of one message; zero-initialized is valid. */
struct tow_change_reader {
    struct tow_buffer id, slug, event, at;
};
void tow_change_reader_release(struct tow_change_reader *reader);

/*
 * Visits all changes of a message, in the order in which they stand there; events of other
 * audiences, and of a kind that is not wanted, are none. Anything but TOW_OK ends the visits and is
 * returned. TOW_E_DATA: a profile lacks its id, and the rules say that this fails.
 */
int tow_change_each(struct tow_change_reader *reader, const struct tow_change_rules *rules,
                    const char *body, size_t length, tow_change_visit *visit, void *context,
                    struct tow_error *err);

/* Appends a message that tells of one profile, as the webhook would: `id` is JSON. */
int tow_change_put(struct tow_buffer *out, const char *id_field, struct tow_json_part id,
                   const char *segment, const char *slug, int64_t at_us, int is_exit,
                   struct tow_error *err);

#endif
