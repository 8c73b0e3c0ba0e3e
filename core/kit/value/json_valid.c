#include "kit/value/digits.h"
#include "kit/value/utf8.h"
#include "towpath/value.h"

/* Which levels are objects is kept in bits, of which there are so many. */
#define JSON_DEPTH_MAX 4096

struct json {
    const char *p;
    const char *end;
    int depth, depth_max;
    uint64_t objects[JSON_DEPTH_MAX / 64]; /* bit d - 1: level d is an object; else an array */
};

enum json_step {
    JSON_BAD,
    JSON_DONE,  /* read one whole value */
    JSON_OPENED /* entered an object or array; a value of it comes next */
};

static inline void json_space(struct json *json)
{
    while (json->p < json->end &&
           (*json->p == ' ' || *json->p == '\n' || *json->p == '\r' || *json->p == '\t'))
        json->p++;
}

/* The byte is the next one, and is passed. */
static inline int json_take(struct json *json, char byte)
{
    if (json->p == json->end || *json->p != byte)
        return 0;
    json->p++;
    return 1;
}

/* Marks the high bit of bytes that a string's inside cannot just run over: quote, backslash,
 * controls, and all beyond ASCII. The lowest mark is exact. */
static inline uint64_t json_string_marks(uint64_t word)
{
    const uint64_t one = TOW_BYTES_ONE;
    uint64_t quote = word ^ '"' * one, escape = word ^ '\\' * one;

    return (((quote - one) | (escape - one) | (word - 0x20 * one)) | word) & 0x80 * one;
}

static int json_escape(struct json *json)
{
    static const char hex[] = "0123456789abcdefABCDEF";

    if (json->p == json->end)
        return 0;
    if (*json->p != 'u')
        return *json->p != '\0' && strchr("\"\\/bfnrt", *json->p++) != NULL;
    if (json->end - json->p < 5)
        return 0;
    for (int i = 1; i <= 4; i++)
        if (json->p[i] == '\0' || !strchr(hex, json->p[i]))
            return 0;
    json->p += 5;
    return 1;
}

/* Behind the opening quote, through the closing one. */
static int json_string(struct json *json)
{
    while (json->p < json->end) {
        size_t left = (size_t)(json->end - json->p), step;
        unsigned char byte;

        if (left >= 8) {
            uint64_t marks = json_string_marks(tow_load8(json->p));

            if (!marks) {
                json->p += 8;
                continue;
            }
            json->p += __builtin_ctzll(marks) / 8;
        }
        byte = (unsigned char)*json->p;
        if (byte < 0x20)
            return 0;
        step = tow_utf8_sequence((const unsigned char *)json->p, (size_t)(json->end - json->p));
        if (step == 0)
            return 0;
        json->p += step;
        if (byte == '"')
            return 1;
        if (byte == '\\' && !json_escape(json))
            return 0;
    }
    return 0;
}

/* One digit or more. */
static int json_digits(struct json *json)
{
    const char *start = json->p;

    while (json->p < json->end && *json->p >= '0' && *json->p <= '9')
        json->p++;
    return json->p > start;
}

static int json_number(struct json *json)
{
    json_take(json, '-');
    if (!json_take(json, '0') && !json_digits(json))
        return 0;
    if (json_take(json, '.') && !json_digits(json))
        return 0;
    if (!json_take(json, 'e') && !json_take(json, 'E'))
        return 1;
    if (!json_take(json, '+'))
        json_take(json, '-');
    return json_digits(json);
}

static int json_word(struct json *json, const char *word, size_t length)
{
    if ((size_t)(json->end - json->p) < length || memcmp(json->p, word, length) != 0)
        return 0;
    json->p += length;
    return 1;
}

/* A member's name and colon. */
static int json_name(struct json *json)
{
    json_space(json);
    if (!json_take(json, '"') || !json_string(json))
        return 0;
    json_space(json);
    return json_take(json, ':');
}

static inline int json_in_object(const struct json *json)
{
    unsigned level = (unsigned)json->depth - 1;

    return (int)(json->objects[level / 64] >> (level % 64) & 1);
}

/* Behind the opening bracket. */
static enum json_step json_open(struct json *json, int object)
{
    unsigned level = (unsigned)json->depth;

    if (json->depth >= json->depth_max)
        return JSON_BAD;
    json_space(json);
    if (json_take(json, object ? '}' : ']'))
        return JSON_DONE;
    json->depth++;
    if (level % 64 == 0)
        json->objects[level / 64] = 0;
    json->objects[level / 64] &= ~(UINT64_C(1) << (level % 64));
    json->objects[level / 64] |= (uint64_t)object << (level % 64);
    return !object || json_name(json) ? JSON_OPENED : JSON_BAD;
}

static enum json_step json_value(struct json *json)
{
    json_space(json);
    if (json->p == json->end)
        return JSON_BAD;
    switch (*json->p) {
    case '{':
        json->p++;
        return json_open(json, 1);
    case '[':
        json->p++;
        return json_open(json, 0);
    case '"':
        json->p++;
        return json_string(json) ? JSON_DONE : JSON_BAD;
    case 't':
        return json_word(json, "true", 4) ? JSON_DONE : JSON_BAD;
    case 'f':
        return json_word(json, "false", 5) ? JSON_DONE : JSON_BAD;
    case 'n':
        return json_word(json, "null", 4) ? JSON_DONE : JSON_BAD;
    default:
        return json_number(json) ? JSON_DONE : JSON_BAD;
    }
}

/* What follows a value: closing brackets, then a comma (and a member's name) or the end of all,
 * which JSON_DONE stands for. */
static enum json_step json_follow(struct json *json)
{
    for (;;) {
        json_space(json);
        if (json->depth == 0)
            return json->p == json->end ? JSON_DONE : JSON_BAD;
        if (json_take(json, ','))
            return !json_in_object(json) || json_name(json) ? JSON_OPENED : JSON_BAD;
        if (!json_take(json, json_in_object(json) ? '}' : ']'))
            return JSON_BAD;
        json->depth--;
    }
}

int tow_json_valid(const char *text, size_t length, int depth)
{
    struct json json;
    enum json_step step = JSON_OPENED;

    json.p = text;
    json.end = text + length;
    json.depth = 0;
    json.depth_max = depth < JSON_DEPTH_MAX ? depth : JSON_DEPTH_MAX;
    while (step == JSON_OPENED) {
        step = json_value(&json);
        if (step == JSON_DONE)
            step = json_follow(&json);
    }
    return step == JSON_DONE;
}
