#include "ipc_fixture.h"

#include "connectors/arrow/json.h"
#include "unit.h"

/* ---- the example ----------------------------------------------------------------------------- */

#define ROWS 5

/* Row 2 is null where a column has nulls. */
static const uint8_t some[] = {0x1B};
static const uint8_t bits[] = {0x15};
static const int8_t tiny[ROWS] = {-128, 0, 0, 1, 127};
static const int16_t small[ROWS] = {-32768, 0, 0, 1, 32767};
static const int32_t medium[ROWS] = {INT32_MIN, 0, 0, 1, INT32_MAX};
static const int64_t large[ROWS] = {INT64_MIN, 0, 0, 1, INT64_MAX};
static const uint64_t positive[ROWS] = {0, 1, 0, 2, UINT64_MAX};
static const float single[ROWS] = {1.5f, -0.25f, 0, 3.4028235e38f, 0.1f};
static const double fractions[ROWS] = {0.1, -2.5, 0, 1.7976931348623157e308, 5e-324};
static const struct {
    uint64_t low;
    int64_t high;
} decimals[ROWS] = {{150, 0},
                    {(uint64_t)-1, -1},
                    {0, 0},
                    {0, 0},
                    {UINT64_C(0x098A223FFFFFFFFF), INT64_C(0x4B3B4CA85A86C47A)}};
static const int32_t text_offsets[ROWS + 1] = {0, 3, 3, 3, 7, 8};
static const int64_t long_offsets[ROWS + 1] = {0, 3, 3, 3, 7, 8};
static const char text[] = "a\"b\xF0\x9F\x9A\x80z";
static const int32_t days[ROWS] = {0, -719162, 0, 20000, 2932896};
static const int64_t millis[ROWS] = {0, -86400000, 0, INT64_C(1728000000000), 86400000};
static const int64_t micros[ROWS] = {0, -1, 0, INT64_C(1700000000123456),
                                     INT64_C(253402300799999999)};
static const int32_t clock_millis[ROWS] = {0, 1, 0, 43200000, 86399999};
static const int64_t clock_nanos[ROWS] = {0, 1, 0, INT64_C(43200000000000),
                                          INT64_C(86399999999999)};
static const int32_t months[ROWS] = {14, -14, 0, INT32_MAX, INT32_MIN};
static const int32_t days_and_millis[2 * ROWS] = {1, 7384000, -1, 0,         0,
                                                  0, 0,       1,  INT32_MAX, INT32_MIN};
static const int32_t list_offsets[ROWS + 1] = {0, 2, 2, 2, 4, 5};
static const int64_t large_list_offsets[ROWS + 1] = {0, 2, 2, 2, 4, 5};
static const int32_t item_values[2 * ROWS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

/* Fields of one type each, and a column over some buffers. */
#define FIELD(name_, ...)                         \
    {                                             \
        .name = name_, .nullable = 1, __VA_ARGS__ \
    }
#define CHILDREN(array) .children = (void *)array, .child_count = sizeof array / sizeof *array

static const struct tow_ipc_field item_fields[] = {
    FIELD("item", .type = TOW_IPC_INT, .width = 32, .is_signed = 1)};
static const struct tow_ipc_field entry_fields[] = {
    {.name = "key", .type = TOW_IPC_INT, .width = 32, .is_signed = 1},
    FIELD("value", .type = TOW_IPC_UTF8)};
static const struct tow_ipc_field map_fields[] = {
    {.name = "entries", .type = TOW_IPC_STRUCT, CHILDREN(entry_fields)}};
static const struct tow_ipc_field list_fields[] = {
    FIELD("item", .type = TOW_IPC_LIST, CHILDREN(item_fields))};
static const struct tow_ipc_field struct_fields[] = {
    FIELD("n", .type = TOW_IPC_INT, .width = 64, .is_signed = 1),
    FIELD("l", .type = TOW_IPC_LIST, CHILDREN(item_fields))};

const struct tow_ipc_field ipc_example_fields[] = {
    FIELD("nothing", .type = TOW_IPC_NULL),
    FIELD("flag", .type = TOW_IPC_BOOL, .width = 1),
    FIELD("i8", .type = TOW_IPC_INT, .width = 8, .is_signed = 1),
    FIELD("i16", .type = TOW_IPC_INT, .width = 16, .is_signed = 1),
    FIELD("i32", .type = TOW_IPC_INT, .width = 32, .is_signed = 1),
    FIELD("i64", .type = TOW_IPC_INT, .width = 64, .is_signed = 1),
    FIELD("u64", .type = TOW_IPC_INT, .width = 64),
    FIELD("f32", .type = TOW_IPC_FLOAT, .width = 32),
    FIELD("f64", .type = TOW_IPC_FLOAT, .width = 64),
    FIELD("amount", .type = TOW_IPC_DECIMAL, .width = 128, .precision = 38, .scale = 2),
    FIELD("text", .type = TOW_IPC_UTF8),
    FIELD("bytes", .type = TOW_IPC_BINARY),
    FIELD("long text", .type = TOW_IPC_LARGE_UTF8),
    FIELD("long bytes", .type = TOW_IPC_LARGE_BINARY),
    FIELD("day", .type = TOW_IPC_DATE, .unit = TOW_IPC_DAY, .width = 32),
    FIELD("day ms", .type = TOW_IPC_DATE, .unit = TOW_IPC_MILLI, .width = 64),
    FIELD("ts", .type = TOW_IPC_TIMESTAMP, .unit = TOW_IPC_MICRO, .width = 64,
          .timezone = "America/Los_Angeles"),
    FIELD("ntz", .type = TOW_IPC_TIMESTAMP, .unit = TOW_IPC_MICRO, .width = 64),
    FIELD("time ms", .type = TOW_IPC_TIME, .unit = TOW_IPC_MILLI, .width = 32),
    FIELD("time ns", .type = TOW_IPC_TIME, .unit = TOW_IPC_NANO, .width = 64),
    FIELD("duration", .type = TOW_IPC_DURATION, .unit = TOW_IPC_MICRO, .width = 64),
    FIELD("months", .type = TOW_IPC_INTERVAL_MONTHS, .width = 32),
    FIELD("days", .type = TOW_IPC_INTERVAL_DAYS, .width = 64),
    FIELD("fixed", .type = TOW_IPC_FIXED_BINARY, .width = 24),
    FIELD("list", .type = TOW_IPC_LIST, CHILDREN(item_fields)),
    FIELD("large list", .type = TOW_IPC_LARGE_LIST, CHILDREN(item_fields)),
    FIELD("fixed list", .type = TOW_IPC_FIXED_LIST, .list_size = 2, CHILDREN(item_fields)),
    FIELD("lists", .type = TOW_IPC_LIST, CHILDREN(list_fields)),
    FIELD("map", .type = TOW_IPC_MAP, CHILDREN(map_fields)),
    FIELD("struct", .type = TOW_IPC_STRUCT, CHILDREN(struct_fields)),
};

#define COLUMN(field_, ...)                          \
    {                                                \
        .field = field_, .length = ROWS, __VA_ARGS__ \
    }
/* With a null. */
#define NULLED(field_, ...) COLUMN(field_, .null_count = 1, .validity = some, __VA_ARGS__)
#define AT(i)               &ipc_example_fields[i]

static const struct tow_ipc_column items[] = {
    {.field = item_fields, .length = 2 * ROWS, .values = item_values}};
static const struct tow_ipc_column entry_columns[] = {
    {.field = &entry_fields[0], .length = ROWS, .values = medium},
    NULLED(&entry_fields[1], .offsets = text_offsets, .bytes = text)};
static const struct tow_ipc_column map_entries[] = {
    {.field = map_fields, .length = ROWS, CHILDREN(entry_columns)}};
static const struct tow_ipc_column inner_lists[] = {
    NULLED(list_fields, .offsets = list_offsets, CHILDREN(items))};
static const struct tow_ipc_column struct_columns[] = {
    COLUMN(&struct_fields[0], .values = large),
    NULLED(&struct_fields[1], .offsets = list_offsets, CHILDREN(items))};

const struct tow_ipc_column ipc_example[] = {
    {.field = AT(0), .length = ROWS, .null_count = ROWS},
    NULLED(AT(1), .values = bits),
    NULLED(AT(2), .values = tiny),
    NULLED(AT(3), .values = small),
    NULLED(AT(4), .values = medium),
    COLUMN(AT(5), .values = large),
    NULLED(AT(6), .values = positive),
    NULLED(AT(7), .values = single),
    NULLED(AT(8), .values = fractions),
    NULLED(AT(9), .values = decimals),
    NULLED(AT(10), .offsets = text_offsets, .bytes = text),
    COLUMN(AT(11), .offsets = text_offsets, .bytes = text),
    NULLED(AT(12), .offsets = long_offsets, .bytes = text),
    NULLED(AT(13), .offsets = long_offsets, .bytes = text),
    NULLED(AT(14), .values = days),
    NULLED(AT(15), .values = millis),
    NULLED(AT(16), .values = micros),
    NULLED(AT(17), .values = micros),
    NULLED(AT(18), .values = clock_millis),
    NULLED(AT(19), .values = clock_nanos),
    NULLED(AT(20), .values = large),
    NULLED(AT(21), .values = months),
    NULLED(AT(22), .values = days_and_millis),
    NULLED(AT(23), .values = "abcdefghijklmno"),
    NULLED(AT(24), .offsets = list_offsets, CHILDREN(items)),
    NULLED(AT(25), .offsets = large_list_offsets, CHILDREN(items)),
    NULLED(AT(26), CHILDREN(items)),
    NULLED(AT(27), .offsets = list_offsets, CHILDREN(inner_lists)),
    NULLED(AT(28), .offsets = list_offsets, CHILDREN(map_entries)),
    NULLED(AT(29), CHILDREN(struct_columns)),
};
const size_t ipc_example_count = sizeof ipc_example / sizeof *ipc_example;

void ipc_put_example(struct tow_buffer *out, enum ipc_codec codec)
{
    static struct ipc_batch empty;

    ipc_put_schema(out, ipc_example_fields, ipc_example_count);
    ipc_put_columns(out, ipc_example, ipc_example_count, codec);
    ipc_batch_make(&empty, ipc_example, ipc_example_count, codec);
    empty.length = 0;
    empty.body.size = 0;
    memset(empty.nodes, 0, sizeof empty.nodes);
    memset(empty.buffers, 0, sizeof empty.buffers);
    ipc_put_batch(out, &empty);
    ipc_batch_release(&empty);
    ipc_put_columns(out, ipc_example, ipc_example_count, codec);
    ipc_put_end(out);
}

/* ---- readings -------------------------------------------------------------------------------- */

void ipc_reading_init(struct ipc_reading *reading, enum tow_ipc_wrapping wrapping, size_t piece)
{
    struct tow_error err = TOW_ERROR_INIT;

    *reading = (struct ipc_reading){.piece = piece};
    reading->ipc = tow_ipc_new(wrapping, IPC_LIMIT, &err);
    assert_non_null(reading->ipc);
}

void ipc_reading_release(struct ipc_reading *reading)
{
    tow_ipc_free(reading->ipc);
    tow_buffer_release(&reading->text);
}

int ipc_reading_add(struct ipc_reading *reading, const struct tow_ipc_batch *batch,
                    struct tow_error *err)
{
    struct tow_ipc_json *json = tow_ipc_json_new(IPC_LIMIT, err);
    int code = json ? TOW_OK : err->code;

    for (int64_t row = 0; row < batch->length && code == TOW_OK; row++) {
        code = tow_buffer_append(&reading->text, "[", 1, err);
        for (size_t i = 0; i < batch->column_count && code == TOW_OK; i++) {
            if (i > 0)
                code = tow_buffer_append(&reading->text, ",", 1, err);
            if (code == TOW_OK)
                code = tow_ipc_json_put(json, &batch->columns[i], row, &reading->text, err);
        }
        if (code == TOW_OK)
            code = tow_buffer_append(&reading->text, "]\n", 2, err);
    }
    tow_ipc_json_free(json);
    return code;
}

static int reading_run_piece(struct ipc_reading *reading, const char *bytes, size_t length,
                             struct tow_error *err)
{
    for (;;) {
        struct tow_ipc_batch batch;
        size_t used;
        int code = tow_ipc_read(reading->ipc, bytes, length, &used, &batch, err);

        assert_in_range(used, 0, length);
        bytes += used;
        length -= used;
        if (code == TOW_END) {
            assert_int_equal(length, 0);
            return TOW_OK;
        }
        if (code != TOW_OK) {
            assert_null(batch.memory);
            return code;
        }
        reading->batches++;
        code = ipc_reading_add(reading, &batch, err);
        tow_ipc_memory_unref(batch.memory);
        if (code != TOW_OK)
            return code;
    }
}

int ipc_reading_run(struct ipc_reading *reading, const void *bytes, size_t length,
                    struct tow_error *err)
{
    size_t piece = reading->piece && reading->piece < length ? reading->piece : length;
    char *own = malloc(piece ? piece : 1);
    int code = TOW_OK;

    assert_non_null(own);
    for (size_t at = 0; at < length && code == TOW_OK; at += piece) {
        if (piece > length - at) {
            piece = length - at;
            free(own);
            own = malloc(piece);
            assert_non_null(own);
        }
        memcpy(own, (const char *)bytes + at, piece);
        code = reading_run_piece(reading, own, piece, err);
    }
    free(own);
    return code == TOW_OK ? tow_ipc_end(reading->ipc, err) : code;
}

char *ipc_text_of(enum tow_ipc_wrapping wrapping, size_t piece, const struct tow_buffer *stream)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct ipc_reading reading;
    char *all;

    ipc_reading_init(&reading, wrapping, piece);
    assert_ok(ipc_reading_run(&reading, stream->data, stream->size, &err), err);
    assert_int_equal(tow_buffer_append(&reading.text, "", 1, &err), TOW_OK);
    all = strdup(reading.text.data);
    ipc_reading_release(&reading);
    return all;
}

void ipc_refused(enum tow_ipc_wrapping wrapping, const struct tow_buffer *stream, int code,
                 const char *words)
{
    for (size_t piece = 0; piece < 2; piece++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct ipc_reading reading;
        struct tow_ipc_batch batch;
        size_t used;

        ipc_reading_init(&reading, wrapping, piece);
        assert_int_equal(ipc_reading_run(&reading, stream->data, stream->size, &err), code);
        assert_int_equal(err.code, code);
        assert_says(err, words);
        assert_int_equal(tow_ipc_read(reading.ipc, "", 0, &used, &batch, &err), TOW_E_BUG);
        assert_int_equal(tow_ipc_end(reading.ipc, &err), TOW_E_BUG);
        ipc_reading_release(&reading);
    }
}
