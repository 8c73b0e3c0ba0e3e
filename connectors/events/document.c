#include "connectors/events/document.h"

#include <string.h>

#include "towpath/value.h"

#define DOCUMENT_LENGTH_TOP 63

/* What may come next. */
enum document_step {
    STEP_VALUE,
    STEP_VALUE_OR_END, /* behind '[' */
    STEP_NAME,
    STEP_NAME_OR_END, /* behind '{' */
    STEP_COLON,
    STEP_MORE, /* a comma, or the end of the level */
    STEP_DONE, /* nothing */
    STEP_BAD,
    STEP_DEEP,
};

void tow_document_want(struct tow_document *document, const char *name)
{
    size_t length = strlen(name);

    document->names[document->name_count] = name;
    document->lengths[document->name_count++] = length;
    document->name_lengths |= UINT64_C(1)
                              << (length < DOCUMENT_LENGTH_TOP ? length : DOCUMENT_LENGTH_TOP);
}

void tow_document_release(struct tow_document *document)
{
    tow_buffer_release(&document->scratch);
}

static inline int document_is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* What a number or word may have behind it: white space, or what ends a value. */
static inline int document_ends(const char *text, size_t at, size_t length)
{
    return at >= length || document_is_space(text[at]) || text[at] == ',' || text[at] == '}' ||
           text[at] == ']';
}

/* ---- scalars -------------------------------------------------------------------------------- */

static inline size_t document_digits(const char *text, size_t at, size_t length)
{
    while (at < length && text[at] >= '0' && text[at] <= '9')
        at++;
    return at;
}

/* The end of a number (RFC 8259, section 6), or `at` where there is none. */
static size_t document_number(const char *text, size_t at, size_t length)
{
    size_t p = at + (text[at] == '-'), digits = p;

    p = document_digits(text, p, length);
    if (p == digits || (text[digits] == '0' && p > digits + 1))
        return at;
    if (p < length && text[p] == '.') {
        digits = p + 1;
        p = document_digits(text, digits, length);
        if (p == digits)
            return at;
    }
    if (p < length && (text[p] | 0x20) == 'e') {
        p++;
        p += p < length && (text[p] == '+' || text[p] == '-');
        digits = p;
        p = document_digits(text, digits, length);
        if (p == digits)
            return at;
    }
    return p;
}

static size_t document_word(const char *text, size_t at, size_t length, const char *word)
{
    size_t size = strlen(word);

    return length - at >= size && memcmp(text + at, word, size) == 0 ? at + size : at;
}

static int document_is_scalar(const char *text, size_t at, size_t length)
{
    size_t end;

    switch (text[at]) {
    case 't':
        end = document_word(text, at, length, "true");
        break;
    case 'f':
        end = document_word(text, at, length, "false");
        break;
    case 'n':
        end = document_word(text, at, length, "null");
        break;
    default:
        end = document_number(text, at, length);
    }
    return end > at && document_ends(text, end, length);
}

/* ---- members of the object ------------------------------------------------------------------ */

/* Compares a name that has escapes. */
static int document_find_escaped(struct tow_document *document, struct tow_json_part key)
{
    struct tow_buffer *scratch = &document->scratch;

    int code;

    scratch->size = 0;
    code = tow_json_unescape(scratch, key, NULL);
    document->is_out_of_memory |= code == TOW_E_NOMEM;
    if (code != TOW_OK)
        return -1;
    for (size_t i = 0; i < document->name_count; i++)
        if (scratch->size == document->lengths[i] &&
            memcmp(scratch->data, document->names[i], scratch->size) == 0)
            return (int)i;
    return -1;
}

/* The number of a name, key with its quotes; -1: not wanted. */
static inline int document_find(struct tow_document *document, struct tow_json_part key)
{
    size_t length = key.length - 2;
    unsigned bit = length < DOCUMENT_LENGTH_TOP ? (unsigned)length : DOCUMENT_LENGTH_TOP;

    if (document->index.backslash && memchr(key.text, '\\', key.length))
        return document_find_escaped(document, key);
    if (!(document->name_lengths >> bit & 1))
        return -1;
    for (size_t i = 0; i < document->name_count; i++)
        if (length == document->lengths[i] && memcmp(key.text + 1, document->names[i], length) == 0)
            return (int)i;
    return -1;
}

/* From `start` to the last byte before `end` that is not white space. */
static inline struct tow_json_part document_part(const struct tow_document *document, size_t start,
                                                 size_t end)
{
    const char *text = document->index.text;

    while (document_is_space(text[end - 1]))
        end--;
    return (struct tow_json_part){text + start, end - start};
}

/* A colon of the outermost object. 0 where the member is wanted and there for the second time. */
static inline int document_take_name(struct tow_document *document, size_t colon)
{
    document->wanted = document_find(document, document_part(document, document->key, colon));
    return document->wanted < 0 || !document->found[document->wanted].text;
}

/* A wanted value begins; how long it is, is known where it ends. */
static inline void document_begin_value(struct tow_document *document, size_t at)
{
    if (document->wanted >= 0)
        document->found[document->wanted].text = document->index.text + at;
}

static inline void document_end_value(struct tow_document *document, size_t end)
{
    struct tow_json_part *found = &document->found[document->wanted < 0 ? 0 : document->wanted];

    if (document->wanted < 0)
        return;
    *found = document_part(document, (size_t)(found->text - document->index.text), end);
    document->wanted = -1;
}

/* ---- grammar -------------------------------------------------------------------------------- */

static inline int document_in_object(const struct tow_document *document)
{
    unsigned level = document->depth - 1;

    return (int)(document->objects[level / 64] >> (level % 64) & 1);
}

static inline enum document_step document_open(struct tow_document *document, int is_object)
{
    unsigned level = document->depth;
    uint64_t bit = UINT64_C(1) << (level % 64);

    if (level == TOW_DOCUMENT_DEPTH_MAX)
        return STEP_DEEP;
    document->depth++;
    if (is_object)
        document->objects[level / 64] |= bit;
    else
        document->objects[level / 64] &= ~bit;
    return is_object ? STEP_NAME_OR_END : STEP_VALUE_OR_END;
}

static inline enum document_step document_close(struct tow_document *document, char bracket,
                                                size_t at)
{
    if (bracket != (document_in_object(document) ? '}' : ']'))
        return STEP_BAD;
    if (document->depth == 1)
        document_end_value(document, at);
    document->depth--;
    if (document->depth > 0)
        return STEP_MORE;
    document->whole.length = (size_t)(document->index.text + at + 1 - document->whole.text);
    return STEP_DONE;
}

static inline enum document_step document_value(struct tow_document *document, size_t at)
{
    const char *text = document->index.text;

    if (document->depth == 1)
        document_begin_value(document, at);
    if (text[at] == '"')
        return STEP_MORE;
    if (text[at] == '{' || text[at] == '[')
        return document_open(document, text[at] == '{');
    return document_is_scalar(text, at, document->index.length) ? STEP_MORE : STEP_BAD;
}

static inline enum document_step document_more(struct tow_document *document, char byte, size_t at)
{
    if (byte != ',')
        return document_close(document, byte, at);
    if (document->depth == 1)
        document_end_value(document, at);
    return document_in_object(document) ? STEP_NAME : STEP_VALUE;
}

static inline int document_next(struct tow_document *document, size_t *at)
{
    if (document->cursor == document->index.count) {
        if (!document->more(&document->index))
            return 0;
        document->cursor = 0;
    }
    *at = document->index.at[document->cursor++];
    return 1;
}

/* From behind the first '{'. STEP_DONE where one object was read; STEP_COLON: a name is doubled. */
static enum document_step document_walk(struct tow_document *document)
{
    const char *text = document->index.text;
    enum document_step step = STEP_NAME_OR_END;
    size_t at;

    while (document_next(document, &at)) {
        char byte = text[at];

        document->fault = at;
        switch (step) {
        case STEP_NAME_OR_END:
        case STEP_NAME:
            if (byte == '"') {
                document->key = at;
                step = STEP_COLON;
            } else {
                step = step == STEP_NAME ? STEP_BAD : document_close(document, byte, at);
            }
            break;
        case STEP_COLON:
            if (byte == ':' && document->depth == 1 && !document_take_name(document, at))
                return STEP_COLON;
            step = byte == ':' ? STEP_VALUE : STEP_BAD;
            break;
        case STEP_VALUE_OR_END:
            step = byte == ']' ? document_close(document, byte, at) : document_value(document, at);
            break;
        case STEP_VALUE:
            step = document_value(document, at);
            break;
        case STEP_MORE:
            step = document_more(document, byte, at);
            break;
        default: /* something behind the object */
            return STEP_BAD;
        }
        if (step >= STEP_BAD)
            return step;
    }
    document->fault = document->index.length;
    return step == STEP_DONE ? STEP_DONE : STEP_BAD;
}

/* ---- strings -------------------------------------------------------------------------------- */

/* 1 where each backslash begins an escape (RFC 8259, section 7). */
static int document_check_escapes(struct tow_document *document)
{
    const char *text = document->whole.text, *end = text + document->whole.length;
    const char *p = text;

    while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
        document->fault = (size_t)(p - document->index.text);
        if (p[1] == 'u') {
            for (int i = 2; i < 6; i++)
                if (!memchr("0123456789abcdefABCDEF", p[i], 22))
                    return 0;
        } else if (!memchr("\"\\/bfnrt", p[1], 8)) {
            return 0;
        }
        p += 2;
    }
    return 1;
}

static enum tow_document_verdict document_check_strings(struct tow_document *document)
{
    const struct tow_json_index *index = &document->index;
    size_t sound;

    if (index->in_string)
        return TOW_DOCUMENT_NOT_JSON;
    if (index->control) {
        document->fault = (size_t)(document->whole.text - index->text);
        return TOW_DOCUMENT_NOT_JSON;
    }
    if (index->backslash && !document_check_escapes(document))
        return TOW_DOCUMENT_NOT_JSON;
    if (!index->high)
        return TOW_DOCUMENT_OK;
    sound = tow_utf8_prefix(document->whole.text, document->whole.length);
    document->fault = (size_t)(document->whole.text - index->text) + sound;
    return sound == document->whole.length ? TOW_DOCUMENT_OK : TOW_DOCUMENT_NOT_UTF8;
}

static enum tow_document_verdict document_first(struct tow_document *document)
{
    const char *text = document->index.text;
    size_t at;

    if (!document_next(document, &at))
        return TOW_DOCUMENT_NOT_JSON;
    document->fault = at;
    document->whole.text = text + at;
    document->whole.length = 0;
    if (text[at] == '{')
        return TOW_DOCUMENT_OK;
    return text[at] == '"' || text[at] == '[' ||
                   document_is_scalar(text, at, document->index.length)
               ? TOW_DOCUMENT_NOT_OBJECT
               : TOW_DOCUMENT_NOT_JSON;
}

enum tow_document_verdict tow_document_read(struct tow_document *document, const char *text,
                                            size_t length)
{
    enum tow_document_verdict verdict;

    tow_json_index_begin(&document->index, text, length);
    document->cursor = 0;
    document->wanted = -1;
    document->fault = 0;
    document->is_out_of_memory = 0;
    for (size_t i = 0; i < document->name_count; i++)
        document->found[i] = (struct tow_json_part){NULL, 0};
    verdict = document_first(document);
    if (verdict != TOW_DOCUMENT_OK)
        return verdict;
    document->depth = 0;
    document_open(document, 1);
    switch (document_walk(document)) {
    case STEP_DONE:
        return document->is_out_of_memory ? TOW_DOCUMENT_NOMEM : document_check_strings(document);
    case STEP_COLON:
        return TOW_DOCUMENT_DOUBLED;
    case STEP_DEEP:
        return TOW_DOCUMENT_TOO_DEEP;
    default:
        return TOW_DOCUMENT_NOT_JSON;
    }
}
