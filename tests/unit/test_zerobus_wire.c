#include "connectors/zerobus/wire.h"
#include "unit.h"

static void bytes_are(const void *bytes, size_t length, const void *expected,
                      size_t expected_length)
{
    assert_int_equal(length, expected_length);
    assert_memory_equal(bytes, expected, expected_length);
}

#define BYTES_ARE(bytes, length, literal) bytes_are(bytes, length, literal, sizeof literal - 1)

static struct tow_zerobus_answer read_answer(const void *bytes, size_t length)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_zerobus_answer answer;

    assert_ok(tow_zerobus_read_answer(bytes, length, &answer, &err), err);
    return answer;
}

#define ANSWER(literal) read_answer(literal, sizeof literal - 1)

/* ---- the protocol's golden bytes ------------------------------------------------------------- */

static void test_creating_a_json_stream(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0};

    (void)state;
    assert_ok(tow_zerobus_put_create(&out, "main.default.events", TOW_ZEROBUS_JSON, NULL, &err),
              err);
    BYTES_ARE(out.data, out.size, "\x0a\x17\x0a\x13main.default.events\x20\x02");
    tow_buffer_release(&out);
}

static void test_creating_a_proto_stream_shows_the_descriptor(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_buffer out = {0}, descriptor = {.data = (char[]){'d', 'e', 's'}, .size = 3};

    (void)state;
    assert_ok(tow_zerobus_put_create(&out, "a.b.c", TOW_ZEROBUS_PROTO, &descriptor, &err), err);
    BYTES_ARE(out.data, out.size,
              "\x0a\x0e\x0a\x05"
              "a.b.c\x1a\x03"
              "des\x20\x01");
    tow_buffer_release(&out);
}

static void test_a_batch_has_its_offset_even_where_it_is_zero(void **state)
{
    char head[TOW_ZEROBUS_HEAD_MAX];
    size_t length;

    (void)state;
    length = tow_zerobus_put_batch_head(head, TOW_ZEROBUS_JSON, 0, 10);
    BYTES_ARE(head, length, "\x1a\x0e\x08\x00\x1a\x0a");
    length = tow_zerobus_put_batch_head(head, TOW_ZEROBUS_PROTO, 300, 10);
    BYTES_ARE(head, length, "\x1a\x0f\x08\xac\x02\x12\x0a");
    length = tow_zerobus_put_batch_head(head, TOW_ZEROBUS_PROTO, INT64_MAX, UINT32_MAX);
    assert_true(length <= TOW_ZEROBUS_HEAD_MAX);
}

static void test_records_lie_behind_each_other(void **state)
{
    char body[400], *p = body;

    (void)state;
    p = tow_zerobus_put_record_head(p, 8);
    memcpy(p, "{\"id\":1}", 8);
    BYTES_ARE(body, 10, "\x0a\x08{\"id\":1}");
    p = tow_zerobus_put_record_head(p + 8, 300);
    memset(p, 'x', 300);
    p = tow_zerobus_put_record_head(p + 300, 0);
    assert_int_equal(tow_zerobus_record_size(body, (size_t)(p - body)), 10);
    assert_int_equal(tow_zerobus_record_size(body + 10, (size_t)(p - body) - 10), 303);
    assert_int_equal(tow_zerobus_record_size(body + 313, (size_t)(p - body) - 313), 2);
    assert_int_equal(tow_zerobus_record_size(p, 0), 0);
}

static void test_answers_are_read(void **state)
{
    struct tow_zerobus_answer answer = ANSWER("\x0a\x07\x0a\x05sid-1");

    (void)state;
    assert_int_equal(answer.kind, TOW_ZEROBUS_CREATED);
    bytes_are(answer.stream_id, answer.stream_id_length, "sid-1", 5);
    answer = ANSWER("\x12\x02\x08\x2a");
    assert_int_equal(answer.kind, TOW_ZEROBUS_ACK);
    assert_int_equal(answer.has_offset, 1);
    assert_int_equal(answer.offset, 42);
    answer = ANSWER("\x1a\x08\x0a\x06\x08\xac\x02\x10\xf4\x03");
    assert_int_equal(answer.kind, TOW_ZEROBUS_CLOSE);
    assert_int_equal(answer.grace_ms, 300000);
}

static void test_what_an_answer_leaves_out_shows(void **state)
{
    struct tow_zerobus_answer answer = ANSWER("\x0a\x00");

    (void)state;
    assert_int_equal(answer.kind, TOW_ZEROBUS_CREATED);
    assert_null(answer.stream_id);
    answer = ANSWER("\x12\x00");
    assert_int_equal(answer.kind, TOW_ZEROBUS_ACK);
    assert_int_equal(answer.has_offset, 0);
    answer = ANSWER("\x1a\x00");
    assert_int_equal(answer.kind, TOW_ZEROBUS_CLOSE);
    assert_int_equal(answer.grace_ms, 0);
    assert_int_equal(ANSWER("").kind, TOW_ZEROBUS_NOTHING);
}

static void test_fields_that_nobody_knows_are_stepped_over(void **state)
{
    struct tow_zerobus_answer answer = ANSWER("\x22\x02hi\x28\x05"
                                              "\x12\x0b\x08\x07\x11zzzzzzzz"
                                              "\x3d"
                                              "1yyy"
                                              "\x39"
                                              "yyyyyyyy"
                                              "\x12\x02\x08\x07");

    (void)state;
    assert_int_equal(answer.kind, TOW_ZEROBUS_ACK);
    assert_int_equal(answer.offset, 7);
}

static void test_the_last_member_counts(void **state)
{
    struct tow_zerobus_answer answer = ANSWER("\x12\x02\x08\x2a\x1a\x04\x0a\x02\x08\x05");

    (void)state;
    assert_int_equal(answer.kind, TOW_ZEROBUS_CLOSE);
    assert_int_equal(answer.grace_ms, 5000);
    answer = ANSWER("\x0a\x0a\x0a\x03one\x0a\x03two");
    bytes_are(answer.stream_id, answer.stream_id_length, "two", 3);
}

static void test_a_grace_out_of_this_world_is_a_day(void **state)
{
    (void)state;
    assert_int_equal(ANSWER("\x1a\x0b\x0a\x09\x08\xff\xff\xff\xff\xff\xff\xff\x7f").grace_ms,
                     86400000);
    assert_int_equal(
        ANSWER("\x1a\x0d\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").grace_ms, 0);
}

static void test_bytes_that_are_no_message_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {{"\x12", 1},
                 {"\x12\x05\x08", 3},
                 {"\x12\x02\x08", 3},
                 {"\x12\x01\x08", 3},
                 {"\x0b\x0c", 2},
                 {"\x02\x00", 2},
                 {"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11},
                 {"\x15\x01\x02", 3},
                 {"\x11\x01\x02\x03\x04\x05\x06\x07", 8},
                 {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        struct tow_zerobus_answer answer;

        if (tow_zerobus_read_answer(cases[i].bytes, cases[i].length, &answer, &err) !=
            TOW_E_TRANSIENT)
            fail_msg("case %zu was read", i);
    }
}

static void test_varints_have_a_byte_for_each_seven_bits(void **state)
{
    char bytes[TOW_PROTO_VARINT_MAX];

    (void)state;
    for (unsigned bits = 0; bits <= 64; bits++) {
        uint64_t value = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - (bits > 0);
        size_t size = (size_t)(tow_proto_put_varint(bytes, value) - bytes);
        struct tow_proto_reader reader;
        struct tow_proto_field field;
        char message[1 + TOW_PROTO_VARINT_MAX] = {8};

        assert_int_equal(size, tow_proto_varint_size(value));
        memcpy(message + 1, bytes, size);
        reader = tow_proto_reader_of(message, 1 + size);
        assert_int_equal(tow_proto_next(&reader, &field), 1);
        assert_true(field.value == value);
        assert_int_equal(tow_proto_next(&reader, &field), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_creating_a_json_stream),
        cmocka_unit_test(test_creating_a_proto_stream_shows_the_descriptor),
        cmocka_unit_test(test_a_batch_has_its_offset_even_where_it_is_zero),
        cmocka_unit_test(test_records_lie_behind_each_other),
        cmocka_unit_test(test_answers_are_read),
        cmocka_unit_test(test_what_an_answer_leaves_out_shows),
        cmocka_unit_test(test_fields_that_nobody_knows_are_stepped_over),
        cmocka_unit_test(test_the_last_member_counts),
        cmocka_unit_test(test_a_grace_out_of_this_world_is_a_day),
        cmocka_unit_test(test_bytes_that_are_no_message_are_refused),
        cmocka_unit_test(test_varints_have_a_byte_for_each_seven_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
