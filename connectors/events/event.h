/*
 * Events as exports have them, from JSON text to five values: id, time of the event, time of its
 * receipt, stream, payload.
 *
 * Two shapes. An envelope has these as members: id, ly_event_ts, ly_receive_ts, stream, and data,
 * which is any JSON value, or a string that holds JSON. A payload is the data itself, and its
 * stream comes from elsewhere. Unless the settings say which, what has data and one of stream,
 * ly_event_ts and ly_receive_ts is an envelope.
 *
 *   stream   envelope: its own, else the path's, else the setting's; payload: the path's, else
 *            the setting's, else a member `stream` that is a string
 *   event    the first of ly_event_ts, _ts, ts, timestamp that is there and not null, or the one
 *            that the settings name; else the receipt
 *   receipt  ly_receive_ts, or the one that the settings name; else what the caller says
 *   id       the first of id, _id, msg_id that is there and neither null nor "", or the one that
 *            the settings name: an integer, also as text; other text stands for itself by its
 *            digest. Else the digest of stream and payload (digest.h), as they were received.
 *
 * The payload stays as it is, to the byte, or without the members that are not asked for.
 */
#ifndef CONNECTORS_EVENTS_EVENT_H
#define CONNECTORS_EVENTS_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "connectors/events/document.h"
#include "towpath/error.h"
#include "towpath/json.h"

#define TOW_EVENT_SHAPE_AUTO     0
#define TOW_EVENT_SHAPE_ENVELOPE 1
#define TOW_EVENT_SHAPE_PAYLOAD  2

/* Borrowed. */
struct tow_event_settings {
    const char *id_field, *event_ts_field, *receive_ts_field; /* NULL: the usual ones */
    const char *stream;                                       /* NULL: none */
    const char *const *data_fields; /* members of the payload that are kept */
    size_t data_field_count;        /* 0: all */
    int shape;
    int hashes_overflow; /* 1: an integer beyond 63 bits stands for itself by its digest */
    int replaces;        /* 1: bytes that are not UTF-8 become U+FFFD */
};

/* What the file says of its events. */
struct tow_event_origin {
    const char *stream; /* NULL: nothing */
    int64_t receive_us;
};

struct tow_event {
    int64_t id, event_us, receive_us;
    struct tow_json_part stream;
    struct tow_json_part data; /* text NULL: null */
};

/* Why a record is no event. Codes are stable: bad_json, not_object, too_deep, duplicate_key,
 * invalid_utf8, no_stream, bad_stream, no_data, bad_data, bad_timestamp, bad_id. */
#define TOW_EVENT_MESSAGE_MAX 320
struct tow_event_fault {
    const char *code;
    char message[TOW_EVENT_MESSAGE_MAX];
};

/* Members that a value may come from, in order, by their numbers in the document. */
#define TOW_EVENT_CHOICES_MAX 4
struct tow_event_choice {
    int members[TOW_EVENT_CHOICES_MAX];
    int count;
};

/* Zero-initialized is empty and valid. */
struct tow_event_reader {
    struct tow_event_settings settings;
    struct tow_document document;
    int data, stream, event_ts, receive_ts; /* members of envelopes */
    struct tow_event_choice ids, event_times, receive_times;
    struct tow_buffer repaired, stream_text, data_text, kept;
};

/* `index`: what tow_json_index_choose says. */
void tow_event_reader_init(struct tow_event_reader *reader,
                           const struct tow_event_settings *settings, tow_json_index_more *index);
void tow_event_reader_release(struct tow_event_reader *reader);

/*
 * Reads an event from a text, behind which TOW_JSON_INDEX_SLACK bytes can be read. TOW_OK: its
 * texts lie in this one or in the reader, until the next call. TOW_E_DATA: it is none, and *fault
 * says why; TOW_E_NOMEM.
 */
int tow_event_read(struct tow_event_reader *reader, const char *text, size_t length,
                   const struct tow_event_origin *origin, struct tow_event *event,
                   struct tow_event_fault *fault, struct tow_error *err);

#endif
