/* Reading reject files, sound ones and others. */
#include "unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/rejects.h"
#include "state_fixture.h"

#define HEADER                                                                                   \
    "{\"towpath_rejects\":1,\"job\":\"j\",\"run\":1,\"columns\":[{\"name\":\"a\",\"type\":"      \
    "\"int32\"},"                                                                                \
    "{\"name\":\"b\",\"type\":\"string\",\"not_null\":true},{\"name\":\"d\",\"type\":\"date\"}," \
    "{\"name\":\"t\",\"type\":\"timestamp\"},{\"name\":\"n\",\"type\":\"timestamp_ntz\"},"       \
    "{\"name\":\"x\",\"type\":\"binary\"},{\"name\":\"f\",\"type\":\"float64\"},"                \
    "{\"name\":\"c\",\"type\":\"decimal(5,2)\"},{\"name\":\"o\",\"type\":\"bool\"},"             \
    "{\"name\":\"u\",\"type\":\"uint64\"},{\"name\":\"j\",\"type\":\"json\"}]}\n"

static struct tow_reject_reader *open_text(const struct scratch *scratch, const char *text,
                                           int64_t valid)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_reject_reader *reader;

    scratch_write(scratch->path, text, strlen(text));
    reader = tow_reject_reader_new(scratch->path, valid, &err);
    if (!reader)
        fail_msg("%s", err.message);
    return reader;
}

static void assert_next(struct tow_reject_reader *reader, const char *expected)
{
    struct tow_error err = TOW_ERROR_INIT;
    const char *line;
    size_t length;

    assert_ok(tow_reject_reader_next(reader, &line, &length, &err), err);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(line, expected, length);
}

static void assert_end(struct tow_reject_reader *reader)
{
    struct tow_error err = TOW_ERROR_INIT;
    const char *line;
    size_t length;

    assert_int_equal(tow_reject_reader_next(reader, &line, &length, &err), TOW_END);
    assert_int_equal(tow_reject_reader_next(reader, &line, &length, &err), TOW_END);
}

static void assert_unreadable(const struct scratch *scratch, int64_t valid, int code,
                              const char *says)
{
    struct tow_error err = TOW_ERROR_INIT;

    assert_null(tow_reject_reader_new(scratch->path, valid, &err));
    assert_int_equal(err.code, code);
    assert_says(err, scratch->path);
    assert_says(err, says);
}

static void test_lines_come_one_by_one_up_to_the_valid_length(void **fixture)
{
    int64_t valid = (int64_t)strlen(HEADER "one\n\nthree\n");
    struct tow_reject_reader *reader =
        open_text(*fixture, HEADER "one\n\nthree\nfrom a run that died\nhalf a li", valid);

    assert_next(reader, "one");
    assert_next(reader, "");
    assert_next(reader, "three");
    assert_end(reader);
    tow_reject_reader_free(reader);
}

static void test_the_header_alone_has_no_lines(void **fixture)
{
    struct tow_reject_reader *reader = open_text(*fixture, HEADER, (int64_t)strlen(HEADER));
    const struct ArrowSchema *schema = tow_reject_reader_schema(reader);
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_field field;

    assert_int_equal(schema->n_children, 11);
    assert_ok(tow_schema_field(schema, 1, &field, &err), err);
    assert_string_equal(field.name, "b");
    assert_int_equal(field.type.id, TOW_TYPE_STRING);
    assert_int_equal(field.not_null, 1);
    assert_ok(tow_schema_field(schema, 7, &field, &err), err);
    assert_int_equal(field.type.precision, 5);
    assert_int_equal(field.type.scale, 2);
    assert_int_equal(field.not_null, 0);
    assert_end(reader);
    tow_reject_reader_free(reader);
}

static void test_a_valid_length_within_a_line_is_damage(void **fixture)
{
    int64_t valid = (int64_t)strlen(HEADER "one\ntw");
    struct tow_reject_reader *reader = open_text(*fixture, HEADER "one\ntwo\n", valid);
    struct tow_error err = TOW_ERROR_INIT;
    const char *line;
    size_t length;

    assert_next(reader, "one");
    assert_int_equal(tow_reject_reader_next(reader, &line, &length, &err), TOW_E_DATA);
    assert_says(err, "line 3 has no end");
    tow_reject_reader_free(reader);
}

static void test_a_file_shorter_than_the_state_says_is_damage(void **fixture)
{
    const struct scratch *scratch = *fixture;

    scratch_write(scratch->path, HEADER, strlen(HEADER));
    assert_unreadable(scratch, (int64_t)strlen(HEADER) + 1, TOW_E_ENV, "the state says");
}

static void test_a_file_that_shrinks_while_it_is_read_is_damage(void **fixture)
{
    const struct scratch *scratch = *fixture;
    size_t head = strlen(HEADER), length = head + 300000;
    struct tow_error err = TOW_ERROR_INIT;
    char *text = malloc(length + 1);
    struct tow_reject_reader *reader;
    const char *line;
    size_t line_length;

    assert_non_null(text);
    memset(text, 'x', length);
    memcpy(text, HEADER, head);
    text[length - 1] = '\n';
    text[length] = '\0';
    reader = open_text(scratch, text, (int64_t)length);
    assert_int_equal(truncate(scratch->path, 100000), 0);
    assert_int_equal(tow_reject_reader_next(reader, &line, &line_length, &err), TOW_E_ENV);
    assert_says(err, "ends at byte 100000");
    tow_reject_reader_free(reader);

    /* The same file whole: a line longer than the reader's first room. */
    reader = open_text(scratch, text, (int64_t)length);
    assert_ok(tow_reject_reader_next(reader, &line, &line_length, &err), err);
    assert_int_equal(line_length, 299999);
    assert_memory_equal(line, text + head, line_length);
    assert_end(reader);
    tow_reject_reader_free(reader);
    free(text);
}

static void test_a_line_beyond_64_mib_is_refused(void **fixture)
{
    const struct scratch *scratch = *fixture;
    const off_t length = (off_t)200 * 1024 * 1024;
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_reject_reader *reader;
    const char *line;
    size_t line_length;

    scratch_write(scratch->path, HEADER, strlen(HEADER));
    assert_int_equal(truncate(scratch->path, length), 0);
    reader = tow_reject_reader_new(scratch->path, length, &err);
    assert_non_null(reader);
    assert_int_equal(tow_reject_reader_next(reader, &line, &line_length, &err), TOW_E_DATA);
    assert_says(err, "line 2 is longer than 67108864 bytes");
    tow_reject_reader_free(reader);
}

static void test_what_cannot_be_opened_is_named(void **fixture)
{
    const struct scratch *scratch = *fixture;

    assert_unreadable(scratch, 10, TOW_E_ENV, strerror(ENOENT));
    assert_int_equal(mkdir(scratch->path, 0700), 0);
    assert_unreadable(scratch, 10, TOW_E_ENV, "not a regular file");
    assert_int_equal(rmdir(scratch->path), 0);
    assert_int_equal(symlink("/dev/null", scratch->path), 0);
    assert_unreadable(scratch, 0, TOW_E_ENV, strerror(ELOOP));
}

static void test_a_damaged_header_is_refused(void **fixture)
{
    static const struct {
        const char *header;
        int code;
        const char *says;
    } cases[] = {
        {"", TOW_E_DATA, "first line: missing"},
        {"{\"towpath_rejects\":1", TOW_E_DATA, "line 1 has no end"},
        {"{\"towpath_rejects\":1\n", TOW_E_DATA, "not a JSON value"},
        {"[]\n", TOW_E_DATA, "\"towpath_rejects\" is missing"},
        {"{\"columns\":[]}\n", TOW_E_DATA, "\"towpath_rejects\" is missing"},
        {"{\"towpath_rejects\":2,\"columns\":[]}\n", TOW_E_CONFIG, "format 2"},
        {"{\"towpath_rejects\":1}\n", TOW_E_DATA, "\"columns\" is missing"},
        {"{\"towpath_rejects\":\"1\",\"columns\":[]}\n", TOW_E_CONFIG, "format \"1\""},
        {"{\"towpath_rejects\":1,\"columns\":[{\"name\":1,\"type\":\"int8\"}]}\n", TOW_E_DATA,
         "no name"},
        {"{\"towpath_rejects\":1,\"columns\":[{\"name\":\"a\",\"type\":8}]}\n", TOW_E_DATA,
         "no type"},
        {"{\"towpath_rejects\":1,\"columns\":{}}\n", TOW_E_DATA, "\"columns\" is no list"},
        {"{\"towpath_rejects\":1,\"columns\":[1]}\n", TOW_E_DATA, "without name or type"},
        {"{\"towpath_rejects\":1,\"columns\":[{\"name\":\"a\"}]}\n", TOW_E_DATA,
         "without name or type"},
        {"{\"towpath_rejects\":1,\"columns\":[{\"type\":\"int8\"}]}\n", TOW_E_DATA,
         "without name or type"},
    };
    const struct scratch *scratch = *fixture;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = strlen(cases[i].header);

        scratch_write(scratch->path, cases[i].header, length);
        assert_unreadable(scratch, (int64_t)length, cases[i].code, cases[i].says);
    }
}

static void test_columns_that_cannot_be_are_refused(void **fixture)
{
    static const char *const columns[] = {
        "{\"name\":\"a\",\"type\":\"no_type\"}",
        "{\"name\":\"a\",\"type\":\"decimal(39,0)\"}",
        "{\"name\":\"\",\"type\":\"int8\"}",
        "{\"name\":\"a\",\"type\":\"int8\"},{\"name\":\"a\",\"type\":\"int8\"}",
    };
    const struct scratch *scratch = *fixture;

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        struct tow_error err = TOW_ERROR_INIT;
        char text[256];

        snprintf(text, sizeof text, "{\"towpath_rejects\":1,\"columns\":[%s]}\n", columns[i]);
        scratch_write(scratch->path, text, strlen(text));
        assert_null(tow_reject_reader_new(scratch->path, (int64_t)strlen(text), &err));
        assert_int_not_equal(err.code, TOW_OK);
        assert_string_not_equal(err.message, "");
        assert_says(err, scratch->path);
    }
}

/* ---- parsing -------------------------------------------------------------------------------- */

struct parser {
    struct tow_reject_reader *reader;
    struct tow_builder *builder;
};

static struct parser start_parser(const struct scratch *scratch)
{
    struct tow_error err = TOW_ERROR_INIT;
    struct parser parser = {.reader = open_text(scratch, HEADER, (int64_t)strlen(HEADER))};

    parser.builder = tow_builder_new_schema(tow_reject_reader_schema(parser.reader), &err);
    assert_non_null(parser.builder);
    return parser;
}

static void stop_parser(struct parser *parser)
{
    tow_builder_free(parser->builder);
    tow_reject_reader_free(parser->reader);
}

/* Parses a copy that has nothing behind it, so that a sanitizer sees a read beyond. */
static int parse(struct parser *parser, const char *line, struct tow_error *err)
{
    size_t length = strlen(line);
    char *copy = malloc(length ? length : 1);
    int result;

    assert_non_null(copy);
    memcpy(copy, line, length);
    result = tow_reject_parse(parser->reader, copy, length, parser->builder, err);
    free(copy);
    return result;
}

static void test_a_line_becomes_the_open_row(void **fixture)
{
    struct parser parser = start_parser(*fixture);
    struct tow_error err = TOW_ERROR_INIT;
    struct ArrowArray array;
    struct tow_view a, b;
    size_t length;

    assert_ok(parse(&parser,
                    " { \"raw\" : {\"row\":{\"a\":1}} , \"row\" : { \"\\u0061\" : -5 , \"b\" : "
                    "\"\\ud83d\\ude82\\u00e4\\u20ac\\/\" , \"u\":null } } ",
                    &err),
              err);
    assert_ok(tow_builder_end_row(parser.builder, &err), err);
    assert_ok(tow_builder_finish(parser.builder, &array, &err), err);
    assert_int_equal(array.length, 1);
    tow_view_init(&a, tow_reject_reader_schema(parser.reader), &array, 0);
    tow_view_init(&b, tow_reject_reader_schema(parser.reader), &array, 1);
    assert_int_equal(tow_view_int64(&a, 0), -5);
    const char *text = tow_view_bytes(&b, 0, &length);
    assert_int_equal(length, 10);
    assert_memory_equal(text, "\xf0\x9f\x9a\x82\xc3\xa4\xe2\x82\xac/", 10);
    array.release(&array);
    stop_parser(&parser);
}

static void test_a_line_with_only_raw_text_is_left_out(void **fixture)
{
    struct parser parser = start_parser(*fixture);
    struct tow_error err = TOW_ERROR_INIT;

    assert_int_equal(parse(&parser, "{\"code\":\"x\",\"raw\":\"\\\"row\\\":{}\"}", &err), TOW_END);
    assert_int_equal(parse(&parser, "{}", &err), TOW_END);
    assert_int_equal(tow_builder_rows(parser.builder), 0);
    stop_parser(&parser);
}

static void test_damaged_lines_are_refused_and_the_next_one_is_read(void **fixture)
{
    static const char *const lines[] = {
        "",
        "{",
        "null",
        "[]",
        "{\"row\":1}",
        "{\"row\":[]}",
        "{\"row\":{\"a\":1}",
        "{\"row\":{}} x",
        "{\"row\":{\"nope\":1}}",
        "{\"row\":{\"a\":1,\"a\":1}}",
        "{\"row\":{\"a\":\"1\"}}",
        "{\"row\":{\"a\":1.0}}",
        "{\"row\":{\"a\":1e1}}",
        "{\"row\":{\"a\":2147483648}}",
        "{\"row\":{\"a\":true}}",
        "{\"row\":{\"a\":{}}}",
        "{\"row\":{\"b\":1}}",
        "{\"row\":{\"b\":{}}}",
        "{\"row\":{\"b\":\"\\ud800\"}}",
        "{\"row\":{\"b\":\"\\udc00\"}}",
        "{\"row\":{\"b\":\"\\ud800\\u0041\"}}",
        "{\"row\":{\"b\":\"\\ud800xxxxxx\"}}",
        "{\"row\":{\"d\":\"2024-02-30\"}}",
        "{\"row\":{\"d\":\"20240201\"}}",
        "{\"row\":{\"d\":\"\"}}",
        "{\"row\":{\"d\":\"2024-+1-+1\"}}",
        "{\"row\":{\"d\":\"99999999999-01-01\"}}",
        "{\"row\":{\"d\":1}}",
        "{\"row\":{\"t\":\"2024-02-01T00:00:00\"}}",
        "{\"row\":{\"t\":\"2024-02-01\"}}",
        "{\"row\":{\"t\":\"T00:00:00Z\"}}",
        "{\"row\":{\"t\":\"2024-02-01T24:00:01Z\"}}",
        "{\"row\":{\"t\":\"2024-02-01T00:00:00.0000000000000000000000000000000000000000Z\"}}",
        "{\"row\":{\"t\":\"+294247-01-10T04:00:54.775808Z\"}}",
        "{\"row\":{\"n\":\"2024-02-01T00:00:00Z\"}}",
        "{\"row\":{\"x\":\"a\"}}",
        "{\"row\":{\"x\":\"????\"}}",
        "{\"row\":{\"f\":\"one\"}}",
        "{\"row\":{\"f\":true}}",
        "{\"row\":{\"f\":1e999}}",
        "{\"row\":{\"c\":1000.00}}",
        "{\"row\":{\"c\":1.001}}",
        "{\"row\":{\"c\":\"1.00\"}}",
        "{\"row\":{\"o\":\"true\"}}",
        "{\"row\":{\"o\":2}}",
        "{\"row\":{\"u\":-1}}",
        "{\"row\":{\"u\":18446744073709551616}}",
        "{\"row\":{\"b\":\"\xff\"}}",
    };
    const struct scratch *scratch = *fixture;
    struct parser parser = start_parser(scratch);
    struct tow_error err = TOW_ERROR_INIT;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int result = parse(&parser, lines[i], &err);

        if (result != TOW_E_DATA)
            fail_msg("%s: %s", lines[i], tow_error_name(result));
        assert_says(err, scratch->path);
        assert_ok(parse(&parser, "{\"row\":{\"b\":\"x\",\"a\":1}}", &err), err);
        assert_ok(tow_builder_end_row(parser.builder, &err), err);
        assert_int_equal(tow_builder_rows(parser.builder), i + 1);
    }
    stop_parser(&parser);
}

static void test_a_message_names_file_line_and_column(void **fixture)
{
    const struct scratch *scratch = *fixture;
    struct tow_reject_reader *reader =
        open_text(scratch, HEADER "{}\n{\"row\":{\"a\":12x}}\n{\"row\":{\"a\":true}}\n",
                  (int64_t)strlen(HEADER "{}\n{\"row\":{\"a\":12x}}\n{\"row\":{\"a\":true}}\n"));
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_builder *builder = tow_builder_new_schema(tow_reject_reader_schema(reader), &err);
    const char *line;
    size_t length;

    assert_ok(tow_reject_reader_next(reader, &line, &length, &err), err);
    assert_ok(tow_reject_reader_next(reader, &line, &length, &err), err);
    assert_int_equal(tow_reject_parse(reader, line, length, builder, &err), TOW_E_DATA);
    assert_says(err, "line 3: not a JSON value");
    assert_ok(tow_reject_reader_next(reader, &line, &length, &err), err);
    assert_int_equal(tow_reject_parse(reader, line, length, builder, &err), TOW_E_DATA);
    assert_says(err, scratch->path);
    assert_says(err, "line 4: column a: \"true\" is no int32");
    tow_builder_free(builder);
    tow_reject_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_lines_come_one_by_one_up_to_the_valid_length),
        SCRATCH_TEST(test_the_header_alone_has_no_lines),
        SCRATCH_TEST(test_a_valid_length_within_a_line_is_damage),
        SCRATCH_TEST(test_a_file_shorter_than_the_state_says_is_damage),
        SCRATCH_TEST(test_a_file_that_shrinks_while_it_is_read_is_damage),
        SCRATCH_TEST(test_a_line_beyond_64_mib_is_refused),
        SCRATCH_TEST(test_what_cannot_be_opened_is_named),
        SCRATCH_TEST(test_a_damaged_header_is_refused),
        SCRATCH_TEST(test_columns_that_cannot_be_are_refused),
        SCRATCH_TEST(test_a_line_becomes_the_open_row),
        SCRATCH_TEST(test_a_line_with_only_raw_text_is_left_out),
        SCRATCH_TEST(test_damaged_lines_are_refused_and_the_next_one_is_read),
        SCRATCH_TEST(test_a_message_names_file_line_and_column),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
