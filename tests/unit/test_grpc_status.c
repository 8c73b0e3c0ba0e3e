#include "connectors/grpc/inbox.h"
#include "connectors/grpc/status.h"
#include "unit.h"

static const char *said(const char *text, size_t length)
{
    static struct tow_grpc_status status;

    tow_grpc_status_say(&status, text, length, 1);
    return status.message;
}

static void test_messages_are_percent_decoded(void **state)
{
    (void)state;
    assert_string_equal(said("injected%20abort", 16), "injected abort");
    assert_string_equal(said("caf%C3%A9", 9), "caf\xc3\xa9");
    assert_string_equal(said("100%", 4), "100%");
    assert_string_equal(said("100%2", 5), "100%2");
    assert_string_equal(said("50%zz", 5), "50%zz");
    assert_string_equal(said("%25", 3), "%");
    assert_string_equal(said("", 0), "");
}

static void test_a_message_is_one_line_of_text(void **state)
{
    (void)state;
    assert_string_equal(said("a%0Ab%09c%00d%7F", 16), "a b c d ");
    assert_string_equal(said("a\xff%FEz", 6), "a??z");
    assert_string_equal(said("a%C3", 4), "a?");
}

static void test_text_that_is_not_encoded_keeps_its_percent_signs(void **state)
{
    struct tow_grpc_status status;

    (void)state;
    tow_grpc_status_say(&status, "a%20\xef\n", 6, 0);
    assert_string_equal(status.message, "a%20? ");
}

static void test_a_long_message_is_cut_between_characters(void **state)
{
    char text[2000];
    const char *message;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    message = said(text, sizeof text);
    assert_int_equal(strlen(message), 510);
    assert_memory_equal(message + 508, "\xc3\xa9", 3);
}

static void test_codes_have_names_and_classes(void **state)
{
    (void)state;
    assert_string_equal(tow_grpc_code_name(TOW_GRPC_UNAVAILABLE), "UNAVAILABLE");
    assert_string_equal(tow_grpc_code_name(99), "UNKNOWN");
    assert_string_equal(tow_grpc_code_name(-1), "UNKNOWN");
    assert_int_equal(tow_grpc_class(TOW_GRPC_OK), TOW_OK);
    assert_int_equal(tow_grpc_class(TOW_GRPC_UNAVAILABLE), TOW_E_TRANSIENT);
    assert_int_equal(tow_grpc_class(TOW_GRPC_UNAUTHENTICATED), TOW_E_AUTH);
    assert_int_equal(tow_grpc_class(TOW_GRPC_PERMISSION_DENIED), TOW_E_AUTH);
    assert_int_equal(tow_grpc_class(TOW_GRPC_INVALID_ARGUMENT), TOW_E_CONFIG);
    assert_int_equal(tow_grpc_class(TOW_GRPC_UNIMPLEMENTED), TOW_E_UNSUPPORTED);
    assert_int_equal(tow_grpc_class(TOW_GRPC_RESOURCE_EXHAUSTED), TOW_E_RATE);
}

static void test_only_codes_of_grpc_are_codes(void **state)
{
    (void)state;
    assert_int_equal(tow_grpc_code_parse("0", 1), 0);
    assert_int_equal(tow_grpc_code_parse("16", 2), 16);
    assert_int_equal(tow_grpc_code_parse("17", 2), TOW_GRPC_UNKNOWN);
    assert_int_equal(tow_grpc_code_parse("-1", 2), TOW_GRPC_UNKNOWN);
    assert_int_equal(tow_grpc_code_parse("", 0), TOW_GRPC_UNKNOWN);
    assert_int_equal(tow_grpc_code_parse("5 ", 2), TOW_GRPC_UNKNOWN);
    assert_int_equal(tow_grpc_code_parse("99999999999999999999", 20), TOW_GRPC_UNKNOWN);
}

static void test_resets_are_mapped_as_grpc_says(void **state)
{
    static const int codes[] = {13, 13, 13, 13, 13, 2, 13, 14, 1, 13, 13, 8, 7, 2};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        assert_int_equal(tow_grpc_code_of_reset((uint32_t)i), codes[i]);
    assert_int_equal(tow_grpc_code_of_reset(12345), TOW_GRPC_INTERNAL);
}

static void test_a_refusal_says_what_which_and_why(void **state)
{
    struct tow_grpc_status status = {.code = TOW_GRPC_NOT_FOUND, .message = "no such table"};
    struct tow_error err = TOW_ERROR_INIT;

    (void)state;
    assert_int_equal(tow_grpc_refused(&status, "opening a.b.c", &err), TOW_E_CONFIG);
    assert_string_equal(err.message, "opening a.b.c: NOT_FOUND: no such table");
    status.message[0] = '\0';
    tow_grpc_refused(&status, "opening a.b.c", &err);
    assert_says(err, "no reason");
}

/* Messages of all lengths up to 40, in pieces of all sizes. */
static void test_messages_are_found_wherever_the_pieces_end(void **state)
{
    struct grpc_inbox inbox = {0};
    unsigned char stream[40 * 50];
    size_t size = 0, length;
    uint32_t announced;

    (void)state;
    for (unsigned char n = 0; n < 40; n++) {
        const unsigned char prefix[5] = {0, 0, 0, 0, n};

        memcpy(stream + size, prefix, 5);
        memset(stream + size + 5, n, n);
        size += 5u + n;
    }
    for (size_t piece = 1; piece <= size; piece++) {
        unsigned char next = 0;

        for (size_t at = 0; at < size; at += piece) {
            size_t count = size - at < piece ? size - at : piece;
            const unsigned char *message;

            assert_int_equal(grpc_inbox_put(&inbox, stream + at, count, 40, &announced),
                             GRPC_INBOX_OK);
            for (; (message = grpc_inbox_take(&inbox, &length)); next++) {
                assert_int_equal(length, next);
                for (size_t i = 0; i < length; i++)
                    assert_int_equal(message[i], next);
            }
        }
        assert_int_equal(next, 40);
        assert_int_equal(grpc_inbox_is_broken_off(&inbox), 0);
    }
    grpc_inbox_release(&inbox);
}

static void test_a_message_of_just_the_limit_is_taken(void **state)
{
    struct grpc_inbox inbox = {0};
    uint32_t announced;

    (void)state;
    assert_int_equal(grpc_inbox_put(&inbox, "\0\0\0\0\3", 5, 3, &announced), GRPC_INBOX_OK);
    assert_int_equal(grpc_inbox_is_broken_off(&inbox), 1);
    assert_int_equal(grpc_inbox_put(&inbox, "abc\0\0\0\0\4", 8, 3, &announced),
                     GRPC_INBOX_TOO_LONG);
    assert_int_equal(announced, 4);
    grpc_inbox_release(&inbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_are_percent_decoded),
        cmocka_unit_test(test_a_message_is_one_line_of_text),
        cmocka_unit_test(test_text_that_is_not_encoded_keeps_its_percent_signs),
        cmocka_unit_test(test_a_long_message_is_cut_between_characters),
        cmocka_unit_test(test_codes_have_names_and_classes),
        cmocka_unit_test(test_only_codes_of_grpc_are_codes),
        cmocka_unit_test(test_resets_are_mapped_as_grpc_says),
        cmocka_unit_test(test_a_refusal_says_what_which_and_why),
        cmocka_unit_test(test_messages_are_found_wherever_the_pieces_end),
        cmocka_unit_test(test_a_message_of_just_the_limit_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
