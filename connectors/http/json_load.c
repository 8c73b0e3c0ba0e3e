#include "connectors/http/json_load.h"

#include <string.h>

#include "towpath/json.h"
#include "towpath/rowtext.h"
#include "towpath/value.h"

struct load {
    size_t flags;
    struct tow_buffer text; /* of the string that is being read */
};

static int load_value(struct load *load, struct tow_json_part part, json_t **value,
                      struct tow_error *err);

/* What a string stands for, and a NUL behind it, into load->text. */
static int load_text(struct load *load, struct tow_json_part part, int may_have_nul,
                     struct tow_error *err)
{
    int code;

    load->text.size = 0;
    code = tow_json_unescape(&load->text, part, err);
    if (code == TOW_OK && !may_have_nul && memchr(load->text.data, '\0', load->text.size))
        code = tow_error_set(err, TOW_E_DATA, "\\u0000 in a JSON string");
    if (code == TOW_OK)
        code = tow_buffer_append(&load->text, "", 1, err);
    return code;
}

static int load_string(struct load *load, struct tow_json_part part, json_t **value,
                       struct tow_error *err)
{
    int code = load_text(load, part, (load->flags & JSON_ALLOW_NUL) != 0, err);

    if (code == TOW_OK)
        *value = json_stringn_nocheck(load->text.data, load->text.size - 1);
    return code;
}

static int load_number(struct tow_json_part part, json_t **value, struct tow_error *err)
{
    int64_t integer;
    double real;
    int verdict;

    if (memchr(part.text, '.', part.length) || memchr(part.text, 'e', part.length) ||
        memchr(part.text, 'E', part.length)) {
        verdict = tow_parse_double(part.text, part.length, &real);
        *value = verdict == TOW_PARSE_OK ? json_real(real) : NULL;
    } else {
        verdict = tow_parse_int64(part.text, part.length, &integer);
        *value = verdict == TOW_PARSE_OK ? json_integer(integer) : NULL;
    }
    if (verdict != TOW_PARSE_OK)
        return tow_error_set(err, TOW_E_DATA, "a number that is too large, at \"%.*s\"",
                             part.length > 40 ? 40 : (int)part.length, part.text);
    return TOW_OK;
}

static int load_array(struct load *load, struct tow_json_part part, json_t **value,
                      struct tow_error *err)
{
    struct tow_json_part each;
    struct tow_json_scan scan;
    json_t *item;
    int code = TOW_OK;

    *value = json_array();
    tow_json_scan_array(&scan, part);
    while (*value && code == TOW_OK && tow_json_scan_item(&scan, &each)) {
        code = load_value(load, each, &item, err);
        if (code == TOW_OK && json_array_append_new(*value, item) != 0)
            code = tow_error_nomem(err);
    }
    return code;
}

static int load_member(struct load *load, struct tow_json_part key, json_t *item, json_t *object,
                       struct tow_error *err)
{
    int code = load_text(load, key, 0, err);

    if (code == TOW_OK && (load->flags & JSON_REJECT_DUPLICATES) &&
        json_object_get(object, load->text.data))
        code = tow_error_set(err, TOW_E_DATA, "\"%.80s\" is there twice", load->text.data);
    if (code != TOW_OK) {
        json_decref(item);
        return code;
    }
    return json_object_set_new_nocheck(object, load->text.data, item) ? tow_error_nomem(err)
                                                                      : TOW_OK;
}

static int load_object(struct load *load, struct tow_json_part part, json_t **value,
                       struct tow_error *err)
{
    struct tow_json_part key, each;
    struct tow_json_scan scan;
    json_t *item;
    int code = TOW_OK;

    *value = json_object();
    tow_json_scan_object(&scan, part);
    while (*value && code == TOW_OK && tow_json_scan_member(&scan, &key, &each)) {
        code = load_value(load, each, &item, err);
        if (code == TOW_OK)
            code = load_member(load, key, item, *value, err);
    }
    return code;
}

/* The text is well-formed. */
static int load_value(struct load *load, struct tow_json_part part, json_t **value,
                      struct tow_error *err)
{
    int code = TOW_OK;

    *value = NULL;
    switch (part.text[0]) {
    case '{':
        code = load_object(load, part, value, err);
        break;
    case '[':
        code = load_array(load, part, value, err);
        break;
    case '"':
        code = load_string(load, part, value, err);
        break;
    case 't':
        *value = json_true();
        break;
    case 'f':
        *value = json_false();
        break;
    case 'n':
        *value = json_null();
        break;
    default:
        code = load_number(part, value, err);
    }
    if (code == TOW_OK && !*value)
        code = tow_error_nomem(err);
    if (code != TOW_OK) {
        json_decref(*value);
        *value = NULL;
    }
    return code;
}

/* jansson's words for a text that is not well-formed, which it is asked for these alone. */
static int load_refuse(const char *text, size_t length, size_t flags, struct tow_error *err)
{
    json_error_t reason;
    json_t *value = json_loadb(text, length, flags, &reason);

    if (value) {
        json_decref(value);
        return tow_error_set(err, TOW_E_DATA, "nested deeper than %d", TOW_JSON_LOAD_DEPTH);
    }
    return tow_error_set(err, TOW_E_DATA, "%s", *reason.text ? reason.text : "not well-formed");
}

int tow_json_load(const char *text, size_t length, size_t flags, json_t **value,
                  struct tow_error *err)
{
    struct tow_json_part part = {text, length};
    struct load load = {.flags = flags};
    int code;

    *value = NULL;
    while (part.length > 0 && memchr(" \t\r\n", *part.text, 4)) {
        part.text++;
        part.length--;
    }
    while (part.length > 0 && memchr(" \t\r\n", part.text[part.length - 1], 4))
        part.length--;
    if (!tow_json_valid(part.text, part.length, TOW_JSON_LOAD_DEPTH) ||
        (!(flags & JSON_DECODE_ANY) && *part.text != '{' && *part.text != '['))
        return load_refuse(text, length, flags, err);
    code = load_value(&load, part, value, err);
    tow_buffer_release(&load.text);
    return code;
}
