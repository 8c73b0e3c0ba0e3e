#include "plugins/databricks/position.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/http/json_load.h"

#define POSITION_FORMAT 1

void tow_scan_position_init(struct tow_scan_position *position)
{
    *position = (struct tow_scan_position){.version = -1, .total = -1};
}

void tow_scan_position_release(struct tow_scan_position *position)
{
    free(position->order);
    free(position->upto);
    tow_key_release(&position->after);
    tow_key_release(&position->key);
    tow_scan_position_init(position);
}

/* ---- writing -------------------------------------------------------------------------------- */

static json_t *position_text(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *position_texts(const struct tow_key *key, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count && list; i++)
        if (json_array_append_new(list, position_text(key->values[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *position_numbers(const int64_t *numbers, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count && list; i++)
        if (json_array_append_new(list, json_integer(numbers[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static int position_put_load(json_t *object, const struct tow_scan_position *position,
                             size_t key_count)
{
    const struct tow_scan_place *place = &position->place;
    const struct tow_key upto = {.values = {position->upto}, .count = 1};
    char shape[17];
    int failed = 0;

    snprintf(shape, sizeof shape, "%016llx", (unsigned long long)position->shape);
    failed |= json_object_set_new(object, "shape", json_string(shape));
    failed |= json_object_set_new(object, "version", json_integer(position->version));
    failed |= json_object_set_new(object, "after",
                                  position_texts(&position->after, position->after.count));
    if (position->has_upto)
        failed |= json_object_set_new(object, "upto", position_texts(&upto, 1));
    failed |= json_object_set_new(object, "key", position_texts(&position->key, key_count));
    failed |= json_object_set_new(object, "same", position_numbers(position->same, key_count + 1));
    failed |= json_object_set_new(object, "total", json_integer(position->total));
    if (place->id[0])
        failed |= json_object_set_new(
            object, "statement",
            json_pack("{s:s,s:b,s:I,s:I,s:I,s:I}", "id", place->id, "inline", place->is_inline,
                      "chunk", (json_int_t)place->chunk, "row", (json_int_t)place->row, "done",
                      (json_int_t)place->done, "at", (json_int_t)place->succeeded_us));
    return failed;
}

/* The text, in out; its length, also where that is too much. 0: no memory. */
static size_t position_write(const struct tow_scan_position *position, size_t key_count,
                             struct tow_position *out)
{
    json_t *object = json_pack("{s:i,s:o}", "v", POSITION_FORMAT, "order",
                               json_string(position->order ? position->order : ""));
    size_t length = 0;
    int failed = !object;

    if (!failed && position->is_load)
        failed = position_put_load(object, position, key_count);
    else if (!failed)
        failed = json_object_set_new(object, "next",
                                     position_texts(&position->after, position->after.count));
    if (!failed)
        length = json_dumpb(object, (char *)out->bytes, sizeof out->bytes, JSON_COMPACT);
    json_decref(object);
    return length;
}

int tow_scan_position_put(const struct tow_scan_position *position, struct tow_position *out,
                          struct tow_error *err)
{
    size_t count = position->key.count;
    size_t length = position_write(position, count, out);

    while (length > sizeof out->bytes && count > 0)
        length = position_write(position, --count, out);
    if (length == 0)
        return tow_error_nomem(err);
    if (length > sizeof out->bytes)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "cursor values too long to be kept: a position of %zu bytes, and %zu "
                             "are room",
                             length, sizeof out->bytes);
    out->length = (uint32_t)length;
    return TOW_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* What is being read, and whether it has been as it should so far. */
struct position_reader {
    int is_sound;
    int no_memory;
};

static const char *position_string(struct position_reader *reader, const json_t *value)
{
    if (!json_is_string(value))
        reader->is_sound = 0;
    return json_is_string(value) ? json_string_value(value) : "";
}

static int64_t position_number(struct position_reader *reader, const json_t *value, int64_t least)
{
    const int64_t number = json_is_integer(value) ? json_integer_value(value) : least - 1;

    if (!json_is_integer(value) || number < least)
        reader->is_sound = 0;
    return number;
}

static char *position_copy(struct position_reader *reader, const char *text)
{
    char *copy = strdup(text);

    reader->no_memory |= !copy;
    return copy;
}

static void position_read_key(struct position_reader *reader, const json_t *list,
                              struct tow_key *key)
{
    if (!json_is_array(list) || json_array_size(list) > TOW_KEYS_MAX) {
        reader->is_sound = 0;
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);

        key->values[i] =
            json_is_null(value) ? NULL : position_copy(reader, position_string(reader, value));
        key->count = i + 1;
    }
}

/* Each first column more can be shared by no more rows. */
static void position_read_same(struct position_reader *reader, const json_t *list,
                               struct tow_scan_position *position)
{
    if (json_array_size(list) != position->key.count + 1) {
        reader->is_sound = 0;
        return;
    }
    for (size_t i = 0; i <= position->key.count; i++) {
        position->same[i] = position_number(reader, json_array_get(list, i), 0);
        if (i > 0 && position->same[i] > position->same[i - 1])
            reader->is_sound = 0;
    }
}

static void position_read_place(struct position_reader *reader, const json_t *object,
                                struct tow_scan_place *place)
{
    const char *id = position_string(reader, json_object_get(object, "id"));
    const size_t length = strlen(id);

    /* It becomes part of a URL. */
    if (length == 0 || length >= sizeof place->id ||
        strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != length) {
        reader->is_sound = 0;
        return;
    }
    memcpy(place->id, id, length + 1);
    place->is_inline = json_is_true(json_object_get(object, "inline"));
    place->chunk = position_number(reader, json_object_get(object, "chunk"), 0);
    place->row = position_number(reader, json_object_get(object, "row"), 0);
    place->done = position_number(reader, json_object_get(object, "done"), 0);
    place->succeeded_us = position_number(reader, json_object_get(object, "at"), 0);
}

static void position_read_shape(struct position_reader *reader, const char *text,
                                struct tow_scan_position *position)
{
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        reader->is_sound = 0;
    position->shape = strtoull(text, NULL, 16);
}

static void position_read_load(struct position_reader *reader, const json_t *object,
                               struct tow_scan_position *position)
{
    const json_t *upto = json_object_get(object, "upto");
    const json_t *place = json_object_get(object, "statement");

    position->is_load = 1;
    position_read_shape(reader, position_string(reader, json_object_get(object, "shape")),
                        position);
    position->version = position_number(reader, json_object_get(object, "version"), -1);
    position->total = position_number(reader, json_object_get(object, "total"), -1);
    position_read_key(reader, json_object_get(object, "after"), &position->after);
    position_read_key(reader, json_object_get(object, "key"), &position->key);
    position_read_same(reader, json_object_get(object, "same"), position);
    if (place)
        position_read_place(reader, place, &position->place);
    if (!upto)
        return;
    position->has_upto = 1;
    if (json_array_size(upto) != 1)
        reader->is_sound = 0;
    else if (!json_is_null(json_array_get(upto, 0)))
        position->upto = position_copy(reader, position_string(reader, json_array_get(upto, 0)));
}

static void position_read(struct position_reader *reader, const json_t *object,
                          struct tow_scan_position *position)
{
    const json_t *next = json_object_get(object, "next");

    if (position_number(reader, json_object_get(object, "v"), 0) != POSITION_FORMAT)
        reader->is_sound = 0;
    position->order =
        position_copy(reader, position_string(reader, json_object_get(object, "order")));
    if (!next) {
        position_read_load(reader, object, position);
        return;
    }
    position_read_key(reader, next, &position->after);
    if (position->after.count == 0)
        reader->is_sound = 0;
}

int tow_scan_position_get(struct tow_scan_position *position, const struct tow_position *from,
                          struct tow_error *err)
{
    struct position_reader reader = {.is_sound = 1};
    json_t *object;
    int code;

    tow_scan_position_init(position);
    if (from->length == 0)
        return TOW_END;
    code = tow_json_load((const char *)from->bytes,
                         from->length <= TOW_POSITION_MAX ? from->length : 0,
                         JSON_REJECT_DUPLICATES, &object, err);
    if (code == TOW_E_NOMEM)
        return code;
    position_read(&reader, object, position);
    json_decref(object);
    if (reader.is_sound && !reader.no_memory)
        return TOW_OK;
    tow_scan_position_release(position);
    if (reader.no_memory)
        return tow_error_nomem(err);
    return tow_error_set(err, TOW_E_ENV, "the saved position (%u bytes) is none of this plugin's",
                         from->length);
}
