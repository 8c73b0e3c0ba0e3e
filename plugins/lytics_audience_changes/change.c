#include "plugins/lytics_audience_changes/change.h"

#include <stdio.h>
#include <string.h>

#include "towpath/value.h"

#define CHANGE_DEPTH 64

/* What all changes of a message have in common. */
struct change_walk {
    struct tow_change_reader *reader;
    const struct tow_change_rules *rules;
    tow_change_visit *visit;
    void *context;
};

void tow_change_reader_release(struct tow_change_reader *reader)
{
    tow_buffer_release(&reader->id);
    tow_buffer_release(&reader->slug);
    tow_buffer_release(&reader->event);
    tow_buffer_release(&reader->at);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/* 1 where a key, with its quotes, stands for a name; 0; TOW_E_NOMEM. */
static int change_key_is(struct tow_json_part key, const char *name, struct tow_buffer *scratch,
                         struct tow_error *err)
{
    size_t length = strlen(name);
    int rc;

    if (!memchr(key.text, '\\', key.length))
        return key.length == length + 2 && memcmp(key.text + 1, name, length) == 0;
    scratch->size = 0;
    rc = tow_json_unescape(scratch, key, NULL);
    if (rc == TOW_E_NOMEM)
        return tow_error_nomem(err);
    return rc == TOW_OK && scratch->size == length && memcmp(scratch->data, name, length) == 0;
}

/* The value of a member; text NULL where there is none, or null. TOW_E_NOMEM. */
static int change_member(struct tow_json_part object, const char *name, struct tow_buffer *scratch,
                         struct tow_json_part *found, struct tow_error *err)
{
    struct tow_json_part key, value;
    struct tow_json_scan scan;
    int is;

    *found = (struct tow_json_part){NULL, 0};
    if (!object.text || !tow_json_scan_object(&scan, object))
        return TOW_OK;
    while (tow_json_scan_member(&scan, &key, &value)) {
        is = change_key_is(key, name, scratch, err);
        if (is < 0)
            return is;
        if (is)
            *found = value;
    }
    if (found->text && tow_json_part_is(*found, "null"))
        *found = (struct tow_json_part){NULL, 0};
    return TOW_OK;
}

/* The text of a string, or of a number or bool as it stands: 1; 0 for anything else. */
static int change_text(struct tow_json_part value, struct tow_buffer *out, struct tow_error *err)
{
    out->size = 0;
    if (!value.text || value.text[0] == '[' || value.text[0] == '{' ||
        tow_json_part_is(value, "null"))
        return 0;
    int rc = value.text[0] == '"' ? tow_json_unescape(out, value, err)
                                  : tow_buffer_append(out, value.text, value.length, err);
    if (rc && err->code == TOW_E_NOMEM)
        return rc;
    return rc == TOW_OK;
}

/* The same of a member. */
static int change_member_text(struct tow_json_part object, const char *name,
                              struct tow_buffer *scratch, struct tow_buffer *out,
                              struct tow_error *err)
{
    struct tow_json_part value;
    int rc = change_member(object, name, scratch, &value, err);

    return rc ? rc : change_text(value, out, err);
}

static int change_is(const struct tow_buffer *text, const char *word)
{
    return text->size == strlen(word) && memcmp(text->data, word, text->size) == 0;
}

/* ---- one change ----------------------------------------------------------------------------- */

static int change_refuse(const struct change_walk *walk, const char *code, const char *message,
                         struct tow_error *err)
{
    const struct tow_change change = {.code = code, .message = message};

    return walk->visit(walk->context, &change, err);
}

static int change_is_wanted(const struct change_walk *walk, const struct tow_buffer *name)
{
    const struct tow_strings *audiences = &walk->rules->audiences;

    for (uint64_t i = 0; i < audiences->count; i++)
        if (change_is(name, audiences->items[i]))
            return 1;
    return 0;
}

static int change_missing(const struct change_walk *walk, struct tow_change *change,
                          struct tow_error *err)
{
    char message[512];

    change->id = (struct tow_json_part){NULL, 0}; /* not that of the value before */
    if (walk->rules->missing_id == TOW_CHANGE_MISSING_NULL)
        return walk->visit(walk->context, change, err);
    snprintf(message, sizeof message,
             "the profile has no value in \"%.200s\", the field that id_field names; the webhook "
             "must send it",
             walk->rules->id_field);
    if (walk->rules->missing_id == TOW_CHANGE_MISSING_FAIL)
        return tow_error_set(err, TOW_E_DATA, "%s", message);
    return change_refuse(walk, "missing_id", message, err);
}

/* One value of the id field; empty is as good as none. */
static int change_with_id(const struct change_walk *walk, struct tow_change *change,
                          struct tow_json_part value, struct tow_error *err)
{
    struct tow_buffer *id = &walk->reader->id;
    int rc;

    if (value.text && (value.text[0] == '[' || value.text[0] == '{')) {
        change->id = value;
        return walk->visit(walk->context, change, err);
    }
    rc = change_text(value, id, err);
    if (rc < 0)
        return rc;
    if (rc == 0 || id->size == 0)
        return change_missing(walk, change, err);
    change->id = (struct tow_json_part){id->data, id->size};
    return walk->visit(walk->context, change, err);
}

/* The next of several values: an item of an array, or a key of a map. */
static int change_next_id(struct tow_json_scan *scan, int is_map, struct tow_json_part *id)
{
    struct tow_json_part value;

    return is_map ? tow_json_scan_member(scan, id, &value) : tow_json_scan_item(scan, id);
}

static int change_with_ids(const struct change_walk *walk, struct tow_change *change,
                           struct tow_json_part ids, struct tow_error *err)
{
    struct tow_json_scan scan;
    struct tow_json_part id;
    int is_map = ids.text[0] == '{';

    if (!(is_map ? tow_json_scan_object(&scan, ids) : tow_json_scan_array(&scan, ids)) ||
        !change_next_id(&scan, is_map, &id))
        return change_missing(walk, change, err);
    do {
        int rc = change_with_id(walk, change, id, err);

        if (rc || walk->rules->multi_id == TOW_CHANGE_MULTI_FIRST)
            return rc;
    } while (change_next_id(&scan, is_map, &id));
    return TOW_OK;
}

static int change_rows(const struct change_walk *walk, struct tow_change *change,
                       struct tow_json_part id, struct tow_error *err)
{
    int is_several = id.text && (id.text[0] == '[' || id.text[0] == '{');

    if (is_several && walk->rules->multi_id != TOW_CHANGE_MULTI_JSON)
        return change_with_ids(walk, change, id, err);
    return change_with_id(walk, change, id, err);
}

/* ---- events --------------------------------------------------------------------------------- */

/* The time stands under a name like the event's own. */
static int change_time(const struct change_walk *walk, struct tow_json_part event,
                       struct tow_change *change, struct tow_error *err)
{
    struct tow_change_reader *reader = walk->reader;
    int zone, rc = change_member_text(event, change->is_exit ? "exit" : "enter", &reader->at,
                                      &reader->at, err);

    if (rc < 0)
        return rc;
    return rc && tow_parse_timestamp(reader->at.data, reader->at.size, &change->at_us, &zone) ==
                     TOW_PARSE_OK;
}

static int change_event(const struct change_walk *walk, struct tow_json_part event,
                        struct tow_json_part id, struct tow_error *err)
{
    struct tow_change_reader *reader = walk->reader;
    struct tow_change change = {0};
    int named, wanted;

    /* Its id first: the slug stays in the buffer. */
    int rc = change_member_text(event, "id", &reader->at, &reader->slug, err);
    wanted = rc > 0 && change_is_wanted(walk, &reader->slug);
    named = rc < 0 ? rc : change_member_text(event, "slug", &reader->at, &reader->slug, err);
    if (named < 0)
        return named;
    if (named && change_is_wanted(walk, &reader->slug))
        wanted = 1;
    if (!wanted)
        return TOW_OK;
    rc = change_member_text(event, "event", &reader->at, &reader->event, err);
    if (rc < 0)
        return rc;
    change.is_exit = rc && change_is(&reader->event, "exit");
    if (!named || (!change.is_exit && !(rc && change_is(&reader->event, "enter"))))
        return change_refuse(walk, "bad_event",
                             "an entry of segment_events lacks its slug, or its event is neither "
                             "\"enter\" nor \"exit\"",
                             err);
    if (walk->rules->events == (change.is_exit ? TOW_CHANGE_ENTERS : TOW_CHANGE_EXITS))
        return TOW_OK;
    rc = change_time(walk, event, &change, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return change_refuse(walk, "bad_timestamp",
                             "an entry of segment_events has no time as RFC 3339 says it under "
                             "the name of its event",
                             err);
    change.slug = (struct tow_json_part){reader->slug.data, reader->slug.size};
    return change_rows(walk, &change, id, err);
}

/* Where the events stand: in the profile, in a CloudEvent around it, or at the top. `events` has no
 * text where there are none. */
static int change_profile(const struct change_walk *walk, struct tow_json_part payload,
                          struct tow_json_part *profile, struct tow_json_part *events,
                          struct tow_error *err)
{
    struct tow_buffer *scratch = &walk->reader->at;
    struct tow_json_part places[3] = {{NULL, 0}, {NULL, 0}, payload};
    int rc = change_member(payload, "data", scratch, &places[0], err);

    if (!rc)
        rc = change_member(places[0], "data", scratch, &places[1], err);
    *events = (struct tow_json_part){NULL, 0};
    for (size_t i = 0; !rc && !events->text && i < sizeof places / sizeof *places; i++) {
        *profile = places[i];
        rc = change_member(*profile, "segment_events", scratch, events, err);
    }
    return rc;
}

static int change_payload(const struct change_walk *walk, struct tow_json_part payload,
                          struct tow_error *err)
{
    struct tow_json_part events, event, id, profile;
    struct tow_json_scan scan;
    int rc = change_profile(walk, payload, &profile, &events, err);

    if (!rc && (!events.text || !tow_json_scan_array(&scan, events)))
        return change_refuse(walk, "no_segment_events",
                             "the payload has no array segment_events: the webhook must send that "
                             "field, among those that are chosen for it",
                             err);
    if (!rc)
        rc = change_member(profile, walk->rules->id_field, &walk->reader->at, &id, err);
    while (!rc && tow_json_scan_item(&scan, &event))
        rc = change_event(walk, event, id, err);
    return rc;
}

int tow_change_each(struct tow_change_reader *reader, const struct tow_change_rules *rules,
                    const char *body, size_t length, tow_change_visit *visit, void *context,
                    struct tow_error *err)
{
    const struct change_walk walk = {reader, rules, visit, context};
    struct tow_json_part payload, whole = {body, length};
    struct tow_json_scan scan;
    int rc = TOW_OK;

    if (!tow_json_valid(body, length, CHANGE_DEPTH))
        return change_refuse(&walk, "not_json", "the message is no JSON, or nested too deep", err);
    if (tow_json_scan_object(&scan, whole))
        return change_payload(&walk, whole, err);
    if (!tow_json_scan_array(&scan, whole))
        return change_refuse(&walk, "not_json", "the message is neither an object nor an array",
                             err);
    while (!rc && tow_json_scan_item(&scan, &payload))
        rc = change_payload(&walk, payload, err);
    return rc;
}

/* ---- making one ----------------------------------------------------------------------------- */

int tow_change_put(struct tow_buffer *out, const char *id_field, struct tow_json_part id,
                   const char *segment, const char *slug, int64_t at_us, int is_exit,
                   struct tow_error *err)
{
    const char *event = is_exit ? "exit" : "enter";
    char at[TOW_TIMESTAMP_TEXT_MAX + 1];
    int rc = tow_buffer_printf(out, err, "{\"data\":{");

    *tow_put_timestamp(at, at_us, 1) = '\0';
    if (!rc)
        rc = tow_buffer_json_string(out, id_field, strlen(id_field), err);
    if (!rc)
        rc = tow_buffer_append(out, ":", 1, err);
    if (!rc)
        rc = tow_buffer_append(out, id.text, id.length, err);
    if (!rc)
        rc = tow_buffer_printf(out, err, ",\"segment_events\":[{\"id\":");
    if (!rc)
        rc = tow_buffer_json_string(out, segment, strlen(segment), err);
    if (!rc)
        rc = tow_buffer_printf(out, err, ",\"slug\":");
    if (!rc)
        rc = tow_buffer_json_string(out, slug, strlen(slug), err);
    if (!rc)
        rc = tow_buffer_printf(out, err, ",\"event\":\"%s\",\"%s\":\"%s\"}]}}", event, event, at);
    return rc;
}
