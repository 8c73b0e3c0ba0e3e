/* Schemas of Arrow IPC streams that are odd, damaged or beyond what is read. */
#include "flat_writer.h"
#include "ipc_fixture.h"
#include "unit.h"

static struct tow_error err = TOW_ERROR_INIT;

/* Numbers of the union Type. */
enum {
    ID_INT = 2,
    ID_FLOAT = 3,
    ID_UTF8 = 5,
    ID_BOOL = 6,
    ID_DECIMAL = 7,
    ID_DATE = 8,
    ID_TIME = 9,
    ID_TIMESTAMP = 10,
    ID_INTERVAL = 11,
    ID_LIST = 12,
    ID_STRUCT = 13,
    ID_FIXED_BINARY = 15,
    ID_FIXED_LIST = 16,
    ID_MAP = 17,
    ID_DURATION = 18,
};

/* A schema under writing: the vector of its columns is made, they are put in one by one. */
struct schema {
    struct tow_buffer metadata;
    size_t element; /* where the offset to the next column lies */
};

static void schema_begin(struct schema *schema, size_t columns, int endianness)
{
    const struct ipc_message_head head = IPC_SCHEMA_HEAD;
    const struct flat_member members[] = {{0, 2, endianness}, {1, FLAT_OFFSET, 0}};
    size_t places[2];

    memset(schema, 0, sizeof *schema);
    flat_table(&schema->metadata, ipc_begin_message(&schema->metadata, &head), members, 2, places);
    schema->element = flat_vector(&schema->metadata, places[1], columns, 4, NULL);
}

static void schema_end(struct schema *schema, struct tow_buffer *stream)
{
    const struct ipc_message_head head = IPC_SCHEMA_HEAD;

    stream->size = 0;
    ipc_end_message(stream, &head, &schema->metadata);
}

static void schema_refused(struct schema *schema, int code, const char *words)
{
    struct tow_buffer stream = {0};

    schema_end(schema, &stream);
    ipc_refused(TOW_IPC_PLAIN, &stream, code, words);
    tow_buffer_release(&stream);
}

/* Puts a field without name where `from` points to; places of name, type and children. */
static void put_field(struct schema *schema, size_t from, int id, size_t places[3])
{
    const struct flat_member members[] = {
        {0, FLAT_OFFSET, 0}, {3, FLAT_OFFSET, 0}, {5, FLAT_OFFSET, 0}, {2, 1, id}};
    size_t all[4];

    flat_table(&schema->metadata, from, members, 4, all);
    memcpy(places, all, 3 * sizeof *places);
}

/* A column of some type with a name and no children. */
static void put_column(struct schema *schema, int id, const struct flat_member *members,
                       size_t count)
{
    size_t places[3];

    put_field(schema, schema->element, id, places);
    schema->element += 4;
    flat_string(&schema->metadata, places[0], "c");
    flat_table(&schema->metadata, places[1], members, count, NULL);
    flat_vector(&schema->metadata, places[2], 0, 4, NULL);
}

static void test_parameters_of_types_are_checked(void **state)
{
    static const struct {
        int id;
        struct flat_member members[3];
        int code;
        const char *words;
    } cases[] = {
        {ID_INT, {{0, 4, 24}}, TOW_E_DATA, "an Int of 24 bits"},
        {ID_INT, {{0, 4, -8}}, TOW_E_DATA, "an Int of -8 bits"},
        {ID_FLOAT, {{0, 2, 0}}, TOW_E_UNSUPPORTED, "type FloatingPoint of half precision"},
        {ID_FLOAT, {{0, 2, 3}}, TOW_E_DATA, "a FloatingPoint of precision 3"},
        {ID_DECIMAL, {{0, 4, 0}}, TOW_E_DATA, "a Decimal of 0 digits; 1 to 38 fit"},
        {ID_DECIMAL, {{0, 4, 39}}, TOW_E_DATA, "a Decimal of 39 digits"},
        {ID_DECIMAL, {{0, 4, 5}, {1, 4, -1}}, TOW_E_UNSUPPORTED, "type Decimal of scale -1"},
        {ID_DECIMAL, {{0, 4, 5}, {1, 4, 39}}, TOW_E_UNSUPPORTED, "type Decimal of scale 39"},
        {ID_DECIMAL,
         {{0, 4, 5}, {1, 4, 0}, {2, 4, 64}},
         TOW_E_UNSUPPORTED,
         "type Decimal of 64 bits"},
        {ID_DATE, {{0, 2, 2}}, TOW_E_DATA, "a Date of unit 2"},
        {ID_TIME, {{0, 2, 4}}, TOW_E_DATA, "a Time of unit 4"},
        {ID_TIME, {{0, 2, 2}, {1, 4, 32}}, TOW_E_DATA, "a Time of 32 bits and unit 2"},
        {ID_TIME, {{0, 2, 0}, {1, 4, 64}}, TOW_E_DATA, "a Time of 64 bits and unit 0"},
        {ID_TIMESTAMP, {{0, 2, -1}}, TOW_E_DATA, "a Timestamp of unit -1"},
        {ID_DURATION, {{0, 2, 9}}, TOW_E_DATA, "a Duration of unit 9"},
        {ID_INTERVAL, {{0, 2, 2}}, TOW_E_UNSUPPORTED, "type Interval of months, days and nano"},
        {ID_INTERVAL, {{0, 2, 3}}, TOW_E_DATA, "an Interval of unit 3"},
        {ID_FIXED_BINARY, {{0, 4, -1}}, TOW_E_DATA, "a FixedSizeBinary of -1 bytes"},
        {ID_FIXED_BINARY, {{0, 4, INT32_MAX}}, TOW_E_DATA, "a FixedSizeBinary of 2147483647 bytes"},
        {ID_FIXED_LIST, {{0, 4, -1}}, TOW_E_DATA, "a FixedSizeList of -1 elements"},
        {ID_LIST, {{0, 1, 0}}, TOW_E_DATA, "a List of 0 children, which has one"},
        {ID_MAP, {{0, 1, 0}}, TOW_E_DATA, "a Map of 0 children, which has one"},
        {0, {{0, 1, 0}}, TOW_E_DATA, "no type has the number 0"},
        {27, {{0, 1, 0}}, TOW_E_DATA, "no type has the number 27"},
        {-1, {{0, 1, 0}}, TOW_E_DATA, "no type has the number -1"},
        {14, {{0, 1, 0}}, TOW_E_UNSUPPORTED, "type Union is not read here"},
        {22, {{0, 1, 0}}, TOW_E_UNSUPPORTED, "type RunEndEncoded is not read here"},
        {23, {{0, 1, 0}}, TOW_E_UNSUPPORTED, "type BinaryView is not read here"},
        {26, {{0, 1, 0}}, TOW_E_UNSUPPORTED, "type LargeListView is not read here"},
    };
    struct schema schema;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char words[128];
        size_t count = 1;

        while (count < 3 && cases[i].members[count].width)
            count++;
        sprintf(words, "column \"c\": %s", cases[i].words);
        schema_begin(&schema, 1, 0);
        put_column(&schema, cases[i].id, cases[i].members, count);
        schema_refused(&schema, cases[i].code, words);
    }
}

static void test_members_that_are_absent_have_their_defaults(void **state)
{
    static const int ids[] = {ID_DATE, ID_TIME, ID_TIMESTAMP, ID_DURATION, ID_INTERVAL};
    struct tow_ipc *ipc = tow_ipc_new(TOW_IPC_PLAIN, IPC_LIMIT, &err);
    const struct tow_ipc_field *fields;
    struct tow_buffer stream = {0};
    struct tow_ipc_batch batch;
    struct schema schema;
    size_t used, count;

    (void)state;
    schema_begin(&schema, 5, 0);
    for (size_t i = 0; i < 5; i++)
        put_column(&schema, ids[i], NULL, 0);
    schema_end(&schema, &stream);
    assert_int_equal(tow_ipc_read(ipc, stream.data, stream.size, &used, &batch, &err), TOW_END);
    fields = tow_ipc_schema(ipc, &count);
    assert_int_equal(count, 5);
    assert_int_equal(fields[0].unit, TOW_IPC_MILLI);
    assert_int_equal(fields[0].width, 64);
    assert_int_equal(fields[1].unit, TOW_IPC_MILLI);
    assert_int_equal(fields[1].width, 32);
    assert_int_equal(fields[2].unit, TOW_IPC_SECOND);
    assert_string_equal(fields[2].timezone, "");
    assert_int_equal(fields[3].unit, TOW_IPC_MILLI);
    assert_int_equal(fields[4].type, TOW_IPC_INTERVAL_MONTHS);
    assert_int_equal(fields[4].width, 32);
    assert_false(fields[4].nullable);
    tow_ipc_free(ipc);
    tow_buffer_release(&stream);
}

static void test_big_endian_data_are_unsupported(void **state)
{
    struct schema schema;

    (void)state;
    schema_begin(&schema, 0, 1);
    schema_refused(&schema, TOW_E_UNSUPPORTED, "big-endian data, where little-endian is read");
}

static void test_a_type_that_has_no_children_is_refused_with_some(void **state)
{
    struct schema schema;
    size_t places[3], element;

    (void)state;
    schema_begin(&schema, 1, 0);
    put_field(&schema, schema.element, ID_BOOL, places);
    flat_string(&schema.metadata, places[0], "c");
    flat_table(&schema.metadata, places[1], NULL, 0, NULL);
    element = flat_vector(&schema.metadata, places[2], 1, 4, NULL);
    put_field(&schema, element, ID_BOOL, places);
    schema_refused(&schema, TOW_E_DATA, "column \"c\": a Bool of 1 children, which has none");
}

static void test_a_map_has_entries_of_key_and_value(void **state)
{
    static const struct tow_ipc_field key = {.name = "key", .type = TOW_IPC_UTF8};
    static const struct tow_ipc_field entries[] = {
        {.name = "entries", .type = TOW_IPC_STRUCT, .children = (void *)&key, .child_count = 1},
        {.name = "entries", .type = TOW_IPC_LIST, .children = (void *)&key, .child_count = 1},
    };
    struct tow_buffer stream = {0};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct tow_ipc_field map = {
            .name = "m", .type = TOW_IPC_MAP, .children = (void *)&entries[i], .child_count = 1};

        stream.size = 0;
        ipc_put_schema(&stream, &map, 1);
        ipc_refused(TOW_IPC_PLAIN, &stream, TOW_E_DATA,
                    "column \"m\": a Map whose entries are no Struct of key and value");
    }
    tow_buffer_release(&stream);
}

static void test_names_may_be_absent_and_the_same(void **state)
{
    static const struct tow_ipc_field fields[] = {{.name = "", .type = TOW_IPC_UTF8},
                                                  {.name = "a", .type = TOW_IPC_UTF8},
                                                  {.name = "a", .type = TOW_IPC_UTF8}};
    struct tow_buffer stream = {0};

    (void)state;
    ipc_put_schema(&stream, fields, 3);
    free(ipc_text_of(TOW_IPC_PLAIN, 1, &stream));
    tow_buffer_release(&stream);
}

static void put_named(struct schema *schema, const char *name, size_t length)
{
    size_t places[3];

    put_field(schema, schema->element, ID_UTF8, places);
    flat_vector(&schema->metadata, places[0], length, 1, name);
    tow_buffer_append(&schema->metadata, "", 1, &err);
    flat_table(&schema->metadata, places[1], NULL, 0, NULL);
    flat_vector(&schema->metadata, places[2], 0, 4, NULL);
}

static void test_names_are_text(void **state)
{
    struct schema schema;

    (void)state;
    schema_begin(&schema, 1, 0);
    put_named(&schema, "a\0b", 3);
    schema_refused(&schema, TOW_E_DATA, "the name holds a NUL byte");
    schema_begin(&schema, 1, 0);
    put_named(&schema, "a\xFF", 2);
    schema_refused(&schema, TOW_E_DATA, "the name is not UTF-8");
}

/* ---- how much there may be ------------------------------------------------------------------- */

/* Lists in lists, `depth` fields in all. */
static void put_nested(struct schema *schema, int depth)
{
    size_t from = schema->element, places[3];

    for (int i = 1; i <= depth; i++) {
        put_field(schema, from, i == depth ? ID_UTF8 : ID_LIST, places);
        flat_string(&schema->metadata, places[0], "l");
        flat_table(&schema->metadata, places[1], NULL, 0, NULL);
        from = flat_vector(&schema->metadata, places[2], i < depth, 4, NULL);
    }
}

static void test_columns_are_nested_64_deep_at_most(void **state)
{
    struct tow_buffer stream = {0};
    struct schema schema;

    (void)state;
    schema_begin(&schema, 1, 0);
    put_nested(&schema, TOW_IPC_DEPTH_MAX);
    schema_end(&schema, &stream);
    free(ipc_text_of(TOW_IPC_PLAIN, 0, &stream));
    tow_buffer_release(&stream);
    schema_begin(&schema, 1, 0);
    put_nested(&schema, TOW_IPC_DEPTH_MAX + 1);
    schema_refused(&schema, TOW_E_UNSUPPORTED, "columns nested more than 64 deep");
}

/* Lets all of the vector's elements point to the table that its first one points to. */
static void share_first(struct schema *schema, size_t element, size_t count)
{
    uint32_t offset;

    memcpy(&offset, schema->metadata.data + element, sizeof offset);
    for (size_t i = 1; i < count; i++)
        flat_point(&schema->metadata, element + 4 * i, element + offset);
}

/* `columns` columns that share one field. */
static void put_shared(struct schema *schema, uint32_t columns)
{
    size_t element;

    schema_begin(schema, columns, 0);
    element = schema->element;
    put_column(schema, ID_UTF8, NULL, 0);
    share_first(schema, element, columns);
}

static void test_there_are_ten_thousand_columns_at_most(void **state)
{
    struct tow_buffer stream = {0};
    struct schema schema;

    (void)state;
    put_shared(&schema, TOW_IPC_FIELDS_MAX);
    schema_end(&schema, &stream);
    free(ipc_text_of(TOW_IPC_PLAIN, 0, &stream));
    tow_buffer_release(&stream);
    put_shared(&schema, TOW_IPC_FIELDS_MAX + 1);
    schema_refused(&schema, TOW_E_UNSUPPORTED, "more than 10000 columns and fields");
}

/* A struct of a hundred that are the same struct of a hundred, and so on: 100^10 fields in a few
 * kilobytes. */
static void test_fields_that_share_their_children_do_not_explode(void **state)
{
    struct schema schema;
    size_t element, places[3];

    (void)state;
    schema_begin(&schema, 1, 0);
    element = schema.element;
    for (int level = 0; level < 10; level++) {
        put_field(&schema, element, ID_STRUCT, places);
        share_first(&schema, element, level ? 100 : 1);
        flat_string(&schema.metadata, places[0], "s");
        flat_table(&schema.metadata, places[1], NULL, 0, NULL);
        element = flat_vector(&schema.metadata, places[2], level < 9 ? 100 : 0, 4, NULL);
    }
    schema_refused(&schema, TOW_E_UNSUPPORTED, "more than 10000 columns and fields");
}

/* Ten thousand columns of one name of a megabyte would take ten gigabytes to go through. */
static void test_a_name_that_is_shared_too_often_is_refused(void **state)
{
    enum { LENGTH = 1 << 20 };
    char *name = malloc(LENGTH);
    struct schema schema;
    size_t element;

    (void)state;
    assert_non_null(name);
    memset(name, 'n', LENGTH);
    schema_begin(&schema, 100, 0);
    element = schema.element;
    put_named(&schema, name, LENGTH);
    share_first(&schema, element, 100);
    schema_refused(&schema, TOW_E_DATA, "names of more than 16777216 bytes in all");
    free(name);
}

static void test_messages_show_the_beginning_of_a_long_name(void **state)
{
    struct tow_ipc_field fields[] = {{.type = TOW_IPC_LIST, .child_count = 0}};
    struct tow_buffer stream = {0};
    char name[401] = "xyz", words[256];

    (void)state;
    for (size_t i = 3; i + 1 < sizeof name; i += 2)
        memcpy(name + i, "\xC3\xBC", 2);
    name[399] = '\0';
    fields[0].name = name;
    ipc_put_schema(&stream, fields, 1);
    sprintf(words, "column \"%.199s...\": a List of 0 children", name);
    ipc_refused(TOW_IPC_PLAIN, &stream, TOW_E_DATA, words);
    tow_buffer_release(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_of_types_are_checked),
        cmocka_unit_test(test_members_that_are_absent_have_their_defaults),
        cmocka_unit_test(test_big_endian_data_are_unsupported),
        cmocka_unit_test(test_a_type_that_has_no_children_is_refused_with_some),
        cmocka_unit_test(test_a_map_has_entries_of_key_and_value),
        cmocka_unit_test(test_names_may_be_absent_and_the_same),
        cmocka_unit_test(test_names_are_text),
        cmocka_unit_test(test_messages_show_the_beginning_of_a_long_name),
        cmocka_unit_test(test_columns_are_nested_64_deep_at_most),
        cmocka_unit_test(test_there_are_ten_thousand_columns_at_most),
        cmocka_unit_test(test_fields_that_share_their_children_do_not_explode),
        cmocka_unit_test(test_a_name_that_is_shared_too_often_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
