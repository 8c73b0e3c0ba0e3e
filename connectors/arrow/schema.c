#include "connectors/arrow/schema.h"

#include <stdlib.h>
#include <string.h>

#include "connectors/arrow/field_type.h"
#include "connectors/arrow/message.h"
#include "towpath/value.h"

#define MESSAGE_HEADER_SLOT 2

/* Slots of the tables Schema and Field. */
enum { SCHEMA_ENDIANNESS, SCHEMA_FIELDS };
enum {
    FIELD_NAME,
    FIELD_NULLABLE,
    FIELD_TYPE_ID,
    FIELD_TYPE,
    FIELD_DICTIONARY,
    FIELD_CHILDREN,
};

/* Bytes of a name that a message shows. */
#define SCHEMA_NAME_SHOWN 200

/* Metadata under reading. */
struct schema_reader {
    struct tow_flatbuffer flat;
    struct tow_ipc_field *fields;
    size_t used;       /* fields so far */
    size_t text_bytes; /* of names and time zones so far */
};

void tow_ipc_field_prefix(struct tow_error *err, const struct tow_ipc_field *field, int depth)
{
    size_t length = strlen(field->name);
    const char *more = length > SCHEMA_NAME_SHOWN ? "..." : "";

    if (length > SCHEMA_NAME_SHOWN)
        length = tow_utf8_prefix(field->name, SCHEMA_NAME_SHOWN);
    (void)tow_error_prefix(err, "%s \"%.*s%s\"", depth == 0 ? "column" : "field", (int)length,
                           field->name, more);
}

/* ---- how many fields there are --------------------------------------------------------------- */

/* Tables may share their children, or be their own, so both depth and number need a bound. */
static int schema_count(struct schema_reader *reader, const struct tow_flat_vector *fields,
                        int depth, struct tow_error *err)
{
    int code = TOW_OK;

    if (fields->count > 0 && depth >= TOW_IPC_DEPTH_MAX)
        return tow_error_set(err, TOW_E_UNSUPPORTED, "columns nested more than %d deep",
                             TOW_IPC_DEPTH_MAX);
    if (fields->count > TOW_IPC_FIELDS_MAX - reader->used)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "more than %d columns and fields of nested columns",
                             TOW_IPC_FIELDS_MAX);
    reader->used += fields->count;
    for (size_t i = 0; i < fields->count && code == TOW_OK; i++) {
        struct tow_flat_table field = tow_flat_element_table(fields, i);
        struct tow_flat_vector children = tow_flat_vector(&field, FIELD_CHILDREN, 4);

        code = schema_count(reader, &children, depth + 1, err);
    }
    return code;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* Strings may be shared as well: without a bound, going through one large name as often as fields
 * share it would take for ever. */
static int schema_check_text(struct schema_reader *reader, const char *text, struct tow_error *err)
{
    size_t length = strlen(text);

    reader->text_bytes += length;
    if (reader->text_bytes > TOW_IPC_METADATA_MAX)
        return tow_error_set(err, TOW_E_DATA, "names of more than %u bytes in all",
                             TOW_IPC_METADATA_MAX);
    if (!tow_utf8_valid(text, length))
        return tow_error_set(err, TOW_E_DATA, "the name is not UTF-8");
    return TOW_OK;
}

static int schema_read_name(struct schema_reader *reader, struct tow_ipc_field *field,
                            const struct tow_flat_table *table, struct tow_error *err)
{
    size_t length;
    const char *name = tow_flat_string(table, FIELD_NAME, &length);
    int code = schema_check_text(reader, name ? name : "", err);

    if (code != TOW_OK)
        return code;
    if (name && strlen(name) != length)
        return tow_error_set(err, TOW_E_DATA, "the name holds a NUL byte");
    field->name = name ? name : "";
    return TOW_OK;
}

static int schema_read_type(struct schema_reader *reader, struct tow_ipc_field *field,
                            const struct tow_flat_table *table, struct tow_error *err)
{
    int id = (int)tow_flat_number(table, FIELD_TYPE_ID, 1, 0);
    struct tow_flat_table type = tow_flat_table(table, FIELD_TYPE);
    struct tow_flat_table dictionary = tow_flat_table(table, FIELD_DICTIONARY);
    int code;

    field->nullable = tow_flat_number(table, FIELD_NULLABLE, 1, 0) != 0;
    if (!tow_flat_is_absent(&dictionary))
        return tow_error_set(err, TOW_E_UNSUPPORTED, "type %s in a dictionary is not read here",
                             tow_ipc_type_name(id) ? tow_ipc_type_name(id) : "unknown");
    code = tow_ipc_field_set_type(field, id, &type, err);
    /* What damaged metadata say of a type is of no interest. */
    if (reader->flat.damage)
        return tow_ipc_metadata_check(&reader->flat, err);
    return code == TOW_OK ? schema_check_text(reader, field->timezone, err) : code;
}

static int schema_check_map(const struct tow_ipc_field *field, struct tow_error *err)
{
    const struct tow_ipc_field *entries = field->children;

    if (field->type != TOW_IPC_MAP ||
        (entries->type == TOW_IPC_STRUCT && entries->child_count == 2))
        return TOW_OK;
    return tow_error_set(err, TOW_E_DATA, "a Map whose entries are no Struct of key and value");
}

static int schema_read_fields(struct schema_reader *reader, const struct tow_flat_vector *vector,
                              struct tow_ipc_field *fields, int depth, struct tow_error *err);

static int schema_read_field(struct schema_reader *reader, const struct tow_flat_table *table,
                             struct tow_ipc_field *field, int depth, struct tow_error *err)
{
    struct tow_flat_vector children = tow_flat_vector(table, FIELD_CHILDREN, 4);
    int code;

    field->child_count = children.count;
    field->children = reader->fields + reader->used;
    reader->used += children.count;
    code = schema_read_type(reader, field, table, err);
    if (code == TOW_OK)
        code = schema_read_fields(reader, &children, field->children, depth + 1, err);
    return code == TOW_OK ? schema_check_map(field, err) : code;
}

static int schema_read_fields(struct schema_reader *reader, const struct tow_flat_vector *vector,
                              struct tow_ipc_field *fields, int depth, struct tow_error *err)
{
    int code = TOW_OK;

    for (size_t i = 0; i < vector->count && code == TOW_OK; i++) {
        struct tow_flat_table table = tow_flat_element_table(vector, i);

        fields[i].name = "";
        code = schema_read_name(reader, &fields[i], &table, err);
        if (code == TOW_OK)
            code = schema_read_field(reader, &table, &fields[i], depth, err);
        if (code != TOW_OK && code != TOW_E_NOMEM)
            tow_ipc_field_prefix(err, &fields[i], depth);
    }
    return code;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int schema_read_all(struct tow_ipc_schema *schema, struct schema_reader *reader,
                           struct tow_error *err)
{
    struct tow_flat_table root = tow_flat_root(&reader->flat);
    struct tow_flat_table table = tow_flat_table(&root, MESSAGE_HEADER_SLOT);
    struct tow_flat_vector fields = tow_flat_vector(&table, SCHEMA_FIELDS, 4);
    int code;

    if (tow_flat_number(&table, SCHEMA_ENDIANNESS, 2, 0) != 0)
        return tow_error_set(err, TOW_E_UNSUPPORTED,
                             "big-endian data, where little-endian is read");
    code = schema_count(reader, &fields, 0, err);
    if (code == TOW_OK)
        code = tow_ipc_metadata_check(&reader->flat, err);
    if (code != TOW_OK)
        return code;
    schema->fields = calloc(reader->used + 1, sizeof *schema->fields);
    if (!schema->fields)
        return tow_error_nomem(err);
    schema->count = fields.count;
    schema->field_count = reader->used;
    reader->fields = schema->fields;
    reader->used = fields.count;
    code = schema_read_fields(reader, &fields, schema->fields, 0, err);
    for (size_t i = 0; i < schema->field_count; i++)
        schema->buffer_count += tow_ipc_type_buffers(schema->fields[i].type);
    return code;
}

int tow_ipc_schema_read(struct tow_ipc_schema *schema, const uint8_t *metadata, size_t size,
                        struct tow_error *err)
{
    struct schema_reader reader = {.used = 0};
    int code;

    *schema = (struct tow_ipc_schema){.metadata = malloc(size + 1)};
    if (!schema->metadata)
        return tow_error_nomem(err);
    memcpy(schema->metadata, metadata, size);
    tow_flatbuffer_init(&reader.flat, schema->metadata, size);
    code = schema_read_all(schema, &reader, err);
    if (code != TOW_OK)
        tow_ipc_schema_release(schema);
    return code;
}

void tow_ipc_schema_release(struct tow_ipc_schema *schema)
{
    free(schema->fields);
    free(schema->metadata);
    *schema = (struct tow_ipc_schema){.fields = NULL};
}
