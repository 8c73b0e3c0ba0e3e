/*
 * A table as Unity Catalog describes it: `columns`, each with a name, a position, whether it may be
 * null, and its type as Spark's JSON (type_json). Older answers have the type's name alone.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "connectors/http/json_load.h"
#include "connectors/zerobus/proto.h"
#include "connectors/zerobus/schema_priv.h"

#define READ_DEPTH_MAX    100
#define READ_COLUMNS_MAX  2000  /* that the service takes */
#define READ_RESERVED     19000 /* to 19999: Protocol Buffers keep them */
#define READ_RESERVED_END 20000

/* Where in the table the reader is, for messages. */
struct schema_place {
    const char *column;
    int depth;
};

static const struct {
    const char *name; /* as type_json or type_name have it */
    enum tow_zerobus_kind kind;
    enum tow_zerobus_type type;
} schema_types[] = {
    {"byte", TOW_ZEROBUS_INT32, TOW_ZEROBUS_BYTE},
    {"tinyint", TOW_ZEROBUS_INT32, TOW_ZEROBUS_BYTE},
    {"short", TOW_ZEROBUS_INT32, TOW_ZEROBUS_SHORT},
    {"smallint", TOW_ZEROBUS_INT32, TOW_ZEROBUS_SHORT},
    {"integer", TOW_ZEROBUS_INT32, TOW_ZEROBUS_PLAIN},
    {"int", TOW_ZEROBUS_INT32, TOW_ZEROBUS_PLAIN},
    {"long", TOW_ZEROBUS_INT64, TOW_ZEROBUS_PLAIN},
    {"bigint", TOW_ZEROBUS_INT64, TOW_ZEROBUS_PLAIN},
    {"float", TOW_ZEROBUS_FLOAT, TOW_ZEROBUS_PLAIN},
    {"double", TOW_ZEROBUS_DOUBLE, TOW_ZEROBUS_PLAIN},
    {"boolean", TOW_ZEROBUS_BOOL, TOW_ZEROBUS_PLAIN},
    {"string", TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN},
    {"char", TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN},
    {"varchar", TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN},
    {"binary", TOW_ZEROBUS_BYTES, TOW_ZEROBUS_PLAIN},
    {"date", TOW_ZEROBUS_INT32, TOW_ZEROBUS_DATE},
    {"timestamp", TOW_ZEROBUS_INT64, TOW_ZEROBUS_TIMESTAMP},
    {"timestamp_ntz", TOW_ZEROBUS_INT64, TOW_ZEROBUS_TIMESTAMP_NTZ},
    {"decimal", TOW_ZEROBUS_STRING, TOW_ZEROBUS_DECIMAL},
    {"variant", TOW_ZEROBUS_STRING, TOW_ZEROBUS_VARIANT},
};

static int schema_refuse(const struct schema_place *place, const char *what, struct tow_error *err)
{
    return tow_error_set(err, TOW_E_UNSUPPORTED,
                         "column \"%s\": Zerobus does not take %s; leave the column out of the "
                         "table, or write format = \"json\"",
                         place->column, what);
}

/* ---- simple types ---------------------------------------------------------------------------- */

static int schema_read_decimal(struct tow_zerobus_field *field, const char *parameters)
{
    char *end;
    long precision, scale = 0;

    if (*parameters != '(') {
        field->precision = 10;
        return 1;
    }
    precision = strtol(parameters + 1, &end, 10);
    if (*end == ',')
        scale = strtol(end + 1, &end, 10);
    if (*end != ')' || precision < 1 || precision > 38 || scale < 0 || scale > precision)
        return 0;
    field->precision = (int)precision;
    field->scale = (int)scale;
    return 1;
}

static int schema_read_simple(struct tow_zerobus_field *field, const char *text,
                              const struct schema_place *place, struct tow_error *err)
{
    size_t length = strcspn(text, "( ");

    for (size_t i = 0; i < sizeof schema_types / sizeof *schema_types; i++) {
        if (strlen(schema_types[i].name) != length ||
            strncasecmp(schema_types[i].name, text, length) != 0)
            continue;
        field->kind = schema_types[i].kind;
        field->type = schema_types[i].type;
        if (field->type == TOW_ZEROBUS_DECIMAL && !schema_read_decimal(field, text + length))
            break;
        return TOW_OK;
    }
    return tow_error_set(err, TOW_E_UNSUPPORTED,
                         "column \"%s\": type \"%.80s\" is none that Zerobus takes", place->column,
                         text);
}

/* ---- nested types ---------------------------------------------------------------------------- */

static int schema_read_type(struct tow_zerobus_field *field, const json_t *type,
                            const struct schema_place *place, struct tow_error *err);

static struct tow_zerobus_message *schema_new_message(struct tow_zerobus_field *field,
                                                      const char *suffix, struct tow_error *err)
{
    struct tow_buffer name = {0};

    field->kind = TOW_ZEROBUS_MESSAGE;
    field->message = calloc(1, sizeof *field->message);
    if (!field->message) {
        tow_error_nomem(err);
        return NULL;
    }
    if (tow_zerobus_message_name(&name, field->name, "", err) == TOW_OK &&
        tow_buffer_append(&name, suffix, strlen(suffix) + 1, err) == TOW_OK &&
        tow_zerobus_schema_init(field->message, name.data, err) == TOW_OK) {
        tow_buffer_release(&name);
        return field->message;
    }
    tow_buffer_release(&name);
    return NULL;
}

static int schema_check_name(const char *name, const struct schema_place *place,
                             struct tow_error *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

    if (*name && !(*name >= '0' && *name <= '9') && name[strspn(name, letters)] == '\0')
        return TOW_OK;
    return tow_error_set(err, TOW_E_UNSUPPORTED,
                         "column \"%s\": the name \"%.200s\" is not letters, digits and '_' alone, "
                         "as Zerobus asks for",
                         place->column, name);
}

/* A member of a struct, or a column: {"name", "type", "nullable"}. */
static int schema_read_member(struct tow_zerobus_message *message, const json_t *member,
                              const struct schema_place *place, struct tow_error *err)
{
    const char *name = json_string_value(json_object_get(member, "name"));
    const json_t *nullable = json_object_get(member, "nullable");
    struct tow_zerobus_field *field;
    int code;

    if (!name)
        return tow_error_set(err, TOW_E_ENV, "column \"%s\": a member of it has no name",
                             place->column);
    code = schema_check_name(name, place, err);
    if (code != TOW_OK)
        return code;
    if (tow_zerobus_schema_find(message, name))
        return schema_refuse(place, "two members of one name", err);
    field = tow_zerobus_schema_add(message, name, TOW_ZEROBUS_STRING, err);
    if (!field)
        return TOW_E_NOMEM;
    code = schema_read_type(field, json_object_get(member, "type"), place, err);
    field->is_required = json_is_false(nullable) && !field->is_repeated;
    return code;
}

static int schema_read_struct(struct tow_zerobus_field *field, const json_t *type,
                              const struct schema_place *place, struct tow_error *err)
{
    const json_t *members = json_object_get(type, "fields");
    struct tow_zerobus_message *message = schema_new_message(field, "", err);
    int code = TOW_OK;

    if (!message)
        return TOW_E_NOMEM;
    if (json_array_size(members) == 0)
        return schema_refuse(place, "a struct without members", err);
    for (size_t i = 0; i < json_array_size(members) && code == TOW_OK; i++)
        code = schema_read_member(message, json_array_get(members, i), place, err);
    return code;
}

static int schema_read_array(struct tow_zerobus_field *field, const json_t *type,
                             const struct schema_place *place, struct tow_error *err)
{
    int code = schema_read_type(field, json_object_get(type, "elementType"), place, err);

    if (code == TOW_OK && field->is_repeated)
        return schema_refuse(place, "an array of arrays or of maps", err);
    field->is_repeated = 1;
    return code;
}

static int schema_is_map_key(const struct tow_zerobus_field *key)
{
    return !key->is_repeated && key->kind != TOW_ZEROBUS_MESSAGE &&
           key->kind != TOW_ZEROBUS_FLOAT && key->kind != TOW_ZEROBUS_DOUBLE &&
           key->kind != TOW_ZEROBUS_BYTES;
}

/* Protocol Buffers have a map as a repeated message of key and value, whose name is fixed. The
 * value's message, where it is one, is named after the map. */
static int schema_read_map(struct tow_zerobus_field *field, const json_t *type,
                           const struct schema_place *place, struct tow_error *err)
{
    struct tow_zerobus_message *entry = schema_new_message(field, "Entry", err);
    struct tow_zerobus_field *key, *value;
    struct tow_buffer name = {0};
    int code;

    if (!entry)
        return TOW_E_NOMEM;
    entry->is_map_entry = 1;
    key = tow_zerobus_schema_add(entry, "key", TOW_ZEROBUS_STRING, err);
    code = key ? schema_read_type(key, json_object_get(type, "keyType"), place, err) : TOW_E_NOMEM;
    if (code == TOW_OK && !schema_is_map_key(key))
        code = schema_refuse(place, "a map with such keys", err);
    value = code == TOW_OK ? tow_zerobus_schema_add(entry, "value", TOW_ZEROBUS_STRING, err) : NULL;
    if (code == TOW_OK)
        code = value ? schema_read_type(value, json_object_get(type, "valueType"), place, err)
                     : TOW_E_NOMEM;
    if (code == TOW_OK && value->is_repeated)
        code = schema_refuse(place, "a map of arrays or of maps", err);
    if (code == TOW_OK && value->message) {
        code = tow_zerobus_message_name(&name, field->name, "Value", err);
        if (code == TOW_OK)
            code = tow_buffer_append(&name, "", 1, err);
        if (code == TOW_OK) {
            free(value->message->name);
            value->message->name = name.data;
            name = (struct tow_buffer){0};
        }
    }
    tow_buffer_release(&name);
    field->is_repeated = 1;
    return code;
}

static int schema_read_type(struct tow_zerobus_field *field, const json_t *type,
                            const struct schema_place *place, struct tow_error *err)
{
    const struct schema_place inside = {place->column, place->depth + 1};
    const char *kind = json_string_value(json_object_get(type, "type"));

    if (json_is_string(type))
        return schema_read_simple(field, json_string_value(type), place, err);
    if (inside.depth > READ_DEPTH_MAX)
        return schema_refuse(place, "types nested more than 100 deep", err);
    if (kind && strcmp(kind, "struct") == 0)
        return schema_read_struct(field, type, &inside, err);
    if (kind && strcmp(kind, "array") == 0)
        return schema_read_array(field, type, &inside, err);
    if (kind && strcmp(kind, "map") == 0)
        return schema_read_map(field, type, &inside, err);
    return schema_refuse(place, "its type", err);
}

/* ---- columns --------------------------------------------------------------------------------- */

/* Reads type_json, which is JSON in a string: a type, or an object that has one as "type". */
static int schema_read_type_json(struct tow_zerobus_field *field, const char *text,
                                 const struct schema_place *place, struct tow_error *err)
{
    json_t *root;
    const json_t *type;
    int code = tow_json_load(text, strlen(text), JSON_DECODE_ANY, &root, err);

    if (code == TOW_E_DATA)
        return tow_error_set(err, TOW_E_ENV, "column \"%s\": its type_json is no JSON",
                             place->column);
    if (code != TOW_OK)
        return code;
    type = root;
    if (json_object_get(root, "name") && json_object_get(root, "type"))
        type = json_object_get(root, "type");
    code = schema_read_type(field, type, place, err);
    json_decref(root);
    return code;
}

static int schema_set_number(struct tow_zerobus_field *field, const json_t *position,
                             const struct schema_place *place, struct tow_error *err)
{
    json_int_t number = json_integer_value(position) + 1;

    if (!json_is_integer(position))
        return TOW_OK; /* in the order of the list */
    if (number < 1 || number > TOW_PROTO_FIELD_MAX ||
        (number >= READ_RESERVED && number < READ_RESERVED_END))
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "column \"%s\": its position %" JSON_INTEGER_FORMAT
                             " gives no field number",
                             place->column, number - 1);
    field->number = (int)number;
    return TOW_OK;
}

static int schema_read_column(struct tow_zerobus_message *message, const json_t *column,
                              struct tow_error *err)
{
    const char *name = json_string_value(json_object_get(column, "name"));
    const char *type_json = json_string_value(json_object_get(column, "type_json"));
    const char *type_name = json_string_value(json_object_get(column, "type_name"));
    const char *type_text = json_string_value(json_object_get(column, "type_text"));
    const struct schema_place place = {name ? name : "", 0};
    struct tow_zerobus_field *field;
    int code;

    if (!name || (!type_json && !type_name))
        return tow_error_set(err, TOW_E_ENV, "a column of the table has no name or no type");
    code = schema_check_name(name, &place, err);
    if (code != TOW_OK)
        return code;
    field = tow_zerobus_schema_add(message, name, TOW_ZEROBUS_STRING, err);
    if (!field)
        return TOW_E_NOMEM;
    field->sql = strdup(type_text ? type_text : type_name ? type_name : type_json);
    if (!field->sql)
        return tow_error_nomem(err);
    code = type_json ? schema_read_type_json(field, type_json, &place, err)
                     : schema_read_simple(field, type_text ? type_text : type_name, &place, err);
    if (code == TOW_OK)
        code = schema_set_number(field, json_object_get(column, "position"), &place, err);
    field->is_required = json_is_false(json_object_get(column, "nullable")) && !field->is_repeated;
    return code;
}

static int schema_check_columns(const struct tow_zerobus_message *message, struct tow_error *err)
{
    for (size_t i = 0; i < message->count; i++)
        for (size_t j = 0; j < i; j++)
            if (message->fields[i].number == message->fields[j].number ||
                strcasecmp(message->fields[i].name, message->fields[j].name) == 0)
                return tow_error_set(err, TOW_E_ENV,
                                     "columns \"%s\" and \"%s\" have one name or one position",
                                     message->fields[j].name, message->fields[i].name);
    return TOW_OK;
}

static int schema_name_root(struct tow_zerobus_message *message, const json_t *table,
                            struct tow_error *err)
{
    const char *schema = json_string_value(json_object_get(table, "schema_name"));
    const char *name = json_string_value(json_object_get(table, "name"));
    struct tow_buffer words = {0};
    int code = tow_zerobus_message_name(&words, schema ? schema : "", name ? name : "", err);

    if (code == TOW_OK)
        code = tow_buffer_append(&words, "", 1, err);
    if (code == TOW_OK)
        code = tow_zerobus_schema_init(message, words.data, err);
    tow_buffer_release(&words);
    return code;
}

int tow_zerobus_schema_read(struct tow_zerobus_message *message, const json_t *table,
                            struct tow_error *err)
{
    const json_t *columns = json_object_get(table, "columns");
    size_t count = json_array_size(columns);
    int code;

    *message = (struct tow_zerobus_message){0};
    if (count == 0 || count > READ_COLUMNS_MAX)
        return tow_error_set(err, count ? TOW_E_UNSUPPORTED : TOW_E_ENV,
                             "Unity Catalog lists %zu columns; Zerobus takes 1 to %d", count,
                             READ_COLUMNS_MAX);
    code = schema_name_root(message, table, err);
    for (size_t i = 0; i < count && code == TOW_OK; i++)
        code = schema_read_column(message, json_array_get(columns, i), err);
    if (code == TOW_OK)
        code = schema_check_columns(message, err);
    if (code == TOW_OK)
        code = tow_zerobus_schema_settle_names(message, err);
    if (code != TOW_OK)
        tow_zerobus_schema_release(message);
    return code;
}
