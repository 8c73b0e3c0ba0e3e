/*
 * Cells of nested columns on their way to Zerobus: the first byte chooses the column, the rest is
 * its JSON. What is written is read back by the column's own description, and is what the cell
 * says; what is not written leaves a reason.
 */
#include <math.h>
#include <stdint.h>

#include "connectors/zerobus/proto.h"
#include "fuzz_demand.h"
#include "plugins/zerobus/nested.h"
#include "towpath/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COLUMN(name, type)                                                                  \
    "{\"name\":\"" name "\",\"type_text\":\"x\",\"type_json\":\"{\\\"name\\\":\\\"" name    \
    "\\\",\\\"type\\\":" type ",\\\"nullable\\\":true,\\\"metadata\\\":{}}\",\"nullable\":" \
    "true}"
#define FIELD(name, type, nullable)                                                   \
    "{\\\"name\\\":\\\"" name "\\\",\\\"type\\\":" type ",\\\"nullable\\\":" nullable \
    ",\\\"metadata\\\":{}}"
#define STRUCT(fields) "{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[" fields "]}"
#define ARRAY(type) \
    "{\\\"type\\\":\\\"array\\\",\\\"elementType\\\":" type ",\\\"containsNull\\\":true}"
#define MAP(key, type)                                                          \
    "{\\\"type\\\":\\\"map\\\",\\\"keyType\\\":" key ",\\\"valueType\\\":" type \
    ",\\\"valueContainsNull\\\":true}"
#define TEXT(name) "\\\"" name "\\\""

static const char table[] =
    "{\"name\":\"t\",\"columns\":[" COLUMN("a", ARRAY(TEXT("long"))) "," COLUMN(
        "b",
        MAP(TEXT("string"),
            TEXT(
                "double"))) "," COLUMN("c",
                                       MAP(TEXT("integer"),
                                           STRUCT(FIELD(
                                               "x", TEXT("boolean"),
                                               "true")))) "," COLUMN("d",
                                                                     STRUCT(
                                                                         FIELD(
                                                                             "i",
                                                                             TEXT("byte"), "true") "," FIELD("s", TEXT("short"), "true") "," FIELD("n", TEXT("integer"), "false") "," FIELD("f", TEXT("float"), "true") "," FIELD("p", TEXT("decimal(12,3)"), "true") "," FIELD("t",
                                                                                                                                                                                                                                                                                TEXT(
                                                                                                                                                                                                                                                                                    "timestamp"),
                                                                                                                                                                                                                                                                                "true") "," FIELD("u", TEXT("timestamp_ntz"), "true") "," FIELD("e", TEXT("date"), "true") "," FIELD("y", TEXT("binary"), "true") "," FIELD("v",
                                                                                                                                                                                                                                                                                                                                                                                                                            TEXT(
                                                                                                                                                                                                                                                                                                                                                                                                                                "variant"),
                                                                                                                                                                                                                                                                                                                                                                                                                            "true") "," FIELD("l",
                                                                                                                                                                                                                                                                                                                                                                                                                                              ARRAY(TEXT("string")), "true") "," FIELD("m",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                       MAP(TEXT("string"), TEXT("string")), "true"))) "," COLUMN("e",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 ARRAY(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     STRUCT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         FIELD(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "k", STRUCT(FIELD("z", TEXT("date"), "true")), "true")))) "," COLUMN("f", ARRAY(TEXT("binary"))) "," COLUMN("g",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         ARRAY(TEXT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "decimal(38,10)"))) "]}";

static struct tow_zerobus_message message;

static void demand_field(const struct tow_zerobus_field *field, const json_t *cell,
                         const struct tow_proto_field *found, size_t count);

/* ---- plain values -----------------------------------------------------------------------------
 */

static void demand_number(const struct tow_zerobus_field *field, const json_t *cell, int64_t number)
{
    const char *text = json_string_value(cell);
    int64_t time;
    int32_t day;
    int zone;

    switch (field->type) {
    case TOW_ZEROBUS_DATE:
        demand(text && tow_parse_date(text, strlen(text), &day) == TOW_PARSE_OK && day == number,
               "the day of the cell");
        return;
    case TOW_ZEROBUS_TIMESTAMP:
    case TOW_ZEROBUS_TIMESTAMP_NTZ:
        demand(text && tow_parse_timestamp(text, strlen(text), &time, &zone) == TOW_PARSE_OK &&
                   time == number,
               "the time of the cell");
        return;
    default:
        demand(number == (text ? strtoll(text, NULL, 10) : (int64_t)json_integer_value(cell)),
               "the integer of the cell");
    }
    demand(field->kind == TOW_ZEROBUS_INT64 || (number >= INT32_MIN && number <= INT32_MAX),
           "an integer that fits");
    demand(field->type != TOW_ZEROBUS_BYTE || (number >= -128 && number <= 127), "a byte");
    demand(field->type != TOW_ZEROBUS_SHORT || (number >= -32768 && number <= 32767), "a short");
}

static void demand_real(const struct tow_zerobus_field *field, const json_t *cell, uint64_t bits)
{
    const char *text = json_string_value(cell);
    double wanted = text ? strtod(text, NULL) : json_number_value(cell), real;
    uint32_t half = (uint32_t)bits;
    float narrow;

    memcpy(&real, &bits, sizeof real);
    memcpy(&narrow, &half, sizeof narrow);
    if (field->kind == TOW_ZEROBUS_FLOAT)
        demand(isnan(wanted) ? isnan(narrow) : narrow == (float)wanted, "the float of the cell");
    else
        demand(isnan(wanted) ? isnan(real) : real == wanted, "the double of the cell");
}

static void demand_decimal(const struct tow_zerobus_field *field, const json_t *cell,
                           const char *bytes, size_t length)
{
    char text[TOW_DECIMAL_TEXT_MAX + 1];
    const char *given = json_string_value(cell), *point;
    long double wanted = given ? strtold(given, NULL) : (long double)json_number_value(cell);

    demand(length < sizeof text, "a decimal");
    memcpy(text, bytes, length);
    text[length] = '\0';
    point = strchr(text, '.');
    demand(point ? strlen(point + 1) == (size_t)field->scale : field->scale == 0, "its scale");
    demand(fabsl(strtold(text, NULL) - wanted) <= fabsl(wanted) * 1e-14L, "the decimal's value");
}

static void demand_bytes(const struct tow_zerobus_field *field, const json_t *cell,
                         const char *bytes, size_t length)
{
    char *text;

    if (field->type == TOW_ZEROBUS_VARIANT) {
        json_t *value = json_loadb(bytes, length, JSON_DECODE_ANY, NULL);

        demand(value && json_equal(value, cell), "the value of the cell");
        json_decref(value);
    } else if (field->type == TOW_ZEROBUS_DECIMAL) {
        demand_decimal(field, cell, bytes, length);
    } else if (field->kind == TOW_ZEROBUS_STRING) {
        demand(json_string_length(cell) == length &&
                   memcmp(json_string_value(cell), bytes, length) == 0,
               "the text of the cell");
    } else {
        text = malloc(4 * ((length + 2) / 3) + 1);
        demand(text != NULL, "memory");
        *tow_put_base64(text, bytes, length) = '\0';
        demand(strncmp(text, json_string_value(cell), json_string_length(cell)) == 0,
               "the bytes of the cell");
        free(text);
    }
}

/* ---- messages ---------------------------------------------------------------------------------
 */

/* Reads a message's fields; their number. */
static size_t read_all(const void *bytes, size_t length, struct tow_proto_field **fields)
{
    struct tow_proto_reader reader = tow_proto_reader_of(bytes, length);
    struct tow_proto_field field;
    size_t count = 0, capacity = 0;
    int got;

    *fields = NULL;
    while ((got = tow_proto_next(&reader, &field)) == 1) {
        if (count == capacity) {
            capacity = 2 * capacity + 8;
            *fields = realloc(*fields, capacity * sizeof **fields);
            demand(*fields != NULL, "memory");
        }
        (*fields)[count++] = field;
    }
    demand(got == 0, "a message");
    return count;
}

static void demand_message_of(const struct tow_zerobus_message *fields, const json_t *cell,
                              const struct tow_proto_field *in)
{
    struct tow_proto_field *all, *own;
    size_t count = read_all(in->bytes, in->length, &all), known = 0;

    demand(json_is_object(cell), "an object");
    own = calloc(count + 1, sizeof *own);
    demand(own != NULL, "memory");
    for (size_t i = 0; i < fields->count; i++) {
        size_t found = 0;

        for (size_t k = 0; k < count; k++)
            if (all[k].number == (uint32_t)fields->fields[i].number)
                own[found++] = all[k];
        demand_field(&fields->fields[i], json_object_get(cell, fields->fields[i].name), own, found);
        known += found;
    }
    demand(known == count, "no other fields");
    free(own);
    free(all);
}

static void demand_value(const struct tow_zerobus_field *field, const json_t *cell,
                         const struct tow_proto_field *found)
{
    const char *text = json_string_value(cell);

    switch (field->kind) {
    case TOW_ZEROBUS_MESSAGE:
        demand_message_of(field->message, cell, found);
        return;
    case TOW_ZEROBUS_STRING:
    case TOW_ZEROBUS_BYTES:
        demand(found->wire_type == TOW_PROTO_BYTES, "bytes");
        demand_bytes(field, cell, found->bytes, found->length);
        return;
    case TOW_ZEROBUS_DOUBLE:
    case TOW_ZEROBUS_FLOAT:
        demand(found->wire_type ==
                   (field->kind == TOW_ZEROBUS_DOUBLE ? TOW_PROTO_64 : TOW_PROTO_32),
               "a fixed number");
        demand_real(field, cell, found->value);
        return;
    case TOW_ZEROBUS_BOOL:
        demand(found->wire_type == TOW_PROTO_VARINT && found->value <= 1, "a truth");
        demand(text || (found->value == 1) == json_is_true(cell), "the truth of the cell");
        return;
    default:
        demand(found->wire_type == TOW_PROTO_VARINT, "an integer");
        demand_number(field, cell, (int64_t)found->value);
    }
}

/* The pairs of a map come in the order of the cell. */
static void demand_map(const struct tow_zerobus_field *field, const json_t *cell,
                       const struct tow_proto_field *found, size_t count)
{
    const char *key;
    json_t *value;
    size_t at = 0;

    demand(json_is_object(cell) && json_object_size(cell) == count, "as many pairs");
    json_object_foreach((json_t *)(uintptr_t)cell, key, value)
    {
        struct tow_proto_field *pair;
        json_t *name = json_string(key);

        demand(read_all(found[at].bytes, found[at].length, &pair) == 2, "a key and a value");
        demand(pair[0].number == 1 && pair[1].number == 2, "in this order");
        demand_value(&field->message->fields[0], name, &pair[0]);
        demand_value(&field->message->fields[1], value, &pair[1]);
        json_decref(name);
        free(pair);
        at++;
    }
}

static void demand_field(const struct tow_zerobus_field *field, const json_t *cell,
                         const struct tow_proto_field *found, size_t count)
{
    if (!cell || json_is_null(cell)) {
        demand(count == 0 && !field->is_required, "nothing where there is nothing");
    } else if (field->message && field->message->is_map_entry) {
        demand_map(field, cell, found, count);
    } else if (field->is_repeated) {
        demand(json_is_array(cell) && json_array_size(cell) == count, "as many elements");
        for (size_t i = 0; i < count; i++)
            demand_value(field, json_array_get(cell, i), &found[i]);
    } else {
        demand(count == 1, "one value");
        demand_value(field, cell, found);
    }
}

static void read_table(void)
{
    struct tow_error err = TOW_ERROR_INIT;
    json_t *root = json_loads(table, 0, NULL);

    demand(root != NULL, "the table's JSON");
    if (tow_zerobus_schema_read(&message, root, &err) != TOW_OK) {
        fprintf(stderr, "%s\n", err.message);
        demand(0, "the table");
    }
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tow_zerobus_field *field;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};
    struct tow_proto_field *found;
    json_t *cell;
    int code;

    if (size == 0)
        return 0;
    if (message.count == 0)
        read_table();
    field = &message.fields[data[0] % message.count];
    code = bus_nested_put(&out, field, (const char *)data + 1, size - 1, &err);
    cell = json_loadb((const char *)data + 1, size - 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
                      NULL);
    if (code == TOW_OK) {
        size_t count = read_all(out.data, out.size, &found);

        demand(cell != NULL, "a cell that is JSON");
        for (size_t i = 0; i < count; i++)
            demand(found[i].number == (uint32_t)field->number, "the column's number");
        demand_field(field, cell, found, count);
        free(found);
    } else {
        demand(code == TOW_E_DATA, "a row that does not fit");
        demand_message(&err);
    }
    json_decref(cell);
    tow_buffer_release(&out);
    return 0;
}
