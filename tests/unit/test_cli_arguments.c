#include "unit.h"

#include "console/arguments.h"

struct values {
    int flag, quiet, level;
    const char *text;
    int64_t number;
    struct tow_texts texts;
};

#define VALUE(member) offsetof(struct values, member)

static const struct tow_argument rows[] = {
    {"flag", 'f', TOW_ARGUMENT_FLAG, VALUE(flag), NULL, "a flag", 0, 0, 0},
    {"quiet", 'q', TOW_ARGUMENT_FLAG, VALUE(quiet), NULL, "another", 0, 0, 0},
    {"output", 'o', TOW_ARGUMENT_TEXT, VALUE(text), "FILE", "a text", 0, 0, 0},
    {"number", 0, TOW_ARGUMENT_NUMBER, VALUE(number), "N", "a number", 1, 100, 20},
    {"level", 0, TOW_ARGUMENT_CHOICE, VALUE(level), "low|high", "a choice", 0, 0, -1},
    {"set", 0, TOW_ARGUMENT_TEXTS, VALUE(texts), "KEY=VALUE", "texts", 0, 0, 0},
    TOW_ARGUMENTS_END,
};

static struct values values;
static const struct tow_argument_set set = {rows, &values};
static char *argv_copy[16];

static int parse(int *first, struct tow_error *err, int argc, const char *const *argv)
{
    values = (struct values){0};
    tow_arguments_defaults(&set);
    for (int i = 0; i < argc; i++)
        argv_copy[i] = (char *)argv[i];
    argv_copy[argc] = NULL;
    return tow_arguments_parse(argc, argv_copy, &set, 1, first, err);
}

/* Parses the words behind the program's name. */
#define PARSE(first, err, ...)                                                                  \
    parse(first, err, (int)(sizeof((const char *[]){"towpath", __VA_ARGS__}) / sizeof(char *)), \
          (const char *[]){"towpath", __VA_ARGS__})

static void refused(const char *word, const char *value, const char *message)
{
    struct tow_error err = TOW_ERROR_INIT;
    int first, rc;

    if (value)
        rc = PARSE(&first, &err, word, value);
    else
        rc = PARSE(&first, &err, word);
    tow_arguments_release(&set);
    assert_int_equal(rc, TOW_E_CONFIG);
    assert_string_equal(err.message, message);
}

static void test_options_are_taken_among_other_arguments(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    int first;

    (void)state;
    assert_ok(PARSE(&first, &err, "one", "-fq", "--output=x", "two", "--number", "7", "--level",
                    "high", "--", "-f"),
              err);
    assert_int_equal(values.flag, 1);
    assert_int_equal(values.quiet, 1);
    assert_string_equal(values.text, "x");
    assert_int_equal(values.number, 7);
    assert_int_equal(values.level, 1);
    assert_string_equal(argv_copy[first], "one");
    assert_string_equal(argv_copy[first + 1], "two");
    assert_string_equal(argv_copy[first + 2], "-f");
}

static void test_absent_options_have_their_fallbacks(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    int first;

    (void)state;
    assert_ok(PARSE(&first, &err, "x"), err);
    assert_int_equal(values.number, 20);
    assert_int_equal(values.level, -1);
    assert_null(values.text);
}

static void test_lists_keep_all_values_in_order(void **state)
{
    struct tow_error err = TOW_ERROR_INIT;
    int first;

    (void)state;
    assert_ok(PARSE(&first, &err, "--set", "a=1", "--set=b=2"), err);
    assert_int_equal(values.texts.count, 2);
    assert_string_equal(values.texts.items[0], "a=1");
    assert_string_equal(values.texts.items[1], "b=2");
    tow_arguments_release(&set);
}

static void test_wrong_options_are_refused_by_name(void **state)
{
    (void)state;
    refused("--numbre", "4", "unknown option --numbre; did you mean --number?");
    refused("--zzzzzz", NULL, "unknown option --zzzzzz");
    refused("-x", NULL, "unknown option -x");
    refused("--output", NULL, "option --output needs a value: FILE");
    refused("-o", NULL, "option -o needs a value: FILE");
    refused("--flag=1", NULL, "option --flag takes no value");
}

static void test_wrong_values_are_refused_with_the_limit(void **state)
{
    (void)state;
    refused("--number", "0", "option --number: 0 is not within 1 .. 100");
    refused("--number", "101", "option --number: 101 is not within 1 .. 100");
    refused("--number", "1x", "option --number: \"1x\" is not a whole number");
    refused("--number", "", "option --number: \"\" is not a whole number");
    refused("--level", "hig", "option --level: \"hig\" is none of low|high");
    refused("--level", "low|high", "option --level: \"low|high\" is none of low|high");
}

static void test_options_of_someone_else_are_kept_as_pairs(void **state)
{
    static const struct tow_argument open_rows[] = {
        {"flag", 'f', TOW_ARGUMENT_FLAG, VALUE(flag), NULL, "a flag", 0, 0, 0},
        {"OPTION", 0, TOW_ARGUMENT_OTHERS, VALUE(texts), "VALUE", "others", 0, 0, 0},
        TOW_ARGUMENTS_END,
    };
    static const struct tow_argument_set open_set = {open_rows, &values};
    const char *argv[] = {"towpath", "a", "--first", "1", "b", "--second=2=3", "-f", "--third", ""};
    struct tow_error err = TOW_ERROR_INIT;
    int first;

    (void)state;
    values = (struct values){0};
    assert_ok(tow_arguments_parse(9, (char **)(uintptr_t)argv, &open_set, 1, &first, &err), err);
    assert_int_equal(values.flag, 1);
    assert_int_equal(values.texts.count, 6);
    assert_string_equal(values.texts.items[0], "first");
    assert_string_equal(values.texts.items[1], "1");
    assert_string_equal(values.texts.items[2], "second=2=3");
    assert_string_equal(values.texts.items[3], "2=3");
    assert_string_equal(values.texts.items[4], "third");
    assert_string_equal(values.texts.items[5], "");
    assert_int_equal(first, 7);
    assert_string_equal(argv[7], "a");
    assert_string_equal(argv[8], "b");
    assert_int_equal(
        tow_arguments_parse(3, (char *[]){"towpath", "a", "--last"}, &open_set, 1, &first, &err),
        TOW_E_CONFIG);
    assert_says(err, "option --last needs a value");
    assert_int_equal(
        tow_arguments_parse(2, (char *[]){"towpath", "-x"}, &open_set, 1, &first, &err),
        TOW_E_CONFIG);
    assert_says(err, "unknown option -x");
    tow_arguments_release(&open_set);
}

static void test_words_are_found_behind_options_with_values(void **state)
{
    static const char *const argv[] = {"towpath", "-o", "x", "state", "--flag", "reset", "--", "y"};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_texts words = {0};

    (void)state;
    for (size_t i = 0; i < 8; i++)
        argv_copy[i] = (char *)argv[i];
    assert_ok(tow_arguments_words(8, argv_copy, &set, 1, &words, 3, &err), err);
    assert_int_equal(words.count, 2);
    assert_string_equal(words.items[0], "state");
    assert_string_equal(words.items[1], "reset");
    free(words.items);
}

static void test_an_unknown_option_before_the_first_word_is_refused(void **state)
{
    static const char *const argv[] = {"towpath", "--sett", "x", "run"};
    struct tow_error err = TOW_ERROR_INIT;
    struct tow_texts words = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        argv_copy[i] = (char *)argv[i];
    assert_int_equal(tow_arguments_words(4, argv_copy, &set, 1, &words, 3, &err), TOW_E_CONFIG);
    assert_says(err, "--sett; did you mean --set?");
    free(words.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_are_taken_among_other_arguments),
        cmocka_unit_test(test_absent_options_have_their_fallbacks),
        cmocka_unit_test(test_lists_keep_all_values_in_order),
        cmocka_unit_test(test_wrong_options_are_refused_by_name),
        cmocka_unit_test(test_wrong_values_are_refused_with_the_limit),
        cmocka_unit_test(test_options_of_someone_else_are_kept_as_pairs),
        cmocka_unit_test(test_words_are_found_behind_options_with_values),
        cmocka_unit_test(test_an_unknown_option_before_the_first_word_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
