#include "towpath/json.h"

#include <stdint.h>
#include <string.h>

static void scan_space(struct tow_json_scan *scan)
{
    while (scan->p < scan->end && strchr(" \t\r\n", *scan->p) && *scan->p)
        scan->p++;
}

static void scan_string(struct tow_json_scan *scan)
{
    scan->p++;
    while (scan->p < scan->end && *scan->p != '"')
        scan->p += *scan->p == '\\' && scan->p + 1 < scan->end ? 2 : 1;
    if (scan->p < scan->end)
        scan->p++;
}

/* Steps over the brackets of an object or array and all between them. */
static void scan_nested(struct tow_json_scan *scan)
{
    size_t depth = 0;

    while (scan->p < scan->end) {
        char c = *scan->p;

        if (c == '"') {
            scan_string(scan);
            continue;
        }
        scan->p++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return;
    }
}

static struct tow_json_part scan_value(struct tow_json_scan *scan)
{
    struct tow_json_part part;

    scan_space(scan);
    part.text = scan->p;
    if (scan->p < scan->end && *scan->p == '"')
        scan_string(scan);
    else if (scan->p < scan->end && (*scan->p == '{' || *scan->p == '['))
        scan_nested(scan);
    else
        while (scan->p < scan->end && !memchr(",}] \t\r\n", *scan->p, 7))
            scan->p++;
    part.length = (size_t)(scan->p - part.text);
    return part;
}

static int scan_open(struct tow_json_scan *scan, struct tow_json_part part, char bracket)
{
    /* What is not there has no text either. */
    *scan = (struct tow_json_scan){part.text, part.length ? part.text + part.length : part.text};
    scan_space(scan);
    return scan->p < scan->end && *scan->p++ == bracket;
}

/* Steps over what parts two members or items; 0 where no other one follows. */
static int scan_more(struct tow_json_scan *scan)
{
    scan_space(scan);
    if (scan->p < scan->end && *scan->p == ',') {
        scan->p++;
        scan_space(scan);
    }
    return scan->p < scan->end && *scan->p != '}' && *scan->p != ']';
}

int tow_json_scan_object(struct tow_json_scan *scan, struct tow_json_part part)
{
    return scan_open(scan, part, '{');
}

int tow_json_scan_member(struct tow_json_scan *scan, struct tow_json_part *key,
                         struct tow_json_part *value)
{
    if (!scan_more(scan))
        return 0;
    *key = scan_value(scan);
    scan_space(scan);
    if (scan->p < scan->end && *scan->p == ':')
        scan->p++;
    *value = scan_value(scan);
    return 1;
}

int tow_json_scan_array(struct tow_json_scan *scan, struct tow_json_part part)
{
    return scan_open(scan, part, '[');
}

int tow_json_scan_item(struct tow_json_scan *scan, struct tow_json_part *value)
{
    if (!scan_more(scan))
        return 0;
    *value = scan_value(scan);
    return 1;
}

int tow_json_part_is(struct tow_json_part part, const char *text)
{
    return part.length == strlen(text) && memcmp(part.text, text, part.length) == 0;
}

/* Four hex digits; -1 where they are none. */
static int32_t unescape_unit(const char *p, const char *end)
{
    int32_t unit = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];

        if (c >= '0' && c <= '9')
            unit = unit * 16 + c - '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            unit = unit * 16 + (c | 32) - 'a' + 10;
        else
            return -1;
    }
    return unit;
}

/* *p stands behind "\u", then behind the code point's escape, which may be a pair. -1: none. */
static int32_t unescape_code_point(const char **p, const char *end)
{
    int32_t high = unescape_unit(*p, end);
    int32_t low;

    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
        return -1;
    *p += 4;
    if (high < 0xd800 || high > 0xdbff)
        return high;
    if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return -1;
    low = unescape_unit(*p + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    *p += 6;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* Room for 4 bytes at out; returns the end. */
static char *unescape_put_utf8(char *out, int32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (char)(0xe0 | code >> 12);
        } else {
            *out++ = (char)(0xf0 | code >> 18);
            *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (code & 0x3f));
    return out;
}

/* *p stands behind the backslash, then behind the escape. NULL where it is none. */
static char *unescape_one(char *out, const char **p, const char *end)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    const char *letter;
    int32_t code;

    if (*p == end)
        return NULL;
    if (**p == 'u') {
        (*p)++;
        code = unescape_code_point(p, end);
        return code < 0 ? NULL : unescape_put_utf8(out, code);
    }
    letter = memchr(letters, **p, sizeof letters - 1);
    if (!letter)
        return NULL;
    (*p)++;
    *out++ = values[letter - letters];
    return out;
}

int tow_json_unescape(struct tow_buffer *out, struct tow_json_part string, struct tow_error *err)
{
    const char *p, *end;
    char *to;
    int result;

    if (string.length < 2 || string.text[0] != '"' || string.text[string.length - 1] != '"')
        return tow_error_set(err, TOW_E_DATA, "%.*s is not a JSON string",
                             string.length > 80 ? 80 : (int)string.length, string.text);
    /* No escape is shorter than what it stands for. */
    result = tow_buffer_reserve(out, string.length, err);
    if (result != TOW_OK)
        return result;
    p = string.text + 1;
    end = string.text + string.length - 1;
    to = out->data + out->size;
    while (to && p < end) {
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        p++;
        to = unescape_one(to, &p, end);
    }
    if (!to)
        return tow_error_set(err, TOW_E_DATA, "a JSON string holds an escape that is no character");
    out->size = (size_t)(to - out->data);
    return TOW_OK;
}
