#include "connectors/events/event.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "connectors/events/digest.h"
#include "connectors/events/fields.h"
#include "connectors/events/moment.h"
#include "towpath/value.h"

#define EVENT_SHOWN_MAX 60 /* bytes of a value in messages */
#define EVENT_ID_MASK   UINT64_C(0x7FFFFFFFFFFFFFFF)

/* ---- wanted members ------------------------------------------------------------------------- */

static int event_want(struct tow_document *document, const char *name)
{
    for (size_t i = 0; i < document->name_count; i++)
        if (strcmp(document->names[i], name) == 0)
            return (int)i;
    tow_document_want(document, name);
    return (int)document->name_count - 1;
}

/* The named one, or the usual ones. */
static struct tow_event_choice event_choose(struct tow_document *document, const char *named,
                                            const char *const *usual)
{
    struct tow_event_choice choice = {.count = 0};

    if (named) {
        choice.members[choice.count++] = event_want(document, named);
        return choice;
    }
    for (; *usual; usual++)
        choice.members[choice.count++] = event_want(document, *usual);
    return choice;
}

void tow_event_reader_init(struct tow_event_reader *reader,
                           const struct tow_event_settings *settings, tow_json_index_more *index)
{
    static const char *const ids[] = {"id", "_id", "msg_id", NULL};
    static const char *const event_times[] = {"ly_event_ts", "_ts", "ts", "timestamp", NULL};
    static const char *const receive_times[] = {"ly_receive_ts", NULL};
    struct tow_document *document = &reader->document;

    tow_event_reader_release(reader);
    reader->settings = *settings;
    document->more = index;
    reader->data = event_want(document, "data");
    reader->stream = event_want(document, "stream");
    reader->event_ts = event_want(document, "ly_event_ts");
    reader->receive_ts = event_want(document, "ly_receive_ts");
    reader->ids = event_choose(document, settings->id_field, ids);
    reader->event_times = event_choose(document, settings->event_ts_field, event_times);
    reader->receive_times = event_choose(document, settings->receive_ts_field, receive_times);
}

void tow_event_reader_release(struct tow_event_reader *reader)
{
    tow_document_release(&reader->document);
    tow_buffer_release(&reader->repaired);
    tow_buffer_release(&reader->stream_text);
    tow_buffer_release(&reader->data_text);
    tow_buffer_release(&reader->kept);
    memset(reader, 0, sizeof *reader);
}

/* ---- faults --------------------------------------------------------------------------------- */

static int event_fault(struct tow_event_fault *fault, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int event_fault(struct tow_event_fault *fault, const char *code, const char *format, ...)
{
    va_list args;

    fault->code = code;
    va_start(args, format);
    vsnprintf(fault->message, sizeof fault->message, format, args);
    va_end(args);
    return TOW_E_DATA;
}

/* Bytes of a value that messages show. */
static int event_shown(struct tow_json_part part)
{
    size_t length = part.length < EVENT_SHOWN_MAX ? part.length : EVENT_SHOWN_MAX;

    return (int)tow_utf8_prefix(part.text, length);
}

static int event_refuse(const struct tow_document *document, enum tow_document_verdict verdict,
                        struct tow_event_fault *fault, struct tow_error *err)
{
    size_t at = document->fault + 1, length = document->index.length;

    switch (verdict) {
    case TOW_DOCUMENT_NOT_OBJECT:
        return event_fault(fault, "not_object",
                           "an event is a JSON object; this begins with '%c', at byte %zu",
                           document->index.text[document->fault], at);
    case TOW_DOCUMENT_TOO_DEEP:
        return event_fault(fault, "too_deep",
                           "brackets stand more than %d deep inside each other, at byte %zu",
                           TOW_DOCUMENT_DEPTH_MAX, at);
    case TOW_DOCUMENT_NOT_UTF8:
        return event_fault(fault, "invalid_utf8", "byte %zu of %zu is not UTF-8", at, length);
    case TOW_DOCUMENT_DOUBLED:
        return event_fault(fault, "duplicate_key",
                           "the member \"%s\" is there twice, the second time before byte %zu",
                           document->names[document->wanted], at);
    case TOW_DOCUMENT_NOMEM:
        return tow_error_nomem(err);
    default:
        return event_fault(fault, "bad_json", "not JSON, from byte %zu of %zu on", at, length);
    }
}

/* ---- text ----------------------------------------------------------------------------------- */

/* Copies a text with U+FFFD for each byte that is not part of UTF-8. */
static int event_repair(struct tow_buffer *out, const char *text, size_t length,
                        struct tow_error *err)
{
    int code = tow_buffer_reserve(out, length, err);

    out->size = 0;
    while (code == TOW_OK && length > 0) {
        size_t sound = tow_utf8_prefix(text, length);

        code = tow_buffer_append(out, text, sound, err);
        if (code == TOW_OK && sound < length)
            code = tow_buffer_append(out, "\xEF\xBF\xBD", 3, err);
        sound += sound < length;
        text += sound;
        length -= sound;
    }
    return code;
}

static int event_read_document(struct tow_event_reader *reader, const char *text, size_t length,
                               struct tow_event_fault *fault, struct tow_error *err)
{
    struct tow_document *document = &reader->document;
    enum tow_document_verdict verdict = tow_document_read(document, text, length);
    int code;

    if (verdict == TOW_DOCUMENT_NOT_UTF8 && reader->settings.replaces) {
        code = event_repair(&reader->repaired, text, length, err);
        if (code != TOW_OK)
            return code;
        verdict = tow_document_read(document, reader->repaired.data, reader->repaired.size);
    }
    return verdict == TOW_DOCUMENT_OK ? TOW_OK : event_refuse(document, verdict, fault, err);
}

/* What a string stands for: between its quotes, or in `scratch` where it has escapes. Where it
 * stands for nothing (a lone surrogate), TOW_E_DATA. */
static int event_text(struct tow_json_part string, struct tow_buffer *scratch,
                      struct tow_json_part *out, struct tow_error *err)
{
    int code;

    *out = (struct tow_json_part){string.text + 1, string.length - 2};
    if (!memchr(out->text, '\\', out->length))
        return TOW_OK;
    scratch->size = 0;
    code = tow_json_unescape(scratch, string, NULL);
    *out = (struct tow_json_part){scratch->data, scratch->size};
    return code == TOW_E_NOMEM ? tow_error_nomem(err) : code;
}

static struct tow_json_part event_member(const struct tow_event_reader *reader, int member)
{
    return reader->document.found[member];
}

static int event_is_null(struct tow_json_part part)
{
    return !part.text || part.text[0] == 'n';
}

/* The first that is there and not null; text NULL: none. *name is its name. */
static struct tow_json_part event_first(const struct tow_event_reader *reader,
                                        const struct tow_event_choice *choice, const char **name)
{
    for (int i = 0; i < choice->count; i++) {
        struct tow_json_part part = event_member(reader, choice->members[i]);

        *name = reader->document.names[choice->members[i]];
        if (!event_is_null(part) && !tow_json_part_is(part, "\"\""))
            return part;
    }
    return (struct tow_json_part){NULL, 0};
}

/* ---- values --------------------------------------------------------------------------------- */

static int event_time(const struct tow_event_reader *reader, const struct tow_event_choice *choice,
                      int64_t otherwise, int64_t *out, struct tow_event_fault *fault)
{
    const char *name = "";
    struct tow_json_part part = event_first(reader, choice, &name), text = part;
    int code;

    *out = otherwise;
    if (!part.text)
        return TOW_OK;
    if (part.text[0] == '"')
        text = (struct tow_json_part){part.text + 1, part.length - 2};
    code = tow_moment_parse(text.text, text.length, out);
    if (code == TOW_PARSE_OK)
        return TOW_OK;
    return event_fault(fault, "bad_timestamp", "%s is %.*s, which is no time%s", name,
                       event_shown(part), part.text,
                       code == TOW_PARSE_RANGE ? " between the years 0001 and 9999"
                                               : " (RFC 3339, or a number since 1970)");
}

static int64_t event_digest(struct tow_json_part stream, struct tow_json_part data)
{
    uint64_t hash = tow_digest(stream.text, stream.length, TOW_DIGEST_SEED);

    if (data.text)
        hash = tow_digest(data.text, data.length, hash);
    return (int64_t)(hash & EVENT_ID_MASK);
}

/* Text that is no integer, by its digest. */
static int64_t event_text_digest(struct tow_json_part text)
{
    return (int64_t)(tow_digest(text.text, text.length, TOW_DIGEST_SEED) & EVENT_ID_MASK);
}

static int event_id(const struct tow_event_reader *reader, struct tow_event *event,
                    struct tow_event_fault *fault)
{
    const char *name = "";
    struct tow_json_part part = event_first(reader, &reader->ids, &name), text = part;
    int code;

    if (!part.text) {
        event->id = event_digest(event->stream, event->data);
        return TOW_OK;
    }
    if (part.text[0] == '"')
        text = (struct tow_json_part){part.text + 1, part.length - 2};
    code = tow_parse_int64(text.text, text.length, &event->id);
    if (code == TOW_PARSE_OK)
        return TOW_OK;
    if (code == TOW_PARSE_RANGE && !reader->settings.hashes_overflow)
        return event_fault(fault, "bad_id",
                           "%s is %.*s, which does not fit into 64 bits with a sign; id_overflow = "
                           "\"hash\" takes its digest instead",
                           name, event_shown(part), part.text);
    if (code != TOW_PARSE_RANGE && part.text[0] != '"')
        return event_fault(fault, "bad_id", "%s is %.*s: neither an integer nor text", name,
                           event_shown(part), part.text);
    event->id = event_text_digest(text);
    return TOW_OK;
}

static int event_is_envelope(const struct tow_event_reader *reader)
{
    if (reader->settings.shape != TOW_EVENT_SHAPE_AUTO)
        return reader->settings.shape == TOW_EVENT_SHAPE_ENVELOPE;
    return event_member(reader, reader->data).text &&
           (event_member(reader, reader->stream).text ||
            event_member(reader, reader->event_ts).text ||
            event_member(reader, reader->receive_ts).text);
}

static struct tow_json_part event_constant(const char *text)
{
    return (struct tow_json_part){text, strlen(text)};
}

static int event_stream(struct tow_event_reader *reader, const struct tow_event_origin *origin,
                        int is_envelope, struct tow_event *event, struct tow_event_fault *fault,
                        struct tow_error *err)
{
    struct tow_json_part own = event_member(reader, reader->stream);
    const char *given = origin->stream ? origin->stream : reader->settings.stream;
    int code;

    if (given && (!is_envelope || event_is_null(own))) {
        event->stream = event_constant(given);
        return TOW_OK;
    }
    if (event_is_null(own))
        return event_fault(fault, "no_stream",
                           "neither the event nor the path says its stream, and `stream` is not "
                           "set");
    if (own.text[0] != '"' || own.length == 2)
        return event_fault(fault, "bad_stream", "stream is %.*s, which is no name",
                           event_shown(own), own.text);
    code = event_text(own, &reader->stream_text, &event->stream, err);
    if (code == TOW_E_DATA)
        return event_fault(fault, "bad_stream", "stream holds an escape that is no character");
    return code;
}

/* The data of an envelope: JSON, or text that holds JSON. */
static int event_data(struct tow_event_reader *reader, struct tow_event *event,
                      struct tow_event_fault *fault, struct tow_error *err)
{
    struct tow_json_part data = event_member(reader, reader->data);
    int code;

    if (!data.text)
        return event_fault(fault, "no_data", "an envelope without data");
    event->data = data;
    if (event_is_null(data))
        event->data.text = NULL;
    if (data.text[0] != '"')
        return TOW_OK;
    code = event_text(data, &reader->data_text, &event->data, err);
    if (code == TOW_E_DATA)
        return event_fault(fault, "bad_data", "data holds an escape that is no character");
    if (code == TOW_OK &&
        !tow_json_valid(event->data.text, event->data.length, TOW_DOCUMENT_DEPTH_MAX))
        return event_fault(fault, "bad_data", "data is text that is not JSON: %.*s",
                           event_shown(event->data), event->data.text);
    return code;
}

int tow_event_read(struct tow_event_reader *reader, const char *text, size_t length,
                   const struct tow_event_origin *origin, struct tow_event *event,
                   struct tow_event_fault *fault, struct tow_error *err)
{
    int code = event_read_document(reader, text, length, fault, err), is_envelope;

    if (code != TOW_OK)
        return code;
    is_envelope = event_is_envelope(reader);
    event->data = reader->document.whole;
    code = event_stream(reader, origin, is_envelope, event, fault, err);
    if (code == TOW_OK && is_envelope)
        code = event_data(reader, event, fault, err);
    if (code == TOW_OK)
        code = event_id(reader, event, fault);
    if (code == TOW_OK)
        code = event_time(reader, &reader->receive_times, origin->receive_us, &event->receive_us,
                          fault);
    if (code == TOW_OK)
        code = event_time(reader, &reader->event_times, event->receive_us, &event->event_us, fault);
    if (code == TOW_OK && reader->settings.data_field_count > 0)
        code = tow_fields_keep(&reader->kept, &event->data, reader->settings.data_fields,
                               reader->settings.data_field_count, err);
    return code;
}
