#include "plugins/zerobus/encode.h"

#include <stdlib.h>
#include <string.h>

#include "plugins/zerobus/column.h"

#define ENCODE_GROUP 64 /* rows that room is made for at once */

struct tow_bus_encoder {
    struct tow_cursor cursor;
    struct ArrowSchema schema;
    /* Protocol Buffers. */
    struct bus_column *columns;
    size_t room;                           /* of a row, without the bytes of its texts */
    const char *reserved;                  /* where there is room ... */
    int64_t reserved_from, reserved_until; /* ... for these rows, one after the other */
    size_t length_guess;                   /* bytes of the length of a record */
    /* JSON. */
    struct tow_json_writer *json;
    const struct ArrowArray *array;
    struct tow_buffer text;
};

/* ---- making ---------------------------------------------------------------------------------- */

static int encode_check_name(const char *name, struct tow_error *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

    if (*name && !(*name >= '0' && *name <= '9') && name[strspn(name, letters)] == '\0')
        return TOW_OK;
    return tow_error_set(err, TOW_E_CONFIG,
                         "column \"%s\": names in Zerobus are letters, digits and '_', with no "
                         "digit first; rename it in `columns`",
                         name);
}

static int encode_take_column(struct tow_bus_encoder *encoder, int64_t index,
                              const struct tow_zerobus_message *message, struct tow_error *err)
{
    const struct tow_zerobus_field *field;
    struct tow_field from;
    int code = tow_schema_field(&encoder->schema, index, &from, err);

    if (code != TOW_OK)
        return code;
    field = tow_zerobus_schema_find(message, from.name);
    if (!field)
        return tow_error_set(err, TOW_E_CONFIG,
                             "the table has no column \"%s\"; leave it out, or rename it, in "
                             "`columns`",
                             from.name);
    code = bus_column_init(&encoder->columns[index], &from, field, err);
    encoder->room += encoder->columns[index].room;
    return code;
}

/* NOT NULL columns of the table must have values. */
static int encode_check_required(const struct tow_bus_encoder *encoder,
                                 const struct tow_zerobus_message *message, struct tow_error *err)
{
    for (size_t i = 0; i < message->count; i++)
        if (message->fields[i].is_required &&
            tow_schema_find(&encoder->schema, message->fields[i].name) < 0)
            return tow_error_set(err, TOW_E_CONFIG,
                                 "column \"%s\" is NOT NULL in the table, and the rows have no "
                                 "such column",
                                 message->fields[i].name);
    return TOW_OK;
}

static int encode_take_columns(struct tow_bus_encoder *encoder,
                               const struct tow_zerobus_message *message, struct tow_error *err)
{
    int64_t count = encoder->schema.n_children;
    int code = TOW_OK;

    encoder->columns = calloc((size_t)count + 1, sizeof *encoder->columns);
    if (!encoder->columns)
        return tow_error_nomem(err);
    encoder->room = TOW_ZEROBUS_RECORD_HEAD_MAX;
    encoder->length_guess = 1;
    for (int64_t i = 0; i < count && code == TOW_OK; i++)
        code = encode_take_column(encoder, i, message, err);
    return code == TOW_OK ? encode_check_required(encoder, message, err) : code;
}

static int encode_init(struct tow_bus_encoder *encoder, const struct ArrowSchema *schema,
                       enum tow_zerobus_format format, const struct tow_zerobus_message *message,
                       struct tow_error *err)
{
    int code = tow_schema_copy(&encoder->schema, schema, err);

    for (int64_t i = 0; i < schema->n_children && code == TOW_OK; i++)
        code = encode_check_name(schema->children[i]->name, err);
    if (code == TOW_OK)
        code = tow_cursor_init(&encoder->cursor, &encoder->schema, err);
    if (code == TOW_OK && format == TOW_ZEROBUS_PROTO)
        return encode_take_columns(encoder, message, err);
    if (code != TOW_OK)
        return code;
    encoder->json = tow_json_writer_new(schema, TOW_JSON_OMIT_NULLS, err);
    return encoder->json ? TOW_OK : err->code;
}

struct tow_bus_encoder *tow_bus_encoder_new(const struct ArrowSchema *schema,
                                            enum tow_zerobus_format format,
                                            const struct tow_zerobus_message *message,
                                            struct tow_error *err)
{
    struct tow_bus_encoder *encoder = calloc(1, sizeof *encoder);

    if (!encoder) {
        tow_error_nomem(err);
        return NULL;
    }
    if (encode_init(encoder, schema, format, message, err) == TOW_OK)
        return encoder;
    tow_bus_encoder_free(encoder);
    return NULL;
}

void tow_bus_encoder_free(struct tow_bus_encoder *encoder)
{
    if (!encoder)
        return;
    if (encoder->schema.release)
        encoder->schema.release(&encoder->schema);
    tow_json_writer_free(encoder->json);
    tow_buffer_release(&encoder->text);
    for (int64_t i = 0; encoder->columns && i < encoder->cursor.column_count; i++)
        bus_column_release(&encoder->columns[i]);
    free(encoder->columns);
    tow_cursor_release(&encoder->cursor);
    free(encoder);
}

/* ---- a table of just these columns ----------------------------------------------------------- */

static void encode_describe(struct tow_zerobus_field *field, struct tow_type type)
{
    static const struct {
        enum tow_type_id id;
        enum tow_zerobus_kind kind;
        enum tow_zerobus_type type;
    } types[] = {
        {TOW_TYPE_BOOL, TOW_ZEROBUS_BOOL, TOW_ZEROBUS_PLAIN},
        {TOW_TYPE_INT8, TOW_ZEROBUS_INT32, TOW_ZEROBUS_BYTE},
        {TOW_TYPE_INT16, TOW_ZEROBUS_INT32, TOW_ZEROBUS_SHORT},
        {TOW_TYPE_INT32, TOW_ZEROBUS_INT32, TOW_ZEROBUS_PLAIN},
        {TOW_TYPE_INT64, TOW_ZEROBUS_INT64, TOW_ZEROBUS_PLAIN},
        {TOW_TYPE_UINT8, TOW_ZEROBUS_INT32, TOW_ZEROBUS_PLAIN},
        {TOW_TYPE_UINT16, TOW_ZEROBUS_INT32, TOW_ZEROBUS_PLAIN},
        {TOW_TYPE_UINT32, TOW_ZEROBUS_INT64, TOW_ZEROBUS_PLAIN},
        {TOW_TYPE_UINT64, TOW_ZEROBUS_INT64, TOW_ZEROBUS_PLAIN},
        {TOW_TYPE_FLOAT32, TOW_ZEROBUS_FLOAT, TOW_ZEROBUS_PLAIN},
        {TOW_TYPE_FLOAT64, TOW_ZEROBUS_DOUBLE, TOW_ZEROBUS_PLAIN},
        {TOW_TYPE_DECIMAL, TOW_ZEROBUS_STRING, TOW_ZEROBUS_DECIMAL},
        {TOW_TYPE_STRING, TOW_ZEROBUS_STRING, TOW_ZEROBUS_PLAIN},
        {TOW_TYPE_BINARY, TOW_ZEROBUS_BYTES, TOW_ZEROBUS_PLAIN},
        {TOW_TYPE_DATE, TOW_ZEROBUS_INT32, TOW_ZEROBUS_DATE},
        {TOW_TYPE_TIMESTAMP, TOW_ZEROBUS_INT64, TOW_ZEROBUS_TIMESTAMP},
        {TOW_TYPE_TIMESTAMP_NTZ, TOW_ZEROBUS_INT64, TOW_ZEROBUS_TIMESTAMP_NTZ},
        {TOW_TYPE_JSON, TOW_ZEROBUS_STRING, TOW_ZEROBUS_VARIANT},
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].id == type.id) {
            field->kind = types[i].kind;
            field->type = types[i].type;
        }
    field->precision = type.precision;
    field->scale = type.scale;
}

int tow_bus_message_of(const struct ArrowSchema *schema, struct tow_zerobus_message *message,
                       struct tow_error *err)
{
    int code = tow_zerobus_schema_init(message, "Record", err);

    for (int64_t i = 0; i < schema->n_children && code == TOW_OK; i++) {
        struct tow_zerobus_field *field;
        struct tow_field from;

        code = tow_schema_field(schema, i, &from, err);
        if (code != TOW_OK)
            break;
        field = tow_zerobus_schema_add(message, from.name, TOW_ZEROBUS_STRING, err);
        if (!field) {
            code = TOW_E_NOMEM;
            break;
        }
        encode_describe(field, from.type);
        field->is_required = from.not_null;
    }
    if (code != TOW_OK)
        tow_zerobus_schema_release(message);
    return code;
}

/* ---- batches --------------------------------------------------------------------------------- */

int tow_bus_encoder_batch(struct tow_bus_encoder *encoder, const struct ArrowArray *array,
                          struct tow_error *err)
{
    int code = TOW_OK;

    encoder->array = array;
    encoder->reserved = NULL;
    tow_cursor_batch(&encoder->cursor, array);
    for (int64_t i = 0; encoder->columns && i < encoder->cursor.column_count && code == TOW_OK;
         i++) {
        encoder->columns[i].view = encoder->cursor.columns[i];
        code = bus_column_prepare(&encoder->columns[i], encoder->cursor.length, err);
    }
    return code;
}

int64_t tow_bus_encoder_misfit(struct tow_bus_encoder *encoder, int64_t first,
                               struct tow_bus_misfit *misfit)
{
    int64_t end = encoder->cursor.length;
    const struct bus_column *found = NULL;

    for (int64_t i = 0; encoder->columns && i < encoder->cursor.column_count; i++) {
        int64_t row = bus_column_misfit(&encoder->columns[i], first, end);

        if (row < end) {
            found = &encoder->columns[i];
            end = row;
        }
    }
    if (!found)
        return -1;
    bus_column_explain(found, end, misfit);
    return end;
}

/* ---- records --------------------------------------------------------------------------------- */

static inline char *encode_fixed(char *p, const void *value, size_t size)
{
    memcpy(p, value, size); /* little-endian, as the wire has it */
    return p + size;
}

static inline char *encode_integer(char *p, int64_t value)
{
    return tow_proto_put_varint(p, (uint64_t)value);
}

static inline char *encode_real(char *p, double value)
{
    return encode_fixed(p, &value, sizeof value);
}

static inline char *encode_bytes(char *p, const struct tow_view *view, int64_t row)
{
    size_t length;
    const char *bytes = tow_view_bytes(view, row, &length);

    p = tow_proto_put_varint(p, length);
    memcpy(p, bytes, length);
    return p + length;
}

static char *encode_nested(char *p, const struct bus_nested *nested, int64_t row)
{
    size_t length = nested->starts[row + 1] - nested->starts[row];

    if (length > 0)
        memcpy(p, nested->bytes.data + nested->starts[row], length);
    return p + length;
}

static char *encode_decimal(char *p, const struct tow_view *view, int64_t row)
{
    char *end = tow_put_decimal(p + 1, tow_view_decimal(view, row), view->type.scale);

    *p = (char)(end - p - 1);
    return end;
}

static inline char *encode_value(char *p, const struct bus_column *column, int64_t row)
{
    const struct tow_view *view = &column->view;
    const int64_t at = row + view->offset;
    float narrow;

    switch (column->put) {
    case BUS_BOOL:
        *p = (char)tow_view_bool(view, row);
        return p + 1;
    case BUS_INT8:
        return encode_integer(p, ((const int8_t *)view->values)[at]);
    case BUS_INT16:
        return encode_integer(p, ((const int16_t *)view->values)[at]);
    case BUS_INT32:
        return encode_integer(p, ((const int32_t *)view->values)[at]);
    case BUS_UINT8:
        return encode_integer(p, ((const uint8_t *)view->values)[at]);
    case BUS_UINT16:
        return encode_integer(p, ((const uint16_t *)view->values)[at]);
    case BUS_UINT32:
        return encode_integer(p, ((const uint32_t *)view->values)[at]);
    case BUS_INT64:
    case BUS_UINT64:
        return encode_integer(p, ((const int64_t *)view->values)[at]);
    case BUS_FLOAT:
        return encode_fixed(p, (const float *)view->values + at, sizeof(float));
    case BUS_DOUBLE:
        return encode_fixed(p, (const double *)view->values + at, sizeof(double));
    case BUS_FLOAT_DOUBLE:
        return encode_real(p, (double)((const float *)view->values)[at]);
    case BUS_DOUBLE_FLOAT:
        narrow = (float)((const double *)view->values)[at];
        return encode_fixed(p, &narrow, sizeof narrow);
    case BUS_INTEGER_DOUBLE:
        return encode_real(p, (double)tow_view_int64(view, row));
    case BUS_BYTES:
        return encode_bytes(p, view, row);
    case BUS_NESTED:
        return encode_nested(p, &column->nested, row);
    default:
        return encode_decimal(p, view, row);
    }
}

static char *encode_fields(const struct tow_bus_encoder *encoder, char *p, int64_t row)
{
    const struct bus_column *column = encoder->columns;
    const struct bus_column *end = column + encoder->cursor.column_count;

    for (; column < end; column++) {
        if (tow_view_is_null(&column->view, row))
            continue;
        memcpy(p, column->tag, sizeof column->tag);
        p = encode_value(p + column->tag_length, column, row);
    }
    return p;
}

/* Room for a run of rows that come one after the other, so that it need not be looked at for each.
 */
static int encode_reserve(struct tow_bus_encoder *encoder, int64_t row, struct tow_buffer *body,
                          struct tow_error *err)
{
    int64_t left = encoder->cursor.length - row;
    int64_t rows = left < ENCODE_GROUP ? left : ENCODE_GROUP;
    size_t room = encoder->room * (size_t)rows;
    int code;

    for (int64_t i = 0; i < encoder->cursor.column_count; i++) {
        const struct tow_view *view = &encoder->columns[i].view;

        if (encoder->columns[i].put == BUS_BYTES)
            room += (size_t)(view->offsets[row + rows + view->offset] -
                             view->offsets[row + view->offset]);
        if (encoder->columns[i].put == BUS_NESTED)
            room += encoder->columns[i].nested.starts[row + rows] -
                    encoder->columns[i].nested.starts[row];
    }
    code = tow_buffer_reserve(body, room, err);
    encoder->reserved = code == TOW_OK ? body->data : NULL;
    encoder->reserved_until = row + rows;
    return code;
}

/* The length stands before the record, and is known behind it: room is left for as many bytes as
 * the last one took, which mostly fits. */
static int encode_proto(struct tow_bus_encoder *encoder, int64_t row, struct tow_buffer *body,
                        size_t *payload, struct tow_error *err)
{
    char *start, *record, *end;
    size_t length, size;

    if (!encoder->reserved || encoder->reserved != body->data || row < encoder->reserved_from ||
        row >= encoder->reserved_until) {
        int code = encode_reserve(encoder, row, body, err);

        if (code != TOW_OK)
            return code;
    }
    start = body->data + body->size;
    record = start + 1 + encoder->length_guess;
    end = encode_fields(encoder, record, row);
    length = (size_t)(end - record);
    size = tow_proto_varint_size(length);
    if (size != encoder->length_guess) {
        memmove(start + 1 + size, record, length);
        encoder->length_guess = size;
    }
    encoder->reserved_from = row + 1;
    *start = 1 << 3 | TOW_PROTO_BYTES;
    tow_proto_put_varint(start + 1, length);
    body->size += 1 + size + length;
    *payload += length;
    return TOW_OK;
}

static int encode_json(struct tow_bus_encoder *encoder, int64_t row, struct tow_buffer *body,
                       size_t *payload, struct tow_error *err)
{
    struct tow_buffer *text = &encoder->text;
    int code;

    text->size = 0;
    code = tow_json_writer_object(encoder->json, encoder->array, row, text, err);
    if (code == TOW_OK)
        code = tow_buffer_reserve(body, TOW_ZEROBUS_RECORD_HEAD_MAX + text->size, err);
    if (code != TOW_OK)
        return code;
    body->size =
        (size_t)(tow_zerobus_put_record_head(body->data + body->size, text->size) - body->data);
    memcpy(body->data + body->size, text->data, text->size);
    body->size += text->size;
    *payload += text->size;
    return TOW_OK;
}

int tow_bus_encoder_put(struct tow_bus_encoder *encoder, int64_t row, struct tow_buffer *body,
                        size_t *payload, struct tow_error *err)
{
    return encoder->json ? encode_json(encoder, row, body, payload, err)
                         : encode_proto(encoder, row, body, payload, err);
}
